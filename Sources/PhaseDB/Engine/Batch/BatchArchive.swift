internal import PhaseSQL
internal import PhaseSQLite

/// Archives values in the transaction of each batch, and restores values that the other direction archived.
///
/// Each direction has one archive in the ledger. Its batches add to the archive, and the batches of the other
/// direction take from it. Rows follow the rule of all phases: an untouched row gets exactly its old values; a row
/// that changed since keeps what the SQL computes for it, and its archived values are left over.
final class BatchArchive {
  private let id: PhaseID
  /// The hash of the phase's text.
  private let text: String
  private let entry: Int64
  private let direction: Direction
  private let key: BatchKey
  let table: BatchTable
  private let connection: Connection
  /// The archive of this direction; nil when neither direction writes the table.
  private var keeping: Part?
  /// The archive that it restores from; nil when the other direction archived nothing.
  private var giving: Part?
  /// What this run could not restore.
  private var left: Part?
  /// Whether a table from which this direction computes values has changed since the other direction ran.
  private var sourcesChanged = false
  /// Columns that this direction's SQL computes.
  private let computed: Set<SchemaName>
  /// The indexes that must be updated with restored values.
  private var indexes: [FullTextIndex] = []
  /// How many rows of the present batch were copied before its SQL ran.
  private(set) var count = 0

  struct Part {
    var record: ArchiveRecord
    var content: ArchiveContent
    let table: ArchiveTable
    var sum: RowSum
  }

  private static let before = "temp.\(BatchTable.before)"
  private static let differing = "temp.phasedb_batch_differing"
  private static let changedRowsName = "phasedb_batch_aside"
  private static let changedRows = "temp.\(changedRowsName)"

  /// Finds the archives of a phase that is under way, and makes the one of its direction if it is missing. Call it
  /// inside the first transaction.
  ///
  /// - Parameters:
  ///   - plan: the SQL of this direction.
  ///   - wayBack: the SQL of the other direction.
  ///   - lookups: the rows of other tables from which that computes values.
  ///   - entry: the id of the log's row of that transaction.
  ///   - isNew: whether no batch ran yet.
  init(
    of record: BatchRecord, _ table: BatchTable, _ plan: BatchPlan, wayBack: WriteSet, _ lookups: [Lookup],
    entry: Int64, _ ledger: Ledger, _ schema: Schema, isNew: Bool, on connection: Connection
  ) throws(MigrationError) {
    self.table = table
    key = plan.key
    let written = plan.writes.columns[table.shape.name.key] ?? []
    computed = Set(table.remembered.filter { written.contains($0.key) })
    (id, self.entry, direction, self.connection) = (record.id, entry, record.direction, connection)
    text = record.phase.tokenHash
    for archive in try ledger.archives.all(of: record.id) where archive.state == .kept {
      let content = try ArchiveContent(archive)
      guard content.text == text else {
        // Values that another text of the phase archived must not be restored by this one.
        if archive.direction != direction {
          try lifting("writing the ledger") { () in
            try ledger.archives.record([archive.settled(state: .left)])
          }
        }
        continue
      }
      let part = try part(archive, content)
      if archive.direction == direction { keeping = part } else { giving = part }
    }
    if keeping == nil, !table.remembered.isEmpty {
      keeping = try lifting("making an archive") { () in
        let lookups = try lookups.described(on: connection)
        return try makePart(.kept, table.content(text, wayBack: wayBack, lookups), direction, ledger)
      }
    }
    if isNew {
      try lifting("looking for rows with other keys") { () in try followMovedKeys(ledger) }
    }
    try lookAtSources(isNew: isNew, ledger)
    indexes = try lifting("looking for full-text indexes") { () in
      let columns = giving?.content.columns.map { SchemaName($0.name) } ?? []
      return try FullTextIndex.all(
        of: table.shape, updating: columns.filter { table.shape.column($0)?.isGenerated == false }, schema,
        on: connection)
    }
    try lifting("making room for the rows of a batch") { () in
      // Tables that the other direction left would have other columns.
      for name in [Self.before, Self.differing, Self.changedRows] {
        try connection.execute("DROP TABLE IF EXISTS \(name)")
      }
      try RowHash.define(ArchivePlan.valueFunction, columns: ["value"], on: connection)
    }
  }

