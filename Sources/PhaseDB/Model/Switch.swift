/// What a phase says about a switch: an expand makes it, and a contract waits until it is fully on.
package struct Switch: Sendable, Hashable {
  /// Its name, as applications ask for it.
  package let name: String
  /// For a contract: how long the switch must have been on for everybody. Nil for an expand, which makes it.
  package let fullFor: Duration?

  /// A switch that an expand makes.
  package init(_ name: String) { (self.name, fullFor) = (Self.onOneLine(name), nil) }

  /// A switch for which a contract waits.
  package init(_ name: String, fullFor duration: Duration) {
    (self.name, fullFor) = (Self.onOneLine(name), duration)
  }

  /// On one line, as a phase file holds it. What is read back from the ledger must be the same name.
  private static func onOneLine(_ name: String) -> String {
    name.isEmpty || name.contains(where: \.isNewline) ? name.onOneLine : name
  }
}

/// The share of subjects for which a switch is on, in hundredths of a percent: from 0 to 10,000.
package struct Exposure: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let hundredths: Int

  /// The switch is off for everybody.
  package static let none = Exposure(hundredths: 0)
  /// The switch is on for everybody.
  package static let full = Exposure(hundredths: 10_000)

  init(hundredths: Int) { self.hundredths = min(max(0, hundredths), 10_000) }

  /// The reason why a text cannot be read as an exposure, as the end of a sentence.
  package struct Unreadable: Error {
    package let why: Prose
  }

  /// Reads `25%`, `0.5%` or `25 %`.
  package init(_ text: String) throws(Unreadable) {
    if text.first == "-" { throw Unreadable(why: "is less than 0 %") }
    guard text.last == "%" else { throw Unreadable(why: "has no percent sign: write 25% or 0.5%") }
    var number = text.dropLast()
    if number.last == " " { number.removeLast() }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    let areDigits = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }
    guard areDigits, (1...2).contains(parts.count) else {
      throw Unreadable(why: "is not a number: write 25% or 0.5%")
    }
    guard let whole = Int(parts[0]), whole <= 100 else { throw Unreadable(why: "is more than 100 %") }
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    let kept = fraction.prefix(2)
    guard fraction.dropFirst(2).allSatisfy({ $0 == "0" }) else {
      throw Unreadable(why: "has more than two decimals: the smallest step is 0.01%")
    }
    let hundredths = whole * 100 + (Int(kept + String(repeating: "0", count: 2 - kept.count)) ?? 0)
    guard hundredths <= 10_000 else { throw Unreadable(why: "is more than 100 %") }
    self.hundredths = hundredths
  }

  /// In percent: 12.5.
  package var percent: Double { Double(hundredths) / 100 }

  /// `25 %`, `0.5 %`, `12.34 %`.
  package var description: String {
    let fraction = hundredths % 100
    guard fraction > 0 else { return "\(hundredths / 100) %" }
    return fraction % 10 == 0
      ? "\(hundredths / 100).\(fraction / 10) %"
      : "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
  }

  /// As a command line takes it: `0.5%`.
  package var word: String { description.replacing(" ", with: "") }

  package static func < (left: Exposure, right: Exposure) -> Bool { left.hundredths < right.hundredths }
}

/// The SQL query with which an application asks whether a switch is on.
public enum SwitchQuery {
  /// One query with the parameters `:name`, the name of the switch, and `:subject`, whoever or whatever it is asked about:
  /// a text or a whole number, always the same for the same customer.
  ///
  /// It returns one row with 1 or 0. Two cases mean off: no row, when there is no switch of that name, and a subject
  /// that is NULL. It needs SQLite 3.8.3 and the tables of phasedb's ledger.
  public static let sql = sql(name: ":name")

  /// The same for one switch: only `:subject` is left to bind.
  public static func sql(for name: String) -> String { sql(name: literal(name)) }

  private static func literal(_ name: String) -> String { "'\(name.replacing("'", with: "''"))'" }

  // The bucket of a subject is a polynomial over its code points modulo the prime 2^31 - 1. Each switch evaluates it
  // at a point of its own. One more multiplication separates similar subjects. Every product stays below 2^62.
  private static func sql(name: String) -> String {
    """
    WITH RECURSIVE h(i, v, k) AS (
      SELECT 0, salt, salt FROM phasedb_switch WHERE name = \(name) AND exposure > 0 AND exposure < 10000
      UNION ALL
      SELECT i + 1, (v * k + unicode(substr(:subject, i + 1, 1))) % 2147483647, k FROM h WHERE i < length(:subject))
    SELECT coalesce(
      (SELECT "on" FROM phasedb_switch_member WHERE name = s.name AND subject = :subject),
      exposure = 10000 OR exposure >
        (SELECT (v * v % 2147483647) * 16807 % 2147483647 % 10000 FROM h WHERE i = length(:subject)), 0)
    FROM phasedb_switch AS s WHERE name = \(name);
    """
  }

  /// The bucket of a subject, from 0 to 9,999: the switch is on for it once the exposure is larger.
  static let bucket = """
    WITH RECURSIVE h(i, v, k) AS (
      SELECT 0, salt, salt FROM phasedb_switch WHERE name = :name
      UNION ALL
      SELECT i + 1, (v * k + unicode(substr(:subject, i + 1, 1))) % 2147483647, k FROM h WHERE i < length(:subject))
    SELECT (v * v % 2147483647) * 16807 % 2147483647 % 10000 FROM h WHERE i = length(:subject)
    """
}
