internal import PhaseSQL
internal import PhaseSQLite

/// The size of an archive.
struct ArchiveSize: Sendable {
  let record: ArchiveRecord
  let bytes: Int
  /// Whether the bytes are estimated from some of the rows, because this SQLite does not count pages.
  let isEstimate: Bool

  var rows: Int { record.rows }

  /// - Returns: nil when the archive's table does not exist.
  init?(_ record: ArchiveRecord, on connection: Connection) throws(SQLiteError) {
    guard
      try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = ?1", .text(record.tableName)) != nil
    else { return nil }
    self.record = record
    // Not every build of SQLite has `dbstat` (sqlite.org/dbstat.html).
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
