internal import PhaseSQL
internal import PhaseSQLite

/// A watch must take enough samples for its probes.
enum WatchTooShort {
  /// The fewest samples that say something.
  private static let fewest = 10
  /// The longest time between samples for a watch that reverses.
  private static let longestPause = Duration.seconds(3600)

  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.phases.flatMap { id, phase -> [Finding] in
      guard let watch = phase.watch else { return [] }
      let samples = CountText.text(watch.rounds, "sample")
      var findings: [Finding] = []
      func find(_ message: Prose, at place: Place? = nil, _ remedies: [Prose]) {
        findings.append(
          Finding(.watchTooShort, in: id, message, at: place ?? phase.up.beginningOfFile, remedies: remedies))
      }
      if watch.rounds < fewest {
        find(
          "a watch of \(DurationText.print(watch.duration)) every \(DurationText.print(watch.every)) takes \(samples), and fewer than \(fewest) say little",
          ["watch for \(DurationText.print(watch.every * fewest)) or longer, or take samples more often"])
      }
      for probe in phase.probes where !probe.isControl && probe.span > watch.rounds {
        find(
          "the probe '\(probe.title)' is judged by \(CountText.text(probe.span, "sample")), and the watch takes \(samples)",
          at: probe.query?.place(at: probe.query?.firstTokenOffset ?? 0),
          ["watch for \(DurationText.print(watch.every * probe.span)) or longer, or let it fail sooner"])
      }
      if watch.then == .reverse, watch.every > longestPause {
        find(
          "samples are \(DurationText.print(watch.every)) apart, so the way back begins hours after a failure",
          ["take a sample every hour or more often, or write: then hold"])
      }
      return findings
    }
  }
}

/// A phase that changes rows, or removes something that versions may use, must have a query that notices a mistake.
enum Undetected {
  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.phases.compactMap { id, phase in
      guard id.kind != .expand, phase.verifications.isEmpty, phase.probes.isEmpty, !hasGuard(phase),
        !onlyNames(phase)
      else {
        return nil
      }
      return Finding(
        .undetected, in: id, "the \(id.kind.rawValue) phase has neither @verify nor @probe",
        at: phase.up.beginningOfFile,
        remedies: [
          "-- @verify TITLE, and under it one SELECT that returns the rows that break the claim",
          "or watch it: -- @watch 30m every 30s, and -- @probe TITLE with one SELECT",
        ])
    }
  }

  /// Whether it does nothing but rename, retire and drop views. A program that still uses an old name gets an
  /// error, which is easy to notice.
  private static func onlyNames(_ phase: Phase) -> Bool {
    phase.kind == .contract
      && ScriptStatements(phase.up).all.allSatisfy { statement in
        let words = statement.words.prefix(2).map(\.name)
        return words.first == "drop"
          ? words.last == "view"
          : words.first == "alter" && statement.words.contains { $0.name == "rename" }
      }
  }

  /// Whether its up SQL has a guard: it copies bad rows into a table that refuses every row, so that the phase fails.
  private static func hasGuard(_ phase: Phase) -> Bool {
    SQLSplitter.statements(in: phase.up.text).contains { range in
      let words = SQLWord.all(in: String(decoding: Array(phase.up.text.utf8)[range], as: UTF8.self))
      return words.first?.is("create") == true && words.refusesEveryRow
    }
  }
}

/// A phase with `@watch … then reverse` must be able to come down automatically.
enum WatchCannotReverse: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.phase.watch?.then == .reverse else { return [] }
    var findings: [Finding] = []
    let place = trial.phase.down.place(at: trial.phase.down.firstTokenOffset)
    if let failure = trial.reversal.failure, failure.stage == .down {
      findings.append(
        Finding(
          .watchCannotReverse, in: trial.id, "the way back does not run: \(failure.error.message)",
          at: failure.error.place ?? place, remedies: [remedy, "write: then hold"]))
    } else if let after = trial.reversal.afterDown, after.digest != trial.reversal.before.digest {
      findings.append(
        Finding(
          .watchCannotReverse, in: trial.id, "the way back leads to another schema than before the phase",
          at: place, remedies: [remedy, "write: then hold"]))
    }
    for window in trial.phase.windows where window.range.isOffline {
      findings.append(
        Finding(
          .watchCannotReverse, in: trial.id,
          "the phase comes down only while \(window.application) is stopped, and no watch stops it",
          at: window.place ?? trial.phase.up.beginningOfFile, remedies: ["write: then hold"]))
    }
    // The contract of the migration waits for the watch, and phases of other migrations may come later. These two
    // phases go up in one run.
    let next = folder.catalog.phases.first {
      $0.id.migration == trial.id.migration && $0.id > trial.id && $0.id.kind != .contract
    }
    if let next {
      findings.append(
        Finding(
          .watchCannotReverse, in: trial.id,
          "\(next.id.kind.rawValue).sql goes up right behind it, and only the last applied phase comes down by itself",
          at: trial.phase.up.beginningOfFile,
          remedies: [
            "move @watch and its probes to \(next.id.kind.rawValue).sql: both phases come down together then",
            "write: then hold",
          ]))
    }
    return findings
  }

  private static let remedy: Prose = "make @down lead back to the schema before the phase"
}