  /// Gives archived rows the keys that they have now, before batches look for them by these.
  private func followMovedKeys(_ ledger: Ledger) throws(SQLiteError) {
    guard var part = giving, let moved = try MovedKeys(part.content, part.table, on: connection) else {
      return
    }
    try moved.follow(on: connection)
    part.sum = try part.table.sum(on: connection)
    try record(&part, ledger)
    giving = part
  }

  /// The batches of this direction change these tables, too. So what the first run finds is recorded for later ones.
  private func lookAtSources(isNew: Bool, _ ledger: Ledger) throws(MigrationError) {
    guard var part = giving, !part.content.sources.all.isEmpty else { return }
    guard isNew else {
      sourcesChanged = true
      return
    }
    try lifting("looking for changes of other tables") { () in
      let changed = try part.content.changedSource(on: connection)
      sourcesChanged = changed != nil
      part.content.sources = .init(changed.map { [.init(table: $0, sum: "")] } ?? [])
      part.record = part.record.settled(content: part.content.json)
      try ledger.archives.record([part.record])
    }
    giving = part
  }

  private func part(_ record: ArchiveRecord, _ content: ArchiveContent) throws(MigrationError) -> Part {
    let table = ArchiveTable(record, content)
    guard let sum = RowSum(record.digest) else { throw Ledger.damaged("archive \(record.id) has no digest") }
    return Part(record: record, content: content, table: table, sum: sum)
  }

  private func makePart(
    _ state: ArchiveRecord.State, _ content: ArchiveContent, _ direction: Direction, _ ledger: Ledger
  ) throws(SQLiteError) -> Part {
    let number = try ledger.archives.next()
    let made = ArchiveTable(
      ArchiveRecord.tableName(number), key: content.key, tracked: content.columns.map(\.isTracked))
    try connection.execute(made.definition)
    if !content.key.isNumber {
      // Each batch looks up rows by their key.
      try connection.execute(made.indexDefinition)
    }
    let record = ArchiveRecord(
      id: number, phase: id, direction: direction, entry: entry,
      table: key.table, content: content.json, rows: 0, digest: RowSum().text, state: state)
    try ledger.archives.record([record])
    return Part(record: record, content: content, table: made, sum: RowSum())
  }
}

// MARK: - Before the SQL of a batch

extension BatchArchive {
  /// Copies the rows of a batch, and lists the archived rows of the other direction that have changed since.
  func remember(_ keys: ClosedKeys) throws(MigrationError) {
    try lifting("remembering the rows of a batch") { () in
      if keeping != nil || !key.isRowID {
        try connection.execute(table.definitionOfBefore)
        try connection.execute("DELETE FROM \(Self.before)")
        try connection.execute(
          "INSERT INTO \(Self.before) \(table.present(in: key))", keys.first, keys.last)
        count = connection.changes
      }
      if let giving { try listChanged(giving, keys) }
    }
  }

  /// The identities of the remembered rows, as the hook reports them.
  func identities() throws(SQLiteError) -> Set<RowIdentity> {
    var rows = try connection.prepare(
      "SELECT \(table.handleNames.joined(separator: ", ")) FROM \(Self.before)")
    var found = Set<RowIdentity>(minimumCapacity: count)
    while try rows.step() {
      found.insert(
        table.shape.isWithoutRowID ? rows.identity(columns: table.handle.count) : .rowID(rows.integer(at: 0)))
    }
    return found
  }

  /// Lists the rows that changed since the other direction ran.
  private func listChanged(_ part: Part, _ keys: ClosedKeys) throws(SQLiteError) {
    let changed = try ChangedRows(
      named: Self.changedRowsName, of: part.content, in: part.table, on: connection)
    let rest = RestOfRow(part.content)
    let isReadable = try rest.isReadable(in: table.shape, on: connection)
    let isComparable = part.content.hashesMatch(table) && isReadable
    try rest.define(on: connection)
    _ = try changed.list(
      isComparable && !sourcesChanged ? "\(rest.call("n")) IS NOT a.rest" : "1", in: table.shape,
      """
      FROM \(table.place) AS n JOIN main.\(part.table.name) AS a ON \(table.match("a", "n", part.content.key))
      \(isComparable ? rest.joins("n") : "") WHERE \(table.range(of: key, "n"))
      """, [keys.first, keys.last], on: connection)
  }
}

