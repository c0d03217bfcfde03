/// Writes the other parts of a report, from the same facts as the eight answers.
struct ReadinessWords {
  let work: ReadinessWork
  let subjects: [Readiness.Subject]

  // MARK: - The one line

  /// The headline: what exactly is reversed, how quickly, and what damage remains.
  func headline(_ questions: [Readiness.Question]) -> Prose {
    guard !subjects.isEmpty else { return "Nothing is in scope, so nothing has to be taken back." }
    let ways = questions[1].answers
    let proved = ways.filter { $0.standing == .proved }.count
    let bad = ways.filter { $0.standing == .refuted }.map(\.phase.short)
    let open = ways.count - proved - bad.count
    let total = CountText.text(ways.count, "phase")
    var parts: [Prose] = []
    if proved > 0 {
      parts.append("\(CountText.text(proved)) \(proved == 1 ? "comes" : "come") back by evidence")
    }
    if open > 0 {
      parts.append(
        "it is not proved that \(open == ways.count ? "any" : CountText.text(open)) \(open > 1 && open < ways.count ? "come" : "comes") back"
      )
    }
    if !bad.isEmpty {
      parts.append("\(DetailLines.enumeration(bad)) \(bad.count == 1 ? "does" : "do") not come back")
    }
    let all: Prose = ways.count == 1 ? "\(ways[0].phase.short) comes" : "All \(total) come"
    let what: Prose =
      proved == ways.count
      ? "\(all) back, by evidence" : "Of \(total), \(parts.joined(separator: "; "))"
    return "\(what). The way back \(speed()). \(damage(questions))."
  }

  private func speed() -> Prose {
    let least = subjects.compactMap(\.times.downLeast)
    let most = subjects.compactMap(\.times.downMost)
    guard !most.isEmpty else { return "was never timed" }
    let range = Self.range(least.reduce(0, +), most.reduce(0, +))
    guard most.count < subjects.count else { return "takes \(range) once it begins" }
    return
      "takes \(range) for the \(CountText.text(most.count, "phase")) that \(most.count == 1 ? "was" : "were") timed"
  }

  static func range(_ least: Double, _ most: Double) -> Prose {
    let (low, high) = (TimeText.text(.milliseconds(least)), TimeText.text(.milliseconds(most)))
    return low == high ? "\(high)" : "\(low) to \(high)"
  }

  private func damage(_ questions: [Readiness.Question]) -> Prose {
    var words: [Prose] = []
    let lost = subjects.flatMap(\.lost)
    if !lost.isEmpty {
      let rows = lost.compactMap(\.rows).reduce(0, +)
      let count: Prose =
        lost.allSatisfy { $0.rows != nil }
        ? "\(CountText.text(rows, "row"))"
        : rows > 0 ? "at least \(CountText.text(rows, "row"))" : "an unknown number of rows"
      words.append("\(count) that do not come back")
    }
    for effect in subjects.flatMap(\.effects) where effect.total > 0 {
      words.append(
        "\(CountText.text(effect.total, "row")) of \(effect.effect.table) (\(effect.effect.audience.rawValue))"
      )
    }
    let bytes = subjects.flatMap(\.kept).compactMap(\.bytes).reduce(0, +)
    if bytes > 0 { words.append("archives of \(CountText.bytes(Int64(bytes)))") }
    let said = subjects.flatMap { $0.text.residuals ?? [] }.count
    if said > 0 {
      words.append(
        "\(CountText.text(said, "effect")) that \(said == 1 ? "is" : "are") declared and not counted")
    }
    let open = questions[6].answers.filter { $0.standing == .unknown }.count
    let unknown: Prose = open > 0 ? "; of \(CountText.text(open, "phase")) it is not known" : ""
    guard !words.isEmpty else { return "What remains: nothing that is known\(unknown)" }
    return "What remains: \(words.joined(separator: ", "))\(unknown)"
  }

  // MARK: - Five kinds of recovery

  func recoveries() -> [Readiness.Recovery] {
    guard !subjects.isEmpty else { return [] }
    return [
      codeReversal(), stateRecovery(), workflowContainment(),
      customerMitigation(), downstreamReconciliation(),
    ]
  }

  private func codeReversal() -> Readiness.Recovery {
    let after = LiveIntervals.of(applied: work.order.map(\.phase.windows), pending: [Windows]())
    func list(_ intervals: [String: StateInterval]) -> Prose {
      intervals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" as Prose }.joined(separator: ", ")
    }
    let live = work.planner.judgement.live.versions
    let commands = live.map { "phasedb may-run \(ShellWord("\($0.application)@\($0.version)"))" as Prose }
    return Readiness.Recovery(
      kind: "Code reversal",
      how: work.status.live.isEmpty
        ? "No window names an application, so nothing says which versions may run."
        : "Deploy any version that may run, and the database stays as it is. Now: \(list(work.status.live)). Once everything is applied: \(list(after)).",
      commands: Array(commands.prefix(3)),
      time: "as long as a deployment takes; phasedb does not measure it",
      remains: "what the newer version wrote, and everything it caused outside of the database")
  }

