internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Values that show what SQL functions lose, for the functions that the scripts call.
struct Probes {
  private var texts: [String] = []
  private var reals: [Double] = []
  private var moments: [String] = []
  /// The same for moments in seconds, and for other whole numbers.
  private var seconds: [Int64] = []
  private var wholes: [Int64] = []
  /// Whether the script may merge equal rows.
  private(set) var mergesRows = false
  /// Columns that are compared with each other.
  private(set) var compared: [(FoldedName, FoldedName)] = []
  /// The number after LIMIT.
  private(set) var most = 0

  var isEmpty: Bool {
    texts.isEmpty && reals.isEmpty && moments.isEmpty && wholes.isEmpty && !mergesRows && compared.isEmpty
      && most == 0
  }

  /// A larger LIMIT is ignored: no table gets so many rows.
  private static let mostRows = 200

  private static let json: Set<FoldedName> = [
    "json", "jsonb", "json_set", "json_insert", "json_replace", "json_remove", "json_patch", "json_extract",
    "json_group_array", "json_group_object", "json_object", "json_array",
  ]
  private static let clocks: Set<FoldedName> = ["date", "datetime", "strftime", "unixepoch", "julianday"]

  /// - Parameter isOfRows: whether the statement reads or writes rows.
  mutating func read(_ words: [SQLWord], isOfRows: Bool) {
    func add(_ more: String...) { for text in more where !texts.contains(text) { texts.append(text) } }
    // How a new table compares texts matters to the rows that it gets.
    if words.contains(where: { $0.is("nocase") }) { add("Ab", "ab", "AB") }
    if words.contains(where: { $0.is("collate") }), words.contains(where: { $0.is("rtrim") }) {
      add("a", "a ")
    }
    guard isOfRows else { return }
    for (index, word) in words.enumerated() {
      let isCalled = index + 1 < words.count && words[index + 1].is("(")
      if isCalled, word.is("lower") || word.is("upper") { add("Ab", "ab", "AB") }
      if isCalled, ["trim", "ltrim", "rtrim"].contains(where: word.is) { add(" a ") }
      if isCalled, Self.json.contains(word.text) { add("{ \"b\" : 1.50, \"a\" : [ 1 ] }") }
      if isCalled && Self.clocks.contains(word.text) || word.text.hasPrefix("current_") {
        // The last one is old, for scripts that delete old rows.
        moments = ["2026-01-31T12:00:07.250Z", "2026-01-31 12:00:07.250", "2001-02-03 04:05:06"]
        seconds = [981_173_106]
      }
      if word.is("="), index > 0, index + 1 < words.count, compared.count < 8 {
        let (before, after) = (words[index - 1], words[index + 1])
        let isQualified = index + 3 < words.count && words[index + 2].is(".")
        let other = isQualified ? words[index + 3] : after
        if before.isName, other.isName, before.text != other.text {
          compared.append((before.text, other.text))
        }
      }
      if word.is("limit"), index + 1 < words.count, let count = Int(words[index + 1].text.text),
        count <= Self.mostRows
      {
        most = max(most, count)
      }
      if isCalled, ["abs", "sign", "min", "max"].contains(where: word.is) { wholes = [-7] }
      if isCalled && (word.is("round") || word.is("cast")) || word.is("+") || word.is("-") || word.is("/")
        || word.is("*") && index > 0 && !words[index - 1].is("select") && !words[index - 1].is("(")
      {
        reals = [1.0 / 3, 19.9999, 0.030379, 0.0293]
      }
      if ["ignore", "distinct", "union", "group", "intersect", "except"].contains(where: word.is)
        || word.is("replace") && !isCalled || isCalled && (word.is("min") || word.is("max"))
      {
        mergesRows = true
      }
    }
  }

  func values(for column: ColumnDefinition) -> [Value] {
    let declared = column.type.declared?.text.asciiLowercased ?? ""
    let isMoment =
      ["date", "time"].contains { declared.contains($0) || column.name.key.text.contains($0) }
      || column.name.key.text.hasSuffix("_at")
    return switch column.type.affinity {
    case .integer: wholes.map(Value.integer) + (isMoment ? seconds.map(Value.integer) : [])
    case .text: texts.map(Value.text) + (isMoment ? moments.map(Value.text) : [])
    case .blob where column.type.declared == nil: texts.map(Value.text)
    case .real: reals.map(Value.real)
    case .numeric where isMoment: moments.map(Value.text)
    case .numeric where declared.contains("json"): texts.filter { $0.hasPrefix("{") }.map(Value.text)
    case .numeric where !declared.contains("bool"): reals.map(Value.real)
    default: []
    }
  }
}
