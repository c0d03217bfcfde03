package import PhaseDB
package import PhaseSQLite

/// A migration tool whose folders phasedb can read.
package enum MigrationTool: String, Sendable, Hashable, CaseIterable {
  case diesel
  case golangMigrate = "golang-migrate"
  case maragudkMigrate = "maragudk-migrate"
  case goose
  case dbmate
  case sqlx
  case refinery
  case flyway
  case sqitch
  case nodeSQLite = "node-sqlite"
  case yoyo
  case drizzle
  case prisma
  case d1
  case phasedb

  /// Whether a tool's connection enforces foreign keys before any script runs.
  ///
  /// An application may set it otherwise where it opens the database, so an audit tries both wherever it matters.
  ///
  /// | tool | keys | source |
  /// |---|---|---|
  /// | Diesel | off | `SqliteConnection` sets no pragma; the system's SQLite has it off |
  /// | golang-migrate, maragudk/migrate, goose, dbmate | off | mattn/go-sqlite3 and modernc.org/sqlite only set it when the address says `_foreign_keys` or `_pragma` |
  /// | SQLx | on | `SqliteConnectOptions::foreign_keys` is true by default |
  /// | Refinery | on | rusqlite's `bundled` builds with `SQLITE_DEFAULT_FOREIGN_KEYS=1` (libsqlite3-sys, build.rs) |
  /// | Flyway | off | the JDBC driver of xerial leaves SQLite's default |
  /// | sqitch | off | runs scripts in the `sqlite3` shell |
  /// | node-sqlite, yoyo | off | node-sqlite3 and Python's sqlite3 leave SQLite's default |
  /// | Drizzle | on | better-sqlite3 builds with `SQLITE_DEFAULT_FOREIGN_KEYS=1` (docs/compilation.md) |
  /// | Prisma | on | its engine bundles libsqlite3-sys |
  /// | Cloudflare D1 | on | D1 enforces keys in every transaction (developers.cloudflare.com/d1/sql-api/foreign-keys) |
  package var enforcesForeignKeys: Bool {
    switch self {
    case .sqlx, .refinery, .drizzle, .prisma, .d1: true
    case .diesel, .golangMigrate, .maragudkMigrate, .goose, .dbmate, .flyway, .sqitch, .nodeSQLite, .yoyo,
      .phasedb:
      false
    }
  }

  /// Whether the tool orders one version before another.
  func orders(_ one: String, before other: String) -> Bool {
    switch self {
    case .flyway: FlywayReader.precedes(one, other)
    case .golangMigrate: (UInt64(one) ?? 0) < (UInt64(other) ?? 0)
    default: one.precedes(other)
    }
  }

  /// The table in which the tool records its migrations, by default.
  package var table: String? {
    switch self {
    case .diesel: "__diesel_schema_migrations"
    case .golangMigrate, .dbmate: "schema_migrations"
    case .maragudkMigrate, .nodeSQLite: "migrations"
    case .goose: "goose_db_version"
    case .sqlx: "_sqlx_migrations"
    case .refinery: "refinery_schema_history"
    case .flyway: "flyway_schema_history"
    case .yoyo: "_yoyo_migration"
    case .drizzle: "__drizzle_migrations"
    case .prisma: "_prisma_migrations"
    case .d1: "d1_migrations"
    case .sqitch, .phasedb: nil
    }
  }

  /// Columns without which it is not the tool's table.
  var columns: [String] {
    switch self {
    case .diesel, .dbmate, .maragudkMigrate: ["version"]
    case .golangMigrate: ["version", "dirty"]
    case .goose: ["id", "version_id", "is_applied"]
    case .sqlx: ["version", "success", "checksum"]
    case .refinery: ["version", "name", "checksum"]
    case .flyway: ["installed_rank", "version", "description", "type", "checksum", "success"]
    case .nodeSQLite: ["id", "name", "up", "down"]
    case .yoyo: ["migration_id", "applied_at_utc"]
    case .drizzle: ["hash", "created_at"]
    case .prisma: ["migration_name", "checksum", "started_at", "finished_at", "rolled_back_at"]
    case .d1: ["id", "name"]
    case .sqitch, .phasedb: []
    }
  }
}

// MARK: - Which one it is

