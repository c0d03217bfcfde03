internal import PhaseSQL

/// The text of a phase file, which can give the place of each byte.
package struct PhaseSource {
  package let file: String
  let text: String
  package let bytes: [UInt8]

  package init(_ text: String, file: String) {
    // A byte order mark is dropped, because it would shift the columns of the first line by one.
    let text = text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? String(text.unicodeScalars.dropFirst()) : text
    self.file = file
    self.text = text
    self.bytes = Array(text.utf8)
  }

  package func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  func place(_ range: Range<Int>) -> Place {
    TextLines(text).place(at: range.lowerBound, length: range.count, file: file)
  }

  /// The line that an offset is on, counted from 1.
  func line(at offset: Int) -> Int {
    bytes[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
  }

  /// The range without the white space at either end.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var range = range
    while let first = range.first, bytes[first].isSpace { range = range.dropFirst() }
    while let last = range.last, bytes[last].isSpace { range = range.dropLast() }
    return range
  }
}

extension UInt8 {
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

// The errors that sections and declarations have in common.

extension PhaseSource {
  func word(_ directive: Directive) -> String { string(directive.word) }

  func line(_ directive: Directive) -> Int { line(at: directive.word.lowerBound) }

  func bad(
    _ directive: Directive, _ message: Prose, at range: Range<Int>? = nil, help: Prose
  ) -> MigrationError {
    MigrationError(.badDirective, message, at: place(range ?? directive.word), help: [help])
  }

  func duration(
    _ range: Range<Int>, _ directive: Directive, example: String
  ) throws(MigrationError) -> Duration {
    let text = string(range)
    guard let duration = DurationText.parse(text) else {
      throw bad(
        directive, text.isEmpty ? "\(word(directive)) has no duration" : "'\(text)' is not a duration",
        at: range.isEmpty ? directive.word : range,
        help: "write a number and one of ms, s, m, h, d, for example \(example)")
    }
    return duration
  }

  func placing<Value>(
    _ range: Range<Int>, _ read: () throws(MigrationError) -> Value
  ) throws(MigrationError) -> Value {
    do {
      return try read()
    } catch {
      var error = error
      error.place = place(range)
      throw error
    }
  }
}

extension Directive.Name {
  /// What to write if the directive is missing.
  var remedy: Prose {
    switch self {
    case .up: "write -- @up and under it the SQL of the way up"
    case .down: "write -- @down and under it the SQL that undoes @up"
    default:
      "write which versions run both before and after the phase, for example -- @window storefront >=1.4 <2.0"
    }
  }
}

extension PhaseSource {
  /// The parts of a range between its commas, except commas in parentheses and strings.
  func items(_ range: Range<Int>) -> [Range<Int>] {
    var items: [Range<Int>] = []
    var start = range.lowerBound
    var depth = 0
    for token in SQLTokens(bytes: Array(bytes[range])) where token.kind == .punctuation {
      let at = token.range.shifted(by: range.lowerBound)
      switch string(at) {
      case "(": depth += 1
      case ")": depth -= 1
      case "," where depth == 0:
        items.append(trimmed(start..<at.lowerBound))
        start = at.upperBound
      default: break
      }
    }
    return items + [trimmed(start..<range.upperBound)]
  }

  /// Splits `NAME = VALUE`; without a name, everything is the value.
  func assignment(_ item: Range<Int>) -> (key: Range<Int>?, value: Range<Int>) {
    let tokens = SQLTokens(bytes: Array(bytes[item])).filter { !$0.kind.isTrivia }
    guard tokens.count >= 2, [.word, .quotedIdentifier, .variable, .number].contains(tokens[0].kind),
      string(tokens[1].range.shifted(by: item.lowerBound)) == "="
    else { return (nil, item) }
    return (
      tokens[0].range.shifted(by: item.lowerBound),
      trimmed(item.lowerBound + tokens[1].range.upperBound..<item.upperBound)
    )
  }

  /// A name without its quotes.
  func name(_ range: Range<Int>) -> String {
    guard let first = range.first, "\"`[".utf8.contains(bytes[first]) else { return string(range) }
    return String(decoding: SQLTokens.unquoted(bytes[range]), as: UTF8.self)
  }

  /// The same, with or without the mark of a parameter.
  func parameterName(_ range: Range<Int>) -> ExactName {
    let name = name(range)
    return name.unicodeScalars.first.map { ":@$?".unicodeScalars.contains($0) } == true
      ? ExactName(parameter: name) : ExactName(name)
  }
}
