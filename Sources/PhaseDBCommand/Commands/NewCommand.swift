internal import PhaseDB

/// `phasedb new`: the phase files of a migration, empty or by a recipe.
enum NewCommand {
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
  ) throws(MigrationError) -> (files: [(kind: PhaseKind, text: String)], notes: [Prose]) {
    let asked = context.invocation.choices(.phases, of: PhaseKind.self)
    guard let request = try request(context) else {
      let kinds = asked.isEmpty ? [.expand] : PhaseKind.allCases.filter(asked.contains)
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
      : try Catalog(folder: location.migrations).phases(
        request, as: name, terms: location.settings.scratchTerms)
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
