/// Names and strings written into SQL.
package enum SQLText {
  /// A name in double quotes, whatever is in it.
  package static func identifier(_ name: String) -> String { quote(name, "\"") }

  /// A folded name in double quotes.
  package static func identifier(_ name: FoldedName) -> String { identifier(name.text) }

  /// A string in single quotes, whatever is in it.
  package static func literal(_ text: String) -> String { quote(text, "'") }

  /// Bytes as SQL writes them.
  package static func blob(_ bytes: [UInt8]) -> String {
    "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
  }

  private static func quote(_ text: String, _ mark: Unicode.Scalar) -> String {
    var quoted = String(mark)
    // Not by characters: a mark with an accent behind it is one character, and still a mark to SQLite.
    for scalar in text.unicodeScalars {
      quoted.unicodeScalars.append(scalar)
      if scalar == mark { quoted.unicodeScalars.append(mark) }
    }
    quoted.unicodeScalars.append(mark)
    return quoted
  }
}
