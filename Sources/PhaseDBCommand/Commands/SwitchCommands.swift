internal import PhaseDB

/// `phasedb switch list`: shows for which share each switch is on.
enum SwitchListCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .switchList, "switch", "list",
    summary: "show the switches, and to how many each is on",
    discussion:
      "A switch is made by an expand with @switch, for nobody at first. With NAME, also shows who is pinned and how far "
      + "its ramp is.",
    positionals: [
      Positional(.switchName, .name(.switch), optional: true, "the only switch to show, in full")
    ],
    options: [.wait, .database, .migrations, .format],
    examples: [
      .init("phasedb switch list", "show every switch"),
      .init("phasedb switch list new-pricing", "show who is pinned, too"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

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
  /// The rows of the table that parser, help and completions read.
  static let verbs = [
    Verb(
      .switchSet, "switch", "set",
      summary: "let a switch be on for so many percent",
      discussion:
        "Raising turns nobody off, and lowering turns nobody on: who is on at 10 % is on at 25 %. Raising waits for a run "
        + "that goes on; lowering does not. Ends a ramp of the switch.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.exposure, .percent, "for how many it is on, in steps of 0.01%"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log; needed"],
      examples: [
        .init("phasedb switch set new-pricing 25% --reason 'no complaints'", "let it be on for a quarter"),
        .init("phasedb switch set new-pricing 0.5% --reason 'first customers'", "begin small"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]
    ) { invocation throws(UsageError) in
      guard !invocation.has(.reason) else { return }
      throw UsageError(
        .missingArgument, "'switch set' needs --reason \"...\"", help: ["add --reason \"...\", for the log"])
    },
    Verb(
      .switchClose, "switch", "close",
      summary: "turn a switch off for everybody, at once",
      discussion:
        "Also for those who are pinned on. Nothing holds it up but another writer: no gate and no lease, and neither a "
        + "folder nor a schema that is not in order. Ends a ramp of the switch.",
      positionals: [Positional(.switchName, .name(.switch), "the switch")],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [
        .init("phasedb switch close new-pricing", "turn it off"),
        .init("phasedb switch close new-pricing --reason 'wrong totals'", "and say why"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchPin, "switch", "pin",
      summary: "turn a switch on or off for one subject, whatever its exposure",
      discussion:
        "The subject stands in the log, which nothing is removed from: use an id, and not an address. While somebody is "
        + "pinned off, a contract that waits for the switch is held.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.subject, .text("SUBJECT"), "whom it is asked about, as the application writes it"),
        Positional(.state, .choices(["on", "off"]), "what it answers"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [.init("phasedb switch pin new-pricing 4711 on", "turn it on for customer 4711")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchUnpin, "switch", "unpin",
      summary: "let the exposure decide for a subject again",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.subject, .text("SUBJECT"), "whom it is asked about"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [.init("phasedb switch unpin new-pricing 4711", "take the pin of customer 4711 away")],
      exitCodes: [.done, .refused, .busy, .usage]),
  ]

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let invocation = context.invocation
    let (name, reason) = (invocation.value(.switchName) ?? "", invocation.value(.reason) ?? "")
    let isClosing = invocation.verb == .switchClose
    // Pending phases are worth a note, but closing must not depend on any file.
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

/// `phasedb switch test`: shows the answer of a switch.
enum SwitchTestCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .switchTest, "switch", "test",
    summary: "show what a switch answers",
    discussion: "Asks with the query that applications use, and says from which exposure on it is on.",
    positionals: [
      Positional(.switchName, .name(.switch), "the switch"),
      Positional(.subjects, .text("SUBJECT"), repeated: true, "whom it is asked about"),
    ],
    options: [.wait, .database, .migrations, .format],
    examples: [.init("phasedb switch test new-pricing 4711 4712", "ask about two customers")],
    exitCodes: [.done, .refused, .busy, .usage])

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
      // It is on as soon as the exposure is larger than the bucket.
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
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .switchSQL, "switch", "sql",
    summary: "print the query with which an application asks a switch",
    discussion:
      "With NAME, only :subject is left to bind; without it, :name is, too. Needs no database.",
    positionals: [Positional(.switchName, .name(.switch), optional: true, "the switch")],
    options: [.database, .migrations, .format],
    examples: [.init("phasedb switch sql new-pricing", "print it for one switch")],
    exitCodes: [.done, .usage])

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
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .switchRamp, "switch", "ramp",
    summary: "raise a switch step by step, as long as the probes pass",
    discussion:
      "Each step is judged by the probes of the phase that made the switch, or of the migrate behind it. If one fails, the "
      + "switch is closed. With NAME alone, goes on with what the ledger knows, for instance after a restart. Exits with 0 "
      + "when the last step passed, 1 when too much was unknown or somebody set the switch meanwhile, 3 when a probe failed "
      + "and the switch was closed, 4 when it was stopped, and 5 while another process raises it.",
    positionals: [
      Positional(.switchName, .name(.switch), "the switch"),
      Positional(.steps, .percents, optional: true, "the exposures, one after the other: 1%,10%,100%"),
      Positional(.every, .choices(["every"]), optional: true, "stands before the duration"),
      Positional(.interval, .duration, optional: true, "how long each step is judged"),
    ],
    options: [.once, .wait, .database, .migrations, .format],
    wording: [.once: "take the sample that is due, and stop: for cron or a timer"],
    examples: [
      .init("phasedb switch ramp new-pricing 1%,10%,50%,100% every 30m", "raise it within two hours"),
      .init("phasedb switch ramp new-pricing", "go on after a restart"),
    ],
    exitCodes: [.done, .findings, .refused, .undone, .partWay, .busy, .usage], check: check)

  /// Refuses steps without a duration, and a duration without steps.
  @Sendable private static func check(_ invocation: Invocation) throws(UsageError) {
    let order: [ArgumentID] = [.steps, .every, .interval]
    let given = order.filter(invocation.has)
    if invocation.duration(.interval) == .zero {
      throw UsageError(.badDuration, "each step of 'switch ramp' must be judged for longer than 0s")
    }
    guard given.isEmpty || given == order else {
      throw UsageError(
        .missingArgument, "'switch ramp' needs steps and how long each is judged, or neither",
        help: ["write for example: phasedb switch ramp NAME 1%,10%,50%,100% every 30m"])
    }
  }

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
  /// The pins; this and the last ramp only when one switch is asked for.
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