  private func stateRecovery() -> Readiness.Recovery {
    let first = subjects[0].id
    let command = work.downCommand(to: first)
    let most = subjects.compactMap(\.times.downMost)
    let least = subjects.compactMap(\.times.downLeast)
    let time: Prose =
      most.count == subjects.count
      ? "\(Self.range(least.reduce(0, +), most.reduce(0, +))), \(Set(subjects.compactMap(\.times.basis)).sorted().joined(separator: " and "))"
      : most.isEmpty
        ? "never timed"
        : "\(Self.range(least.reduce(0, +), most.reduce(0, +))) for \(CountText.text(most.count)) of \(CountText.text(subjects.count, "phase")), the others were never timed"
    let words = Dictionary(grouping: subjects, by: \.word).sorted { $0.key > $1.key }.map {
      "\(CountText.text($0.value.count)) \($0.key.rawValue)" as Prose
    }
    let snapshots: Prose =
      work.status.wayBack?.checkpoint.snapshot.map { snapshot in
        " A snapshot of @\(work.status.wayBack?.checkpoint.name ?? "") is at \(snapshot.path); it also takes back what was written since."
      } ?? ""
    let steps = subjects.filter { $0.applied != nil }.count
    return Readiness.Recovery(
      kind: "State recovery",
      how:
        "The phases come down, last first, and their archives give the rows back: \(words.joined(separator: ", ")).\(snapshots)",
      commands: steps > 0 ? ["phasedb plan down \(work.stepsDown(to: first))", command] : [command],
      time: time,
      remains: subjects.flatMap(\.lost).isEmpty
        ? "rows that applications wrote since stay; what is lost is said under question 7"
        : subjects.flatMap(\.lost).map {
          "\($0.subject), \($0.rows.map { CountText.text($0, "row") } ?? "an unknown number of rows"): \($0.why)"
            as Prose
        }.joined(separator: "; "))
  }

  private func workflowContainment() -> Readiness.Recovery {
    let uses = subjects.flatMap(\.text.lanes)
    let names = Set(uses.map(\.lane)).union(work.migrator.options.lanes.keys).sorted()
    let said = subjects.flatMap { $0.text.residuals ?? [] }.filter { $0.audience == .workflow }
    return Readiness.Recovery(
      kind: "Workflow containment",
      how: names.isEmpty
        ? "No lane is known here, so nothing holds jobs back."
        : "Hold what hands work on, before anything comes down: \(names.joined(separator: ", ")).",
      commands: names.prefix(3).map {
        "phasedb lane hold \(ShellWord($0)) --for 10m --reason 'way back'"
      },
      time: uses.map(\.limit).max().map {
        "at most \(TimeText.text($0)) until what is in flight has ended, as @lane says"
      } ?? "not known",
      remains: said.isEmpty
        ? "work that was begun before" : said.map { Prose($0.text) }.joined(separator: "; "))
  }

  private func customerMitigation() -> Readiness.Recovery {
    let made = Set(subjects.flatMap { work.switches(of: $0.id) }).sorted()
    let here = made.filter { name in work.status.switches.contains { $0.name == name } }
    let counts = subjects.flatMap { subject in
      subject.effects.filter { [.customer, .support].contains($0.effect.audience) }.map { (subject.id, $0) }
    }
    let said = subjects.flatMap { $0.text.residuals ?? [] }.filter {
      [.customer, .support].contains($0.audience)
    }
    let words =
      counts.map { "\($0.1.sentence): \($0.1.effect.text)" as Prose } + said.map { Prose($0.text) }
    return Readiness.Recovery(
      kind: "Customer impact mitigation",
      how: made.isEmpty
        ? "No switch decides who meets the change: it ends for everybody with the way back, and not before."
        : "Close the switch first, and nobody meets the change any more: \(made.joined(separator: ", ")). Then tell those who are listed.",
      commands: here.map { "phasedb switch close \(ShellWord($0))" }
        + Set(counts.map(\.0.short)).sorted().map { "phasedb effects \($0) --format csv" },
      time: made.isEmpty
        ? "as long as the way back"
        : "\(TimeText.text(work.migrator.options.switchSettle)) until whoever asked before is done, as switchSettle says",
      remains: words.isEmpty ? "nothing that is declared" : words.joined(separator: "; "))
  }