extension MigrationTool {
  /// The tool whose files a folder has.
  ///
  /// - Parameter recorded: the tools whose tables the database has, if one is at hand. They decide where files do not.
  /// - Throws: `unknown-tool`, `ambiguous-tool`, and what is wrong with the folder.
  package static func recognised(
    in path: String, recorded: [MigrationTool] = []
  ) throws(MigrationError) -> MigrationTool {
    let signs = FolderSigns(try FolderFiles(path, depth: 1))
    let candidates = signs.candidates
    let decided = candidates.filter(recorded.contains)
    if candidates.count > 1, decided.count == 1 { return decided[0] }
    if candidates.count == 1 { return candidates[0] }
    guard !candidates.isEmpty else { throw signs.unknown }
    let names = candidates.map { Prose($0.rawValue) }.joined(separator: " or ")
    throw MigrationError(
      .ambiguousTool, "\(signs.files.root) could be a folder of \(names)",
      help: candidates.map { "if it belongs to \($0.rawValue), add: --tool \($0.rawValue)" })
  }

  /// The tools whose files a folder may have: none, one or several.
  package static func candidates(in path: String) throws(MigrationError) -> [MigrationTool] {
    FolderSigns(try FolderFiles(path, depth: 1)).candidates
  }

  /// The tools whose tables a database has.
  package static func recorded(in connection: Connection) throws(MigrationError) -> [MigrationTool] {
    try lifting("looking for tables of migration tools") {
      try allCases.filter { tool in
        guard let table = tool.table else { return false }
        let columns = try ToolHistory.columns(of: table, in: connection)
        return !columns.isEmpty && columns.isSuperset(of: tool.columns)
          && !(tool == .dbmate && columns.contains("dirty"))
          && !(tool == .maragudkMigrate && columns.contains("id"))
      }
    }
  }
}

/// Finds out which tool a folder belongs to: first by names of files, then by lines in them, then by the project
/// around the folder.
private struct FolderSigns {
  let files: FolderFiles
  private let sql: [String]
  private let text: [ToolFile]

  /// Some files are read, not all: the first, the last and some between.
  private static let sample = 24

  init(_ files: FolderFiles) {
    self.files = files
    sql = files.topFiles.filter { $0.lowercased().hasSuffix(".sql") }
    let step = max(1, sql.count / Self.sample)
    let sql = sql
    let chosen = sql.indices.filter { $0 % step == 0 || $0 == sql.count - 1 }.map { sql[$0] }
    text = chosen.compactMap { files.file($0).file }
  }

  var candidates: [MigrationTool] {
    if let listed = byList { return [listed] }
    if let nested = byFolders { return nested }
    if let marked = byLines { return marked }
    return byNames
  }

  /// Tools that have a file which lists the others.
  private var byList: MigrationTool? {
    let names = files.topFiles
    if names.contains("sqitch.plan") || names.contains("sqitch.conf") { return .sqitch }
    if files.has("meta/_journal.json") { return .drizzle }
    if names.contains("phasedb.json") { return .phasedb }
    return nil
  }

