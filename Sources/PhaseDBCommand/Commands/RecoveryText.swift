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
      return (plan.reversals[step.id]?.lines ?? []).map { "\(step.id.short) \($0)" } + declared
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

  private var time: Prose {
    let known = plan.steps.compactMap { plan.rehearsed[$0.id]?.times.down }
    let unknown = plan.steps.count - known.count
    let sum = TimeText.text(.milliseconds(known.reduce(0, +)))
    if known.isEmpty { return "unknown: never rehearsed" }
    return unknown == 0
      ? "\(sum) when it was rehearsed"
      : "\(sum) when rehearsed, without \(CountText.text(unknown, "phase")) that never \(unknown == 1 ? "was" : "were")"
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}
