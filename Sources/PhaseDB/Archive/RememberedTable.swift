internal import PhaseSQL
internal import PhaseSQLite

/// A copy of a table's rows before a phase, in a TEMP table, to compare with the rows after the way back.
struct RememberedTable {
  let shape: Table
  let key: RowKey
  /// The columns that are compared, without the key.
  let columns: [SchemaName]
  /// The table that has the rows after the phase; nil when they cannot be followed by their key.
  let successor: ArchivePlan.Successor?
  /// Whether every row can be archived and no row is added. Then the way back restores every row, whatever values
  /// functions give.
  let isProofAgainstChance: Bool
  /// Whether all rows are archived if any does not come back: no row can be followed through the phase.
  let isArchivedWhole: Bool
  private let sources: [SchemaName]
  private let isFilled: Bool
  /// The foreign keys of rows that have no parent, where all rows may be archived.
  private let orphans: [String]
  private let name: String

  /// Copies the rows.
  ///
  /// - Parameter copiesRows: false when what the way back does to them is known already.
  /// - Returns: nil for a table whose rows cannot be read back.
  /// - Throws: `archive-impossible` for a table whose rows nothing identifies.
  init?(
    _ table: RowsAtRisk.Table, number: Int, isArchivedWhole: Bool, copiesRows: Bool, on connection: Connection
  ) throws {
    guard let shape = try Table(table.name, on: connection), shape.isKept else { return nil }
    guard let key = try RowKey(of: shape, on: connection) else {
      throw ArchivePlan.impossible(shape.name)
    }
    self.shape = shape
    self.key = key
    successor = table.successor(key)
    isProofAgainstChance = table.isClosed(key)
    self.isArchivedWhole = isArchivedWhole
    sources = table.sources.sorted { $0.key < $1.key }
    isFilled = table.isFilled
    let hasParents = try isArchivedWhole && Table.hasForeignKeys(shape.name, on: connection)
    orphans =
      hasParents
      ? try ForeignKeyViolation.orphans(
        ForeignKeyViolation.all(in: [shape.name.spelled], on: connection), on: connection
      ).keys.sorted() : []
    let keys = Set(key.names.map { SchemaName($0) })
    let all = shape.stored.map(\.name).filter { !keys.contains($0) }
    let inPlace = table.columns.flatMap { $0.isDisjoint(with: keys) ? $0 : nil }
    columns = inPlace.map { written in all.filter { written.contains($0) } } ?? all
    name = "phasedb_trip_\(number)"
    guard copiesRows else { return }
    let definitions = ([key.isNumber ? "k1 INTEGER PRIMARY KEY" : ""] + names.dropFirst(key.isNumber ? 1 : 0))
      .filter { !$0.isEmpty }
    try connection.execute("CREATE TEMP TABLE \(name) (\(definitions.joined(separator: ", ")))")
    let read = (key.names.map { SchemaName($0) } + columns).map { SQLText.identifier($0.spelled) }
    try connection.execute(
      "INSERT INTO temp.\(name) (\(names.joined(separator: ", "))) SELECT \(read.joined(separator: ", ")) FROM \(place)"
    )
  }

  /// Whether something other than the key may refuse a value.
  func mayBeRefused(in schema: Schema) -> Bool {
    let keys = Set(key.names.map { SchemaName($0) } + (successor?.key ?? []))
    return [shape.name, successor?.table].compactMap(\.self).contains { name in
      let columns = schema.table(name)?.columns.map(\.name) ?? []
      return schema.mayRefuse(valuesOf: Set(columns).subtracting(keys), in: name)
    }
  }

  func forget(on connection: Connection) { try? connection.drop("temp.\(name)") }

  private var place: String { "main.\(SQLText.identifier(shape.name.spelled))" }
  private var keyNames: [String] { key.columns.indices.map { "k\($0 + 1)" } }
  private var valueNames: [String] { columns.indices.map { "v\($0 + 1)" } }
  private var names: [String] { keyNames + valueNames }
}

// MARK: - What the way back left

extension RememberedTable {
  /// How the present rows differ from the copy.
  struct Difference {
    /// The rows that changed or are gone, by their numbers in the copy, in ascending order.
    var numbers: [Int64] = []
    /// Rows that were not there before.
    var extra = 0
    /// Whether all changed rows have to come back together, because there is no key to tell them apart.
    var isWhole = false

    var isEmpty: Bool { !hasMissing && extra == 0 }
    /// What was not seen is missing.
    var hasMissing: Bool { isWhole || !numbers.isEmpty }
  }

  /// The difference as if no row had come back.
  func all(on connection: Connection) throws(SQLiteError) -> Difference {
    let rows = try connection.rows("SELECT rowid FROM temp.\(name) ORDER BY rowid")
    return Difference(numbers: rows.compactMap(\.[0].integer), isWhole: isArchivedWhole)
  }

  /// What to archive if the way back cannot be run.
  var unseen: Difference { Difference(isWhole: isArchivedWhole) }

