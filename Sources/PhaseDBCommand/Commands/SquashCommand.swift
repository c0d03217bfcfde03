internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// `phasedb squash`: puts applied phases into the baseline.
enum SquashCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .squash, "squash",
    summary: "put applied phases into the baseline",
    discussion:
      "Writes a new baseline.sql that stands for all phases up to --to, moves their files into a hidden folder beside it, "
      + "and records in the ledger that they do not come down any more. A new database begins with the baseline. Other "
      + "databases that have all of these phases go on; one that lacks some needs the former folder first.",
    options: [.target, .dryRun, .wait, .database, .migrations, .format],
    wording: [
      .target: "the last phase that goes into the baseline", .dryRun: "print what would be done and stop",
    ],
    examples: [
      .init("phasedb squash --to 0004/contract --dry-run", "see what would be done"),
      .init("phasedb squash --to 0004/contract", "do it"),
    ],
    exitCodes: [.done, .refused, .partWay, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context)
    guard let target = context.invocation.value(.target) else {
      throw MigrationError(
        .squashRefused, "no phase is named", state: "nothing was changed",
        help: ["name the last phase that goes into the baseline: phasedb squash --to PHASE"])
    }
    let isDryRun = context.invocation.flag(.dryRun)
    let migrator = try location.migrator(isDryRun ? .reading : .writing, context)
    let squash = try migrator.squashing(to: target)
    let files = SquashedFiles(squash, in: location.migrations)
    if !isDryRun {
      try files.move(squash)
      do throws(MigrationError) {
        try migrator.recordSquash(of: squash.phases)
      } catch {
        var error = error
        error.state = "the files are written; the ledger is not"
        error.help.append("the next up records it: phasedb up")
        error.standing = .partWay
        throw error
      }
    }
    if context.isJSON {
      try context.print(json: SquashJSON(squash, files))
      return .done
    }
    let count = CountText.text(squash.phases.count, "phase")
    context.say(
      "\(isDryRun ? "would squash" : context.paint("squashed", .good)) \(count) up to \(squash.target.short) into \(files.baseline)"
    )
    context.say("  their files \(isDryRun ? "would move" : "moved") to \(files.attic)")
    if squash.rows > 0 {
      context.say("  the baseline inserts \(CountText.text(squash.rows, "row")), as the phases did")
    }
    for table in squash.leftOut {
      context.note("what phases put into the virtual table \(table) is not in the baseline")
    }
    context.suggest(isDryRun ? "phasedb squash --to \(squash.target.short)" : "phasedb lint")
    return .done
  }
}

/// Where the files of squashed phases go.
private struct SquashedFiles {
  let baseline: String
  /// A hidden folder, which no command reads unless it is named.
  let attic: String
  private let folder: String

  init(_ squash: Squash, in folder: String) {
    self.folder = folder
    baseline = Location.joined(folder, "baseline.sql")
    let name = squash.target.short.replacing("/", with: "-")
    attic = Location.joined(folder, ".squashed-\(name)")
  }

  /// Writes the baseline last, so that no file is lost if this is interrupted.
  func move(_ squash: Squash) throws(MigrationError) {
    try NewFiles.refuseExisting([attic])
    let draft = Location.joined(folder, ".baseline.sql.new")
    try? FileManager.default.removeItem(atPath: draft)
    try NewFiles.write(squash.baseline, to: draft)
    try NewFiles.makeFolder(attic)
    do {
      let files = FileManager.default
      if files.fileExists(atPath: baseline) {
        try files.moveItem(atPath: baseline, toPath: Location.joined(attic, "baseline.sql"))
      }
      for (migration, phases) in Dictionary(grouping: squash.phases, by: \.migration) {
        let source = Location.joined(folder, migration.text)
        let target = Location.joined(attic, migration.text)
        let left = NewFiles.entries(of: source).filter { name in
          name.hasSuffix(".sql") && !phases.contains { $0.kind.fileName == name }
        }
        guard !left.isEmpty else {
          try files.moveItem(atPath: source, toPath: target)
          continue
        }
        try files.createDirectory(atPath: target, withIntermediateDirectories: true)
        for phase in phases {
          try files.moveItem(
            atPath: Location.joined(source, phase.kind.fileName),
            toPath: Location.joined(target, phase.kind.fileName))
        }
      }
      try files.moveItem(atPath: draft, toPath: baseline)
    } catch {
      throw MigrationError(
        .outputFailed, "cannot move the files of squashed phases: \(error)",
        state: "the ledger was not changed; some files may be in \(attic) already",
        help: ["put them back from there, or restore the folder from its repository"], standing: .partWay)
    }
  }
}

/// The squashed phases, as `--format json` prints them.
private struct SquashJSON: Encodable {
  let target: String
  let phases: [String]
  let baseline: String
  let movedTo: String
  let rows: Int

  init(_ squash: Squash, _ files: SquashedFiles) {
    target = squash.target.description
    phases = squash.phases.map(\.description)
    baseline = files.baseline
    movedTo = files.attic
    rows = squash.rows
  }
}
