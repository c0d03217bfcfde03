/// A piece of SQL: equal to any other that differs only in comments, white space, quoting and the case of names.
package struct SQLFragment: Hashable, Sendable, CustomStringConvertible {
  /// As it was written, on one line and without comments.
  package let text: String
  private let normalized: [UInt8]

  package init(_ sql: String) {
    let bytes = Array(sql.utf8)
    var line: [UInt8] = []
    var isApart = false
    for token in SQLTokens(sql) {
      if token.kind.isTrivia {
        isApart = true
      } else {
        if isApart, !line.isEmpty { line.append(UInt8(ascii: " ")) }
        line += bytes[token.range]
        isApart = false
      }
    }
    text = String(decoding: line, as: UTF8.self)
    normalized = SQLTokens.normalized(sql)
  }

  package var description: String { text }

  package static func == (left: SQLFragment, right: SQLFragment) -> Bool {
    left.normalized == right.normalized
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(normalized) }
}

extension SQLFragment {
  /// Every word in it that may be a name.
  package var names: Set<SchemaName> {
    let bytes = Array(text.utf8)
    return Set(
      SQLTokens(text).compactMap { token in
        token.kind == .string ? nil : SchemaName(token.kind, bytes[token.range])
      })
  }
}
