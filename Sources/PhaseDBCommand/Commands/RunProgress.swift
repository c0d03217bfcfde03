internal import PhaseDB

/// Shows what happens while a plan runs. A step is said to be done only after its commit.
final class RunProgress {
  private let context: CommandContext
  private let bar: ProgressBar
  private var lastEvent: ContinuousClock.Instant?

  /// How often progress is reported to a program.
  private static let interval = Duration.seconds(1)

  init(context: CommandContext) {
    self.context = context
    bar = context.progressBar
  }

  /// Removes the bar, so that nothing is written into it.
  func end() { bar.end() }

  func show(_ event: Event) {
    if context.isJSON, tell(event) { return }
    switch event {
    case .batching(let id, let direction, let progress), .batchCommitted(let id, let direction, let progress):
      if !context.isQuiet { bar.show(id, direction, progress) }
      return
    default: bar.clear()
    }
    switch event {
    case .committed(let id, let direction, let times, let checkpoint):
      bar.end()
      let verb: Prose = direction == .up ? "applied " : "reversed"
      let rows = times.rows == 0 ? "" : ", \(CountText.text(times.rows, "row"))"
      let place = checkpoint == 0 ? "before the first phase" : "checkpoint \(checkpoint)"
      context.say(
        "\(context.paint(verb, .good)) \(id)  \(TimeText.text(.milliseconds(times.milliseconds)))\(rows), \(place)"
      )
    case .alreadyDone(let id, let direction):
      context.say("\(id) was already \(direction == .up ? "applied" : "reversed") by another runner")
    case .waiting(let id, let reason):
      context.note("\(id.short) waits: \(reason)")
    case .laneQueued(let name, _, let jobs, let oldest):
      context.progress("waiting for lane \(name): \(LaneCount(jobs, oldest: oldest).words("waiting"))")
    case .laneBusy(let name, _, let jobs, let oldest):
      context.progress("waiting for lane \(name): \(LaneCount(jobs, oldest: oldest).words("in flight"))")
    case .lanePausing(let name, _, let remaining):
      context.progress(
        "waiting for lane \(name): \(CountText.text(remaining.components.seconds)) s until everything must have ended"
      )
    case .laneHeld(let name, let id, let time):
      context.say(
        "lane \(name) is quiet and held for \(id.short), after \(TimeText.text(time))")
    case .laneKept(let name): context.say("lane \(name) stays held, for its watch or by hand")
    case .laneOpened(let name): context.say("lane \(name) is open again")
    case .laneAbsent(_, _, let reason): context.note(reason)
    case .laneStuck(let name, let reason):
      context.note(reason.contains("lane \(name)") ? reason : "lane \(name): \(reason)", always: true)
    case .tookOver(let holder):
      context.note("took over from \(holder), which is no longer running")
    case .baselineBegan:
      context.say("the database is empty: running the baseline")
    case .driftAccepted: context.say("the schema is recorded as it was found")
    case .batchPaused(let id, let reason, let detail, let resuming):
      context.note("\(id.short) pauses (\(reason.rawValue)): \(detail); \(resuming)")
    case .batchResumed(let id): context.note("\(id.short) continues")
    case .turningBack(let id, let reason):
      context.note("\(reason); every batch of \(id.short) is undone")
    case .switchesClosed(let id, let names, let waiting):
      guard !names.isEmpty else {
        context.say(
          "waiting \(TimeText.text(waiting)) before \(id.short) comes down, because its switch was closed a moment ago"
        )
        break
      }
      let list = names.map { "'\($0)'" as Prose }.joined(separator: ", ")
      context.say(
        "\(context.paint("closed  ", .good)) \(list); waiting \(TimeText.text(waiting)) before \(id.short) comes down"
      )
    case .effectsListed(let id, let rows, let unknown, let file, let failure):
      if unknown > 0 {
        context.note("what \(id.short) caused is unknown in part: phasedb log")
      }
      if let failure {
        context.note(
          "\(CountText.text(rows, "row")) of what \(id.short) caused are not listed: \(failure)")
      } else if let file {
        context.say("\(CountText.text(rows, "row")) of what \(id.short) caused: \(file)")
      }
    case .began, .verified, .batching, .batchCommitted: break
    }
  }

  /// Prints an event with numbers for a program; other events are printed in words.
  private func tell(_ event: Event) -> Bool {
    guard let payload = ProgressJSON(event) else { return false }
    if payload.event == "progress" {
      let now = ContinuousClock.now
      if let lastEvent, now - lastEvent < Self.interval { return true }
      lastEvent = now
    }
    // A lane that stays held stops an application, so this is reported even with `--quiet`.
    context.tell(payload, always: payload.event == "lane-stuck")
    return true
  }
}
