internal import PhaseSQL
internal import PhaseSQLite

/// How much an archive holds.
struct ArchiveSize: Sendable {
  let record: ArchiveRecord
  let bytes: Int
  /// Whether the bytes are reckoned from some of the rows, because this SQLite does not count pages.
  let isEstimate: Bool

  var rows: Int { record.rows }

  /// - Returns: nil when the archive's table is not there.
  init?(_ record: ArchiveRecord, on connection: Connection) throws(SQLiteError) {
    guard
      try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = ?1", .text(record.tableName)) != nil
    else { return nil }
    self.record = record
    // sqlite.org/dbstat.html: not in every build.
    let pages = try? connection.value(
      "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM main.sqlite_schema WHERE tbl_name = ?1) AND aggregate = TRUE",
      .text(record.tableName))
    if let bytes = pages?.integer {
      self.bytes = Int(bytes)
      isEstimate = false
      return
    }
    let columns = try Table.columnNames(of: SchemaName(record.tableName), on: connection).map {
      "coalesce(length(CAST(\(SQLText.identifier($0.spelled)) AS BLOB)), 0) + 2"
    }
    let width = try connection.value(
      "SELECT avg(w) FROM (SELECT \(columns.joined(separator: " + ")) AS w FROM main.\(record.tableName) LIMIT 1000)"
    )
    bytes = Int((width?.number ?? 0) * Double(record.rows))
    isEstimate = true
  }
}
