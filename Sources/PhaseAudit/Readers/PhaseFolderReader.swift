internal import PhaseDB
internal import PhaseSQLite

/// A folder of phasedb's own: each phase is a migration, by its short name.
struct PhaseFolderReader {
  static func folder(_ path: String) throws(MigrationError) -> ToolFolder {
    let catalog = try Catalog(folder: path)
    return ToolFolder(
      tool: .phasedb, path: path,
      migrations: catalog.migrations.flatMap { migration in
        migration.phases.map { phase in
          let name = "\(migration.name)/\(phase.kind.rawValue)"
          return ToolMigration(
            version: name, name: name, files: ["\(migration.name)/\(phase.kind.fileName)"],
            up: script(phase.up), down: script(phase.down))
        }
      })
  }

  private static func script(_ script: Script) -> ToolScript {
    ToolScript(
      text: script.text, file: script.file, firstLine: script.firstLine,
      statements: SQLSplitter.statements(in: script.text), wrapping: .transaction)
  }
}
