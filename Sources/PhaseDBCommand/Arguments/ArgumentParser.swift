internal import PhaseDB

/// Reads a command line by the tables of verbs and options.
///
/// The grammar is the one of getopt_long, with a verb in it: `--name value`, `--name=value`, `-d value`, `-dvalue`,
/// `-qh`; options and positionals in any order after the verb; `--` ends the options.
struct ArgumentParser {
  /// - Parameter arguments: without the name of the program.
  /// - Returns: what to do; asking for help or the version is the verb `help` or `version`.
  static func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
    var parser = ArgumentParser(rest: arguments[...])
    return try parser.run()
  }

  private var rest: ArraySlice<String>
  /// The words of the verb read so far, until they name one verb.
  private var path: [String] = []
  private var verb: Verb?
  private var words: [String] = []
  private var options: [(option: Option, name: String, value: ArgumentValue)] = []
  private var firstError: UsageError?
  private var optionsEnded = false
  private var wantsHelp = false
  private var wantsVersion = false

  private init(rest: ArraySlice<String>) { self.rest = rest }

  private mutating func run() throws(UsageError) -> Invocation {
    while let argument = rest.popFirst() {
      do throws(UsageError) {
        try read(argument)
      } catch {
        // The first error is the one to report, but a request for help may still follow and wins.
        if firstError == nil { firstError = error }
      }
    }
    if wantsHelp {
      var invocation = Invocation(.help)
      for word in path { invocation.add(.text(word), to: .topic) }
      // The option asks for a screen, the verb for everything.
      invocation.add(.flag, to: .help)
      return invocation
    }
    do throws(UsageError) {
      if let firstError { throw firstError }
      if wantsVersion { return Invocation(.version) }
      return try finish()
    } catch {
      var error = error
      error.verb = path
      throw error
    }
  }
}

extension ArgumentParser {
  private mutating func read(_ argument: String) throws(UsageError) {
    // No option is a number, so `-1` is read as a value below zero, which has an error of its own.
    let isNumber = argument.dropFirst().first.map { ("0"..."9").contains($0) } ?? false
    if optionsEnded || argument == "-" || !argument.hasPrefix("-") || isNumber {
      try readWord(argument)
    } else if argument == "--" {
      optionsEnded = true
    } else if argument.hasPrefix("--") {
      try readLong(argument)
    } else {
      try readShort(argument)
    }
  }

  private mutating func readWord(_ word: String) throws(UsageError) {
    guard verb == nil else { return words.append(word) }
    let candidates = Verb.under(path + [word])
    guard let first = candidates.first else {
      // The rest belongs to an unknown verb: one error is enough.
      rest = rest.filter { $0 == "-h" || $0 == "--help" }[...]
      throw unknownVerb(word)
    }
    path.append(word)
    if first.path == path { verb = first }
  }

  private func unknownVerb(_ word: String) -> UsageError {
    let all = Verb.under(path).map { $0.path[path.count] }
    guard !path.isEmpty else {
      if let help = OtherWords.help(for: word) {
        return UsageError(.unknownVerb, "unknown verb '\(word)'", help: [help])
      }
      return UsageError(
        .unknownVerb, "unknown verb '\(word)'",
        suggestion: Verb.ending(in: word) ?? Suggestion.nearest(to: word, in: all))
    }
    return UsageError(
      .unknownVerb, "'\(path.joined(separator: " "))' has no '\(word)', only \(all.joined(separator: ", "))",
      candidates: all, for: word)
  }

  private mutating func readLong(_ argument: String) throws(UsageError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = Option.table.first(where: { "--\($0.long)" == name }) else {
      throw unknownOption(name)
    }
    let attached = parts.count > 1 ? String(parts[1]) : nil
    guard let kind = option.value else {
      if let attached {
        throw UsageError(.unexpectedValue, "'\(name)' takes no value, but was given '\(attached)'")
      }
      return note(option, as: name, .flag)
    }
    let text = if let attached { attached } else { try nextValue(of: option, as: name) }
    note(option, as: name, try read(text, for: option, kind, as: name))
  }

