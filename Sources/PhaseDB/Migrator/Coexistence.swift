internal import PhaseSQLite

/// Answers whether old and new versions work on both sides of a phase. It uses the evidence of compat, and checks
/// that this evidence is about the present phases, queries, schema and versions.
struct Coexistence {
  private let work: ReadinessWork
  /// The versions to judge: those with queries, and those that are live.
  private let subjects: [Subject]
  /// Why all evidence is void; nil when it is not.
  private let lack: Prose?

  /// A version, and what is known of it.
  private struct Subject {
    let live: LiveVersion
    let evidence: Result<CompatEvidence, Lacking>
  }

  private struct Lacking: Error { let why: Prose }

  init(_ work: ReadinessWork) {
    self.work = work
    let queries = work.request.folder.map { Corpus(of: $0).files() } ?? []
    var named = work.planner.judgement.live.versions
    for file in queries {
      guard let version = file.version else { continue }
      let live = LiveVersion(file.application, version)
      if !named.contains(live) { named.append(live) }
    }
    // A version that was tested with its own tests counts as well.
    for item in work.request.compat where item.means == .tests {
      guard let version = try? Version(item.version) else { continue }
      let live = LiveVersion(item.application, version)
      if !named.contains(live) { named.append(live) }
    }
    let texts = Dictionary(
      work.order.map { ($0.id.description, $0.phase.tokenHash) }, uniquingKeysWith: { first, _ in first })
    subjects = named.sorted { ($0.application, $0.version) < ($1.application, $1.version) }.map { live in
      Subject(live: live, evidence: Self.evidence(of: live, queries, texts, work))
    }
    lack = Self.lack(subjects, work)
  }

  /// The evidence of a version, if it still applies. Its own tests are preferred to its queries.
  private static func evidence(
    of live: LiveVersion, _ queries: [Corpus.File], _ texts: [String: String], _ work: ReadinessWork
  ) -> Result<CompatEvidence, Lacking> {
    let own = work.request.compat.filter {
      $0.application == live.application && (try? Version($0.version)) == live.version
    }
    guard !own.isEmpty else { return .failure(Lacking(why: "\(live) was never run on the states")) }
    var why: Prose = ""
    for item in own.sorted(by: { $0.means == .tests && $1.means != .tests }) {
      guard let reason = lack(of: item, live, queries, texts, work) else { return .success(item) }
      why = reason
    }
    return .failure(Lacking(why: why))
  }

  /// Why evidence no longer applies; nil when it does.
  private static func lack(
    of item: CompatEvidence, _ live: LiveVersion, _ queries: [Corpus.File], _ texts: [String: String],
    _ work: ReadinessWork
  ) -> Prose? {
    let at = Timestamp(text: item.at)
    let before = Dictionary(
      item.phases.map { ($0.phase, $0.tokenHash) }, uniquingKeysWith: { first, _ in first })
    for (id, _) in work.order where before[id.description] != texts[id.description] {
      return before[id.description] == nil
        ? "\(id.short) is new since compat ran, \(at.minute)"
        : "\(id.short) was edited since compat ran, \(at.minute)"
    }
    if let gone = before.keys.sorted().first(where: { texts[$0] == nil }) {
      return "\(gone), which compat ran, is not there any more"
    }
    if item.means == .queries {
      let file = queries.first { $0.application == live.application && $0.version == live.version }
      guard let file, (try? Corpus.identity(ofFile: file.path)) == item.queries else {
        return "the queries of \(live) are not those that compat ran, \(at.minute)"
      }
    }
    guard !item.states.isEmpty, item.states.allSatisfy({ $0.rows > 0 }) else {
      return "compat ran \(live) without rows"
    }
    guard item.states.allSatisfy({ $0.applied.utf8.count == item.phases.count }) else {
      return "what compat said of \(live) cannot be read"
    }
    return work.isTooOld(at) ? work.tooOld("what compat showed", at) : nil
  }

