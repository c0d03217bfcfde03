extension Planner {
  /// A phase that is applied and whose text says something else now.
  func refuseEdited() throws(MigrationError) {
    if let error = try edited(limit: 1).first { throw error }
  }

  /// Every one, or only the first so many.
  func edited(limit: Int = .max) throws(MigrationError) -> [MigrationError] {
    let files = Dictionary(catalog.phases.map { ($0.id, $0.phase) }, uniquingKeysWith: { first, _ in first })
    var errors: [MigrationError] = []
    for applied in applied where errors.count < limit {
      guard let file = files[applied.id], file.tokenHash != applied.tokenHash else { continue }
      let recorded = try recorded(applied)
      let error = MigrationError(
        .editedAfterApply, "\(applied.id) was edited after it was applied on \(applied.appliedAt)",
        at: Place(file: file.up.file, line: 1, column: 1),
        details: LineDifference.lines(from: PhaseFile.render(recorded), to: PhaseFile.render(file)),
        state: "nothing was changed",
        help: [
          "put the applied text back, and write the change as a new migration",
          "or reverse the phase first, which the ledger can do without the file: phasedb down --to PHASE",
          Gate.edited.overriding,
        ])
      errors.append(error)
    }
    return errors
  }

  /// A step after which no version of an application could be live, where some version could before it.
  ///
  /// A contract is left behind for it; an expand or migrate has nothing to wait for. A new database has no versions to
  /// think of.
  func refuseStatesWithoutVersion(
    _ steps: [(id: PhaseID, phase: Phase)], _ after: [[String: StateInterval]]
  ) throws(MigrationError) {
    guard !judgement.isFresh, !judgement.overridden.contains(.window), !steps.isEmpty else { return }
    let done = Set(applied.map(\.id))
    var before = LiveIntervals.of(
      applied: applied.map(\.windows),
      pending: catalog.phases.filter { !done.contains($0.id) }.map(\.phase.windows))
    for (index, step) in steps.enumerated() {
      for window in step.phase.windows {
        guard let interval = after[index][window.application], interval.isEmpty,
          before[window.application]?.isEmpty != true
        else { continue }
        let needed = catalog.phases.first { id, phase in
          !done.contains(id) && !steps[...index].contains { $0.id == id }
            && phase.windows[window.application]?.upper == interval.upper
        }
        throw MigrationError(
          .windowInvalid,
          "once \(step.id.short) is applied no version of \(window.application) may run: \(interval)",
          at: window.place,
          details: needed.map {
            [
              "\($0.id) is pending, and its window is \($0.phase.windows[window.application]?.description ?? "")"
            ]
          } ?? [],
          state: "nothing was changed",
          help: ["see both lines with: phasedb lint", Gate.window.overriding])
      }
      before = after[index]
    }
  }

  /// A new migration that sorts before one that is applied would run on a schema that nobody tested it on.
  func refuseOutOfOrder() throws(MigrationError) {
    if let error = outOfOrder(limit: 1).first { throw error }
  }

  /// Every one, or only the first so many.
  func outOfOrder(limit: Int = .max) -> [MigrationError] {
    let begun = Set(applied.map(\.id.migration.number))
    guard let last = applied.map(\.id.migration).max() else { return [] }
    // A migration that is nothing but a contract may have been passed while it was held.
    let late = catalog.migrations.lazy.filter {
      !begun.contains($0.name.number) && $0.name < last && $0.phases.contains { $0.kind != .contract }
    }
    return late.prefix(limit).map { migration in
      MigrationError(
        .outOfOrder, "migration \(migration.name) is new and sorts before \(last), which is applied",
        at: Place(file: migration.phases[0].up.file, line: 1, column: 1), state: "nothing was changed",
        help: ["give it a number after \(last.digits)"])
    }
  }
}

/// The lines in which two texts differ.
enum LineDifference {
  /// `-` before a line that only the first text has, `+` before one that only the second has, in their order.
  static func lines(from before: String, to after: String) -> [Prose] {
    let old = before.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = after.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var removed: [Int: String] = [:]
    var added: [Int: String] = [:]
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, let line, _): removed[offset] = line
      case .insert(let offset, let line, _): added[offset] = line
      }
    }
    var lines: [Prose] = []
    var (left, right) = (0, 0)
    while left < old.count || right < new.count {
      if let line = removed[left] {
        lines.append("- \(line)")
        left += 1
      } else if let line = added[right] {
        lines.append("+ \(line)")
        right += 1
      } else {
        left += 1
        right += 1
      }
    }
    return lines
  }
}