// MARK: - After it

extension BatchArchive {
  /// Restores what the other direction archived of the rows of a batch.
  func giveBack(_ keys: ClosedKeys, _ ledger: Ledger) throws(MigrationError) {
    guard var part = giving else { return }
    do throws(SQLiteError) {
      try putBack(part, keys)
    } catch  where error.code.primary == .constraint {
      throw MigrationError(
        .reversalBlocked, "the archived rows of \(key.table) cannot be restored: \(error.message)",
        help: ["change or delete the rows that have their keys now"])
    } catch {
      throw MigrationError(error, while: "restoring archived rows of \(key.table)")
    }
    try lifting("settling an archive") { () in try settle(&part, keys, ledger) }
    giving = part
  }

  private func putBack(_ part: Part, _ keys: ClosedKeys) throws(SQLiteError) {
    let columns = part.content.columns.enumerated().compactMap { index, column in
      table.shape.column(SchemaName(column.name)).flatMap { $0.isGenerated ? nil : (index, $0) }
    }
    guard !columns.isEmpty else { return }
    // Triggers are off: they fired already when the rows were written.
    connection.turn(.triggers, on: false)
    defer { connection.turn(.triggers, on: true) }
    let rows = "\(table.match("a", "t", part.content.key)) AND \(table.range(of: key, "t"))"
    let source = "FROM \(table.place) AS t JOIN main.\(part.table.name) AS a ON \(rows)"
    for index in indexes { try index.tell(isGoing: true, source, keys.first, keys.last, on: connection) }
    func set(_ columns: [(Int, Table.Column)], _ value: (Int) -> String) throws(SQLiteError) {
      let values = columns.map { index, column in
        let name = SQLText.identifier(column.name.spelled)
        return
          "\(name) = CASE WHEN s.k1 IS NOT NULL AND s.\(whatKeeps(index, part)) THEN t.\(name) ELSE \(value(index)) END"
      }
      // The conflict clause is explicit, because a column's own one might replace another row.
      try connection.execute(
        """
        UPDATE OR ABORT \(table.place) AS t SET \(values.joined(separator: ", "))
        FROM main.\(part.table.name) AS a LEFT JOIN \(Self.changedRows) AS s ON \(part.table.sameKeys("s", "a")) WHERE \(rows)
        """, keys.first, keys.last)
    }
    do throws(SQLiteError) {
      try set(columns) { "a.v\($0 + 1)" }
    } catch {
      // A unique value may still be in another row of the batch, which gets its own value only later.
      let emptied = columns.filter { $0.1.mayBeNull }
      guard error.code.primary == .constraint, !emptied.isEmpty else { throw error }
      try set(emptied) { _ in "NULL" }
      try set(columns) { "a.v\($0 + 1)" }
    }
    for index in indexes { try index.tell(isGoing: false, source, keys.first, keys.last, on: connection) }
  }

  /// The mark that a column of a row keeps its present value. In a row that changed since, these are the columns that
  /// this direction computes, and those that the application wrote.
  private func whatKeeps(_ index: Int, _ part: Part) -> String {
    computed.contains(SchemaName(part.content.columns[index].name)) ? "c0" : part.table.marks[index] ?? "c0"
  }

