internal import PhaseSQL
internal import PhaseSQLite

/// A claim about rows, written as a SELECT that returns the rows that break it.
public struct Verification: Sendable, Hashable {
  /// What is claimed, as in "every customer has a name".
  public let title: String
  /// One SELECT; no row means that the claim holds.
  public let query: Script

  /// A claim.
  ///
  /// - Parameters:
  ///   - title: what is claimed, in a few words.
  ///   - query: one SELECT that returns the rows that break it.
  public init(_ title: String, query: Script) {
    self.title = title
    self.query = query
  }
}

/// Something that stays in the world after a perfect way down, such as a mail that was sent.
package struct Residual: Sendable, Hashable {
  /// Whom it concerns.
  package enum Audience: String, Sendable, Hashable, CaseIterable {
    /// People who use the application.
    case customer
    /// Systems that took data from it.
    case downstream
    /// Work that is under way, such as jobs in a queue.
    case workflow
    /// People who answer customers.
    case support
    /// Those who answer for personal data and its deletion.
    case compliance
  }

  /// Who has to deal with what remains.
  package let audience: Audience
  /// What remains, in one line.
  package let text: String

  /// Something that remains after the way back.
  package init(_ audience: Audience, _ text: String) {
    self.audience = audience
    self.text = text
  }

  /// What a phase declares about its residuals as a whole. To declare that there are none is a statement; to declare
  /// nothing is not.
  package enum Statement: String, Sendable, Hashable, CaseIterable {
    /// It has neither `@residual` nor `@effects`.
    case notDeclared = "not-declared"
    /// `@residual none`
    case nothing
    /// It names at least one.
    case declared
  }
}

/// A loss that the author of a phase accepts.
package struct Loss: Sendable, Hashable {
  /// The table.
  package let table: String
  /// The column whose values may be lost.
  package let column: String
  /// Why that is acceptable, in one line.
  package let reason: String

  /// A loss of one column.
  package init(table: String, column: String, reason: String) {
    self.table = table
    self.column = column
    self.reason = reason
  }
}

/// The longest times a rehearsal may measure; nil where there is no limit.
package struct Budget: Sendable, Hashable {
  /// The longest the way up may take; nil for no limit.
  package let up: Duration?
  /// The longest the way down may take; nil for no limit.
  package let down: Duration?
  /// The longest time the write lock is held.
  package let hold: Duration?

  /// Limits that a rehearsal checks.
  package init(up: Duration? = nil, down: Duration? = nil, hold: Duration? = nil) {
    self.up = up
    self.down = down
    self.hold = hold
  }
}

/// A finding of lint that the author of a phase accepts, until a version of an application.
package struct Allowance: Sendable, Hashable {
  /// The id of the rule.
  package let rule: String
  /// The application with whose version the exception ends.
  package let application: String
  /// The version with which it ends: that one must no longer need it.
  package let until: Version
  /// Why the findings are accepted, in one line.
  package let reason: String
  /// Where it is written; nil when it was made in Swift or read from the ledger.
  package let place: Place?

  /// An exception from a rule of lint, until a version.
  package init(rule: String, application: String, until: Version, reason: String, at place: Place? = nil) {
    self.place = place
    self.rule = rule
    self.application = application
    self.until = until
    self.reason = reason
  }

  /// The place is not compared.
  package static func == (left: Allowance, right: Allowance) -> Bool {
    left.rule == right.rule && left.application == right.application && left.until == right.until
      && left.reason == right.reason
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(rule)
    hasher.combine(application)
    hasher.combine(until)
    hasher.combine(reason)
  }
}

// How declarations are written into a phase file. The identity of a phase and its file both use this, so that a phase
// made in Swift stays the same phase when it is written to a file and read again.

extension String {
  /// A directive's text: one line, never empty. Runs of white space count as one space.
  var onOneLine: String {
    // Nearly every text is plain already; to ask Unicode about each character would be slow.
    if isPlainLine { return self }
    let words = split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? "-" : words.joined(separator: " ")
  }

  /// Printable ASCII without a space at either end or two in a row.
  private var isPlainLine: Bool {
    var previous = UInt8(ascii: " ")
    for byte in utf8 {
      guard (0x20...0x7E).contains(byte), byte != UInt8(ascii: " ") || previous != byte else { return false }
      previous = byte
    }
    return previous != UInt8(ascii: " ")
  }
}

extension Budget {
  /// The limits that are set, by the words of `@budget`.
  var limits: [(name: String, limit: Duration)] {
    [("up", up), ("down", down), ("hold", hold)].compactMap { name, limit in limit.map { (name, $0) } }
  }
}

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

/// A column or table that a contract takes out of use. It is not dropped but renamed, until the phase comes down or
/// is purged.
package struct Retirement: Sendable, Hashable {
  /// The table, or the table of the column.
  package let table: String
  /// nil when it is the whole table.
  package let column: String?
  /// Where it is written; nil when it was made in Swift.
  package let place: Place?

  /// A column taken out of use, or a whole table without one.
  package init(table: String, column: String? = nil, at place: Place? = nil) {
    self.table = table
    self.column = column
    self.place = place
  }

  /// The place is not compared.
  package static func == (left: Retirement, right: Retirement) -> Bool {
    left.table.folded == right.table.folded && left.column?.folded == right.column?.folded
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(table.folded)
    hasher.combine(column?.folded)
  }
}

extension Retirement {
  /// `customers.full_name`
  var title: String { table + (column.map { ".\($0)" } ?? "") }

  /// Whether another retirement is the same, or is of a column of this table.
  func covers(_ other: Retirement) -> Bool {
    table.folded == other.table.folded
      && (column == nil || column?.folded == other.column?.folded)
  }
}
