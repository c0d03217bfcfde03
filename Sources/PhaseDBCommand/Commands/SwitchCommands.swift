internal import PhaseDB

/// `phasedb switch list`: to how many each switch is on.
enum SwitchListCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.reading, context)
    if let name = context.invocation.value(.switchName) {
      let (record, members, ramp) = try migrator.switchDetails(name)
      if context.isJSON {
        try context.print(json: SwitchesJSON([SwitchJSON(record, members, ramp)]))
      } else {
        print(record, members, ramp, to: context)
      }
      return .done
    }
    let switches = try migrator.switches()
    if context.isJSON {
      try context.print(json: SwitchesJSON(switches.map { SwitchJSON($0) }))
      return .done
    }
    guard !switches.isEmpty else {
      context.say("there is no switch: an expand with -- @switch NAME makes one")
      return .done
    }
    var table = TextTable(
      .init("switch"), .init("on for", .right), .init("pinned on", .right, dropped: 2),
      .init("pinned off", .right, dropped: 2), .init("full since", dropped: 1), .init("changed", dropped: 3),
      .init("by", dropped: 4), .init("why"), overflow: .isCut)
    for record in switches {
      table.add(
        .init(record.name), .init("\(record.exposure)"), .init(count(record.pinnedOn)),
        .init(count(record.pinnedOff)), .init(record.fullSince?.minute ?? ""),
        .init(record.changedAt.minute), .init(record.changedBy), .init(record.reason))
    }
    context.print(table)
    return .done
  }

  private static func count(_ number: Int) -> String { number == 0 ? "" : CountText.text(number) }

  private static func print(
    _ record: SwitchRecord, _ members: [SwitchMember], _ ramp: RampRecord?, to context: CommandContext
  ) {
    context.print("switch", Prose(record.name))
    context.print("on for", Prose(record.exposure))
    if let since = record.fullSince { context.print("full", "for everybody since \(since)") }
    if let closed = record.closedAt { context.print("closed", Prose(closed)) }
    context.print("changed", "\(record.changedAt) by \(record.changedBy): \(record.reason)")
    if let ramp { context.print("ramp", ramp.sentence) }
    for member in members {
      let why: Prose = member.reason.isEmpty ? "" : ": \(member.reason)"
      context.print(member.isOn ? "pinned on" : "pinned off", "\(member.subject)\(why)")
    }
  }
}

/// `phasedb switch set`, `close`, `pin` and `unpin`: changes of a switch.
enum SwitchChangeCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let invocation = context.invocation
    let (name, reason) = (invocation.value(.switchName) ?? "", invocation.value(.reason) ?? "")
    let isClosing = invocation.verb == .switchClose
    // What is pending is worth a note; closing waits for no file.
    let location = try Location(context, reading: isClosing ? .none : .readable)
    let migrator = try location.migrator(.writing, context)
    let change: SwitchChange
    let done: Prose
    switch invocation.verb {
    case .switchClose:
      change = try migrator.closeSwitch(name, reason: reason)
      done = "closed '\(name)', which was at \(change.before.standing)"
    case .switchPin:
      let (subject, state) = (invocation.value(.subject) ?? "", invocation.value(.state) ?? "")
      change = try migrator.pin(subject, state == "on", of: name, reason: reason)
      done = "'\(name)' is \(state) for \(subject)"
    case .switchUnpin:
      let subject = invocation.value(.subject) ?? ""
      change = try migrator.pin(subject, nil, of: name, reason: reason)
      done = "'\(name)' is no longer pinned for \(subject)"
    default:
      let exposure = (try? Exposure(invocation.value(.exposure) ?? "")) ?? .none
      change = try migrator.setSwitch(name, to: exposure, reason: reason)
      done = "'\(name)' is on for \(change.after.standing), before for \(change.before.standing)"
    }
    for note in change.notes { context.note(note) }
    if context.isJSON {
      try context.print(json: SwitchesJSON([SwitchJSON(change.after)]))
      return .done
    }
    context.say(
      change.isChange
        ? context.paint(done, .good) : "nothing to change: '\(name)' is at \(change.after.standing)")
    context.suggest("phasedb switch list")
    return .done
  }
}

