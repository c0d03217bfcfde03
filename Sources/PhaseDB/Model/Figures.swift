/// Writes counts and sizes for people, the same in every locale.
package enum CountText {
  /// `1,234,567`.
  package static func text(_ count: some BinaryInteger) -> String {
    let digits = count.magnitude.description
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return count < 0 ? "-\(text)" : text
  }

  /// `1 phase`, `1,200 phases`.
  package static func text(_ count: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
    "\(text(count)) \(count == 1 ? one : many ?? "\(one)s")"
  }

  /// `812 bytes`, `4.0 KB`, `1.3 GB`. A kilobyte has 1,024 bytes, because pages of a file are powers of two.
  package static func bytes(_ count: Int64) -> String {
    guard count.magnitude >= 1024 else { return text(count, "byte") }
    var tenths = count.magnitude
    var unit = ""
    // The value is kept in tenths and rounded once for each unit, so that 1,048,575 bytes are 1.0 MB and not 1024.0
    // KB.
    for name in ["KB", "MB", "GB", "TB", "PB", "EB"] {
      tenths = unit.isEmpty ? (tenths / 1024) * 10 + (tenths % 1024 * 10 + 512) / 1024 : (tenths + 512) / 1024
      unit = name
      if tenths < 10_240 { break }
    }
    return "\(count < 0 ? "-" : "")\(text(tenths / 10)).\(tenths % 10) \(unit)"
  }
}

/// Durations for people: two units at most, and no more exact than useful.
package enum TimeText {
  /// `0.4 ms`, `12 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`.
  package static func text(_ duration: Duration) -> String {
    (duration < .zero ? "-" : "") + text(duration.attoseconds.magnitude)
  }

  private static func text(_ attoseconds: UInt128) -> String {
    // Each unit is rounded from the whole: rounding in steps would make 1.0 s of 999.46 ms.
    func rounded(to unit: Duration) -> UInt128 {
      let unit = unit.attoseconds.magnitude
      return (attoseconds + unit / 2) / unit
    }

    let fine = rounded(to: .microseconds(100))
    if fine < 100 { return fine % 10 == 0 ? "\(fine / 10) ms" : "\(fine / 10).\(fine % 10) ms" }
    let milliseconds = rounded(to: .milliseconds(1))
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let tenths = rounded(to: .milliseconds(100))
    if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
    let seconds = rounded(to: .seconds(1))
    if seconds < 3600 { return pair(seconds, 60, "min", "s") }
    let minutes = rounded(to: .seconds(60))
    if minutes < 24 * 60 { return pair(minutes, 60, "h", "min") }
    return pair(rounded(to: .seconds(3600)), 24, "d", "h")
  }

  private static func pair(_ count: UInt128, _ size: UInt128, _ large: String, _ small: String) -> String {
    let rest = count % size
    return "\(count / size) \(large)" + (rest == 0 ? "" : " \(rest) \(small)")
  }
}

/// Parts of a whole as a person reads them.
package enum PercentText {
  /// `0 %`, `63.2 %`, `100 %`; never 100 before the end.
  package static func text(_ part: Double) -> String {
    let tenths = part >= 1 ? 1000 : min(999, Int((part * 1000).rounded(.down)))
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
  }
}

/// The first lines of a list, and how many more there are.
package enum DetailLines {
  static let limit = 10

  package static func rows(_ count: Int) -> Prose { Prose(CountText.text(count, "row")) }

  static func first(_ lines: [Prose]) -> [Prose] {
    lines.count <= limit ? lines : lines.prefix(limit) + ["… and \(lines.count - limit) more"]
  }
}