  /// The present schema must be one that compat saw. Otherwise it tested another database.
  private static func lack(_ subjects: [Subject], _ work: ReadinessWork) -> Prose? {
    guard work.knowledge.isInPlace else { return "the schema was changed outside phasedb since" }
    let applied = Set(work.knowledge.applied.map(\.id.description))
    let states = subjects.compactMap { try? $0.evidence.get() }.flatMap { item in
      item.states.filter { state in
        Set(zip(item.phases, state.applied).filter { $0.1 == "1" }.map(\.0.phase)) == applied
      }
    }
    guard !states.isEmpty else {
      return subjects.isEmpty ? nil : "compat did not run on the schema as it is now"
    }
    guard states.allSatisfy({ $0.schema == work.knowledge.schema.digest.text }) else {
      return "the schema is another than the one that compat ran on"
    }
    return nil
  }

  func answer(_ subject: Readiness.Subject) -> Readiness.Answer {
    let (id, windows) = (subject.id, subject.text.windows)
    func answer(
      _ standing: Readiness.Standing, _ says: Prose, _ proof: Readiness.Proof? = nil,
      closing: Readiness.Closing? = nil
    ) -> Readiness.Answer {
      Readiness.Answer(phase: id, part: nil, standing: standing, says: says, proof: proof, closing: closing)
    }
    let stopping = windows.filter(\.range.isOffline).map(\.application)
    guard stopping.isEmpty || windows.contains(where: { !$0.range.isOffline }) else {
      return Readiness.Answer(
        phase: id, part: nil, standing: nil,
        says:
          "no version runs across it: \(DetailLines.enumeration(stopping)) \(stopping.count == 1 ? "stops" : "stop") for it",
        proof: nil, closing: nil)
    }
    let own = subjects.filter { windows[$0.live.application] != nil }
    guard !own.isEmpty else {
      return answer(
        .unknown, "no version has queries or tests, so that nothing can be run",
        closing: work.comparing("write what each version asks to apps/APP/VERSION.sql"))
    }
    // A failure is known, whatever other evidence is missing.
    for version in own {
      guard let item = try? version.evidence.get(), breaks(item, at: id) else { continue }
      return answer(
        .refuted, "\(version.live) does not work once it is applied", proof([item]), closing: work.comparing()
      )
    }
    for version in own {
      guard case .failure(let lacking) = version.evidence else { continue }
      return answer(.unknown, lacking.why, closing: work.comparing())
    }
    if let lack { return answer(.unknown, lack, closing: work.comparing()) }
    var used: [CompatEvidence] = []
    for window in windows where !window.range.isOffline {
      let items = own.filter {
        $0.live.application == window.application && window.range.contains($0.live.version)
      }
      .compactMap { try? $0.evidence.get() }
      let both = items.filter { item in
        Set(item.states.filter(\.works).map { Self.has(id, item, $0) }).count == 2
      }
      guard !both.isEmpty else {
        return answer(
          .unknown, "no version of \(window.application) \(window.range) was run both before and after it",
          closing: work.comparing("write what such a version asks to apps/\(window.application)/VERSION.sql"))
      }
      used += both
    }
    let names = used.map { "\($0.application) \($0.version)\($0.means == .tests ? " (own tests)" : "")" }
    return answer(
      .proved, "\(DetailLines.enumeration(names)) \(names.count == 1 ? "works" : "work") before and after it",
      proof(used))
  }

  private func proof(_ items: [CompatEvidence]) -> Readiness.Proof {
    Readiness.Proof(
      what:
        "compat ran \(CountText.text(items.count, "version")) on \(CountText.text(items.map(\.states.count).max() ?? 0, "state"))",
      at: Timestamp(text: items.map(\.at).min() ?? ""),
      rows: items.flatMap { $0.states.map(\.rows) }.min(), place: Prose(work.request.file ?? "a file"))
  }

  /// Whether a phase is applied in a state.
  private static func has(_ id: PhaseID, _ item: CompatEvidence, _ state: CompatEvidence.State) -> Bool {
    zip(item.phases, state.applied).contains { $0.0.phase == id.description && $0.1 == "1" }
  }

  /// Whether a version stops working with a phase: the phase is applied in every state on which the version fails,
  /// and not in some state on which it works.
  private func breaks(_ item: CompatEvidence, at id: PhaseID) -> Bool {
    let broken = item.states.filter { !$0.works }
    guard !broken.isEmpty, broken.allSatisfy({ Self.has(id, item, $0) }) else { return false }
    let works = item.states.filter(\.works)
    return works.isEmpty || works.contains { !Self.has(id, item, $0) }
  }
}