  /// Removes finished rows from the archive and its checksum. Values that a changed row did not get back go to an
  /// archive that only `purge` destroys.
  private func settle(_ part: inout Part, _ keys: ClosedKeys, _ ledger: Ledger) throws(SQLiteError) {
    let columns = part.table.columns.map { "a.\($0)" }.joined(separator: ", ")
    if try connection.value("SELECT 1 FROM \(Self.changedRows) LIMIT 1") != nil {
      let others = part.content.columns.enumerated().map { index, column in
        guard let present = table.shape.column(SchemaName(column.name))?.name else { return "1" }
        return RowMatch.differs("a.v\(index + 1)", "t.\(SQLText.identifier(present.spelled))")
      }
      let query =
        "SELECT \(columns) FROM \(Self.changedRows) AS s JOIN main.\(part.table.name) AS a ON \(part.table.sameKeys("a", "s")) JOIN \(table.place) AS t ON \(table.found("a", "t", part.content.key)) WHERE \(others.joined(separator: " OR "))"
      if try connection.value("\(query) LIMIT 1") != nil {
        var rest: Part
        if let left {
          rest = left
        } else {
          rest = try makePart(.left, part.content, part.record.direction, ledger)
        }
        rest.sum.add(try rest.table.fill(from: query, on: connection))
        try record(&rest, ledger)
        left = rest
      }
    }
    let archived = part.table.keys.map { "a.\($0)" }.joined(separator: ", ")
    let given =
      "SELECT \(archived) FROM \(table.place) AS t JOIN main.\(part.table.name) AS a ON \(table.match("a", "t", part.content.key)) WHERE \(table.range(of: key, "t"))"
    let rows =
      "main.\(part.table.name) AS a WHERE (\(archived)) IN (\(given))"
    var gone = try connection.prepare("SELECT \(columns) FROM \(rows)")
    try gone.bind([keys.first, keys.last])
    part.sum.subtract(try gone.sumOfRows(RowHasher(columns: part.table.columns)))
    gone.reset()
    try connection.execute("DELETE FROM \(rows)", keys.first, keys.last)
    try record(&part, ledger)
  }

  private func record(_ part: inout Part, _ ledger: Ledger) throws(SQLiteError) {
    guard part.record.digest != part.sum.text else { return }
    part.record = part.record.settled(rows: part.sum.count, digest: part.sum.text)
    try ledger.archives.record([part.record])
  }
}

// MARK: - After the way back was tried

extension BatchArchive {
  /// Copied rows, by their numbers.
  enum Rows {
    case all
    case some([Int64])
  }

  /// The rows that differ or are gone. Call it between the way back and its rollback.
  func differing() throws(MigrationError) -> Rows {
    guard keeping != nil else { return .some([]) }
    return try lifting("comparing the rows of a batch") { () in
      var rows = try connection.prepare(table.differing)
      var numbers: [Int64] = []
      while try rows.step() { numbers.append(rows.integer(at: 0)) }
      return numbers.count == count ? .all : .some(numbers)
    }
  }

  /// Archives the values of rows before the batch, with a hash of the rows after it.
  func keep(_ rows: Rows, _ ledger: Ledger) throws(MigrationError) {
    guard var part = keeping, count > 0 else { return }
    if case .some(let numbers) = rows, numbers.isEmpty { return }
    try refuseRowsWithoutKey()
    try lifting("keeping what a batch overwrote") { () in
      var chosen = ""
      if case .some(let numbers) = rows {
        try list(numbers)
        chosen = " JOIN \(Self.differing) AS i ON i.id = s.rowid"
      }
      let kept = zip(part.content.columns, part.table.values).map { column, value in
        let index = table.remembered.firstIndex { $0 == SchemaName(column.name) }
        return "\(index.map { "s.v\($0 + 1)" } ?? "n.\(SQLText.identifier(column.name))") AS \(value)"
      }
      let tracked = zip(part.content.columns, part.table.marks).compactMap { column, mark in
        mark.map { "\(ArchivePlan.valueFunction)(n.\(SQLText.identifier(column.name))) AS \($0)" }
      }
      let rest = RestOfRow(part.content)
      try rest.define(on: connection)
      let columns =
        table.keyNames.map { "s.\($0) AS \($0)" } + kept + tracked
        + ["\(rest.call("n")) AS rest", "0 AS gone"]
      let query =
        "SELECT \(columns.joined(separator: ", ")) FROM \(Self.before) AS s\(chosen) JOIN \(table.beside)\(rest.joins("n"))"
      part.sum.add(try part.table.fill(from: query, on: connection))
      try record(&part, ledger)
    }
    keeping = part
  }

