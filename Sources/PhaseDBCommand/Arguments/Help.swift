internal import PhaseDB

/// What `phasedb help` prints, read from the tables of verbs and options.
struct Help {
  let paint: Paint
  /// The width at which prose is wrapped.
  let width: Int

  init(paint: Paint = .none, width: Int = 80) {
    self.paint = paint
    self.width = min(width, 100)
  }

  /// The help of a verb, of all verbs that share a first word, or of the program when there are no words.
  ///
  /// - Parameter isWhole: whether to include a verb's discussion and the details of its options.
  func text(for words: [String], isWhole: Bool = true) -> Prose {
    let verbs = Verb.under(words)
    guard !words.isEmpty, let verb = verbs.first else { return overview }
    return verbs.count == 1 ? text(for: verb, isWhole: isWhole) : group(words, verbs)
  }

  var overview: Prose {
    let globals = Option.table.filter { $0.placement != .afterVerb || $0.id == .wait }
    return section(
      nil,
      Wrapped.text(
        "phasedb migrates SQLite in reversible phases.", width))
      + section("Usage", ["  phasedb VERB [arguments] [options]"])
      + section("Verbs", list(Verb.table.map { ($0.name, $0.summary) }, as: .command))
      + section(
        "Options",
        list(
          globals.map { (Self.label($0), $0.summary + ($0.detail.isEmpty ? "" : ". \($0.detail)")) },
          as: .command))
      + section("Exit codes", exitCodes(ExitCode.allCases))
      + "phasedb help VERB explains a verb, phasedb explain ID an error, a rule or a word.\n"
  }

  private func group(_ words: [String], _ verbs: [Verb]) -> Prose {
    section("Verbs", list(verbs.map { ($0.name, $0.summary) }, as: .command))
      + "Run phasedb help \(words.joined(separator: " ")) VERB for one verb.\n"
  }

  private func text(for verb: Verb, isWhole: Bool) -> Prose {
    let positionals = verb.positionals.map { ($0.kind.placeholder, $0.summary) }
    let options = verb.allOptions.filter { !Self.isShared($0, by: verb) }.map { option in
      let detail = option.detail.isEmpty || !isWhole ? "" : ". \(option.detail)"
      return (Self.label(option), verb.summary(of: option) + detail)
    }
    let examples = list(verb.examples.map { ($0.command, $0.does) }, as: .command, longest: width - 30)
    let discussion = verb.discussion.isEmpty || !isWhole ? [] : Wrapped.text(own(verb.discussion), width)
    let codes = verb.exitCodes.map { "\($0.rawValue) \($0.summary)" }.joined(separator: "; ")
    let shared = verb.allOptions.filter { Self.isShared($0, by: verb) }.flatMap { $0.names.suffix(1) }
    let rest =
      "Also takes \(shared.joined(separator: ", ")): see phasedb help."
      + (isWhole ? "" : " More: phasedb help \(verb.name)")
    return section(nil, Wrapped.text("phasedb \(verb.name): \(own(verb.summary))", width))
      + section("Usage", Wrapped.paragraph("  ", "\(Self.usage(of: verb))", indent: 4, width: width))
      + section(nil, discussion)
      + section("Arguments", list(positionals, as: .command))
      + section("Options", list(options, as: .command))
      + section("Examples", examples)
      + section(nil, Wrapped.text("Exit codes: \(own(codes))", width))
      + section(nil, Wrapped.text(own(rest), width), isLast: true)
  }

  /// Whether an option has the same meaning for this verb as for all, so that the overview explains it.
  private static func isShared(_ option: Option, by verb: Verb) -> Bool {
    (option.placement == .anywhere || option.id == .wait) && verb.wording[option.id] == nil
  }

  static func usage(of verb: Verb) -> String {
    (["phasedb", verb.name] + verb.positionals.map(\.usage) + ["[options]"]).joined(separator: " ")
  }

  /// An option as a list shows it; long names stand below each other, whether there is a short one or not.
  private static func label(_ option: Option) -> String {
    let short = option.short.map { "-\($0), " } ?? "    "
    let value = option.value.map { " \($0.placeholder)" } ?? ""
    return "\(short)--\(option.long)\(value)"
  }

  private func exitCodes(_ codes: [ExitCode]) -> [Prose] {
    list(codes.map { (String($0.rawValue), $0.summary) }, as: .command)
  }

  private func section(_ title: String?, _ lines: [Prose], isLast: Bool = false) -> Prose {
    guard !lines.isEmpty else { return "" }
    let head = title.map { [paint("\($0):", .heading)] } ?? []
    return (head + lines).map { $0 + "\n" }.joined() + (isLast ? "" : "\n")
  }

  /// Text of the tables of verbs and options, which needs no escaping.
  private func own(_ text: String) -> Prose { Prose(unescaped: text) }

  /// Terms on the left, their meanings on the right; a term that is too long has a line of its own.
  private func list(
    _ rows: [(term: String, meaning: String)], as style: Style, longest limit: Int = 24
  ) -> [Prose] {
    let longest = rows.map(\.term.count).max() ?? 0
    let column = min(longest, max(24, limit)) + 4
    let margin = Prose.blank(column)
    return rows.flatMap { row -> [Prose] in
      let meaning = Wrapped.text(own(row.meaning), max(width - column, 24))
      let term: Prose = "  \(paint(own(row.term), style))"
      guard row.term.count + 4 <= column, let first = meaning.first else {
        return [term] + meaning.map { margin + $0 }
      }
      let gap = Prose.blank(column - row.term.count - 2)
      return ["\(term)\(gap)\(first)"] + meaning.dropFirst().map { margin + $0 }
    }
  }
}
