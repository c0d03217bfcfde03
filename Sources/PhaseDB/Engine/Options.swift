internal import PhaseSQL
package import PhaseSQLite

/// The surroundings and settings of a migrator.
public struct Options: Sendable {
  /// How long to wait for another connection or runner before giving up; 30 s unless set.
  public var wait: Duration
  /// The versions of applications that are running now, instead of their check-ins; empty to use the check-ins.
  public var live: [LiveVersion]
  /// Whether only the versions in ``live`` run. If ``live`` is empty, this says that every application is stopped. A
  /// phase for which an application stops needs this.
  public var isLiveComplete = false
  /// How long a check-in counts if it is not repeated; 10 minutes unless set.
  public var forget: Duration
  /// Closed gates that are overridden; ``overriding(_:because:)`` does it.
  public package(set) var overridden: Set<Gate>
  /// Why they are overridden; written into the log.
  public package(set) var reason: String?
  /// The kinds of phases that must have been rehearsed on a copy of this database before they go up; contracts unless set.
  public var mustBeRehearsed: Set<Phase.Kind>
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
  /// How batched phases share the database with a running application.
  public var pacing: Pacing
  /// The probes that phases may name, by their names.
  public var probes: [String: ProbeSource] = [:]
  /// The lanes that phases may name, by their names.
  public var lanes: [String: Lane] = [:]
  /// The folder for lists of what phases caused before they come down; nil for that of the database.
  public var effectsFolder: String?
  /// While a file of this name exists, no watch reverses.
  package var freezeFile: String?
  /// How long a way down waits after it closed a switch, for requests that saw it open; 10 seconds unless set.
  public var switchSettle = Duration.seconds(10)
  /// Functions that only the application has. Copies get stubs for them; the database itself does not.
  package var functions: [FunctionStub] = []
  /// Tables that phasedb ignores: names, or patterns such as `cache_*`. They are not compared, and phases must not
  /// change them.
  public var ignoreTables: [String] = []
  /// What databases in memory must know of the application.
  var scratchTerms: ScratchTerms { ScratchTerms(functions: functions, ignored: NamePatterns(ignoreTables)) }
  /// Asks a run to stop.
  public var cancellation: Cancellation
  /// The largest database, in bytes, that is copied into memory to try its ways down. Copying so much takes a few
  /// milliseconds, so that every command can; for larger ones there is `phasedb rehearse down`.
  package var mostBytesCopied = 4 << 20
  /// How long the ways down of such a database may take before they count as not tried.
  package var mostTimeTried = Duration.seconds(2)
  /// How much the trial of a way back may write through SQLite's cache, in bytes, before a database in WAL mode undoes it
  /// with its whole transaction: to undo it alone, SQLite takes that much memory.
  package var mostBytesUndone = Self.usualBytesUndone
  package static let usualBytesUndone = 16 << 20

  /// The defaults, except where arguments say otherwise.
  public init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], forget: Duration = .seconds(600),
    mustBeRehearsed: Set<Phase.Kind> = [.contract], pacing: Pacing = Pacing(),
    cancellation: Cancellation = Cancellation()
  ) {
    self.init(
      wait: wait, live: live, forget: forget, overridden: [], mustBeRehearsed: mustBeRehearsed,
      pacing: pacing,
      cancellation: cancellation)
  }

  package init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], forget: Duration = .seconds(600),
    overridden: Set<Gate>,
    reason: String? = nil, mustBeRehearsed: Set<Phase.Kind> = [.contract], evidence: [Evidence] = [],
    pacing: Pacing = Pacing(), cancellation: Cancellation = Cancellation()
  ) {
    self.wait = wait
    self.live = live
    self.forget = forget
    self.overridden = overridden
    self.reason = reason
    self.mustBeRehearsed = mustBeRehearsed
    self.evidence = evidence
    self.pacing = pacing
    self.cancellation = cancellation
  }

  /// The same options with gates that are overridden: a phase runs although they are closed.
  ///
  /// - Parameters:
  ///   - gates: of ``Gate/overridable``.
  ///   - reason: why this is right now, for the log.
  public func overriding(_ gates: Set<Gate>, because reason: String) -> Options {
    var options = self
    (options.overridden, options.reason) = (gates, reason)
    return options
  }

  /// The same options with more gates that are overridden.
  func overriding(also gates: Set<Gate>) -> Options {
    var options = self
    options.overridden.formUnion(gates)
    return options
  }

  /// The same for another runner and clock.
  package func by(_ runner: Runner, now: @escaping @Sendable () -> Timestamp) -> Options {
    var options = self
    options.runner = runner
    options.now = now
    return options
  }

  /// How a batched phase spares the application that writes at the same time.
  public struct Pacing: Sendable, Hashable {
    /// How long a batch should hold the write lock; the size of batches follows it.
    public var hold: Duration
    /// The least time between two batches; nil for 2 ms, or 1 ms while no other connection writes.
    public var pause: Duration?
    /// The most rows of a batch, at least 1.
    public var maximumRows: Int
    /// One SELECT; no batch starts while it returns a row.
    public var throttle: Script?
    /// No batch begins while a file of this name exists; nil for the database's name followed by `.pause`.
    public var pauseFile: String?

    /// The defaults, except where arguments say otherwise.
    public init(
      hold: Duration = .milliseconds(10), pause: Duration? = nil, maximumRows: Int = 100_000,
      throttle: Script? = nil, pauseFile: String? = nil
    ) {
      self.hold = hold
      self.pause = pause
      self.maximumRows = maximumRows
      self.throttle = throttle
      self.pauseFile = pauseFile
    }
  }

  /// The source of a probe that phases name and that has no query of its own. It may ask a monitoring system, for
  /// instance.
  public struct ProbeSource: Sendable {
    /// Whether it answers with a number.
    package let givesNumber: Bool
    /// Takes one sample. `isCancelled` says whether the watch has to stop.
    let ask: @Sendable (_ isCancelled: @Sendable () -> Bool) -> Probe.Reply

    package init(
      givesNumber: Bool = false, ask: @escaping @Sendable (_ isCancelled: @Sendable () -> Bool) -> Probe.Reply
    ) {
      (self.givesNumber, self.ask) = (givesNumber, ask)
    }

    /// A source that says whether something is wrong.
    ///
    /// - Parameter problem: returns what is wrong, as the end of a sentence; nil when nothing is. It throws when that
    ///   is unknown, and the error's text is the reason. It should take a few seconds at most, and return early when
    ///   `isCancelled` says that the watch has to stop.
    public init(problem: @escaping @Sendable (_ isCancelled: @Sendable () -> Bool) throws -> String?) {
      self.init { isCancelled in
        do { return try problem(isCancelled).map { .fails($0) } ?? .passes } catch {
          return .unknown("\(error)")
        }
      }
    }

    /// A source that measures something, for a probe that expects a number.
    ///
    /// - Parameter number: returns the number; nil when there is none. It throws when that is unknown, and the
    ///   error's text is the reason. It should take a few seconds at most, and return early when `isCancelled` says
    ///   that the watch has to stop.
    public init(number: @escaping @Sendable (_ isCancelled: @Sendable () -> Bool) throws -> Double?) {
      self.init(givesNumber: true) { isCancelled in
        do { return try number(isCancelled).map { .number($0) } ?? .missing } catch {
          return .unknown("\(error)")
        }
      }
    }
  }
}
