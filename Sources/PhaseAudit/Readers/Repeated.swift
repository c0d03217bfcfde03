internal import PhaseDB

/// Versions that several migrations of a folder have.
enum Repeated {
  static func remarks(
    _ migrations: [ToolMigration], _ consequence: Prose, in files: FolderFiles
  ) -> [ToolFolder.Remark] {
    var seen: [String: ToolMigration] = [:]
    var remarks: [ToolFolder.Remark] = []
    for migration in migrations where !migration.isRepeatable {
      if let first = seen[migration.version] {
        remarks.append(
          ToolFolder.Remark(
            "\(files.path(of: first.files.first ?? first.name)) and \(files.path(of: migration.files.first ?? migration.name)) have the version \(migration.version): \(consequence)"
          ))
      } else {
        seen[migration.version] = migration
      }
    }
    return remarks
  }
}

extension StringProtocol {
  /// Whether it comes first where Go, Rust and Python compare text, by its bytes. Swift compares what people see.
  func precedes(_ other: some StringProtocol) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
