/// Durations as directives and settings spell them: `50ms`, `2s`, `30m`, `12h`, `7d`, with decimals as in `1.5s`.
package enum DurationText {
  private static let units: [(name: String, length: Duration)] = [
    ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
    ("d", .seconds(86_400)),
  ]

  /// In milliseconds a longer duration has more than the twelve digits that the grammar allows.
  private static let longest = Duration.seconds(100_000_000)

  /// Reads a number of up to twelve digits, optionally a point and up to fifteen more, and a unit right behind
  /// it; nil for anything else.
  package static func parse(_ text: String) -> Duration? {
    let whole = text.prefix { $0.isASCIIDigit }
    var rest = text.dropFirst(whole.count)
    var fraction: Substring = ""
    if rest.first == "." {
      fraction = rest.dropFirst().prefix { $0.isASCIIDigit }
      rest = rest.dropFirst(fraction.count + 1)
      guard (1...15).contains(fraction.count) else { return nil }
    }
    guard whole.count <= 12, let count = Int(whole), let unit = units.first(where: { $0.name == rest })
    else { return nil }
    let duration = unit.length * count
    guard let parts = Int(fraction) else { return duration }
    let divisor = repeatElement(10, count: fraction.count).reduce(1, *)
    return duration + unit.length * parts / divisor
  }

  /// Writes a duration so that `parse` gives it back, in the largest unit that needs no decimals. A negative duration
  /// is written as zero, and one of more than about three years as the longest.
  package static func print(_ duration: Duration) -> String {
    let (seconds, attoseconds) = min(max(.zero, duration), longest).components
    guard attoseconds == 0 else {
      let perMillisecond: Int64 = 1_000_000_000_000_000
      let whole = "\(seconds * 1000 + attoseconds / perMillisecond)"
      let parts = attoseconds % perMillisecond
      guard parts > 0 else { return whole + "ms" }
      var digits = String(String(perMillisecond + parts).dropFirst())
      while digits.last == "0" { digits.removeLast() }
      return "\(whole).\(digits)ms"
    }
    if seconds > 0, seconds.isMultiple(of: 86_400) { return "\(seconds / 86_400)d" }
    if seconds > 0, seconds.isMultiple(of: 3600) { return "\(seconds / 3600)h" }
    if seconds > 0, seconds.isMultiple(of: 60) { return "\(seconds / 60)m" }
    return "\(seconds)s"
  }
}

extension Duration {
  /// In milliseconds, with their fraction.
  package var milliseconds: Double {
    Double(components.seconds) * 1_000 + Double(components.attoseconds) / 1e15
  }
}