/// `phasedb switch test`: what a switch answers.
enum SwitchTestCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.reading, context)
    let answers = try migrator.ask(
      context.invocation.value(.switchName) ?? "", context.invocation.values(.subjects))
    if context.isJSON {
      try context.print(json: AnswersJSON(answers: answers.map(AnswersJSON.AnswerJSON.init)))
      return .done
    }
    var table = TextTable(.init("subject"), .init("answer"), .init("why"))
    for answer in answers {
      // On once the exposure is larger than the bucket.
      let why = answer.pin.map { $0 ? "pinned on" : "pinned off" } ?? "on above \(answer.threshold)"
      table.add(
        .init(answer.subject), .init(answer.isOn ? "on" : "off", answer.isOn ? .good : nil), .init(why))
    }
    context.print(table)
    return .done
  }
}

extension SwitchAnswer {
  /// The exposure above which it is on, as in `12.34 %`.
  fileprivate var threshold: String {
    let fraction = bucket % 100
    return "\(bucket / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
  }
}

/// `phasedb switch sql`: the query with which an application asks.
enum SwitchSQLCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let sql = context.invocation.value(.switchName).map(SwitchQuery.sql) ?? SwitchQuery.sql
    if context.isJSON {
      try context.print(json: QueryJSON(sql: sql))
    } else {
      for line in sql.split(separator: "\n") { context.print("\(whole: String(line))\n") }
    }
    return .done
  }
}

/// `phasedb switch ramp`: raises a switch step by step.
enum SwitchRampCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let invocation = context.invocation
    let name = invocation.value(.switchName) ?? ""
    // The probes are in the ledger and in the settings.
    let migrator = try Location(context, reading: .none).migrator(.writing, context)
    let steps = invocation.values(.steps).compactMap { try? Exposure($0) }
    let order = invocation.duration(.interval).map { RampOrder(steps, every: $0) }
    StopSignals.handle()
    let ramp: RampRecord
    do throws(MigrationError) {
      ramp = try migrator.ramp(name, order, once: invocation.flag(.once)) { show($0, context) }
    } catch {
      guard error.id == .interrupted else { throw error }
      var error = error
      error.standing = .partWay
      error.state = "the switch stays where it is, and so does the ramp"
      error.help = [
        "go on: phasedb switch ramp \(ShellWord(name))",
        "or close the switch: phasedb switch close \(ShellWord(name))",
      ]
      throw error
    }
    if context.isJSON {
      try context.print(json: RampsJSON(ramp: RampJSON(ramp)))
    } else {
      context.suggest(ramp.isOpen ? "phasedb switch ramp \(ShellWord(name))" : "phasedb switch list")
    }
    return switch ramp.verdict {
    case .ramping, .passed: .done
    case .unclear, .ended: .findings
    case .failed: .undone
    }
  }

  private static func show(_ event: RampEvent, _ context: CommandContext) {
    if context.isJSON { return context.tell(RampEventJSON(event)) }
    switch event {
    case .raised(let ramp):
      context.say(
        "\(context.paint("raised", .good)) '\(ramp.name)' to \(ramp.exposure), \(ramp.place), judged for \(TimeText.text(ramp.every))"
      )
    case .sampled(let ramp, let samples):
      for (title, sample) in samples.sorted(by: { $0.key < $1.key }) where sample.outcome != .passes {
        context.progress(
          "'\(ramp.name)' at \(ramp.exposure): '\(title)' \(sample.outcome == .fails ? "fails" : "is unknown"): \(sample.reason)"
        )
      }
    case .waits(let ramp, let reason): context.note("'\(ramp.name)' waits at \(ramp.exposure): \(reason)")
    case .ended(let ramp):
      let style: Style = ramp.verdict == .passed ? .good : ramp.verdict == .failed ? .bad : .warning
      context.say("\(context.paint(ramp.words, style)) '\(ramp.name)': \(ramp.detail)")
    }
  }
}

