package import PhaseDB
package import PhaseSQLite

extension ToolHistory {
  /// Reads the table of a tool.
  ///
  /// - Returns: nil when the database has no such table.
  /// - Throws: `tool-table-unreadable` when the table has other columns.
  package static func read(from connection: Connection, tool: MigrationTool) throws(MigrationError)
    -> ToolHistory?
  {
    guard tool != .phasedb else { return nil }
    if tool == .sqitch { return try SqitchRegistry.history(of: connection) }
    return try HistoryTable(connection, tool).history()
  }

  /// Which migrations of the folder are applied, by their places in it.
  package func applied(of folder: ToolFolder) -> Set<Int> {
    var places: Set<Int> = []
    for entry in applied {
      let place = folder.migrations.firstIndex { $0.version == entry.version }
      if let place { places.insert(place) }
      guard entry.coversEarlier else { continue }
      places.formUnion(
        folder.migrations.indices.filter { index in
          if let place { return index <= place && !folder.migrations[index].isRepeatable }
          return !folder.migrations[index].isRepeatable
            && !folder.tool.orders(entry.version, before: folder.migrations[index].version)
        })
    }
    return places
  }

  /// Versions that the table has, and the folder has not.
  package func missing(from folder: ToolFolder) -> [String] {
    let known = Set(folder.migrations.map(\.version))
    return applied.map(\.version).filter { !known.contains($0) }
  }
}

