package import PhaseDB

extension ToolFolder {
  /// Reads the folder of a tool. What is wrong with one file is said of its migration, and the others are read.
  ///
  /// - Throws: `folder-not-found`, `folder-unreadable`, `too-many-files`; `tool-files-invalid` and the errors of reading a
  ///   file when the file that lists the others cannot be used.
  package static func read(
    _ path: String, tool: MigrationTool, options: ReaderOptions = ReaderOptions()
  ) throws(MigrationError) -> ToolFolder {
    switch tool {
    case .diesel: try DieselReader.folder(path, options)
    case .golangMigrate: try GolangMigrateReader.folder(path, options)
    case .maragudkMigrate: try MaragudkReader.folder(path, options)
    case .goose: try GooseReader.folder(path, options)
    case .dbmate: try DbmateReader.folder(path, options)
    case .sqlx: try SqlxReader.folder(path, options)
    case .refinery: try RefineryReader.folder(path, options)
    case .flyway: try FlywayReader.folder(path, options)
    case .sqitch: try SqitchReader.folder(path, options)
    case .nodeSQLite: try NodeSQLiteReader.folder(path, options)
    case .yoyo: try YoyoReader.folder(path, options)
    case .drizzle: try DrizzleReader.folder(path, options)
    case .prisma: try PrismaReader.folder(path, options)
    case .d1: try D1Reader.folder(path, options)
    case .phasedb: try PhaseFolderReader.folder(path)
    }
  }
}
