internal import PhaseSQL
internal import PhaseSQLite

// The counter of an AUTOINCREMENT table is forgotten when the table is dropped, and ids of deleted rows would be given
// out twice (sqlite.org/autoinc.html).
extension Connection {
  /// The highest id that a table ever had; nil without AUTOINCREMENT.
  func counter(of table: SchemaName) throws(SQLiteError) -> Int64? {
    guard try hasCounters() else { return nil }
    return try value(
      "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.spelled))?.integer
  }

  /// Raises the counter of a table, which must be there and count.
  func raiseCounter(of table: SchemaName, to counter: Int64) throws(SQLiteError) {
    guard try hasCounters(),
      let object = try rows(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        .text(table.spelled)
      ).first, TableDefinition(object[1].text ?? "")?.hasAutoincrement == true
    else { return }
    try execute(
      "UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", object[0], .integer(counter))
    if changes == 0 {
      try execute(
        "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)", object[0], .integer(counter))
    }
  }

  private func hasCounters() throws(SQLiteError) -> Bool {
    try value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'") != nil
  }

  /// Drops a table, also beside virtual tables that were written in the same transaction.
  func drop(_ table: String) throws(SQLiteError) {
    try endStatementsOfModules()
    try execute("DROP TABLE IF EXISTS \(table)")
  }

  func hasForeignKeys(_ table: SchemaName) throws(SQLiteError) -> Bool {
    try value("SELECT 1 FROM pragma_foreign_key_list(?1)", .text(table.spelled)) != nil
  }

  func hasRows(_ table: SchemaName) throws(SQLiteError) -> Bool {
    try value("SELECT 1 FROM main.\(SQLText.identifier(table.spelled)) LIMIT 1") != nil
  }
}
