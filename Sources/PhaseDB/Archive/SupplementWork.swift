internal import PhaseSQLite

/// Rows on their way back that the SQL of the way back, and the other archives, were seen not to give back.
///
/// A row that is still as the phase left it becomes what it was before the phase, whatever the SQL makes of it. A row that
/// changed since, or was deleted or born under its key, is left to the SQL.
struct SupplementWork {
  let record: ArchiveRecord
  private let content: ArchiveContent
  private let archive: ArchiveTable
  private let hasAside: Bool

  private var asideName: String { "phasedb_aside_\(record.id)" }
  private var stageName: String { "phasedb_stage_\(record.id)" }

  /// Sets aside the rows that are not as the phase left them. Belongs before the SQL.
  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, on connection: Connection
  ) throws(SQLiteError) {
    self.record = record
    self.content = content
    self.archive = archive
    _ = try MovedKeys(content, archive, on: connection)?.follow(on: connection)
    let keys = archive.keys.map { "a.\($0)" }.joined(separator: ", ")
    let names = archive.keys.joined(separator: ", ")
    try connection.execute(
      "CREATE TEMP TABLE phasedb_aside_\(record.id) (\(names), PRIMARY KEY (\(names))) WITHOUT ROWID")
    var query = "SELECT \(keys) FROM main.\(archive.name) AS a"
    let rest = RestOfRow(content)
    if let successor = content.successor,
      let table = try TableShape(SchemaName(successor.table), on: connection),
      try rest.isReadable(in: table, on: connection)
    {
      try rest.define(on: connection)
      let own = successor.key.map { SchemaName($0) }
      let first = "n.\(SQLText.identifier(successor.key[0]))"
      query += """
         LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
        ON \(RowMatch.condition(own, in: table, as: "n", against: "a"))
        WHERE CASE WHEN a.gone THEN \(first) IS NOT NULL
        ELSE \(first) IS NULL OR \(rest.call("n")) IS NOT a.rest END
        """
    }
    try connection.execute("INSERT OR IGNORE INTO temp.phasedb_aside_\(record.id) \(query)")
    hasAside = connection.changes > 0
  }

  /// Makes the other rows what they were. Belongs after the SQL and what other archives give back.
  ///
  /// - Returns: what is left, recorded anew; nil when all of it is back and the archive is gone.
  func restore(on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    defer { try? connection.drop("temp.\(asideName)") }
    guard let table = try TableShape(SchemaName(record.table), on: connection) else {
      return record.settled(state: .left)
    }
    try putBack(into: table, on: connection)
    let isAside = archive.keys.map { "s.\($0) IS a.\($0)" }.joined(separator: " AND ")
    if hasAside {
      try connection.execute(
        "DELETE FROM main.\(archive.name) AS a WHERE NOT EXISTS (SELECT 1 FROM temp.\(asideName) AS s WHERE \(isAside))"
      )
      let sum = try archive.sum(on: connection)
      return record.settled(rows: sum.count, digest: sum.text, state: .left)
    }
    try connection.drop("main.\(archive.name)")
    return nil
  }

  /// Rows are taken out together and put in together, so that none is in the way of another's unique value.
  private func putBack(into table: TableShape, on connection: Connection) throws(SQLiteError) {
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    let keys = content.key.names.map { SchemaName($0) }
    let kept = Dictionary(
      zip(keys, archive.keys).map { ($0, "a.\($1)") }
        + zip(content.columns, archive.values).map { (SchemaName($0.name), "a.\($1)") },
      uniquingKeysWith: { first, _ in first })
    let rowID = keys.count == 1 && content.key.form == .rowID ? nil : table.hiddenRowID
    let targets = (content.key.form == .rowID ? keys : []) + table.stored.map(\.name)
    let list = ((rowID.map { [$0] } ?? []) + targets.map { SQLText.identifier($0.spelled) }).joined(
      separator: ", ")
    let read =
      (rowID.map { ["t.\($0)"] } ?? [])
      + targets.map { kept[$0] ?? "t.\(SQLText.identifier($0.spelled))" }
    let stage = read.indices.map { "c\($0 + 1)" }.joined(separator: ", ")
    let match = RowMatch.condition(keys, in: table, as: "t", against: "a")
    let aside = archive.keys.map { "s.\($0) IS a.\($0)" }.joined(separator: " AND ")
    let from = """
      FROM main.\(archive.name) AS a LEFT JOIN \(place) AS t ON \(match)
      WHERE NOT EXISTS (SELECT 1 FROM temp.\(asideName) AS s WHERE \(aside))
      """
    let isThere = "t.\(SQLText.identifier(keys[0].spelled)) IS NOT NULL"
    let needed = content.hasGoneRows ? "" : " AND \(isThere)"
    try connection.execute("CREATE TEMP TABLE \(stageName) (\(stage))")
    defer { try? connection.drop("temp.\(stageName)") }
    try connection.execute(
      "INSERT INTO temp.\(stageName) SELECT \(read.joined(separator: ", ")) \(from)\(needed)")
    let own = keys.map { SQLText.identifier($0.spelled) }
    try connection.execute(
      """
      DELETE FROM \(place) WHERE (\(own.joined(separator: ", "))) IN (
        SELECT \(own.map { "t.\($0)" }.joined(separator: ", ")) \(from) AND \(isThere))
      """)
    try connection.execute("INSERT INTO \(place) (\(list)) SELECT \(stage) FROM temp.\(stageName)")
  }
}

extension TableShape {
  /// A name of the rowid where it is not a column of the key; nil when rows have none.
  fileprivate var hiddenRowID: String? { primaryKey?.form == .integer ? nil : rowIDName }
}
