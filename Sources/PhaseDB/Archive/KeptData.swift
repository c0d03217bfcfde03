internal import PhaseSQL
internal import PhaseSQLite

/// Something that phasedb keeps of a phase until it is purged: one table of archived values, or one retired column or table.
package struct KeptData: Sendable, Hashable {
  /// As in `customers.full_name (retired)` or `what up took from orders`.
  package let what: Prose
  package let rows: Int
  /// Its size in the file; nil when SQLite cannot tell, as for one column of a table.
  package let bytes: Int?
  /// How many of the rows belong to rows that an application has deleted since; nil when that was not asked, or cannot be
  /// told.
  package var deleted: Int?
  /// Whether it is a column or table that a phase retired, and no archive.
  var isRetired = false
}

extension KeptData {
  /// The archives of a phase that are not purged.
  ///
  /// - Parameter limit: how long the search for deleted rows may take in each archive; nil to leave it out.
  static func archives(
    _ records: [ArchiveRecord], lookingForDeleted limit: Duration? = nil, on connection: Connection
  ) throws(MigrationError) -> [KeptData] {
    var kept: [KeptData] = []
    for archive in records where archive.state != .purged {
      let size = try lifting("measuring archive \(archive.id)") { () in
        try ArchiveSize(archive, on: connection)
      }
      guard let size else { continue }
      let left = archive.state == .left ? ", for rows that no longer exist" : ""
      kept.append(
        KeptData(
          what: "what \(archive.direction.rawValue) took from \(archive.table)\(left)", rows: size.rows,
          bytes: size.bytes,
          deleted: try limit.flatMap { limit throws(MigrationError) in
            try archive.deleted(within: limit, on: connection)
          }))
    }
    return kept
  }
}

extension ArchiveRecord {
  /// How many of its rows belong to rows that went on after the transition and are not there any more; nil when it cannot
  /// be told where they went on, or not in time.
  fileprivate func deleted(within limit: Duration, on connection: Connection) throws(MigrationError) -> Int? {
    let content = try ArchiveContent(self)
    // What is left of the way back is for the table as it was before the transition.
    let place = state == .left ? (table, content.key.names) : content.successor.map { ($0.table, $0.key) }
    guard let (name, key) = place, content.key.names.count == key.count else { return nil }
    let others = state == .left ? "1" : "a.gone = 0"
    do throws(SQLiteError) {
      guard let table = try Table(SchemaName(name), on: connection) else { return nil }
      let match = RowMatch.condition(key.map { SchemaName($0) }, in: table, as: "n", against: "a")
      return try connection.limited(to: CostLimit(.reading(within: limit))) { () throws(SQLiteError) in
        try connection.value(
          """
          SELECT count(*) FROM main.\(tableName) AS a WHERE \(others) AND NOT EXISTS (
            SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) AS n WHERE \(match))
          """)?.integer.map { Int($0) }
      }
    } catch {
      if error.code.isOfSurroundings { throw MigrationError(error, while: "looking for deleted rows") }
      return nil
    }
  }
}

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
