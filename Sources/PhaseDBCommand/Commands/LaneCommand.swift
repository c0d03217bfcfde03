internal import PhaseDB

/// `phasedb lane`: shows lanes, or holds one and lets it go by hand.
enum LaneCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .lane, "lane",
    summary: "show the lanes that phases hold, or hold one and let it go by hand",
    discussion:
      "A lane is a job queue or an outgoing integration that phasedb.json names and a phase holds with @lane: nothing new "
      + "is begun there while the phase runs. With list, shows each lane, who holds it, and what is in flight and waits. "
      + "With hold, holds LANE by hand until --for is over. With release, lets LANE go, whoever holds it: after a crash, or "
      + "when it has to be.",
    positionals: [
      Positional(
        .laneAction, .choices(LaneCommand.Action.allCases.map(\.rawValue)), optional: true,
        "what to do (default: list)"),
      Positional(.lane, .name(.lane), optional: true, "with hold and release: the lane"),
    ],
    options: [.freezeTime, .reason, .wait, .database, .migrations, .format],
    wording: [
      .freezeTime: "with hold: after which time it is open by itself",
      .reason: "with hold and release: why, for the log",
    ],
    examples: [
      .init("phasedb lane list", "show what is held, what is in flight and what waits"),
      .init("phasedb lane hold mail --for 10m --reason 'provider is down'", "hold a lane by hand"),
      .init("phasedb lane release mail --reason 'run was killed'", "let it go"),
    ],
    exitCodes: [.done, .refused, .busy, .usage], check: check)

  /// What an operator does.
  enum Action: String, CaseIterable {
    case list, hold, release
  }

  /// What holding a lane by hand needs, and what the others do not know.
  @Sendable private static func check(_ invocation: Invocation) throws(UsageError) {
    let action = invocation.value(.laneAction).flatMap(Action.init) ?? .list
    let name = "lane \(action.rawValue)"
    let allowed: [ArgumentID]
    switch action {
    case .list: allowed = []
    case .hold:
      try invocation.require(
        [.lane: "LANE", .freezeTime: "--for 10m", .reason: "--reason \"...\""], for: name)
      allowed = [.lane, .freezeTime, .reason]
    case .release:
      try invocation.require([.lane: "LANE", .reason: "--reason \"...\""], for: name)
      allowed = [.lane, .reason]
    }
    if invocation.duration(.freezeTime) == .zero {
      throw UsageError(.badDuration, "'lane hold' must hold for longer than 0s", help: ["add --for 10m"])
    }
    try invocation.refuse(
      [.lane: "LANE", .freezeTime: "'--for'", .reason: "'--reason'"], but: allowed, for: name)
  }

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context, reading: .none)
    let action = context.invocation.value(.laneAction).flatMap(Action.init) ?? .list
    let name = context.invocation.value(.lane) ?? ""
    let reason = context.invocation.value(.reason) ?? ""
    let migrator = try location.migrator(action == .list ? .reading : .writing, context)
    switch action {
    case .list:
      let lanes = try migrator.laneStandings()
      if context.isJSON { try context.print(json: LanesJSON(lanes)) } else { print(lanes, to: context) }
    case .hold:
      let lane = try migrator.holdLane(
        name, for: context.invocation.duration(.freezeTime) ?? .seconds(600), reason: reason)
      if context.isJSON { try context.print(json: LanesJSON([lane])) }
      context.say("", lane.sentence, indent: 2)
      if let busy = lane.busy, busy.jobs > 0 { context.say("\(busy.words("still in flight"))") }
      if lane.opens == nil {
        context.say("", "nothing but a command opens it: phasedb lane release \(ShellWord(name))", indent: 2)
      }
      context.suggest("phasedb lane release \(ShellWord(name)) --reason \"...\"")
    case .release:
      try migrator.releaseLane(name, reason: reason)
      if context.isJSON {
        try context.print(json: LanesJSON(try migrator.laneStandings().filter { $0.name == name }))
      }
      context.say("lane \(name) is open")
      context.suggest("phasedb lane list")
    }
    return .done
  }

  private static func print(_ lanes: [LaneStanding], to context: CommandContext) {
    guard !lanes.isEmpty else {
      return context.say("no lanes: phasedb.json names none, and none was ever held")
    }
    var table = TextTable(
      .init("lane"), .init("state"), .init("in flight", .right), .init("oldest", .right),
      .init("waiting", .right), .init("remark"))
    for lane in lanes {
      let isOpen = lane.state == .open
      table.add(
        .init(lane.name), .init(lane.state.rawValue, isOpen ? .good : lane.isAbandoned ? .bad : .warning),
        .init(lane.busy.map { CountText.text($0.jobs) } ?? "?"),
        .init(lane.busy?.oldest.map { "\(CountText.text($0.components.seconds)) s" } ?? ""),
        .init(lane.waiting.map { CountText.text($0.jobs) } ?? "?"),
        lane.trouble.map { .init("\($0)", .bad) } ?? .init(""))
    }
    context.print(table)
    for lane in lanes where lane.state != .open || lane.isUnheld {
      context.say("", lane.sentence, indent: 2)
    }
  }
}

// MARK: - JSON

/// A lane as `--format json` prints it.
struct LaneJSON: Encodable {
  let lane: String
  /// `holding`, `held` or `open`.
  let state: String
  let since: String?
  let phase: String?
  /// The checkpoint whose watch it stays held for.
  let watch: Int64?
  let reason: String?
  let byHandUntil: String?
  let holder: String?
  let abandoned: Bool
  /// When it is open by itself.
  let opens: String?
  let inFlight: Int?
  let oldestMilliseconds: Double?
  let waiting: Int?
  let trouble: Prose?

  init(_ lane: LaneStanding) {
    let record = lane.state == .open ? nil : lane.record
    self.lane = lane.name
    state = lane.state.rawValue
    since = lane.record?.since.text
    phase = record.flatMap { $0.phase.isEmpty ? nil : $0.phase }
    watch = record?.watch
    reason = record.flatMap { $0.reason.isEmpty ? nil : $0.reason }
    byHandUntil = record?.byHand?.text
    holder = record.map { "\($0.holder.user) on \($0.holder.host) (process \($0.holder.processID))" }
    abandoned = lane.isAbandoned && lane.state != .open
    opens = lane.opens?.text
    inFlight = lane.busy?.jobs
    oldestMilliseconds = lane.busy?.oldest?.milliseconds
    waiting = lane.waiting?.jobs
    trouble = lane.trouble
  }
}

/// What a phase needs of a lane, in a plan.
struct LaneUseJSON: Encodable {
  let lane: String
  /// `idle` or `empty`.
  let need: String
  let withinMilliseconds: Double
  let throughWatch: Bool

  init(_ use: LaneUse) {
    lane = use.lane
    need = use.need.rawValue
    withinMilliseconds = use.limit.milliseconds
    throughWatch = use.isThroughWatch
  }
}

/// What `lane` prints.
private struct LanesJSON: Encodable {
  let lanes: [LaneJSON]

  init(_ lanes: [LaneStanding]) { self.lanes = lanes.map(LaneJSON.init) }
}
