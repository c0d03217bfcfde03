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
    // No option is a number, and a number below zero deserves an answer of its own.
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

  /// Some verbs take other words than most.
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
    // ArchivePlan `--dry-run` for the value of `--to` would run what was only to be planned.
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
      let given = group.filter(invocation.has).map { Self.spelling(of: $0, in: verb) }
      guard given.count < 2 else {
        throw UsageError(.conflictingArguments, "\(given.joined(separator: " and ")) cannot be combined")
      }
    }
    if verb.id == .rehearse { try Self.checkRehearsal(invocation, of: verb) }
    if verb.id == .watch { try Self.checkWatch(invocation) }
    if verb.id == .lane { try Self.checkLane(invocation) }
    if [.switchSet, .switchRamp].contains(verb.id) { try Self.checkSwitch(invocation) }
    if verb.id == .help { try Self.checkTopic(invocation.values(.topic)) }
    return invocation
  }

  private static func spelling(of id: ArgumentID, in verb: Verb) -> String {
    if let option = Option.named(id) { return "'--\(option.long)'" }
    guard let kind = verb.positionals.first(where: { $0.id == id })?.kind else { return id.rawValue }
    return kind == .number ? "a number (\(kind.placeholder))" : kind.placeholder
  }

  /// Refuses arguments of the way down on the way up, and the other way round.
  private static func checkRehearsal(_ invocation: Invocation, of verb: Verb) throws(UsageError) {
    let isDown = invocation.value(.phase) == RehearseCommand.down
    let misplaced: [ArgumentID] = isDown ? [.evidence, .allowEmpty] : [.count, .target, .all]
    guard let id = misplaced.first(where: invocation.has) else { return }
    throw UsageError(
      .conflictingArguments,
      isDown
        ? "\(spelling(of: id, in: verb)) is not for 'rehearse down'"
        : "\(spelling(of: id, in: verb)) belongs to 'rehearse down'")
  }

  /// What a decision about a watch needs, and what the others do not know.
  private static func checkWatch(_ invocation: Invocation) throws(UsageError) {
    let action = invocation.value(.action).flatMap(WatchCommand.Action.init)
    let needed: [ArgumentID] =
      switch action {
      case .waive: [.phase, .reason]
      case .freeze: [.reason]
      case .unfreeze, nil: []
      }
    if let id = needed.first(where: { !invocation.has($0) }) {
      let word = id == .phase ? "PHASE" : "--reason \"...\""
      throw UsageError(
        .missingArgument, "'watch \(action?.rawValue ?? "")' needs \(word)", help: ["add \(word)"])
    }
    let allowed: [ArgumentID] =
      switch action {
      case .waive: [.phase, .reason]
      case .freeze: [.reason, .freezeTime]
      case .unfreeze: []
      case nil: [.once]
      }
    let own: [ArgumentID] = [.phase, .reason, .freezeTime, .once]
    guard let id = own.first(where: { invocation.has($0) && !allowed.contains($0) }) else { return }
    let spelling = Option.named(id).map { "'--\($0.long)'" } ?? "PHASE"
    throw UsageError(
      .conflictingArguments, "\(spelling) is not for 'watch\(action.map { " \($0.rawValue)" } ?? "")'")
  }

  /// What holding a lane by hand needs, and what the others do not know.
  private static func checkLane(_ invocation: Invocation) throws(UsageError) {
    let action = invocation.value(.laneAction).flatMap(LaneCommand.Action.init) ?? .list
    let needed: [ArgumentID] =
      switch action {
      case .list: []
      case .hold: [.lane, .freezeTime, .reason]
      case .release: [.lane, .reason]
      }
    let words: [ArgumentID: String] = [
      .lane: "LANE", .freezeTime: "--for 10m", .reason: "--reason \"...\"",
    ]
    if let word = needed.first(where: { !invocation.has($0) }).flatMap({ words[$0] }) {
      throw UsageError(
        .missingArgument, "'lane \(action.rawValue)' needs \(word)", help: ["add \(word)"])
    }
    if invocation.duration(.freezeTime) == .zero {
      throw UsageError(.badDuration, "'lane hold' must hold for longer than 0s", help: ["add --for 10m"])
    }
    let own: [ArgumentID] = [.lane, .freezeTime, .reason]
    guard let id = own.first(where: { invocation.has($0) && !needed.contains($0) }) else { return }
    let spelling = Option.named(id).map { "'--\($0.long)'" } ?? "LANE"
    throw UsageError(.conflictingArguments, "\(spelling) is not for 'lane \(action.rawValue)'")
  }

  /// What a change of a switch needs.
  private static func checkSwitch(_ invocation: Invocation) throws(UsageError) {
    if invocation.verb == .switchSet, !invocation.has(.reason) {
      throw UsageError(
        .missingArgument, "'switch set' needs --reason \"...\"", help: ["add --reason \"...\", for the log"])
    }
    let order: [ArgumentID] = [.steps, .every, .interval]
    let given = order.filter(invocation.has)
    if invocation.duration(.interval) == .zero {
      throw UsageError(.badDuration, "each step of 'switch ramp' must be judged for longer than 0s")
    }
    guard given.isEmpty || given == order else {
      throw UsageError(
        .missingArgument, "'switch ramp' needs steps and how long each is judged, or neither",
        help: ["write for example: phasedb switch ramp NAME 1%,10%,50%,100% every 30m"])
    }
  }

  private static func checkTopic(_ topic: [String]) throws(UsageError) {
    guard Verb.under(topic).isEmpty else { return }
    let names = Verb.table.flatMap { [$0.name, $0.path[0]] }
    let name = topic.joined(separator: " ")
    throw UsageError(
      .unknownVerb, "no help for '\(name)': there is no such verb",
      suggestion: Verb.ending(in: name) ?? Suggestion.nearest(to: name, in: names))
  }
}
