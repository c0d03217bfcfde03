internal import PhaseDB

/// `phasedb checkpoint restore`: puts the whole database back to a snapshot.
enum CheckpointRestoreCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .checkpointRestore, "checkpoint", "restore",
    summary: "put the whole database back to the snapshot of a checkpoint",
    discussion:
      "Everything written since is lost, including the ledger's entries. Without --confirm, only shows what would be "
      + "lost, as row counts by table, and exits with 2. Use it when phases cannot come down. Stop the "
      + "applications first.",
    positionals: [Positional(.name, .name(.checkpoint), "the checkpoint, or the path of a snapshot")],
    options: [.confirm, .wait, .database, .migrations, .format],
    examples: [
      .init("phasedb checkpoint restore before-sale", "see what would be lost"),
      .init("phasedb checkpoint restore before-sale --confirm before-sale", "go back to it"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.writing, context)
    StopSignals.handle()
    let name = context.invocation.value(.name) ?? ""
    let restoration = try migrator.restore(name, confirmed: context.invocation.value(.confirm))
    if context.isJSON {
      try context.print(json: RestoreJSON(restoration))
      return .done
    }
    let place = restoration.phase.map { "after \($0)" } ?? "before the first phase"
    context.say("\(context.paint("restored", .good)) \(restoration.snapshot.path), \(place)")
    for line in restoration.losses.lines { context.say("  undone: \(line)") }
    context.suggest("phasedb verify")
    return .done
  }
}

extension Snapshot {
  /// `snapshot snapshots/shop@before-sale.db, 12.0 MB`.
  var sentence: Prose { "snapshot \(path), \(CountText.bytes(Int64(bytes)))" }
}

/// A snapshot as `--format json` prints it.
struct SnapshotJSON: Encodable {
  let path: String
  let bytes: Int
  let sha256: String

  init(_ snapshot: Snapshot) {
    path = snapshot.path
    bytes = snapshot.bytes
    sha256 = snapshot.checksum
  }
}

/// What a restore undid, as `--format json` prints it.
private struct RestoreJSON: Encodable {
  let snapshot: SnapshotJSON
  /// Left out before the first phase.
  let phase: String?
  let lost: Lost

  struct Lost: Encodable {
    let tables: [Table]
    let applied: [String]
    let reversed: [String]
    let checkpoints: [String]
    let switches: [Switch]

    struct Table: Encodable {
      let table: String
      let added: Int
      let changed: Int
      let gone: Int
      let redeclared: Bool
    }

    struct Switch: Encodable {
      let name: String
      /// Left out where there is no such switch, before the restore or afterwards.
      let percentBefore: Double?
      let percentAfter: Double?
      let pinsBack: [Pin]
      let pinsGone: [Pin]

      init(_ loss: RestoreLosses.SwitchLoss) {
        name = loss.name
        (percentBefore, percentAfter) = (loss.before?.percent, loss.after?.percent)
        (pinsBack, pinsGone) = (loss.pinsBack.map(Pin.init), loss.pinsGone.map(Pin.init))
      }
    }

    struct Pin: Encodable {
      let subject: String
      let on: Bool

      init(_ member: SwitchMember) { (subject, on) = (member.subject, member.isOn) }
    }
  }

  init(_ restoration: Restoration) {
    snapshot = SnapshotJSON(restoration.snapshot)
    phase = restoration.phase?.description
    let losses = restoration.losses
    lost = Lost(
      tables: losses.tables.map {
        Lost.Table(
          table: $0.name, added: $0.added, changed: $0.changed, gone: $0.gone, redeclared: $0.isOther)
      }, applied: losses.applied.map(\.description), reversed: losses.reversed.map(\.description),
      checkpoints: losses.checkpoints, switches: losses.switches.map(Lost.Switch.init))
  }
}