  private mutating func readShort(_ argument: String) throws(UsageError) {
    var letters = argument.dropFirst()
    while let letter = letters.popFirst() {
      let name = "-\(letter)"
      guard let option = Option.table.first(where: { $0.short == letter }) else { throw unknownOption(name) }
      guard let kind = option.value else {
        note(option, as: name, .flag)
        continue
      }
      let text = letters.isEmpty ? try nextValue(of: option, as: name) : String(letters)
      return note(option, as: name, try read(text, for: option, kind, as: name))
    }
  }

  /// The kind of value that an option takes; some verbs take another one than most.
  private func read(
    _ text: String, for option: Option, _ kind: ValueKind, as name: String
  ) throws(UsageError) -> ArgumentValue {
    let own = verb?.allOptions.first { $0.id == option.id }?.value
    return try (own ?? kind).read(text, for: "'\(name)'")
  }

  /// The value given as an argument of its own.
  private mutating func nextValue(of option: Option, as name: String) throws(UsageError) -> String {
    let placeholder = option.value?.placeholder ?? ""
    guard let next = rest.first else {
      throw UsageError(.missingValue, "'\(name)' needs a value: \(name) \(placeholder)")
    }
    // If `--dry-run` were read as the value of `--to`, a plan would be run that should only be shown.
    guard next == "-" || !next.hasPrefix("-") else {
      throw UsageError(
        .missingValue, "'\(name)' needs a value, but '\(next)' follows",
        help: ["if the value does start with a hyphen, write --\(option.long)=\(next)"])
    }
    rest.removeFirst()
    return next
  }

  private mutating func note(_ option: Option, as name: String, _ value: ArgumentValue) {
    switch option.id {
    case .help: wantsHelp = true
    case .version where verb == nil: wantsVersion = true
    default: options.append((option, name, value))
    }
    if verb == nil, option.placement == .afterVerb, firstError == nil {
      firstError = UsageError(.unknownOption, "'\(name)' belongs after a verb: \(Self.readers(of: option))")
    }
  }

  private func unknownOption(_ name: String) -> UsageError {
    let readable = verb.map(\.allOptions) ?? Option.table.filter { $0.placement != .afterVerb }
    let candidates = name.hasPrefix("--") ? readable.map { "--\($0.long)" } : []
    return UsageError(
      .unknownOption, "unknown option '\(name)'", candidates: candidates, for: name,
      help: OtherWords.help(for: name).map { [$0] } ?? [])
  }

  /// Which verbs read an option, for a message.
  private static func readers(of option: Option) -> String {
    Verb.table.filter { $0.options.contains(option.id) }.map(\.name).joined(separator: ", ")
  }
}

extension ArgumentParser {
  private func finish() throws(UsageError) -> Invocation {
    guard let verb else {
      guard !path.isEmpty else { throw UsageError(.missingVerb, "nothing to do: no verb was given") }
      let all = Verb.under(path).map { $0.path[path.count] }.joined(separator: ", ")
      throw UsageError(.missingVerb, "'\(path.joined(separator: " "))' needs one of: \(all)")
    }
    var invocation = Invocation(verb.id)
    for (option, name, value) in options {
      guard verb.allOptions.contains(where: { $0.id == option.id }) else {
        let readers = Self.readers(of: option)
        throw UsageError(
          .unknownOption, "'\(verb.name)' has no option '\(name)'",
          help: readers.isEmpty ? ["run: phasedb \(name)"] : ["'\(name)' belongs to: \(readers)"])
      }
      guard option.isRepeatable || !invocation.has(option.id) else {
        throw UsageError(.repeatedOption, "'--\(option.long)' was given twice")
      }
      invocation.add(value, to: option.id)
    }
    try PositionalReader(verb: verb, words: words).read(into: &invocation)
    for group in verb.alternatives {
      let given = group.filter(invocation.has).map(verb.spelling)
      guard given.count < 2 else {
        throw UsageError(.conflictingArguments, "\(given.joined(separator: " and ")) cannot be combined")
      }
    }
    try verb.check(invocation)
    return invocation
  }
}