/// The query of a probe must only read.
enum ProbeWrites: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    try ProbeTrial.objections(in: trial).filter(\.isToWriting).map { objection in
      Finding(
        .probeWrites, in: trial.id, objection.message, at: objection.place,
        remedies: ["write one SELECT that only reads", "a rehearsal breaks rows by @red, on a copy"])
    }
  }
}

/// The query of a probe must work on the schemas on which it will run.
enum ProbeInvalid: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    let after = try ProbeTrial.objections(in: trial).filter { !$0.isToWriting }
    let before = try ProbeTrial.objectionsBefore(in: trial).filter { objection in
      !after.contains { $0.probe == objection.probe }
    }
    return (after + before).map { objection in
      Finding(
        .probeInvalid, in: trial.id, objection.message, at: objection.place, details: objection.details,
        remedies: objection.remedies)
    }
  }
}

/// Compiles the queries of probes on a database without rows.
private enum ProbeTrial {
  struct Objection {
    let probe: String
    let isToWriting: Bool
    let message: Prose
    let place: Place
    var details: [Prose] = []
    var remedies: [Prose] = []
  }

  /// On the schema after the phase.
  static func objections(in trial: PhaseTrial) throws(MigrationError) -> [Objection] {
    guard trial.phase.probes.contains(where: { $0.query != nil }) else { return [] }
    return try objections(to: trial.phase.probes, on: trial.connection)
  }

  /// On the schema before the phase, of probes that compare with what was there.
  static func objectionsBefore(in trial: PhaseTrial) throws(MigrationError) -> [Objection] {
    let probes = trial.phase.probes.filter { $0.isRelative && $0.query != nil }
    // On a database without tables nothing is watched.
    guard !probes.isEmpty, trial.before.objects.contains(where: { _ in true }) else { return [] }
    let scratch = try Scratch(baseline: nil, terms: ScratchTerms(functions: trial.functions))
    try scratch.make(TouchedSchema(of: trial.before).allObjects)
    return try objections(to: probes, on: scratch.connection).map { objection in
      Objection(
        probe: objection.probe, isToWriting: false,
        message:
          "the probe '\(objection.probe)' compares with what was there before, and cannot be asked there",
        place: objection.place, details: [objection.message],
        remedies: ["write a query that runs on the schema before the phase and after it"])
    }
  }

  private static func objections(
    to probes: [Probe], on connection: Connection
  ) throws(MigrationError) -> [Objection] {
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      try lifting("compiling probes") { () in try probes.compactMap { try objection(to: $0, on: connection) }
      }
    }
  }

  private static func objection(to probe: Probe, on connection: Connection) throws -> Objection? {
    guard let query = probe.query else { return nil }
    func objection(_ isToWriting: Bool, _ why: Prose, _ offset: Int? = nil, _ remedies: [Prose] = [])
      -> Objection
    {
      let offset = offset ?? query.firstTokenOffset
      return Objection(
        probe: probe.title, isToWriting: isToWriting, message: "the probe '\(probe.title)' \(why)",
        place: query.place(at: offset, length: query.tokenLength(at: offset)), remedies: remedies)
    }
    let split = SQLSplitter.statements(in: query.text)
    guard split.count < 2 else {
      return objection(
        false, "has a second statement", split[1].lowerBound, ["give it a @probe of its own"])
    }
    if let (refusal, range) = StatementGuard.refusal(ofTokensIn: query.text[...].utf8) {
      return objection(true, "is refused: \(refusal.what) is not allowed", range.lowerBound)
    }
    let guarding = StatementGuard()
    guarding.watch(connection)
    defer { guarding.release(connection) }
    do throws(SQLiteError) {
      return try connection.spending { () throws(SQLiteError) -> Objection? in
        let statement = try connection.prepare(query.text)
        guard statement.isReadOnly, statement.columnCount > 0 else {
          return objection(true, "is not a SELECT that only reads")
        }
        guard !probe.wantsNumber || statement.columnCount == 1 else {
          return objection(
            false, "expects one number, and its query returns \(statement.columnCount) columns", nil,
            ["return one column in one row, as SELECT count(*) does"])
        }
        return nil
      }
    } catch {
      if error.code == .tooCostly || error.code.isOfSurroundings { throw error }
      if let refusal = guarding.refusal {
        return objection(true, "is refused: \(refusal.what) is not allowed", error.offset)
      }
      return objection(
        false, "cannot be asked on the schema after the phase: \(error.message)", error.offset,
        ["write a query that runs on the schema after the phase"])
    }
  }
}