  func difference(on connection: Connection) throws(SQLiteError) -> Difference {
    guard let present = try Table(shape.name, on: connection) else { return Difference() }
    let keys = key.names.map { SchemaName($0) }
    let found = RowMatch.condition(keys, in: present, as: "n", against: "r")
    let first = "n.\(SQLText.identifier(keys[0].spelled))"
    let pairs = (key.isNumber ? [] : zip(keyNames, keys).map { ($0, $1) }) + zip(valueNames, columns)
    let differs = pairs.map { kept, column in
      RowMatch.differs("r.\(kept)", "n.\(SQLText.identifier(column.spelled))")
    }
    var difference = Difference()
    var differing = try connection.prepare(
      """
      SELECT r.rowid, \(first) IS NULL FROM temp.\(name) AS r LEFT JOIN \(place) AS n ON \(found)
      WHERE \(([first + " IS NULL"] + differs).joined(separator: " OR "))
      """)
    var missing = 0
    while try differing.step() {
      difference.numbers.append(differing.integer(at: 0))
      if differing.integer(at: 1) != 0 { missing += 1 }
    }
    difference.numbers.sort()
    let counts = try connection.rows(
      "SELECT (SELECT count(*) FROM \(place)), (SELECT count(*) FROM temp.\(name))")
    let (now, before) = (counts[0][0].integer ?? 0, counts[0][1].integer ?? 0)
    difference.extra = max(0, Int(now - before) + missing)
    if !difference.isEmpty, key.form == .rowID { difference = try byContent(difference, on: connection) }
    return difference
  }

  /// What of a difference is archived.
  func archived(_ difference: Difference, on connection: Connection) throws(SQLiteError) -> Difference {
    isArchivedWhole && !difference.isEmpty ? try all(on: connection) : difference
  }

  /// Compares rows without a key by their content, because their rowids may differ.
  private func byContent(_ difference: Difference, on connection: Connection) throws(SQLiteError)
    -> Difference
  {
    let spelled = columns.map(\.spelled)
    guard columns.count == shape.stored.count else { return difference }
    try RowHash.define(Self.function, columns: spelled, on: connection)
    let before = RowHash.call(Self.function, valueNames)
    let now = RowHash.call(Self.function, spelled.map(SQLText.identifier))
    let groups = """
      SELECT h, sum(n) AS n FROM (
        SELECT \(before) AS h, 1 AS n FROM temp.\(name) UNION ALL SELECT \(now), -1 FROM \(place))
      GROUP BY h
      """
    let counts = try connection.rows("SELECT total(max(n, 0)), total(max(-n, 0)) FROM (\(groups))")
    func count(_ value: Value) -> Int { Int(value.number ?? 0) }
    let (missing, extra) = (count(counts[0][0]), count(counts[0][1]))
    if missing == 0 { return Difference(extra: extra) }
    guard successor != nil else {
      return Difference(numbers: difference.numbers, extra: extra, isWhole: true)
    }
    // A row that came back under another rowid is not missing.
    let missed = Set(
      try connection.rows(
        "SELECT rowid FROM temp.\(name) WHERE \(before) IN (SELECT h FROM (\(groups)) WHERE n > 0)"
      ).compactMap(\.[0].integer))
    return Difference(numbers: difference.numbers.filter(missed.contains), extra: extra)
  }

  private static let function = "phasedb_remembered"
}

// MARK: - Rows that the phase inserted

extension RememberedTable {
  /// The rows that are there now and were not before. Call it before the way back runs.
  ///
  /// - Returns: nil where there are none or too many, and where rows have no key.
  func born(on connection: Connection) throws(SQLiteError) -> RoundTripRecord.Born? {
    guard isFilled, key.form != .rowID, try Table(shape.name, on: connection) != nil else { return nil }
    let hash = try Self.keyHash(key, on: connection)
    var query = "SELECT \(hash) FROM \(place) AS n"
    if key.isNumber {
      // The copy is searched by its key.
      query +=
        " WHERE NOT EXISTS (SELECT 1 FROM temp.\(name) AS r WHERE r.k1 = +n.\(SQLText.identifier(key.names[0])))"
    } else {
      let isLarge = try connection.value("SELECT 1 FROM \(place) LIMIT 1 OFFSET \(TableContent.mostRowsRead)")
      guard isLarge == nil else { return nil }
      query += " EXCEPT SELECT \(RowHash.call(Self.keyFunction, keyNames)) FROM temp.\(name)"
    }
    let keys = try connection.rows("\(query) LIMIT \(RoundTripRecord.Born.mostKeys + 1)").compactMap {
      $0[0].integer
    }
    guard !keys.isEmpty, keys.count <= RoundTripRecord.Born.mostKeys else { return nil }
    return .init(table: shape.name.spelled, keys: keys)
  }

