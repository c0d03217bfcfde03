internal import PhaseSQLite

/// The watch of an applied phase: a row of `phasedb_watch`.
package struct WatchRecord: Sendable, Hashable {
  package enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// Samples are still to come.
    case watching
    case passed
    /// Too many samples were unknown.
    case unclear
    /// A probe failed, and the switch of the phase was closed. Samples are taken to see whether that helped.
    case containing
    /// A probe failed, the switch was closed, and every probe passes again: the phase stays.
    case contained
    /// A probe failed, and nothing was reversed.
    case failed
    /// A probe failed, and the way back may begin at any moment.
    case reversing
    /// The phase came down automatically. Samples are taken to see whether that helped.
    case checking
    /// The phase came down automatically.
    case reversed
    /// The phase came down automatically, and the probe still fails.
    case reversedNoHelp = "reversed-no-help"
    /// An operator accepted the phase without this watch.
    case waived
    /// The phase came down for another reason, before there was a verdict.
    case ended
  }

  /// The sequence of the phase.
  package let id: Int64
  package let phase: PhaseID
  /// The phase as it went up: its text stays here when it comes down.
  package let text: Phase
  /// The sequence of the first phase that comes down with it. These are the phases of the same run since the previous
  /// watched one.
  let first: Int64
  /// When the phase went up.
  package let since: Timestamp
  package internal(set) var judgement: WatchJudgement
  package internal(set) var verdict: Verdict
  /// The reason for the verdict, in one line; empty when the verdict says it all.
  package internal(set) var detail: String
  /// The probe that failed; empty when none did.
  package internal(set) var failed: String
  /// When the last sample was taken, or the verdict given.
  package internal(set) var beat: Timestamp
  /// The log's row of the automatic way back; nil when there was none.
  package internal(set) var reversal: Int64?

  var watch: Watch { text.watch ?? Watch(for: .seconds(1), every: .seconds(1)) }

  /// Whether samples are still to come, or a way back is due.
  package var isOpen: Bool { [.watching, .containing, .reversing, .checking].contains(verdict) }
  /// Whether a later contract may go up because of it.
  package var lets: Bool { verdict == .passed || verdict == .waived }

  /// Whether lanes that are held through it stay held.
  var keepsLanes: Bool { [.watching, .containing, .reversing].contains(verdict) }

  /// Takes one sample of each probe.
  mutating func take(_ samples: [String: Sample]) {
    if verdict == .checking {
      guard let probe = text.probes.first(where: { $0.title == failed }) else { return verdict = .reversed }
      let outcome = samples[failed]?.outcome ?? .unknown
      guard let hasHelped = judgement.takeAfterwards(outcome, of: probe) else { return }
      verdict = hasHelped ? .reversed : .reversedNoHelp
      let isSeen = judgement.afterwards.contains(.passes)
      detail +=
        hasHelped
        ? isSeen ? "; it passes now" : "; it cannot be asked on this schema"
        : "; it goes on failing"
      return
    }
    if verdict == .containing {
      guard let hasHelped = judgement.takeContained(samples, of: text.probes, after: failed) else { return }
      verdict = hasHelped ? .contained : watch.then == .reverse ? .reversing : .failed
      detail += hasHelped ? ", and every probe passes again" : ", which did not help"
      return
    }
    switch judgement.take(samples, of: watch, text.probes) {
    case .goesOn: break
    case .passed:
      verdict = .passed
      detail = CountText.text(judgement.rounds, "sample")
    case .unclear(let probe, let why):
      verdict = .unclear
      detail = "'\(probe)': \(why)"
    case .failed(let probe):
      verdict = watch.then == .reverse ? .reversing : .failed
      failed = probe
      let reason = samples[probe]?.reason ?? ""
      detail = "'\(probe)' failed\(reason.isEmpty ? "" : ": \(reason)")"
    }
  }
}

/// A sample in the ledger.
package struct KeptSample: Sendable, Hashable {
  package let probe: String
  /// The number of the sample, counted from 1. Samples from before the phase have 0 and less.
  package let round: Int
  package let at: Timestamp
  package let sample: Sample
}

/// A freeze, which keeps every watch from reversing.
package struct Freeze: Sendable, Hashable {
  package let who: String
  package let reason: String
  /// When it ends; nil when it has no end.
  package let until: Timestamp?

  func isOver(at now: Timestamp) -> Bool { until.map { $0 <= now } ?? false }

  /// Refuses a way back while watches are frozen.
  var error: MigrationError {
    MigrationError(
      .phaseHeld, "\(sentence)", state: "nothing was changed",
      help: ["let watches reverse again: phasedb watch unfreeze"])
  }

  /// Who froze watches, until when, and why.
  package var sentence: Prose {
    "watches were frozen by \(who)\(until.map { " until \($0)" } ?? ""): \(reason)"
  }
}

