internal import PhaseDB

/// `phasedb new`: the phase files of a migration, empty or by a recipe.
enum NewCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .new, "new",
    summary: "write the phase files of a new migration",
    discussion:
      "The migration gets the next free number. Without a recipe it gets one file, expand.sql, unless --phases names "
      + "others, and the SQL and the window are left to you. A recipe writes the phases of a common change for the "
      + "schema that the folder leads to: the SQL of both directions, triggers, backfill and checks. Nothing is written "
      + "when the change does not fit.\n\n"
      + "Recipes:\n"
      + Recipe.Name.allCases.map { "  \($0.rawValue) \($0.usage)" }.joined(separator: "\n")
      + "\n\nT is a table, C a column, EXPR an expression of the row's columns.",
    positionals: [
      Positional(.name, .text("NAME"), "what the migration does: split-customer-name"),
      Positional(
        .recipe, .name(.recipe), optional: true, repeated: true,
        "a recipe, and the table and columns it is for"),
    ],
    options: [
      .phases, .app, .from, .target, .upExpression, .downExpression, .fill, .database, .migrations, .format,
    ],
    wording: [
      .app: "write windows for this application",
      .from: "the oldest version that runs during the change (default: any)",
      .target: "the first version that needs the change",
      .database: "take the schema from this database, and try expressions on its rows",
    ],
    taking: [.app: .text("APP"), .from: .text("VERSION"), .target: .text("VERSION"), .database: .path],
    examples: [
      .init("phasedb new add-order-index", "write expand.sql"),
      .init("phasedb new split-customer-name --phases expand,migrate,contract", "write all three"),
      .init(
        "phasedb new name-body rename-column notes.body content", "write every phase of a rename"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context)
    // The files of phases that are not written yet do not load, so the next number is taken from the folder's names.
    let name = try NewFiles.nextName(context.invocation.value(.name) ?? "", in: location.migrations)
    let (texts, notes) = try texts(of: name, location, context)
    let folder = Location.joined(location.migrations, name.text)
    try NewFiles.makeFolder(folder)
    var files: [String] = []
    for (kind, text) in texts {
      let file = Location.joined(folder, "\(kind.rawValue).sql")
      try NewFiles.write(text, to: file)
      files.append(file)
    }
    let request = try request(context)
    if context.isJSON {
      try context.print(json: FilesJSON(files: files, notes: request == nil ? nil : notes))
    } else {
      for file in files { context.say("created \(file)") }
      for note in notes { context.note(note) }
      let isWhole = request?.release != nil
      let open = request == nil ? "edit" : "write the window in"
      context.suggest(
        "phasedb lint", after: isWhole ? "" : "\(open) \(files.count == 1 ? "it" : "them")")
    }
    return .done
  }

  private static func texts(
    of name: MigrationName, _ location: Location, _ context: CommandContext
  ) throws(MigrationError) -> (files: [(kind: Phase.Kind, text: String)], notes: [Prose]) {
    let asked = context.invocation.choices(.phases, of: Phase.Kind.self)
    guard let request = try request(context) else {
      let kinds = asked.isEmpty ? [.expand] : Phase.Kind.allCases.filter(asked.contains)
      return (kinds.map { ($0, Templates.phase($0, of: name)) }, [])
    }
    guard asked.isEmpty else {
      throw MigrationError(
        .badRecipe, "a recipe knows which phases it needs", state: "nothing was written",
        help: ["leave --phases out"])
    }
    let written =
      context.invocation.has(.database)
      ? try location.migrator(.reading, context).phases(request, as: name)
      : try RecipeWriter.phases(
        request, as: name, after: Catalog(folder: location.migrations), terms: location.settings.scratchTerms)
    return (written.files, written.notes)
  }

  /// nil without a recipe.
  private static func request(_ context: CommandContext) throws(MigrationError) -> RecipeRequest? {
    let invocation = context.invocation
    let words = invocation.values(.recipe)
    var request = RecipeRequest(words)
    (request.up, request.down) = (invocation.value(.upExpression), invocation.value(.downExpression))
    request.fill = invocation.value(.fill)
    let (from, to) = (invocation.value(.from), invocation.value(.target))
    switch (invocation.value(.app), to) {
    case (let application?, let to?):
      let oldest = try from.map { text throws(MigrationError) in try Version(text) }
      request.release = try RecipeRequest.Release(application, from: oldest, to: try Version(to))
    case (nil, nil) where from == nil: break
    default:
      throw MigrationError(
        .badRecipe, "--app, --from and --to make the windows together", state: "nothing was written",
        help: [
          "name the application and the first version that needs the change: --app shop --to 2.0",
          "and the oldest version that runs until then: --from 1.4",
        ])
    }
    if !words.isEmpty { return request }
    guard request.release == nil, request.up == nil, request.down == nil, request.fill == nil else {
      throw MigrationError(
        .badRecipe, "there is no recipe to use these options for", state: "nothing was written",
        help: ["name one after the migration's name: phasedb help new"])
    }
    return nil
  }
}
