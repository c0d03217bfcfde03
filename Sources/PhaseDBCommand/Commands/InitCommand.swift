internal import PhaseDB

/// `phasedb init`: makes the folder of migrations and its settings, and the baseline of an existing database.
enum InitCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .initialize, "init",
    summary: "create the folder of migrations and its settings",
    discussion:
      "Nothing that exists is overwritten. With --from, the schema of a database becomes baseline.sql, "
      + "without the tables of other migration tools.",
    options: [.from, .migrations, .format],
    examples: [
      .init("phasedb init", "make the folder 'migrations' here"),
      .init("phasedb init --migrations db/migrations", "make it elsewhere"),
      .init("phasedb init --from shop.db", "begin with a database that has tables already"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    // The settings for all commands in this folder apply to the baseline, too.
    let here = try Settings.read(path: "phasedb.json")
    let folder = context.invocation.value(.migrations) ?? here.migrations ?? "migrations"
    let settings = Location.joined(folder, "phasedb.json")
    if let tool = foreignTool(in: folder) {
      throw foreignFolder(folder, of: tool, context.words(of: [.from]))
    }
    if let address = context.invocation.value(.from) {
      return try run(
        from: DatabaseAddress(address).path, in: folder, settings: settings, ignoring: here.ignoreTables,
        context)
    }
    try NewFiles.makeFolder(folder)
    try NewFiles.write(Templates.settings(), to: settings)
    if context.isJSON {
      try context.print(json: InitJSON(files: [settings]))
    } else {
      context.say("created \(folder) and \(settings)")
      context.suggest("phasedb new create-shop")
    }
    return .done
  }

  private static func run(
    from database: String, in folder: String, settings: String, ignoring ignored: [String],
    _ context: CommandContext
  ) throws(MigrationError) -> ExitCode {
    let file = Location.joined(folder, "baseline.sql")
    try NewFiles.refuseExisting([file])
    // If there are settings, only the baseline may be missing.
    let hasSettings = NewFiles.entries(of: folder).contains("phasedb.json")
    let ignored = hasSettings ? ignored + (try Settings.read(path: settings).ignoreTables) : ignored
    var options = Options(cancellation: context.cancellation)
    options.ignoreTables = ignored
    let reader = try Migrator(
      database: database, catalog: Catalog([]), access: .reading, options: options)
    let baseline = try reader.baseline()
    try NewFiles.makeFolder(folder)
    if let text = baseline.text { try NewFiles.write(text, to: file) }
    let path = try PathText.json(PathText.relative(database, from: folder))
    let names = try ignored.map { name throws(MigrationError) in try PathText.json(name) }
    if !hasSettings { try NewFiles.write(Templates.settings(database: path, ignoring: names), to: settings) }
    let files = (baseline.text == nil ? [] : [file]) + (hasSettings ? [] : [settings])
    if context.isJSON {
      try context.print(json: InitJSON(files: files, baseline))
    } else {
      print(baseline, of: database, files: files, isNamed: !hasSettings, to: context)
    }
    return .done
  }

  private static func print(
    _ baseline: Baseline, of database: String, files: [String], isNamed: Bool, to context: CommandContext
  ) {
    if !files.isEmpty { context.say("created \(files.joined(separator: " and "))") }
    let counts = [
      ("table", "tables"), ("index", "indexes"), ("view", "views"), ("trigger", "triggers"),
    ].compactMap { one, many in baseline.counts[one].map { CountText.text($0, one, many) } }
    context.say(
      "\(database) has \(counts.isEmpty ? "no tables, so it needs no baseline" : counts.joined(separator: ", "))"
    )
    context.say(leftOut: baseline.otherTools)
    for object in baseline.broken {
      context.note("\(object.type) \(object.name) does not compile: \(object.reason)")
      for dependent in object.dependents { context.note("\(dependent) uses it and does not compile either") }
    }
    // Settings that existed before may name another database, or none.
    let adopt: Prose = isNamed ? "phasedb adopt" : "phasedb adopt -d \(ShellWord(database))"
    context.suggest(baseline.text == nil ? "phasedb new create-shop" : adopt)
  }
}

/// The files a command made, as `--format json` prints them.
struct FilesJSON: Encodable {
  let files: [String]
  /// Notes for the author; only for a recipe.
  let notes: [Prose]?
}

private struct InitJSON: Encodable {
  let files: [String]
  /// Only with `--from`, like the next one.
  var leftAlone: [OtherToolJSON]?
  var broken: [BrokenJSON]?

  struct BrokenJSON: Encodable {
    let type: String
    let name: String
    let reason: String
    /// Objects that do not compile because they use this one.
    let dependents: [String]
  }

  init(files: [String], _ baseline: Baseline? = nil) {
    self.files = files
    leftAlone = baseline?.otherTools.map(OtherToolJSON.init)
    broken = baseline?.broken.map {
      BrokenJSON(type: $0.type, name: $0.name, reason: $0.reason, dependents: $0.dependents)
    }
  }
}

/// A table of another tool, as `--format json` prints it.
struct OtherToolJSON: Encodable {
  let table: String
  let tool: String

  init(_ neighbour: OtherTool) { (table, tool) = (neighbour.table, neighbour.tool) }
}
