internal import PhaseDB

/// `phasedb adopt`: starts tracking an existing database.
enum AdoptCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let phase = context.invocation.value(.present)
    var location = try Location(context)
    // At a baseline no phase is needed, so that phases may still lack what their author has to write.
    if phase == nil, NewFiles.entries(of: location.migrations).contains("baseline.sql") {
      location = try Location(context, reading: .readable)
    }
    let migrator = try location.migrator(.writing, context)
    let adoption = try migrator.adopt(at: phase)
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
    context.suggest("phasedb plan")
    return .done
  }
}

/// An adoption as `--format json` prints it.
private struct AdoptionJSON: Encodable {
  let database: String
  let checkpoint: Int64
  let adopted: [String]
  let leftAlone: [OtherToolJSON]

  init(_ adoption: Adoption, database: String) {
    self.database = database
    checkpoint = adoption.checkpoint?.sequence ?? 0
    adopted = adoption.phases.map(\.description)
    leftAlone = adoption.otherTools.map(OtherToolJSON.init)
  }
}
