internal import PhaseSQLite

/// The ramp of a switch, which raises it step by step: a row of `phasedb_ramp`.
package struct RampRecord: Sendable, Hashable {
  package enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// The present step is being judged, or steps are still to come.
    case ramping
    /// All steps passed.
    case passed
    /// Too many samples were unknown: the switch stays where it is.
    case unclear
    /// A probe failed, and the switch was closed.
    case failed
    /// An operator set the switch meanwhile.
    case ended
  }

  package let name: String
  package let steps: [Exposure]
  /// The number of the present step, counted from 1.
  package internal(set) var step: Int
  /// How long each step is judged.
  package let every: Duration
  /// The sequence of the phase whose probes judge.
  let phase: Int64
  package internal(set) var judgement: WatchJudgement
  /// The values of the probes before the ramp, by their titles.
  let baseline: [String: Double]
  package internal(set) var verdict: Verdict
  package internal(set) var detail: String
  package let since: Timestamp
  package internal(set) var beat: Timestamp
  /// The process that runs it; nil when none does.
  var runner: Runner?

  package var isOpen: Bool { verdict == .ramping }
  /// The exposure of the present step.
  package var exposure: Exposure { steps[step - 1] }

  /// `step 2 of 4`.
  package var place: Prose { "step \(step) of \(steps.count)" }

  /// The reason for the present exposure, for the log.
  var reason: String { "ramp, step \(step) of \(steps.count)" }
}

/// The ramps of a ledger: the table `phasedb_ramp`.
struct RampRecords: LedgerTable {
  let ledger: Ledger

  /// The last ramp of a switch; nil when there was none.
  func last(of name: String) throws(MigrationError) -> RampRecord? {
    guard format >= 5 else { return nil }
    return try lifting("reading the ledger") {
      var row = try connection.prepare(
        """
        SELECT steps, step, every, phase, judgement, baseline, verdict, detail, since, beat, runner
        FROM phasedb_ramp WHERE name = ?1
        """)
      try row.bind([.text(name)])
      guard try row.step() else { return nil }
      let steps = row.text(at: 0).split(separator: ",").compactMap { Int($0) }.map(Exposure.init(hundredths:))
      let step = Int(row.integer(at: 1))
      guard (1...max(1, steps.count)).contains(step), !steps.isEmpty,
        let judgement = WayDownJSON.read(WatchJudgement.self, from: row.text(at: 4)),
        let baseline = WayDownJSON.read([String: Double].self, from: row.text(at: 5)),
        let verdict = RampRecord.Verdict(rawValue: row.text(at: 6))
      else { throw Ledger.damaged("the row '\(name)' of phasedb_ramp cannot be read") }
      return RampRecord(
        name: name, steps: steps, step: step, every: .milliseconds(row.integer(at: 2)),
        phase: row.integer(at: 3), judgement: judgement, baseline: baseline, verdict: verdict,
        detail: row.text(at: 7), since: Timestamp(text: row.text(at: 8)),
        beat: Timestamp(text: row.text(at: 9)),
        runner: WayDownJSON.read(RunnerText.self, from: row.text(at: 10))?.runner)
    }
  }

  /// Records a ramp in place of an earlier one of the same switch. Call it inside a transaction.
  func record(_ ramp: RampRecord) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_ramp VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
      .text(ramp.name), .text(ramp.steps.map { String($0.hundredths) }.joined(separator: ",")),
      .integer(Int64(ramp.step)), .integer(Int64(ramp.every.milliseconds)), .integer(ramp.phase),
      .text(WayDownJSON.text(ramp.judgement)), .text(WayDownJSON.text(ramp.baseline)),
      .text(ramp.verdict.rawValue), .text(ramp.detail), .text(ramp.since.text), .text(ramp.beat.text),
      .text(ramp.runner.map { WayDownJSON.text(RunnerText($0)) } ?? ""))
  }

  /// Ends a ramp because its switch was changed otherwise. Call it inside the transaction of that change.
  func end(of name: String, _ why: String, at time: Timestamp) throws(SQLiteError) {
    try connection.execute(
      "UPDATE phasedb_ramp SET verdict = 'ended', detail = ?2, beat = ?3 WHERE name = ?1 AND verdict = 'ramping'",
      .text(name), .text(why), .text(time.text))
  }
}

/// A runner in the column `runner`.
private struct RunnerText: Codable {
  let user: String
  let host: String
  let process: Int32
  let boot: String
  let space: String
  let start: String

  init(_ runner: Runner) {
    (user, host, process) = (runner.user, runner.host, runner.processID)
    (boot, space, start) = (runner.bootID, runner.processSpace, runner.processStart)
  }

  var runner: Runner {
    Runner(user: user, host: host, processID: process, bootID: boot, processSpace: space, processStart: start)
  }
}
