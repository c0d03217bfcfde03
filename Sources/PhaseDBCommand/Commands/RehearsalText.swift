internal import PhaseDB

/// The result of a rehearsal, for a person.
struct RehearsalText {
  private let report: RehearsalReport

  init(_ report: RehearsalReport) { self.report = report }

  func print(to context: CommandContext) {
    guard !report.phases.isEmpty else {
      context.print(
        report.held.isEmpty ? "nothing to rehearse: every phase is applied\n" : "nothing to rehearse\n")
      printHeld(to: context)
      return
    }
    var table = TextTable(
      .init("phase"), .init("name", dropped: 3), .init("verdict"), .init("up", .right), .init("down", .right),
      .init("hold", .right), .init("log", .right, dropped: 2), .init("archive", .right, dropped: 1))
    for phase in report.phases {
      let times = phase.times
      table.add(
        .init(phase.id.short), .init(phase.id.migration.words),
        .init(Self.word(of: phase), phase.verdict.isProof && phase.stubs.isEmpty ? .good : .bad),
        .init(time(times.up)), .init(time(times.down)), .init(time(times.hold)), .init(bytes(times.logBytes)),
        .init(bytes(times.archiveBytes)))
    }
    context.print(table)
    for phase in report.phases { print(phase, to: context) }
    printHeld(to: context)
    for (name, reason) in report.unread.sorted(by: { $0.key < $1.key }) {
      context.print(
        "\(context.paint("note:", .warning)) \(name) was not compared: \(reason)\n")
    }
    let clean = report.phases.count { $0.cameBack }
    let green = report.phases.flatMap(\.probes).count(where: \.isNeverRed)
    let neverFailed = green == 0 ? "" : ", \(CountText.text(green, "probe")) never failed"
    let sentence = "\(clean) of \(CountText.text(report.phases.count, "phase")) came back\(neverFailed)"
    context.print(context.paint("\n\(sentence)\n", report.isClean ? .good : .bad))
  }

  /// The verdict; `unproved` for a good verdict in which a stub took part.
  static func word(of phase: RehearsedPhase) -> String {
    phase.verdict.isProof && !phase.stubs.isEmpty ? "unproved" : phase.verdict.rawValue
  }

  private func print(_ phase: RehearsedPhase, to context: CommandContext) {
    if let failure = phase.failure, let stage = phase.failed {
      let way = stage == .again ? "second way up" : "way \(stage.rawValue)"
      context.print("\n\(phase.id) fails on its \(way):\n")
      context.print(ErrorText(failure).text(paint: context.paint, width: context.width))
    }
    for table in phase.corrections { printCorrection(table, phase, to: context) }
    print(phase.afterDown, "after down", phase, to: context)
    print(phase.afterSecondUp, "after the second up", phase, to: context)
    for probe in phase.probes { print(probe, phase, to: context) }
    if !phase.stubs.isEmpty {
      let names = phase.stubs.joined(separator: ", ")
      context.print("\n")
      context.print(
        "\(context.paint("warning:", .warning)) ",
        "\(phase.id.short) needs \(names) of the application. A stub answered on the copy, so this is no evidence. The database gets no stub: phasedb up fails there, unless the application runs the phase itself",
        indent: 9)
    }
    for line in phase.overBudget { context.print("\n\(phase.id.short) is over its budget: \(line)\n") }
    if !phase.emptyTables.isEmpty {
      let names = phase.emptyTables.joined(separator: ", ")
      context.print(
        "\n\(phase.id.short) touches tables without rows, on which a rehearsal proves nothing: \(names)\n")
    }
  }

  private func print(_ probe: RedProbe, _ phase: RehearsedPhase, to context: CommandContext) {
    let name: Prose = "\(phase.id.short): the probe '\(probe.title)'"
    context.print("\n")
    switch probe.outcome {
    case .failed(let after, let reason):
      let how: Prose = after.isEmpty ? "fails already on the rows as they are" : "failed after \(after)"
      context.print("", "\(name) \(how)\(reason.isEmpty ? "" : ": \(reason)")", indent: 2)
    case .never(let attempts):
      let what: String =
        if probe.hasOwnSQL {
          "did not fail after its @red ran"
        } else if attempts == 0 {
          "reads nothing that can be broken"
        } else {
          "did not fail after \(CountText.text(attempts, "attempt")) to break what it reads"
        }
      context.print(
        "\(context.paint("warning:", .warning)) ", "\(name) \(what) [\(RedProbe.finding)]", indent: 2)
    case .unknown(let why): context.print("", "\(name) was not seen to fail: \(why)", indent: 2)
    case .notAsked:
      context.print("", "\(name) is one of the settings, and a rehearsal does not ask it", indent: 2)
    }
    if let remedy = probe.remedy { context.print("  help: ", remedy, indent: 8) }
  }

  private func print(
    _ difference: StateDifference, _ moment: String, _ phase: RehearsedPhase, to context: CommandContext
  ) {
    for table in difference.tables {
      let verb = table.rows == 1 ? "differs" : "differ"
      let declared =
        table.declaredRows == 0
        ? ""
        : table.isDeclared
          ? ", as @loses declares" : ", \(CountText.text(table.declaredRows)) as @loses declares"
      context.print(
        "\n\(phase.id.short): \(CountText.text(table.rows, "row")) of \(table.table) \(verb) \(moment)\(declared)\n"
      )
      printRows(of: table, to: context)
    }
    for line in difference.others { context.print("\n\(phase.id.short): \(moment) \(line)\n") }
  }

  private func printCorrection(_ table: TableDifference, _ phase: RehearsedPhase, to context: CommandContext)
  {
    let verb = table.rows == 1 ? "gets another value" : "get other values"
    context.print(
      """

      \(phase.id.short): \(CountText.text(table.rows, "row")) of \(table.table) \(verb) from the SQL of @down alone
      \(context.paint("note:", .warning)) the archive corrects these rows, but a row that changes after the phase gets what the SQL computes

      """)
    printRows(of: table, to: context)
  }

  private func printRows(of table: TableDifference, to context: CommandContext) {
    for row in table.first { context.print("  \(row.sentence)\n") }
    if table.rows > table.first.count {
      context.print("  … and \(CountText.text(table.rows - table.first.count)) more\n")
    }
  }

  private func printHeld(to context: CommandContext) {
    for held in report.held {
      for gate in held.gates {
        context.print("\(held.id.short) cannot be rehearsed: \(gate.reason)\n")
        context.print("  to open it: \(context.advice(gate.opening))\n")
      }
    }
  }

  private func time(_ milliseconds: Double?) -> String {
    milliseconds.map { TimeText.text(.milliseconds($0)) } ?? "-"
  }

  private func bytes(_ count: Int?) -> String { count.map { CountText.bytes(Int64($0)) } ?? "-" }
}
