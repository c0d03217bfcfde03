internal import PhaseSQLite

/// How the rows of a table differ between two states of it.
package struct TableDifference: Sendable, Hashable {
  package let table: String
  /// How many rows differ: changed, lost or new.
  package let rows: Int
  /// How many of them differ only in columns whose loss is declared.
  package let declaredRows: Int
  /// How many of them are gone.
  package var lost = 0
  /// How many of them are new.
  package var born = 0
  /// The first of them, undeclared ones before declared ones.
  package let first: [RowDifference]

  /// True when every difference is one that the author of the phase has accepted.
  package var isDeclared: Bool { rows == declaredRows }
}

/// One row that differs.
package struct RowDifference: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// The row has other values than before.
    case changed
    /// The row is gone.
    case lost
    /// The row is new.
    case born
  }

  package let kind: Kind
  /// What identifies the row, as in `id = 7`.
  package let key: String
  /// The columns whose values differ; for a lost or new row, all columns.
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

  /// The value in SQL, shortened to the room in a line.
  private static func text(_ value: Value) -> String {
    let text = value.description
    return text.count <= longest ? text : "\(text.prefix(longest))…"
  }

  private static let longest = 60
}
