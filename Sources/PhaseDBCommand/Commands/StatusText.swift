internal import PhaseDB

/// The state of a database for a person: a few facts, a line for each phase, and the problems.
struct StatusText {
  private let status: Status

  init(_ status: Status) { self.status = status }

  func print(to context: CommandContext) {
    context.print("database", "\(status.database)\(status.isThere ? "" : " (not made yet)")\(standing)")
    if !status.checkIns.isEmpty {
      context.print("live", status.checkIns.sentence)
    }
    if !status.live.isEmpty { context.print("allowed", status.live.sentence) }
    if let way = status.wayBack { context.print("way back", sentence(way)) }
    if let underWay = status.underWay { printUnderWay(underWay, to: context) }
    for watch in status.watches where watch.verdict != .passed && watch.verdict != .waived {
      context.print("watch", watch.sentence, watch.style)
    }
    for lane in status.lanes {
      context.print("lane", lane.sentence, lane.isAbandoned && !lane.isUnheld ? .bad : .warning)
    }
    for record in status.switches where record.isOpen {
      context.print("switch", "\(record.name): \(record.standing)")
    }
    for phase in status.phases where !status.effects.isEmpty {
      for count in status.effects[phase.id] ?? [] where count.rows == nil || count.total > 0 {
        context.print(
          "effects", "\(phase.id.short): \(count.briefly) (\(count.effect.audience.rawValue))", .warning)
      }
    }
    let squashed = status.phases.filter(\.isSquashed)
    if let last = squashed.last {
      context.print(
        "squashed",
        "\(CountText.text(squashed.count, "phase")) up to \(last.id.short): in the baseline, and without a way back"
      )
    }
    if let freeze = status.freeze { context.print("frozen", freeze.sentence, .warning) }
    if let runner = status.runner { context.print("running", Prose(runner)) }
    var table = TextTable(
      .init("phase"), .init("name", dropped: 4), .init("state"), .init("at", .right, dropped: 1),
      .init("when", dropped: 2), .init("by", dropped: 5), .init("way back"), .init("rehearsed", dropped: 3),
      .init("why"))
    for phase in status.phases where !phase.isSquashed { add(phase, to: &table) }
    if !table.rows.isEmpty { context.print("\n") }
    context.print(table)
    printTrouble(to: context)
    context.print("\n")
    if let stop = status.lastStop {
      context.print("\(context.paint("last:", .dim)) ", stop.sentence, indent: 6)
    }
  }

  private var standing: Prose {
    guard let checkpoint = status.checkpoint, let phase = checkpoint.phase else {
      return status.hasLedger ? ", before the first phase" : ", no ledger yet"
    }
    // A file that was not read may be one more.
    let isAll = status.unread.isEmpty
    let left = status.phases.count { !$0.isApplied }
    let pending: Prose =
      left == 0
      ? isAll ? "nothing pending" : "pending phases unknown"
      : "\(isAll ? "" : "at least ")\(CountText.text(left)) pending"
    let applied = status.phases.count { $0.isApplied && !$0.isSquashed }
    return " at \(phase.short) (@\(checkpoint.sequence)): \(applied) applied, \(pending)"
  }

  private func sentence(_ way: CheckpointReversal) -> Prose {
    let place: Prose = "to @\(way.checkpoint.name ?? ""): \(way.word.rawValue)"
    let range = TimeRange(way.times.values)
    let time: Prose = way.times.count < way.count ? ", time unknown" : range.map { ", \($0)" } ?? ""
    return place + time + (way.gate.map { "; held: \($0.brief)" } ?? "")
  }

  /// How far a half-done phase is, why it is paused, and how it continues.
  private func printUnderWay(_ phase: PhaseUnderWay, to context: CommandContext) {
    let progress = phase.progress
    let way = phase.direction == .up ? "going up" : "coming down"
    let percent = progress.fraction.map { "\(PercentText.text($0)), " } ?? ""
    context.print(
      "half done", "\(phase.id) \(way): \(percent)\(CountText.text(progress.rows, "row"))", .warning)
    if progress.rowsPerSecond > 0 {
      let (median, p99) = (progress.hold.median, progress.hold.p99)
      context.print(
        "",
        "\(CountText.text(Int(progress.rowsPerSecond))) rows/s, lock held \(TimeText.text(.milliseconds(median))) (p50), \(TimeText.text(.milliseconds(p99))) (p99); next batch \(CountText.text(progress.batchSize, "row"))"
      )
    }
    if let pause = phase.pause {
      context.print("", "paused (\(pause.reason.rawValue)): \(pause.detail)")
      context.print("", "to continue: \(pause.resuming)")
    } else if !phase.isRunning {
      context.print("", "its runner has been gone since \(phase.lastSign)")
    }
    guard !phase.isRunning else { return }
    let (forth, back) = phase.direction == .up ? ("up", "down") : ("down", "up")
    context.print("", "continue with phasedb \(forth), or undo it with phasedb \(back)")
  }

