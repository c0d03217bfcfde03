internal import PhaseDB

/// `phasedb adopt`: starts tracking an existing database.
enum AdoptCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .adopt, "adopt",
    summary: "start tracking an existing database",
    discussion:
      "Runs the baseline, and the phases up to --at, on a database in memory, and compares the schemas. "
      + "When they agree and every @verify of those phases holds, the phases are recorded as applied. "
      + "Nothing else in the database is changed. With --renumber, applied phases get the numbers that the folder gives "
      + "them, if it has them token for token.",
    options: [.present, .renumber, .wait, .database, .migrations, .format],
    alternatives: [[.present, .renumber]],
    examples: [
      .init("phasedb adopt", "begin at the baseline"),
      .init("phasedb adopt --at 0002/migrate", "record what somebody applied by hand"),
      .init("phasedb adopt --renumber", "record the new numbers of applied phases"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let phase = context.invocation.value(.present)
    let renumbers = context.invocation.flag(.renumber)
    var location = try Location(context)
    // A database is adopted at a baseline without reading the phases, so their author may still have to complete
    // them.
    if phase == nil, !renumbers, NewFiles.entries(of: location.migrations).contains("baseline.sql") {
      location = try Location(context, reading: .readable)
    }
    let migrator = try location.migrator(.writing, context)
    if renumbers { return try renumber(migrator, context) }
    let adoption = try migrator.adoption(at: phase)
    if context.isJSON {
      try context.print(json: AdoptionJSON(adoption, database: migrator.database))
      return .done
    }
    let place = adoption.checkpoint?.phase.map { "after \($0)" } ?? "before the first phase"
    context.say(context.paint("adopted \(migrator.database) \(place)", .good))
    if let checkpoint = adoption.checkpoint {
      let phases = CountText.text(adoption.phases.count, "phase")
      context.say("\(phases) recorded as applied, up to checkpoint \(checkpoint.sequence); none was run")
    }
    context.say(leftOut: adoption.otherTools)
    if adoption.orphans > 0 {
      context.note(
        "\(CountText.text(adoption.orphans, "row")) had no parent before; they are recorded, and verify tells new ones apart from them"
      )
    }
    context.suggest("phasedb plan")
    return .done
  }

  /// Gives applied phases the numbers of their files.
  private static func renumber(_ migrator: Migrator, _ context: CommandContext) throws(MigrationError)
    -> ExitCode
  {
    let renumbered = try migrator.renumber()
    if context.isJSON {
      try context.print(json: RenumberJSON(renumbered, database: migrator.database))
      return .done
    }
    for one in renumbered {
      context.say("\(context.paint("renumbered", .good)) \(one.former) to \(one.present)")
    }
    if renumbered.isEmpty { context.say("nothing to do: applied phases have the numbers of their files") }
    context.suggest("phasedb status")
    return .done
  }
}

/// The phases that got another number, as `--format json` prints them.
private struct RenumberJSON: Encodable {
  let database: String
  let renumbered: [Pair]

  struct Pair: Encodable {
    let former: String
    let present: String
  }

  init(_ renumbered: [Renumbered], database: String) {
    self.database = database
    self.renumbered = renumbered.map { Pair(former: $0.former.description, present: $0.present.description) }
  }
}

/// An adoption as `--format json` prints it.
private struct AdoptionJSON: Encodable {
  let database: String
  let checkpoint: Int64
  let adopted: [String]
  let leftAlone: [OtherToolJSON]
  let orphans: Int

  init(_ adoption: Adoption, database: String) {
    self.database = database
    checkpoint = adoption.checkpoint?.sequence ?? 0
    adopted = adoption.phases.map(\.description)
    leftAlone = adoption.otherTools.map(OtherToolJSON.init)
    orphans = adoption.orphans
  }
}
