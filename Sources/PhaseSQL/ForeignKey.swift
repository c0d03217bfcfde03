/// A foreign key of a table, written with a column or with the table (sqlite.org/foreignkeys.html).
package struct ForeignKey: Hashable, Sendable {
  package let columns: [SchemaName]
  package let parent: SchemaName
  /// Empty when it means the parent's primary key.
  package let parentColumns: [SchemaName]
  package var onDelete = Action.noAction
  package var onUpdate = Action.noAction
  /// SQLite reads MATCH and does nothing with it.
  package var match: SchemaName?
  /// Checked at the end of the transaction and not of each statement.
  package var isDeferred = false

  /// What happens to the children when a parent is deleted or gets another key.
  package enum Action: String, Hashable, Sendable {
    case noAction = "NO ACTION"
    case restrict = "RESTRICT"
    case setNull = "SET NULL"
    case setDefault = "SET DEFAULT"
    case cascade = "CASCADE"
  }

  /// `p`, or `p (x, y)`.
  package var target: String { parentColumns.isEmpty ? parent.spelled : "\(parent) (\(parentColumns.list))" }
}

extension ForeignKey {
  /// Reads what follows the columns: REFERENCES with its clauses.
  package init?(of columns: [SchemaName], _ cursor: inout TokenCursor) {
    guard cursor.skip("references"), let parent = cursor.name() else { return nil }
    self.columns = columns
    self.parent = parent
    parentColumns = cursor.group()?.names() ?? []
    while true {
      if cursor.skip("on", "delete") {
        onDelete = Action(reading: &cursor)
      } else if cursor.skip("on", "update") {
        onUpdate = Action(reading: &cursor)
      } else if cursor.skip("on", "insert") {
        // SQLite accepts this clause and ignores it.
        _ = Action(reading: &cursor)
      } else if cursor.skip("match") {
        match = cursor.name()
      } else {
        break
      }
    }
    if let deferral = Self.deferral(&cursor) { isDeferred = deferral }
  }

  /// Reads `[NOT] DEFERRABLE [INITIALLY DEFERRED | IMMEDIATE]`, only one spelling of it defers
  /// (sqlite.org/foreignkeys.html#fk_deferred); nil when there is none.
  static func deferral(_ cursor: inout TokenCursor) -> Bool? {
    let isNegated = cursor.skip("not", "deferrable")
    guard isNegated || cursor.skip("deferrable") else { return nil }
    let isDeferred = cursor.skip("initially", "deferred")
    _ = cursor.skip("initially", "immediate")
    return isDeferred && !isNegated
  }
}

extension ForeignKey.Action {
  fileprivate init(reading cursor: inout TokenCursor) {
    if cursor.skip("cascade") {
      self = .cascade
    } else if cursor.skip("restrict") {
      self = .restrict
    } else if cursor.skip("set", "null") {
      self = .setNull
    } else if cursor.skip("set", "default") {
      self = .setDefault
    } else {
      _ = cursor.skip("no", "action")
      self = .noAction
    }
  }
}
