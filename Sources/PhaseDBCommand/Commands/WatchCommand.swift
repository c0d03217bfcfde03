internal import PhaseDB

/// `phasedb watch`: continues watches, or decides about them.
enum WatchCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .watch, "watch",
    summary: "watch phases that went up, and reverse them when that is their watch's",
    discussion:
      "Goes on with every watch that is open, from what the ledger knows, until each has a verdict. Exits with 0 when all "
      + "passed, 1 when one is unclear, 3 when one failed and came down by itself, 4 when one failed and did not or the "
      + "command was stopped, and 5 while another process watches. With waive, PHASE counts as passed; with freeze, "
      + "nothing comes down by itself until unfreeze.",
    positionals: [
      Positional(
        .action, .choices(WatchCommand.Action.allCases.map(\.rawValue)), optional: true,
        "what to decide (default: watch)"),
      Positional(.phase, .name(.phase), optional: true, "with waive: the phase"),
    ],
    options: [.once, .freezeTime, .effects, .reason, .live, .wait, .database, .migrations, .format],
    wording: [
      .reason: "with waive and freeze: why, for the log",
      .freezeTime: "with freeze: after which time it ends by itself",
    ],
    examples: [
      .init("phasedb watch", "go on watching until there is a verdict"),
      .init("phasedb watch --once", "take the samples that are due, for cron or a timer"),
      .init("phasedb watch waive 0003/migrate --reason 'seen in staging'", "take the answer on yourself"),
      .init("phasedb watch freeze --for 2h --reason 'network works'", "let nothing come down by itself"),
    ],
    exitCodes: [.done, .findings, .refused, .undone, .partWay, .busy, .usage], check: check)

  /// A decision of an operator.
  enum Action: String, CaseIterable {
    case waive, freeze, unfreeze
  }

  /// Checks the arguments that a decision requires and other actions do not have.
  @Sendable private static func check(_ invocation: Invocation) throws(UsageError) {
    let action = invocation.value(.action).flatMap(Action.init)
    let name = "watch" + (action.map { " \($0.rawValue)" } ?? "")
    let allowed: [ArgumentID]
    switch action {
    case .waive:
      try invocation.require([.phase: "PHASE", .reason: "--reason \"...\""], for: name)
      allowed = [.phase, .reason]
    case .freeze:
      try invocation.require([.reason: "--reason \"...\""], for: name)
      allowed = [.reason, .freezeTime]
    case .unfreeze: allowed = []
    case nil: allowed = [.once]
    }
    try invocation.refuse(
      [.phase: "PHASE", .reason: "'--reason'", .freezeTime: "'--for'", .once: "'--once'"], but: allowed,
      for: name)
  }

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    // The way back is in the ledger; the settings have the probes.
    let location = try Location(context, reading: .readable)
    let migrator = try location.migrator(.writing, context)
    let reason = context.invocation.value(.reason) ?? ""
    switch context.invocation.value(.action).flatMap(Action.init) {
    case .waive:
      let watch = try migrator.waive(context.invocation.value(.phase) ?? "", reason: reason)
      if context.isJSON { try context.print(json: WatchesJSON([watch])) }
      context.say("\(context.paint("waived", .good)) the watch of \(watch.phase): \(reason)")
      context.suggest("phasedb plan")
    case .freeze:
      try migrator.freeze(for: context.invocation.duration(.freezeTime), reason: reason)
      return try conclude(frozen: migrator, context)
    case .unfreeze:
      try migrator.unfreeze()
      return try conclude(frozen: migrator, context)
    case nil:
      StopSignals.handle()
      let run = WatchRun(migrator, context, onWatch: location.settings.onWatch)
      let watches = try run.watch(once: context.invocation.flag(.once))
      if context.isJSON { try context.print(json: WatchesJSON(watches)) }
      if watches.isEmpty { context.say("no phase is watched") }
      let code = WatchRun.exitCode(of: watches)
      run.suggest(after: watches)
      return code
    }
    return .done
  }

  private static func conclude(
    frozen migrator: Migrator, _ context: CommandContext
  ) throws(MigrationError) -> ExitCode {
    let freeze = try migrator.presentFreeze()
    if context.isJSON { try context.print(json: WatchesJSON([], freeze: freeze)) }
    context.say(freeze?.sentence ?? "watches may reverse again")
    context.suggest(freeze == nil ? "phasedb status" : "phasedb watch unfreeze")
    return .done
  }
}

