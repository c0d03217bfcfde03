internal import PhaseDB

/// A page as a comment on a pull request.
enum PageMarkdown {
  /// The longest comment that code hosts take, in bytes, with some room.
  static let limit = 64_900

  /// The page, cut where it would be longer than a comment may be; its end then says what was left out.
  static func text(_ page: Page, limit: Int = limit) -> Prose {
    var parts: [Escaped<Markdown>] = ["<!-- \(raw: page.marker) -->\n# \(page.title)\n"]
    var size = parts[0].text.utf8.count
    var cut: [Prose] = []
    var heading: Prose?
    // The last sentence has to fit in any case.
    let room = limit - 700
    for block in page.blocks {
      if case .heading(let title) = block { heading = title }
      var lines = lines(of: block)
      let own = lines.reduce(0) { $0 + $1.text.utf8.count + 1 } + 1
      if size + own > room || !cut.isEmpty {
        let isTable = if case .table = block { true } else { false }
        // The first table that does not fit is cut after the last row that fits.
        if cut.isEmpty, isTable {
          var left = room - size
          lines = Array(
            lines.prefix { line in
              left -= line.text.utf8.count + 1
              return left > 0
            })
          if lines.count > 2 { parts.append("\n" + lines.joined(separator: "\n") + "\n") }
        }
        let place = heading ?? page.title
        if cut.last != place { cut.append(place) }
        continue
      }
      size += own
      parts.append("\n" + lines.joined(separator: "\n") + "\n")
    }
    if !cut.isEmpty {
      let names = cut.prefix(8).map { "\($0)" as Escaped<Markdown> }.joined(separator: ", ")
      let more: Escaped<Markdown> = cut.count > 8 ? " and \(cut.count - 8) more" : ""
      parts.append(
        "\nThis page was cut, because a comment may not be longer. Left out, in part or as a whole: \(names)\(more). The HTML has all of it.\n"
      )
    }
    return parts.joined().prose
  }

  private static func lines(of block: Page.Block) -> [Escaped<Markdown>] {
    switch block {
    case .lead(let text): ["**\(inline(text, isStrong: true))**"]
    case .heading(let title): ["## \(title)"]
    case .subheading(let title): ["### \(title)"]
    case .paragraph(let text): [inline(text)]
    case .list(let items): items.map { "- \(inline($0))" }
    case .table(let table): lines(of: table)
    case .figure(let figure):
      ["### \(figure.title)", "", "\(figure.description)", ""] + lines(of: figure.table)
    case .source(let text): ["<sub>\(inline(text))</sub>"]
    }
  }

  private static func lines(of table: Page.Table) -> [Escaped<Markdown>] {
    let titles = table.columns.map { "\($0.title)" as Escaped<Markdown> }
    let rules = table.columns.map { ($0.isNumber ? "---:|" : "---|") as Escaped<Markdown> }
    return ["| \(titles.joined(separator: " | ")) |", "|\(rules.joined())"]
      + table.rows.map { row in
        "| \(row.map { inline($0, isCell: true) }.joined(separator: " | ")) |"
      }
  }

  private static func inline(
    _ text: Page.Text, isStrong: Bool = false, isCell: Bool = false
  ) -> Escaped<Markdown> {
    text.spans.map { span -> Escaped<Markdown> in
      switch span {
      case .words(let words): "\(words)"
      case .strong(let words): isStrong ? "\(words)" : "**\(words)**"
      // A bar ends a cell, also within code (github.github.com/gfm/#tables-extension-).
      case .code(let code): isCell && code.contains("|") ? "\(code)" : .code(code)
      case .mark(let words, let mark): isStrong ? "\(mark.sign) \(words)" : "\(mark.sign) **\(words)**"
      }
    }.joined()
  }
}
