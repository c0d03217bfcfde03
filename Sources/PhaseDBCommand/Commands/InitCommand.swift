internal import PhaseDB

/// `phasedb init`: the folder of migrations and its settings.
enum InitCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let folder = context.invocation.value(.migrations) ?? "migrations"
    let settings = Location.joined(folder, "phasedb.json")
    try NewFiles.makeFolder(folder)
    try NewFiles.write(Templates.settings, to: settings)
    if context.isJSON {
      try context.print(json: FilesJSON(files: [settings]))
    } else {
      context.say("made \(folder.visible) and \(settings.visible)")
      context.suggest("phasedb new create-shop")
    }
    return .done
  }
}

/// `phasedb new`: the phase files of a migration.
enum NewCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context)
    // The files of phases that are not written yet do not load, so the next number is taken from the folder's names.
    let name = try NewFiles.nextName(context.invocation.value(.name) ?? "", in: location.migrations)
    let folder = Location.joined(location.migrations, name.text)
    let asked = context.invocation.choices(.phases, of: PhaseKind.self)
    let kinds = PhaseKind.allCases.filter { asked.isEmpty || asked.contains($0) }
    try NewFiles.makeFolder(folder)
    var files: [String] = []
    for kind in kinds {
      let file = Location.joined(folder, "\(kind.rawValue).sql")
      try NewFiles.write(Templates.phase(kind, of: name), to: file)
      files.append(file)
    }
    if context.isJSON {
      try context.print(json: FilesJSON(files: files))
    } else {
      for file in files { context.say("made \(file.visible)") }
      context.say("fill in the window and the SQL of both directions, and delete the phases you do not need")
      context.suggest("phasedb plan")
    }
    return .done
  }
}

/// The files a command made, as `--format json` prints them.
private struct FilesJSON: Encodable {
  let files: [String]
}
