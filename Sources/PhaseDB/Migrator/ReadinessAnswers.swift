/// Answers the eight questions about each phase.
struct ReadinessAnswers {
  let work: ReadinessWork
  let subjects: [Readiness.Subject]

  private typealias Answer = Readiness.Answer

  func questions() -> [Readiness.Question] {
    let coexistence = Coexistence(work)
    // Three questions use the same answer: what the way back was seen to do.
    let ways = subjects.map { wayBack($0) }
    let effects = subjects.map { sideEffects($0) }
    let all: [[Readiness.Answer]] = [
      subjects.map { coexistence.answer($0) }, ways, effects, subjects.map { detection($0) },
      heroics(ways), subjects.map { isolation($0) },
      subjects.indices.map { remains(subjects[$0], ways[$0], effects[$0]) },
      zip(subjects, ways).map { hardship($0, $1) },
    ]
    return zip(Readiness.texts, all).enumerated().map { index, question in
      Readiness.Question(number: index + 1, text: question.0, answers: question.1)
    }
  }

  private func answer(
    _ subject: Readiness.Subject, _ standing: Readiness.Standing?, _ says: Prose, part: String? = nil,
    _ proof: Readiness.Proof? = nil, closing: Readiness.Closing? = nil
  ) -> Answer {
    Answer(phase: subject.id, part: part, standing: standing, says: says, proof: proof, closing: closing)
  }

  // MARK: - 2. Reversible

  private func wayBack(_ subject: Readiness.Subject) -> Answer {
    guard let present = work.status.phases.first(where: { $0.id == subject.id }), present.isApplied else {
      return pendingWayBack(subject)
    }
    let at: Timestamp
    switch work.proofOfApplied(present) {
    case .failure(let failure):
      // A known problem stays a problem, even when the evidence is old.
      if [.blocked, .lossy].contains(subject.word), !isDeclared(subject) { return refuted(subject, nil) }
      // A way back that ran only without rows is no more than claimed.
      let standing: Readiness.Standing =
        subject.word == .expected && work.knowledge.isInPlace ? .claimed : .unknown
      return answer(subject, standing, failure.lack.why, closing: failure.lack.closing)
    case .success(let moment): at = moment
    }
    let proof = Readiness.Proof(
      what: "its way back was run, and the rows are compared now", at: at, rows: work.rows,
      place: "phasedb_round_trip, phasedb_way_down")
    switch subject.word {
    case .exact: return answer(subject, .proved, "every row comes back", proof)
    case .lossy where isDeclared(subject):
      return answer(subject, .proved, "comes back but for what @loses declares: \(subject.wayBack)", proof)
    case .lossy, .blocked: return refuted(subject, proof)
    case .uncertain:
      return answer(
        subject, .unknown, subject.wayBack, closing: work.rehearsingDown(subject.id))
    case .expected:
      return answer(
        subject, .claimed, "its way back runs, and was not run on the rows that are there now",
        closing: work.rehearsingDown(subject.id))
    case .unknown:
      return answer(
        subject, .unknown, "its way back was not tried", closing: work.rehearsingDown(subject.id))
    }
  }

  private func isDeclared(_ subject: Readiness.Subject) -> Bool {
    subject.word == .lossy && subject.lost.allSatisfy(\.isDeclared)
  }

  private func refuted(_ subject: Readiness.Subject, _ proof: Readiness.Proof?) -> Answer {
    answer(
      subject, .refuted, subject.wayBack, proof,
      closing: Readiness.Closing(
        before: "see what does not come back, and why", commands: ["phasedb status \(subject.id.short)"]))
  }

  private func pendingWayBack(_ subject: Readiness.Subject) -> Answer {
    switch work.proof(of: subject.id, subject.text) {
    case .failure(let failure):
      return answer(subject, .unknown, failure.lack.why, closing: failure.lack.closing)
    case .success(let evidence):
      let proof = proof(evidence)
      if let objection = evidence.objection(to: subject.id) {
        return answer(
          subject, .refuted, objection.reason, proof,
          closing: Readiness.Closing(
            before: "correct its down", commands: ["phasedb rehearse \(subject.id.short)"]))
      }
      let says: Prose =
        evidence.verdict == .exact
        ? "every row came back" : "came back but for what @loses declares: \(subject.wayBack)"
      return answer(subject, .proved, says, proof)
    }
  }