  private func downstreamReconciliation() -> Readiness.Recovery {
    let audiences: [Residual.Audience] = [.downstream, .workflow, .compliance]
    let counts = subjects.flatMap { subject in
      subject.effects.filter { audiences.contains($0.effect.audience) }.map { (subject.id, $0) }
    }
    let said = subjects.flatMap { $0.text.residuals ?? [] }.filter { audiences.contains($0.audience) }
    let kept = subjects.filter { !$0.kept.isEmpty }
    let words =
      counts.map { "\($0.1.sentence): \($0.1.effect.text)" as Prose } + said.map { Prose($0.text) }
      + kept.flatMap(\.kept).map { "\($0.what): \(CountText.text($0.rows, "row"))" as Prose }
    return Readiness.Recovery(
      kind: "Downstream reconciliation",
      how: counts.isEmpty
        ? "Nothing that other systems took is counted, so there is no list to reconcile from."
        : "Hand the list of rows to whoever took them. A way down writes the same list before it begins.",
      commands: Set(counts.map(\.0.short)).sorted().map { "phasedb effects \($0) --format csv" }
        + kept.prefix(3).map { "phasedb purge \($0.id.short)" },
      time: "not known: it is the work of others",
      remains: words.isEmpty ? "nothing that is declared" : words.joined(separator: "; "))
  }

  // MARK: - Five things to explain

  func explanations() -> [Readiness.Explanation] {
    guard !subjects.isEmpty else { return [] }
    return [
      .init(
        title: "What will change",
        says: subjects.map { subject in
          let summary: Prose = subject.text.summary.isEmpty ? "" : ": \(subject.text.summary)"
          return
            "\(subject.id)\(subject.applied.map { ", applied \($0.appliedAt.minute)" as Prose } ?? "")\(summary)"
        }),
      .init(title: "How exposure is limited", says: exposure()),
      .init(title: "What is measured", says: measures()),
      .init(title: "When the way back is triggered", says: triggers()),
      .init(
        title: "How recovery works",
        says: [
          "\(work.downCommand(to: subjects[0].id)) takes the phases down, last first, and gives back what their archives hold.",
          "The way back \(speed()).",
          "Versions that the schema is not for must be stopped first; phasedb says which, and refuses until then.",
        ]),
    ]
  }

  private func exposure() -> [Prose] {
    var words: [Prose] = []
    for name in Set(subjects.flatMap { work.switches(of: $0.id) }).sorted() {
      let record = work.status.switches.first { $0.name == name }
      words.append(
        "The switch '\(name)' decides who meets it: \(record.map(\.standing) ?? "off until it is made").")
    }
    for subject in subjects {
      for use in subject.text.lanes {
        words.append("\(subject.id.short) holds the lane \(use.lane), \(use.clauses).")
      }
      if let gate = subject.gates.first, subject.applied == nil {
        words.append("\(subject.id.short) is held: \(gate.reason).")
      }
    }
    if words.isEmpty { words.append("Nothing but the windows of versions limits it.") }
    return words
  }

  private func measures() -> [Prose] {
    var words: [Prose] = []
    for subject in subjects {
      let text = subject.text
      let probes = text.probes.map(\.title)
      if !probes.isEmpty, let watch = text.watch {
        words.append("\(subject.id.short) is watched, \(watch.text): \(probes.joined(separator: "; ")).")
      }
      let claims = text.verifications.map(\.title)
      if !claims.isEmpty { words.append("\(subject.id.short) must hold: \(claims.joined(separator: "; ")).") }
      if let budget = text.budget {
        let limits = budget.limits.map { "\($0.name) \(TimeText.text($0.limit))" }
        words.append("\(subject.id.short) has a budget: \(limits.joined(separator: ", ")).")
      }
    }
    if words.isEmpty { words.append("Nothing: no probe, no claim and no budget is declared.") }
    return words
  }

  private func triggers() -> [Prose] {
    let watched = subjects.compactMap { subject in subject.text.watch.map { (subject, $0) } }
    guard !watched.isEmpty else { return ["When a person decides so: no phase is watched."] }
    return watched.map { subject, watch in
      let failing = subject.text.probes.filter { !$0.isControl }.map { probe -> Prose in
        switch probe.tolerance {
        case .inARow(let count): "\(probe.title) fails \(CountText.text(count, "time")) in a row"
        case .among(let count, let all): "\(probe.title) fails \(count) of \(all) times"
        }
      }
      let what: Prose =
        watch.then == .reverse
        ? "it comes down by itself, if that gives back everything" : "a person decides"
      let state: Prose = subject.watch.map { ". Its watch is \($0.verdict.rawValue)" } ?? ""
      return "\(subject.id.short): when \(failing.joined(separator: ", or ")), \(what)\(state)."
    }
  }
}
