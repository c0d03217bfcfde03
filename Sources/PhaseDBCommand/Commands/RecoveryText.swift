internal import PhaseDB

/// Describes a way down: what it recovers, how long it takes and which command starts it.
///
/// The schema is only one part. Code, data, current work, customers and other systems recover in ways of their own,
/// or not at all.
struct RecoveryText {
  let plan: Plan
  /// The command that runs the plan.
  let start: Prose

  func print(to context: CommandContext) {
    context.print("\(context.paint("recovery:", .heading))\n")
    for (title, lines) in sections {
      for (index, line) in lines.enumerated() {
        let label: Prose = index == 0 ? "  \(title)" : ""
        context.print(
          label + .blank(13 - label.description.count), title == "state" ? context.advice(line) : line,
          indent: 15)
      }
    }
  }

  /// The answer in one line: whether one can go back, how well, how long it takes, and what remains.
  var headline: Prose {
    let count = CountText.text(plan.steps.count, "phase")
    if let (step, obstacle) = plan.steps.lazy.compactMap({ step in
      plan.reversals[step.id]?.obstacles.first.map { (step, $0) }
    }).first {
      return "cannot come down: \(step.id.short) is blocked: \(obstacle.reason)"
    }
    let word = plan.steps.compactMap { plan.reversals[$0.id]?.word }.max()
    let counts = plan.steps.flatMap { plan.effects[$0.id] ?? [] }
    // An effect whose count is zero does not remain.
    let remains =
      plan.steps.flatMap { $0.phase.residuals ?? [] }.count + counts.count { $0.rows == nil || $0.total > 0 }
    let silent = plan.steps.count { $0.phase.residualStatement == .notDeclared }
    let rest: Prose =
      remains > 0
      ? "\(CountText.text(remains, "side effect")) \(remains == 1 ? "remains" : "remain")"
      : silent > 0
        ? "side effects not declared"
        : counts.isEmpty ? "nothing remains, as declared" : "nothing remains so far"
    return
      "\(count) can come down: \(word?.rawValue ?? Reversal.Word.unknown.rawValue), \(shortTime), \(rest)"
  }

  private var shortTime: Prose {
    let range = TimeRange(plan.times.values)
    return range.flatMap { plan.times.count == plan.steps.count ? "\($0)" : nil } ?? "time unknown"
  }

  private var sections: [(String, [Prose])] {
    [
      ("code", code), ("state", state), ("workflow", residuals([.workflow])),
      ("customers", residuals([.customer, .support])), ("downstream", residuals([.downstream])),
      ("compliance", compliance),
      ("time", [time]), ("start", [plan.isBlocked ? "once it is open: \(start)" : start]),
    ]
  }

  /// Which versions may be deployed afterwards.
  private var code: [Prose] {
    guard let last = plan.steps.last else { return [] }
    return last.liveAfter.sorted { $0.key < $1.key }.map { application, interval in
      interval.isUnbounded
        ? "any version of \(application) may run afterwards"
        : "\(application) \(interval) may run afterwards; stop other versions first"
    }
  }

  /// The values that do not come back exactly; the table above has the verdict on each phase.
  private var state: [Prose] {
    // Lines that are the same for several phases are printed once.
    var grouped: [(phases: [Prose], reasons: [Reversal.Line])] = []
    for step in plan.steps {
      guard let reversal = plan.reversals[step.id], reversal.word != .exact || !reversal.notes.isEmpty else {
        continue
      }
      if let index = grouped.firstIndex(where: { $0.reasons == reversal.reasons }) {
        grouped[index].phases.append(Prose(step.id.short))
      } else {
        grouped.append(([Prose(step.id.short)], reversal.reasons))
      }
    }
    let lines = grouped.flatMap { phases, reasons in
      reasons.flatMap { $0.after(phases.joined(separator: ", ")) }
    }
    let declared: [Prose] = plan.steps.flatMap { step in
      step.phase.losses.map { "\(step.id.short) declares a loss: \($0.table).\($0.column): \($0.reason)" }
    }
    guard declared.isEmpty, plan.steps.allSatisfy({ plan.reversals[$0.id]?.word == .exact }) else {
      return lines + declared
    }
    return ["every row comes back"] + grouped.flatMap(\.reasons).flatMap(\.rest)
  }

