internal import PhaseSQL
internal import PhaseSQLite

/// Changes the order of a table's columns within its rows. The table first gets its new SQL, under which a column's
/// name finds the value of the column that was in its place before; then one UPDATE moves every value to its own
/// column.
///
/// It writes each row once, in its place, as DROP COLUMN does. Moving the rows to a new table would write as many
/// pages, free the old ones, and keep both in the journal until the commit.
struct ColumnReordering {
  private let present: TableDefinition
  private let wanted: TableDefinition
  /// Positions at which the new SQL has another column.
  private let moved: [Int]

  /// nil when a value read under another column's name may turn into another value, or when an index of SQLite could
  /// not follow.
  init?(from present: TableDefinition, to wanted: TableDefinition) {
    guard present.columns.count == wanted.columns.count, !present.isWithoutRowID, !present.isStrict,
      !present.columns.contains(where: \.isGenerated)
    else { return nil }
    let moved = present.columns.indices.filter { present.columns[$0].name != wanted.columns[$0].name }
    let columns = moved.map { present.columns[$0] }
    // A row from before an ADD COLUMN is shorter, and SQLite gives its missing columns their defaults by name.
    guard !moved.isEmpty, columns.allSatisfy({ $0.defaultValue == nil && !$0.isPrimaryKey }) else {
      return nil
    }
    let names = Set(columns.map(\.name))
    guard
      !present.uniques.contains(where: { $0.columns.contains { $0.column.map(names.contains) ?? true } })
    else { return nil }
    // SQLite converts a whole number when it is read as a REAL column
    // (sqlite.org/datatype3.html#storage_classes_and_datatypes). Only TEXT columns never hold whole numbers.
    let affinities = Set(columns.map(\.type.affinity))
    guard !affinities.contains(.real) || affinities.isSubset(of: [.real, .text]) else { return nil }
    // An UPDATE checks only constraints of the columns that it changes, and does not rebuild the indexes of UNIQUE
    // and keys.
    guard present.constraints == wanted.constraints else { return nil }
    (self.present, self.wanted, self.moved) = (present, wanted, moved)
  }

  /// The columns that change places.
  var columns: Set<SchemaName> { Set(moved.map { wanted.columns[$0].name }) }

  /// Runs inside the open transaction, while no index of the table has a column that changes its place.
  ///
  /// - Parameters:
  ///   - sql: the new SQL of the table.
  ///   - reading: what to read instead of columns.
  func run(_ sql: String, _ reading: TableRebuild.Reading, on connection: Connection) throws(SQLiteError) {
    try replaceText(by: sql, on: connection)
    let triggered = connection.isOn(.triggers)
    connection.turn(.triggers, on: false)
    defer { connection.turn(.triggers, on: triggered) }
    var changes: [(name: String, value: String)] = []
    for (index, column) in wanted.columns.enumerated() {
      let value = reading.columns[column.name]
      guard moved.contains(index) || value != nil else { continue }
      let place = place(of: column.name)
      changes.append((SQLText.identifier(column.name.spelled), value?(place) ?? place))
    }
    let table = "main.\(SQLText.identifier(wanted.name.spelled)) AS \(TableRebuild.row)"
    // ABORT would have SQLite copy every page to a statement journal first (sqlite.org/tempfiles.html#stmtjrnl). Whoever
    // called this undoes everything when it fails.
    try connection.execute("UPDATE OR FAIL \(table) SET \(Self.assignment(changes, reading.join))")
  }

  private static func assignment(_ changes: [(name: String, value: String)], _ join: String) -> String {
    guard !join.isEmpty else { return changes.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") }
    let values = changes.map(\.value).joined(separator: ", ")
    return "(\(changes.map(\.name).joined(separator: ", "))) = (SELECT \(values) FROM (SELECT 1) \(join))"
  }

  /// The name under which the new SQL finds the value of a column.
  private func place(of column: SchemaName) -> String {
    let index = present.columns.firstIndex { $0.name == column } ?? 0
    return "\(TableRebuild.row).\(SQLText.identifier(wanted.columns[index].name.spelled))"
  }

  /// Replaces SQL in `sqlite_schema`, as ALTER TABLE does, for a change that it cannot express
  /// (sqlite.org/pragma.html#pragma_writable_schema).
  private func replaceText(by sql: String, on connection: Connection) throws(SQLiteError) {
    let wasDefensive = connection.isOn(.defensive)
    connection.turn(.defensive, on: false)
    connection.turn(.writableSchema, on: true)
    defer {
      connection.turn(.writableSchema, on: false)
      connection.turn(.defensive, on: wasDefensive)
    }
    try connection.execute(
      "UPDATE main.sqlite_schema SET sql = ?1 WHERE type = 'table' AND name = ?2 COLLATE NOCASE", .text(sql),
      .text(wanted.name.spelled))
    // A new schema version makes other connections read the schema again. This connection has to be told.
    let version = try connection.schemaVersion
    try connection.execute("PRAGMA main.schema_version = \(version &+ 1)")
    try connection.execute("PRAGMA main.writable_schema = RESET")
  }
}

/// Tables that a way down left with the right columns, but not with the SQL of the checkpoint it leads to.
///
/// A column that was dropped and added back is the last one, and an INSERT without a list of columns then writes into
/// the wrong columns. phasedb rebuilds such a table from the checkpoint's SQL.
struct ColumnOrder {
  let rebuilds: [TableRebuild]

  /// - Parameters:
  ///   - left: the schema after the down SQL.
  ///   - checkpoint: the schema before the phase.
  ///   - drifted: tables that were changed outside phases; they stay as they are.
  init(of left: Schema, as checkpoint: Schema, except drifted: Set<SchemaName> = []) {
    rebuilds = SchemaDifference(from: left, to: checkpoint).changed.compactMap { pair in
      drifted.contains(SchemaName(pair.before.name)) ? nil : TableRebuild(of: pair.before, as: pair.after)
    }
  }
}
