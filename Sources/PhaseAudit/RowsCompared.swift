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
    tables.sorted().compactMap { table in try? difference(in: table) }
  }

  private func difference(in table: FoldedName) throws(SQLiteError) -> RowsLost? {
    let name = SchemaName(table)
    guard let old = schemaBefore.object("table", name) else { return nil }
    guard let new = schemaAfter.object("table", name) else {
      let count = try before.connection.rowCount(of: old.name)
      return count == 0 ? nil : RowsLost(table: old.name, lost: count, born: 0, first: [])
    }
    let columns = try before.connection.storedColumns(of: name)
    let others = Set(try after.connection.storedColumns(of: name).map(\.folded))
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
        table: old.name, lost: found.lost + changed, born: found.born + changed,
        first: found.first.map(\.sentence))
    }
    var counts: [RowHash: Int] = [:]
    try read(old.name, common, before) { counts[$0, default: 0] += 1 }
    try read(new.name, common, after) { counts[$0, default: 0] -= 1 }
    return RowsLost(
      table: old.name, lost: counts.values.reduce(0) { $0 + max(0, $1) },
      born: counts.values.reduce(0) { $0 + max(0, -$1) }, first: [])
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

extension Connection {
  func rowCount(of table: String) throws(SQLiteError) -> Int {
    Int(try value("SELECT count(*) FROM main.\(SQLText.identifier(table))")?.integer ?? 0)
  }

  /// The columns whose values are kept, and not computed (sqlite.org/pragma.html#pragma_table_xinfo).
  func storedColumns(of table: SchemaName) throws(SQLiteError) -> [String] {
    try rows(
      "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid", .text(table.spelled)
    ).compactMap { $0[0].text }
  }

  /// Each foreign key: the child and its parent.
  func foreignKeys() throws(SQLiteError) -> [(child: FoldedName, parent: FoldedName)] {
    try rows(
      """
      SELECT s.name, f."table" FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
      WHERE s.type = 'table'
      """
    ).compactMap { row in
      guard let child = row[0].text, let parent = row[1].text else { return nil }
      return (child.folded, parent.folded)
    }
  }
}

extension SchemaFact {
  /// Whether only a column stands elsewhere.
  var isOfOrder: Bool { if case .columnMoved = self { true } else { false } }
}

extension SchemaDifference {
  /// The tables whose rows may differ with it.
  var tables: Set<FoldedName> {
    Set((added + removed + changed.map(\.after)).filter { $0.key.type == "table" }.map(\.key.name))
  }

  /// The differences that mean something to SQLite. It takes DEFAULT NULL for none, DEFAULT (1) for DEFAULT 1, and does
  /// not mind how a constraint is called or where it stands, nor ASC, COLLATE BINARY, FOR EACH ROW and parentheses around
  /// the whole of a condition.
  func meaning(on connection: Connection) -> [SchemaFact] {
    facts.filter { fact in
      switch fact {
      case .tableDeclaredDifferently: false
      case .defaultChanged(_, _, let old, let new): !connection.isSameDefault(old?.text, new?.text)
      case .foreignKeyChanged(_, let old, let new): !connection.isSameKey(old, new)
      case .indexChanged(let old, let new): !old.means(new)
      case .triggerChanged(let old, let new): !old.means(new)
      default: true
      }
    }
  }
}

extension Connection {
  /// A key that names no column means the primary key of its parent.
  fileprivate func isSameKey(_ old: ForeignKey, _ new: ForeignKey) -> Bool {
    guard old.parent == new.parent, old.columns == new.columns, old.onDelete == new.onDelete,
      old.onUpdate == new.onUpdate, old.isDeferred == new.isDeferred,
      old.parentColumns.isEmpty != new.parentColumns.isEmpty
    else { return false }
    let named = old.parentColumns.isEmpty ? new.parentColumns : old.parentColumns
    let key = try? rows(
      "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0 ORDER BY pk", .text(old.parent.spelled)
    ).compactMap { $0[0].text.map(SchemaName.init(_:)) }
    return key == named
  }

  fileprivate func isSameDefault(_ old: String?, _ new: String?) -> Bool {
    let (old, new) = (old ?? "NULL", new ?? "NULL")
    // What is computed anew for each row is compared by its text, which differs.
    let isComputed = [old, new].contains { text in
      SQLTokens(text).contains { $0.kind == .word }
        && SQLWord.all(in: text).contains {
          $0.kind == .word && !["null", "true", "false"].contains(where: $0.is)
        }
    }
    guard !isComputed else { return false }
    return (try? value("SELECT (\(old)) IS (\(new)) AND typeof(\(old)) = typeof(\(new))"))?.integer == 1
  }
}

extension IndexDefinition {
  fileprivate func means(_ other: IndexDefinition) -> Bool {
    guard table == other.table, isUnique == other.isUnique, columns.count == other.columns.count,
      condition?.bare == other.condition?.bare
    else { return false }
    return zip(columns, other.columns).allSatisfy { left, right in
      SQLFragment(left.title).bare == SQLFragment(right.title).bare && left.isDescending == right.isDescending
        && left.plainCollation == right.plainCollation
    }
  }
}

extension IndexedColumn {
  /// nil for BINARY, too, which most columns have.
  fileprivate var plainCollation: SchemaName? { collation == SchemaName("BINARY") ? nil : collation }
}

extension TriggerDefinition {
  fileprivate func means(_ other: TriggerDefinition) -> Bool {
    table == other.table && timing == other.timing && event == other.event && body == other.body
      && condition?.bare == other.condition?.bare
  }
}

extension SQLFragment {
  /// Without parentheses around the whole of it.
  fileprivate var bare: SQLFragment {
    let bytes = Array(text.utf8)
    let tokens = SQLTokens(text).filter { !$0.kind.isTrivia }
    func isThis(_ character: Character, _ token: SQLTokens.Token) -> Bool {
      token.range.count == 1 && bytes[token.range.lowerBound] == character.asciiValue
    }
    guard tokens.count > 2, let first = tokens.first, let last = tokens.last, isThis("(", first) else {
      return self
    }
    var depth = 0
    for token in tokens.dropLast() {
      if isThis("(", token) { depth += 1 }
      if isThis(")", token) { depth -= 1 }
      if depth == 0 { return self }
    }
    guard isThis(")", last) else { return self }
    return SQLFragment(
      String(decoding: bytes[first.range.upperBound..<last.range.lowerBound], as: UTF8.self)
    ).bare
  }
}
