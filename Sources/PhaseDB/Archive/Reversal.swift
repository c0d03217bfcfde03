/// What reversing an applied phase would give back, as the rows are now.
public enum Reversal: Sendable, Hashable {
  /// Schema and rows come back. What was written since to what both schemas share stays, and so does what was deleted.
  case exact
  /// Some archived values would not come back; one entry for each column or table.
  case lossy([LostValues])
  /// It would be refused; one sentence for each reason.
  case blocked([Prose])

  /// Archived values that would not come back. They stay in the archive until purged.
  public struct LostValues: Sendable, Hashable {
    public let table: String
    /// nil for whole rows.
    public let column: String?
    /// How many; nil when nobody can count them.
    public let rows: Int?
    /// Why, as the end of a sentence.
    public let why: Prose
    /// Whether the phase accepts the loss with `@loses`.
    public let isDeclared: Bool

    /// `customers.full_name`, or the table alone.
    public var subject: String { column.map { "\(table).\($0)" } ?? table }
  }

  /// Whether nothing would be lost that the phase does not declare.
  public var isExactOrDeclared: Bool {
    switch self {
    case .exact: true
    case .lossy(let lost): lost.allSatisfy(\.isDeclared)
    case .blocked: false
    }
  }
}