/// Assigns the words that are no options to the positionals of a verb.
private struct PositionalReader {
  let verb: Verb
  let words: [String]

  /// An optional positional that cannot take a word leaves it to a later one that can: in `plan 3`, the
  /// direction is left out.
  func read(into invocation: inout Invocation) throws(UsageError) {
    var slots = verb.positionals[...]
    for word in words {
      guard let first = slots.first else { throw extra(word) }
      let skippable = slots.prefix { $0.isOptional }.count
      let taker = slots.prefix(skippable + 1).first { (try? $0.kind.read(word, for: "")) != nil } ?? first
      invocation.add(try taker.kind.read(word, for: Self.subject(taker)), to: taker.id)
      slots = slots.drop { $0.id != taker.id }
      if !taker.isRepeated { slots.removeFirst() }
    }
    if let missing = slots.first(where: { !$0.isOptional && !invocation.has($0.id) }) {
      throw UsageError(
        .missingArgument, "'\(verb.name)' needs \(missing.kind.placeholder): \(missing.summary)")
    }
  }

  private func extra(_ word: String) -> UsageError {
    let usage = verb.positionals.map(\.usage).joined(separator: " ")
    let takes = usage.isEmpty ? "takes options only" : "takes \(usage) only"
    let isOption = verb.allOptions.contains { $0.long == word }
    return UsageError(
      .extraArgument, "'\(verb.name)' \(takes), and cannot use '\(word)'",
      suggestion: isOption ? "--\(word)" : nil)
  }

  private static func subject(_ positional: Positional) -> String {
    positional.kind.words.isEmpty ? positional.kind.placeholder : positional.id.rawValue
  }
}

/// Words of other migration tools, and what they are called here.
///
/// The words are commands of Alembic, Django, Active Record, Flyway, Liquibase, goose, golang-migrate, dbmate, sqitch,
/// Knex, Prisma and yoyo.
struct OtherWords {
  let words: [String]
  /// What to type instead.
  let command: String
  /// What it does: the end of a sentence that begins with "to".
  let purpose: Prose

  static let table = [
    OtherWords(
      words: ["migrate", "apply", "upgrade", "deploy", "update", "latest"], command: "phasedb up",
      purpose: "apply every phase that may run now"),
    OtherWords(
      words: ["rollback", "undo", "revert", "downgrade", "unapply"], command: "phasedb down",
      purpose: "reverse the last phase"),
    OtherWords(words: ["reset"], command: "phasedb down --all", purpose: "reverse every phase"),
    OtherWords(
      words: ["create", "generate", "make", "makemigrations", "add", "revision"], command: "phasedb new NAME",
      purpose: "write a migration"),
    OtherWords(
      words: ["info", "list", "current", "showmigrations", "heads", "pending"], command: "phasedb status",
      purpose: "see what is applied and what is pending"),
    OtherWords(
      words: ["history", "changelog"], command: "phasedb log", purpose: "see what was done, and by whom"),
    OtherWords(
      words: ["sqlmigrate", "show", "preview"], command: "phasedb plan",
      purpose: "see what would run without running it"),
    OtherWords(
      words: ["validate", "check"], command: "phasedb verify",
      purpose: "check the database against its ledger and its claims"),
    OtherWords(
      words: ["test", "dryrun"], command: "phasedb rehearse", purpose: "try pending phases on a copy"),
    OtherWords(
      words: ["stamp", "fake", "baseline", "resolve"], command: "phasedb adopt",
      purpose: "record as applied what a database has already"),
    OtherWords(words: ["-V"], command: "phasedb --version", purpose: "see the version"),
  ]

  /// The line of help for a word; nil when no known tool has it.
  static func help(for word: String) -> Prose? {
    table.first { $0.words.contains(word) }.map { "to \($0.purpose): \($0.command)" }
  }
}
