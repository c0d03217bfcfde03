internal import PhaseSQL
internal import PhaseSQLite

/// A count and a checksum of a table at one moment, to find out later whether rows were added, deleted or changed.
struct TableContent: Codable, Sendable, Hashable {
  let table: String
  let rows: Int
  /// The checksum of its rows; nil for a table that is too large to be read every time.
  let sum: String?
  /// A checksum of the order of its rows, and of their rowids where only these tell rows apart; nil for a table whose key
  /// keeps the order, and for one that is too large.
  let order: String?

  /// The most rows that are read to find changes; in larger tables rows are only counted.
  static let mostRowsRead = 100_000

  /// Whether rows were added, deleted or changed, judged by count and checksum, as a sentence; nil when none were.
  ///
  /// - Parameter heedsOrder: whether it counts as a change when the same rows lie in another order.
  func change(to other: TableContent?, heedsOrder: Bool = false) -> Prose? {
    guard let other else { return "\(table) is gone" }
    if let sum, sum == other.sum {
      return heedsOrder && order != other.order
        ? "rows of \(table) lie in another order, or have other rowids" : nil
    }
    if other.rows != rows || sum != nil {
      return
        "at least \(DetailLines.rows(max(1, abs(other.rows - rows)))) of \(table) were added, deleted or changed"
    }
    return
      "it is unknown whether rows of \(table) changed, because it has more than \(DetailLines.rows(Self.mostRowsRead))"
  }
}

extension TableContent {
  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, on connection: Connection) throws(SQLiteError) {
    guard let table = try Table(name, on: connection) else { return nil }
    try self.init(of: table, on: connection)
  }

  init(of table: Table, on connection: Connection) throws(SQLiteError) {
    self.table = table.name.spelled
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    rows = Int(try connection.value("SELECT count(*) FROM \(place)")?.integer ?? 0)
    guard rows <= Self.mostRowsRead else {
      (sum, order) = (nil, nil)
      return
    }
    let (sum, order) = try table.sumInOrder(on: connection)
    self.sum = sum.text
    guard !table.isWithoutRowID, table.primaryKey?.form != .integer else {
      self.order = nil
      return
    }
    var text = "\(order)"
    if try RowKey(of: table, on: connection)?.form == .rowID, let rowID = table.rowIDName {
      let sum = try connection.rows("SELECT total(\(rowID)), max(\(rowID)) FROM \(place)")[0]
      text += " \(sum[0]) \(sum[1])"
    }
    self.order = text
  }

  /// The contents of those tables that are there.
  static func present(
    among names: [SchemaName], on connection: Connection
  ) throws(SQLiteError) -> [TableContent] {
    var contents: [TableContent] = []
    for name in names {
      if let content = try TableContent(name, on: connection) { contents.append(content) }
    }
    return contents
  }

  /// The tables that ANALYZE fills; none before its first run. SQLite plans queries by them, so they can change the order in
  /// which rows are read (sqlite.org/lang_analyze.html).
  static func statistics(on connection: Connection) throws(SQLiteError) -> [TableContent] {
    try present(among: statisticTables.map { SchemaName($0) }, on: connection)
  }

  private static let statisticTables = ["sqlite_stat1", "sqlite_stat4"]

  /// What changed since these contents were noted, one sentence for each table.
  ///
  /// - Parameter heedsOrder: whether it counts as well that the same rows lie in another order, or may be read in another.
  static func changes(
    since contents: [TableContent], heedsOrder: Bool, on connection: Connection
  ) throws(MigrationError) -> [Prose] {
    try lifting("looking for changed rows") { () in
      var changes = try contents.filter { !statisticTables.contains($0.table) }.compactMap { content in
        content.change(
          to: try TableContent(SchemaName(content.table), on: connection), heedsOrder: heedsOrder)
      }
      if heedsOrder, try statistics(on: connection) != contents.filter({ statisticTables.contains($0.table) })
      {
        changes.append("ANALYZE ran")
      }
      return changes
    }
  }
}
