internal import PhaseDB

/// A status as `--format json` prints it.
struct StatusJSON: Encodable {
  let database: String
  let exists: Bool
  let ledger: Bool
  let checkpoint: Int64
  let pending: Int
  let drift: [Prose]
  let gates: [PlanJSON.GateJSON]
  let live: [String: String?]
  let checkIns: [CheckInJSON]
  let runner: String?
  let lastStop: StopJSON?
  let underWay: UnderWayJSON?
  let watches: [WatchJSON]
  let switches: [SwitchJSON]
  let freeze: FreezeJSON?
  /// The lanes that are held.
  let lanes: [LaneJSON]
  let phases: [PhaseJSON]
  /// Why `--check` fails; empty when it does not.
  let concerns: [ConcernJSON]
  let notes: [Prose]
  /// The errors of files that could not be read; their phases are not in the list.
  let unread: [Prose]

  struct ConcernJSON: Encodable {
    let kind: String
    let phase: String?
    let message: Prose
    let details: [Prose]
    let remedies: [Prose]
  }

  struct PhaseJSON: Encodable {
    let phase: String
    let kind: String
    let state: String
    let checkpoint: Int64?
    let appliedAt: String?
    let who: String?
    let host: String?
    let milliseconds: Double?
    let hasFile: Bool
    let gates: [PlanJSON.GateJSON]
    let evidence: EvidenceJSON?
    let reversal: ReversalJSON?
    let residual: String?
    /// Its effects since it began to go up; nil when it declares none.
    let effects: [EffectJSON]?
  }

  struct EvidenceJSON: Encodable {
    let verdict: String
    let at: String
    let upMilliseconds: Double?
    let downMilliseconds: Double?
    let holdMilliseconds: Double?

    init(_ evidence: Evidence) {
      verdict = evidence.verdict.rawValue
      at = evidence.at.text
      upMilliseconds = evidence.times.up
      downMilliseconds = evidence.times.down
      holdMilliseconds = evidence.times.hold
    }
  }

  struct UnderWayJSON: Encodable {
    let phase: String
    let direction: String
    let progress: ProgressJSON.Numbers
    /// Why it is paused; null while batches run, or when the run was killed.
    let pause: ProgressJSON.Pause?
    let since: String
    let lastSign: String
    let runner: String
    let running: Bool

    init(_ phase: PhaseUnderWay) {
      self.phase = phase.id.description
      direction = phase.direction.rawValue
      progress = ProgressJSON.Numbers(phase.progress)
      pause = phase.pause.map(ProgressJSON.Pause.init)
      since = phase.since.text
      lastSign = phase.lastSign.text
      runner = phase.runner
      running = phase.isRunning
    }
  }

  struct StopJSON: Encodable {
    let at: String
    let phase: String
    let direction: String
    let error: String
    let line: Int?
    let standing: String
    let exitCode: Int32

    init(_ stop: RunStop) {
      at = stop.at.text
      phase = stop.phase.description
      direction = stop.direction.rawValue
      error = stop.error.rawValue
      line = stop.line
      standing = stop.standing.rawValue
      exitCode = ExitCode(stop.standing).rawValue
    }
  }

  init(_ status: Status) {
    database = status.database
    exists = status.isThere
    ledger = status.hasLedger
    checkpoint = status.checkpoint?.sequence ?? 0
    pending = status.pending.count
    drift = status.drift
    gates = status.gates.map(PlanJSON.GateJSON.init)
    checkIns = status.checkIns.map(CheckInJSON.init)
    live = status.live.mapValues { $0.range?.description }
    concerns = status.concerns.map {
      ConcernJSON(
        kind: $0.kind.rawValue, phase: $0.phase?.description, message: $0.message, details: $0.details,
        remedies: $0.remedies)
    }
    notes = status.notes
    runner = status.runner
    lastStop = status.lastStop.map(StopJSON.init)
    underWay = status.underWay.map(UnderWayJSON.init)
    unread = status.unread.map(\.message)
    watches = status.watches.map(WatchJSON.init)
    switches = status.switches.map { SwitchJSON($0) }
    freeze = status.freeze.map(FreezeJSON.init)
    lanes = status.lanes.map(LaneJSON.init)
    phases = status.phases.map { phase in
      PhaseJSON(
        phase: phase.id.description, kind: phase.id.kind.rawValue,
        state: phase.id == status.underWay?.id
          ? "half-done"
          : phase.isSquashed
            ? "squashed"
            : phase.isEdited
              ? "edited" : phase.applied != nil ? "applied" : phase.gates.isEmpty ? "pending" : "held",
        checkpoint: phase.applied?.sequence, appliedAt: phase.applied?.appliedAt.text,
        who: phase.applied?.who,
        host: phase.applied?.host, milliseconds: phase.applied?.milliseconds, hasFile: phase.isInCatalog,
        gates: phase.gates.map(PlanJSON.GateJSON.init), evidence: phase.evidence.map(EvidenceJSON.init),
        reversal: phase.reversal.map(ReversalJSON.init), residual: phase.text?.residualStatement.rawValue,
        effects: status.effects[phase.id]?.map { EffectJSON($0) })
    }
  }
}
