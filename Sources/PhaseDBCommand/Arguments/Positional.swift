/// A value that is identified by its position after the verb.
struct Positional: Sendable {
  let id: ArgumentID
  let kind: ValueKind
  let isOptional: Bool
  /// Whether it takes all remaining words.
  let isRepeated: Bool
  /// One phrase without a full stop.
  let summary: String

  init(
    _ id: ArgumentID, _ kind: ValueKind, optional: Bool = false, repeated: Bool = false, _ summary: String
  ) {
    self.id = id
    self.kind = kind
    self.isOptional = optional
    self.isRepeated = repeated
    self.summary = summary
  }

  /// As help writes it: `NAME`, `[N]`, `[VERB...]`.
  var usage: String {
    // A list of more than a few words stands below, where it is explained.
    let isLong = kind.words.count > 4
    let word = (isLong ? id.rawValue.uppercased() : kind.placeholder) + (isRepeated ? "..." : "")
    return isOptional ? "[\(word)]" : word
  }
}
