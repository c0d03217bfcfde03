/// A trigger as its CREATE TRIGGER declares it, read from the tokens alone (sqlite.org/lang_createtrigger.html).
package struct TriggerDefinition: Hashable, Sendable {
  package enum Timing: String, Hashable, Sendable {
    case before = "BEFORE"
    case after = "AFTER"
    case insteadOf = "INSTEAD OF"
  }

  package enum Firing: Hashable, Sendable {
    case insert
    case delete
    /// OF these columns; of all columns when there are none.
    case update(of: [SchemaName])

    package var text: String {
      switch self {
      case .insert: "INSERT"
      case .delete: "DELETE"
      case .update(let columns): columns.isEmpty ? "UPDATE" : "UPDATE OF \(columns.list)"
      }
    }
  }

  package let name: SchemaName
  package let table: SchemaName
  package let timing: Timing
  package let event: Firing
  package let condition: SQLFragment?
  /// What it does, from BEGIN to END.
  package let body: SQLFragment?

  /// Reads a CREATE TRIGGER; nil for any other text.
  package init?(_ sql: String) {
    var cursor = TokenCursor(sql)
    guard cursor.skip("create") else { return nil }
    _ = cursor.skip("temp") || cursor.skip("temporary")
    guard cursor.skip("trigger") else { return nil }
    _ = cursor.skip("if", "not", "exists")
    guard let name = cursor.qualifiedName() else { return nil }
    self.name = name
    timing = Timing(reading: &cursor)
    guard let event = Firing(reading: &cursor), cursor.skip("on"), let table = cursor.qualifiedName() else {
      return nil
    }
    self.event = event
    self.table = table
    _ = cursor.skip("for", "each", "row")
    condition = cursor.skip("when") ? Self.condition(&cursor) : nil
    body = cursor.fragment
  }

  /// `AFTER UPDATE OF a ON t`
  package var occasion: String { "\(timing.rawValue) \(event.text) ON \(table)" }

  /// Reads everything up to the BEGIN outside parentheses.
  private static func condition(_ cursor: inout TokenCursor) -> SQLFragment? {
    let start = cursor
    while !cursor.isAtEnd, cursor.word() != "begin" {
      if cursor.group() == nil { cursor.skipToken() }
    }
    return start.fragment(before: cursor)
  }
}

extension TriggerDefinition.Timing {
  /// SQLite's default is BEFORE.
  fileprivate init(reading cursor: inout TokenCursor) {
    if cursor.skip("after") {
      self = .after
    } else if cursor.skip("instead", "of") {
      self = .insteadOf
    } else {
      _ = cursor.skip("before")
      self = .before
    }
  }
}

extension TriggerDefinition.Firing {
  fileprivate init?(reading cursor: inout TokenCursor) {
    if cursor.skip("insert") {
      self = .insert
    } else if cursor.skip("delete") {
      self = .delete
    } else if cursor.skip("update") {
      var columns: [SchemaName] = []
      if cursor.skip("of") {
        repeat {
          if let name = cursor.name() { columns.append(name) }
        } while cursor.skip(",")
      }
      self = .update(of: columns)
    } else {
      return nil
    }
  }
}

extension TriggerDefinition {
  /// The columns of UPDATE OF; none when it fires for any column.
  package var columns: [FoldedName] {
    if case .update(let columns) = event { columns.map(\.key) } else { [] }
  }

  /// Whether it differs from the other at most in its name.
  package func does(likeIt other: TriggerDefinition) -> Bool {
    table == other.table && timing == other.timing && event == other.event && condition == other.condition
      && body == other.body
  }
}
