internal import PhaseSQLite

/// What a run would do, as a value: it can be printed, tested and refused before anything runs.
public struct Plan: Sendable {
  /// Whether phases are applied or reversed.
  public let direction: Direction
  /// In the order in which they run.
  public internal(set) var steps: [Step]
  /// Requested phases that may not run yet.
  public let held: [Held]
  /// Notes for the operator. They do not hold a phase.
  public internal(set) var notes: [Prose]
  /// True when the baseline is run first, on an empty database.
  public let runsBaseline: Bool
  /// True when the database had no user table.
  public let isFresh: Bool
  /// Gates the operator overrides.
  public let overridden: Set<Gate>
  /// Why they are overridden.
  public let reason: String?
  /// How the schema differs from the one in the ledger, when the operator accepts that: one line each.
  public let drift: [Prose]
  /// The check-ins that say what is live; empty when the options name the live versions.
  package var checkIns: [CheckIn] { judgement.live.checkIns }
  /// For a way down, what each step would restore, counted when the plan was made.
  public internal(set) var reversals: [PhaseID: Reversal] = [:]
  /// The data that ``reversals`` are about; nil where it cannot be told later whether they have changed.
  var dataState: DataState?
  /// For a way down, the evidence of the last rehearsal of each step.
  package internal(set) var rehearsed: [PhaseID: Evidence] = [:]
  /// For a way down, how long each step may take, as far as known.
  package internal(set) var times: [PhaseID: DownTime] = [:]
  /// For a way down, the switches that it closes before a step, each at its first step.
  package internal(set) var closing: [PhaseID: PlannedClosing] = [:]
  /// For a way down, the counted effects of each step.
  package internal(set) var effects: [PhaseID: [EffectCount]] = [:]
  /// For a way down, the archives of each step, which stay until they are purged or their rows come back.
  package internal(set) var kept: [PhaseID: [KeptData]] = [:]
  /// For a way down, the lanes of a step that are skipped, because a table or column of their queue is missing.
  var absentLanes: [PhaseID: Set<String>] = [:]
  /// For a way up, the phases that the baseline replaces according to the folder, but not yet according to the
  /// ledger.
  var squashed: [PhaseID] = []
  /// A note about phases that are squashed into the baseline; also among ``notes``.
  package internal(set) var squashNote: Prose?
  /// The watch that began this way down; nil when an operator asked for it.
  var reversing: Int64?
  /// The phases that must be applied, in this order, when the plan begins.
  package let appliedBefore: [PhaseID]
  let baseline: Script?
  /// The schema on which the plan was made.
  let schemaBefore: Schema
  let judgement: GateJudgement
  /// Check-ins before this moment are forgotten.
  let checkInsSince: Timestamp
  /// Live versions that may not run on the schema when the plan begins.
  package let misfits: [LiveMisfit]

  /// Whether a way down among the steps is blocked.
  package var isBlocked: Bool { steps.contains { reversals[$0.id]?.obstacles.isEmpty == false } }

  /// Live versions that may not run before the plan, and may not run after it, either.
  package var remainingMisfits: [LiveMisfit] {
    guard let end = steps.last?.liveAfter else { return misfits }
    return misfits.filter { end[$0.live.application]?.contains($0.live.version) == false }
  }

  /// The same plan up to the first phase that is watched.
  package var upToFirstWatch: Plan {
    guard let last = steps.firstIndex(where: { $0.phase.watch != nil }) else { return self }
    var plan = self
    plan.steps = Array(steps[...last])
    return plan
  }

  /// How the archives of a step compare with the present rows. Empty if a connection has written since the plan was
  /// made. These archives were verified, too.
  func comparisons(
    of step: PhaseID, on connection: Connection
  ) throws(MigrationError) -> [Int64: ArchiveComparison] {
    guard let reversal = reversals[step], reversal.obstacles.isEmpty, !reversal.comparisons.isEmpty,
      let dataState
    else { return [:] }
    let now = try lifting("reading PRAGMA data_version") { () in try DataState(of: connection) }
    return now == dataState ? reversal.comparisons : [:]
  }

  /// The lanes that are held while a step runs.
  package func lanes(of step: Step) -> [LaneUse] {
    step.phase.lanes.filter { absentLanes[step.id]?.contains($0.lane) != true }
  }

  /// The switches that a way down closes before a step, and how long it then waits.
  package struct PlannedClosing: Sendable, Hashable {
    package let switches: [SwitchRecord]
    package let wait: Duration
  }

  /// One phase in one direction.
  public struct Step: Sendable {
    /// The phase.
    public let id: PhaseID
    /// Whether it goes up or down.
    public let direction: Direction
    /// The phase's text: from the folder on the way up, from the ledger on the way down.
    public let phase: Phase
    /// For each application, the versions that may be live once the step is done.
    public let liveAfter: [String: StateInterval]

    /// The SQL that runs.
    public var script: Script { direction == .up ? phase.up : phase.down }
  }

  /// A phase that may not run yet.
  public struct Held: Sendable, Hashable {
    /// The phase that is held.
    public let id: PhaseID
    /// Its text.
    package let phase: Phase
    /// The gates that hold it; never empty.
    public let gates: [Gate.Closed]
  }
}

extension Plan.Held {
  /// The error for a held phase that was asked for by name, or that blocks the others.
  ///
  /// - Parameter all: every held phase of the range.
  package func error(among all: [Plan.Held] = []) -> MigrationError {
    let gate = gates[0]
    let others = Gate.allCases.compactMap { gate -> Prose? in
      let held = all.filter { $0.id != id && $0.gates[0].gate == gate }.map(\.id.short)
      return held.isEmpty ? nil : "also held by \(gate.rawValue): \(held.joined(separator: ", "))"
    }
    let isOverridable = Gate.overridable.contains(gate.gate)
    return MigrationError(
      gate.error, "\(id) is held by its \(gate.gate.rawValue) gate: \(gate.reason)",
      details: gates.dropFirst().map { "\($0.gate.rawValue): \($0.reason)" } + others,
      state: "nothing was changed", help: [gate.opening] + (isOverridable ? [gate.gate.overriding] : []))
  }
}
