internal import PhaseDB

/// What a way down means for each kind of thing that must be recovered, how long it takes and how it is started.
///
/// The schema alone coming back is the least of it: code, data, work under way, customers and systems downstream are
/// recovered each in its own way, or not at all.
struct RecoveryText {
  let plan: Plan
  /// The command that runs the plan.
  let start: Prose

  func print(to context: CommandContext) {
    context.print("\(context.paint("recovery:", .heading))\n")
    for (title, lines) in sections {
      for (index, line) in lines.enumerated() {
        let label = index == 0 ? title : ""
        context.print("  \(label.padded(to: 11))\(line)\n")
      }
    }
  }

  private var sections: [(String, [Prose])] {
    [
      ("code", code), ("state", state), ("workflow", residuals([.workflow])),
      ("customers", residuals([.customer, .support])), ("downstream", residuals([.downstream])),
      ("time", [time]), ("start", [start]),
    ]
  }

  /// Which versions may be deployed once it is done.
  private var code: [Prose] {
    guard let last = plan.steps.last else { return [] }
    return last.liveAfter.sorted { $0.key < $1.key }.map { application, interval in
      interval.lower == nil && interval.upper == nil
        ? "any version of \(application) may run afterwards"
        : "\(application) \(interval) may run afterwards; stop other versions first"
    }
  }

  private var state: [Prose] {
    plan.steps.flatMap { step in
      let declared: [Prose] = step.phase.losses.map {
        "\(step.id.short) declares a loss: \($0.table).\($0.column): \($0.reason)"
      }
      return (plan.reversals[step.id]?.lines ?? []).map {
        $0.hasPrefix("  ") ? $0 : "\(step.id.short) \($0)"
      } + declared
    }
  }

  /// What remains for somebody: what the phases declare, then the phases that declare nothing at all.
  private func residuals(_ audiences: [Residual.Audience]) -> [Prose] {
    var lines: [Prose] = []
    for audience in audiences {
      for step in plan.steps {
        for residual in step.phase.residuals ?? [] where residual.audience == audience {
          lines.append("\(step.id.short): \(audience == .support ? "support: " : "")\(residual.text)")
        }
      }
    }
    let silent = plan.steps.filter { $0.phase.residualStatement == .notDeclared }.map { Prose($0.id.short) }
    if !silent.isEmpty { lines.append("not declared: \(silent.joined(separator: ", "))") }
    return lines.isEmpty ? ["nothing"] : lines
  }

  /// A range: alone, and beside an application that writes.
  private var time: Prose {
    let known = plan.steps.compactMap { plan.times[$0.id] }
    guard !known.isEmpty else { return "unknown: never rehearsed" }
    let (least, most) = known.reduce(into: (0.0, 0.0)) { sum, time in
      sum = (sum.0 + time.least, sum.1 + time.most)
    }
    let range: Prose =
      most <= least * 1.05
      ? "\(TimeText.text(.milliseconds(most)))"
      : "\(TimeText.text(.milliseconds(least))) where nothing else writes, up to \(TimeText.text(.milliseconds(most))) beside an application"
    let bases = Set(known.map(\.basis))
    let how: Prose =
      bases.contains(.rehearsed)
      ? "rehearsed" : bases.contains(.scaled) ? "rehearsed, and scaled by the way up" : "measured before"
    let unknown = plan.steps.count - known.count
    let rest: Prose =
      unknown == 0
      ? ""
      : ", without \(CountText.text(unknown, "phase")) that never \(unknown == 1 ? "was" : "were")"
    return "\(range) (\(how)\(rest))"
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}
