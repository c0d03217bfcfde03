package import PhaseSQL
internal import PhaseSQLite

/// One row of `sqlite_schema`: a table, an index, a view or a trigger, and the SQL that makes it.
package struct SchemaObject: Sendable {
  package let key: Key
  /// As spelled.
  package let name: String
  /// The table it belongs to; its own name for a table or a view.
  package let table: String
  package let sql: String
  /// How often REFERENCES occurs in its SQL: 0 for a table without a foreign key.
  let references: Int
  /// Equal for two objects whose SQL differs only in comments, white space, quoting and the case of names.
  let digest: SchemaDigest
  /// Whether it is a table of a module, which keeps its data in shadow tables named after it.
  package let isVirtual: Bool

  /// Identifies an object within its schema. Names are case-folded, as SQLite compares them.
  package struct Key: Hashable, Sendable, Comparable {
    package let type: String
    package let name: FoldedName

    init(type: String, name: String) { self.init(type: type, name: name.folded) }

    init(type: String, name: FoldedName) {
      self.type = type
      self.name = name
    }

    package static func < (left: Key, right: Key) -> Bool {
      (left.type, left.name) < (right.type, right.name)
    }
  }

  init(type: String, name: String, table: String, sql: String) {
    key = Key(type: type, name: name)
    self.name = name
    self.table = table
    self.sql = sql
    references = sql.occurrences(ofLowercased: "references")
    digest = SchemaDigest(type: type, name: key.name, table: table.folded, sql: sql)
    isVirtual = type == "table" && Self.makesVirtualTable(sql)
  }

  private static func makesVirtualTable(_ sql: String) -> Bool {
    SQLTokens.firstWords(2, of: sql.utf8).dropFirst() == ["virtual"]
  }

  /// Whether it is a trigger that only holds a lane, on a table outside the ledger.
  var holdsLane: Bool {
    key.type == "trigger" && key.name.hasPrefix(LaneTrigger.prefix)
      && !table.folded.hasPrefix(Schema.ledgerPrefix) && LaneTrigger.isOne(sql)
  }

  /// Whether it is named as the ledger's objects are, belongs to one of them, or writes one from a trigger or by a
  /// foreign key. Applications may write check-ins from a trigger, and read the ledger in a view.
  var reachesForLedger: Bool {
    let names = [key.name, table.folded]
    if names.contains(where: { $0.hasPrefix(Schema.ledgerPrefix) && !$0.hasPrefix(RetiredName.prefix) }) {
      return true
    }
    guard key.type == "trigger" || references > 0 else { return false }
    return Schema.ledgerName(in: sql, except: [Schema.checkIns]) != nil
  }

  /// Whether the settings leave it out, or the table that it belongs to.
  func isIgnored(by patterns: NamePatterns) -> Bool {
    guard !patterns.isEmpty else { return false }
    let table = table.folded
    return !table.hasPrefix(Schema.ledgerPrefix) && patterns.match(table)
  }

  /// Whether it is a view or a trigger.
  var isCode: Bool { key.type == "view" || key.type == "trigger" }

  /// Whether its SQL is the same byte for byte. Two strings with other bytes may be equal.
  func isSpelled(like other: SchemaObject) -> Bool { sql.hasSameBytes(as: other.sql) }

  /// Its name for people: `table customers`.
  var title: String { "\(key.type) \(name)" }
}

extension SchemaObject {
  /// Its position in an order in which objects can be made: tables come before the indexes, views and triggers over
  /// them. A virtual table may read another table when it is made, and makes its shadow tables itself, with names that
  /// begin with its own: objects with such a name come after it.
  func rank(_ virtualPrefixes: [String] = []) -> Int {
    switch key.type {
    case "table" where virtualPrefixes.contains { key.name.hasPrefix($0) }: 2
    case "table": isVirtual ? 1 : 0
    case "index": 3
    case "view": 4
    default: 5
    }
  }

  /// With its semicolon, which a comment at its end must not swallow.
  var statement: String {
    var last: SQLTokens.Token.Kind?
    for token in SQLTokens(sql) where token.kind != .space { last = token.kind }
    return sql + (last == .lineComment ? "\n;" : ";")
  }
}
