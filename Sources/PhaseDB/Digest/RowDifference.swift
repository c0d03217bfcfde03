internal import PhaseSQLite

/// How the rows of a table differ between two states of it.
package struct TableDifference: Sendable, Hashable {
  package let table: String
  /// How many rows differ: changed, lost or born.
  package let rows: Int
  /// How many of them differ in columns alone whose loss is declared.
  package let declaredRows: Int
  /// How many of them were there before and are not any more.
  package var lost = 0
  /// How many of them were not there before.
  package var born = 0
  /// The first of them, undeclared ones before declared ones.
  package let first: [RowDifference]

  /// True when every difference is one that the author of the phase has accepted.
  package var isDeclared: Bool { rows == declaredRows }
}

/// One row that is not what it was.
package struct RowDifference: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// It was there before and has other values.
    case changed
    /// It was there before and is not any more.
    case lost
    /// It was not there before.
    case born
  }

  package let kind: Kind
  /// What tells it from every other row, as in `id = 7`.
  package let key: String
  /// The columns whose values differ; for a row that is lost or born all of them.
  package let columns: [Column]

  /// A value before and after, as SQL writes it and shortened when it is long; nil where there is no such value.
  package struct Column: Sendable, Hashable {
    package let name: String
    package let before: String?
    package let after: String?
  }

  /// `id = 7: price 1200 -> 0`.
  package var sentence: Prose {
    let values = columns.map { "\($0.name) \($0.before ?? "nothing") -> \($0.after ?? "nothing")" }
    switch kind {
    case .changed: return "\(key): \(values.joined(separator: ", "))"
    case .lost: return "\(key): the row is lost"
    case .born: return "\(key): a row that was not there"
    }
  }
}

extension RowDifference.Column {
  init(name: String, before: Value?, after: Value?) {
    self.init(name: name, before: before.map(Self.text), after: after.map(Self.text))
  }

  /// As SQL writes it, as far as a line has room for it.
  private static func text(_ value: Value) -> String {
    let text = value.description
    return text.count <= longest ? text : "\(text.prefix(longest))…"
  }

  private static let longest = 60
}