/// Watches in the foreground, and prints each event.
struct WatchRun {
  private let migrator: Migrator
  private let context: CommandContext
  private let teller: ProbeProgram?

  /// - Parameter onWatch: the command that gets each verdict.
  init(_ migrator: Migrator, _ context: CommandContext, onWatch: [String]?) {
    (self.migrator, self.context) = (migrator, context)
    teller = onWatch.map {
      ProbeProgram(words: $0, environment: context.environment, timeLimit: .seconds(10))
    }
  }

  func watch(once: Bool = false) throws(MigrationError) -> [WatchRecord] {
    let progress = RunProgress(context: context)
    defer { progress.end() }
    var last: [PhaseID: [String: Sample.Outcome]] = [:]
    do throws(MigrationError) {
      return try migrator.watch(once: once) { event in
        switch event {
        case .sampled(let id, let stage, let samples):
          let outcomes = samples.mapValues(\.outcome)
          show(id, stage, samples, isNews: last[id] != outcomes)
          last[id] = outcomes
        case .notRecorded(let id, let reason):
          context.note("a sample of \(id.short) was lost: \(reason)")
        case .verdict(let watch): show(watch)
        case .reversing(let event): progress.show(event)
        }
      }
    } catch {
      guard error.id == .interrupted else { throw error }
      var error = error
      error.standing = .partWay
      error.state = "the watch stays open, with every sample that was taken"
      error.help = ["go on: phasedb watch"]
      throw error
    }
  }

  private func show(
    _ id: PhaseID, _ stage: WatchEvent.Stage, _ samples: [String: Sample], isNews: Bool
  ) {
    if context.isJSON {
      return context.tell(SampleJSON(id, stage, samples))
    }
    let bad = samples.filter { $0.value.outcome != .passes }.sorted { $0.key < $1.key }
    guard isNews || !bad.isEmpty else { return }
    let place: Prose =
      switch stage {
      case .settling: "settling"
      case .judged(let round, let count): "sample \(round) of \(count)"
      case .contained: "after the switch was closed"
      case .afterwards: "after the way back"
      }
    guard !bad.isEmpty else {
      return context.progress(
        "watching \(id.short), \(place): every probe passes")
    }
    for (title, sample) in bad {
      context.progress(
        "watching \(id.short), \(place): '\(title)' \(sample.outcome == .fails ? "fails" : "is unknown"): \(sample.reason)"
      )
    }
  }

  private func show(_ watch: WatchRecord) {
    if let teller, let text = try? JSONText.line(command: "watch", WatchJSON(watch)),
      let trouble = teller.tell(text.raw)
    {
      context.note("onWatch: \(trouble)")
    }
    if context.isJSON { return context.tell(VerdictJSON(watch)) }
    context.say("\(context.paint(watch.words, watch.style)) ", "\(watch.phase): \(watch.detail)", indent: 2)
  }

  /// The code of the worst verdict.
  static func exitCode(of watches: [WatchRecord]) -> ExitCode {
    let codes: [ExitCode] = watches.map { watch in
      switch watch.verdict {
      case .watching, .passed, .waived, .ended: .done
      case .unclear: .findings
      case .checking, .reversed, .reversedNoHelp: .undone
      case .failed, .reversing, .containing, .contained: .partWay
      }
    }
    return codes.max { $0.rawValue < $1.rawValue } ?? .done
  }

  func suggest(after watches: [WatchRecord]) {
    guard let worst = watches.max(by: { Self.exitCode(of: [$0]).rawValue < Self.exitCode(of: [$1]).rawValue })
    else {
      return context.suggest("phasedb status")
    }
    switch worst.verdict {
    case .failed where worst.reversal != nil:
      context.suggest("phasedb status", after: "see what is still up, and finish the way back")
    case .failed, .reversing:
      context.suggest("phasedb down", after: "decide whether \(worst.phase.short) stays")
    case .contained:
      context.suggest(
        "phasedb status \(worst.phase.short)",
        after: "find out why, and raise the switch again or take the phase down")
    case .watching, .containing, .checking: context.suggest("phasedb watch")
    case .unclear:
      context.suggest("phasedb status \(worst.phase.short)", after: "find out why the probes cannot tell")
    case .passed, .waived, .ended: context.suggest("phasedb plan")
    case .reversed, .reversedNoHelp: context.suggest("phasedb log")
    }
  }
}

