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
