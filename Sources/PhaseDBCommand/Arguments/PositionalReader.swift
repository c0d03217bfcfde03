internal import PhaseDB

/// Assigns the words that are no options to the positionals of a verb.
struct PositionalReader {
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
