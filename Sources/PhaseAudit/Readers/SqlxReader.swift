internal import PhaseDB

/// SQLx: `1_name.sql`, or `1_name.up.sql` and `1_name.down.sql`, by number. It records SHA-384 of the file's bytes
/// (github.com/launchbadge/sqlx, sqlx-core/src/migrate/source.rs).
struct SqlxReader: FolderReader {
  let files: FolderFiles

  func folder() -> ToolFolder {
    var remarks = files.remarks
    var found: [(number: Int64, name: String, up: String?, down: String?)] = []
    var places: [Int64: Int] = [:]
    for file in files.topFiles where file.hasSuffix(".sql") {
      guard let (before, after) = file.cut(at: "_") else { continue }
      guard let number = Int64(before) else {
        remarks.append(
          ToolFolder.Remark("\(files.path(of: file)) does not begin with a number: sqlx refuses the folder"))
        continue
      }
      let isDown = after.hasSuffix(".down.sql")
      let suffix = isDown ? ".down.sql" : after.hasSuffix(".up.sql") ? ".up.sql" : ".sql"
      let name = String(after.dropLast(suffix.count))
      // The second half of a pair; a number that is there twice makes another migration.
      if let index = places[number], (isDown ? found[index].down : found[index].up) == nil {
        if isDown { found[index].down = file } else { (found[index].up, found[index].name) = (file, name) }
      } else {
        places[number] = found.count
        found.append((number, name, isDown ? nil : file, isDown ? file : nil))
      }
    }
    found.sort { $0.number < $1.number }
    let migrations = found.map { migration(String($0.number), $0.name, up: $0.up, down: $0.down) }
    return ToolFolder(
      tool: .sqlx, path: files.root, migrations: migrations,
      remarks: remarks + ToolFolder.Remark.repeated(migrations, "sqlx cannot record both", in: files))
  }

  private func migration(_ version: String, _ name: String, up: String?, down: String?) -> ToolMigration {
    .pair(
      files, version: version,
      name: name.split(separator: "_", omittingEmptySubsequences: false).joined(separator: " "), up: up,
      down: down, checksum: { SHA384.hex(Array($0.original.utf8)) }, script: script)
  }

  /// The first bytes of each file say whether it runs in a transaction.
  private func script(_ file: ToolFile) -> ToolScript {
    ToolScript(file, wrapping: file.text.utf8.starts(with: "-- no-transaction".utf8) ? .none : .transaction)
  }
}
