internal import PhaseDB

/// `phasedb explain`: explains an error, a rule, a gate or a word.
enum ExplainCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .explain, "explain",
    summary: "explain an error, a rule, a gate or a word",
    positionals: [Positional(.word, .name(.word), "an id as errors and findings print it, or a word")],
    options: [.format],
    examples: [
      .init("phasedb explain phase-held", "explain an error"),
      .init("phasedb explain window", "explain a word"),
    ],
    exitCodes: [.done, .refused, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let asked = context.invocation.value(.word) ?? ""
    let entries = PageEntry.all.filter { $0.name == asked.lowercased() }
    guard !entries.isEmpty else {
      throw MigrationError(
        .unknownWord, "there is no page about '\(asked)'",
        help: [
          Suggestion.nearest(to: asked, in: PageEntry.all.map(\.name)).map { "did you mean \($0)?" }
            ?? "errors and findings print their id in brackets; see also: phasedb help"
        ])
    }
    if context.isJSON {
      try context.print(json: ExplainJSON(entries: entries.map { .init(page: $0.page, text: $0.text) }))
    } else {
      for (index, entry) in entries.enumerated() {
        if index > 0 { context.print("\n") }
        entry.print(to: context)
      }
    }
    return .done
  }
}

/// One entry of a page: the text under a heading that is an id or a word.
struct PageEntry {
  /// The name of the page: `Errors`.
  let page: String
  let name: String
  /// Markdown, without the heading.
  let text: String

  /// Every entry, in the order of the pages.
  static let all: [PageEntry] =
    entries(of: "Words", PackageResources.Words_md) + entries(of: "Rules", PackageResources.Rules_md)
    + entries(of: "Errors", PackageResources.Errors_md)

  private static func entries(of page: String, _ bytes: [UInt8]) -> [PageEntry] {
    let heading = "### `"
    var entries: [PageEntry] = []
    var open: (name: String, lines: [Substring])?
    func close() {
      guard let (name, lines) = open else { return }
      let text = lines.drop(while: \.isEmpty).reversed().drop(while: \.isEmpty).reversed().joined(
        separator: "\n")
      entries.append(PageEntry(page: page, name: name, text: text))
      open = nil
    }
    for line in String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    {
      if line.hasPrefix(heading), line.hasSuffix("`") {
        close()
        open = (String(line.dropFirst(heading.count).dropLast()), [])
      } else if line.hasPrefix("#") {
        close()
      } else if !line.hasPrefix("<!--") {
        open?.lines.append(line)
      }
    }
    close()
    return entries
  }

  func print(to context: CommandContext) {
    let kind = ["Words": "", "Rules": " (rule of lint)", "Errors": " (error)"][page] ?? ""
    context.print("\(context.paint(Prose(name), .heading))\(kind)\n\n")
    var paragraph: [String] = []
    func flush() {
      let text = paragraph.joined(separator: " ").plain
      paragraph = []
      if !text.isEmpty { context.print("", Prose(unescaped: text), indent: 0) }
    }
    var isCode = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("```") {
        flush()
        isCode.toggle()
      } else if isCode {
        context.print("    \(sql: line)\n")
      } else if line.isEmpty {
        flush()
        context.print("\n")
      } else if line.hasPrefix("|") || line.hasPrefix("- ") {
        flush()
        context.print("", Prose(unescaped: line.plain), indent: 2)
      } else {
        paragraph.append(line)
      }
    }
    flush()
  }
}

extension String {
  /// Markdown without its marks: a link becomes its text, and a reference to a page the page's name.
  fileprivate var plain: String {
    replacing(#/<doc:([^>]+)>/#, with: { "\($0.output.1)" })
      .replacing(#/\[([^\]]+)\]\([^)]+\)/#, with: { "\($0.output.1)" }).replacing("`", with: "").replacing(
        "**", with: "")
  }
}

/// Entries as `--format json` prints them.
private struct ExplainJSON: Encodable {
  let entries: [EntryJSON]

  struct EntryJSON: Encodable {
    let page: String
    /// Markdown.
    let text: String
  }
}