extension MigrationTool {
  /// Whether the tool orders one version before another.
  fileprivate func orders(_ one: String, before other: String) -> Bool {
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
  fileprivate var columns: [String] {
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

  /// The tools whose tables a database has.
  package static func recorded(in connection: Connection) throws(MigrationError) -> [MigrationTool] {
    try lifting("looking for tables of migration tools") {
      try allCases.filter { tool in
        guard let table = tool.table else { return false }
        let columns = try connection.columns(of: table)
        return !columns.isEmpty && columns.isSuperset(of: tool.columns)
          && !(tool == .dbmate && columns.contains("dirty"))
          && !(tool == .maragudkMigrate && columns.contains("id"))
      }
    }
  }
}

extension Connection {
  /// The columns of a table in lower case; none when there is no such table.
  fileprivate func columns(of table: String) throws(SQLiteError) -> Set<String> {
    Set(
      try rows(
        "SELECT lower(i.name) FROM main.sqlite_schema s, pragma_table_info(s.name) i WHERE s.type = 'table' AND lower(s.name) = ?1",
        .text(table)
      ).compactMap { $0[0].text })
  }
}

private struct HistoryTable {
  let connection: Connection
  let tool: MigrationTool
  let table: String

  init(_ connection: Connection, _ tool: MigrationTool) {
    (self.connection, self.tool, table) = (connection, tool, tool.table ?? "")
  }

  func history() throws(MigrationError) -> ToolHistory? {
    try lifting("reading the table \(table)") {
      let columns = try connection.columns(of: table)
      guard !columns.isEmpty else { return nil }
      let missing = tool.columns.filter { !columns.contains($0) }
      guard missing.isEmpty else {
        throw MigrationError(
          .toolTableUnreadable,
          "the table \(table) has no column \(missing.joined(separator: ", ")), which \(tool.rawValue) gives it",
          help: ["check that the database belongs to the folder, or name the tool with --tool"])
      }
      return try read()
    }
  }

  private func read() throws(SQLiteError) -> ToolHistory {
    switch tool {
    case .diesel: try list("SELECT version FROM \(table) ORDER BY rowid")
    case .dbmate: try list("SELECT version FROM \(table) ORDER BY version")
    case .d1: try list("SELECT name FROM \(table) ORDER BY id")
    case .refinery: try list("SELECT version, checksum FROM \(table) ORDER BY rowid")
    case .yoyo: try list("SELECT migration_id FROM \(table) ORDER BY applied_at_utc, rowid")
    case .drizzle: try list("SELECT created_at, hash FROM \(table) ORDER BY created_at, rowid")
    case .golangMigrate, .maragudkMigrate: try head()
    case .goose: try goose()
    case .sqlx: try sqlx()
    case .flyway: try flyway()
    case .nodeSQLite: try nodeSQLite()
    case .prisma: try prisma()
    case .sqitch, .phasedb: ToolHistory(table: table, applied: [])
    }
  }

  /// A row for each migration that is applied: version, and checksum where there is one.
  private func list(_ sql: String) throws(SQLiteError) -> ToolHistory {
    ToolHistory(
      table: table,
      applied: try connection.rows(sql).map { row in
        ToolHistory.Entry(version: row[0].recorded, checksum: row.count > 1 ? row[1].recorded : nil)
      })
  }

  /// One row with the last version.
  private func head() throws(SQLiteError) -> ToolHistory {
    let hasDirty = tool == .golangMigrate
    let row = try connection.rows("SELECT version\(hasDirty ? ", dirty" : "") FROM \(table) LIMIT 1").first
    guard let version = row?[0].recorded, !version.isEmpty else {
      return ToolHistory(table: table, applied: [])
    }
    let isDirty = hasDirty && row?[1].isTrue == true
    // golang-migrate writes -1 when it stopped half way before the first one.
    return ToolHistory(
      table: table,
      applied: version == "-1" ? [] : [ToolHistory.Entry(version: version, coversEarlier: true)],
      dirty: isDirty ? version : nil)
  }

  /// The last row of a version counts. Older releases of goose wrote one when a migration was taken down.
  private func goose() throws(SQLiteError) -> ToolHistory {
    var applied: [String] = []
    for row in try connection.rows("SELECT version_id, is_applied FROM \(table) ORDER BY id") {
      let version = row[0].recorded
      applied.removeAll { $0 == version }
      if row[1].isTrue, version != "0" { applied.append(version) }
    }
    return ToolHistory(table: table, applied: applied.map { ToolHistory.Entry(version: $0) })
  }

  private func sqlx() throws(SQLiteError) -> ToolHistory {
    let rows = try connection.rows(
      "SELECT version, lower(hex(checksum)), success FROM \(table) ORDER BY version")
    return ToolHistory(
      table: table,
      applied: rows.filter { $0[2].isTrue }.map { row in
        ToolHistory.Entry(version: row[0].recorded, checksum: row[1].recorded)
      }, dirty: rows.first { !$0[2].isTrue }?[0].recorded)
  }

  /// Rows are added, not changed: one of an undo takes back what another applied.
  private func flyway() throws(SQLiteError) -> ToolHistory {
    var applied: [ToolHistory.Entry] = []
    var dirty: String?
    for row in try connection.rows(
      "SELECT version, description, type, checksum, success FROM \(table) ORDER BY installed_rank")
    {
      let version = row[0].isNull ? row[1].recorded : row[0].recorded
      let type = row[2].recorded
      if type == "SCHEMA" { continue }
      applied.removeAll { $0.version == version }
      if !row[4].isTrue {
        dirty = version
      } else {
        if dirty == version { dirty = nil }
        if type.hasPrefix("UNDO") || type == "DELETE" { continue }
        applied.append(
          ToolHistory.Entry(
            version: version, checksum: row[3].isNull ? nil : row[3].recorded,
            coversEarlier: type.hasSuffix("BASELINE")))
      }
    }
    return ToolHistory(table: table, applied: applied, dirty: dirty)
  }

  private func nodeSQLite() throws(SQLiteError) -> ToolHistory {
    ToolHistory(
      table: table,
      applied: try connection.rows("SELECT id, up, down FROM \(table) ORDER BY id").map { row in
        ToolHistory.Entry(
          version: row[0].recorded,
          checksum: NodeSQLiteReader.recorded(up: row[1].recorded, down: row[2].recorded),
          down: row[2].recorded)
      })
  }

  private func prisma() throws(SQLiteError) -> ToolHistory {
    let rows = try connection.rows(
      "SELECT migration_name, checksum, finished_at IS NOT NULL FROM \(table) WHERE rolled_back_at IS NULL ORDER BY started_at, rowid"
    )
    return ToolHistory(
      table: table,
      applied: rows.filter { $0[2].isTrue }.map { row in
        ToolHistory.Entry(version: row[0].recorded, checksum: row[1].recorded)
      }, dirty: rows.first { !$0[2].isTrue }?[0].recorded)
  }
}

extension Value {
  /// As text, whatever type the tool's driver gave it.
  fileprivate var recorded: String {
    switch self {
    case .null: ""
    case .integer(let value): String(value)
    case .real(let value): Int64(exactly: value).map(String.init) ?? String(value)
    default: text ?? description
    }
  }

  /// Drivers write a truth as a number or as a word.
  fileprivate var isTrue: Bool {
    switch self {
    case .integer(let value): value != 0
    case .real(let value): value != 0
    default: ["true", "t", "1"].contains(text?.lowercased() ?? "")
    }
  }
}

/// sqitch keeps its tables in a database of their own, beside the one that it deploys to.
private enum SqitchRegistry {
  static func history(of connection: Connection) throws(MigrationError) -> ToolHistory? {
    let file = path(beside: connection.path)
    guard FileReading.exists(file),
      let registry = try DatabaseFile.openForReading(file, wait: .seconds(5), leavingNothing: true)
    else { return nil }
    return try lifting("reading the registry \(file) of sqitch") {
      let columns = try registry.columns(of: "changes")
      guard columns.isSuperset(of: ["change_id", "script_hash", "committed_at"]) else {
        throw MigrationError(
          .toolTableUnreadable, "\(file) has no table changes of sqitch",
          help: ["check that the file is the registry of sqitch"])
      }
      let rows = try registry.rows("SELECT change_id, script_hash FROM changes ORDER BY committed_at, rowid")
      return ToolHistory(
        table: "changes",
        applied: rows.map { ToolHistory.Entry(version: $0[0].recorded, checksum: $0[1].text) })
    }
  }

  /// `sqitch` instead of the name, with everything from the first dot on kept: shop.v2.db has sqitch.v2.db.
  private static func path(beside database: String) -> String {
    let slash = database.lastIndex(of: "/")
    let folder = slash.map { database[...$0] } ?? ""
    let name = slash.map { database[database.index(after: $0)...] } ?? database[...]
    let dot = name.firstIndex(of: ".")
    return folder + "sqitch" + (dot.map { name[$0...] } ?? "")
  }
}
