internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The rows of two scratch databases, table by table.
///
/// Rowids that are no key do not count: an application does not see that a rebuild has numbered its rows anew. The order of
/// columns does not count either.
struct RowsCompared {
  let before: ReplayConnection
  let after: ReplayConnection
  let schemaBefore: Schema
  let schemaAfter: Schema

  /// The tables whose rows differ, of those that may.
  func differences(in tables: Set<FoldedName>) -> [RowsLost] {
    let shadows = schemaBefore.shadowTables
    return tables.subtracting(shadows).sorted().compactMap { table in try? difference(in: table) }
  }

  /// The tables whose counter of AUTOINCREMENT is lower, of those that may.
  func lowerCounters(in tables: Set<FoldedName>) -> [String] {
    func counters(_ side: ReplayConnection) -> [FoldedName: (name: String, count: Int64)]? {
      let rows = try? side.connection.rows("SELECT name, seq FROM main.sqlite_sequence ORDER BY name")
      return rows.map { rows in
        Dictionary(
          rows.compactMap { row in
            row[0].text.map { ($0.folded, (name: $0, count: row[1].integer ?? 0)) }
          }, uniquingKeysWith: { first, _ in first })
      }
    }
    // SQLite makes this table with the first AUTOINCREMENT, and keeps it.
    guard let old = counters(before), !old.isEmpty, let new = counters(after) else { return [] }
    return old.keys.filter { tables.contains($0) && schemaAfter.object("table", SchemaName($0)) != nil }
      .sorted().compactMap { name in
        guard let before = old[name], before.count > new[name]?.count ?? 0 else { return nil }
        return before.name
      }
  }

  private func difference(in table: FoldedName) throws(SQLiteError) -> RowsLost? {
    let name = SchemaName(table)
    guard let old = schemaBefore.object("table", name) else { return nil }
    guard let new = schemaAfter.object("table", name) else {
      let count = try Table.rowCount(name, on: before.connection)
      return count == 0 ? nil : RowsLost(table: old.name, lost: count, added: 0, first: [])
    }
    // Generated columns follow from the other columns, so they are left out.
    func stored(_ side: ReplayConnection) throws(SQLiteError) -> [String] {
      try Table.columns(of: name, on: side.connection).filter { !$0.isGenerated }.map(\.name.spelled)
    }
    let columns = try stored(before)
    let others = Set(try stored(after).map(\.folded))
    let common = columns.filter { others.contains($0.folded) }
    guard !common.isEmpty else { return nil }
    let (left, right) = (try sum(old.name, common, before), try sum(new.name, common, after))
    guard left != right else { return nil }
    if common.count == columns.count, common.count == others.count,
      let found = try? RowComparison(before: before.connection, after: after.connection, limit: 3)
        .difference(of: old, and: new)
    {
      let changed = found.rows - found.lost - found.born
      return RowsLost(
        table: old.name, lost: found.lost + changed, added: found.born + changed,
        first: found.first.map(\.sentence))
    }
    var counts: [RowHash: Int] = [:]
    try read(old.name, common, before) { counts[$0, default: 0] += 1 }
    try read(new.name, common, after) { counts[$0, default: 0] -= 1 }
    return RowsLost(
      table: old.name, lost: counts.values.reduce(0) { $0 + max(0, $1) },
      added: counts.values.reduce(0) { $0 + max(0, -$1) }, first: [])
  }

  private func sum(_ table: String, _ columns: [String], _ side: ReplayConnection) throws(SQLiteError)
    -> RowSum
  {
    var rows = try side.connection.prepare(Self.select(columns, table))
    return try rows.sumOfRows(RowHasher(columns: columns))
  }

  private func read(
    _ table: String, _ columns: [String], _ side: ReplayConnection, _ take: (RowHash) -> Void
  ) throws(SQLiteError) {
    var rows = try side.connection.prepare(Self.select(columns, table))
    let hasher = RowHasher(columns: columns)
    while try rows.step() { take(rows.rowHash(hasher)) }
  }

  private static func select(_ columns: [String], _ table: String) -> String {
    "SELECT \(columns.map(SQLText.identifier).joined(separator: ", ")) FROM main.\(SQLText.identifier(table))"
  }
}

extension Schema {
  /// The tables in which virtual tables keep their rows, with an index that depends on how they came there. Where a virtual table
  /// only has an index for the rows of another table, what it counts about them is not among these.
  var shadowTables: Set<FoldedName> {
    var names: Set<FoldedName> = []
    for object in objects where object.isVirtual {
      guard let table = TableDefinition(object.sql), let virtual = table.virtual else { continue }
      let shadows = virtual.shadows(of: table.name).map(\.key)
      let structure = ["data", "idx", "segments", "segdir", "stat"].map {
        "\(table.name.key.text)_\($0)".folded
      }
      names.formUnion(virtual.content == .own ? shadows : shadows.filter(structure.contains))
    }
    return names
  }
}
