/// What a migrator is told about its surroundings.
public struct Options: Sendable {
  /// How long to wait for another connection or runner before giving up; 30 s unless set.
  public var wait: Duration
  /// The versions of applications that are running now, in place of what their check-ins say; empty to go by those.
  public var live: [LiveVersion]
  /// After which time a check-in is forgotten that was not repeated; 10 minutes unless set.
  public var forget: Duration
  /// Gates to pass although they are closed.
  public var overridden: Set<Gate>
  /// Why they are passed; written into the log.
  public var reason: String?
  /// Which phases must have been rehearsed; contracts unless set.
  public var evidencePolicy: EvidencePolicy
  /// What rehearsals showed, beside what the ledger knows: of a file, or of a rehearsal that was just done.
  public var evidence: [Evidence]
  /// Who runs phases; this process unless set.
  package var runner: Runner {
    get { namedRunner ?? .current }
    set { namedRunner = newValue }
  }
  /// Asking the system who this process is takes longer than reading a small ledger, so it is asked only when needed.
  private var namedRunner: Runner?
  /// What time it is.
  package var now: @Sendable () -> Timestamp = { .now }
  /// How gently batched phases run.
  public var pacing: Pacing
  /// The probes that phases may name, by their names.
  public var probes: [String: Probe.Source] = [:]
  /// While there is such a file, no watch reverses.
  package var freezeFile: String?
  /// Asks a run to stop.
  public var cancellation: Cancellation
  /// Up to how many bytes a database is copied into memory to say what its way down would do.
  package var mostBytesCopied = DownRun.mostBytes

  /// The defaults, and what differs from them.
  public init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], forget: Duration = .seconds(600),
    overridden: Set<Gate> = [],
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

  /// The same for another runner and clock.
  package func by(_ runner: Runner, now: @escaping @Sendable () -> Timestamp) -> Options {
    var options = self
    options.runner = runner
    options.now = now
    return options
  }
}
