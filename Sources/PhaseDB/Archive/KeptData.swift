internal import PhaseSQL
internal import PhaseSQLite

/// Data that phasedb keeps for a phase until it is purged: one archive, or one retired column or table.
package struct KeptData: Sendable, Hashable {
  /// Its title, as in `customers.full_name (retired)` or `what up took from orders`.
  package let what: Prose
  package let rows: Int
  /// Its size in the file; nil when SQLite cannot tell, as for one column of a table.
  package let bytes: Int?
  /// How many of its rows belong to rows that an application has deleted since; nil when that was not asked, or is
  /// unknown.
  package var deleted: Int?
  /// Whether it is a retired column or table, and not an archive.
  var isRetired = false
}

extension KeptData {
  /// The archives of a phase that are not purged.
  ///
  /// - Parameters:
  ///   - comparisons: of archives with the present rows, as far as they are known.
  ///   - applied: all applied phases. Later ones may have given rows other keys.
  ///   - limit: how long the search for deleted rows may take in each other archive; nil to leave it out.
  static func archives(
    _ records: [ArchiveRecord], knowing comparisons: [Int64: ArchiveComparison] = [:],
    among applied: [AppliedPhase] = [], lookingForDeleted limit: Duration? = nil, _ ledger: Ledger,
    on connection: Connection
  ) throws(MigrationError) -> [KeptData] {
    var kept: [KeptData] = []
    for archive in records where archive.state != .purged {
      let size = try lifting("measuring archive \(archive.id)") { () in
        try ArchiveSize(archive, on: connection)
      }
      guard let size else { continue }
      var deleted = comparisons[archive.id]?.absent
      if deleted == nil, let limit, try archive.hasItsKeys(among: applied, ledger) {
        deleted = try archive.deleted(within: limit, on: connection)
      }
      let left = archive.state == .left ? ", for rows that no longer exist" : ""
      kept.append(
        KeptData(
          what: "what \(archive.direction.rawValue) took from \(archive.table)\(left)", rows: size.rows,
          bytes: size.bytes, deleted: deleted))
    }
    return kept
  }
}

extension ArchiveRecord {
  /// Whether rows can be found by the keys that it has.
  fileprivate func hasItsKeys(
    among applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) -> Bool {
    guard let phase = applied.last(where: { $0.id == phase }) else { return true }
    let content = try ArchiveContent(self)
    return try LaterChanges.Writes(
      to: content.successor?.table ?? table, after: phase, among: applied, ledger
    ).hasKeptKeys(of: content)
  }

  /// How many of its rows belong to rows that the transition kept and that were deleted since; nil when that is
  /// unknown, or takes too long to find out.
  fileprivate func deleted(within limit: Duration, on connection: Connection) throws(MigrationError) -> Int? {
    let content = try ArchiveContent(self)
    // Values that a way back left over belong to the table as it was before the transition.
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
      // The count is left out if it takes too long; the command goes on.
      if error.code != .tooCostly, error.code.isOfSurroundings {
        throw MigrationError(error, while: "looking for deleted rows")
      }
      return nil
    }
  }
}

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
