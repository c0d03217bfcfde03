/// Finds contradictions between a folder and a ledger: an applied phase that was edited or renumbered, and a new
/// migration that sorts before applied ones.
struct FolderCheck {
  let catalog: Catalog
  /// In the order in which they were applied.
  let applied: [AppliedPhase]
  /// Gives an applied phase as the ledger recorded it.
  let recorded: (AppliedPhase) throws(MigrationError) -> Phase

  /// Refuses an applied phase whose text has changed.
  func refuseEdited() throws(MigrationError) {
    if let error = try edited(limit: 1).first { throw error }
  }

  /// The errors for edited phases, up to a limit.
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
          "restore the applied text, and write the change as a new migration",
          "or reverse the phase first, with the SQL in the ledger: phasedb down --to PHASE",
          Gate.edited.overriding,
        ])
      errors.append(error)
    }
    return errors
  }

  /// The applied phases that the folder has under another number.
  var renumbered: [Renumbered] { Renumbered.all(applied, in: catalog) }

  /// Refuses to apply a phase again that is applied under another number.
  func refuseRenumbered() throws(MigrationError) {
    let renumbered = renumbered
    guard let first = renumbered.first else { return }
    let file = catalog[first.present]
    throw MigrationError(
      .renumbered, first.sentence, at: file.map { Place(file: $0.up.file, line: 1, column: 1) },
      details: renumbered.dropFirst().map(\.sentence), state: "nothing was changed",
      help: first.isAmbiguous
        ? ["the folder has it more than once: keep the one that is meant, and remove the others"]
        : [Renumbered.opening, "or give the folder its former number back"])
  }

  /// Refuses a new migration that sorts before an applied one: it would run on a schema on which it was never tested.
  func refuseOutOfOrder() throws(MigrationError) {
    if let error = outOfOrder(limit: 1).first { throw error }
  }

  /// The errors for migrations that come too early, up to a limit.
  func outOfOrder(limit: Int = .max) -> [MigrationError] {
    let begun = Set(applied.map(\.id.migration.number))
    guard let last = applied.map(\.id.migration).max() else { return [] }
    // A migration with only a contract may have been held while later ones went up.
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
