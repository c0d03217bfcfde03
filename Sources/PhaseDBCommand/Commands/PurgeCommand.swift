internal import PhaseDB

/// `phasedb purge`: destroys the archived values of a phase.
enum PurgeCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .purge, "purge",
    summary: "destroy what phasedb kept of a phase",
    discussion:
      "phasedb keeps archived values and rows, and retired columns and tables, until they are purged. Without "
      + "--confirm, only shows what would be destroyed, and exits with 2. An applied phase cannot come down "
      + "afterwards.",
    positionals: [Positional(.phase, .name(.phase), "the phase whose archives are destroyed")],
    options: [.confirm, .wait, .database, .migrations, .format],
    wording: [.confirm: "confirm the loss by repeating the phase's id"],
    examples: [
      .init("phasedb purge 0002/contract", "see what would be destroyed"),
      .init("phasedb purge 0002/contract --confirm 0002/contract", "destroy it"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .readable).migrator(.writing, context)
    let purge = try migrator.purge(
      context.invocation.value(.phase) ?? "", confirmed: context.invocation.value(.confirm))
    if context.isJSON {
      try context.print(json: PurgeJSON(purge))
      return .done
    }
    guard !purge.items.isEmpty else {
      context.say("nothing to do: nothing of \(purge.phase) is kept")
      return .done
    }
    context.say("\(context.paint("purged", .good)) \(purge.phase)")
    for item in purge.items { context.say("  \(item.what): \(CountText.text(item.rows, "row"))") }
    context.suggest("phasedb status")
    return .done
  }
}

/// The result of a purge, as `--format json` prints it.
private struct PurgeJSON: Encodable {
  let phase: String
  let items: [KeptJSON]

  init(_ purge: Purge) {
    phase = purge.phase.description
    items = purge.items.map(KeptJSON.init)
  }
}
