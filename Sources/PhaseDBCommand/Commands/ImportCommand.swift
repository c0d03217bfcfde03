internal import PhaseAudit
internal import PhaseDB

/// `phasedb import`: a baseline and phases from the folder of another tool.
enum ImportCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .importFolder, "import",
    summary: "go on with phasedb from the folder of another migration tool",
    discussion:
      "What the database has, by the tool's own table, becomes baseline.sql; without a database that is every migration. "
      + "What is pending becomes phases, each of the kind that its change of the schema shows and with its way down where "
      + "that leads back. What no phase can hold is listed. Writes only into the folder of migrations, never into DIR, and "
      + "changes no database.",
    positionals: [Positional(.folder, .directory, "the folder of the other tool")],
    options: [
      .tool, .set, .replace, .stub, .migrationName, .window, .pendingOnly, .wait, .database, .migrations,
      .format,
    ],
    wording: [
      .database: "the database that the folder belongs to (default: every migration is history)",
      .migrations: "the folder that is written (default: migrations)",
    ],
    examples: [
      .init("phasedb import db/migrations -d app.db -m phases", "begin where the database stands"),
      .init("phasedb import db/migrations -m phases", "take every migration for history"),
      .init(
        "phasedb import db/migrations -d app.db -m phases --window 'shop >=1.4'", "write the windows, too"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let invocation = context.invocation
    let source = invocation.value(.folder) ?? ""
    let location = try Location(context, reading: .none)
    let target = location.migrations
    try ImportPlan.refuse(writing: target, into: source)
    let existing = try names(in: target, extending: invocation.flag(.pendingOnly))
    let window = try invocation.value(.window).map { text throws(MigrationError) in try checked(text) }
    let database = try location.databaseIfNamed()?.path
    let wait = try location.options(context).wait
    let tool = try MigrationTool(of: source, invocation, database: database, wait: wait)
    let folder = try ToolFolder.read(source, tool: tool, options: ReaderOptions(invocation))
    let naming = ImportPlan.Naming(
      name: invocation.value(.migrationName), after: existing.map(\.number).max() ?? 0, window: window)
    let plan = try ImportPlan(
      folder, database: database, naming: naming, present: phaseFiles(of: existing, in: target),
      stubs: invocation.values(.stub), wait: wait)
    var files = ImportedFiles(plan, in: target)
    try files.write(
      settingsFor: database, functions: invocation.values(.stub), baseline: !invocation.flag(.pendingOnly))
    if context.isJSON {
      try context.print(json: ImportJSON(plan, files))
    } else {
      print(plan, files, of: folder, database, to: context)
    }
    return plan.leftOut.isEmpty && files.open.isEmpty ? .done : .findings
  }

  /// The migrations that are in the folder already.
  ///
  /// - Throws: `already-exists` when there is something, unless it is to be extended.
  private static func names(in target: String, extending: Bool) throws(MigrationError) -> [MigrationName] {
    let entries = NewFiles.entries(of: target)
    let names = entries.compactMap { try? MigrationName($0) }
    guard !extending else { return names }
    let present = names.min().map(\.text) ?? entries.first { $0 == "baseline.sql" }
    guard let present else { return names }
    throw MigrationError(
      .alreadyExists, "\(Location.joined(target, present)) exists already", state: "nothing was written",
      help: [
        "to add only what is pending, run the command with --pending-only",
        "or name a new folder with --migrations",
      ])
  }

  /// The texts of the phases that are there already, by their paths.
  private static func phaseFiles(of names: [MigrationName], in target: String) -> [String: String] {
    var texts: [String: String] = [:]
    for name in names {
      for kind in Phase.Kind.allCases {
        let path = Location.joined(Location.joined(target, name.text), "\(kind.rawValue).sql")
        texts[path] = try? TextFile.read(path)
      }
    }
    return texts
  }

  /// The window as a phase file takes it.
  private static func checked(_ text: String) throws(MigrationError) -> String {
    guard !text.contains(where: \.isNewline) else {
      throw MigrationError(
        .windowInvalid, "the window has more than one line",
        help: ["write it as in --window 'shop >=1.4 <2.0'"])
    }
    _ = try PhaseFile.read(
      "-- @window \(text)\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n", file: "--window", kind: .expand)
    return text
  }

  private static func print(
    _ plan: ImportPlan, _ files: ImportedFiles, of folder: ToolFolder, _ database: String?,
    to context: CommandContext
  ) {
    let pending = folder.migrations.count - plan.history
    context.say(
      "\(CountText.text(folder.migrations.count, "migration")) of \(plan.tool.rawValue): \(CountText.text(plan.history)) in baseline.sql, \(CountText.text(pending)) pending"
    )
    for file in files.written { context.say("created \(file)") }
    if files.written.isEmpty { context.say("nothing to add") }
    context.say(leftOut: plan.otherTools)
    for note in plan.notes { context.note(note) }
    if !plan.leftOut.isEmpty {
      context.print("not taken over:\n")
      for item in plan.leftOut {
        let what = item.statement.map { "\($0): " as Prose } ?? "\(item.version): "
        context.print(
          "  ", "\(what)\(item.reason)\(item.place.map { " (\($0.file):\($0.line))" } ?? "")", indent: 4)
      }
    }
    if !files.open.isEmpty {
      context.print("to decide:\n")
      for item in files.open { context.print("  ", "\(item.file): \(item.reason)", indent: 4) }
    }
    if !files.written.isEmpty { suggest(plan, files, database, context) }
  }

  private static func suggest(
    _ plan: ImportPlan, _ files: ImportedFiles, _ database: String?, _ context: CommandContext
  ) {
    if !files.phases.isEmpty, !files.haveWindows {
      context.say("write the windows in the phases; phasedb lint names what is missing")
    }
    guard plan.baseline != nil else {
      return context.suggest("phasedb up", after: "switch \(plan.tool.rawValue) off")
    }
    let first: Prose = "switch \(plan.tool.rawValue) off"
    database == nil
      ? context.suggest("phasedb adopt -d app.db", after: "\(first), choose the database")
      : context.suggest("phasedb adopt", after: first)
  }
}

