internal import PhaseSQLite

/// Takes samples of probes. A query must be read-only; it runs under the guard of phases and with a deadline. No read
/// transaction stays open, because that would keep SQLite from emptying the write-ahead log.
struct Sampler {
  let connection: Connection
  /// The probes of the settings, by their names.
  let sources: [String: Options.ProbeSource]
  let cancellation: Cancellation

  /// The most rows of violations that are counted.
  private static let mostRows = 10_000

  /// One sample.
  ///
  /// - Parameters:
  ///   - since: when the phase went up.
  ///   - before: what the probe showed before the phase; nil when that is unknown.
  ///   - every: the time between two samples, of which a query may take a quarter and two seconds at most.
  func sample(_ probe: Probe, since: Timestamp, before: Double?, every: Duration) -> Sample {
    switch reading(probe, since: since, within: min(.seconds(2), max(.milliseconds(50), every / 4))) {
    case .passes: Sample(.passes)
    case .fails(let why): Sample(.fails, reason: why)
    case .number(let value) where probe.wantsNumber: probe.sample(of: value, before: before)
    case .number(let rows) where rows == 0: Sample(.passes, value: 0)
    case .number(let rows):
      Sample(
        .fails, value: rows,
        reason: "\(CountText.text(Int(rows), "row"))\(Int(rows) < Self.mostRows ? "" : " or more")")
    case .missing:
      switch probe.missing {
      case .passes: Sample(.passes)
      case .fails: Sample(.fails, reason: "there is no value")
      case .unknown: Sample(.unknown, reason: "there is no value")
      }
    case .unknown(let why): Sample(.unknown, reason: why)
    }
  }

  /// The answer of a probe. For a query that must return no row, the number is its number of rows.
  private func reading(_ probe: Probe, since: Timestamp, within deadline: Duration) -> Probe.Reply {
    guard let query = probe.query else {
      guard let source = sources[probe.title] else {
        return .unknown("phasedb.json has no probe '\(probe.title)'")
      }
      let reply = source.ask { [cancellation] in cancellation.isRequested }
      switch (reply, probe.wantsNumber) {
      case (.number, false), (.missing, false): return .passes
      case (.passes, true): return .unknown("it gave no number")
      default: return reply
      }
    }
    // This comes before the guard, which refuses this pragma, too.
    let patience = try? ConnectionDiscipline.busyTimeout(of: connection)
    let guarding = StatementGuard()
    guarding.watch(connection)
    connection.setBusyTimeout(milliseconds: Int(deadline.milliseconds))
    let end = ContinuousClock.now + deadline
    connection.setProgressHandler(every: 1_000) { [cancellation] in
      !cancellation.isRequested && ContinuousClock.now < end
    }
    defer {
      guarding.release(connection)
      connection.removeProgressHandler()
      if let patience { connection.setBusyTimeout(milliseconds: patience) }
    }
    do {
      return try connection.limited(to: CostLimit(.reading(within: deadline))) {
        try rows(of: query, probe.wantsNumber, since: since)
      }
    } catch let error as SQLiteError {
      if let refusal = guarding.refusal { return .unknown("\(refusal.what) is not allowed") }
      guard ContinuousClock.now < end else {
        return .unknown("it took more than \(DurationText.print(deadline))")
      }
      return .unknown(error.message)
    } catch {
      return .unknown("\(error)")
    }
  }

  private func rows(of query: Script, _ wantsNumber: Bool, since: Timestamp) throws -> Probe.Reply {
    var statement = try connection.prepare(query.text)
    guard statement.isReadOnly, statement.columnCount > 0 else { return .unknown("it is not a SELECT") }
    if query.text.contains(Probe.since) { try statement.bind(.text(since.inSQL), to: Probe.since) }
    var count = 0
    var value: Value?
    while count < Self.mostRows, try statement.step() {
      count += 1
      guard wantsNumber else { continue }
      guard count == 1, statement.columnCount == 1 else {
        return .unknown(count == 1 ? "it returned several columns" : "it returned more than one row")
      }
      value = statement.value(at: 0)
    }
    guard wantsNumber else { return .number(Double(count)) }
    switch value {
    case nil, .some(.null): return .missing
    case .integer(let number): return .number(Double(number))
    case .real(let number): return .number(number)
    case .text, .rawText, .blob: return .unknown("it returned text or a blob, which is no number")
    }
  }

  // MARK: Before a phase goes up

  /// Takes samples of the probes of a phase before it goes up. A watch compares with them.
  ///
  /// - Returns: samples by the titles of the probes: five for a probe that compares with earlier values, and one for
  ///   any other. Empty when the phase is not watched.
  /// - Throws: `phase-held` when a probe already fails, or has no value to compare with later.
  static func before(
    _ planned: PlannedStep, _ knowledge: Knowledge, _ engine: Engine
  ) throws(MigrationError) -> [String: [Sample]] {
    let step = planned.step
    guard engine.watches(planned), let watch = step.phase.watch,
      !knowledge.applied.contains(where: { $0.id == step.id })
    else { return [:] }
    let sampler = Sampler(
      connection: engine.connection, sources: engine.probes, cancellation: engine.cancellation)
    var all: [String: [Sample]] = [:]
    var gates: [Gate.Closed] = []
    for probe in step.phase.probes {
      // For a probe that compares with the value before the phase, this is that value.
      let samples = (0..<(probe.isRelative ? 5 : 1)).map { _ in
        let sample = sampler.sample(probe, since: engine.now(), before: nil, every: watch.every)
        return probe.isRelative && sample.value != nil ? Sample(.passes, value: sample.value) : sample
      }
      all[probe.title] = samples
      if probe.isRelative, Probe.baseline(of: samples) == nil {
        let why = samples.last { $0.value == nil }?.reason ?? ""
        gates.append(
          Gate.Closed(
            gate: .probe,
            reason:
              "the probe '\(probe.title)' compares with what was there before, which cannot be told: \(why)",
            brief: "the probe '\(probe.title)' has no value before the phase",
            opening: "make its query work on the schema before the phase"))
      } else if let sample = samples.last, sample.outcome == .fails {
        gates.append(
          Gate.Closed(
            gate: .probe, reason: "the probe '\(probe.title)' fails already: \(sample.reason)",
            brief: "the probe '\(probe.title)' fails already",
            opening: "find out why, or correct the probe"))
      }
    }
    if engine.cancellation.isRequested { throw MigrationError.stopped() }
    if planned.plan.overridden.contains(.probe) { gates = [] }
    // A half-done phase is not held: its finished rows may already make a probe fail.
    guard !gates.isEmpty, try knowledge.ledger?.batches.underWay()?.id != step.id else { return all }
    throw Plan.Held(id: step.id, phase: step.phase, gates: gates).error()
  }
}

extension Timestamp {
  /// The moment as SQLite's own functions write it, to the second: `2026-01-31 12:00:00`.
  package var inSQL: String { String(text.prefix(19)).replacing("T", with: " ") }
}
