internal import PhaseSQLite

/// A row of `phasedb_archive`: the record of one archive, which has what one transition removed from one table.
struct ArchiveRecord: Sendable {
  enum State: String, Sendable {
    /// It can be restored.
    case kept
    /// It is left over: its rows are gone or have changed, so its values were not restored. Only `purge` destroys it.
    case left
    /// It is a retired object: in the schema under another name, and not in a table of its own.
    case retired
    case purged
  }

  /// The number in the name of its table.
  let id: Int64
  let phase: PhaseID
  /// The direction of the transition that made it.
  let direction: Direction
  /// The id of the log's row of that transition.
  let entry: Int64
  /// The name of the table before the transition.
  let table: String
  /// Its description, as JSON.
  let content: String
  let rows: Int
  let digest: String
  let state: State

  /// The table that holds the rows.
  var tableName: String { Self.tableName(id) }

  static func tableName(_ id: Int64) -> String { "phasedb_archive_\(id)" }

  /// The same archive with new numbers, another state or another description.
  func settled(
    rows: Int? = nil, digest: String? = nil, state: State? = nil, content: String? = nil
  ) -> ArchiveRecord {
    ArchiveRecord(
      id: id, phase: phase, direction: direction, entry: entry, table: table,
      content: content ?? self.content,
      rows: rows ?? self.rows, digest: digest ?? self.digest, state: state ?? self.state)
  }
}

/// The archives of a ledger: the table `phasedb_archive`.
struct ArchiveRecords: LedgerTable {
  let ledger: Ledger

  /// The archives of a phase, oldest first; none in a ledger of the first format.
  ///
  /// - Throws: `ledger-damaged` for a row that cannot be read.
  func all(of phase: PhaseID? = nil) throws(MigrationError) -> [ArchiveRecord] {
    guard format >= 2 else { return [] }
    return try lifting("reading the ledger") {
      var rows = try connection.prepare(
        """
        SELECT id, phase, direction, entry, tbl_name, content, rows, digest, state FROM phasedb_archive
        WHERE ?1 IS NULL OR phase = ?1 ORDER BY id
        """)
      try rows.bind([Value(phase?.description)])
      var archives: [ArchiveRecord] = []
      while try rows.step() {
        guard let phase = try? PhaseID(rows.text(at: 1)),
          let direction = Direction(rawValue: rows.text(at: 2)),
          let state = ArchiveRecord.State(rawValue: rows.text(at: 8))
        else { throw Ledger.damaged("row \(rows.integer(at: 0)) of phasedb_archive cannot be read") }
        archives.append(
          ArchiveRecord(
            id: rows.integer(at: 0), phase: phase, direction: direction, entry: rows.integer(at: 3),
            table: rows.text(at: 4), content: rows.text(at: 5), rows: Int(rows.integer(at: 6)),
            digest: rows.text(at: 7), state: state))
      }
      return archives
    }
  }

  /// The number of the next archive. Call it inside the transaction that makes it.
  func next() throws(SQLiteError) -> Int64 {
    (try connection.value("SELECT max(id) FROM phasedb_archive")?.integer ?? 0) &+ 1
  }

  /// Records archives, or their new state. Call it inside the transaction that made or used them.
  ///
  /// - Parameter entry: the id of the log's row of the transition that made them; nil when each has its own.
  func record(_ archives: [ArchiveRecord], entry: Int64? = nil) throws(SQLiteError) {
    for archive in archives {
      try connection.execute(
        "INSERT OR REPLACE INTO phasedb_archive VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        .integer(archive.id), .text(archive.phase.description), .text(archive.direction.rawValue),
        .integer(entry ?? archive.entry), .text(archive.table), .text(archive.content),
        .integer(Int64(archive.rows)),
        .text(archive.digest), .text(archive.state.rawValue))
    }
  }

  /// Forgets an archive whose rows are all back.
  func forget(_ id: Int64) throws(SQLiteError) {
    try connection.execute("DELETE FROM phasedb_archive WHERE id = ?1", .integer(id))
  }
}
