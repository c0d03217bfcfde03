internal import PhaseSQL
internal import PhaseSQLite

/// The counter of an AUTOINCREMENT table. SQLite forgets it when the table is dropped, and then uses ids of deleted
/// rows again (sqlite.org/autoinc.html).
struct SequenceCounter {
  private let table: SchemaName
  private let connection: Connection

  init(of table: SchemaName, on connection: Connection) {
    (self.table, self.connection) = (table, connection)
  }

  /// The highest id that the table ever had; nil without AUTOINCREMENT.
  func value() throws(SQLiteError) -> Int64? {
    guard try hasCounters() else { return nil }
    return try connection.value(
      "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.spelled))?.integer
  }

  /// Raises the counter, if the table exists and has one.
  func raise(to counter: Int64) throws(SQLiteError) {
    guard try hasCounters(),
      let object = try connection.rows(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        .text(table.spelled)
      ).first, TableDefinition(object[1].text ?? "")?.hasAutoincrement == true
    else { return }
    try connection.execute(
      "UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", object[0], .integer(counter))
    if connection.changes == 0 {
      try connection.execute(
        "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)", object[0], .integer(counter))
    }
  }

  private func hasCounters() throws(SQLiteError) -> Bool {
    try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'") != nil
  }
}
