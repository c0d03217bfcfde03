/// The arguments of `@probe`: a title, and after two spaces what it expects, when it fails, what a missing value means and
/// whether it is a control.
///
/// One space is enough if the rest can only be clauses. A title in double quotes ends with the closing quote.
struct ProbeArguments {
  private(set) var title = ""
  private(set) var expectation = Probe.Expectation.nothingWrong
  private(set) var tolerance = Probe.Tolerance.inARow(3)
  private(set) var missing = Probe.Missing.unknown
  private(set) var isControl = false

  static let form: Prose =
    "write @probe TITLE, two spaces, and any of: at most N, at least N, between A and B, at least P% of before, floor F; fails after K or fails K of M; missing passes or missing fails; control"

  /// - Throws: `bad-directive` with the place of the word that is not expected.
  init(_ directive: Directive, in source: PhaseSource) throws(MigrationError) {
    guard !directive.arguments.isEmpty else {
      throw source.bad(
        directive, "@probe has no title",
        help: "say what must hold, or name a probe of phasedb.json: -- @probe every order has a customer")
    }
    var start = directive.arguments
    var isQuoted = false
    if source.bytes[start.lowerBound] == UInt8(ascii: "\"") {
      var arguments = DirectiveArguments(directive, in: source)
      guard let (text, _) = arguments.name() else {
        let isEmpty = source.string(directive.arguments).hasPrefix("\"\"")
        throw source.bad(
          directive, isEmpty ? "the title is empty" : "the title is never closed", at: directive.arguments,
          help: isEmpty ? "say what must hold" : "close it with \"")
      }
      // The ledger keeps a title on one line, and two titles must not become the same there.
      (title, isQuoted, start) = (text.onOneLine, true, arguments.rest)
    }
    let words = Word.all(of: start, in: source)
    let split = isQuoted ? 0 : words.dropFirst().firstIndex(where: \.hasGap)
    do throws(Unexpected) {
      if let split {
        try read(words[split...])
        if !isQuoted { title = words[..<split].map(\.joined).joined().onOneLine }
        return
      }
      // The longest end of the words that consists of clauses; the title is what stands before it.
      for index in words.indices.dropFirst() where Clause.starts.contains(words[index].text) {
        var attempt = self
        do throws(Unexpected) {
          try attempt.read(words[index...])
          attempt.title = words[..<index].map(\.joined).joined().onOneLine
          self = attempt
          return
        } catch {
          if error.looksMeant { throw error }
        }
      }
      title = words.map(\.joined).joined().onOneLine
    } catch {
      throw source.bad(directive, error.message, at: error.range ?? directive.whole, help: Self.form)
    }
  }

  private struct Word {
    let text: String
    let range: Range<Int>
    let hasGap: Bool
    /// With the space before it.
    let joined: String

    static func all(of range: Range<Int>, in source: PhaseSource) -> [Word] {
      var words: [Word] = []
      var index = range.lowerBound
      while index < range.upperBound {
        let gap = index
        while index < range.upperBound, source.bytes[index].isSpace { index += 1 }
        let start = index
        while index < range.upperBound, !source.bytes[index].isSpace { index += 1 }
        guard start < index else { break }
        let word = start..<index
        words.append(
          Word(
            text: source.string(word), range: word, hasGap: start - gap > 1 && !words.isEmpty,
            joined: (start > gap ? " " : "") + source.string(word)))
      }
      return words
    }
  }

  private enum Clause {
    static let starts: Set<String> = ["at", "between", "fails", "missing", "control"]
  }

  /// The word at which a clause cannot be read further.
  private struct Unexpected: Error {
    let message: Prose
    let range: Range<Int>?
    /// Whether enough of a clause stood before it to show that it does not belong to the title.
    var looksMeant = false
  }

  /// Reads clauses. After a whole one, what follows cannot be part of a title.
  private mutating func read(_ words: ArraySlice<Word>) throws(Unexpected) {
    var seen: Set<String> = []
    do throws(Unexpected) {
      try read(words, &seen)
    } catch {
      var error = error
      error.looksMeant = error.looksMeant || seen.count > 1
      throw error
    }
  }

  private mutating func read(_ words: ArraySlice<Word>, _ seen: inout Set<String>) throws(Unexpected) {
    var reader = Reader(words: words, index: words.startIndex)
    while let word = reader.next() {
      let kind = ["at", "between"].contains(word.text) ? "expectation" : word.text
      guard Clause.starts.contains(word.text) else {
        throw Unexpected(message: "'\(word.text)' is not expected here", range: word.range)
      }
      guard seen.insert(kind).inserted else {
        throw Unexpected(message: "'\(word.text)' stands there twice", range: word.range)
      }
      switch word.text {
      case "at": expectation = try reader.limit()
      case "between":
        let low = try reader.number(isMeant: false)
        try reader.take("and", isMeant: true)
        let high = try reader.number(isMeant: true)
        guard low <= high else {
          throw Unexpected(
            message: "the first number is above the second", range: word.range, looksMeant: true)
        }
        expectation = .between(low, high)
      case "fails": tolerance = try reader.tolerance()
      case "missing":
        let meaning = reader.next()
        guard let meaning, let missing = Probe.Missing(rawValue: meaning.text), missing != .unknown else {
          throw reader.unexpected(meaning, expecting: "passes or fails", isMeant: false)
        }
        self.missing = missing
      default: isControl = true
      }
    }
  }

