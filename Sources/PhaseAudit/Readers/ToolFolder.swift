package import PhaseDB

/// The migrations of a folder, as the reader of its tool found them.
package struct ToolFolder: Sendable {
  package let tool: MigrationTool
  /// The folder, as it was named.
  package let path: String
  /// In the order in which the tool applies them.
  package var migrations: [ToolMigration]
  /// Other remarks of the reader: a file that is not a migration, a number that occurs twice.
  package var remarks: [Remark]

  package init(tool: MigrationTool, path: String, migrations: [ToolMigration], remarks: [Remark] = []) {
    self.tool = tool
    self.path = path
    self.migrations = migrations
    self.remarks = remarks
  }

  /// A remark about a file.
  package struct Remark: Sendable, Hashable {
    /// A sentence.
    package let message: Prose
    package let place: Place?

    package init(_ message: Prose, at place: Place? = nil) {
      self.message = message
      self.place = place
    }

    /// Remarks about versions that several migrations of a folder have.
    static func repeated(
      _ migrations: [ToolMigration], _ consequence: Prose, in files: FolderFiles
    ) -> [Remark] {
      var seen: [String: ToolMigration] = [:]
      var remarks: [Remark] = []
      for migration in migrations where !migration.isRepeatable {
        if let first = seen[migration.version] {
          remarks.append(
            Remark(
              "\(files.path(of: first.files.first ?? first.name)) and \(files.path(of: migration.files.first ?? migration.name)) have the version \(migration.version): \(consequence)"
            ))
        } else {
          seen[migration.version] = migration
        }
      }
      return remarks
    }
  }
}

/// One migration of another tool.
package struct ToolMigration: Sendable {
  /// As the tool's own table records it: `20240101120000`, `3`, a name.
  package let version: String
  /// Its name; the version if it has no other name.
  package let name: String
  /// The files that it stands in, relative to the folder.
  package let files: [String]
  /// nil when it has none, or cannot be read.
  package let up: ToolScript?
  /// nil when there is no such file or section. A script without a statement is an empty one, not nil.
  package let down: ToolScript?
  /// Why it cannot be judged, for example because it is written in Go or has placeholders; nil when it can.
  package let obstacle: Prose?
  /// What the tool's table records of its text, in the form in which it is recorded there; nil when it records nothing.
  package let checksum: String?
  /// Whether the tool applies it again whenever its text changes.
  package let isRepeatable: Bool

  package init(
    version: String, name: String, files: [String], up: ToolScript?, down: ToolScript?,
    obstacle: Prose? = nil, checksum: String? = nil, isRepeatable: Bool = false
  ) {
    self.version = version
    self.name = name
    self.files = files
    self.up = up
    self.down = down
    self.obstacle = obstacle
    self.checksum = checksum
    self.isRepeatable = isRepeatable
  }

  /// A migration of two files that the tool hands over whole.
  ///
  /// - Parameter checksum: of the file with the way up.
  static func pair(
    _ files: FolderFiles, version: String, name: String, up: String?, down: String?,
    checksum: (ToolFile) -> String? = { _ in nil }, script: (ToolFile) -> ToolScript
  ) -> ToolMigration {
    let (upFile, upObstacle) = up.map(files.file) ?? (nil, nil)
    let (downFile, downObstacle) = down.map(files.file) ?? (nil, nil)
    return ToolMigration(
      version: version, name: name, files: [up, down].compactMap(\.self), up: upFile.map(script),
      down: downFile.map(script), obstacle: upObstacle ?? downObstacle, checksum: upFile.flatMap(checksum))
  }
}

extension ToolFolder {
  /// Reads the folder of a tool. If one file is wrong, its migration gets an obstacle, and the other files are still
  /// read.
  ///
  /// - Throws: `folder-not-found`, `folder-unreadable`, `too-many-files`; `tool-files-invalid` and the errors of reading a
  ///   file when the file that lists the others cannot be used.
  package static func read(
    _ path: String, tool: MigrationTool, options: ReaderOptions = ReaderOptions()
  ) throws(MigrationError) -> ToolFolder {
    let reader: any FolderReader.Type
    switch tool {
    case .diesel: reader = DieselReader.self
    case .golangMigrate: reader = GolangMigrateReader.self
    case .maragudkMigrate: reader = MaragudkReader.self
    case .goose: reader = GooseReader.self
    case .dbmate: reader = DbmateReader.self
    case .sqlx: reader = SqlxReader.self
    case .refinery: reader = RefineryReader.self
    case .flyway: reader = FlywayReader.self
    case .sqitch: reader = SqitchReader.self
    case .nodeSQLite: reader = NodeSQLiteReader.self
    case .yoyo: reader = YoyoReader.self
    case .drizzle: reader = DrizzleReader.self
    case .prisma: reader = PrismaReader.self
    case .d1: reader = D1Reader.self
    case .phasedb: return try PhaseFolderReader.folder(path)
    }
    return try reader.init(files: FolderFiles(path, depth: reader.depth, options: options)).folder()
  }
}
