/// A trigger as its CREATE TRIGGER declares it, read from the tokens alone (sqlite.org/lang_createtrigger.html).
struct TriggerDefinition: Hashable, Sendable {
  enum Timing: String, Hashable, Sendable {
    case before = "BEFORE"
    case after = "AFTER"
    case insteadOf = "INSTEAD OF"
  }

  enum Firing: Hashable, Sendable {
    case insert
    case delete
    /// OF these columns; of every one when there are none.
    case update(of: [SchemaName])

    var text: String {
      switch self {
      case .insert: "INSERT"
      case .delete: "DELETE"
      case .update(let columns): columns.isEmpty ? "UPDATE" : "UPDATE OF \(columns.list)"
      }
    }
  }

  let name: SchemaName
  let table: SchemaName
  let timing: Timing
  let event: Firing
  let condition: SQLFragment?
  /// What it does, from BEGIN to END.
  let body: SQLFragment?

  var hasWhen: Bool { condition != nil }

  /// Reads a CREATE TRIGGER; nil when it is none.
  init?(_ sql: String) {
    var cursor = TokenCursor(sql)
    guard cursor.skip("create") else { return nil }
    _ = cursor.skip("temp") || cursor.skip("temporary")
    guard cursor.skip("trigger") else { return nil }
    _ = cursor.skip("if", "not", "exists")
    guard let name = cursor.qualifiedName() else { return nil }
    self.name = name
    timing = cursor.timing()
    guard let event = cursor.event(), cursor.skip("on"), let table = cursor.qualifiedName() else {
      return nil
    }
    self.event = event
    self.table = table
    _ = cursor.skip("for", "each", "row")
    condition = cursor.skip("when") ? cursor.condition() : nil
    body = cursor.fragment
  }

  /// `AFTER UPDATE OF a ON t`
  var occasion: String { "\(timing.rawValue) \(event.text) ON \(table)" }
}

extension TokenCursor {
  /// BEFORE is what SQLite takes when nothing is said.
  fileprivate mutating func timing() -> TriggerDefinition.Timing {
    if skip("after") { return .after }
    if skip("instead", "of") { return .insteadOf }
    _ = skip("before")
    return .before
  }

  fileprivate mutating func event() -> TriggerDefinition.Firing? {
    if skip("insert") { return .insert }
    if skip("delete") { return .delete }
    guard skip("update") else { return nil }
    guard skip("of") else { return .update(of: []) }
    var columns: [SchemaName] = []
    repeat {
      if let name = name() { columns.append(name) }
    } while skip(",")
    return .update(of: columns)
  }

  /// All up to the BEGIN outside parentheses.
  fileprivate mutating func condition() -> SQLFragment? {
    let start = self
    while !isAtEnd, word() != "begin" {
      if group() == nil { skipToken() }
    }
    return start.fragment(before: self)
  }
}
