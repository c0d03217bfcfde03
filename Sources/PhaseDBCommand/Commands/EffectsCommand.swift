internal import PhaseDB
internal import PhaseSQLite

/// `phasedb effects`: counts what a phase caused and its way back does not undo.
enum EffectsCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .effects, "effects",
    summary: "list what a phase caused that its way back does not undo",
    discussion:
      "Lists the rows that each @effects line of the phase counts: those that came since it began to go up and meet the "
      + "condition, and those that were there before and meet it only since. Also says what phasedb keeps of the phase "
      + "until it is purged. Before the phase comes down, the same list is written to a file. Only reads.",
    positionals: [Positional(.phase, .name(.phase), "the phase whose effects are listed")],
    options: [.wait, .database, .migrations, .format],
    wording: [
      .format: "text for people, with the first rows; JSON or CSV with all of them (default: text)"
    ],
    formats: [.text, .json, .csv],
    examples: [
      .init("phasedb effects 0002/expand", "count, and show the first rows"),
      .init("phasedb effects 0002/expand --format csv", "list every row for a spreadsheet"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  /// How many rows of each line of `@effects` a person is shown.
  private static let shownRows = 10

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .readable).migrator(.reading, context)
    let name = context.invocation.value(.phase) ?? ""
    let report = try migrator.effects(of: name)
    // The full name of the phase that was counted, because several may have similar names.
    let id = report.phase.description
    switch context.invocation.format {
    case .csv:
      var csv: EffectCSV?
      try migrator.listEffects(of: id) { columns in
        let head = EffectCSV(report.phase, report.text, columns: columns)
        print(head.header, to: context)
        csv = head
      } each: { row in
        if let csv { print(csv.record(row), to: context) }
      }
    case .json:
      var lists = report.counts.map { _ in EffectsJSON.List() }
      try migrator.listEffects(of: id) { columns in
        for (index, columns) in columns.enumerated() { lists[index].columns = columns }
      } each: { row in
        lists[row.number].rows.append(EffectsJSON.Row(row))
      }
      try context.print(json: EffectsJSON(report, database: migrator.database, lists))
    default: try show(report, migrator, context)
    }
    return .done
  }

  /// Prints a record of CSV unchanged; on a terminal it is escaped, because the text of a row might control the
  /// terminal.
  private static func print(_ record: String, to context: CommandContext) {
    context.print(context.terminal.isOutputTerminal ? "\(sql: record)" : Prose(unescaped: record))
  }

  private static func show(
    _ report: EffectReport, _ migrator: Migrator, _ context: CommandContext
  ) throws(MigrationError) {
    context.print("phase", "\(report.phase)\(report.isApplied ? "" : ", half done")")
    if let since = report.counts.compactMap(\.since).first { context.print("since", "\(since)") }
    for count in report.counts { context.print(count) }
    for residual in report.text.residuals ?? [] {
      context.print("remains", "\(residual.audience.rawValue): \(residual.text)")
    }
    context.print(kept: report.kept)
    if report.counts.isEmpty { context.print("", "no @effects line, so nothing is counted") }
    try showRows(of: report, migrator, context)
    let total = report.counts.reduce(0) { $0 + $1.total }
    context.suggest(
      total > 0
        ? "phasedb effects \(report.phase.short) --format csv" : "phasedb status \(report.phase.short)")
  }

  private static func showRows(
    of report: EffectReport, _ migrator: Migrator, _ context: CommandContext
  ) throws(MigrationError) {
    guard report.counts.contains(where: { $0.total > 0 }) else { return context.print("\n") }
    var columns: [[String]?] = []
    var first: [[EffectCounting.Row]] = report.counts.map { _ in [] }
    try migrator.listEffects(of: report.phase.description) {
      columns = $0
    } each: { row in
      if first[row.number].count < shownRows { first[row.number].append(row) }
    }
    for (number, count) in report.counts.enumerated() where !first[number].isEmpty {
      guard let names = columns[number] else { continue }
      let titles = names.enumerated().map { TextTable.Column("\($1)", dropped: $0 == 0 ? nil : $0 + 1) }
      var table = TextTable(
        [.init("earlier", dropped: 1)] + titles, overflow: .isCut)
      for row in first[number] {
        table.add([.init(row.isEarlier ? "yes" : "")] + row.values.map { .init("\($0)") })
      }
      context.print("\n\(count.effect.table), \(count.effect.text):\n")
      context.print(table)
      let more = count.total - first[number].count
      if more > 0 { context.print("… and \(CountText.text(more)) more\n") }
    }
    context.print("\n")
  }
}

