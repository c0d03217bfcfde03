internal import PhaseSQL
internal import PhaseSQLite

/// Rebuilds one table from other SQL that declares the same columns.
///
/// The procedure is that of sqlite.org/lang_altertable.html#otheralter in another order: the old table is renamed
/// first, so that the new one is made by its own SQL, byte for byte. With `legacy_alter_table` on and foreign keys off,
/// nothing follows that rename: foreign keys, views and triggers of other tables then refer to the new table.
struct TableRebuild {
  /// The name as the present SQL spells it.
  let table: SchemaName
  private let present: TableDefinition
  private let wanted: TableDefinition
  /// The SQL in `sqlite_schema` now, and afterwards.
  private let presentSQL: String
  private let sql: String
  /// nil when the rows must move to a new table.
  private let reordering: ColumnReordering?

  /// nil when the other SQL does not declare the same table: the same columns, each with the same declaration, and the
  /// same kind of table. A missing retired column counts as present, because only phasedb can make it.
  init?(of present: SchemaObject, as wanted: SchemaObject) {
    guard present.key.type == "table", present.key == wanted.key, let old = TableDefinition(present.sql),
      let new = TableDefinition(wanted.sql), old.virtual == nil, new.virtual == nil,
      old.isStrict == new.isStrict, old.isWithoutRowID == new.isWithoutRowID,
      old.columns.allSatisfy({ new.column($0.name) == $0 }),
      new.columns.allSatisfy({ old.column($0.name) != nil || RetiredName($0.name) != nil })
    else { return nil }
    table = SchemaName(present.name)
    self.present = old
    self.wanted = new
    presentSQL = present.sql
    sql = wanted.sql
    reordering = ColumnReordering(from: old, to: new)
  }

  /// The name of the table's rows in the SQL of a ``Reading``.
  static let row = "phasedb_row"

  /// What to read instead of columns, so that archived values are restored in the same pass.
  struct Reading {
    /// For a column, makes its SQL from the SQL of the present value; `phasedb_row` is the row.
    var columns: [SchemaName: (String) -> String] = [:]
    /// A LEFT JOIN that the SQL may use, at most one row for each row of the table.
    var join = ""
  }

  /// The SQL of a row's rowid in a ``Reading``; nil when rows have none, or columns have all its names.
  var rowID: String? {
    rowIDName.map { "\(Self.row).\(reordering != nil || isAway ? $0 : Self.keptRowID)" }
  }

  /// Rebuilds the table inside the open transaction. No trigger fires, and no conflict clause of the table drops or
  /// replaces a row.
  ///
  /// - Throws: `down-not-inverse` when a row does not fit the text.
  func run(on connection: Connection, reading: Reading = Reading()) throws(MigrationError) {
    do throws(SQLiteError) {
      let wasLegacy = connection.isOn(.legacyAlterTable)
      let tookStrings = connection.isOn(.doubleQuotedStringsInDDL)
      connection.turn(.legacyAlterTable, on: true)
      // The text is the user's own, and may have strings in double quotes.
      connection.turn(.doubleQuotedStringsInDDL, on: true)
      defer {
        connection.turn(.legacyAlterTable, on: wasLegacy)
        connection.turn(.doubleQuotedStringsInDDL, on: tookStrings)
      }
      try rebuild(connection, reading)
    } catch  where error.code.primary == .constraint {
      throw MigrationError(
        .downNotInverse,
        "the rows of \(table) do not fit the table as it was before the phase: \(error.message)",
        help: ["change or delete the rows that the constraint refuses, then run the command again"])
    } catch {
      throw MigrationError(error, while: "putting the columns of \(table) back in their order")
    }
  }
}

// MARK: - The steps

extension TableRebuild {
  private static let former = "phasedb_rebuilding"
  private static let keptRowID = "phasedb_rowid"

  private func rebuild(_ connection: Connection, _ reading: Reading) throws(SQLiteError) {
    let attachments = try takeOff(on: connection)
    if let reordering {
      try reordering.run(sql, reading, on: connection)
    } else {
      try move(connection, reading)
    }
    for attachment in attachments { try connection.execute(attachment) }
  }

