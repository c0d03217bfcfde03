internal import PhaseSQL
internal import PhaseSQLite

/// Compares the values of two states of a database.
struct CellComparison {
  /// The tables that both states have, with the columns that only one has.
  private let tables: [(table: String, without: Set<FoldedName>)]

  /// The most rows of a table that are compared one by one.
  static let most = 100_000

  /// A database that does not change any more, and what there is to read in it.
  struct State {
    fileprivate let connection: Connection
    fileprivate let schema: Schema
    fileprivate let readings: [TableReading]

    init(_ connection: Connection) throws(SQLiteError) {
      self.connection = connection
      schema = try Schema(of: connection)
      readings = try DigestDraft(of: connection, schema: schema).readings
    }
  }

  init(_ before: State, _ after: State) {
    let readable = Set(after.readings.map(\.table.folded))
    tables = before.readings.compactMap { reading in
      let name = SchemaName(reading.table)
      // A full-text table over another one shows that one's rows.
      let definition = before.schema.object("table", name).flatMap { TableDefinition($0.sql) }
      guard readable.contains(name.key), definition?.virtual?.content ?? .own == .own,
        let one = before.schema.table(name), let other = after.schema.table(name)
      else { return nil }
      let gone = one.columns.filter { other.column($0.name) == nil }.map(\.name.key)
      return (reading.table, Set(gone))
    }
  }

  func cells(_ before: State, _ after: State) throws -> LostCells {
    var cells = LostCells()
    for (table, without) in tables {
      guard let one = before.readings.first(where: { $0.table == table }),
        let other = after.readings.first(where: { $0.table.folded == table.folded }),
        try one.sum(on: before.connection) != other.sum(on: after.connection),
        let left = before.schema.object("table", SchemaName(table)),
        let right = after.schema.object("table", SchemaName(table))
      else { continue }
      // Rows can be matched only by a key that both states have.
      guard one.keyNames.allSatisfy({ other.keyNames.contains($0) && !without.contains($0.folded) })
      else { continue }
      let found = try RowComparison(
        before: before.connection, after: after.connection, declared: without, limit: Self.most,
        ignoresRowIDs: without.isEmpty
      ).difference(of: left, and: right)
      for row in one.hasHiddenKey ? Self.joined(found.first) : found.first {
        switch row.kind {
        case .born: cells.born[table, default: []].insert(row.key)
        case .lost: cells.rows[table, default: []].insert(row.key)
        case .changed:
          for column in row.columns
          where column.before != nil && column.after != nil
            && !without.contains(column.name.folded)
          {
            cells.values[LostCells.Column(table: table, column: column.name), default: []].insert(row.key)
          }
        }
      }
    }
    return cells
  }

  /// Rows that are gone and rows that are new, where one of each has the same rowid as one changed row.
  private static func joined(_ rows: [RowDifference]) -> [RowDifference] {
    let born = Dictionary(
      rows.lazy.filter { $0.kind == .born }.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    let lost = Set(rows.lazy.filter { $0.kind == .lost }.map(\.key))
    return rows.compactMap { row in
      guard row.kind == .lost, let new = born[row.key] else {
        return row.kind == .born && lost.contains(row.key) ? nil : row
      }
      let pairs = row.columns.compactMap { old in
        new.columns.first { $0.name.folded == old.name.folded }.map {
          RowDifference.Column(name: old.name, before: old.before, after: $0.after)
        }
      }
      let changed = pairs.filter { $0.before != $0.after }
      // Long values are shortened, so the difference may not show.
      return RowDifference(kind: .changed, key: row.key, columns: changed.isEmpty ? pairs : changed)
    }
  }

  /// Rows of one state that the other one has under another number, each for one of its new rows: a way up that inserts a row
  /// without a key gives it the next one.
  ///
  /// - Parameter highest: the highest number of each table that a row may have to count.
  /// - Returns: their keys by table.
  func renumbered(
    _ before: State, _ after: State, upTo highest: [FoldedName: Int64]
  ) throws -> [String: Set<String>] {
    var found: [String: Set<String>] = [:]
    for (table, without) in tables {
      guard let last = highest[table.folded],
        let one = before.readings.first(where: { $0.table == table }), one.isInRowIDOrder,
        let left = before.schema.object("table", SchemaName(table)),
        let right = after.schema.object("table", SchemaName(table))
      else { continue }
      let rows = try RowComparison(
        before: before.connection, after: after.connection, declared: without, limit: Self.most
      ).difference(of: left, and: right).first
      func content(_ row: RowDifference) -> String? {
        let values = row.columns.filter { !one.keyNames.contains($0.name) }.map {
          "\($0.name) = \($0.before ?? $0.after ?? "")"
        }
        // A long value is not shown whole.
        return values.contains { $0.hasSuffix("…") } ? nil : values.joined(separator: ", ")
      }
      var born: [String: Int] = [:]
      for row in rows where row.kind == .born {
        if let content = content(row) { born[content, default: 0] += 1 }
      }
      for row in rows where row.kind == .lost {
        guard let number = row.key.split(separator: " ").last.flatMap({ Int64($0) }), number <= last,
          let content = content(row), let count = born[content], count > 0
        else { continue }
        born[content] = count - 1
        found[table, default: []].insert(row.key)
      }
    }
    return found
  }
}

/// The rows that are gone or new, and the values that changed, by the keys of their rows.
struct LostCells {
  struct Column: Hashable {
    let table: String
    let column: String
  }

