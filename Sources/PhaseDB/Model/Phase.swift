/// One step of a migration: the SQL of both directions, and the application versions that run before and after it.
///
/// Every phase has a way down and a compatibility window: `down` and `windows` have no defaults, a ``Script`` is
/// never empty, and ``Windows`` holds at least one window. There are two exceptions. A contract that retires may have
/// empty scripts, because phasedb itself runs both of its directions. A migrate phase may have ``Script/fromArchive``
/// as its way down.
public struct Phase: Sendable, Hashable {
  /// What a phase may do to a schema, and its place within a migration: expand, then migrate, then contract.
  public enum Kind: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Only adds; old and new application versions work on the result.
    case expand
    /// Only changes rows.
    case migrate
    /// Removes or tightens what live versions no longer need.
    case contract

    public static func < (left: Kind, right: Kind) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .expand: 0
      case .migrate: 1
      case .contract: 2
      }
    }
  }

  /// Why the batches of a phase pause. The raw value is the word in messages and JSON.
  public enum PauseReason: String, Sendable, Hashable, CaseIterable {
    /// An operator or the application asked the run to stop.
    case interrupted
    /// A read transaction stays open, so SQLite cannot empty the write-ahead log.
    case pinnedLog = "wal-pinned-by-reader"
    /// The disk has no room for the remaining batches.
    case diskLow = "disk-low"
    /// The run took as long as the phase's `@budget` allows.
    case budget
    /// The pause file exists.
    case pauseFile = "pause-file"
    /// The settings' throttle query returned a row.
    case throttle
    /// The SQL of a batch failed.
    case failed
  }

  /// Expand, migrate or contract.
  public let kind: Kind
  /// For each application, the versions that run on the schema both before and after this phase.
  public let windows: Windows
  /// The SQL of the way up.
  public let up: Script
  /// The SQL of the way down.
  public let down: Script
  /// What the phase is for: the first comment lines of its file.
  public let summary: String
  /// What must hold once the phase is up.
  public let verifications: [Verification]
  /// What down cannot undo; nil when nothing is declared, empty when the phase declares that there is nothing.
  package let residuals: [Residual]?
  /// The tables and columns that a contract takes out of use. They are renamed after the up SQL, and get their old
  /// names back before the down SQL.
  package let retirements: [Retirement]
  /// Losses the author accepts; without one the round trip must be exact.
  package let losses: [Loss]
  /// How long the phase before this one, of the same migration, must have been in place.
  package let soak: Duration?
  /// Phases of other migrations that must be applied first. A prefix that names one phase is enough.
  package let needs: [String]
  /// The limits a rehearsal checks.
  package let budget: Budget?
  /// How a migrate phase is cut into batches; nil when it runs in one transaction.
  package let batching: Batching?
  /// Findings the author accepts.
  package let allowances: [Allowance]
  /// How long the phase is watched after it goes up; nil when it is not watched.
  package let watch: Watch?
  /// The probes that are asked while it is watched.
  package let probes: [Probe]
  /// The lanes in which no new work starts while the phase runs.
  package let lanes: [LaneUse]
  /// The switches that an expand makes, or for which a contract waits.
  package let switches: [Switch]
  /// What the phase causes outside the database, counted by rows.
  package let effects: [Effect]
  /// The identity of the phase: SHA-256, in hexadecimal, over its kind, its directives and the tokens of its SQL.
  /// Comments, white space, line ends, the summary and a semicolon at the end of a script do not count.
  package var tokenHash: String { identity.hash(of: self) }
  let identity = KnownIdentity()

  /// A phase made in Swift. What else a phase may declare, such as losses, watches and lanes, is written in a phase file.
  ///
  /// - Parameters:
  ///   - kind: expand, migrate or contract.
  ///   - windows: for each application, the versions that run both before and after the phase.
  ///   - up: the SQL of the way up.
  ///   - down: the SQL of the way down.
  ///   - summary: what the phase is for.
  ///   - verifications: what must hold once the phase is up.
  public init(
    _ kind: Phase.Kind, windows: Windows, up: Script, down: Script, summary: String = "",
    verifications: [Verification] = []
  ) {
    self.init(
      kind, windows: windows, up: up, down: down, summary: summary, verifications: verifications,
      residuals: nil)
  }

  /// A phase with everything that a phase file can declare.
  ///
  /// - Parameters:
  ///   - windows: for each application, the versions that run both before and after the phase.
  ///   - residuals: what down cannot undo outside the database; empty when that is nothing, nil when it is not declared.
  ///   - losses: what may not come back.
  ///   - retirements: for a contract, what is renamed out of use.
  ///   - soak: how long the phase before it, of the same migration, must have been in place.
  ///   - needs: phases of other migrations that must be applied first.
  ///   - watch: how long the phase is watched after it goes up.
  ///   - probes: what is asked while it is watched, each with a title of its own.
  ///   - lanes: the lanes in which no new work starts while the phase runs, each once.
  ///   - switches: of an expand, the switches that it makes; of a contract, those that must be fully on.
  ///   - effects: what down cannot undo outside the database, and rows can count.
  package init(
    _ kind: Phase.Kind, windows: Windows, up: Script, down: Script, summary: String = "",
    verifications: [Verification] = [], residuals: [Residual]? = nil, losses: [Loss] = [],
    retirements: [Retirement] = [], soak: Duration? = nil, needs: [String] = [], budget: Budget? = nil,
    batching: Batching? = nil, allowances: [Allowance] = [], watch: Watch? = nil, probes: [Probe] = [],
    lanes: [LaneUse] = [],
    switches: [Switch] = [],
    effects: [Effect] = []
  ) {
    self.kind = kind
    self.windows = windows
    self.up = up
    self.down = down
    self.summary = summary
    self.verifications = verifications
    self.residuals = residuals
    self.losses = losses
    self.retirements = retirements
    self.soak = soak
    self.needs = needs
    self.budget = budget
    self.batching = batching
    self.allowances = allowances
    self.watch = watch
    self.probes = probes
    self.lanes = lanes
    self.switches = switches
    self.effects = effects
  }

  /// A contract that does nothing but retire.
  package init(
    retiring first: Retirement, _ others: Retirement..., windows: Windows, summary: String = "",
    residuals: [Residual]? = nil, soak: Duration? = nil, needs: [String] = [], budget: Budget? = nil,
    allowances: [Allowance] = []
  ) {
    self.init(
      .contract, windows: windows, up: .nothing, down: .nothing, summary: summary, residuals: residuals,
      retirements: [first] + others, soak: soak, needs: needs, budget: budget, allowances: allowances)
  }

  /// What it declares about residuals.
  package var residualStatement: Residual.Statement {
    guard effects.isEmpty else { return .declared }
    return residuals.map { $0.isEmpty ? .nothing : .declared } ?? .notDeclared
  }

  /// Whether its way down is `@down archive`.
  package var comesDownFromArchive: Bool { kind == .migrate && down.isNothing }

  /// The soak time that applies: only contracts wait.
  var effectiveSoak: Duration? { kind == .contract ? soak : nil }

  /// The names of the switches that it makes.
  package var switchesMade: [String] { switches.filter { $0.fullFor == nil }.map(\.name) }
  /// The switches that must be fully on before it goes up.
  var switchesRequired: [Switch] { switches.filter { $0.fullFor != nil } }
}

/// Which way a phase is run.
public enum Direction: String, Sendable, Hashable, CaseIterable {
  /// Apply.
  case up
  /// Reverse.
  case down
}
