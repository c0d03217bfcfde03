internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

extension SchemaFact {
  /// Whether only the order of columns differs.
  var isOfOrder: Bool { if case .columnMoved = self { true } else { false } }
}

extension SchemaDifference {
  /// The tables whose rows may differ with it.
  var tables: Set<FoldedName> {
    Set((added + removed + changed.map(\.after)).filter { $0.key.type == "table" }.map(\.key.name))
  }
}

extension SchemaDifference {
  /// The differences that mean something to SQLite. It takes DEFAULT NULL for none, DEFAULT (1) for DEFAULT 1, `!=` for
  /// `<>`, and does not mind how a constraint is called or where it stands, nor ASC, COLLATE BINARY, FOR EACH ROW and
  /// parentheses that change nothing.
  ///
  /// - Parameter connection: on a database with one of the two schemas.
  func meaning(on connection: Connection) -> [SchemaFact] {
    let expressions = ExpressionComparison(connection)
    return facts.withoutPairs(of: expressions).filter { fact in
      switch fact {
      case .tableDeclaredDifferently: false
      case .defaultChanged(_, _, let old, let new): !expressions.isSameDefault(old?.text, new?.text)
      case .foreignKeyChanged(_, let old, let new): !expressions.isSameKey(old, new)
      case .generationChanged(let table, _, let old?, let new?):
        old.isStored != new.isStored || !expressions.isSame(old.expression, new.expression, of: table)
      case .indexChanged(let old, let new): !old.means(new, expressions)
      case .triggerChanged(let old, let new): !old.means(new, expressions)
      case .viewChanged(let name): !isSameView(name, expressions)
      default: true
      }
    }
  }

  private func isSameView(_ name: SchemaName, _ expressions: ExpressionComparison) -> Bool {
    changed.first { $0.after.key.type == "view" && $0.after.key.name == name.key }.map {
      expressions.isSameView($0.before.sql, $0.after.sql)
    } ?? false
  }
}

extension [SchemaFact] {
  /// Leaves out each lost CHECK for which another one of the same meaning was gained, and that one, too.
  fileprivate func withoutPairs(of expressions: ExpressionComparison) -> [SchemaFact] {
    var facts = self
    for fact in self {
      guard case .checkLost(let table, let old) = fact,
        let gained = facts.firstIndex(where: { other in
          guard case .checkGained(table, let new) = other else { return false }
          return expressions.isSame(old, new, of: table)
        })
      else { continue }
      facts.remove(at: gained)
      facts.removeAll { $0 == fact }
    }
    return facts
  }
}

/// Whether two expressions mean the same although they are spelled differently.
///
/// They do when they have the same words and marks in the same order, but for parentheses and for the two spellings of an
/// operator, and SQLite compiles both to the same program: it knows which parentheses change something.
private struct ExpressionComparison {
  private let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  /// - Parameter table: the table of the columns; for a trigger, also of NEW and OLD.
  func isSame(_ old: SQLFragment?, _ new: SQLFragment?, of table: SchemaName) -> Bool {
    guard let old, let new else { return old == new }
    if old.respelled(withParentheses: true) == new.respelled(withParentheses: true) { return true }
    guard old.respelled(withParentheses: false) == new.respelled(withParentheses: false) else { return false }
    let name = SQLText.identifier(table.spelled)
    func query(_ expression: SQLFragment) -> String {
      // In a trigger, NEW and OLD are read as two tables, so that only qualified names are found.
      let isOfTrigger = ["new", "old"].contains { expression.names.contains(SchemaName($0)) }
      return
        "SELECT (\(expression.text)) FROM main.\(name)\(isOfTrigger ? " AS new, main.\(name) AS old" : "")"
    }
    return program(query(old)).map { $0 == program(query(new)) } ?? false
  }

  /// - Parameters: the texts of two CREATE VIEW. The text of an expression is the name of its column where it has no other.
  func isSameView(_ old: String, _ new: String) -> Bool {
    guard
      SQLFragment(old).respelled(withParentheses: false)
        == SQLFragment(new).respelled(withParentheses: false),
      let (before, after) = Self.query(of: old).flatMap({ before in Self.query(of: new).map { (before, $0) } }
      ),
      let program = program(before), let names = names(before)
    else { return false }
    return program == self.program(after) && names == self.names(after)
  }