  /// Drops the indexes and triggers that are in the way.
  ///
  /// - Returns: the SQL that makes them again.
  private func takeOff(on connection: Connection) throws(SQLiteError) -> [String] {
    var attachments: [String] = []
    for row in try connection.rows(
      """
      SELECT type, name, sql FROM main.sqlite_schema
      WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid
      """, .text(table.spelled))
    {
      let sql = row[2].text ?? ""
      let isIndex = row[0] == "index"
      // An index on columns that keep their places stays valid.
      if let reordering, !isIndex || IndexDefinition(sql)?.mentions(anyOf: reordering.columns) == false {
        continue
      }
      try connection.execute(
        "DROP \(isIndex ? "INDEX" : "TRIGGER") main.\(SQLText.identifier(row[1].text ?? ""))")
      attachments.append(sql)
    }
    return attachments
  }

  /// Moves rows to a new table, from the old one or from where they were kept.
  private func move(_ connection: Connection, _ reading: Reading) throws(SQLiteError) {
    let name = "main.\(SQLText.identifier(table.spelled))"
    let counter = try counter(on: connection)
    if isAway {
      try connection.execute("ALTER TABLE \(name) RENAME TO \(Self.former)")
    } else {
      try copyToFormer(connection)
      try connection.execute("DROP TABLE \(name)")
    }
    try connection.execute(sql)
    try copyBack(connection, reading)
    try connection.execute("DROP TABLE main.\(Self.former)")
    try putBack(counter, on: connection)
  }

  /// Whether the old table can be renamed. A CHECK that calls its column `t.a` cannot follow a rename while
  /// `legacy_alter_table` is on; then the rows move to a table without constraints and back.
  private var isAway: Bool {
    let tokens = SQLTokens(presentSQL).filter { !$0.kind.isTrivia }
    let bytes = Array(presentSQL.utf8)
    return !tokens.indices.dropLast().contains { index in
      SchemaName(tokens[index].kind, bytes[tokens[index].range]) == table
        && bytes[tokens[index + 1].range].elementsEqual(".".utf8)
    }
  }

  private func copyToFormer(_ connection: Connection) throws(SQLiteError) {
    let columns = present.columns.filter { !$0.isGenerated }.map { SQLText.identifier($0.name.spelled) }
    // The columns have no types, so that SQLite does not convert values.
    let names = ([Self.keptRowID] + columns).joined(separator: ", ")
    try connection.execute("CREATE TABLE main.\(Self.former) (\(names))")
    try connection.execute(
      "INSERT INTO main.\(Self.former) (\(names)) SELECT \(([rowIDName ?? "NULL"] + columns).joined(separator: ", "))"
        + " FROM main.\(SQLText.identifier(table.spelled))")
  }

  private func copyBack(_ connection: Connection, _ reading: Reading) throws(SQLiteError) {
    var targets: [String] = []
    var sources: [String] = []
    if let rowIDName, let rowID {
      targets.append(rowIDName)
      sources.append(rowID)
    }
    for column in wanted.columns where !column.isGenerated {
      let name = SQLText.identifier(column.name.spelled)
      // A retired column whose values are unknown gets its default.
      let isThere = present.column(column.name) != nil
      let value = reading.columns[column.name]
      guard isThere || value != nil else { continue }
      let source = isThere ? "\(Self.row).\(name)" : "NULL"
      targets.append(name)
      sources.append(value?(source) ?? source)
    }
    try connection.execute(
      "INSERT OR ABORT INTO main.\(SQLText.identifier(table.spelled)) (\(targets.joined(separator: ", ")))"
        + " SELECT \(sources.joined(separator: ", ")) FROM main.\(Self.former) AS \(Self.row) \(reading.join)"
    )
  }

  /// A name for the rowid that no column has; nil for a table whose rowid is a column, or without rowids. If columns
  /// have all three names, SQL cannot name the rowid, so it need not be kept.
  private var rowIDName: String? { present.columns.contains(where: \.isRowIDAlias) ? nil : present.rowIDName }
}

// MARK: - AUTOINCREMENT

extension TableRebuild {
  /// The highest key that AUTOINCREMENT ever gave out, which DROP TABLE forgets.
  private func counter(on connection: Connection) throws(SQLiteError) -> Value? {
    guard present.hasAutoincrement else { return nil }
    return try connection.value(
      "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.spelled))
  }

  private func putBack(_ counter: Value?, on connection: Connection) throws(SQLiteError) {
    guard present.hasAutoincrement else { return }
    try connection.execute(
      "DELETE FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.spelled))
    guard let counter else { return }
    try connection.execute(
      "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)", .text(wanted.name.spelled), counter)
  }
}
