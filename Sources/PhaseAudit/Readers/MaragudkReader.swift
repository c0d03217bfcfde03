internal import PhaseDB

/// maragu.dev/migrate: `name.up.sql` and `name.down.sql`, in the order of the files' names, which need no number.
struct MaragudkReader: FolderReader {
  let files: FolderFiles

  /// The version in a name of the form `^([\w-]+).up.sql$`, in which each dot is any character. The pattern for a way down
  /// has no end.
  static func version(_ file: String, isUp: Bool) -> String? {
    let direction = isUp ? "up" : "down"
    let version = file.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    guard !version.isEmpty else { return nil }
    let rest = Array(file.dropFirst(version.count))
    let ending = Array(direction)
    guard rest.count >= ending.count + 5, Array(rest[1...ending.count]) == ending,
      Array(rest[(ending.count + 2)...].prefix(3)) == Array("sql"), !isUp || rest.count == ending.count + 5
    else { return nil }
    return String(version)
  }

  func folder() -> ToolFolder {
    let downs = Dictionary(
      files.topFiles.compactMap { file in Self.version(file, isUp: false).map { ($0, file) } },
      uniquingKeysWith: { first, _ in first })
    let ups = files.topFiles.compactMap { file in Self.version(file, isUp: true).map { ($0, file) } }
    var migrations = ups.map { version, file in
      ToolMigration.pair(
        files, version: version, name: version, up: file, down: downs[version], script: Self.script)
    }
    for (version, file) in downs.sorted(by: { $0.key.precedes($1.key) })
    where !ups.contains(where: { $0.0 == version }) {
      migrations.append(
        .pair(files, version: version, name: version, up: nil, down: file, script: Self.script))
    }
    return ToolFolder(
      tool: .maragudkMigrate, path: files.root, migrations: migrations, remarks: files.remarks)
  }

  private static func script(_ file: ToolFile) -> ToolScript { ToolScript(file, wrapping: .transaction) }
}
