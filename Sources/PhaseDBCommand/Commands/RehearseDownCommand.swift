internal import PhaseDB

/// `phasedb rehearse down`: takes applied phases down on a copy with the present rows.
enum RehearseDownCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context)
    let migrator = try location.migrator(.reading, context)
    StopSignals.handle()
    let rehearsal = try migrator.rehearseDown(
      context.selection(.down), in: context.invocation.value(.copyTo),
      observe: RehearsalProgress(context: context).show)
    var failure: MigrationError?
    do throws(MigrationError) {
      if !rehearsal.phases.isEmpty {
        try location.migrator(.writing, context).record(rehearsal)
      }
    } catch {
      // The result is worth printing even if it cannot be recorded.
      failure = error
    }
    if context.isJSON {
      try context.print(json: DownRehearsalJSON(rehearsal, isRecorded: failure == nil))
    } else if !context.isQuiet || !rehearsal.isClean {
      print(rehearsal, context)
      if failure == nil, !rehearsal.phases.isEmpty { context.say("the evidence is in the ledger") }
      context.suggest(
        rehearsal.isClean && !rehearsal.phases.isEmpty
          ? "phasedb down\(context.targetWords(.down))" : "phasedb status")
    }
    if let failure { throw failure }
    return rehearsal.isClean ? .done : .findings
  }

  private static func print(_ rehearsal: DownRehearsal, _ context: CommandContext) {
    guard !rehearsal.phases.isEmpty else {
      context.print("nothing to rehearse: no phase would come down\n")
      return
    }
    var table = TextTable(
      .init("phase"), .init("name", dropped: 1), .init("verdict"), .init("down", .right),
      .init("hold", .right),
      .init("restored", .right), .init("left", .right))
    for phase in rehearsal.phases {
      let (restored, left) = phase.restored.reduce(into: (0, 0)) { sum, table in
        sum = (sum.0 + table.rows, sum.1 + table.left)
      }
      table.add(
        .init(phase.id.short), .init(phase.id.migration.words),
        .init(phase.reversal.word.rawValue, phase.reversal.isExactOrDeclared ? .good : .bad),
        .init(phase.times.map { TimeText.text(.milliseconds($0.milliseconds)) } ?? "-"),
        .init(phase.times.map { TimeText.text(.milliseconds($0.holdMilliseconds)) } ?? "-"),
        .init(phase.times == nil ? "-" : CountText.text(restored)),
        .init(phase.times == nil ? "-" : CountText.text(left)))
    }
    context.print(table)
    for phase in rehearsal.phases {
      context.print("\n")
      for line in phase.reversal.lines(of: phase.id) { context.print("\(context.advice(line))\n") }
      for table in phase.restored {
        let left =
          table.left == 0
          ? "" : ", \(CountText.text(table.left, "row")) \(table.left == 1 ? "stays" : "stay") in the archive"
        context.print(
          "  \(table.table): \(CountText.text(table.rows, "row")) \(table.rows == 1 ? "comes" : "come") back\(left)\n"
        )
      }
    }
    context.print("\n")
  }
}

/// The result of a rehearsal of the way down, as `--format json` prints it.
struct DownRehearsalJSON: Encodable {
  let database: String
  let clean: Bool
  let copyBytes: Int
  let copyMilliseconds: Double
  let recorded: Bool
  let phases: [PhaseJSON]

  struct PhaseJSON: Encodable {
    let phase: String
    let reversal: ReversalJSON
    /// null where it did not come down.
    let milliseconds: Double?
    let holdMilliseconds: Double?
    let rows: Int?
    let restored: [RestoredJSON]
  }

  struct RestoredJSON: Encodable {
    let table: String
    let rows: Int
    let left: Int
  }

  init(_ rehearsal: DownRehearsal, isRecorded: Bool) {
    database = rehearsal.database
    clean = rehearsal.isClean
    copyBytes = rehearsal.copyBytes
    copyMilliseconds = rehearsal.copyMilliseconds
    recorded = isRecorded && !rehearsal.phases.isEmpty
    phases = rehearsal.phases.map { phase in
      PhaseJSON(
        phase: phase.id.description, reversal: ReversalJSON(phase.reversal),
        milliseconds: phase.times?.milliseconds, holdMilliseconds: phase.times?.holdMilliseconds,
        rows: phase.times?.rows,
        restored: phase.restored.map { RestoredJSON(table: $0.table, rows: $0.rows, left: $0.left) })
    }
  }
}

/// A verdict as `--format json` prints it.
struct ReversalJSON: Encodable {
  let verdict: String
  /// Rows and values that do not come back.
  let lost: [Rows]
  /// Values that rows get back but that may belong to other rows.
  let uncertain: [Rows]
  /// Why it is blocked, one sentence each.
  let reasons: [Prose]
  let obstacles: [Obstacle]
  let notes: [Prose]

  struct Rows: Encodable {
    let table: String
    let column: String?
    let rows: Int?
    let why: Prose
    let declared: Bool

    init(_ rows: Reversal.AffectedRows) {
      (table, column, self.rows, why, declared) = (
        rows.shownTable, rows.shownColumn, rows.rows, rows.why, rows.isDeclared
      )
    }
  }

  struct Obstacle: Encodable {
    let reason: Prose
    let rows: [Prose]
    let openings: [Prose]
  }

  init(_ reversal: Reversal) {
    verdict = reversal.word.rawValue
    lost = reversal.lost.map(Rows.init)
    uncertain = reversal.uncertain.map(Rows.init)
    reasons = reversal.obstacles.map(\.reason)
    obstacles = reversal.obstacles.map {
      Obstacle(reason: $0.reason, rows: $0.rows, openings: $0.openings)
    }
    notes = reversal.notes
  }
}