  /// Whether the archive has every row of the table. It is not asked of a large one, which would hold the lock: there rows
  /// are not followed to other keys.
  private func hasEveryRow(_ part: Part) throws(SQLiteError) -> Bool {
    guard part.sum.count <= TableContent.mostRowsRead else { return false }
    let rows = try connection.value(
      "SELECT count(*) FROM (SELECT 1 FROM \(table.place) LIMIT \(part.sum.count + 1))")
    return rows == .integer(Int64(part.sum.count))
  }

  private func list(_ numbers: [Int64]) throws(SQLiteError) {
    try connection.execute("CREATE TEMP TABLE IF NOT EXISTS phasedb_batch_differing (id INTEGER PRIMARY KEY)")
    try connection.execute("DELETE FROM \(Self.differing)")
    var insert = try connection.prepare("INSERT INTO \(Self.differing) VALUES (?1)", reused: true)
    for number in numbers {
      try insert.bind(.integer(number), at: 1)
      while try insert.step() {}
      insert.reset()
    }
  }

  /// Refuses rows whose primary key is NULL. SQLite allows such rows, and the key does not identify them.
  private func refuseRowsWithoutKey() throws(MigrationError) {
    let nullable = zip(table.rowKey.names, table.keyNames).filter { name, _ in
      table.shape.column(SchemaName(name))?.mayBeNull == true
    }
    guard !table.rowKey.isNumber, !nullable.isEmpty else { return }
    let condition = nullable.map { "\($0.1) IS NULL" }.joined(separator: " OR ")
    let found = try lifting("looking for rows without a key") { () in
      try connection.value("SELECT 1 FROM \(Self.before) WHERE \(condition) LIMIT 1")
    }
    guard found != nil else { return }
    throw MigrationError(
      .archiveImpossible, "a row of \(key.table) has NULL in its primary key, so it cannot be found again",
      help: ["give the row a key, then run the command again"])
  }

  /// In the last transaction: removes an archive without rows. Archived rows of the other direction whose row is gone
  /// are marked as left over.
  ///
  /// - Parameter sources: the other tables from which the way back computes values, as they are now.
  func finish(_ ledger: Ledger, _ sources: [ArchiveContent.Sources.Source]) throws(MigrationError) {
    try lifting("settling archives") { () in
      if var part = keeping, part.sum.count > 0 {
        part.content.sources = .init(sources)
        part.content.isComplete = try hasEveryRow(part) ? true : nil
        part.record = part.record.settled(content: part.content.json)
        try ledger.archives.record([part.record])
        keeping = part
      }
      for part in [keeping, giving].compactMap(\.self) {
        if part.sum.count == 0 {
          try connection.execute("DROP TABLE main.\(part.table.name)")
          try ledger.archives.forget(part.record.id)
        } else if part.record.direction != direction {
          try ledger.archives.record([part.record.settled(state: .left)])
        }
      }
      for name in [Self.before, Self.differing, Self.changedRows] {
        try connection.execute("DROP TABLE IF EXISTS \(name)")
      }
    }
  }

  /// When no batch ran: removes the archive of this direction, and keeps the other one.
  func drop(_ ledger: Ledger) throws(SQLiteError) {
    guard let keeping, keeping.sum.count == 0 else { return }
    try connection.execute("DROP TABLE main.\(keeping.table.name)")
    try ledger.archives.forget(keeping.record.id)
  }

  /// Goes back to the state before a batch that was rolled back.
  func restore(_ marks: Marks) { (keeping, giving, left) = (marks.keeping, marks.giving, marks.left) }

  var marks: Marks { Marks(keeping: keeping, giving: giving, left: left) }

  struct Marks {
    fileprivate let keeping: Part?
    fileprivate let giving: Part?
    fileprivate let left: Part?
  }
}

extension ArchiveContent {
  /// Whether the rest of a row still consists of the same columns.
  fileprivate func hashesMatch(_ table: BatchTable) -> Bool {
    Set(successor?.hashed.map { SchemaName($0) } ?? []) == Set(table.hashed)
  }
}

extension BatchKey {
  /// Whether it is the rowid, by whatever name.
  var isRowID: Bool { names.isSuperset(of: RowKey.rowIDNames) }
}