  private struct Reader {
    let words: ArraySlice<Word>
    var index: Int

    mutating func next() -> Word? {
      guard index < words.endIndex else { return nil }
      defer { index += 1 }
      return words[index]
    }

    func unexpected(_ word: Word?, expecting: Prose, isMeant: Bool) -> Unexpected {
      Unexpected(
        message: word.map { "'\($0.text)' stands where \(expecting) is expected" }
          ?? "\(expecting) is expected at the end", range: word?.range ?? words.last?.range,
        looksMeant: isMeant)
    }

    mutating func take(_ text: String, isMeant: Bool) throws(Unexpected) {
      let word = next()
      guard word?.text == text else {
        throw unexpected(word, expecting: "'\(text)'", isMeant: isMeant)
      }
    }

    mutating func number(isMeant: Bool) throws(Unexpected) -> Double {
      let word = next()
      guard let word, let number = Self.number(word.text) else {
        throw unexpected(word, expecting: "a number", isMeant: isMeant)
      }
      return number
    }

    /// Digits, with a sign before them and a point among them, or as `Probe.text` spells the very large and the very small.
    private static func number(_ text: some StringProtocol) -> Double? {
      guard text.allSatisfy({ "0123456789.-+e".contains($0) }), let number = Double(text), number.isFinite
      else { return nil }
      return number
    }

    /// What follows `at`.
    mutating func limit() throws(Unexpected) -> Probe.Expectation {
      let direction = next()
      guard let direction, ["most", "least"].contains(direction.text) else {
        throw unexpected(direction, expecting: "most or least", isMeant: false)
      }
      let isMost = direction.text == "most"
      let word = next()
      if let word, word.text.last == "%", let percent = Self.number(word.text.dropLast()) {
        guard percent > 0 else {
          throw unexpected(word, expecting: "a percentage above 0", isMeant: true)
        }
        try take("of", isMeant: true)
        let before = next()
        guard let before, ["before", "before,"].contains(before.text) else {
          throw unexpected(before, expecting: "'before'", isMeant: true)
        }
        var floor: Double?
        if before.text == "before," || index < words.endIndex && words[index].text == "floor" {
          try take("floor", isMeant: true)
          floor = try number(isMeant: true)
        }
        return isMost
          ? .atMostOfBefore(percent: percent, floor: floor)
          : .atLeastOfBefore(percent: percent, floor: floor)
      }
      guard let word, let number = Self.number(word.text) else {
        throw unexpected(word, expecting: "a number", isMeant: word?.text.first?.isNumber == true)
      }
      return isMost ? .atMost(number) : .atLeast(number)
    }

    /// What follows `fails`.
    mutating func tolerance() throws(Unexpected) -> Probe.Tolerance {
      let first = next()
      if first?.text == "after" { return .inARow(try count(isMeant: true)) }
      guard let first, let failures = Self.count(first.text) else {
        throw unexpected(first, expecting: "'after' or a number", isMeant: false)
      }
      try take("of", isMeant: true)
      let all = try count(isMeant: true)
      guard failures <= all else {
        throw Unexpected(
          message: "\(failures) of \(all) can never be reached", range: first.range, looksMeant: true)
      }
      return .among(failures, of: all)
    }

    private mutating func count(isMeant: Bool) throws(Unexpected) -> Int {
      let word = next()
      guard let word, let count = Self.count(word.text) else {
        throw unexpected(word, expecting: "a whole number from 1 to 100", isMeant: isMeant)
      }
      return count
    }

    private static func count(_ text: String) -> Int? {
      guard text.allSatisfy({ ("0"..."9").contains($0) }), let count = Int(text), (1...100).contains(count)
      else { return nil }
      return count
    }
  }
}

extension Probe {
  /// The arguments of `@probe`, as they are read back.
  var text: String {
    let clauses = clauses.isEmpty ? "" : "  \(clauses)"
    let plain = title.onOneLine
    let source = PhaseSource("-- @probe \(plain)\(clauses)", file: "")
    if let directive = Directive(comment: 0..<source.bytes.count, in: source),
      let read = try? ProbeArguments(directive, in: source), read.title == plain,
      plain.first != "\"" || read.title.isEmpty
    {
      return plain + clauses
    }
    return "\"\(plain.replacing("\"", with: "\"\""))\"\(clauses)"
  }
}
