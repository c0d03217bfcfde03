package import PhaseDB
package import PhaseSQLite

/// What the table of another tool says about a database.
package struct ToolHistory: Sendable, Hashable {
  /// The table that was read.
  package let table: String
  /// Each applied migration, in the order in which it was applied.
  package let applied: [Entry]
  /// The version at which the tool says that it stopped half way; nil when there is none.
  package let dirty: String?

  package init(table: String, applied: [Entry], dirty: String? = nil) {
    self.table = table
    self.applied = applied
    self.dirty = dirty
  }

  package struct Entry: Sendable, Hashable {
    package let version: String
    package let checksum: String?
    /// Whether all earlier versions count as applied, too. Some tools record only the last version.
    package let coversEarlier: Bool

    package init(version: String, checksum: String? = nil, coversEarlier: Bool = false) {
      self.version = version
      self.checksum = checksum
      self.coversEarlier = coversEarlier
    }
  }
}

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

  /// The columns of a table in lower case; none when there is no such table.
  static func columns(of table: String, in connection: Connection) throws(SQLiteError) -> Set<String> {
    Set(
      try connection.rows(
        "SELECT lower(i.name) FROM main.sqlite_schema s, pragma_table_info(s.name) i WHERE s.type = 'table' AND lower(s.name) = ?1",
        .text(table)
      ).compactMap { $0[0].text })
  }

  /// Versions in the table that the folder does not have.
  package func missing(from folder: ToolFolder) -> [String] {
    let known = Set(folder.migrations.map(\.version))
    return applied.map(\.version).filter { !known.contains($0) }
  }
}

/// A value as the tool's driver wrote it.
private struct RecordedValue {
  let value: Value

  var isNull: Bool { value.isNull }

  /// Whatever type the driver gave it.
  var text: String {
    switch value {
    case .null: ""
    case .integer(let value): String(value)
    case .real(let value): Int64(exactly: value).map(String.init) ?? String(value)
    default: value.text ?? value.description
    }
  }

  /// Drivers write a truth as a number or as a word.
  var isTrue: Bool {
    switch value {
    case .integer(let value): value != 0
    case .real(let value): value != 0
    default: ["true", "t", "1"].contains(value.text?.lowercased() ?? "")
    }
  }

  static func rows(_ sql: String, on connection: Connection) throws(SQLiteError) -> [[RecordedValue]] {
    try connection.rows(sql).map { row in row.map { RecordedValue(value: $0) } }
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
      let columns = try ToolHistory.columns(of: table, in: connection)
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

  private func rows(_ sql: String) throws(SQLiteError) -> [[RecordedValue]] {
    try RecordedValue.rows(sql, on: connection)
  }

  /// A row for each migration that is applied: version, and checksum where there is one.
  private func list(_ sql: String) throws(SQLiteError) -> ToolHistory {
    ToolHistory(
      table: table,
      applied: try rows(sql).map { row in
        ToolHistory.Entry(version: row[0].text, checksum: row.count > 1 ? row[1].text : nil)
      })
  }

  /// One row with the last version.
  private func head() throws(SQLiteError) -> ToolHistory {
    let hasDirty = tool == .golangMigrate
    let row = try rows("SELECT version\(hasDirty ? ", dirty" : "") FROM \(table) LIMIT 1").first
    guard let version = row?[0].text, !version.isEmpty else {
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
    for row in try rows("SELECT version_id, is_applied FROM \(table) ORDER BY id") {
      let version = row[0].text
      applied.removeAll { $0 == version }
      if row[1].isTrue, version != "0" { applied.append(version) }
    }
    return ToolHistory(table: table, applied: applied.map { ToolHistory.Entry(version: $0) })
  }

  private func sqlx() throws(SQLiteError) -> ToolHistory {
    let rows = try rows(
      "SELECT version, lower(hex(checksum)), success FROM \(table) ORDER BY version")
    return ToolHistory(
      table: table,
      applied: rows.filter { $0[2].isTrue }.map { row in
        ToolHistory.Entry(version: row[0].text, checksum: row[1].text)
      }, dirty: rows.first { !$0[2].isTrue }?[0].text)
  }

  /// Flyway adds rows and changes none: the row of an undo revokes the row of an applied migration.
  private func flyway() throws(SQLiteError) -> ToolHistory {
    var applied: [ToolHistory.Entry] = []
    var dirty: String?
    for row in try rows(
      "SELECT version, description, type, checksum, success FROM \(table) ORDER BY installed_rank")
    {
      let version = row[0].isNull ? row[1].text : row[0].text
      let type = row[2].text
      if type == "SCHEMA" { continue }
      applied.removeAll { $0.version == version }
      if !row[4].isTrue {
        dirty = version
      } else {
        if dirty == version { dirty = nil }
        if type.hasPrefix("UNDO") || type == "DELETE" { continue }
        applied.append(
          ToolHistory.Entry(
            version: version, checksum: row[3].isNull ? nil : row[3].text,
            coversEarlier: type.hasSuffix("BASELINE")))
      }
    }
    return ToolHistory(table: table, applied: applied, dirty: dirty)
  }

  private func nodeSQLite() throws(SQLiteError) -> ToolHistory {
    ToolHistory(
      table: table,
      applied: try rows("SELECT id, up, down FROM \(table) ORDER BY id").map { row in
        ToolHistory.Entry(
          version: row[0].text,
          checksum: NodeSQLiteReader.recorded(up: row[1].text, down: row[2].text))
      })
  }

  private func prisma() throws(SQLiteError) -> ToolHistory {
    let rows = try rows(
      "SELECT migration_name, checksum, finished_at IS NOT NULL FROM \(table) WHERE rolled_back_at IS NULL ORDER BY started_at, rowid"
    )
    return ToolHistory(
      table: table,
      applied: rows.filter { $0[2].isTrue }.map { row in
        ToolHistory.Entry(version: row[0].text, checksum: row[1].text)
      }, dirty: rows.first { !$0[2].isTrue }?[0].text)
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
      let columns = try ToolHistory.columns(of: "changes", in: registry)
      guard columns.isSuperset(of: ["change_id", "script_hash", "committed_at"]) else {
        throw MigrationError(
          .toolTableUnreadable, "\(file) has no table changes of sqitch",
          help: ["check that the file is the registry of sqitch"])
      }
      let rows = try RecordedValue.rows(
        "SELECT change_id, script_hash FROM changes ORDER BY committed_at, rowid", on: registry)
      return ToolHistory(
        table: "changes",
        applied: rows.map { ToolHistory.Entry(version: $0[0].text, checksum: $0[1].value.text) })
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
