internal import PhaseSQLite

/// A check-in: a version of an application that reported that it is running.
package struct CheckIn: Sendable, Hashable {
  package let application: String
  /// The version as it was written, which may be invalid: applications may write the ledger's table themselves.
  package let versionText: String
  /// The name of one running copy of the application, as in `web-1`.
  package let instance: String
  /// When it last checked in, in the text that the application wrote.
  package let seenAt: Timestamp

  /// The version; nil when the text is invalid.
  package var version: Version? { try? Version(versionText) }
}

extension CheckIn: CustomStringConvertible {
  package var description: String { "\(application) \(versionText) on \(instance)" }
}

/// The check-ins of a ledger: the table `phasedb_app`.
struct CheckIns: LedgerTable {
  let ledger: Ledger

  /// Every check-in since a moment, by application and instance.
  ///
  /// A time that SQLite cannot read counts as now, because forgetting a live version could open the gate of a contract.
  func all(since moment: Timestamp) throws(SQLiteError) -> [CheckIn] {
    var rows = try connection.prepare(
      """
      SELECT app, version, instance, seen_at FROM phasedb_app
      WHERE coalesce(julianday(seen_at) >= julianday(?1), 1) ORDER BY app, instance
      """)
    try rows.bind([.text(moment.text)])
    var checkIns: [CheckIn] = []
    while try rows.step() {
      checkIns.append(
        CheckIn(
          application: rows.text(at: 0), versionText: rows.text(at: 1), instance: rows.text(at: 2),
          seenAt: Timestamp(text: rows.text(at: 3))))
    }
    return checkIns
  }

  /// The applications that ever checked in, as far as the ledger still knows.
  func applications() throws(SQLiteError) -> Set<String> {
    Set(try connection.rows("SELECT DISTINCT app FROM phasedb_app").compactMap { $0[0].text })
  }

  /// Records a check-in in place of the instance's last one, and removes those that are too old to count.
  ///
  /// - Parameter limit: check-ins before this moment are removed.
  func record(_ checkIn: CheckIn, removingBefore limit: Timestamp) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_app (app, version, instance, seen_at) VALUES (?1, ?2, ?3, ?4)",
      .text(checkIn.application), .text(checkIn.versionText), .text(checkIn.instance),
      .text(checkIn.seenAt.text))
    try connection.execute(
      "DELETE FROM phasedb_app WHERE julianday(seen_at) < julianday(?1)", .text(limit.text))
  }
}
