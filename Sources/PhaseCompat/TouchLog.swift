internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Records which rows of a WITHOUT ROWID table are touched. SQLite's update hook does not report them, so TEMP triggers
/// write down their keys.
///
/// The application does not notice: `changes()` does not count what a trigger changes, and after a trigger the last
/// rowid is the same as before (sqlite.org/c3ref/last_insert_rowid.html). Rows that REPLACE removes are not recorded.
struct TouchLog {
  /// The prefix of its objects, which are all in the schema `temp`.
  static let prefix = "phasedb_touched_"

  private let name: String
  private let columns: [String]

  /// - Returns: nil where no such trigger is possible, as on a table that has become a view.
  init?(of table: ComparedTable, on connection: Connection) {
    columns = table.keyColumns.map(SQLText.identifier)
    name = Self.prefix + table.name.text
    let target = "main.\(SQLText.identifier(table.name))"
    var script = "CREATE TEMP TABLE \(SQLText.identifier(name)) (\(self.columns.joined(separator: ", ")));"
    for (event, rows) in [("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])] {
      let body = rows.map { row in
        "INSERT INTO \(SQLText.identifier(name)) VALUES (\(self.columns.map { "\(row).\($0)" }.joined(separator: ", ")));"
      }
      script +=
        "CREATE TEMP TRIGGER \(trigger(event)) AFTER \(event) ON \(target) BEGIN \(body.joined(separator: " ")) END;"
    }
    guard (try? connection.execute(script: script)) != nil else {
      try? remove(from: connection)
      return nil
    }
  }

  private func trigger(_ event: String) -> String { SQLText.identifier("\(name)_\(event)") }

  /// The keys that were written down since the last call.
  func take(from connection: Connection) throws(SQLiteError) -> [[Value]] {
    let keys = try connection.rows("SELECT DISTINCT * FROM temp.\(SQLText.identifier(name))")
    if !keys.isEmpty { try connection.execute("DELETE FROM temp.\(SQLText.identifier(name))") }
    return keys
  }

  /// With a TEMP trigger on it, a phase could not change the table.
  func remove(from connection: Connection) throws(SQLiteError) {
    for event in ["INSERT", "UPDATE", "DELETE"] {
      try connection.execute("DROP TRIGGER IF EXISTS temp.\(trigger(event))")
    }
    try connection.execute("DROP TABLE IF EXISTS temp.\(SQLText.identifier(name))")
  }
}