  private func add(_ phase: Status.Entry, to table: inout TextTable) {
    let isUnderWay = phase.id == status.underWay?.id
    let applied = phase.applied
    table.add(
      .init(phase.id.short), .init(phase.id.migration.words), state(phase, isUnderWay),
      .init(applied.map { String($0.sequence) } ?? ""), .init(applied?.appliedAt.minute ?? ""),
      .init(applied.map { "\($0.who)@\($0.host)" } ?? ""), reversal(phase), rehearsed(phase), why(phase))
  }

  private func state(_ phase: Status.Entry, _ isUnderWay: Bool) -> TextTable.Cell {
    if isUnderWay { return .init("half done", .warning) }
    guard phase.applied != nil else {
      return phase.gates.isEmpty ? .init("pending") : .init("held", .warning)
    }
    if phase.isEdited { return .init("edited", .bad) }
    return phase.isInCatalog ? .init("applied", .good) : .init("no file", .warning)
  }

  /// The verdict on the way down.
  private func reversal(_ phase: Status.Entry) -> TextTable.Cell {
    guard let reversal = phase.reversal else { return "" }
    return .init("\(reversal.word.rawValue)", reversal.isExactOrDeclared ? nil : .bad)
  }

  /// The result of the last rehearsal, and its duration.
  private func rehearsed(_ phase: Status.Entry) -> TextTable.Cell {
    guard let evidence = phase.evidence else { return "" }
    return .init(evidence.summary, evidence.verdict.isProof ? nil : .bad)
  }

  /// Why a phase is held, or what does not come back with it.
  private func why(_ phase: Status.Entry) -> TextTable.Cell {
    // `status PHASE` has them all.
    if let gate = phase.gates.first { return .init(gate.brief) }
    return .init(phase.reversal?.brief ?? "")
  }

  /// Prints problems: versions that should not be live, closed gates, drift.
  private func printTrouble(to context: CommandContext) {
    if !status.misfits.isEmpty || !status.notes.isEmpty { context.print("\n") }
    context.print(status.misfits)
    for note in status.notes { context.print("\(context.paint("note:", .warning)) ", note, indent: 6) }
    for gate in status.gates {
      context.print("\n")
      context.print("every phase is held by \(gate.gate.rawValue): ", gate.reason, indent: 2)
      context.print("  to open it: ", context.advice(gate.opening), indent: 4)
    }
    if status.hasDrifted {
      context.print("\n\(context.paint("the schema differs from the ledger:", .bad))\n")
      for line in status.drift { context.print("  \(line)\n") }
    }
  }
}

/// Everything about one phase: `phasedb status PHASE`.
struct PhaseStatusText {
  private let phase: Status.Entry
  private let kept: [KeptData]
  private let effects: [EffectCount]
  private let watch: (record: WatchRecord, samples: [KeptSample])?

  /// - Parameters:
  ///   - kept: its archives that can be purged.
  ///   - effects: its effects, as far as they are counted.
  ///   - watch: its watch, with the samples that are kept.
  init(
    _ phase: Status.Entry, kept: [KeptData], effects: [EffectCount], watch: (WatchRecord, [KeptSample])?
  ) {
    (self.phase, self.kept, self.effects, self.watch) = (phase, kept, effects, watch)
  }

  func print(to context: CommandContext) {
    context.print("phase", Prose(phase.id))
    if let text = phase.text {
      if !text.summary.isEmpty { context.print("does", Prose(text.summary)) }
      context.print(
        "window", text.windows.map { "\($0.application) \($0.range)" as Prose }.joined(separator: ", "))
    }
    if let applied = phase.applied {
      context.print(
        "applied",
        "\(applied.appliedAt) by \(applied.who)@\(applied.host), checkpoint @\(applied.sequence), in \(TimeText.text(.milliseconds(applied.milliseconds)))"
      )
      if phase.isEdited {
        context.print("edited", "its file differs from what was applied", .bad)
      }
      if !phase.isInCatalog {
        context.print("no file", "it is in the ledger, but not in the folder", .warning)
      }
    } else {
      context.print("state", phase.gates.isEmpty ? "pending" : "held")
    }
    for gate in phase.gates {
      context.print("held by", "\(gate.gate.rawValue): \(gate.reason)", .warning)
      context.print("", "to open it: \(context.advice(gate.opening))")
    }
    printRehearsal(to: context)
    for line in phase.reversal?.lines ?? [] {
      context.print(line == phase.reversal?.lines.first ? "way back" : "", context.advice(line))
    }
    for lane in phase.text?.lanes ?? [] {
      context.print(lane == phase.text?.lanes.first ? "lanes" : "", lane.sentence)
    }
    printWatch(to: context)
    context.print(kept: kept)
    printResiduals(to: context)
    context.print("\n")
  }

  /// Prints the verdict, and the last result of each probe.
  private func printWatch(to context: CommandContext) {
    guard let text = phase.text, let plan = text.watch else { return }
    guard let watch else {
      return context.print("watch", "\(plan.text)\(phase.isApplied ? ", which never began" : "")")
    }
    context.print("watch", watch.record.state, watch.record.style)
    for probe in text.probes {
      let own = watch.samples.filter { $0.probe == probe.title && $0.round > 0 }.suffix(10)
      let last = own.last.map { $0.sample.words } ?? "not asked yet"
      let line = context.width == nil ? "" : Sparkline(own.map(\.sample)).text
      context.print(
        "", "\(line.isEmpty ? "" : "\(line)  ")\(probe.title)\(probe.isControl ? " (control)" : ""): \(last)")
    }
  }

