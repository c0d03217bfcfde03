internal import PhaseSQL
internal import PhaseSQLite

/// Restores rows that, in the trial of the way back, neither its SQL nor the other archives restored.
///
/// A row that has not changed since the phase gets its old values, whatever the SQL does to it. A row that changed
/// since, was deleted, or was inserted with a used key is left to the SQL.
struct SupplementWork {
  let record: ArchiveRecord
  private let content: ArchiveContent
  private let archive: ArchiveTable
  private let hasChanged: Bool

  private var changedName: String { "phasedb_changed_\(record.id)" }

  /// Lists the rows that changed since the phase. Call it before the SQL.
  ///
  /// - Parameter isUntouched: whether it is known that the rows of the archive are there still, unchanged.
  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, isUntouched: Bool,
    on connection: Connection
  ) throws(SQLiteError) {
    self.record = record
    self.content = content
    self.archive = archive
    if !isUntouched { try MovedKeys(content, archive, on: connection)?.follow(on: connection) }
    let keys = archive.keys.map { "a.\($0)" }.joined(separator: ", ")
    let names = archive.keys.joined(separator: ", ")
    try connection.execute(
      "CREATE TEMP TABLE phasedb_changed_\(record.id) (\(names), deleted, PRIMARY KEY (\(names))) WITHOUT ROWID"
    )
    var query = "SELECT \(keys), 0 FROM main.\(archive.name) AS a"
    let rest = RestOfRow(content)
    if let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection),
      try rest.isReadable(in: table, on: connection)
    {
      try rest.define(on: connection)
      let own = successor.key.map { SchemaName($0) }
      let first = "n.\(SQLText.identifier(successor.key[0]))"
      query = """
        SELECT \(keys), NOT a.gone AND \(first) IS NULL FROM main.\(archive.name) AS a
         LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
        ON \(RowMatch.condition(own, in: table, as: "n", against: "a"))
        WHERE CASE WHEN a.gone THEN \(first) IS NOT NULL
        ELSE \(first) IS NULL OR \(rest.call("n")) IS NOT a.rest END
        """
    }
    try connection.execute("INSERT OR IGNORE INTO temp.phasedb_changed_\(record.id) \(query)")
    hasChanged = connection.changes > 0
  }

  /// Rows to which the SQL of the way back gives other values than they had. Call it after the SQL.
  ///
  /// - Parameter limit: how many rows to show.
  func corrections(limit: Int, on connection: Connection) throws(SQLiteError) -> TableDifference? {
    guard let table = try Table(SchemaName(record.table), on: connection) else { return nil }
    let keys = content.key.names.map { SchemaName($0) }
    let isAbsent = "t.\(SQLText.identifier(keys[0].spelled)) IS NULL"
    let columns = zip(content.columns, archive.values).filter { table.column(SchemaName($0.0.name)) != nil }
    let differs = columns.map { column, value in
      RowMatch.differs("a.\(value)", "t.\(SQLText.identifier(column.name))")
    }
    let match = RowMatch.condition(keys, in: table, as: "t", against: "a")
    let isChanged = archive.sameKeys("s", "a")
    let from = """
      FROM main.\(archive.name) AS a LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS t ON \(match)
      WHERE NOT EXISTS (SELECT 1 FROM temp.\(changedName) AS s WHERE \(isChanged))
      AND (\(([isAbsent] + differs).joined(separator: " OR ")))
      """
    let counts = try connection.rows("SELECT count(*), total(\(isAbsent)) \(from)")[0]
    guard let count = counts[0].integer, count > 0 else { return nil }
    let values = zip(columns, differs).flatMap {
      [$1, "a.\($0.1)", "t.\(SQLText.identifier($0.0.name))"]
    }
    let list = archive.keys.map { "a.\($0)" } + [isAbsent] + values
    let rows = try connection.rows("SELECT \(list.joined(separator: ", ")) \(from) ORDER BY 1 LIMIT \(limit)")
    var difference = TableDifference(
      table: record.table, rows: Int(count), declaredRows: 0,
      first: rows.map { row in
        let isLost = row[keys.count].integer == 1
        let changed = columns.enumerated().compactMap { index, column -> RowDifference.Column? in
          let place = keys.count + 1 + 3 * index
          guard isLost || row[place].integer == 1 else { return nil }
          return RowDifference.Column(
            name: column.0.name, before: row[place + 1], after: isLost ? nil : row[place + 2])
        }
        let title = zip(content.key.names, row).map { "\($0) = \($1)" }.joined(separator: ", ")
        return RowDifference(kind: isLost ? .lost : .changed, key: title, columns: changed)
      })
    difference.lost = Int(counts[1].number ?? 0)
    return difference
  }

  /// Gives the other rows their old values. Call it after the SQL and the other archives.
  ///
  /// - Returns: the new record of the archive; nil when everything is restored and the archive is dropped.
  func restore(on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    defer { try? connection.drop("temp.\(changedName)") }
    guard let table = try Table(SchemaName(record.table), on: connection) else {
      return record.settled(state: .left)
    }
    try putBack(into: table, on: connection)
    if hasChanged { try takeDeletedOut(of: table, on: connection) }
    let isChanged = archive.sameKeys("s", "a")
    if hasChanged {
      try connection.execute(
        "DELETE FROM main.\(archive.name) AS a WHERE NOT EXISTS (SELECT 1 FROM temp.\(changedName) AS s WHERE \(isChanged))"
      )
      let sum = try archive.sum(on: connection)
      return record.settled(rows: sum.count, digest: sum.text, state: .left)
    }
    try connection.drop("main.\(archive.name)")
    return nil
  }

  /// Rows that were deleted since stay deleted, even if the SQL inserts them again.
  private func takeDeletedOut(of table: Table, on connection: Connection) throws(SQLiteError) {
    guard try connection.value("SELECT 1 FROM temp.\(changedName) WHERE deleted LIMIT 1") != nil else {
      return
    }
    let match = zip(archive.keys, content.key.names).map { "s.\($0) = +t.\(SQLText.identifier($1))" }
      .joined(separator: " AND ")
    try connection.execute(
      """
      DELETE FROM main.\(SQLText.identifier(table.name.spelled)) AS t
      WHERE EXISTS (SELECT 1 FROM temp.\(changedName) AS s WHERE s.deleted AND \(match))
      """)
  }

  private func putBack(into table: Table, on connection: Connection) throws(SQLiteError) {
    let keys = content.key.names.map { SchemaName($0) }
    let values = Dictionary(
      zip(keys, archive.keys).map { ($0, "a.\($1)") }
        + zip(content.columns, archive.values).map { (SchemaName($0.name), "a.\($1)") },
      uniquingKeysWith: { first, _ in first })
    let match = RowMatch.condition(keys, in: table, as: "t", against: "a")
    let isChanged = archive.sameKeys("s", "a")
    let isThere = "t.\(SQLText.identifier(keys[0].spelled)) IS NOT NULL"
    // Without all its columns a row cannot be inserted again.
    let needed = content.hasGoneRows ? "" : " AND \(isThere)"
    _ = try RowReplacement(
      table: table, values: values,
      from: """
        main.\(archive.name) AS a LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS t ON \(match)
        WHERE NOT EXISTS (SELECT 1 FROM temp.\(changedName) AS s WHERE \(isChanged))\(needed)
        """
    ).run(on: connection)
  }
}
