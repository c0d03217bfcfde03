internal import PhaseSQL
package import PhaseSQLite

/// The surroundings and settings of a migrator.
public struct Options: Sendable {
  /// How long to wait for another connection or runner before giving up; 30 s unless set.
  public var wait: Duration
  /// The versions of applications that are running now, instead of their check-ins; empty to use the check-ins.
  public var live: [LiveVersion]
  /// Whether no version runs but those of ``live``: with none of them, that every application is stopped. A phase for
  /// which an application stops has to know.
  public var isLiveComplete = false
  /// How long a check-in counts if it is not repeated; 10 minutes unless set.
  public var forget: Duration
  /// Closed gates that are overridden; ``overriding(_:because:)`` does it.
  public package(set) var overridden: Set<Gate>
  /// Why they are overridden; written into the log.
  public package(set) var reason: String?
  /// Which phases must have been rehearsed; contracts unless set.
  public var evidencePolicy: EvidencePolicy
  /// Evidence in addition to the ledger's: from a file, or from a rehearsal that was just done.
  package var evidence: [Evidence]
  /// Who runs phases; this process unless set.
  package var runner: Runner {
    get { namedRunner ?? .current }
    set { namedRunner = newValue }
  }
  /// Asking the system who this process is takes longer than reading a small ledger, so it is asked only when needed.
  private var namedRunner: Runner?
  /// What time it is.
  package var now: @Sendable () -> Timestamp = { .now }
  /// How batched phases run beside an application.
  public var pacing: Pacing
  /// The probes that phases may name, by their names.
  public var probes: [String: Probe.Source] = [:]
  /// The lanes that phases may name, by their names.
  public var lanes: [String: Lane] = [:]
  /// The folder for lists of what phases caused before they come down; nil for that of the database.
  public var effectsFolder: String?
  /// While there is such a file, no watch reverses.
  package var freezeFile: String?
  /// How long a way down waits after it closed a switch, so that whoever asked before is done; 10 seconds unless set.
  public var switchSettle = Duration.seconds(10)
  /// Functions that only the application has. Copies get stubs for them, the database never does.
  package var functions: [FunctionStub] = []
  /// Names of tables, or patterns as `cache_*`, that are outside the schema: nothing compares them, and phases leave them
  /// alone.
  public var ignoreTables: [String] = []
  /// What databases in memory must know of the application.
  var scratchTerms: ScratchTerms { ScratchTerms(functions: functions, ignored: NamePatterns(ignoreTables)) }
  /// Asks a run to stop.
  public var cancellation: Cancellation
  /// The largest database, in bytes, that is copied into memory to try its ways down.
  package var mostBytesCopied = DownRun.mostBytes
  /// How long its ways down are tried there.
  package var mostTimeTried = DownRun.mostTime

  /// The defaults, except where arguments say otherwise.
  public init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], forget: Duration = .seconds(600),
    evidencePolicy: EvidencePolicy = .contract, pacing: Pacing = Pacing(),
    cancellation: Cancellation = Cancellation()
  ) {
    self.init(
      wait: wait, live: live, forget: forget, overridden: [], evidencePolicy: evidencePolicy, pacing: pacing,
      cancellation: cancellation)
  }

  package init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], forget: Duration = .seconds(600),
    overridden: Set<Gate>,
    reason: String? = nil, evidencePolicy: EvidencePolicy = .contract, evidence: [Evidence] = [],
    pacing: Pacing = Pacing(), cancellation: Cancellation = Cancellation()
  ) {
    self.wait = wait
    self.live = live
    self.forget = forget
    self.overridden = overridden
    self.reason = reason
    self.evidencePolicy = evidencePolicy
    self.evidence = evidence
    self.pacing = pacing
    self.cancellation = cancellation
  }

  /// The same with gates that are overridden: a phase runs although they are closed.
  ///
  /// - Parameters:
  ///   - gates: of ``Gate/overridable``.
  ///   - reason: why that is right now, for the log.
  public func overriding(_ gates: Set<Gate>, because reason: String) -> Options {
    var options = self
    (options.overridden, options.reason) = (gates, reason)
    return options
  }

  /// The same for another runner and clock.
  package func by(_ runner: Runner, now: @escaping @Sendable () -> Timestamp) -> Options {
    var options = self
    options.runner = runner
    options.now = now
    return options
  }
}