  private func proof(_ evidence: Evidence) -> Readiness.Proof {
    Readiness.Proof(
      what: "rehearsed on a copy", at: evidence.at,
      rows: evidence.details.tables.reduce(0) { $0 + $1.rows }, place: work.place(of: evidence))
  }

  // MARK: - 3. Side effects

  private func sideEffects(_ subject: Readiness.Subject) -> Answer {
    let phase = subject.text
    let lanes = phase.lanes.filter(\.isThroughWatch).map(\.lane)
    let held: Prose =
      lanes.isEmpty ? "" : "; \(lanes.joined(separator: ", ")) stays held until the watch has its verdict"
    let counting = work.writing(
      "-- @effects TABLE by COLUMN: AUDIENCE: TEXT", into: subject.id)
    if let uncounted = subject.effects.first(where: { $0.rows == nil }) {
      return answer(
        subject, .unknown, "\(uncounted.effect.text): \(uncounted.sentence)",
        closing: Readiness.Closing(before: "", commands: ["phasedb effects \(subject.id.short)"]))
    }
    switch phase.residualStatement {
    case .notDeclared:
      return answer(
        subject, .unknown, "nothing says what it causes outside of the database",
        closing: work.writing("-- @residual or -- @effects", into: subject.id))
    case .nothing:
      return answer(
        subject, .claimed, "nothing outside of the database, says its author\(held)", closing: counting)
    case .declared: break
    }
    guard subject.applied != nil || phase.effects.isEmpty else {
      let effects = phase.effects.map { "\($0.audience.rawValue): \($0.text)" as Prose }
      return answer(
        subject, .claimed, "\(effects.joined(separator: "; ")), counted from when it goes up\(held)",
        closing: Readiness.Closing(before: "", commands: ["phasedb up"]))
    }
    let counted = subject.effects.map {
      "\($0.effect.audience.rawValue): \(CountText.text($0.total, "row")) of \($0.effect.table), \($0.effect.text)"
        as Prose
    }
    let covered = Set(subject.effects.map(\.effect.audience))
    let said = (phase.residuals ?? []).filter { !covered.contains($0.audience) }
    let words = counted + said.map { "\($0.audience.rawValue): \($0.text)" as Prose }
    let says = words.joined(separator: "; ") + held
    guard said.isEmpty else {
      return answer(subject, .claimed, says, closing: counting)
    }
    return answer(
      subject, .proved, says,
      Readiness.Proof(
        what: "counted", at: work.now, rows: subject.effects.reduce(0) { $0 + $1.total },
        place: Prose(Set(subject.effects.map(\.effect.table)).sorted().joined(separator: ", "))))
  }

  // MARK: - 4. Detection

  private func detection(_ subject: Readiness.Subject) -> Answer {
    let phase = subject.text
    guard let watch = phase.watch else {
      return answer(
        subject, .unknown, "nothing watches it",
        closing: work.writing(
          "-- @watch 30m every 30s, and -- @probe with a SELECT", into: subject.id))
    }
    let probes = phase.probes.filter { !$0.isControl }
    let (red, proof) = seenRed(subject)
    let seen = probes.filter { red.contains($0.title) }
    func time(_ probes: [Probe]) -> Prose {
      "\(TimeText.text(probes.map { watch.settle + watch.every * $0.failures }.max() ?? .zero))"
    }
    guard !seen.isEmpty, let proof else {
      return answer(
        subject, .claimed,
        "within \(time(probes)), by \(CountText.text(probes.count, "probe")) of which none was seen to fail",
        closing: subject.applied == nil
          ? work.rehearsing
          : work.writing("-- @red under a @probe", into: subject.id))
    }
    let blind = probes.count - seen.count
    let rest: Prose = blind == 0 ? "" : "; \(CountText.text(blind, "other probe")) never seen to fail"
    return answer(
      subject, .proved,
      "within \(time(seen)) of samples, once it has settled: \(DetailLines.enumeration(seen.map(\.title)))\(rest)",
      proof)
  }

