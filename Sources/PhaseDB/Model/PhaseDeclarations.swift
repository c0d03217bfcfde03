/// A claim about the rows: a SELECT that returns those that break it.
public struct Verification: Sendable, Hashable {
  /// What is claimed, as in "nobody lost their name".
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

/// Something that remains after a technically perfect down.
package struct Residual: Sendable, Hashable {
  /// Whom it concerns.
  package enum Audience: String, Sendable, Hashable, CaseIterable {
    case customer, downstream, workflow, support
  }

  package let audience: Audience
  package let text: String

  package init(_ audience: Audience, _ text: String) {
    self.audience = audience
    self.text = text
  }

  /// What a phase says of its residuals as a whole. Nothing said and nothing left are different things.
  package enum Statement: String, Sendable, Hashable, CaseIterable {
    /// It has no `@residual` line.
    case notDeclared = "not-declared"
    /// `@residual none`
    case nothing
    case declared
  }
}

extension Phase {
  /// What it says of what remains after its down.
  package var residualStatement: Residual.Statement {
    residuals.map { $0.isEmpty ? .nothing : .declared } ?? .notDeclared
  }
}

/// A loss that the author of a phase accepts.
package struct Loss: Sendable, Hashable {
  package let table: String
  package let column: String
  package let reason: String

  package init(table: String, column: String, reason: String) {
    self.table = table
    self.column = column
    self.reason = reason
  }
}

/// The longest times a rehearsal may measure; nil where there is no limit.
package struct Budget: Sendable, Hashable {
  package let up: Duration?
  package let down: Duration?
  /// The longest time the write lock is held.
  package let hold: Duration?

  package init(up: Duration? = nil, down: Duration? = nil, hold: Duration? = nil) {
    self.up = up
    self.down = down
    self.hold = hold
  }
}

/// One finding that the author of a phase accepts, until a version of the application.
package struct Allowance: Sendable, Hashable {
  /// The id of the rule.
  package let rule: String
  package let application: String
  package let until: Version
  package let reason: String
  /// Where it is written; nil when it was made in Swift or read from the ledger.
  package let place: Place?

  package init(rule: String, application: String, until: Version, reason: String, at place: Place? = nil) {
    self.place = place
    self.rule = rule
    self.application = application
    self.until = until
    self.reason = reason
  }

  /// Where an allowance is written makes no difference to what it says.
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

// What of a phase's declarations a phase file can hold. Identity and rendering both go through here, so that a
// phase made in Swift is the same phase after it was written to a file and read again.

extension String {
  /// A directive's text: one line, never empty. Runs of white space count as one space.
  var onOneLine: String {
    // Nearly every text is plain already, and asking Unicode about each character is slow.
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

extension Phase {
  /// The soak that counts: only a contract waits.
  var effectiveSoak: Duration? { kind == .contract ? soak : nil }
}

extension Budget {
  /// The limits that are set, by the words of `@budget`.
  var limits: [(name: String, limit: Duration)] {
    [("up", up), ("down", down), ("hold", hold)].compactMap { name, limit in limit.map { (name, $0) } }
  }
}
