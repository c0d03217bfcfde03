internal import PhaseDB

/// golang-migrate: `1_name.up.sql` and `1_name.down.sql`, by number. Files that do not match
/// `^([0-9]+)_(.*)\.(down|up)\.(.*)$` are skipped (github.com/golang-migrate/migrate, source/parse.go).
struct GolangMigrateReader: FolderReader {
  let files: FolderFiles

  /// What a file is by its name.
  struct Name {
    let number: String
    let name: String
    let isUp: Bool

    init?(_ file: String) {
      let digits = file.prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty, file.dropFirst(digits.count).first == "_" else { return nil }
      // The last `up` or `down` counts, because `.*` is greedy.
      let parts = file.dropFirst(digits.count + 1).split(separator: ".", omittingEmptySubsequences: false)
      guard
        let direction = parts.indices.dropFirst().dropLast().last(where: {
          ["up", "down"].contains(parts[$0])
        })
      else { return nil }
      number = String(digits)
      name = parts[..<direction].joined(separator: ".")
      isUp = parts[direction] == "up"
    }
  }

  func folder() -> ToolFolder {
    var remarks = files.remarks
    var found: [UInt64: (name: String, up: String?, down: String?)] = [:]
    for file in files.topFiles {
      guard let name = Name(file) else { continue }
      guard let number = UInt64(name.number) else {
        remarks.append(
          ToolFolder.Remark(
            "golang-migrate passes over \(files.path(of: file)): its number does not fit into 64 bits"))
        continue
      }
      var entry = found[number] ?? (name: name.name, up: nil, down: nil)
      let taken = name.isUp ? entry.up : entry.down
      if let taken {
        remarks.append(
          ToolFolder.Remark(
            "\(files.path(of: taken)) and \(files.path(of: file)) have the same number: golang-migrate refuses the folder"
          ))
        continue
      }
      if name.isUp { (entry.up, entry.name) = (file, name.name) } else { entry.down = file }
      found[number] = entry
    }
    return ToolFolder(
      tool: .golangMigrate, path: files.root,
      migrations: found.sorted { $0.key < $1.key }.map { number, entry in
        migration(String(number), entry.name, up: entry.up, down: entry.down)
      }, remarks: remarks)
  }

  private func migration(_ version: String, _ name: String, up: String?, down: String?) -> ToolMigration {
    .pair(files, version: version, name: name, up: up, down: down) {
      ToolScript($0, wrapping: files.options.noTransaction ? .none : .transaction)
    }
  }
}