  /// Tools that have a folder for each migration.
  private var byFolders: [MigrationTool]? {
    let nested = files.files.compactMap { file -> (folder: Substring, name: Substring)? in
      let parts = file.split(separator: "/")
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
    let names = Set(nested.map(\.name))
    var found: [MigrationTool] = []
    if names.contains("up.sql") { found.append(.diesel) }
    if names.contains("migration.sql") || files.has("migration_lock.toml") { found.append(.prisma) }
    if nested.contains(where: {
      $0.folder.first?.isNumber == true && ["expand.sql", "migrate.sql", "contract.sql"].contains($0.name)
    }) {
      found.append(.phasedb)
    }
    return found.isEmpty ? nil : found
  }

  /// Tools that mark their files by lines.
  private var byLines: [MigrationTool]? {
    var found: Set<MigrationTool> = []
    for file in text {
      for line in Bytes.lines(of: file.bytes) where line.text.hasPrefix("--") {
        let words = line.text.dropFirst(2).words
        switch words.first?.lowercased() {
        case "+goose": found.insert(.goose)
        case "migrate:up", "migrate:down": found.insert(.dbmate)
        case "depends:": found.insert(.yoyo)
        case "down" where file.name.first?.isNumber == true && words.count == 1: found.insert(.nodeSQLite)
        default: continue
        }
      }
    }
    if files.topFiles.contains(where: { $0.hasSuffix(".rollback.sql") || $0 == "yoyo.ini" }) {
      found.insert(.yoyo)
    }
    return found.isEmpty ? nil : allCases(found)
  }

  private func allCases(_ found: Set<MigrationTool>) -> [MigrationTool] {
    MigrationTool.allCases.filter(found.contains)
  }

  /// Tools that are recognised by the form of the names.
  private var byNames: [MigrationTool] {
    if let flyway = byPrefix { return flyway }
    if let pairs { return pairs }
    let numbered = sql.filter { $0.cut(at: "_").map { Int64($0.before) != nil } == true }
    guard !numbered.isEmpty else { return [] }
    return decided([.sqlx: ["Cargo.toml"], .d1: ["wrangler.toml", "wrangler.json", "wrangler.jsonc"]])
  }

  /// `V1__name.sql`.
  private var byPrefix: [MigrationTool]? {
    let names = files.files.compactMap { $0.split(separator: "/").last.map(String.init) }
    let flyway = names.filter { $0.lowercased().hasSuffix(".sql") }.compactMap {
      FlywayReader.Name(String($0.dropLast(4)))
    }
    let refinery = names.compactMap(RefineryReader.Name.init)
    guard flyway.contains(where: { $0.kind == .versioned }) || !refinery.isEmpty else { return nil }
    let versions = Set(flyway.filter { $0.kind == .versioned }.map(\.version))
    let undoes = flyway.contains { $0.kind == .undo && versions.contains($0.version) }
    let isFlyway =
      undoes || names.contains { $0.hasSuffix(".sql.conf") }
      || flyway.contains { $0.kind == .repeatable || $0.kind == .baseline || $0.version.contains(".") }
    if isFlyway { return [.flyway] }
    if refinery.contains(where: { $0.isCode || $0.isLate }) { return [.refinery] }
    return decided([
      .refinery: ["Cargo.toml"],
      .flyway: ["pom.xml", "build.gradle", "build.gradle.kts", "flyway.conf", "flyway.toml"],
    ])
  }

  /// `1_name.up.sql` beside `1_name.down.sql`.
  private var pairs: [MigrationTool]? {
    let numbered = files.topFiles.compactMap(GolangMigrateReader.Name.init)
    let named = files.topFiles.filter {
      MaragudkReader.version($0, isUp: true) != nil || MaragudkReader.version($0, isUp: false) != nil
    }
    guard !numbered.isEmpty || !named.isEmpty else { return nil }
    let ups = numbered.filter(\.isUp).map { UInt64($0.number) }
    // golang-migrate and sqlx need a number, and each only once.
    if named.count > numbered.count || Set(ups).count < ups.count { return [.maragudkMigrate] }
    return decided([.golangMigrate: ["go.mod"], .sqlx: ["Cargo.toml"]])
  }

  /// The tools in whose projects the folder is, by a file beside it or above; all tools if there is no such file.
  private func decided(_ projects: [MigrationTool: [String]]) -> [MigrationTool] {
    guard var folder = try? FileReading.absolute(files.root) else { return allCases(Set(projects.keys)) }
    // Not above the project itself.
    for _ in 0..<8 {
      let here = projects.filter { $0.value.contains { FileReading.exists("\(folder)/\($0)") } }
      if !here.isEmpty { return allCases(Set(here.keys)) }
      guard !FileReading.exists(folder + "/.git"), let slash = folder.lastIndex(of: "/"),
        slash > folder.startIndex
      else { break }
      folder = String(folder[..<slash])
    }
    return allCases(Set(projects.keys))
  }

  var unknown: MigrationError {
    if files.files.isEmpty {
      return MigrationError(
        .unknownTool, "\(files.root) has no files", help: ["name the folder that has the migrations"])
    }
    let below = files.folders.first { folder in
      files.files.contains { $0.hasPrefix(folder + "/") && $0.hasSuffix(".sql") }
    }
    var help: [Prose] =
      below.map { ["name the folder that has the migrations, for example \(files.root)/\($0)"] } ?? []
    help.append(
      "name the tool: --tool \(MigrationTool.allCases.map { Prose($0.rawValue) }.joined(separator: ", "))")
    return MigrationError(
      .unknownTool, "the files in \(files.root) are not those of a migration tool that phasedb knows",
      help: help)
  }
}