/// The watches of a ledger: the tables `phasedb_watch`, `phasedb_sample`, `phasedb_watcher` and `phasedb_freeze`.
struct WatchRecords: LedgerTable {
  let ledger: Ledger

  /// Every watch, oldest first; empty in a ledger of an older format.
  func all() throws(MigrationError) -> [WatchRecord] {
    guard format >= 4 else { return [] }
    return try lifting("reading the ledger") {
      var rows = try connection.prepare(
        """
        SELECT id, phase, token_hash, first, since, judgement, verdict, detail, failed, beat, reversal,
          declarations, up_sql, down_sql
        FROM phasedb_watch ORDER BY id
        """)
      var watches: [WatchRecord] = []
      while try rows.step() {
        let id = try? PhaseID(rows.text(at: 1))
        let text = PhaseFile.assemble(
          declarations: rows.text(at: 11), up: rows.text(at: 12), down: rows.text(at: 13),
          kind: id?.kind ?? .expand)
        guard let id, let phase = try? PhaseFile.read(text, file: "ledger:\(id)", kind: id.kind),
          phase.tokenHash == rows.text(at: 2), phase.watch != nil,
          let judgement = WayDownJSON.read(WatchJudgement.self, from: rows.text(at: 5)),
          let verdict = WatchRecord.Verdict(rawValue: rows.text(at: 6))
        else {
          throw Ledger.damaged("row \(rows.integer(at: 0)) of phasedb_watch cannot be read")
        }
        watches.append(
          WatchRecord(
            id: rows.integer(at: 0), phase: id, text: phase, first: rows.integer(at: 3),
            since: Timestamp(text: rows.text(at: 4)), judgement: judgement, verdict: verdict,
            detail: rows.text(at: 7), failed: rows.text(at: 8), beat: Timestamp(text: rows.text(at: 9)),
            reversal: rows.isNull(at: 10) ? nil : rows.integer(at: 10)))
      }
      return watches
    }
  }

  /// Begins the watch of a phase that went up. Call it inside the transaction of the phase.
  ///
  /// - Parameter baselines: the samples of its probes from before the phase.
  func begin(
    of applied: AppliedPhase, _ phase: Phase, from first: Int64, _ baselines: [String: [Sample]]
  ) throws(SQLiteError) {
    try connection.execute(
      "INSERT INTO phasedb_watch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', '', ?5, NULL, ?8, ?9, ?10)",
      .integer(applied.sequence), .text(applied.id.description), .text(applied.tokenHash), .integer(first),
      .text(applied.appliedAt.text), .text(WayDownJSON.text(WatchJudgement())),
      .text(WatchRecord.Verdict.watching.rawValue), .text(phase.declarations), .text(phase.up.text),
      .text(phase.down.text))
    for (probe, samples) in baselines {
      for (index, sample) in samples.enumerated() {
        try insert(
          KeptSample(probe: probe, round: index + 1 - samples.count, at: applied.appliedAt, sample: sample),
          of: applied.sequence)
      }
    }
  }

  /// Records the progress of a watch. Call it inside a transaction.
  func record(_ watch: WatchRecord) throws(SQLiteError) {
    try connection.execute(
      """
      UPDATE phasedb_watch SET judgement = ?1, verdict = ?2, detail = ?3, failed = ?4, beat = ?5, reversal = ?6
      WHERE id = ?7
      """, .text(WayDownJSON.text(watch.judgement)), .text(watch.verdict.rawValue), .text(watch.detail),
      .text(watch.failed), .text(watch.beat.text), watch.reversal.map { .integer($0) } ?? .null,
      .integer(watch.id))
  }

  /// Ends the watch of a phase that comes down. Call it inside the transaction of the phase.
  func end(_ sequence: Int64) throws(SQLiteError) {
    guard format >= 4 else { return }
    try connection.execute(
      "UPDATE phasedb_watch SET verdict = ?1 WHERE id = ?2 AND verdict IN (?3, ?4, ?5, ?6, ?7)",
      .text(WatchRecord.Verdict.ended.rawValue), .integer(sequence),
      .text(WatchRecord.Verdict.watching.rawValue), .text(WatchRecord.Verdict.unclear.rawValue),
      .text(WatchRecord.Verdict.failed.rawValue), .text(WatchRecord.Verdict.containing.rawValue),
      .text(WatchRecord.Verdict.contained.rawValue))
  }

