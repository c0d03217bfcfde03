internal import PhaseDB

/// The report as a page. Everything on it comes from one value.
struct ReportPage {
  private let readiness: Readiness
  /// The most phases that one row names.
  private static let named = 6

  init(_ readiness: Readiness) { self.readiness = readiness }

  var page: Page {
    var page = Page(title: "Readiness of \(readiness.database)", marker: "phasedb-report")
    page.blocks = head + overview + pictures + recoveries + explanations + details
    return page
  }

  // MARK: - Summary

  private var head: [Page.Block] {
    var blocks: [Page.Block] = [.lead(Page.Text(readiness.headline))]
    let count = CountText.text(readiness.subjects.count, "phase")
    let rows: Prose = readiness.rows.map { ", \(CountText.text($0, "row"))" } ?? ""
    let place: Prose =
      !readiness.isThere
      ? "there is no such file yet"
      : !readiness.hasLedger
        ? "no ledger yet"
        : readiness.checkpoint.map { "at \($0.phase?.short ?? "a phase that is gone") (@\($0.sequence))" }
          ?? "before the first phase"
    blocks.append(
      .paragraph(
        "About \(readiness.scope): \(count). Database \(code: Prose(readiness.database)): \(place)\(rows). Asked \(readiness.now.minute) UTC."
      ))
    if !readiness.drift.isEmpty {
      blocks.append(
        .paragraph("\("The schema was changed outside phasedb", mark: .bad), so nothing about it is proved:"))
      blocks.append(.list(readiness.drift.prefix(10).map { Page.Text($0) }))
    }
    if !readiness.notes.isEmpty { blocks.append(.list(readiness.notes.map { "Note: \($0)." })) }
    return blocks
  }

  private var overview: [Page.Block] {
    var table = Page.Table(
      .init("Question"), .init("Answer"), .init("Because"), .init("What closes it"))
    for question in readiness.questions {
      table.rows.append([
        "\(question.number). \(question.text)", Self.mark(question.standing), because(question),
        closing(of: question),
      ])
    }
    return [
      .heading("Eight questions"), .table(table),
      .source(
        "\("proved", mark: .good): evidence of the present text on the present schema says so. \("claimed", mark: .doubtful): a directive says so, and nothing tested it. \("unknown", mark: .open): nothing says so. \("refuted", mark: .bad): evidence says that it is not so. An answer is as good as that of its weakest phase."
      ),
    ]
  }

  static func mark(_ standing: Readiness.Standing?) -> Page.Text {
    switch standing {
    case .proved: "\("proved", mark: .good)"
    case .claimed: "\("claimed", mark: .doubtful)"
    case .unknown: "\("unknown", mark: .open)"
    case .refuted: "\("refuted", mark: .bad)"
    case nil: "—"
    }
  }

  private func because(_ question: Readiness.Question) -> Page.Text {
    let deciding = question.deciding
    // The answer that most of them give.
    let counts = Dictionary(grouping: deciding, by: \.says).mapValues(\.count)
    let most = deciding.enumerated().max { left, right in
      let (one, two) = (counts[left.element.says] ?? 0, counts[right.element.says] ?? 0)
      return one != two ? one < two : left.offset > right.offset
    }
    guard question.standing != nil, let first = most?.element else { return "nothing is in scope" }
    let alike = deciding.filter { $0.says == first.says }
    let rest = deciding.count - alike.count
    let more: Prose = rest > 0 ? "; \(CountText.text(rest, "more answer")) below" : ""
    let same = "\(names(alike.map(\.phase)))"
    return "\(same): \(first.says)\(more)"
  }

  private func closing(of question: Readiness.Question) -> Page.Text {
    guard question.standing != .proved, let closing = question.deciding.compactMap(\.closing).first else {
      return ""
    }
    return Self.text(closing)
  }

  static func text(_ closing: Readiness.Closing) -> Page.Text {
    let commands = closing.commands.map { "\(code: $0)" as Page.Text }.joined(separator: " then ")
    if closing.before.isEmpty { return commands }
    return closing.commands.isEmpty ? "\(closing.before)" : "\(closing.before), then \(commands)"
  }

  private func names(_ phases: [PhaseID]) -> Prose {
    var distinct: [PhaseID] = []
    for id in phases where !distinct.contains(id) { distinct.append(id) }
    if distinct.count > 2, distinct.count == readiness.subjects.count {
      return "all \(CountText.text(distinct.count, "phase"))"
    }
    let shown = distinct.prefix(Self.named).map { Prose($0.short) }.joined(separator: ", ")
    return distinct.count <= Self.named
      ? shown : "\(shown) and \(CountText.text(distinct.count - Self.named)) more"
  }

