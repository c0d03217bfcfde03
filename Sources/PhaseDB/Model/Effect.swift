/// Something outside the database that a phase causes, such as a mail or a job. The way back does not undo it, but
/// rows of a table tell how often it happened. A line of `@effects`.
///
/// When the phase goes up, the ledger remembers the greatest value of a column. Rows with a greater value are newer
/// than the phase. Those that meet the condition are counted and listed.
package struct Effect: Sendable, Hashable {
  /// The table whose rows tell of it.
  package let table: String
  /// A column whose value grows with every row, such as an INTEGER PRIMARY KEY.
  package let column: String
  /// An expression of SQL over the columns of the table; nil when every row counts.
  package let condition: String?
  /// Who has to deal with it.
  package let audience: Residual.Audience
  /// What remains, in one line.
  package let text: String
  /// Where it is written; nil when it was made in Swift or read from the ledger.
  package let place: Place?

  /// - Parameters:
  ///   - table: an ordinary table.
  ///   - column: one that grows with every row.
  ///   - condition: an expression on one line, without parameters; nil to count every row.
  package init(
    _ table: String, by column: String, where condition: String? = nil, _ audience: Residual.Audience,
    _ text: String, at place: Place? = nil
  ) {
    (self.table, self.column, self.condition) = (table, column, condition)
    (self.audience, self.text, self.place) = (audience, text, place)
  }

  /// The place is not compared.
  package static func == (left: Effect, right: Effect) -> Bool {
    left.table == right.table && left.column == right.column && left.condition == right.condition
      && left.audience == right.audience && left.text == right.text
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(table)
    hasher.combine(column)
    hasher.combine(condition)
    hasher.combine(audience)
    hasher.combine(text)
  }
}
