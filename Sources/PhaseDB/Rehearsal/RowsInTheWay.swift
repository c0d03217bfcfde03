internal import PhaseSQL
internal import PhaseSQLite

/// Finds the rows that make a way down fail: for each, the fewest first rows of a table with which it fails, of which this is
/// the last one. So a row is also found that only fails together with others.
struct RowsInTheWay {
  struct Row {
    let table: String
    /// `id = 7`
    let title: String
  }

  private let phase: Phase
  private let written: Set<FoldedName>
  private let connection: Connection
  private let fails: (OrderedTable, OrderedTable.Rows) throws -> Bool
  /// How often the way down may be tried.
  private(set) var triesLeft: Int
  /// Those that were found.
  private(set) var rows: [Row] = []
  /// Whether there are more, or it is not known that there are none.
  private(set) var hasMore = false

  private static let mostRowsNamed = 5
  private static let mostRowsSearched = 100_000

  /// - Parameters:
  ///   - written: the tables whose rows the way down changes or moves.
  ///   - fails: whether the way down fails in the same way when a table has only these rows.
  init(
    of phase: Phase, writing written: Set<FoldedName>, on connection: Connection, tries: Int,
    fails: @escaping (OrderedTable, OrderedTable.Rows) throws -> Bool
  ) {
    (self.phase, self.written, self.connection, self.fails) = (phase, written, connection, fails)
    triesLeft = tries
  }

  /// Fills ``rows``.
  ///
  /// - Throws: when the time is over, or a table cannot be read. What was found by then is in ``rows``.
  mutating func find() throws {
    let named = SQLTokens.identifiers(in: phase.down.text)
    let readings = try DigestDraft(of: connection).readings.filter { named.contains($0.table.folded) }
    // Without the rows of a table that is only read, the way down may run, too, but those are not in the way.
    for table in readings.filter({ written.contains($0.table.folded) })
      + readings.filter({ !written.contains($0.table.folded) })
    where rows.isEmpty {
      guard let table = try OrderedTable(table, on: connection) else { continue }
      let keys = try table.keys(limit: Self.mostRowsSearched + 1, on: connection)
      guard (1...Self.mostRowsSearched).contains(keys.count), try !trial(table, .init(upTo: nil)) else {
        continue
      }
      try search(table, keys)
    }
  }

  private mutating func search(_ table: OrderedTable, _ keys: [[Value]]) throws {
    var found: [[Value]] = []
    hasMore = true
    while rows.count < Self.mostRowsNamed, triesLeft > 0 {
      if !found.isEmpty, try !trial(table, .init(upTo: keys.last, without: found)) {
        hasMore = false
        return
      }
      var (passing, failing) = (0, keys.count)
      while failing - passing > 1 {
        guard triesLeft > 0 else { return }
        let middle = passing + (failing - passing) / 2
        if try trial(table, .init(upTo: keys[middle - 1], without: found)) {
          failing = middle
        } else {
          passing = middle
        }
      }
      let key = keys[failing - 1]
      guard !found.contains(key) else { return }
      found.append(key)
      rows.append(Row(table: table.typed, title: try table.title(of: key, on: connection)))
    }
  }

  private mutating func trial(_ table: OrderedTable, _ rows: OrderedTable.Rows) throws -> Bool {
    triesLeft -= 1
    return try fails(table, rows)
  }
}

/// A table whose rows are in the order of what SQLite finds them by: the rowid, or the primary key if it has none.
struct OrderedTable {
  private let reading: TableReading
  private let order: [String]

  /// - Returns: nil when its rows have no order.
  init?(_ reading: TableReading, on connection: Connection) throws(SQLiteError) {
    guard let table = try Table(SchemaName(reading.table), on: connection) else { return nil }
    self.reading = reading
    order = table.anyRowIDName.map { [$0] } ?? (table.primaryKey?.names ?? []).map(SQLText.identifier)
    if order.isEmpty { return nil }
  }

  /// Its name as it is typed.
  var typed: String { "\(SQLName(reading.table))" }
  private var list: String { order.joined(separator: ", ") }

  func keys(limit: Int, on connection: Connection) throws(SQLiteError) -> [[Value]] {
    try connection.rows("SELECT \(list) FROM \(reading.from) ORDER BY \(list) LIMIT \(limit)")
  }

  /// The first rows of a table, without some.
  struct Rows {
    /// The key of the last one; nil for no rows.
    let upTo: [Value]?
    var without: [[Value]] = []
  }

  /// Deletes every other row.
  func delete(but rows: Rows, on connection: Connection) throws(SQLiteError) {
    guard let last = rows.upTo else { return try connection.execute("DELETE FROM \(reading.from)") }
    let parameters = order.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    for (key, comparison) in [(last, ">")] + rows.without.map({ ($0, "=") }) {
      var deletion = try connection.prepare(
        "DELETE FROM \(reading.from) WHERE (\(list)) \(comparison) (\(parameters))")
      try deletion.bind(key)
      while try deletion.step() {}
    }
  }

  /// The condition that finds a row, as a person types it.
  func title(of key: [Value], on connection: Connection) throws(SQLiteError) -> String {
    let condition = order.enumerated().map { "\($0.element) = ?\($0.offset + 1)" }.joined(separator: " AND ")
    var row = try connection.prepare(
      "SELECT \(reading.key.joined(separator: ", ")) FROM \(reading.from) WHERE \(condition)")
    try row.bind(key)
    guard try row.step() else { return "" }
    return RowMatch.title(reading.keyNames, reading.key.indices.map { row.value(at: $0) })
  }
}