  var rows: [String: Set<String>] = [:]
  var born: [String: Set<String>] = [:]
  var values: [Column: Set<String>] = [:]

  var isEmpty: Bool { rows.isEmpty && born.isEmpty && values.isEmpty }

  /// What both differences have. If a row is gone in one and changed in the other, its changed values count.
  func common(with other: LostCells) -> LostCells {
    var common = filtered(with: other) { $0.intersection($1) }
    for (one, another) in [(self, other), (other, self)] {
      for (column, keys) in one.values {
        let gone = keys.intersection(another.rows[column.table] ?? [])
        if !gone.isEmpty { common.values[column, default: []].formUnion(gone) }
      }
    }
    return common
  }

  mutating func add(_ other: LostCells) {
    rows.merge(other.rows) { $0.union($1) }
    born.merge(other.born) { $0.union($1) }
    values.merge(other.values) { $0.union($1) }
  }

  /// What only this difference has.
  func without(_ other: LostCells) -> LostCells {
    filtered(with: other) { $0.subtracting($1) }
  }

  func filtered(_ isIncluded: (_ table: String, _ key: String) -> Bool) -> LostCells {
    func chosen<Place>(_ cells: [Place: Set<String>], _ table: (Place) -> String) -> [Place: Set<String>] {
      cells.reduce(into: [:]) { left, part in
        let keys = part.value.filter { isIncluded(table(part.key), $0) }
        if !keys.isEmpty { left[part.key] = keys }
      }
    }
    return LostCells(
      rows: chosen(rows) { $0 }, born: chosen(born) { $0 }, values: chosen(values) { $0.table })
  }

  private func filtered(
    with other: LostCells, _ combine: (Set<String>, Set<String>) -> Set<String>
  ) -> LostCells {
    func combined<Place>(_ own: [Place: Set<String>], _ others: [Place: Set<String>]) -> [Place: Set<String>]
    {
      own.reduce(into: [:]) { left, part in
        let keys = combine(part.value, others[part.key] ?? [])
        if !keys.isEmpty { left[part.key] = keys }
      }
    }
    return LostCells(
      rows: combined(rows, other.rows), born: combined(born, other.born),
      values: combined(values, other.values))
  }

  var bornRows: [Reversal.AffectedRows] {
    rows(born, "the way back inserts them, and no archive has them")
  }

  /// As what may be lost, where it cannot be told whether the way up restores it.
  var openRows: [Reversal.AffectedRows] {
    let rest: Prose = "and it cannot be told whether the way up would restore them"
    return rows(rows, "the way back deletes them, \(rest)")
      + valuesByColumn("the way back overwrites them, \(rest)") + bornRows
  }

  private func rows(_ keys: [String: Set<String>], _ why: Prose) -> [Reversal.AffectedRows] {
    keys.sorted { $0.key < $1.key }.map {
      Reversal.AffectedRows(table: $0.key, column: nil, rows: $0.value.count, why: why)
    }
  }

  private func valuesByColumn(_ why: Prose) -> [Reversal.AffectedRows] {
    values.sorted { ($0.key.table, $0.key.column) < ($1.key.table, $1.key.column) }.map {
      Reversal.AffectedRows(table: $0.key.table, column: $0.key.column, rows: $0.value.count, why: why)
    }
  }

  var affectedRows: [Reversal.AffectedRows] {
    rows(rows, "the way back deletes them") + valuesByColumn("the way back overwrites the present values")
  }
}
