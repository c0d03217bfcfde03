internal import PhaseDB

/// `phasedb purge`: destroys what a phase took away.
enum PurgeCommand {
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

/// What a purge destroyed, as `--format json` prints it.
private struct PurgeJSON: Encodable {
  let phase: String
  let items: [KeptJSON]

  init(_ purge: Purge) {
    phase = purge.phase.description
    items = purge.items.map(KeptJSON.init)
  }
}
