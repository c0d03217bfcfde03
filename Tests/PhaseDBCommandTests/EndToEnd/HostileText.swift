import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Text that acts on whoever prints it raw: what terminals, CI services, XML, JSON and Markdown take for more than text.
struct HostileText {
  static let pieces = [
    "\u{1B}[31mred", "\u{1B}]8;;http://x.example\u{1B}\\link", "\u{1B}]0;title\u{07}", "\r", "\n", "\r\n",
    "\t",
    "\u{1}", "\u{1F}", "\u{7F}", "\u{85}", "\u{9B}31m", "\u{2028}", "\u{2029}", "\u{202E}abc", "\u{2066}abc",
    "\u{200B}", "\u{FEFF}", "\u{AD}", "\u{E0041}", "\n::error file=x::owned", "::warning::w",
    " ::error::spaced",
    "##[error]owned", "##vso[task.complete]", "]]>", "<b>", "<!--", "&amp;", "\"", "'", "\\", "\\|", "|",
    "|\u{301}",
    "`", "``", "%0A::error::x", ",", "@team", "#17", "https://x.example", "www.x.example", "$x$",
    String(repeating: "\u{301}", count: 60), String(repeating: "n", count: 5_000),
  ]

  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A few pieces behind each other, the first of them often at the very beginning.
  ///
  /// - Parameter ruledOut: what cannot be part of it where it goes.
  mutating func text(without ruledOut: [Character] = []) -> String {
    var text = next(2) == 0 ? "" : "v"
    for _ in 0...next(3) {
      text += Self.pieces[next(Self.pieces.count)]
      if next(2) == 0 { text += "z" }
    }
    let scalars = text.unicodeScalars.filter { scalar in
      !ruledOut.contains { $0.unicodeScalars.contains(scalar) }
    }
    return String(String.UnicodeScalarView(scalars)) + "e\(next(1_000_000))"
  }

  private mutating func next(_ count: Int) -> Int {
    // Numerical Recipes' generator; its high bits are the good ones.
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(count))
  }
}

/// What is wrong with what a program printed. It knows the media, and nothing of how phasedb escapes.
enum PrintedText {
  enum Form: String, CaseIterable, Sendable {
    case text, json, github, junit, sarif, markdown
  }

  static func defects(_ printed: String, as form: Form) -> [String] {
    var defects = scalars(printed)
    let lines = printed.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
      String(String.UnicodeScalarView($0))
    }
    for line in lines {
      // actions/runner, ActionCommand.cs: a command may be indented, and those of the first kind stand anywhere.
      let isCommand = line.drop { $0.isWhitespace }.unicodeScalars.starts(with: "::".unicodeScalars)
      if isCommand, form != .github || line.wholeMatch(of: command) == nil {
        defects.append("a command: \(line.prefix(80))")
      }
      if line.firstMatch(of: /\#\#(vso)?\[/) != nil { defects.append("a command: \(line.prefix(80))") }
      if form == .text, !line.hasPrefix("next:"), line.unicodeScalars.count > 4_000 {
        defects.append("a flood: \(line.prefix(80))")
      }
    }
    switch form {
    case .text, .github: break
    case .json, .sarif: if !printed.isEmpty, strings(ofJSON: printed) == nil { defects.append("no JSON") }
    case .junit: if testcases(ofXML: printed) == nil { defects.append("no XML") }
    case .markdown: defects += lines.flatMap(markup) + tables(lines)
    }
    return defects
  }

  private static var command: Regex<Substring> {
    /::(?:error|warning) (?:file=[^:,]+,line=\d+,col=\d+,endColumn=\d+,)?title=[a-z0-9-]+::.*/
  }

  private static func scalars(_ printed: String) -> [String] {
    var defects: [String] = []
    var marks = 0
    for scalar in printed.unicodeScalars {
      marks = (0x300...0x36F).contains(scalar.value) ? marks + 1 : 0
      switch scalar.value {
      case 0x0A: continue
      case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F,
        0xFEFF,
        0xE0000...0xE0FFF:
        defects.append("U+\(String(scalar.value, radix: 16))")
      default: if marks == 20 { defects.append("many marks on one letter") }
      }
    }
    return defects
  }

  /// Every string of a document, or of a document on each line, keys included; nil when there is something else.
  static func strings(ofJSON text: String) -> [String]? {
    func strings(_ value: Any) -> [String] {
      switch value {
      case let text as String: [text]
      case let list as [Any]: list.flatMap(strings)
      case let object as [String: Any]: object.keys + object.values.flatMap(strings)
      default: []
      }
    }
    func parsed(_ text: String) -> Any? {
      try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }
    if let whole = parsed(text) { return strings(whole) }
    // Events stand on a line each before a document.
    var lines = text.split(separator: "\n").map(String.init)[...]
    var found: [String] = []
    while let line = lines.first, let value = parsed(line) {
      found += strings(value)
      lines.removeFirst()
    }
    guard !lines.isEmpty else { return found }
    return parsed(lines.joined(separator: "\n")).map { found + strings($0) }
  }

  /// The names of the test cases of a JUnit report, nil when it is no XML.
  static func testcases(ofXML text: String) -> [String]? {
    final class Reader: NSObject, XMLParserDelegate {
      var names: [String] = []
      func parser(
        _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
      ) {
        if element == "testcase" { names.append(attributes["name"] ?? "") }
      }
    }
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    return parser.parse() && parser.parserError == nil ? reader.names : nil
  }

  /// What of a line a code host would take for HTML, a link, a person or an issue.
  private static func markup(_ line: String) -> [String] {
    guard !line.hasPrefix("        ") else { return [] }
    // What is escaped, and code, in the order in which they stand: a sign that is escaped opens no code.
    let plain = line.replacing(
      /\\[\\`*_<>\[\]|~&$\#@:.]|<!-- -->|``.*?``(?!`)|`[^`]*`/.matchingSemantics(.unicodeScalar), with: "")
    let found = plain.unicodeScalars.filter { "<>&`[]@$\\".unicodeScalars.contains($0) }
    let links = plain.matches(of: /https?:\/\/|www\.|\#\d/).map { String($0.output) }
    return (found.map(String.init) + links).map { "markup \($0) in \(line.prefix(80))" }
  }

  /// Rows with more or fewer cells than the head of their table.
  private static func tables(_ lines: [String]) -> [String] {
    var cells: Int?
    return lines.compactMap { line in
      guard line.hasPrefix("|") else {
        cells = nil
        return nil
      }
      var count = 0
      var isEscaped = false
      for scalar in line.unicodeScalars {
        if scalar == "|", !isEscaped { count += 1 }
        isEscaped = scalar == "\\" && !isEscaped
      }
      defer { cells = cells ?? count }
      return cells.map { $0 == count } ?? true
        ? nil : "\(count) cells where there are \(cells ?? 0): \(line.prefix(80))"
    }
  }
}