  private func printRehearsal(to context: CommandContext) {
    guard let evidence = phase.evidence else {
      return context.print("rehearsed", phase.applied == nil ? "no" : "not before it went up")
    }
    context.print("rehearsed", "\(evidence.summary), at \(evidence.at)")
  }

  private func printResiduals(to context: CommandContext) {
    if !effects.isEmpty {
      for count in effects { context.print(count) }
    } else if !phase.isApplied {
      for effect in phase.text?.effects ?? [] {
        context.print("effects", "\(effect.audience.rawValue): rows of \(effect.table): \(effect.text)")
      }
    }
    guard phase.text?.residualStatement != .notDeclared else {
      return context.print("remains", "not declared")
    }
    let residuals = phase.text?.residuals ?? []
    guard !residuals.isEmpty || phase.text?.effects.isEmpty == false else {
      return context.print("remains", "nothing, as declared")
    }
    for residual in residuals {
      context.print(
        residual == residuals.first ? "remains" : "", "\(residual.audience.rawValue): \(residual.text)")
    }
  }
}

extension EffectCount {
  /// `12 rows of outbox`, earlier ones included.
  fileprivate var briefly: Prose {
    rows == nil ? sentence : "\(CountText.text(total, "row")) of \(effect.table): \(effect.text)"
  }
}

extension RunStop {
  /// `2026-01-31 02:10 up stopped at 0004/contract: disk full (exit 4)`.
  fileprivate var sentence: Prose {
    "\(at.minute) \(direction.rawValue) stopped at \(phase.short): \(reason) (exit \(ExitCode(standing).rawValue))"
  }
}

extension LaneUse {
  /// `mail, idle within 60s, through the watch`.
  var sentence: Prose {
    "\(lane), \(need.rawValue) within \(DurationText.print(limit))\(isThroughWatch ? ", through the watch" : "")"
  }
}

extension LaneStanding {
  /// A description of who holds it, since when, why, and when it opens by itself.
  var sentence: Prose {
    guard let record, state != .open || isUnheld else { return "\(name): open" }
    let phase = (try? PhaseID(record.phase))?.short ?? record.phase
    let word: Prose = record.state == .holding ? "about to be held" : "held"
    var what: Prose = isUnheld ? "\(name): open; the ledger says \(word)" : "\(name): \(word)"
    if !record.phase.isEmpty { what += " for \(phase)" }
    if record.watch != nil { what += record.phase.isEmpty ? " through a watch" : ", then through its watch" }
    if let end = record.byHand { what += " by hand until \(end.minute): \(record.reason)" }
    what += ", since \(record.since.minute)"
    let release: Prose = "phasedb lane release \(ShellWord(name)) --reason \"...\""
    if isUnheld {
      what += ", but its trigger is gone or its time is over; " + correction(of: record, release)
    } else if isAbandoned {
      what += isOver ? "; the time for that is over" : "; whoever held it is gone"
      what += ", and the next up, down or watch lets it go"
      what += opens.map { "; its trigger ends at \($0)" } ?? ""
      what += ": \(release)"
    } else if let opens {
      what += "; open by itself at \(opens), unless renewed"
    }
    return what
  }
}

extension LaneStanding {
  /// What to do about a lane that is held in the ledger but is open.
  private func correction(of record: LaneRecord, _ release: Prose) -> Prose {
    if isAbandoned { return "the next up, down or watch says so in the ledger, or: \(release)" }
    if record.watch != nil { return "hold it again with the next sample: phasedb watch" }
    return record.byHand == nil
      ? "its run will end and change nothing: phasedb log"
      : "hold it again: phasedb lane hold \(ShellWord(name)) --for 10m --reason \"...\""
  }
}

extension Sample {
  /// `passes, 12`.
  fileprivate var words: Prose {
    let number = value.map { ", \(Probe.text($0))" } ?? ""
    switch outcome {
    case .passes: return "passes\(number)"
    case .fails: return "fails: \(reason)"
    case .unknown: return "unknown: \(reason)"
    }
  }
}

/// The last samples of a probe as a row of blocks: as high as their values where they have any, otherwise a low one for each
/// that passes and a high one for each that fails. One that is unknown is a dot.
struct Sparkline {
  let text: String

  init(_ samples: [Sample]) {
    let values = samples.compactMap(\.value)
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    let blocks = Array("▁▂▃▄▅▆▇█")
    text = String(
      samples.map { sample in
        if sample.outcome == .unknown { return "·" }
        guard let value = sample.value, high > low else {
          return sample.outcome == .fails ? blocks[blocks.count - 1] : blocks[0]
        }
        return blocks[Int(((value - low) / (high - low) * Double(blocks.count - 1)).rounded())]
      })
  }
}