  /// How many of these rows are in a table; nil where that cannot be told.
  static func count(
    _ born: RoundTripRecord.Born, on connection: Connection
  ) throws(SQLiteError) -> Int? {
    guard let table = try Table(SchemaName(born.table), on: connection),
      let key = try RowKey(of: table, on: connection), key.form != .rowID
    else { return nil }
    let hash = try keyHash(key, on: connection)
    let keys = born.keys.map(String.init).joined(separator: ", ")
    let count = try connection.value(
      "SELECT count(*) FROM main.\(SQLText.identifier(table.name.spelled)) AS n WHERE \(hash) IN (\(keys))")
    return count?.integer.map { Int($0) }
  }

  private static func keyHash(_ key: RowKey, on connection: Connection) throws(SQLiteError) -> String {
    try RowHash.define(keyFunction, columns: key.names, on: connection)
    return RowHash.call(keyFunction, key.names.map { "n.\(SQLText.identifier($0))" })
  }

  private static let keyFunction = "phasedb_key"
}

// MARK: - Keeping what does not come back

extension RememberedTable {
  /// Makes an archive of the rows that the way back does not restore.
  ///
  /// It is called after the way back was undone, so that the rows are as the phase left them.
  ///
  /// - Parameters:
  ///   - id: the number of the archive.
  ///   - text: the hash of the phase's text.
  /// - Returns: the record for the ledger; nil when there are no such rows.
  func keep(
    _ difference: Difference, _ id: Int64, phase: PhaseID, text: String, on connection: Connection
  ) throws(SQLiteError) -> ArchiveRecord? {
    guard difference.hasMissing else { return nil }
    let followed = difference.isWhole ? nil : successor
    let table = try followed.map { successor throws(SQLiteError) in
      try Table(successor.table, on: connection)
    }
    let archive = ArchiveTable(
      ArchiveRecord.tableName(id), key: key, tracked: columns.map { _ in false })
    try connection.execute(archive.definition)
    var sources: [ArchiveContent.Sources.Source] = []
    var hashed: [SchemaName] = []
    let sum: RowSum
    if let successor = followed, case .some(.some(let table)) = table {
      hashed = table.stored.map(\.name).filter { !successor.key.contains($0) }
      let rest = RestOfRow(hashed.map { RestOfRow.Column(name: $0.spelled, present: $0) }, [])
      try rest.define(on: connection)
      try list(difference.numbers, on: connection)
      let isGone = "n.\(SQLText.identifier(successor.key[0].spelled)) IS NULL"
      let columns =
        names.map { "r.\($0) AS \($0)" } + [
          "CASE WHEN \(isGone) THEN NULL ELSE \(rest.call("n")) END AS rest", "\(isGone) AS gone",
        ]
      sum = try archive.fill(
        from: """
          SELECT \(columns.joined(separator: ", ")) FROM temp.\(Self.listName) AS i
          JOIN temp.\(name) AS r ON r.rowid = i.id
          LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
          ON \(RowMatch.condition(successor.key, in: table, as: "n", against: "r"))
          """, on: connection)
      try connection.drop("temp.\(Self.listName)")
    } else {
      sum = try archive.fill(
        names.map { "r.\($0)" } + ["NULL", "1"], from: "temp.\(name) AS r", on: connection)
      guard sum.count > 0 else {
        try connection.drop("main.\(archive.name)")
        return nil
      }
      for source in self.sources {
        guard let present = try Table(source, on: connection) else { continue }
        sources.append(.init(table: source.spelled, sum: try present.sum(on: connection).text))
      }
    }
    var content = ArchiveContent(
      text: text, key: key, lookups: [],
      columns: columns.map { ArchiveContent.Column(name: $0.spelled, after: nil, isTracked: false) },
      successor: followed.map {
        ArchiveContent.Successor(
          table: $0.table.spelled, key: $0.key.map(\.spelled), hashed: hashed.map(\.spelled))
      }, hasGoneRows: columns.count == shape.stored.filter { !isKey($0.name) }.count,
      isMoved: followed == nil, sources: .init(sources), counter: nil, isSupplement: followed != nil)
    if followed != nil, try sum.count == rowCount(on: connection) { content.isComplete = true }
    content.orphans = orphans.isEmpty ? nil : orphans
    return ArchiveRecord(
      id: id, phase: phase, direction: .up, entry: 0, table: shape.name.spelled, content: content.json,
      rows: sum.count, digest: sum.text, state: .kept)
  }

  private func rowCount(on connection: Connection) throws(SQLiteError) -> Int {
    Int(try connection.value("SELECT count(*) FROM temp.\(name)")?.integer ?? 0)
  }

  private func isKey(_ column: SchemaName) -> Bool { key.names.contains { SchemaName($0) == column } }

  /// Writes numbers of the copy into a TEMP table, for use in SQL.
  private func list(_ numbers: [Int64], on connection: Connection) throws(SQLiteError) {
    try connection.execute("CREATE TEMP TABLE \(Self.listName) (id INTEGER PRIMARY KEY)")
    var insertion = try connection.prepare("INSERT INTO temp.\(Self.listName) VALUES (?1)", reused: true)
    for number in numbers {
      try insertion.bind(.integer(number), at: 1)
      while try insertion.step() {}
      insertion.reset()
    }
  }

  private static let listName = "phasedb_trip_rows"
}
