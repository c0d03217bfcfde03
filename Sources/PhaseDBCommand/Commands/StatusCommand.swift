internal import PhaseDB

/// `phasedb status`: where every phase stands.
enum StatusCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context, reading: .readable)
    let address = try location.database()
    location.noteUnused(address, context)
    var status = try Migrator.status(
      database: address.path, folder: location.migrations, options: try location.options(context))
    location.noteUnread(status.unread, context)
    if let error = location.unreadSettings { status.unread.insert(error, at: 0) }
    let failures = context.invocation.flag(.check) ? status.concerns : []
    if context.isJSON {
      try context.print(json: StatusJSON(status))
    } else {
      if !context.isQuiet { print(status, to: context) }
      print(failures, to: context)
      context.suggest(next(status))
    }
    return failures.isEmpty ? .done : .findings
  }

  /// Why the check fails, also when asked to be quiet.
  private static func print(_ failures: [Concern], to context: CommandContext) {
    guard !failures.isEmpty else { return }
    context.print("\(context.paint("the check fails:", .bad))\n")
    for concern in failures {
      context.print("  \(concern.kind.rawValue): \(concern.message)\n")
    }
  }

  private static func print(_ status: Status, to context: CommandContext) {
    let paint = context.paint
    context.print(
      "\(paint("database:", .heading)) \(status.database)\(status.isThere ? "" : " (not made yet)")\n"
    )
    context.print("\(paint("at:", .heading))       \(standing(status))\n")
    if !status.live.isEmpty {
      let live = status.live.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" as Prose }
        .joined(separator: ", ")
      context.print("\(paint("may live:", .heading)) \(live)\n")
    }
    if !status.checkIns.isEmpty {
      let live = status.checkIns.map { "\($0) (\($0.seenAt))" as Prose }.joined(separator: ", ")
      context.print("\(paint("live:", .heading))     \(live)\n")
    }
    if let underWay = status.underWay { print(underWay, status, to: context) }
    if let runner = status.runner { context.print("\(paint("running:", .heading))  \(runner)\n") }
    let hasEvidence = status.phases.contains { $0.evidence != nil }
    var table = TextTable(
      [.init("phase"), .init("state"), .init("at", .right), .init("when"), .init("by"), .init("reversal")]
        + (hasEvidence ? [.init("rehearsed")] : []))
    for phase in status.phases { add(phase, to: &table, isUnderWay: phase.id == status.underWay?.id) }
    if !table.rows.isEmpty { context.print("\n") }
    context.print(table)
    printReversals(status, context)
    printHeld(status, context)
    printLive(status, context)
    for gate in status.gates {
      context.print("\nevery phase is held by \(gate.gate.rawValue): \(gate.reason)\n")
      context.print("  to open it: \(gate.opening)\n")
    }
    if status.hasDrifted {
      context.print("\n\(paint("the schema is not what the ledger says:", .bad))\n")
      for line in status.drift { context.print("  \(line)\n") }
    }
    context.print("\n")
  }

  private static func standing(_ status: Status) -> String {
    guard let checkpoint = status.checkpoint, let phase = checkpoint.phase else {
      return status.hasLedger ? "before the first phase" : "no ledger yet"
    }
    let pending = status.pending.isEmpty ? "nothing" : CountText.text(status.pending.count, "phase")
    let isAll = status.unread.isEmpty ? "" : " of what was read"
    return "checkpoint \(checkpoint.sequence) (\(phase.short)), \(pending) pending\(isAll)"
  }

  /// How far a half-done phase is, why it stands still, and what makes it go on.
  private static func print(_ phase: PhaseUnderWay, _ status: Status, to context: CommandContext) {
    let progress = phase.progress
    let way = phase.direction == .up ? "going up" : "coming down"
    let percent = progress.fraction.map { "\(PercentText.text($0)), " } ?? ""
    context.print(
      "\(context.paint("half done:", .warning)) \(phase.id) \(way): \(percent)\(CountText.text(progress.rows, "row"))\n"
    )
    if progress.rowsPerSecond > 0 {
      let (median, p99) = (progress.hold.median, progress.hold.p99)
      context.print(
        "            \(CountText.text(Int(progress.rowsPerSecond))) rows/s, lock held \(TimeText.text(.milliseconds(median))) (p50), \(TimeText.text(.milliseconds(p99))) (p99); next batch \(CountText.text(progress.batchSize, "row"))\n"
      )
    }
    if let pause = phase.pause {
      context.print(
        "            it stands still (\(pause.reason.rawValue)): \(pause.detail)\n            to go on: \(pause.resuming)\n"
      )
    } else if !phase.isRunning {
      context.print("            its runner is gone since \(phase.lastSign)\n")
    }
    if !phase.isRunning {
      context.print(
        "            go on with phasedb \(phase.direction.rawValue), turn back with phasedb \(phase.direction == .up ? "down" : "up")\n"
      )
    }
  }

  private static func add(_ phase: PhaseStatus, to table: inout TextTable, isUnderWay: Bool) {
    if isUnderWay, phase.applied == nil {
      table.add(.init(phase.id.description), .init("half done", .warning))
      return
    }
    guard let applied = phase.applied else {
      table.add(
        .init(phase.id.description), phase.gates.isEmpty ? .init("pending") : .init("held", .warning), "", "",
        "", "", rehearsed(phase))
      return
    }
    let state: TextTable.Cell =
      isUnderWay
      ? .init("half done", .warning)
      : phase.isEdited
        ? .init("edited", .bad)
        : phase.isInCatalog ? .init("applied", .good) : .init("applied, no file", .warning)
    table.add(
      .init(phase.id.description), state, .init(String(applied.sequence)), .init(applied.appliedAt.text),
      .init("\(applied.who)@\(applied.host)"), reversal(phase), rehearsed(phase))
  }

  /// What coming down would give back.
  private static func reversal(_ phase: PhaseStatus) -> TextTable.Cell {
    guard let reversal = phase.reversal else { return "" }
    return .init("\(reversal.word.rawValue)", reversal.isExactOrDeclared ? nil : .bad)
  }

  /// The columns, tables and reasons behind a verdict that a word alone does not tell.
  private static func printReversals(_ status: Status, _ context: CommandContext) {
    let inexact = status.applied.filter { phase in
      phase.reversal.map { ![.exact, .expected].contains($0.word) || !$0.notes.isEmpty } ?? false
    }
    if !inexact.isEmpty { context.print("\n") }
    for phase in inexact {
      for line in phase.reversal?.lines(of: phase.id) ?? [] { context.print("\(line)\n") }
    }
  }

  /// What the last rehearsal showed, and what it measured.
  private static func rehearsed(_ phase: PhaseStatus) -> TextTable.Cell {
    guard let evidence = phase.evidence else { return "" }
    let times = [("up", evidence.times.up), ("down", evidence.times.down)].compactMap { name, time in
      time.map { "\(name) \(TimeText.text(.milliseconds($0)))" }
    }
    let text = ([evidence.verdict.rawValue] + times).joined(separator: ", ")
    return .init(text, evidence.verdict.isProof ? nil : .bad)
  }

  private static func printHeld(_ status: Status, _ context: CommandContext) {
    let held = status.pending.filter { !$0.gates.isEmpty }
    guard !held.isEmpty else { return }
    context.print("\n")
    for phase in held {
      for gate in phase.gates {
        context.print("\(phase.id.short) is held by \(gate.gate.rawValue): \(gate.reason)\n")
        context.print("  to open it: \(gate.opening)\n")
      }
    }
  }

  /// Versions that should not be live, and those of which nothing can be said.
  private static func printLive(_ status: Status, _ context: CommandContext) {
    if !status.misfits.isEmpty || !status.notes.isEmpty { context.print("\n") }
    context.print(status.misfits)
    for note in status.notes { context.print("\(context.paint("note:", .warning)) \(note)\n") }
  }

  private static func next(_ status: Status) -> Prose {
    if status.hasDrifted { return "phasedb verify" }
    if let underWay = status.underWay, !underWay.isRunning { return "phasedb \(underWay.direction.rawValue)" }
    return status.pending.contains { $0.gates.isEmpty } ? "phasedb plan" : "phasedb verify"
  }
}