extension KeptData {
  /// `what up took from orders: 120 rows, 4.0 KB; 3 belong to rows that were deleted since`.
  var sentence: Prose {
    let size: Prose = bytes.map { ", \(CountText.bytes(Int64($0)))" } ?? ""
    let gone: Prose =
      deleted.map {
        $0 == 0
          ? "" : "; \(CountText.text($0)) \($0 == 1 ? "belongs to a row" : "belong to rows") deleted since"
      } ?? ""
    return "\(what): \(CountText.text(rows, "row"))\(size)\(gone)"
  }
}

// MARK: - JSON

/// A count as `--format json` prints it.
struct EffectJSON: Encodable {
  let table: String
  let column: String
  let condition: String?
  let audience: String
  let text: String
  let since: String?
  /// Null when it is unknown.
  let rows: Int?
  let earlier: Int?
  let deleted: Int?
  /// Why it is unknown.
  let unknown: Prose?
  /// Every row that is counted; only for the command `effects`.
  var list: EffectsJSON.List?

  init(_ count: EffectCount, _ list: EffectsJSON.List? = nil) {
    let effect = count.effect
    (table, column, condition) = (effect.table, effect.column, effect.condition)
    (audience, text, since) = (effect.audience.rawValue, effect.text, count.since?.text)
    (rows, earlier, deleted, unknown) = (count.rows, count.earlier, count.deleted, count.why)
    self.list = list
  }
}

/// What phasedb keeps of a phase, as `--format json` prints it.
struct KeptJSON: Encodable {
  let what: Prose
  let rows: Int
  let bytes: Int?
  let deleted: Int?

  init(_ kept: KeptData) {
    (what, rows, bytes, deleted) = (kept.what, kept.rows, kept.bytes, kept.deleted)
  }
}

/// What `effects` prints.
struct EffectsJSON: Encodable {
  let database: String
  let phase: String
  let applied: Bool
  let effects: [EffectJSON]
  let kept: [KeptJSON]

  struct List: Encodable {
    /// Null when the rows cannot be read.
    var columns: [String]?
    var rows: [Row] = []
  }

  struct Row: Encodable {
    let earlier: Bool
    let values: [Cell]

    init(_ row: EffectCounting.Row) {
      earlier = row.isEarlier
      values = row.values.map(Cell.init)
    }
  }

  /// A value: a number, a text or null where JSON has the same, otherwise an object with its SQL.
  struct Cell: Encodable {
    let value: Value

    private enum Key: CodingKey { case sql }

    func encode(to encoder: any Encoder) throws {
      switch value {
      case .null:
        var container = encoder.singleValueContainer()
        try container.encodeNil()
      case .integer(let number):
        var container = encoder.singleValueContainer()
        try container.encode(number)
      case .real(let number) where number.isFinite:
        var container = encoder.singleValueContainer()
        try container.encode(number)
      case .text(let text):
        var container = encoder.singleValueContainer()
        try container.encode(text)
      default:
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(value.description, forKey: .sql)
      }
    }
  }

  init(_ report: EffectReport, database: String, _ lists: [List]) {
    self.database = database
    phase = report.phase.description
    applied = report.isApplied
    effects = zip(report.counts, lists).map { EffectJSON($0, $1) }
    kept = report.kept.map(KeptJSON.init)
  }
}
