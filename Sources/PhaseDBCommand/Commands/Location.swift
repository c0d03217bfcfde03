internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Where the migrations and the database are, from the command line, the environment and the settings.
struct Location {
  /// The folder of migrations.
  let migrations: String
  let settings: Settings
  /// Why a command that needs only the ledger continues without settings.
  let unreadSettings: MigrationError?
  private let files: Files
  private let invocation: Invocation
  private let environment: [String: String]

  /// The folder: `--migrations`, else what `phasedb.json` here says, else `migrations`. The settings are in the folder
  /// itself, or in the present one.
  ///
  /// - Parameter files: what the command needs of the folder. A command that needs only the ledger continues without
  ///   unreadable settings, if something else names the database.
  /// - Throws: `bad-settings`, or what makes the settings unreadable.
  init(_ context: CommandContext, reading files: Files = .all) throws(MigrationError) {
    invocation = context.invocation
    environment = context.environment
    self.files = files
    let name = "phasedb.json"
    let folder = invocation.value(.migrations)
    let isHere = folder == nil && FileManager.default.fileExists(atPath: name)
    do throws(MigrationError) {
      settings = try Settings.read(path: isHere ? name : Location.joined(folder ?? "migrations", name))
      unreadSettings = nil
    } catch  where files != .all && Location.databaseOutsideSettings(invocation, environment) != nil {
      settings = Settings()
      unreadSettings = error
      context.note(
        "the settings were not used: \(Location.sentence(error)). Defaults apply, except that no check-in is forgotten"
      )
    }
    migrations = folder ?? settings.migrations ?? "migrations"
  }

  static func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// The database: `--database`, else `PHASEDB_DATABASE`, else `DATABASE_URL`, else the settings.
  ///
  /// - Throws: `no-database` when nothing names one, or its address cannot be used.
  func database() throws(MigrationError) -> DatabaseAddress {
    guard let address = try databaseIfNamed() else {
      throw MigrationError(
        .noDatabase, "no database is named",
        help: [
          "name it: --database FILE, or PHASEDB_DATABASE=FILE, or \"database\" in \(migrations)/phasedb.json"
        ])
    }
    return address
  }

  /// The same for a command that does not need a database; nil when nothing names one.
  func databaseIfNamed() throws(MigrationError) -> DatabaseAddress? {
    guard let named = Location.databaseOutsideSettings(invocation, environment) ?? settings.database else {
      return nil
    }
    let address = try DatabaseAddress(named)
    Leftovers.remove(onlyBeside: address.path)
    return address
  }

  /// Says how to see what would go up, after a command that needs no database.
  func suggestPlan(_ context: CommandContext) {
    guard (try? databaseIfNamed()) == nil else { return context.suggest("phasedb plan") }
    context.suggest("phasedb plan -d app.db", after: "choose a database file, which need not exist yet")
  }

  private static func databaseOutsideSettings(
    _ invocation: Invocation, _ environment: [String: String]
  ) -> String? {
    invocation.value(.database)
      ?? ["PHASEDB_DATABASE", "DATABASE_URL"].compactMap { environment[$0] }.first { !$0.isEmpty }
  }

  /// What a command needs of the folder of migrations.
  enum Files {
    /// Every file, in order.
    case all
    /// The readable files: the ledger holds the state of the database and its ways back, and the folder says what may
    /// come next.
    case readable
    /// Nothing.
    case none
  }

  /// A migrator on the database, with what the command line says about its surroundings.
  func migrator(_ access: Migrator.Access, _ context: CommandContext) throws(MigrationError) -> Migrator {
    let catalog: Catalog
    switch files {
    case .all: catalog = try Catalog(folder: migrations)
    case .readable:
      let (readable, problems) = Catalog.readable(folder: migrations)
      noteUnread(problems, context)
      if let readable { catalog = readable } else { catalog = try Catalog([]) }
    case .none: catalog = try Catalog([])
    }
    let address = try database()
    noteUnused(address, context)
    return try Migrator(
      database: address.path, catalog: catalog, access: try address.allowing(access),
      options: try options(context))
  }

