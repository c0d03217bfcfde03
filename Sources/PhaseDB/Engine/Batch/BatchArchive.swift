internal import PhaseSQLite

/// The old values of what batches overwrite, kept in the transaction of each batch and put back by those of the way back.
///
/// Each direction has one archive in the ledger, to which its batches add and from which those of the other direction
/// take. What a row is worth afterwards is decided as for every other phase: one that nobody touched since gets exactly
/// what it had; one that changed since keeps what the SQL computes for it, and what that took the place of is left over.
final class BatchArchive {
  private let id: PhaseID
  /// The hash of the phase's text.
  private let text: String
  private let entry: Int64
  private let direction: Direction
  private let key: BatchKey
  private let table: BatchTable
  private let connection: Connection
  /// What this direction keeps; nil when it overwrites nothing that was there.
  private var keeping: Part?
  /// What it gives back; nil when the other direction kept nothing.
  private var giving: Part?
  /// What could not be given back by this run.
  private var left: Part?
  /// Columns that this direction's SQL computes.
  private let computed: Set<SchemaName>

  fileprivate struct Part {
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
      try BatchTable(plan, isYoung: isYoung, on: connection)
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

  private func makePart(
    _ state: ArchiveRecord.State, _ ledger: Ledger, like other: Part? = nil
  ) throws(SQLiteError) -> Part {
    let number = try ledger.nextArchive()
    let content = other?.content ?? table.content(text)
    let made = ArchiveTable(
      ArchiveRecord.tableName(number), key: content.key, tracked: content.columns.map { _ in false })
    try connection.execute(made.definition)
    if !content.key.isNumber {
      // Looked into by key, batch after batch.
      try connection.execute(
        "CREATE INDEX main.\(made.name)_key ON \(made.name) (\(made.keys.joined(separator: ", ")))")
    }
    let record = ArchiveRecord(
      id: number, phase: id, direction: other?.record.direction ?? direction, entry: entry,
      table: key.table, content: content.json, rows: 0, digest: RowSum().text, state: state)
    try ledger.record([record])
    return Part(record: record, content: content, table: made, sum: RowSum())
  }
}

// MARK: - Around the SQL of one batch

extension BatchArchive {
  private static let before = "temp.phasedb_batch_before"
  private static let aside = "temp.phasedb_batch_aside"
  private static let rest = "phasedb_batch_rest"

  /// Before the SQL of a batch: sets aside what it may overwrite, and which rows have changed since the other direction
  /// ran.
  func capture(_ keys: ClosedKeys) throws(MigrationError) {
    try lifting("keeping what a batch overwrites") { () in
      if keeping != nil {
        try connection.execute(
          "CREATE TEMP TABLE IF NOT EXISTS phasedb_batch_before (\((table.keyNames + table.valueNames).joined(separator: ", ")))"
        )
        try connection.execute("DELETE FROM \(Self.before)")
        try connection.execute(
          "INSERT INTO \(Self.before) \(table.presentValues(of: key))", keys.first, keys.last)
      }
      if let giving {
        try connection.execute(
          "CREATE TEMP TABLE IF NOT EXISTS phasedb_batch_aside (\(table.keyNames.joined(separator: ", ")), PRIMARY KEY (\(table.keyNames.joined(separator: ", ")))) WITHOUT ROWID"
        )
        try connection.execute("DELETE FROM \(Self.aside)")
        let changed = giving.content.hashesMatch(table) ? "\(table.hash("t", Self.rest)) IS NOT a.rest" : "1"
        try connection.execute(
          """
          INSERT INTO \(Self.aside) SELECT \(table.keyNames.map { "a.\($0)" }.joined(separator: ", "))
          FROM \(table.place) AS t JOIN main.\(giving.table.name) AS a ON \(table.match("a", "t"))
          WHERE \(table.range(of: key, "t")) AND \(changed)
          """, keys.first, keys.last)
      }
    }
  }

  /// After the SQL of a batch: puts back what the other direction kept, and keeps what differs now.
  func settle(_ keys: ClosedKeys, _ ledger: Ledger) throws(MigrationError) {
    try lifting("keeping what a batch overwrote") { () in
      if var part = giving {
        try giveBack(&part, keys, ledger)
        giving = part
      }
      if var part = keeping {
        part.sum.add(try part.table.fill(from: table.difference(Self.before, Self.rest), on: connection))
        try record(&part, ledger)
        keeping = part
      }
    }
  }

