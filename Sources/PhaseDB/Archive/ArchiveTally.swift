internal import PhaseSQL
internal import PhaseSQLite

/// What has become of the rows of an archive since its phase went up.
struct ArchiveTally: Hashable, Sendable {
  /// Rows that are there and whose rest is another one. Where their keys may be given out twice, they may be rows that
  /// were born since.
  var changed = 0
  /// Rows that were there after the phase and are not any more.
  var gone = 0
  /// Rows that were gone after the phase and whose keys others have today.
  var reborn = 0
  /// Rows that stand under another key, found by what the rest of them holds.
  var moved = 0
  /// Whether rows that changed cannot be told, because they cannot be compared any more or were not hashed, as by earlier
  /// versions.
  var isUnknown = false

  /// Counts them. Reads only.
  ///
  /// - Throws: also `ledger-damaged` for an archive that cannot be read.
  init(_ record: ArchiveRecord, on connection: Connection) throws {
    let content = try ArchiveContent(record)
    let archive = ArchiveTable(record, content)
    guard let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection)
    else {
      isUnknown = content.successor != nil
      return
    }
    let rest = RestOfRow(content)
    let isReadable = try rest.isReadable(in: table, on: connection)
    if isReadable { try rest.define(on: connection) }
    let own = successor.key.map { SchemaName($0) }
    let isAbsent = "n.\(SQLText.identifier(own[0].spelled)) IS NULL"
    let differs = isReadable ? "\(rest.call("n")) IS NOT a.rest" : "0"
    let counts = try connection.rows(
      """
      SELECT total(a.gone = 0 AND NOT \(isAbsent) AND a.rest IS NOT NULL AND \(differs)),
      total(a.gone = 0 AND \(isAbsent)), total(a.gone AND NOT \(isAbsent)),
      total(a.gone = 0 AND a.rest IS NULL)
      FROM main.\(archive.name) AS a LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(RowMatch.condition(own, in: table, as: "n", against: "a"))\(isReadable ? rest.joins("n") : "")
      """
    )[0].map { Int($0.number ?? 0) }
    (changed, gone, reborn) = (counts[0], counts[1], counts[2])
    isUnknown = !isReadable || counts[3] > 0
    guard changed + gone > 0, let keys = try MovedKeys(content, archive, on: connection) else { return }
    moved = try keys.count(on: connection)
    // A row that moved left its key free, or to another row.
    let fromGone = min(moved, gone)
    gone -= fromGone
    changed = max(0, changed - (moved - fromGone))
  }
}

extension RoundTripRecord.Keys {
  /// How many rows were certainly born since: their keys are above the highest one. nil when the table is gone.
  func born(on connection: Connection) throws(SQLiteError) -> Int? {
    guard let shape = try Table(SchemaName(table), on: connection), let rowID = shape.anyRowIDName else {
      return nil
    }
    let place = "main.\(SQLText.identifier(shape.name.spelled))"
    let count = try connection.value(
      "SELECT count(*) FROM \(place) WHERE \(rowID) > ?1 OR ?1 IS NULL", highest.map(Value.integer) ?? .null)
    return Int(count?.integer ?? 0)
  }
}
