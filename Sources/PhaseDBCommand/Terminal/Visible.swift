extension StringProtocol {
  /// The text with everything made visible that would act on a terminal instead of being read: escape sequences
  /// in a file name or an excerpt of SQL could hide, move or rewrite what stands around them.
  var visible: String {
    if utf8.isPrintableASCII { return String(self) }
    var text = ""
    for scalar in unicodeScalars { text += scalar.visible }
    return text
  }
}

extension Sequence<UInt8> {
  /// Nearly every text is plain, and asking Unicode about each character is slow.
  var isPrintableASCII: Bool { allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
}

extension Unicode.Scalar {
  var visible: String {
    switch value {
    // Unicode has a picture for each control character of ASCII.
    case 0..<0x20: return Unicode.Scalar(0x2400 + value).map(String.init) ?? "?"
    case 0x7F: return "\u{2421}"
    // Those of ISO 8859, line and paragraph separators, and what turns the direction of writing
    // (trojansource.codes).
    case 0x80..<0xA0, 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
      return "<U+\(hexadecimal)>"
    default: return String(self)
    }
  }

  private var hexadecimal: String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