  private func giveBack(_ part: inout Part, _ keys: ClosedKeys, _ ledger: Ledger) throws(SQLiteError) {
    let values = part.content.columns.enumerated().compactMap { index, column -> String? in
      guard let present = table.shape.column(SchemaName(column.name)), !present.isGenerated else {
        return nil
      }
      let name = SQLText.identifier(present.name.spelled)
      let value = "a.v\(index + 1)"
      // A row that changed since keeps what this direction computes for it.
      let kept =
        computed.contains(present.name) ? "CASE WHEN s.k1 IS NULL THEN \(value) ELSE t.\(name) END" : value
      return "\(name) = \(kept)"
    }
    let joined =
      "main.\(part.table.name) AS a LEFT JOIN \(Self.aside) AS s ON \(table.keyNames.map { "s.\($0) = a.\($0)" }.joined(separator: " AND "))"
    if !values.isEmpty {
      // No trigger fires: they had their say when the rows were written.
      connection.turn(.triggers, on: false)
      defer { connection.turn(.triggers, on: true) }
      try connection.execute(
        """
        UPDATE \(table.place) AS t SET \(values.joined(separator: ", ")) FROM \(joined)
        WHERE \(table.match("a", "t")) AND \(table.range(of: key, "t"))
        """, keys.first, keys.last)
    }
    let given =
      "SELECT \(table.keyNames.map { "a.\($0)" }.joined(separator: ", ")) FROM \(table.place) AS t JOIN main.\(part.table.name) AS a ON \(table.match("a", "t")) WHERE \(table.range(of: key, "t"))"
    try keepLeftovers(of: part, keys, ledger)
    // Rows that are dealt with leave the archive, and its sum with them.
    let rows =
      "main.\(part.table.name) AS a WHERE (\(table.keyNames.map { "a.\($0)" }.joined(separator: ", "))) IN (\(given))"
    var gone = try connection.prepare(
      "SELECT \(part.table.columns.map { "a.\($0)" }.joined(separator: ", ")) FROM \(rows)")
    try gone.bind([keys.first, keys.last])
    part.sum.subtract(try gone.sumOfRows(RowHasher(columns: part.table.columns)))
    gone.reset()
    try connection.execute("DELETE FROM \(rows)", keys.first, keys.last)
    try record(&part, ledger)
  }

  /// What a changed row did not get back goes to an archive that only purge destroys.
  private func keepLeftovers(of part: Part, _ keys: ClosedKeys, _ ledger: Ledger) throws(SQLiteError) {
    guard !computed.isEmpty, try connection.value("SELECT 1 FROM \(Self.aside) LIMIT 1") != nil else {
      return
    }
    var rest: Part
    if let left { rest = left } else { rest = try makePart(.left, ledger, like: part) }
    rest.sum.add(
      try rest.table.fill(
        from:
          "SELECT \(part.table.columns.map { "a.\($0)" }.joined(separator: ", ")) FROM main.\(part.table.name) AS a JOIN \(Self.aside) AS s ON \(table.keyNames.map { "s.\($0) = a.\($0)" }.joined(separator: " AND "))",
        on: connection))
    try record(&rest, ledger)
    left = rest
  }

  private func record(_ part: inout Part, _ ledger: Ledger) throws(SQLiteError) {
    guard part.record.digest != part.sum.text else { return }
    part.record = part.record.settled(rows: part.sum.count, digest: part.sum.text)
    try ledger.record([part.record])
  }

  /// In the last transaction: an archive without rows is nothing to keep, and what the other direction's still holds had
  /// no row to come back to.
  func finish(_ ledger: Ledger) throws(MigrationError) {
    try lifting("settling archives") { () in
      for part in [keeping, giving].compactMap(\.self) {
        if part.sum.count == 0 {
          try connection.execute("DROP TABLE main.\(part.table.name)")
          try ledger.forgetArchive(part.record.id)
        } else if part.record.direction != direction {
          try ledger.record([part.record.settled(state: .left)])
        }
      }
      for name in [Self.before, Self.aside] { try connection.execute("DROP TABLE IF EXISTS \(name)") }
    }
  }

  /// Forgets what a batch that was rolled back had added.
  func restore(_ marks: Marks) { (keeping, giving, left) = (marks.keeping, marks.giving, marks.left) }

  var marks: Marks { Marks(keeping: keeping, giving: giving, left: left) }

  struct Marks {
    fileprivate let keeping: Part?
    fileprivate let giving: Part?
    fileprivate let left: Part?
  }
}

extension ArchiveContent {
  /// Whether the rest of a row is made of the same columns now.
  fileprivate func hashesMatch(_ table: BatchTable) -> Bool {
    Set(successor?.hashed.map { SchemaName($0) } ?? []) == Set(table.hashed)
  }
}

extension RowSum {
  fileprivate init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 3, let count = Int(parts[0]), let first = UInt64(parts[1]),
      let second = UInt64(parts[2])
    else { return nil }
    self.init(count: count, first: first, second: second)
  }

  fileprivate mutating func subtract(_ other: RowSum) {
    self = RowSum(
      count: count - other.count, first: first &- other.first, second: second &- other.second)
  }
}
