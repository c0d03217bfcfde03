internal import PhaseDB

/// An event of a run, as `--format json` prints it on standard error: one object a line.
struct ProgressJSON: Encodable {
  /// `progress`, `paused`, `resumed`, `turning-back`, `lane-waiting`, `lane-held`, `lane-kept`, `lane-opened`, `lane-stuck`, `switches-closed` or `effects`.
  let event: String
  let phase: String?
  var direction: String?
  var progress: Numbers?
  var pause: Pause?
  var reason: Prose?
  var lane: String?
  /// `in-flight`, `waiting` or `time`.
  var waitingFor: String?
  var jobs: Int?
  var oldestMilliseconds: Double?
  var milliseconds: Double?
  var switches: [String]?
  var waitMilliseconds: Double?
  /// For the event `effects`, the number of rows counted before a way down.
  var rows: Int?
  var file: String?

  /// Its keys are those of the same numbers in `status`.
  struct Numbers: Encodable {
    let rows: Int
    let fraction: Double?
    let rowsPerSecond: Double
    let batchSize: Int
    let holdMilliseconds: Double
    let holdP50Milliseconds: Double
    let holdP99Milliseconds: Double
    let pauseMilliseconds: Double
    /// Nil while it is being estimated.
    let remainingMilliseconds: Double?

    init(_ progress: Event.BatchProgress) {
      rows = progress.rows
      fraction = progress.fraction
      rowsPerSecond = progress.rowsPerSecond
      batchSize = progress.batchSize
      holdMilliseconds = progress.hold.last
      holdP50Milliseconds = progress.hold.median
      holdP99Milliseconds = progress.hold.p99
      pauseMilliseconds = progress.pauseMilliseconds
      remainingMilliseconds = progress.remaining?.milliseconds
    }
  }

  struct Pause: Encodable {
    let reason: String
    let detail: Prose
    let resuming: Prose

    init(reason: String, detail: Prose, resuming: Prose) {
      (self.reason, self.detail, self.resuming) = (reason, detail, resuming)
    }

    init(_ pause: BatchPause) {
      self.init(reason: pause.reason.rawValue, detail: pause.detail, resuming: pause.resuming)
    }
  }

  /// Nil for an event that is reported in another way.
  init?(_ event: Event) {
    switch event {
    case .batching(let id, let direction, let progress), .batchCommitted(let id, let direction, let progress):
      self.init(
        event: "progress", phase: id.description, direction: direction.rawValue, progress: Numbers(progress))
    case .batchPaused(let id, let reason, let detail, let resuming):
      self.init(
        event: "paused", phase: id.description,
        pause: Pause(reason: reason.rawValue, detail: detail, resuming: resuming))
    case .batchResumed(let id): self.init(event: "resumed", phase: id.description)
    case .turningBack(let id, let reason):
      self.init(event: "turning-back", phase: id.description, reason: reason)
    case .laneQueued(let name, let id, let jobs, let oldest),
      .laneBusy(let name, let id, let jobs, let oldest):
      self.init(event: "lane-waiting", phase: id.description)
      lane = name
      if case .laneBusy = event { waitingFor = "in-flight" } else { waitingFor = "waiting" }
      self.jobs = jobs
      oldestMilliseconds = oldest?.milliseconds
    case .lanePausing(let name, let id, let remaining):
      self.init(event: "lane-waiting", phase: id.description)
      lane = name
      waitingFor = "time"
      oldestMilliseconds = remaining.milliseconds
    case .laneHeld(let name, let id, let time):
      self.init(event: "lane-held", phase: id.description)
      lane = name
      milliseconds = time.milliseconds
    case .laneKept(let name):
      self.init(event: "lane-kept")
      lane = name
    case .laneOpened(let name):
      self.init(event: "lane-opened")
      lane = name
    case .laneStuck(let name, let why):
      self.init(event: "lane-stuck", reason: why)
      lane = name
    case .switchesClosed(let id, let names, let waiting):
      self.init(event: "switches-closed", phase: id.description)
      (switches, waitMilliseconds) = (names, waiting.milliseconds)
    case .effectsListed(let id, let rows, _, let file, let failure):
      self.init(event: "effects", phase: id.description, reason: failure)
      (self.rows, self.file) = (rows, file)
    default: return nil
    }
  }

  private init(
    event: String, phase: String? = nil, direction: String? = nil, progress: Numbers? = nil,
    pause: Pause? = nil,
    reason: Prose? = nil
  ) {
    self.event = event
    self.phase = phase
    self.direction = direction
    self.progress = progress
    self.pause = pause
    self.reason = reason
  }
}