  /// The probes of a phase that were seen to fail: when a rehearsal broke their data, or while the phase was watched.
  private func seenRed(_ subject: Readiness.Subject) -> (titles: Set<String>, proof: Readiness.Proof?) {
    var titles: Set<String> = []
    var proof: Readiness.Proof?
    let evidence =
      subject.applied == nil
      ? work.evidence(of: subject.id, subject.text)
      : work.status.phases.first { $0.id == subject.id }?.evidence.flatMap { work.isTooOld($0.at) ? nil : $0 }
    if let evidence {
      titles = Set(evidence.details.redProbes)
      proof = self.proof(evidence)
    }
    if let watch = subject.watch, !watch.failed.isEmpty {
      titles.insert(watch.failed)
      proof =
        proof
        ?? Readiness.Proof(what: "it failed under traffic", at: watch.beat, rows: nil, place: "phasedb_watch")
    }
    return (titles, titles.isEmpty ? nil : proof)
  }

  // MARK: - 5. Heroics

  private func heroics(_ ways: [Answer]) -> [Answer] {
    [automatic, rehearsed, byHand].flatMap { part in zip(subjects, ways).map { part($0, $1) } }
  }

  private func automatic(_ subject: Readiness.Subject, _ way: Answer) -> Answer {
    let part = "automatic"
    guard subject.text.watch?.then == .reverse else {
      return answer(subject, nil, "no: a person starts it", part: part)
    }
    let budget = subject.text.budget?.down ?? .seconds(60)
    func but(_ why: Prose, _ closing: Readiness.Closing?) -> Answer {
      answer(subject, .claimed, "its watch says so, but \(why)", part: part, closing: closing)
    }
    if work.status.freeze != nil {
      return but(
        "watches are frozen", Readiness.Closing(before: "", commands: ["phasedb watch unfreeze"]))
    }
    guard way.standing == .proved, let proof = way.proof else { return but(way.says, way.closing) }
    guard let time = subject.times.downMost else {
      return but("nobody knows how long it takes", way.closing ?? rehearsal(subject))
    }
    guard time <= budget.milliseconds else {
      return but(
        "it takes longer than \(TimeText.text(budget)), so a person starts it",
        work.writing("a -- @budget down that is long enough", into: subject.id))
    }
    return answer(
      subject, .proved, "its watch takes it down by itself, in \(TimeText.text(.milliseconds(time)))",
      part: part, proof)
  }

  private func rehearsal(_ subject: Readiness.Subject) -> Readiness.Closing {
    subject.applied == nil ? work.rehearsing : work.rehearsingDown(subject.id)
  }

  private func rehearsed(_ subject: Readiness.Subject, _ way: Answer) -> Answer {
    answer(subject, way.standing, way.says, part: "rehearsed", way.proof, closing: way.closing)
  }

  private func byHand(_ subject: Readiness.Subject, _ way: Answer) -> Answer {
    let command = work.downCommand(to: subject.id)
    guard subject.applied != nil else {
      return answer(
        subject, way.standing, "one command once it is up: \(command)", part: "by hand", way.proof,
        closing: way.closing)
    }
    do throws(MigrationError) {
      let plan = try Planning(migrator: work.migrator).plan(
        .down(work.stepsDown(to: subject.id)), saysReversals: false)
      return answer(
        subject, way.standing,
        "one command: \(command) (\(CountText.text(plan.steps.count, "phase")))", part: "by hand", way.proof,
        closing: way.closing)
    } catch {
      return answer(
        subject, .refuted, "not now: \(error.message)", part: "by hand",
        closing: Readiness.Closing(
          before: error.help.first ?? "", commands: ["phasedb plan down \(work.stepsDown(to: subject.id))"]))
    }
  }

  // MARK: - 6. Isolation

