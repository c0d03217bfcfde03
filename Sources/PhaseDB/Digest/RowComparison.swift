package import PhaseSQL
package import PhaseSQLite

/// Finds the rows in which two states of a table differ. It reads both in the order of their keys, and keeps only the
/// rows that it will show.
///
/// Rows are ordered by rowid if that is the key, else by a hash of the key, so that both sides have the same order
/// whatever the collation or encoding of the columns is.
package struct RowComparison {
  let before: Connection
  let after: Connection
  /// Columns whose loss is accepted.
  let declared: Set<FoldedName>
  /// How many rows to show.
  let limit: Int
  /// Whether rows without a key are matched by what they hold, and not by rowids, which VACUUM and rebuilds change.
  let ignoresRowIDs: Bool

  package init(
    before: Connection, after: Connection, declared: Set<FoldedName> = [], limit: Int,
    ignoresRowIDs: Bool = false
  ) {
    self.before = before
    self.after = after
    self.declared = declared
    self.limit = limit
    self.ignoresRowIDs = ignoresRowIDs
  }

  /// - Parameters:
  ///   - object: the table before.
  ///   - present: the table after.
  package func difference(
    of object: SchemaObject, and present: SchemaObject
  ) throws(SQLiteError) -> TableDifference {
    let left = try Side(object, on: before, without: declared, ignoresRowIDs: ignoresRowIDs)
    let right = try Side(present, on: after, without: declared, ignoresRowIDs: ignoresRowIDs)
    var found = Findings(limit: limit)
    var old = try left.next()
    var new = try right.next()
    while old != nil || new != nil {
      switch (old, new) {
      case (let one?, let other?) where one.order == other.order:
        if one.hash != other.hash { found.add((one, other), isDeclared: one.rest == other.rest) }
        old = try left.next()
        new = try right.next()
      case (let one?, let other):
        if let other, other.order < one.order {
          found.add((nil, other), isDeclared: false)
          new = try right.next()
        } else {
          found.add((one, nil), isDeclared: false)
          old = try left.next()
        }
      case (nil, let other):
        found.add((nil, other), isDeclared: false)
        new = try right.next()
      }
    }
    return TableDifference(
      table: object.name, rows: found.rows, declaredRows: found.declaredRows, lost: found.lost,
      born: found.born,
      first: try found.shown.map { pair throws(SQLiteError) in try describe(pair, left, right) })
  }

  private func describe(
    _ pair: Findings.Pair, _ left: Side, _ right: Side
  ) throws(SQLiteError) -> RowDifference {
    let old = try pair.old.map { row throws(SQLiteError) in try left.values(of: row) } ?? []
    let new = try pair.new.map { row throws(SQLiteError) in try right.values(of: row) } ?? []
    let names = old.map(\.name) + new.map(\.name).filter { name in !old.contains { $0.isNamed(name) } }
    let columns = names.compactMap { name -> RowDifference.Column? in
      let one = old.first { $0.isNamed(name) }?.value
      let other = new.first { $0.isNamed(name) }?.value
      return one == other ? nil : RowDifference.Column(name: name, before: one, after: other)
    }
    let kind: RowDifference.Kind = pair.new == nil ? .lost : pair.old == nil ? .born : .changed
    let key = pair.old.map(left.title(of:)) ?? pair.new.map(right.title(of:)) ?? ""
    return RowDifference(kind: kind, key: key, columns: columns)
  }
}

/// The rows that differ: how many, and the first of them.
private struct Findings {
  typealias Pair = (old: Side.Row?, new: Side.Row?)

  let limit: Int
  private(set) var rows = 0
  private(set) var declaredRows = 0
  private(set) var lost = 0
  private(set) var born = 0
  private var undeclared: [Pair] = []
  private var declared: [Pair] = []

  init(limit: Int) { self.limit = limit }

  mutating func add(_ pair: Pair, isDeclared: Bool) {
    rows += 1
    if pair.new == nil { lost += 1 }
    if pair.old == nil { born += 1 }
    if isDeclared { declaredRows += 1 }
    if isDeclared, declared.count < limit { declared.append(pair) }
    if !isDeclared, undeclared.count < limit { undeclared.append(pair) }
  }

  var shown: [Pair] { Array((undeclared + declared).prefix(limit)) }
}

/// One of the two states of a table, read in the order of its keys.
private final class Side {
  struct Row {
    let order: Int64
    let hash: Int64
    /// The hash of the columns whose loss is not declared.
    let rest: Int64
    /// The values of the key.
    let key: [Value]
  }

  private let reading: TableReading
  private let connection: Connection
  private var statement: Statement

  init(
    _ object: SchemaObject, on connection: Connection, without declared: Set<FoldedName>, ignoresRowIDs: Bool
  ) throws(SQLiteError) {
    let reading = try TableReading(object, on: connection)
    if ignoresRowIDs, reading.hasHiddenKey {
      self.connection = connection
      self.reading = reading
      let (names, values) = (reading.names.dropLast(), reading.expressions.dropLast())
      try RowHash.define("phasedb_content", columns: Array(names), on: connection)
      let content = RowHash.call("phasedb_content", Array(values))
      statement = try connection.prepare(
        "SELECT \(content), 0, 0, \(reading.key[0]) FROM \(reading.from) ORDER BY 1, 4")
      return
    }
    let kept = reading.names.indices.filter { !declared.contains(reading.names[$0].folded) }
    let names = kept.map { reading.names[$0] }
    try RowHash.define("phasedb_row", columns: reading.names, on: connection)
    try RowHash.define("phasedb_rest", columns: names, on: connection)
    try RowHash.define("phasedb_key", columns: reading.keyNames, on: connection)
    let columns = [
      reading.isInRowIDOrder ? reading.key[0] : RowHash.call("phasedb_key", reading.key),
      RowHash.call("phasedb_row", reading.expressions),
      RowHash.call("phasedb_rest", kept.map { reading.expressions[$0] }),
    ]
    let order = reading.isInRowIDOrder ? reading.key[0] : "1, 2"
    self.connection = connection
    self.reading = reading
    statement = try connection.prepare(
      "SELECT \((columns + reading.key).joined(separator: ", ")) FROM \(reading.from) ORDER BY \(order)")
  }

  func next() throws(SQLiteError) -> Row? {
    guard try statement.step() else { return nil }
    return Row(
      order: statement.integer(at: 0), hash: statement.integer(at: 1), rest: statement.integer(at: 2),
      key: reading.key.indices.map { statement.value(at: 3 + $0) })
  }

  func title(of row: Row) -> String {
    zip(reading.keyNames, row.key).map { "\($0) = \($1)" }.joined(separator: ", ")
  }

  /// Every value of a row, looked up by its key.
  func values(of row: Row) throws(SQLiteError) -> [NamedValue] {
    let condition = reading.key.enumerated().map { "\($1) IS ?\($0 + 1)" }.joined(separator: " AND ")
    var look = try connection.prepare("\(reading.select(inRange: false)) WHERE \(condition)")
    try look.bind(row.key)
    guard try look.step() else { return [] }
    return reading.names.indices.map { NamedValue(name: reading.names[$0], value: look.value(at: $0)) }
  }
}

private struct NamedValue {
  let name: String
  let value: Value

  func isNamed(_ other: String) -> Bool { name.folded == other.folded }
}