extension WatchRecord {
  /// `0003/migrate: watching, sample 12 of 60`.
  var sentence: Prose { "\(phase.short): \(state)" }

  /// The verdict, with how far it is or why.
  var state: Prose {
    let count = text.watch?.rounds ?? 0
    let detail: Prose = detail.isEmpty ? "" : ": \(self.detail)"
    return switch verdict {
    case .watching where judgement.rounds == 0: "settling, \(CountText.text(count, "sample")) to come"
    case .watching: "watching, sample \(judgement.rounds) of \(count)"
    default: "\(verdict.rawValue)\(detail)"
    }
  }

  /// The verdict as a person reads it.
  var words: Prose {
    switch verdict {
    case .watching: "watching"
    case .passed: "passed"
    case .unclear: "unclear"
    case .containing: "failed, switch closed"
    case .contained: "contained"
    case .failed: "failed"
    case .reversing: "failed, reversing"
    case .checking: "reversed, checking"
    case .reversed: "reversed"
    case .reversedNoHelp: "REVERSED, AND IT DID NOT HELP:"
    case .waived: "waived"
    case .ended: "ended"
    }
  }

  var style: Style {
    switch verdict {
    case .passed, .waived: .good
    case .watching, .ended: .heading
    case .unclear, .checking, .containing, .contained: .warning
    case .failed, .reversing, .reversed, .reversedNoHelp: .bad
    }
  }
}

// MARK: - JSON

/// A watch as `--format json` prints it.
struct WatchJSON: Encodable {
  let phase: String
  let verdict: String
  let detail: String
  let failed: String?
  let since: String
  let beat: String
  let samples: Int
  let ofSamples: Int
  let reversal: Int64?

  init(_ watch: WatchRecord) {
    phase = watch.phase.description
    verdict = watch.verdict.rawValue
    detail = watch.detail
    failed = watch.failed.isEmpty ? nil : watch.failed
    since = watch.since.text
    beat = watch.beat.text
    samples = watch.judgement.rounds
    ofSamples = watch.text.watch?.rounds ?? 0
    reversal = watch.reversal
  }
}

/// The watches as `--format json` prints them.
private struct WatchesJSON: Encodable {
  let watches: [WatchJSON]
  let freeze: FreezeJSON?

  init(_ watches: [WatchRecord], freeze: Freeze? = nil) {
    self.watches = watches.map(WatchJSON.init)
    self.freeze = freeze.map(FreezeJSON.init)
  }
}

/// The pause of all automatic reversals.
struct FreezeJSON: Encodable {
  let who: String
  let reason: String
  let until: String?

  init(_ freeze: Freeze) { (who, reason, until) = (freeze.who, freeze.reason, freeze.until?.text) }
}

/// A sample, told on standard error.
struct SampleJSON: Encodable {
  let event = "sample"
  let phase: String
  /// `settling`, `judged`, `contained` or `afterwards`.
  let stage: String
  /// Of a sample that is judged, its number and how many there are.
  let sample: Int?
  let ofSamples: Int?
  let probes: [Shown]

  struct Shown: Encodable {
    let probe: String
    let outcome: String
    let value: Double?
    let reason: String?
  }

  init(_ id: PhaseID, _ stage: WatchEvent.Stage, _ samples: [String: Sample]) {
    phase = id.description
    switch stage {
    case .settling: (self.stage, sample, ofSamples) = ("settling", nil, nil)
    case .judged(let round, let count): (self.stage, sample, ofSamples) = ("judged", round, count)
    case .contained: (self.stage, sample, ofSamples) = ("contained", nil, nil)
    case .afterwards: (self.stage, sample, ofSamples) = ("afterwards", nil, nil)
    }
    probes = Self.shown(samples)
  }

  static func shown(_ samples: [String: Sample]) -> [Shown] {
    samples.sorted { $0.key < $1.key }.map { title, sample in
      Shown(
        probe: title, outcome: sample.outcome.rawValue, value: sample.value,
        reason: sample.reason.isEmpty ? nil : sample.reason)
    }
  }
}

/// A verdict, told on standard error.
private struct VerdictJSON: Encodable {
  let event = "verdict"
  let watch: WatchJSON

  init(_ watch: WatchRecord) { self.watch = WatchJSON(watch) }
}