  private func isolation(_ subject: Readiness.Subject) -> Answer {
    if work.knowledge.applied.contains(where: { $0.id == PhaseID(subject.id.migration, .contract) }) {
      return answer(subject, nil, "cutover is over: the contract took the old way away")
    }
    let lanes = subject.text.lanes.map(\.lane)
    let held: Prose = lanes.isEmpty ? "" : "\(lanes.joined(separator: ", ")) is quiet while it runs"
    let names = subject.id.kind == .contract ? [] : work.switches(of: subject.id)
    let present = names.compactMap { name in work.status.switches.first { $0.name == name } }
    if let record = present.first {
      let says: Prose = record.isOpen ? "is on for \(record.standing)" : "is off"
      return answer(
        subject, .proved,
        "the switch '\(record.name)' \(says): closing it ends exposure without a way down",
        Readiness.Proof(
          what: "set by \(record.changedBy)", at: record.changedAt, rows: nil, place: "phasedb_switch"))
    }
    if let name = names.first {
      return answer(
        subject, .claimed, "the switch '\(name)' is made, and is off at first",
        closing: Readiness.Closing(before: "", commands: ["phasedb up"]))
    }
    guard held.isEmpty else {
      return answer(
        subject, .claimed, held,
        closing: subject.applied == nil ? Readiness.Closing(before: "", commands: ["phasedb lane list"]) : nil
      )
    }
    let says: Prose =
      subject.id.kind == .contract
      ? "it takes the old way away from everybody at once" : "no switch and no lane limit whom it reaches"
    let expand = work.order.first { $0.id == PhaseID(subject.id.migration, .expand) }
    return answer(
      subject, .unknown, says,
      closing: work.writing(
        subject.id.kind == .contract ? "-- @lane for what is in flight" : "-- @switch NAME",
        into: subject.id.kind == .contract ? subject.id : expand?.id ?? subject.id))
  }

  // MARK: - 7. What remains

  private func remains(_ subject: Readiness.Subject, _ way: Answer, _ effects: Answer) -> Answer {
    var words: [Prose] = []
    if way.standing == .refuted || way.standing == .proved {
      words.append(subject.lost.isEmpty && subject.word == .exact ? "no row is lost" : subject.wayBack)
    } else {
      words.append("whether rows are lost is not known")
    }
    for kept in subject.kept where kept.rows > 0 {
      let size: Prose = kept.bytes.map { ", \(CountText.bytes(Int64($0)))" } ?? ""
      let gone: Prose =
        kept.deleted.map { $0 > 0 ? ", \(CountText.text($0)) of rows deleted since" : "" } ?? ""
      words.append(
        "compliance: \(kept.what), \(CountText.text(kept.rows, "row"))\(size)\(gone), until it is purged")
    }
    if subject.applied == nil, let bytes = subject.archiveForecast, bytes > 0 {
      words.append("compliance: archives of \(CountText.bytes(Int64(bytes))), until they are purged")
    }
    words.append(effects.says)
    // A loss that was counted is a proved answer.
    let ways: Readiness.Standing = way.standing == .refuted ? .proved : way.standing ?? .unknown
    let standing = max(ways, effects.standing ?? .unknown)
    let proof = standing == .proved ? effects.proof ?? way.proof : nil
    return answer(
      subject, standing, words.joined(separator: "; "), proof,
      closing: standing == .proved ? nil : ways == standing ? way.closing : effects.closing)
  }

  // MARK: - 8. Hard to reverse

  private func hardship(_ subject: Readiness.Subject, _ way: Answer) -> Answer {
    var reasons: [Prose] = []
    if [.lossy, .blocked, .uncertain].contains(subject.word) { reasons.append(subject.wayBack) }
    reasons += subject.times.overBudget
    let place: Prose =
      subject.id.kind == .contract
      ? "it stands alone in a contract"
      : "it is \(subject.id.kind == .expand ? "an" : "a") \(subject.id.kind.rawValue), and belongs into a contract"
    guard way.standing == .proved || way.standing == .refuted, let proof = way.proof else {
      guard !subject.text.losses.isEmpty else {
        return answer(subject, .unknown, "whether it is hard to reverse is not known", closing: way.closing)
      }
      return answer(subject, .claimed, "@loses says that it is; \(place)", closing: way.closing)
    }
    guard !reasons.isEmpty else {
      return answer(
        subject, .proved,
        subject.text.budget == nil
          ? "not hard to reverse: it comes back" : "not hard to reverse: it comes back, within its budget",
        proof)
    }
    let says: Prose = "hard to reverse: \(reasons.joined(separator: "; ")); \(place)"
    return subject.id.kind == .contract
      ? answer(subject, .proved, says, proof)
      : answer(
        subject, .refuted, says, proof,
        closing: work.writing("what it loses as a contract of its own", into: subject.id))
  }
}
