internal import PhaseSQLite

/// The old values of what batches overwrite, kept in the transaction of each batch and put back by those of the way back.
///
/// Each direction has one archive in the ledger, to which its batches add and from which those of the other direction
/// take. What a row is worth afterwards is decided as for every other phase: one that nobody touched since gets exactly
/// what it had; one that changed since keeps what the SQL computes for it, and what that took the place of is left over.
final class BatchArchive {
  let id: PhaseID
  /// The hash of the phase's text.
  let text: String
  let entry: Int64
  let direction: Direction
  let key: BatchKey
  let table: BatchTable
  let connection: Connection
  /// What this direction keeps; nil when it overwrites nothing that was there.
  var keeping: Part?
  /// What it gives back; nil when the other direction kept nothing.
  var giving: Part?
  /// What could not be given back by this run.
  var left: Part?
  /// Whether the batch that runs may overwrite what is to be kept.
  var hasCaptured = false
  /// Columns that this direction's SQL computes.
  let computed: Set<SchemaName>

  struct Part {
    var record: ArchiveRecord
    let content: ArchiveContent
    let table: ArchiveTable
    var sum: RowSum
  }

  /// Finds the archives of a phase that is under way, and makes the one of its direction when there is none. Belongs into
  /// the first transaction.
  ///
  /// - Parameters:
  ///   - entry: the id of the log's row of that transaction.
  ///   - plan: what the direction writes.
  ///   - isYoung: whether a column came with the same migration.
  init?(
    of record: BatchRecord, _ plan: BatchPlan, entry: Int64, _ ledger: Ledger, on connection: Connection,
    isYoung: (SchemaName) -> Bool
  ) throws(MigrationError) {
    let made = try lifting("looking for what batches overwrite") { () in
      try BatchTable(
        plan, wayBack: record.direction == .up ? record.phase.down : record.phase.up, isYoung: isYoung,
        on: connection)
    }
    guard let made else { return nil }
    table = made
    key = plan.key
    computed = Set(made.written.map(\.name))
    (id, self.entry, direction, self.connection) = (record.id, entry, record.direction, connection)
    text = record.phase.tokenHash
    for archive in try ledger.archives(of: record.id) where archive.state == .kept {
      let content = try ArchiveContent(archive)
      guard content.text == text else {
        // What another text of the phase left is no value for this one to bring back.
        if archive.direction != direction { try set(archive, .left, ledger) }
        continue
      }
      let part = try part(archive, content)
      if archive.direction == direction { keeping = part } else { giving = part }
    }
    if keeping == nil, !made.written.isEmpty {
      keeping = try lifting("making an archive") { () in try makePart(.kept, ledger) }
    }
    guard keeping != nil || giving != nil else { return nil }
    let hashed = made.hashed.map(\.spelled)
    try lifting("making the hash of a row") { () in
      // What an earlier direction left would have other columns.
      for name in [Self.before, Self.aside] { try connection.execute("DROP TABLE IF EXISTS \(name)") }
      try connection.defineRowHash(named: Self.rest, columns: hashed)
    }
  }

  private func set(
    _ archive: ArchiveRecord, _ state: ArchiveRecord.State, _ ledger: Ledger
  ) throws(MigrationError) {
    try lifting("writing the ledger") { () in try ledger.record([archive.settled(state: state)]) }
  }

  private func part(_ record: ArchiveRecord, _ content: ArchiveContent) throws(MigrationError) -> Part {
    let table = ArchiveTable(record, content)
    guard let sum = RowSum(record.digest) else { throw Ledger.damaged("archive \(record.id) has no digest") }
    return Part(record: record, content: content, table: table, sum: sum)
  }

  func makePart(
    _ state: ArchiveRecord.State, _ ledger: Ledger, like other: Part? = nil
  ) throws(SQLiteError) -> Part {
    let number = try ledger.nextArchive()
    let content = other?.content ?? table.content(text)
    let made = ArchiveTable(
      ArchiveRecord.tableName(number), key: content.key, tracked: content.columns.map { _ in false })
    try connection.execute(made.definition)
    if !content.key.isNumber {
      // Looked into by key, batch after batch.
      try connection.execute(made.indexDefinition)
    }
    let record = ArchiveRecord(
      id: number, phase: id, direction: other?.record.direction ?? direction, entry: entry,
      table: key.table, content: content.json, rows: 0, digest: RowSum().text, state: state)
    try ledger.record([record])
    return Part(record: record, content: content, table: made, sum: RowSum())
  }
}

extension RowSum {
  init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 3, let count = Int(parts[0]), let first = UInt64(parts[1]),
      let second = UInt64(parts[2])
    else { return nil }
    self.init(count: count, first: first, second: second)
  }

  mutating func subtract(_ other: RowSum) {
    self = RowSum(
      count: count - other.count, first: first &- other.first, second: second &- other.second)
  }
}
