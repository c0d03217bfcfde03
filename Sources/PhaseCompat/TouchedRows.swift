internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The rows that statements touched, found again by their keys.
///
/// SQLite reports the rowids of what a statement changes, and a ``TouchLog`` the keys of a WITHOUT ROWID table, so that
/// only touched rows are read, however large the table is.
final class TouchedRows {
  /// A row, by its table and its key.
  struct Key: Sendable, Hashable {
    let table: FoldedName
    let values: [Value]
  }

  /// The columns of a row by name; nil when the row is not there.
  typealias Row = [FoldedName: Value]?

  private let connection: Connection
  /// The compared tables, by name.
  let shapes: [FoldedName: ComparedTable]
  private var touchedIDs: [FoldedName: Set<Int64>] = [:]
  /// Every row that was ever touched.
  private(set) var keys: Set<Key> = []

  private let logs: [FoldedName: TouchLog]

  init(on connection: Connection, shapes: [FoldedName: ComparedTable]) {
    self.connection = connection
    self.shapes = shapes
    var logs: [FoldedName: TouchLog] = [:]
    for (table, shape) in shapes {
      guard shape.isWithoutRowID else { continue }
      logs[table] = TouchLog(of: shape, on: connection)
    }
    self.logs = logs
    let changes = RowChanges { [unowned self] change in
      if case .rowID(let id) = change.row { touchedIDs[change.table.folded, default: []].insert(id) }
    }
    connection.startTelling(changes, everyChange: false)
  }

  deinit { connection.stopTelling() }

  /// Removes from the connection what it added there.
  func close() throws(SQLiteError) {
    connection.stopTelling()
    for log in logs.values { try log.remove(from: connection) }
  }

  /// Adds rows that were touched elsewhere.
  func add(_ keys: some Sequence<Key>) { self.keys.formUnion(keys) }

  /// Adds what has been touched since the last call.
  ///
  /// - Returns: the rows that were touched.
  @discardableResult
  func gather() throws(SQLiteError) -> Set<Key> {
    var found: Set<Key> = []
    let touched = touchedIDs
    touchedIDs = [:]
    for (table, ids) in touched {
      guard let shape = shapes[table], !shape.isWithoutRowID else { continue }
      if shape.isKeyedByRowID {
        for id in ids { found.insert(Key(table: table, values: [.integer(id)])) }
      } else {
        let key = shape.keyColumns.map(SQLText.identifier).joined(separator: ", ")
        for id in ids {
          // The key of a deleted row is unknown, unless the row was touched before.
          let rows = try connection.rows(
            "SELECT \(key) FROM main.\(SQLText.identifier(table)) WHERE rowid = ?1", .integer(id))
          if let row = rows.first { found.insert(Key(table: table, values: row)) }
        }
      }
    }
    for (table, log) in logs {
      for key in try log.take(from: connection) { found.insert(Key(table: table, values: key)) }
    }
    keys.formUnion(found)
    return found
  }

  /// The rows as they are now, with the columns of `shapes` that are still there.
  ///
  /// - Returns: nothing for a table that can no longer be read by its key.
  func contents() throws(SQLiteError) -> [Key: Row] {
    try Self.contents(of: keys, shapes: shapes, on: connection)
  }

  static func contents(
    of keys: Set<Key>, shapes: [FoldedName: ComparedTable], on connection: Connection
  ) throws(SQLiteError) -> [Key: Row] {
    var contents: [Key: Row] = [:]
    for (table, keys) in Dictionary(grouping: keys, by: \.table) {
      guard let shape = shapes[table] else { continue }
      let there = Set(try Table.columnNames(of: SchemaName(table), on: connection).map(\.key))
      let columns = shape.columns.filter(there.contains)
      let isAskable =
        shape.keyColumns.allSatisfy { there.contains($0) || !shape.columns.contains($0) } && !columns.isEmpty
      guard isAskable else { continue }
      let condition = shape.keyColumns.enumerated()
        .map { "\(SQLText.identifier($0.element)) IS ?\($0.offset + 1)" }.joined(separator: " AND ")
      let list = columns.map(SQLText.identifier).joined(separator: ", ")
      guard
        var statement = try? connection.prepare(
          "SELECT \(list) FROM main.\(SQLText.identifier(table)) WHERE \(condition)", reused: true)
      else { continue }
      for key in keys {
        statement.reset()
        try statement.bind(key.values)
        var row: Row = nil
        if try statement.step() {
          row = Dictionary(
            uniqueKeysWithValues: columns.enumerated().map { ($0.element, statement.value(at: $0.offset)) })
        }
        contents.updateValue(row, forKey: key)
      }
    }
    return contents
  }
}

extension TouchedRows.Key: CustomStringConvertible {
  /// `customers 7`
  var description: String { "\(table) \(values.map(\.description).joined(separator: ", "))" }
}

/// A table whose rows can be found again, and the key for that.
struct ComparedTable: Sendable {
  let name: FoldedName
  let columns: [FoldedName]
  let keyColumns: [FoldedName]
  /// Whether the key is the rowid, by whatever name.
  let isKeyedByRowID: Bool
  let isWithoutRowID: Bool

  /// Reads an ordinary table; nil for a view, a virtual table, a missing table, and a table without a usable key.
  init?(_ name: FoldedName, in schema: Schema) {
    guard let table = schema.table(SchemaName(name)), let key = table.rowKey else { return nil }
    self.name = name
    columns = table.columns.map(\.name.key)
    keyColumns = key.names.map(\.folded)
    isKeyedByRowID = key.isNumber
    isWithoutRowID = table.isWithoutRowID
  }
}