  // MARK: - Pictures

  private var pictures: [Page.Block] {
    let figures = ReportFigures(readiness).all
    guard !figures.isEmpty else { return [] }
    return [.heading("Pictures")]
      + figures.flatMap { figure, source -> [Page.Block] in [.figure(figure), .source("Source: \(source).")] }
  }

  // MARK: - Recovery

  private var recoveries: [Page.Block] {
    guard !readiness.recoveries.isEmpty else { return [] }
    return [
      .heading("Five kinds of recovery"),
      .paragraph("They are different things, and none of them stands for another."),
    ]
      + readiness.recoveries.flatMap { recovery -> [Page.Block] in
        var items: [Page.Text] = []
        if !recovery.commands.isEmpty {
          let commands = recovery.commands.map { "\(code: $0)" as Page.Text }.joined(separator: ", ")
          items.append("\(strong: "Commands"): \(commands)")
        }
        items.append("\(strong: "How long"): \(recovery.time)")
        items.append("\(strong: "What remains"): \(recovery.remains)")
        return [.subheading(recovery.kind), .paragraph(Page.Text(recovery.how)), .list(items)]
      }
  }

  private var explanations: [Page.Block] {
    guard !readiness.explanations.isEmpty else { return [] }
    return [.heading("Five things that everybody can explain")]
      + readiness.explanations.flatMap { one -> [Page.Block] in
        let most = 30
        var items = one.says.prefix(most).map { Page.Text($0) }
        if one.says.count > most { items.append("and \(CountText.text(one.says.count - most)) more") }
        return [.subheading(one.title), .list(items)]
      }
  }

  // MARK: - Every answer

  private var details: [Page.Block] {
    guard !readiness.subjects.isEmpty else { return [] }
    return [.heading("Every answer, with its evidence")]
      + readiness.questions.flatMap { question -> [Page.Block] in
        let hasParts = question.answers.contains { $0.part != nil }
        var table = Page.Table(
          .init("Phases"), .init("Answer"), .init("Because"), .init("Evidence"), .init("What closes it"))
        if hasParts { table.columns.insert(.init("Which"), at: 1) }
        for group in Self.groups(question.answers) {
          let answer = group[0]
          var row: [Page.Text] = [
            Page.Text(names(group.map(\.phase))), Self.mark(answer.standing), Page.Text(answer.says),
            evidence(group.compactMap(\.proof)),
            answer.standing == .proved ? "" : answer.closing.map(Self.text) ?? "",
          ]
          if hasParts { row.insert(Page.Text(Prose(answer.part ?? "")), at: 1) }
          table.rows.append(row)
        }
        return [.subheading("\(question.number). \(question.text)"), .table(table)]
      }
  }

  /// Answers with the same text, in the order of their first occurrence. The action for the first of a group, which
  /// comes down last, also settles the others.
  private static func groups(_ answers: [Readiness.Answer]) -> [[Readiness.Answer]] {
    struct Key: Hashable {
      let part: String?
      let standing: Readiness.Standing?
      let says: Prose
      let closing: String
      let what: Prose?
      let place: Prose?
    }
    var groups: [[Readiness.Answer]] = []
    var places: [Key: Int] = [:]
    for answer in answers {
      let key = Key(
        part: answer.part, standing: answer.standing, says: answer.says,
        closing: answer.closing?.sentence.raw.filter { !$0.isNumber } ?? "",
        what: answer.proof?.what, place: answer.proof?.place)
      if let place = places[key] {
        groups[place].append(answer)
      } else {
        places[key] = groups.count
        groups.append([answer])
      }
    }
    return groups
  }

  /// The action, its time and age, the number of rows, and the place of the record.
  private func evidence(_ proofs: [Readiness.Proof]) -> Page.Text {
    guard let oldest = proofs.min(by: { $0.at < $1.at }) else { return "" }
    let rows: Prose =
      proofs.compactMap(\.rows).min().map { ", \(CountText.text($0, "row"))" } ?? ""
    let age: Prose = age(of: oldest.at).map { " (\($0) ago)" } ?? ""
    return "\(oldest.what), \(oldest.at.minute)\(age)\(rows); in \(code: oldest.place)"
  }

  private func age(of moment: Timestamp) -> String? {
    guard let seconds = readiness.now.seconds(since: moment), seconds >= 60 else { return nil }
    return TimeText.text(.seconds(seconds))
  }
}
