internal import PhaseDB

/// Diesel: a folder for each migration, with `up.sql`, `down.sql` and perhaps `metadata.toml`
/// (docs.rs/diesel_migrations, FileBasedMigrations).
struct DieselReader: FolderReader {
  static let depth = 1
  let files: FolderFiles

  func folder() -> ToolFolder {
    var migrations: [ToolMigration] = []
    var remarks = files.remarks
    // diesel passes over a folder without files.
    let filled = Set(files.files.compactMap { $0.split(separator: "/").first })
    for folder in files.folders where filled.contains(folder[...]) {
      guard files.has("\(folder)/up.sql") else {
        remarks.append(
          ToolFolder.Remark("\(files.path(of: folder)) has no up.sql: diesel refuses the folder"))
        continue
      }
      migrations.append(migration(folder))
    }
    // Versions are compared as text (MigrationHarness::pending_migrations).
    migrations.sort { $0.version.precedes($1.version) }
    remarks += ToolFolder.Remark.repeated(
      migrations, "diesel takes one of them and leaves out the other", in: files)
    return ToolFolder(tool: .diesel, path: files.root, migrations: migrations, remarks: remarks)
  }

  private func migration(_ folder: String) -> ToolMigration {
    let wrapping: ToolScript.Wrapping = runsInTransaction(folder) ? .transaction : .none
    let up = files.file("\(folder)/up.sql")
    let down: (file: ToolFile?, obstacle: Prose?) =
      files.has("\(folder)/down.sql") ? files.file("\(folder)/down.sql") : (nil, nil)
    // The version is the name up to the first underscore, without hyphens: 2024-01-01-120000_name.
    let version = folder.prefix { $0 != "_" }.filter { $0 != "-" }
    return ToolMigration(
      version: String(version), name: folder,
      files: ["\(folder)/up.sql"] + (files.has("\(folder)/down.sql") ? ["\(folder)/down.sql"] : []),
      up: up.file.map { ToolScript($0, wrapping: wrapping) },
      down: down.file.map { ToolScript($0, wrapping: wrapping) }, obstacle: up.obstacle ?? down.obstacle)
  }

  /// A file without the key means no transaction, and a file that is not TOML means one transaction (TomlMetadata).
  private func runsInTransaction(_ folder: String) -> Bool {
    guard files.has("\(folder)/metadata.toml"), let file = files.file("\(folder)/metadata.toml").file else {
      return true
    }
    for line in Bytes.lines(of: file.bytes) {
      let text = line.text.prefix { $0 != "#" }
      guard let (key, value) = String(text).cut(at: "=") else {
        if text.trimmed.isEmpty { continue }
        return true
      }
      if key.trimmed == "run_in_transaction" { return value.trimmed != "false" }
    }
    return false
  }
}
