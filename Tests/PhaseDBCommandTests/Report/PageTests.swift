import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

/// Pages as Markdown and HTML, whatever stands in them.
@Suite("Pages")
struct PageTests {
  static let formats = ["html", "markdown"]

  static func text(_ page: Page, _ format: String) -> String {
    (format == "html" ? PageHTML.text(page) : PageMarkdown.text(page)).description
  }

  /// A page of every kind of block with the same words everywhere.
  static func page(of words: Prose) -> Page {
    var table = Page.Table(.init(words), .init(words, isNumber: true))
    table.rows.append(["\(words)", "\(code: words)"])
    table.rows.append(["\(strong: words)", "\(words, mark: .bad)"])
    var drawing = Drawing(height: 40)
    drawing.text(x: 1, y: 20, words)
    drawing.bar(x: 1, y: 2, width: -4, .dark)
    return Page(
      title: words, marker: "phasedb-test",
      blocks: [
        .lead("\(words)"), .heading(words), .subheading(words), .paragraph("\(words) \(code: words)"),
        .list(["\(words)", "\(strong: words)"]), .table(table), .source("\(words)"),
        .figure(Page.Figure(title: words, description: words, drawing: drawing, table: table)),
      ])
  }

  /// What is wrong with HTML: elements and attributes that a page has no use for, and references.
  static func defects(ofHTML text: String) -> [String] {
    let elements: Set<String> = [
      "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "li", "table",
      "thead",
      "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "desc", "rect", "line", "text", "code",
      "span",
      "strong",
    ]
    var defects: [String] = []
    var open: [String] = []
    for tag in text.matches(of: #/<(\/?)([^\s<>\/]*)([^<>]*)>/#) {
      let name = String(tag.output.2)
      if name == "!DOCTYPE" { continue }
      if !elements.contains(name) { defects.append("the element \(name)") }
      for attribute in tag.output.3.matches(of: #/([\w-]+)="/#) {
        let name = attribute.output.1
        if name.hasPrefix("on") || ["src", "href", "style", "srcset", "action"].contains(String(name)) {
          defects.append("the attribute \(name)")
        }
      }
      guard !["meta", "rect", "line"].contains(name) else { continue }
      if tag.output.1.isEmpty {
        open.append(name)
      } else if open.popLast() != name {
        defects.append("</\(name)> closes something else")
      }
    }
    if !open.isEmpty { defects.append("\(open) stay open") }
    for reference in ["url(", "@import", "<script", "javascript:", "<!--"] where text.contains(reference) {
      defects.append(reference)
    }
    let ids = text.matches(of: #/ id="([^"]*)"/#).map { String($0.output.1) }
    if Set(ids).count != ids.count { defects.append("an id is there twice") }
    for label in text.matches(of: #/aria-labelledby="([^"]*)"/#) {
      for id in label.output.1.split(separator: " ") where !ids.contains(String(id)) {
        defects.append("nothing is called \(id)")
      }
    }
    return defects
  }

  /// What is wrong with Markdown beside the markup that a page has of its own: its first line, and small print.
  static func defects(ofMarkdown text: String) -> [String] {
    guard let end = text.firstIndex(of: "\n") else { return ["one line"] }
    let rest = text[end...].replacing("<sub>", with: "").replacing("</sub>", with: "")
    return PrintedText.defects(
      rest.split(separator: "\n").map { withoutCode($0) }.joined(separator: "\n"), as: .markdown)
  }

  /// A line without what stands between as many backticks on both sides: it is shown as it is.
  private static func withoutCode(_ line: Substring) -> String {
    var (text, rest) = ("", line)
    while let first = rest.first {
      let fence = rest.prefix { $0 == "`" }
      if first == "\\" {
        text += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else if fence.isEmpty {
        text.append(first)
        rest.removeFirst()
      } else {
        let behind = rest.dropFirst(fence.count)
        let runs = behind.indices.filter {
          behind[$0] == "`" && ($0 == behind.startIndex || behind[behind.index(before: $0)] != "`")
        }
        guard let end = runs.first(where: { behind[$0...].prefix { $0 == "`" }.count == fence.count }) else {
          text += fence
          rest = behind
          continue
        }
        text += "code"
        rest = behind[end...].dropFirst(fence.count)
      }
    }
    return text
  }

  @Test(
    "finds what is wrong with HTML",
    arguments: [
      "<p>a</b>", "<script>x</script>", "<p onclick=\"x\">a</p>", "<p><strong>a</p>",
      "<svg aria-labelledby=\"a\"></svg>", "<p style=\"background: url(x)\">a</p>", "<img src=\"x\">",
      "<p id=\"a\">a</p><p id=\"a\">b</p>",
    ])
  func control(_ text: String) { #expect(!Self.defects(ofHTML: text).isEmpty) }

  @Test("are what they are, whatever their words are", arguments: 0..<40)
  func hostile(_ seed: Int) {
    var dice = HostileText(seed: UInt64(seed))
    let words = Prose(dice.text())
    let page = Self.page(of: words)
    let (html, markdown) = (Self.text(page, "html"), Self.text(page, "markdown"))
    #expect(Self.defects(ofHTML: html) == [])
    // The page has as many elements as one with harmless words.
    func count(_ text: String) -> Int { text.count { $0 == "<" } }
    let harmless = Self.text(Self.page(of: "word"), "html")
    #expect(count(html) == count(harmless), "\(words)")
    #expect(Self.defects(ofMarkdown: markdown) == [], "\(words)")
    #expect(markdown.hasPrefix("<!-- phasedb-test -->\n"))
  }

  @Test("give each picture a role, a title and words")
  func pictures() {
    let html = Self.text(Self.page(of: "word"), "html")
    #expect(html.contains("<svg role=\"img\""))
    #expect(html.contains("<title id=\"figure-1-title\">word</title>"))
    #expect(html.contains("<desc id=\"figure-1-words\">word</desc>"))
    #expect(
      html.contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'"))
    #expect(html.contains("prefers-color-scheme: dark"))
    #expect(html.contains("@media print"))
  }

  @Test("stay below the length of a comment, and say what was left out", arguments: [10, 100, 1_000, 5_000])
  func long(_ rows: Int) {
    var page = Page(title: "long", marker: "phasedb-test")
    for section in ["first", "second", "third"] as [Prose] {
      var table = Page.Table(.init("a"), .init("b"))
      for index in 0..<rows { table.rows.append(["row \(index)", "größe \(code: "a|b")"]) }
      page.blocks += [.heading(section), .table(table)]
    }
    let text = Self.text(page, "markdown")
    #expect(text.utf8.count < 65_000)
    let isCut = text.contains("Left out, in part or as a whole:")
    #expect(isCut == (rows > 100))
    #expect(isCut || text.contains("row \(rows - 1)"))
    #expect(!isCut || text.contains("third"), "a section that is left out is named")
  }

  @Test("keep a bar in code from ending a cell")
  func bars() {
    let text = Self.text(Self.page(of: "a|b"), "markdown")
    for line in text.split(separator: "\n") where line.hasPrefix("| ") {
      let bars = line.matches(of: #/(^|[^\\])\|/#).count
      #expect(bars == 3, "\(line)")
    }
  }
}