  /// Prints which files a command skipped, and what it therefore does not know.
  func noteUnread(_ problems: [MigrationError], _ context: CommandContext) {
    guard let first = problems.first else { return }
    let more = problems.count > 1 ? ", and \(problems.count - 1) more" : ""
    context.note(
      "\(migrations) was not read in full: \(Location.sentence(first))\(more). Pending phases, edited files and the limits of newer versions may be missing here; see what is wrong: phasedb lint"
        + context.words(of: [.migrations]))
  }

  /// What an error says, with its place.
  private static func sentence(_ error: MigrationError) -> Prose {
    let place = error.place.map { " (\($0.file):\($0.line))" } ?? ""
    return "\(error.message)\(place)"
  }

  /// Prints which parts of an address have no effect.
  func noteUnused(_ address: DatabaseAddress, _ context: CommandContext) {
    guard !address.unused.isEmpty else { return }
    context.note(
      "these parameters of the database's address were not used: \(address.unused.joined(separator: ", "))")
  }

  /// How batches run: the command line takes precedence over the settings.
  private var pacing: Options.Pacing {
    var pacing = Options.Pacing(throttle: settings.throttle, pauseFile: settings.pauseFile)
    pacing.hold = invocation.duration(.hold) ?? settings.hold ?? pacing.hold
    pacing.pause = invocation.duration(.pause) ?? settings.pause
    pacing.maximumRows = invocation.number(.maximumRows) ?? settings.maximumRows ?? pacing.maximumRows
    return pacing
  }

  /// What the command line says about the database's surroundings.
  func options(_ context: CommandContext) throws(MigrationError) -> Options {
    var live: [LiveVersion] = []
    for text in invocation.values(.live) where text != LiveVersion.none { live.append(try LiveVersion(text)) }
    let overridden = invocation.choices(.override, of: Gate.self)
    let reason = invocation.value(.reason)
    guard overridden.isEmpty || reason != nil else {
      throw MigrationError(
        .reasonMissing, "--override needs a reason, which stays in the log",
        help: ["add --reason \"why \(overridden[0].rawValue) does not matter now\""])
    }
    // To rehearse and to compare, the file is where evidence goes, and not where it comes from.
    let file = [.rehearse, .compat].contains(invocation.verb) ? nil : invocation.value(.evidence)
    var options = Options(
      wait: invocation.duration(.wait) ?? settings.wait ?? .seconds(30), live: live,
      forget: settings.forget ?? (unreadSettings == nil ? .seconds(600) : .seconds(3_650 * 86_400)),
      overridden: Set(overridden),
      reason: overridden.isEmpty ? nil : reason, mustBeRehearsed: (settings.evidence ?? .contract).kinds,
      evidence: try file.map { path throws(MigrationError) in try Evidence.read(path) } ?? [],
      pacing: pacing, cancellation: context.cancellation)
    options.isLiveComplete = invocation.values(.live).contains(LiveVersion.none)
    options.functions = settings.functions
    options.freezeFile = settings.freezeFile
    options.ignoreTables = settings.ignoreTables
    for (name, lane) in settings.lanes { options.lanes[name] = try LaneProgram(lane, environment).lane() }
    if let settle = settings.switchSettle { options.switchSettle = settle }
    options.effectsFolder = invocation.value(.effects) ?? settings.effectsFolder
    let environment = environment
    options.probes = settings.probes.mapValues { probe in
      Options.ProbeSource(givesNumber: probe.givesNumber) { isCancelled in
        ProbeProgram(words: probe.command, environment: environment, timeLimit: probe.timeout)
          .ask(givesNumber: probe.givesNumber, isCancelled: isCancelled)
      }
    }
    return options
  }
}
