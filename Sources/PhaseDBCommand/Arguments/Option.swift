/// One option of the command line: a row of the table that parser, help and completions read.
struct Option: Sendable {
  let id: ArgumentID
  /// Without the hyphens: `dry-run`.
  let long: String
  let short: Character?
  /// What may be written as its value; nil for a flag.
  let value: ValueKind?
  /// Whether it may be given more than once; the values are kept in the order given.
  let isRepeatable: Bool
  let placement: Placement
  /// One phrase without a full stop.
  let summary: String
  /// What a reader of the verb's help must know besides; empty when the summary says it all.
  let detail: String

  /// Where on the command line an option may stand.
  enum Placement: Sendable {
    /// After a verb that lists it.
    case afterVerb
    /// Before the verb, too: it means the same to every verb that lists it.
    case anywhere
    /// In place of a verb: `phasedb --version`.
    case insteadOfVerb
  }

  init(
    _ id: ArgumentID, _ long: String, short: Character? = nil, takes value: ValueKind? = nil,
    repeatable: Bool = false, placement: Placement = .afterVerb, _ summary: String, detail: String = ""
  ) {
    self.id = id
    self.long = long
    self.short = short
    self.value = value
    self.isRepeatable = repeatable
    self.placement = placement
    self.summary = summary
    self.detail = detail
  }

  /// The same option with another kind of value.
  func archivePlan(_ value: ValueKind) -> Option {
    Option(
      id, long, short: short, takes: value, repeatable: isRepeatable, placement: placement, summary,
      detail: detail)
  }

  /// Every way to write its name: `["-d", "--database"]`.
  var names: [String] { (short.map { ["-\($0)"] } ?? []) + ["--\(long)"] }
}