/// The files of an import, and what their author has to decide.
private struct ImportedFiles {
  struct PhaseFile {
    let version: String
    let path: String
    let kind: Phase.Kind
    let text: String
    let open: Prose?
  }

  /// Something that only a person can decide.
  struct Open {
    let file: String
    let reason: Prose
  }

  private let target: String
  private let baseline: String?
  private(set) var phases: [PhaseFile] = []
  private(set) var open: [Open] = []
  private(set) var written: [String] = []
  let haveWindows: Bool

  init(_ plan: ImportPlan, in target: String) {
    self.target = target
    baseline = plan.baseline
    for migration in plan.pending {
      for phase in migration.phases {
        let path = Location.joined(
          Location.joined(target, migration.folder.text), "\(phase.kind.rawValue).sql")
        phases.append(
          PhaseFile(
            version: migration.version, path: path, kind: phase.kind, text: phase.text, open: phase.open))
        if let failure = migration.failure {
          open.append(Open(file: path, reason: "its way up does not run here: \(failure)"))
        }
        for note in migration.notes { open.append(Open(file: path, reason: note)) }
        if let reason = phase.open { open.append(Open(file: path, reason: reason)) }
      }
    }
    haveWindows = phases.allSatisfy { $0.text.contains("-- @window ") && !$0.text.contains("-- Needed:") }
  }

  mutating func write(
    settingsFor database: String?, functions: [String], baseline hasBaseline: Bool
  ) throws(MigrationError) {
    try NewFiles.makeFolder(target)
    let settings = Location.joined(target, "phasedb.json")
    if !NewFiles.entries(of: target).contains("phasedb.json") {
      let path = try database.map { database throws(MigrationError) in
        try PathText.json(PathText.relative(database, from: target))
      }
      let names = try functions.map { name throws(MigrationError) in try PathText.json(name) }
      try NewFiles.write(Templates.settings(database: path, functions: names), to: settings)
      written.append(settings)
    }
    if hasBaseline, let baseline {
      let file = Location.joined(target, "baseline.sql")
      try NewFiles.write(baseline, to: file)
      written.append(file)
    }
    for phase in phases {
      try NewFiles.makeFolder(String(phase.path.dropLast(phase.kind.rawValue.count + 5)))
      try NewFiles.write(phase.text, to: phase.path)
      written.append(phase.path)
    }
  }
}

private struct ImportJSON: Encodable {
  let tool: String
  let files: [String]
  /// How many migrations the baseline holds.
  let history: Int
  let phases: [PhaseJSON]
  let leftOut: [LeftOutJSON]
  let leftAlone: [OtherToolJSON]
  let notes: [Prose]

  struct PhaseJSON: Encodable {
    let version: String
    let file: String
    let kind: String
    /// What its author has to decide.
    let open: [Prose]
  }

  struct LeftOutJSON: Encodable {
    let version: String
    let statement: String?
    let file: String?
    let line: Int?
    let reason: Prose
  }

  init(_ plan: ImportPlan, _ files: ImportedFiles) {
    tool = plan.tool.rawValue
    self.files = files.written
    history = plan.history
    phases = files.phases.map { phase in
      PhaseJSON(
        version: phase.version, file: phase.path, kind: phase.kind.rawValue,
        open: files.open.filter { $0.file == phase.path }.map(\.reason))
    }
    leftOut = plan.leftOut.map {
      LeftOutJSON(
        version: $0.version, statement: $0.statement, file: $0.place?.file, line: $0.place?.line,
        reason: $0.reason)
    }
    leftAlone = plan.otherTools.map(OtherToolJSON.init)
    notes = plan.notes
  }
}
