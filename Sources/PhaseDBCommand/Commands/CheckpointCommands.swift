internal import PhaseDB

/// `phasedb checkpoint create`: names the present point.
enum CheckpointCreateCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .checkpointCreate, "checkpoint", "create",
    summary: "name the present state, to return to it later",
    discussion:
      "phasedb down --to @NAME returns to it and keeps what was written since. With --snapshot, the whole database "
      + "is copied, too, and checkpoint restore puts the copy back.",
    positionals: [Positional(.name, .text("NAME"), "what the checkpoint is called")],
    options: [.note, .snapshot, .wait, .database, .migrations, .format],
    wording: [.snapshot: "copy the database into this folder, too"],
    examples: [
      .init(
        "phasedb checkpoint create before-sale --note 'last state before the sale'", "set a checkpoint"),
      .init("phasedb checkpoint create before-sale --snapshot snapshots", "also copy the database"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.writing, context)
    let name = context.invocation.value(.name) ?? ""
    let note = context.invocation.value(.note) ?? ""
    let checkpoint: Checkpoint
    if let folder = context.invocation.value(.snapshot) {
      StopSignals.handle()
      checkpoint = try migrator.createCheckpoint(name, note: note, snapshotIn: folder)
    } else {
      checkpoint = try migrator.createCheckpoint(name, note: note)
    }
    if context.isJSON {
      try context.print(json: CheckpointJSON(checkpoint))
    } else {
      let place = checkpoint.phase.map { "after \($0)" } ?? "before the first phase"
      context.say("checkpoint \(context.paint("@\(name)", .good)) is \(place)")
      if let snapshot = checkpoint.snapshot { context.say(snapshot.sentence) }
      context.suggest("phasedb down --to @\(name) --dry-run")
    }
    return .done
  }
}

/// `phasedb checkpoint list`: the points to return to.
enum CheckpointListCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .checkpointList, "checkpoint", "list",
    summary: "list the checkpoints",
    options: [.wait, .database, .migrations, .format],
    examples: [.init("phasedb checkpoint list", "list the checkpoints of the database")],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.reading, context)
    let checkpoints = try migrator.checkpoints()
    if context.isJSON {
      try context.print(json: CheckpointListJSON(checkpoints: checkpoints.map(CheckpointJSON.init)))
      return .done
    }
    guard !checkpoints.isEmpty else {
      context.say("there is no checkpoint yet")
      context.suggest("phasedb up")
      return .done
    }
    var table = TextTable(
      .init("checkpoint"), .init("after"), .init("name", dropped: 2), .init("when", dropped: 1),
      .init("by", dropped: 3), .init("note"), .init("snapshot"))
    for checkpoint in checkpoints {
      let after =
        checkpoint.isReachable
        ? checkpoint.phase?.short ?? "(before the first phase)" : "(reversed since)"
      table.add(
        .init("@\(checkpoint.name ?? String(checkpoint.sequence))"), .init(after),
        .init(checkpoint.phase?.migration.words ?? ""), .init(checkpoint.at.minute),
        .init("\(checkpoint.who)@\(checkpoint.host)"), .init(checkpoint.note),
        .init(checkpoint.snapshot?.path ?? ""))
    }
    context.print(table)
    context.suggest("phasedb plan down --to @CHECKPOINT")
    return .done
  }
}

/// A checkpoint as `--format json` prints it.
struct CheckpointJSON: Encodable {
  let name: String?
  let number: Int64
  let phase: String?
  let at: String
  let who: String
  let host: String
  let note: String
  let reachable: Bool
  let snapshot: SnapshotJSON?

  init(_ checkpoint: Checkpoint) {
    name = checkpoint.name
    number = checkpoint.sequence
    phase = checkpoint.phase?.description
    at = checkpoint.at.text
    who = checkpoint.who
    host = checkpoint.host
    note = checkpoint.note
    reachable = checkpoint.isReachable
    snapshot = checkpoint.snapshot.map { SnapshotJSON($0) }
  }
}

private struct CheckpointListJSON: Encodable {
  let checkpoints: [CheckpointJSON]
}
