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
    if let begun = SquashedFiles(begunIn: migrator.catalog, location.migrations) {
      if !isDryRun { for step in begun.moves { try begun.take(step) } }
      let isTarget = begun.all.contains { $0.isNamed(by: target) }
      if isTarget, !migrator.catalog.phases.contains(where: { $0.id.isNamed(by: target) }) {
        if !isDryRun { try record(nil, migrator) }
        try tell(SquashedFiles(begun.target, begun.all, in: location.migrations), context)
        return .done
      }
    }
    let squash = try migrator.squashing(to: target)
    let files = SquashedFiles(squash.target, squash.phases, in: location.migrations)
    if !isDryRun {
      try files.refuseOthers()
      for step in files.steps(to: squash.baseline) { try files.take(step) }
      try record(squash.phases, migrator)
    }
    try tell(files, rows: squash.rows, leftOut: squash.leftOut, context)
    return .done
  }

  private static func record(_ phases: [PhaseID]?, _ migrator: Migrator) throws(MigrationError) {
    do throws(MigrationError) {
      try migrator.recordSquash(of: phases)
    } catch {
      var error = error
      error.state = "the files are written; the ledger is not"
      error.help.append("the next up records it: phasedb up")
      error.standing = .partWay
      throw error
    }
  }

  private static func tell(
    _ files: SquashedFiles, rows: Int = 0, leftOut: [String] = [], _ context: CommandContext
  ) throws(MigrationError) {
    let isDryRun = context.invocation.flag(.dryRun)
    if context.isJSON {
      try context.print(json: SquashJSON(files, rows: rows))
      return
    }
    let count = CountText.text(files.phases.count, "phase")
    context.say(
      "\(isDryRun ? "would squash" : context.paint("squashed", .good)) \(count) up to \(files.target.short) into \(files.baseline)"
    )
    context.say("  their files \(isDryRun ? "would move" : "moved") to \(files.hiddenFolder)")
    if rows > 0 {
      context.say("  the baseline inserts \(CountText.text(rows, "row")), as the phases did")
    }
    for table in leftOut {
      context.note("what phases put into the virtual table \(table) is not in the baseline")
    }
    context.suggest(isDryRun ? "phasedb squash --to \(files.target.short)" : "phasedb lint")
  }
}

/// Where the files of squashed phases go, and in which steps.
///
/// The new baseline comes into its place in one step. Before it, the folder is what it was. After it, whoever reads the folder
/// leaves out the files of phases that the baseline stands for, so it does not matter which of them have moved.
struct SquashedFiles {
  /// The last phase that the baseline stands for.
  let target: PhaseID
  /// Those whose files are to be moved.
  let phases: [PhaseID]
  /// All that the baseline stands for, once it is in place.
  let all: [PhaseID]
  let baseline: String
  /// A hidden folder, which no command reads unless it is named.
  let hiddenFolder: String
  private let folder: String

  enum Step {
    case makeFolder(String)
    case copy(String, to: String)
    /// Writes a file in the place of one that may be there, as a whole or not at all.
    case replace(String, by: String)
    case move(String, to: String)
  }

  init(_ target: PhaseID, _ phases: [PhaseID], all: [PhaseID] = [], in folder: String) {
    (self.target, self.phases, self.all, self.folder) = (target, phases, all, folder)
    baseline = Location.joined(folder, "baseline.sql")
    let name = target.short.replacing("/", with: "-")
    hiddenFolder = Location.joined(folder, ".squashed-\(name)")
  }

  /// What is left of a squash whose baseline is in place; nil when there is no such baseline.
  init?(begunIn catalog: Catalog, _ folder: String) {
    let all = (catalog.baseline?.squashed ?? []).map(\.id)
    guard let target = all.last else { return nil }
    self.init(target, catalog.leftBehind, all: all, in: folder)
  }

  /// Takes away what a squash left behind that was stopped before its baseline was in place.
  ///
  /// - Throws: `already-exists` when the hidden folder has more than that.
  func refuseOthers() throws(MigrationError) {
    if NewFiles.entries(of: hiddenFolder).allSatisfy({ $0 == "baseline.sql" }) {
      try? FileManager.default.removeItem(atPath: hiddenFolder)
    }
    try NewFiles.refuseExisting([hiddenFolder])
  }

  /// Everything, in order.
  func steps(to content: String) -> [Step] {
    let hasFormer = FileManager.default.fileExists(atPath: baseline)
    return [.makeFolder(hiddenFolder)]
      + (hasFormer ? [.copy(baseline, to: Location.joined(hiddenFolder, "baseline.sql"))] : [])
      + [.replace(baseline, by: content)] + moves
  }

  /// The moves after the baseline is in place. A migration folder moves whole if none of its phases stays.
  var moves: [Step] {
    let files = FileManager.default
    let migrations = Dictionary(grouping: phases, by: \.migration).sorted { $0.key < $1.key }
    return migrations.flatMap { migration, phases -> [Step] in
      let source = Location.joined(folder, migration.text)
      let target = Location.joined(hiddenFolder, migration.text)
      let names = Set(phases.map(\.kind.fileName))
      let stays = NewFiles.entries(of: source).contains {
        $0.hasSuffix(".sql") && !names.contains($0)
      }
      guard stays || files.fileExists(atPath: target) else { return [.move(source, to: target)] }
      return [.makeFolder(target)]
        + names.sorted().map { .move(Location.joined(source, $0), to: Location.joined(target, $0)) }
    }
  }

  func take(_ step: Step) throws(MigrationError) {
    let files = FileManager.default
    do {
      switch step {
      case .makeFolder(let path): try NewFiles.makeFolder(path)
      case .copy(let path, let target): try files.copyItem(atPath: path, toPath: target)
      case .replace(let path, let content): try NewFiles.replace(content, at: path)
      case .move(let path, let target): try files.moveItem(atPath: path, toPath: target)
      }
    } catch let error as MigrationError {
      throw error
    } catch {
      let isInPlace = if case .move = step { true } else { false }
      throw MigrationError(
        .outputFailed, "cannot move the files of squashed phases: \(error)",
        state: isInPlace
          ? "the baseline stands for them, some of their files are still in \(folder), and the ledger was not changed"
          : "nothing was changed",
        help: ["correct the cause, then run it again: phasedb squash --to \(target.short)"],
        standing: isInPlace ? .partWay : .unchanged)
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

  init(_ files: SquashedFiles, rows: Int) {
    target = files.target.description
    phases = files.phases.map(\.description)
    baseline = files.baseline
    movedTo = files.hiddenFolder
    self.rows = rows
  }
}