extension RampRecord {
  /// The verdict as a person reads it.
  fileprivate var words: Prose {
    switch verdict {
    case .ramping: "going on"
    case .passed: "passed"
    case .unclear: "unclear"
    case .failed: "failed and closed"
    case .ended: "ended"
    }
  }

  /// `step 2 of 4, at 10 %`.
  fileprivate var sentence: Prose {
    let detail: Prose = detail.isEmpty ? "" : ": \(self.detail)"
    return isOpen ? "\(place), since \(since)" : "\(words)\(detail)"
  }
}

// MARK: - JSON

/// A switch as `--format json` prints it.
struct SwitchJSON: Encodable {
  let name: String
  let percent: Double
  let pinnedOn: Int
  let pinnedOff: Int
  let fullSince: String?
  let closedAt: String?
  let changedAt: String
  let changedBy: String
  let reason: String
  /// Of one switch alone, who is pinned, and its last ramp.
  let pins: [PinJSON]?
  let ramp: RampJSON?

  struct PinJSON: Encodable {
    let subject: String
    let on: Bool
    let reason: String
  }

  init(_ record: SwitchRecord, _ members: [SwitchMember]? = nil, _ ramp: RampRecord? = nil) {
    name = record.name
    percent = record.exposure.percent
    (pinnedOn, pinnedOff) = (record.pinnedOn, record.pinnedOff)
    (fullSince, closedAt) = (record.fullSince?.text, record.closedAt?.text)
    (changedAt, changedBy, reason) = (record.changedAt.text, record.changedBy, record.reason)
    pins = members?.map { PinJSON(subject: $0.subject, on: $0.isOn, reason: $0.reason) }
    self.ramp = ramp.map(RampJSON.init)
  }
}

private struct SwitchesJSON: Encodable {
  let switches: [SwitchJSON]

  init(_ switches: [SwitchJSON]) { self.switches = switches }
}

private struct AnswersJSON: Encodable {
  let answers: [AnswerJSON]

  struct AnswerJSON: Encodable {
    let subject: String
    let on: Bool
    let bucket: Int
    /// True or false when it is pinned on or off.
    let pinned: Bool?

    init(_ answer: SwitchAnswer) {
      (subject, on, bucket, pinned) = (answer.subject, answer.isOn, answer.bucket, answer.pin)
    }
  }
}

private struct QueryJSON: Encodable {
  let sql: String
}

/// How far a switch is raised.
struct RampJSON: Encodable {
  let name: String
  let steps: [Double]
  let step: Int
  let everyMilliseconds: Double
  let verdict: String
  let detail: String
  let since: String
  let beat: String

  init(_ ramp: RampRecord) {
    name = ramp.name
    steps = ramp.steps.map(\.percent)
    step = ramp.step
    everyMilliseconds = ramp.every.milliseconds
    (verdict, detail) = (ramp.verdict.rawValue, ramp.detail)
    (since, beat) = (ramp.since.text, ramp.beat.text)
  }
}

private struct RampsJSON: Encodable {
  let ramp: RampJSON
}

/// What happens while a switch is raised, told on standard error.
private struct RampEventJSON: Encodable {
  /// `ramp-sample`, `ramp-raised`, `ramp-waits` or `ramp-ended`.
  let event: String
  let ramp: RampJSON
  var probes: [SampleJSON.Shown]?
  var reason: Prose?

  init(_ event: RampEvent) {
    switch event {
    case .sampled(let ramp, let samples):
      (self.event, self.ramp, probes) = ("ramp-sample", RampJSON(ramp), SampleJSON.shown(samples))
    case .raised(let ramp): (self.event, self.ramp) = ("ramp-raised", RampJSON(ramp))
    case .waits(let ramp, let reason):
      (self.event, self.ramp, self.reason) = ("ramp-waits", RampJSON(ramp), reason)
    case .ended(let ramp): (self.event, self.ramp) = ("ramp-ended", RampJSON(ramp))
    }
  }
}