  /// The effects that remain for these audiences: those that phases declare, then the phases that declare nothing.
  private func residuals(_ audiences: [Residual.Audience]) -> [Prose] {
    var lines: [Prose] = []
    for audience in audiences {
      for step in plan.steps {
        for residual in step.phase.residuals ?? [] where residual.audience == audience {
          lines.append("\(step.id.short): \(audience == .support ? "support: " : "")\(residual.text)")
        }
        for count in plan.effects[step.id] ?? [] where count.effect.audience == audience {
          lines.append(
            "\(step.id.short): \(audience == .support ? "support: " : "")\(count.sentence): \(count.effect.text)"
          )
          lines += count.remarks.map { "  \($0)" }
        }
      }
    }
    let silent = plan.steps.filter { $0.phase.residualStatement == .notDeclared }.map { Prose($0.id.short) }
    if !silent.isEmpty { lines.append("not declared: \(silent.joined(separator: ", "))") }
    return lines.isEmpty ? ["nothing, as declared"] : lines
  }

  /// The effects that remain for compliance. They include archived values of deleted rows, because these do not come
  /// back.
  private var compliance: [Prose] {
    let archives: [Prose] = plan.steps.flatMap { step in
      (plan.kept[step.id] ?? []).compactMap { kept in
        guard kept.rows > 0, kept.deleted != 0 else { return nil }
        let (count, all) = (kept.deleted, CountText.text(kept.rows, "row"))
        let rows: Prose =
          count.map { "\(CountText.text($0)) of \(all) will stay until they are purged, because their rows" }
          ?? "up to \(all) will stay until they are purged, if their rows"
        return "\(step.id.short): \(kept.what): \(rows) were deleted since"
      }
    }
    let declared = residuals([.compliance])
    let isNothing = plan.steps.allSatisfy { step in
      (step.phase.residuals ?? []).allSatisfy { $0.audience != .compliance }
        && (plan.effects[step.id] ?? []).allSatisfy { $0.effect.audience != .compliance }
        && step.phase.residualStatement != .notDeclared
    }
    return isNothing && !archives.isEmpty ? archives : declared + archives
  }

  /// The duration as a range: from running alone to running beside an application that writes.
  private var time: Prose {
    let known = plan.steps.compactMap { plan.times[$0.id] }
    guard let range = TimeRange(known) else { return "unknown: never rehearsed" }
    let sentence: Prose =
      range.isPoint
      ? "\(range)" : "\(range.least) where nothing else writes, up to \(range.most) beside an application"
    let bases = Set(known.map(\.basis))
    let how: Prose =
      bases.contains(.rehearsed)
      ? "rehearsed" : bases.contains(.scaled) ? "rehearsed, and scaled by the way up" : "measured before"
    let unknown = plan.steps.count - known.count
    let rest: Prose =
      unknown == 0
      ? ""
      : ", plus \(CountText.text(unknown, "phase")) never rehearsed"
    return "\(sentence) (\(how))\(rest)"
  }
}

/// How long several ways down may take together.
struct TimeRange: CustomStringConvertible {
  let least: String
  let most: String
  /// Whether both ends read the same.
  let isPoint: Bool

  /// - Returns: nil when nothing is known.
  init?(_ times: some Collection<DownTime>) {
    guard !times.isEmpty else { return nil }
    let (least, most) = times.reduce(into: (0.0, 0.0)) { sum, time in
      sum = (sum.0 + time.least, sum.1 + time.most)
    }
    self.least = TimeText.text(.milliseconds(least))
    self.most = TimeText.text(.milliseconds(most))
    isPoint = most <= least * 1.05
  }

  /// `0.9 s`, `460 to 920 ms`, `920 ms to 1.2 s`.
  var description: String {
    guard !isPoint else { return most }
    let unit = most.drop { $0 != " " }
    return least.hasSuffix(unit) && !least.dropLast(unit.count).contains(" ")
      ? "\(least.dropLast(unit.count)) to \(most)" : "\(least) to \(most)"
  }
}
