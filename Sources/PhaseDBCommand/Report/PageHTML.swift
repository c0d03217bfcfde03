internal import PhaseDB

/// A page as one file of HTML: no script, and nothing from elsewhere.
enum PageHTML {
  static func text(_ page: Page) -> Prose {
    var figures = 0
    let body = page.blocks.map { block in
      if case .figure = block { figures += 1 }
      return html(of: block, figure: figures)
    }
    return
      ("""
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="generator" content="phasedb \(PhaseDBVersion.current)">
    <title>\(page.title)</title>
    <style>
    \(style)
    </style>
    </head>
    <body>
    <main>
    <h1>\(page.title)</h1>
    \(body.joined(separator: "\n"))
    </main>
    </body>
    </html>

    """ as Escaped<XML>).prose
  }

  private static func html(of block: Page.Block, figure number: Int) -> Escaped<XML> {
    switch block {
    case .lead(let text): "<p class=\"lead\">\(inline(text))</p>"
    case .heading(let title): "<h2>\(title)</h2>"
    case .subheading(let title): "<h3>\(title)</h3>"
    case .paragraph(let text): "<p>\(inline(text))</p>"
    case .list(let items): "<ul>\(items.map { "<li>\(inline($0))</li>" as Escaped<XML> }.joined())</ul>"
    case .source(let text): "<p class=\"source\">\(inline(text))</p>"
    case .table(let table): html(of: table)
    case .figure(let figure):
      """
      <figure>
      <figcaption>\(figure.title)</figcaption>
      \(figure.drawing.svg(id: "figure-\(number)", title: figure.title, description: figure.description))
      </figure>
      """
    }
  }

  private static func html(of table: Page.Table) -> Escaped<XML> {
    let titles = table.columns.map { column -> Escaped<XML> in
      column.isNumber
        ? "<th scope=\"col\" class=\"number\">\(column.title)</th>" : "<th scope=\"col\">\(column.title)</th>"
    }
    let rows = table.rows.map { row -> Escaped<XML> in
      let cells = zip(table.columns, row).map { column, text -> Escaped<XML> in
        column.isNumber
          ? "<td class=\"number\" data-label=\"\(column.title)\">\(inline(text))</td>"
          : "<td data-label=\"\(column.title)\">\(inline(text))</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    return """
      <table>
      <thead><tr>\(titles.joined())</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      """
  }

  private static func inline(_ text: Page.Text) -> Escaped<XML> {
    text.spans.map { span -> Escaped<XML> in
      switch span {
      case .words(let words): "\(words)"
      case .strong(let words): "<strong>\(words)</strong>"
      case .code(let code): "<code>\(words(of: code))</code>"
      case .mark(let words, let mark):
        "<span class=\"mark \(mark.rawValue)\"><span aria-hidden=\"true\">\(mark.sign) </span>\(words)</span>"
      }
    }.joined()
  }

  /// Code that is not broken after the hyphen of an option.
  private static func words(of code: Prose) -> Escaped<XML> {
    guard code.contains(" -") else { return "\(code)" }
    return code.description.split(separator: " ", omittingEmptySubsequences: false).map {
      word -> Escaped<XML> in
      word.hasPrefix("-") && word.utf8.count < 20 ? "<span class=\"option\">\(word)</span>" : "\(word)"
    }.joined(separator: " ")
  }

  // Colours are only a help: signs, words and shades say the same. On a phone the cells of a row stand below each other.
  private static let style: Escaped<XML> = """
    :root { --page: #fff; --ink: #1c2128; --mid: #667080; --soft: #c9d0d8; --faint: #f3f5f7;
      --good: #14692f; --doubtful: #7a5200; --open: #5a6270; --bad: #a4262c; }
    @media (prefers-color-scheme: dark) { :root { --page: #15191e; --ink: #e4e8ec; --mid: #96a0ac; --soft: #454d58;
      --faint: #1e242b; --good: #6fce8d; --doubtful: #e0b15c; --open: #a2acb8; --bad: #ff8f8f; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
    h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
    h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid var(--soft); padding-bottom: .2rem; }
    h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
    p, ul { margin: .5rem 0; } ul { padding-left: 1.3rem; }
    .lead { font-size: 1.15rem; border-left: 4px solid var(--ink); padding: .3rem 0 .3rem .8rem; }
    .source { font-size: .85rem; color: var(--mid); }
    code { font: .88em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
      background: var(--faint); padding: .05em .25em; border-radius: 3px; }
    table { border-collapse: collapse; width: 100%; margin: .7rem 0; font-size: .94rem; }
    th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--soft); }
    th { font-weight: 600; color: var(--mid); }
    th:first-child, td:first-child { min-width: 8rem; }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    .option { white-space: nowrap; } .mark { white-space: nowrap; font-weight: 600; }
    .mark.good { color: var(--good); } .mark.doubtful { color: var(--doubtful); }
    .mark.open { color: var(--open); } .mark.bad { color: var(--bad); }
    figure { margin: 1.2rem 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
    svg { display: block; width: 100%; max-width: 600px; height: auto; font: 13px system-ui, -apple-system, "Segoe UI",
      Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--ink); }
    svg .dark { fill: var(--ink); } svg .middle { fill: var(--mid); } svg .light { fill: var(--soft); }
    svg .hollow { fill: none; stroke: var(--mid); stroke-dasharray: 4 3; }
    svg .rule { stroke: var(--soft); } svg .edge { stroke: var(--ink); stroke-width: 1.5; }
    svg .dashed { stroke: var(--mid); stroke-dasharray: 4 3; }
    svg .quiet { fill: var(--mid); } svg .onDark { fill: var(--page); } svg .strong { font-weight: 600; }
    @media (max-width: 40rem) {
      thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
      table, tbody, tr, td { display: block; }
      tr { border-bottom: 1px solid var(--soft); padding: .5rem 0; }
      td, td.number { border: 0; padding: .1rem 0; text-align: left; }
      td::before { content: attr(data-label) ": "; color: var(--mid); } td:empty { display: none; }
    }
    @media print {
      :root { --page: #fff; --ink: #000; --mid: #444; --soft: #aaa; --faint: #f3f3f3;
        --good: #000; --doubtful: #000; --open: #000; --bad: #000; }
      body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
      h2, h3, figcaption { break-after: avoid; } tr, figure, li { break-inside: avoid; }
      @page { margin: 16mm; }
    }
    """
}
