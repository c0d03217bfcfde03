internal import PhaseDB

/// `phasedb completions`: a script for a shell, and the names that it asks for.
enum CompletionsCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .completions, "completions",
    summary: "print a script that completes phasedb's words in a shell",
    discussion:
      "With the word names, prints the names that such a script offers: phases, checkpoints, versions of "
      + "applications, the words of explain, and what comes next in a recipe.",
    positionals: [
      Positional(
        .shell, .choices(Shell.allCases.map(\.rawValue) + [CompletionsCommand.names]),
        "the shell that will read the script, or names"),
      Positional(
        .kind, .list(ValueKind.Known.allCases.map(\.rawValue), "KIND"), optional: true,
        "with names: which ones, as in target or phase,checkpoint"
      ),
      Positional(
        .given, .text("WORD"), optional: true, repeated: true,
        "with names recipe: the words of the recipe that are there"),
    ],
    options: [.database, .migrations],
    examples: [
      .init("phasedb completions bash > /etc/bash_completion.d/phasedb", "install them for every user"),
      .init("phasedb completions names target -d shop.db", "print where down can go"),
    ],
    exitCodes: [.done, .usage])

  /// The word that asks for names instead of a shell's script.
  static let names = "names"

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    if let shell = context.invocation.value(.shell).flatMap(Shell.init(rawValue:)) {
      context.print(Prose(unescaped: shell.completions))
      return .done
    }
    // A shell that completes a word must not be told of anything but names.
    let kinds = context.invocation.choices(.kind, of: ValueKind.Known.self)
    let known = KnownNames(context)
    if kinds == [.recipe] {
      for name in known.recipeWords(after: context.invocation.values(.given)) { context.print("\(name)\n") }
      return .done
    }
    for name in known.all(of: kinds.isEmpty ? ValueKind.Known.allCases : kinds) {
      context.print("\(name)\n")
    }
    return .done
  }
}

/// The names that a folder and a ledger have, as far as they can be read.
private struct KnownNames {
  private let folder: String
  private let checkpoints: [Checkpoint]
  private let lanes: [String]
  private let switches: [String]
  private let settings: Settings

  init(_ context: CommandContext) {
    let location = try? Location(context, reading: .none)
    folder = location?.migrations ?? "migrations"
    settings = location?.settings ?? Settings()
    lanes = (location?.settings.lanes.keys).map { $0.sorted() } ?? []
    let migrator = try? location?.migrator(.reading, context)
    checkpoints = (try? migrator?.checkpoints()) ?? []
    switches = ((try? migrator?.switches()) ?? []).map(\.name)
  }

  func all(of kinds: [ValueKind.Known]) -> [String] { kinds.flatMap(names) }

  private func names(of kind: ValueKind.Known) -> [String] {
    switch kind {
    case .phase: phases
    case .target: phases + checkpoints.compactMap(\.name).map { "@\($0)" }
    case .checkpoint: checkpoints.compactMap(\.name)
    case .switch: switches
    case .version: versions
    case .destination: names(of: .target) + versions
    case .lane: lanes
    case .recipe: Recipe.Name.allCases.map(\.rawValue)
    case .word: Set(PageEntry.all.map(\.name)).sorted()
    }
  }

  /// What may stand next in a recipe: its name, or the tables and columns of the schema that the folder leads to. Names
  /// that need quotes are left to whoever types them, because a shell reads quotes itself.
  ///
  /// - Parameter typed: the words of it that are there.
  func recipeWords(after typed: [String]) -> [String] {
    guard let word = typed.first, let recipe = Recipe.Name(rawValue: word) else {
      return typed.isEmpty ? names(of: .recipe) : []
    }
    let usage = recipe.usage.split(separator: " ").map(String.init)
    guard usage.indices.contains(typed.count - 1) else { return [] }
    let form = usage[typed.count - 1]
    if ["into", "to", "by"].contains(form) { return [form] }
    let tables =
      (try? RecipeWriter.plainNames(after: Catalog(folder: folder), terms: settings.scratchTerms)) ?? []
    switch form {
    case "T", "OLD": return tables.map(\.table)
    case "KEY":
      let named = tables.filter { table in typed.contains { $0.hasPrefix("\(table.table).") } }
      return Set(named.flatMap(\.columns)).sorted()
    case "U.C": return tables.map { "\($0.table)." }
    default:
      guard form.hasPrefix("T.") || form.hasPrefix("P.") else { return [] }
      return tables.flatMap { table in table.columns.map { "\(table.table).\($0)" } }
    }
  }

  private var phases: [String] {
    let here = NewFiles.entries(of: folder).compactMap { try? MigrationName($0) }.flatMap { migration in
      let files = NewFiles.entries(of: Location.joined(folder, migration.text))
      return Phase.Kind.allCases.filter { files.contains("\($0.rawValue).sql") }.map {
        PhaseID(migration, $0)
      }
    }
    return Set(here + checkpoints.compactMap(\.phase)).sorted().map(\.short)
  }

  /// The versions that have queries in the folder.
  private var versions: [String] {
    let apps = Location.joined(folder, "apps")
    return NewFiles.entries(of: apps).sorted().flatMap { application in
      NewFiles.entries(of: Location.joined(apps, application)).sorted().compactMap {
        $0.hasSuffix(".sql") ? "\(application)@\($0.dropLast(4))" : nil
      }
    }
  }
}

/// `phasedb help`: what a verb does.
enum HelpCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .help, "help",
    summary: "explain a verb, or list them all",
    positionals: [
      Positional(.topic, .text("VERB"), optional: true, repeated: true, "the verb to explain")
    ],
    examples: [
      .init("phasedb help", "list the verbs"),
      .init("phasedb help checkpoint create", "explain one"),
    ],
    exitCodes: [.done, .usage], check: check)

  /// Refuses words that are no verb.
  @Sendable private static func check(_ invocation: Invocation) throws(UsageError) {
    let topic = invocation.values(.topic)
    guard Verb.under(topic).isEmpty else { return }
    let names = Verb.table.flatMap { [$0.name, $0.path[0]] }
    let name = topic.joined(separator: " ")
    throw UsageError(
      .unknownVerb, "no help for '\(name)': there is no such verb",
      suggestion: Verb.ending(in: name) ?? Suggestion.nearest(to: name, in: names))
  }

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let help = Help(paint: context.paint, width: context.width ?? 80)
    context.print(
      help.text(for: context.invocation.values(.topic), isWhole: !context.invocation.flag(.help)))
    return .done
  }
}

/// `phasedb version`: the versions of phasedb and SQLite.
enum VersionCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .version, "version",
    summary: "print the versions of phasedb and of the SQLite it uses",
    examples: [.init("phasedb version", "print the versions")],
    exitCodes: [.done])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    context.print("phasedb \(PhaseDBVersion.current) (SQLite \(PhaseDBVersion.sqlite))\n")
    return .done
  }
}

/// A shell for which there are completions.
enum Shell: String, Sendable, CaseIterable {
  case bash, zsh, fish

  /// The script that completes phasedb's words in this shell.
  var completions: String {
    switch self {
    case .bash: BashCompletions.script
    case .zsh: ZshCompletions.script
    case .fish: FishCompletions.script
    }
  }
}
