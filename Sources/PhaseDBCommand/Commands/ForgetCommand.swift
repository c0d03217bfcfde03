internal import PhaseDB

/// `phasedb forget`: removes phasedb from a database.
enum ForgetCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .forget, "forget",
    summary: "remove phasedb from a database",
    discussion:
      "Drops the ledger, the archives and what phases retired; the application's tables and rows stay. Without --confirm, "
      + "only shows what would be lost, and exits with 2. phasedb adopt --at starts tracking the database again.",
    options: [.confirm, .unfinished, .wait, .database, .migrations, .format],
    wording: [.confirm: "confirm the loss by the name of the database's file"],
    examples: [
      .init("phasedb forget -d shop.db", "see what would be lost"),
      .init("phasedb forget -d shop.db --confirm shop.db", "remove it"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .readable).migrator(.writing, context)
    let forgotten = try migrator.forget(
      confirmed: context.invocation.value(.confirm), whileUnfinished: context.invocation.flag(.unfinished))
    if context.isJSON {
      try context.print(json: ForgetJSON(forgotten, database: migrator.database))
      return .done
    }
    context.say("\(context.paint("removed", .good)) phasedb from \(migrator.database)")
    for item in forgotten.items { context.say("  \(item.what): \(CountText.text(item.rows, "row"))") }
    if forgotten.phases.isEmpty {
      context.suggest("phasedb adopt", after: "when it is to be tracked again")
    } else if let phase = forgotten.returnsAt {
      context.suggest("phasedb adopt --at \(phase.short)", after: "when it is to be tracked again")
    } else {
      context.note(
        "adopt cannot come back to this state, because the applied phases are not those up to one phase of the folder"
      )
    }
    return .done
  }
}

/// What was removed, as `--format json` prints it.
private struct ForgetJSON: Encodable {
  let database: String
  let phases: [String]
  let items: [KeptJSON]
  let adoptAt: String?

  init(_ forgotten: Forgetting, database: String) {
    self.database = database
    phases = forgotten.phases.map(\.description)
    items = forgotten.items.map(KeptJSON.init)
    adoptAt = forgotten.returnsAt?.description
  }
}