  /// Records that the way back of a watch is done. Call it inside the transaction of its last step.
  func recordReversal(of watch: Int64, entry: Int64) throws(SQLiteError) {
    try connection.execute(
      "UPDATE phasedb_watch SET verdict = ?1, reversal = ?2 WHERE id = ?3",
      .text(WatchRecord.Verdict.checking.rawValue), .integer(entry), .integer(watch))
  }

  // MARK: Samples

  /// Stores a sample. Of each probe these are kept: the last ten samples, those from before the phase, and each whose
  /// outcome differs from the one before it.
  func keep(_ kept: KeptSample, of watch: Int64) throws(SQLiteError) {
    try insert(kept, of: watch)
    try connection.execute(
      """
      DELETE FROM phasedb_sample WHERE watch = ?1 AND probe = ?2 AND round BETWEEN 2 AND ?3 AND outcome = (
        SELECT b.outcome FROM phasedb_sample b
        WHERE b.watch = ?1 AND b.probe = ?2 AND b.round < phasedb_sample.round ORDER BY b.round DESC LIMIT 1)
      """, .integer(watch), .text(kept.probe), .integer(Int64(kept.round - 10)))
  }

  private func insert(_ kept: KeptSample, of watch: Int64) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_sample VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", .integer(watch),
      .text(kept.probe), .integer(Int64(kept.round)), .text(kept.at.text),
      .text(kept.sample.outcome.rawValue), kept.sample.value.map { .real($0) } ?? .null,
      .text(kept.sample.reason))
  }

  /// The stored samples of a watch, by probe and round.
  func samples(of watch: Int64) throws(SQLiteError) -> [KeptSample] {
    guard format >= 4 else { return [] }
    var rows = try connection.prepare(
      "SELECT probe, round, at, outcome, value, reason FROM phasedb_sample WHERE watch = ?1 ORDER BY probe, round"
    )
    try rows.bind([.integer(watch)])
    var samples: [KeptSample] = []
    while try rows.step() {
      samples.append(
        KeptSample(
          probe: rows.text(at: 0), round: Int(rows.integer(at: 1)), at: Timestamp(text: rows.text(at: 2)),
          sample: Sample(
            Sample.Outcome(rawValue: rows.text(at: 3)) ?? .unknown, value: rows.value(at: 4).number,
            reason: rows.text(at: 5))))
    }
    return samples
  }

  // MARK: Who watches, and who keeps watches from reversing

  /// The process that watches; nil when none does.
  func watcher() throws(SQLiteError) -> (runner: Runner, beat: Timestamp)? {
    guard format >= 4 else { return nil }
    var row = try connection.prepare(
      "SELECT who, host, process, boot_id, process_space, process_start, beat FROM phasedb_watcher")
    guard try row.step() else { return nil }
    return (
      Runner(
        user: row.text(at: 0), host: row.text(at: 1), processID: Int32(clamping: row.integer(at: 2)),
        bootID: row.text(at: 3), processSpace: row.text(at: 4), processStart: row.text(at: 5)),
      Timestamp(text: row.text(at: 6))
    )
  }

  /// Records which process watches, or that none does. Call it inside a transaction.
  func setWatcher(_ runner: Runner?, at time: Timestamp) throws(SQLiteError) {
    guard let runner else { return try connection.execute("DELETE FROM phasedb_watcher") }
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_watcher VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)", .text(runner.user),
      .text(runner.host), .integer(Int64(runner.processID)), .text(runner.bootID),
      .text(runner.processSpace), .text(runner.processStart), .text(time.text))
  }

  /// The freeze that keeps watches from reversing; nil when there is none.
  func freeze() throws(SQLiteError) -> Freeze? {
    guard format >= 4 else { return nil }
    var row = try connection.prepare("SELECT who, host, reason, until FROM phasedb_freeze")
    guard try row.step() else { return nil }
    return Freeze(
      who: "\(row.text(at: 0))@\(row.text(at: 1))", reason: row.text(at: 2),
      until: row.isNull(at: 3) ? nil : Timestamp(text: row.text(at: 3)))
  }

  /// Keeps watches from reversing, or ends that. Call it inside a transaction.
  func setFreeze(reason: String?, until: Timestamp?, by runner: Runner) throws(SQLiteError) {
    try connection.execute("DELETE FROM phasedb_freeze")
    guard let reason else { return }
    try connection.execute(
      "INSERT INTO phasedb_freeze VALUES (1, ?1, ?2, ?3, ?4)", .text(runner.user), .text(runner.host),
      .text(reason), until.map { .text($0.text) } ?? .null)
  }
}