  /// A key that names no column means the primary key of its parent.
  func isSameKey(_ old: ForeignKey, _ new: ForeignKey) -> Bool {
    guard old.parent == new.parent, old.columns == new.columns, old.onDelete == new.onDelete,
      old.onUpdate == new.onUpdate, old.isDeferred == new.isDeferred,
      old.parentColumns.isEmpty != new.parentColumns.isEmpty
    else { return false }
    let named = old.parentColumns.isEmpty ? new.parentColumns : old.parentColumns
    return (try? Table.keyNames(of: old.parent, on: connection)) == named
  }

  func isSameDefault(_ old: String?, _ new: String?) -> Bool {
    let (old, new) = (old ?? "NULL", new ?? "NULL")
    // A default that is computed for each row has no single value to compare, so another text counts as a difference.
    let isComputed = [old, new].contains { text in
      SQLTokens(text).contains { $0.kind == .word }
        && SQLWord.all(in: text).contains {
          $0.kind == .word && !["null", "true", "false"].contains(where: $0.is)
        }
    }
    guard !isComputed else { return false }
    return (try? connection.value("SELECT (\(old)) IS (\(new)) AND typeof(\(old)) = typeof(\(new))"))?.integer
      == 1
  }

  private static func query(of view: String) -> String? {
    var cursor = TokenCursor(view)
    guard cursor.skip("create") else { return nil }
    _ = cursor.skip("temp") || cursor.skip("temporary")
    guard cursor.skip("view") else { return nil }
    _ = cursor.skip("if", "not", "exists")
    guard cursor.qualifiedName() != nil else { return nil }
    _ = cursor.group()
    guard cursor.skip("as"), let query = cursor.fragment else { return nil }
    return "SELECT * FROM (\(query.text))"
  }

  private func names(_ query: String) -> [String]? {
    guard let statement = try? connection.prepare(query) else { return nil }
    return (0..<statement.columnCount).map { statement.columnName(at: $0) }
  }

  /// The program of a query (sqlite.org/opcode.html); nil when it does not compile here.
  private func program(_ query: String) -> [[Value]]? {
    // The last column is a comment.
    (try? connection.rows("EXPLAIN \(query)"))?.map { Array($0.prefix(7)) }
  }
}

extension SQLFragment {
  /// With one spelling of each operator, and perhaps without any parentheses.
  fileprivate func respelled(withParentheses: Bool) -> SQLFragment {
    let bytes = Array(text.utf8)
    let words = SQLTokens(text).compactMap { token -> String? in
      let word = String(decoding: bytes[token.range], as: UTF8.self)
      guard token.kind == .punctuation else { return word }
      switch word {
      case "!=": return "<>"
      case "==": return "="
      case "(", ")": return withParentheses ? word : " "
      default: return word
      }
    }
    return SQLFragment(words.joined())
  }
}

extension IndexDefinition {
  fileprivate func means(_ other: IndexDefinition, _ expressions: ExpressionComparison) -> Bool {
    guard table == other.table, isUnique == other.isUnique, columns.count == other.columns.count,
      expressions.isSame(condition, other.condition, of: table)
    else { return false }
    return zip(columns, other.columns).allSatisfy { left, right in
      expressions.isSame(SQLFragment(left.title), SQLFragment(right.title), of: table)
        && left.isDescending == right.isDescending && left.plainCollation == right.plainCollation
    }
  }
}

extension IndexedColumn {
  /// nil for BINARY, too, which most columns have.
  fileprivate var plainCollation: SchemaName? { collation == SchemaName("BINARY") ? nil : collation }
}

extension TriggerDefinition {
  fileprivate func means(_ other: TriggerDefinition, _ expressions: ExpressionComparison) -> Bool {
    table == other.table && timing == other.timing && event == other.event
      && body?.respelled(withParentheses: true) == other.body?.respelled(withParentheses: true)
      && expressions.isSame(condition, other.condition, of: table)
  }
}
