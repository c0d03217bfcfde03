/// A foreign key of a table, written with a column or with the table (sqlite.org/foreignkeys.html).
struct ForeignKey: Hashable, Sendable {
  let columns: [SchemaName]
  let parent: SchemaName
  /// Empty when it means the parent's primary key.
  let parentColumns: [SchemaName]
  var onDelete = Action.noAction
  var onUpdate = Action.noAction
  /// SQLite reads MATCH and does nothing with it.
  var match: SchemaName?
  /// Checked at the end of the transaction and not of each statement.
  var isDeferred = false

  /// What becomes of the children when a parent goes or gets another key.
  enum Action: String, Hashable, Sendable {
    case noAction = "NO ACTION"
    case restrict = "RESTRICT"
    case setNull = "SET NULL"
    case setDefault = "SET DEFAULT"
    case cascade = "CASCADE"
  }

  /// `p`, or `p (x, y)`.
  var target: String { parentColumns.isEmpty ? parent.spelled : "\(parent) (\(parentColumns.list))" }
}

extension ForeignKey {
  /// Reads what follows the columns: REFERENCES and all that belongs to it.
  init?(of columns: [SchemaName], _ cursor: inout TokenCursor) {
    guard cursor.skip("references"), let parent = cursor.name() else { return nil }
    self.columns = columns
    self.parent = parent
    parentColumns = cursor.group()?.names() ?? []
    while true {
      if cursor.skip("on", "delete") {
        onDelete = cursor.action()
      } else if cursor.skip("on", "update") {
        onUpdate = cursor.action()
      } else if cursor.skip("on", "insert") {
        // The grammar has it, the meaning it never had.
        _ = cursor.action()
      } else if cursor.skip("match") {
        match = cursor.name()
      } else {
        break
      }
    }
    if let deferral = cursor.deferral() { isDeferred = deferral }
  }
}

extension TokenCursor {
  fileprivate mutating func action() -> ForeignKey.Action {
    if skip("cascade") { return .cascade }
    if skip("restrict") { return .restrict }
    if skip("set", "null") { return .setNull }
    if skip("set", "default") { return .setDefault }
    _ = skip("no", "action")
    return .noAction
  }

  /// `[NOT] DEFERRABLE [INITIALLY DEFERRED | IMMEDIATE]`: only one of its spellings defers
  /// (sqlite.org/foreignkeys.html#fk_deferred); nil when there is none.
  mutating func deferral() -> Bool? {
    let isNegated = skip("not", "deferrable")
    guard isNegated || skip("deferrable") else { return nil }
    let isDeferred = skip("initially", "deferred")
    _ = skip("initially", "immediate")
    return isDeferred && !isNegated
  }

  /// Names with commas between them.
  func names() -> [SchemaName] {
    items().compactMap { item in
      var item = item
      return item.name()
    }
  }
}
