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
