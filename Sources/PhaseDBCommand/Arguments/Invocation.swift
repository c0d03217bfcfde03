/// A parsed command line: a verb and the values of its arguments.
struct Invocation: Sendable, Hashable {
  let verb: Verb.ID
  /// In the order given; one value unless the argument may be repeated.
  private(set) var values: [ArgumentID: [ArgumentValue]] = [:]

  init(_ verb: Verb.ID) { self.verb = verb }

  mutating func add(_ value: ArgumentValue, to id: ArgumentID) { values[id, default: []].append(value) }

  func has(_ id: ArgumentID) -> Bool { values[id] != nil }

  /// Whether a flag was given.
  func flag(_ id: ArgumentID) -> Bool { has(id) }

  /// The text of an argument, nil when it was not given.
  func value(_ id: ArgumentID) -> String? { values(id).last }

  /// Every text given for an argument; a list counts as its words.
  func values(_ id: ArgumentID) -> [String] {
    (values[id] ?? []).flatMap { value -> [String] in
      switch value {
      case .text(let text): [text]
      case .list(let words): words
      case .flag, .number, .duration: []
      }
    }
  }

  func number(_ id: ArgumentID) -> Int? {
    if case .number(let number)? = values[id]?.last { number } else { nil }
  }

  func duration(_ id: ArgumentID) -> Duration? {
    if case .duration(let duration)? = values[id]?.last { duration } else { nil }
  }

  /// The words given for an argument, as cases of the enumeration behind its row; empty when not given.
  func choices<Choice: RawRepresentable<String>>(_ id: ArgumentID, of _: Choice.Type) -> [Choice] {
    values(id).compactMap(Choice.init(rawValue:))
  }

  var format: OutputFormat { choices(.format, of: OutputFormat.self).last ?? .text }
  var color: ColorChoice { choices(.color, of: ColorChoice.self).last ?? .auto }
}
