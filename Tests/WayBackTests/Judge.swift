import Foundation

/// What was said of a way back before it began.
struct Said: Equatable, CustomStringConvertible {
  enum Word: String { case exact, expected, lossy, uncertain, blocked, unknown }

  var word: Word
  var why: [String] = []

  var description: String { ([word.rawValue] + why).joined(separator: "; ") }
}

/// Holds what was said of a way back against what came back. It knows rows by their keys and what an application did, and
/// nothing of how phasedb comes to its words.
struct Judge {
  /// Before the way up, after it, before the way down, after it.
  let before: Look
  let up: Look
  let written: Look
  /// nil when the way down was refused.
  let down: Look?
  let refusal: String?
  let traffic: [Traffic.Act]
  let said: Said
  /// Whether the way down could be tried with the rows before anything was said of it; otherwise `exact` alone is a promise.
  let isTried: Bool
  /// Whether what was run does something else each time, so that nobody can know.
  var isLeftToChance = false
  /// Whether it keeps a column under another name, so that what rows hold in it goes and comes with the rows.
  var isRetired = false
  /// Whether it was said that a phase above may give rows something else.
  var isClouded = false
  /// After the way up once more; nil when it did not run.
  var again: Look?
  /// After the way down as SQLite alone runs it, without archives; nil when it did not run.
  var bare: Look?

  /// The same, with something else said.
  func saying(_ said: Said) -> Judge {
    Judge(
      before: before, up: up, written: written, down: down, refusal: refusal, traffic: traffic, said: said,
      isTried: isTried, isLeftToChance: isLeftToChance, isRetired: isRetired, isClouded: isClouded,
      again: again, bare: bare)
  }

  /// What is wrong, one sentence each.
  var complaints: [String] {
    guard let down else {
      return said.word == .blocked || said.word == .unknown || !isTried && said.word != .exact
        || isLeftToChance && (said.word == .uncertain || said.word == .lossy)
        ? [] : ["\(said.word.rawValue) was said, and the way down failed: \(refusal ?? "")"]
    }
    if said.word == .blocked {
      return isLeftToChance ? [] : ["blocked was said, and the way down went through"]
    }
    if down.schema != before.schema { return ["the schema is not what it was"] }
    let found = losses(in: down)
    switch said.word {
    case .expected where !isTried || isRetired && !isQuiet: return []
    // What a new row gets by chance cannot be told from what was retired.
    case .exact where isRetired && isLeftToChance && !isQuiet: return []
    case .exact, .expected: return found.isEmpty ? [] : ["\(said.word.rawValue) was said, but:"] + found
    case .lossy where found.isEmpty && isQuiet, .uncertain where isQuiet: return []
    case .unknown: return ["unknown was said of a phase that phasedb itself took up"]
    default: return []
    }
  }

  /// Whether less was said than came back: a warning that cries wolf is not read.
  var isWolf: Bool {
    guard isQuiet, !isLeftToChance, let down else { return false }
    return said.word == .uncertain || said.word == .lossy && losses(in: down).isEmpty
  }

  /// Whether nobody wrote in between.
  var isQuiet: Bool { up == written }

  /// Rows that are not what they have to be when a way back is called exact.
  func losses(in down: Look) -> [String] {
    var lines: [String] = []
    for (name, table) in before.tables.sorted(by: { $0.key < $1.key }) {
      guard let last = down.tables[name] else {
        lines.append("table \(name) is gone")
        continue
      }
      lines += losses(of: name, table, last)
    }
    return lines
  }

  private func losses(of name: String, _ old: Look.Table, _ last: Look.Table) -> [String] {
    let (first, now) = (up.tables[name], written.tables[name])
    // Nobody wrote it, so it is to be what it was, row by row.
    let isMoved = traffic.contains { act in
      if case .moved(name, _, _) = act { true } else { false }
    }
    if first == now, !isMoved {
      let (missing, extra) = Self.difference(old.texts, last.texts)
      return missing.map { "\(name): missing \($0)" } + extra.map { "\(name): left over \($0)" }
    }
    guard let first, let now else { return [] }
    // Where the phase gives rows other keys, a row of the application has one that only both directions tell: it is carried
    // over when the way up makes of everything what the application left.
    if Set(first.rows.keys) != Set(old.rows.keys), let again = again?.tables[name], again == now { return [] }
    var lines: [String] = []
    let lastRows = Self.rows(old, first, now, last)
    let moved = Set(
      traffic.flatMap { act -> [String] in
        if case .moved(name, let from, let to) = act { [from, to] } else { [] }
      })
    for key in Set(old.rows.keys).union(lastRows.keys).union(now.rows.keys).sorted()
    where !moved.contains(key) {
      let (oldRow, firstRow, nowRow, lastRow) = (
        old.rows[key], first.rows[key], now.rows[key], lastRows[key]
      )
      // Without a key, a row is what it holds.
      if let nowRow, firstRow != nowRow, old.key == ["rowid"], first.rows.values.contains(nowRow) { continue }
      if firstRow == nowRow, !isReborn(name, key) {
        if oldRow != lastRow {
          lines.append(
            "\(name) \(key): \(Self.text(oldRow)) became \(Self.text(lastRow)), and nobody wrote it")
        }
      } else if nowRow == nil {
        if old.key == ["rowid"] {
          // A row is what it holds: VACUUM gives it another rowid, and a new one may have that of a deleted one.
          let isDeleted =
            first.rows.values.count { $0 == firstRow } > now.rows.values.count { $0 == firstRow }
          guard isDeleted, firstRow == oldRow, lastRow == oldRow else { continue }
        }
        if lastRow != nil { lines.append("\(name) \(key): deleted by the application, and there again") }
      } else if let nowRow {
        guard let lastRow else {
          lines.append("\(name) \(key): written by the application, and gone")
          continue
        }
        // What both schemas share and the way up left alone is the application's.
        for (column, value) in nowRow.sorted(by: { $0.key < $1.key }) {
          guard let lastValue = lastRow[column], lastValue != value else { continue }
          if let firstRow, let oldRow, oldRow[column] != firstRow[column] {
            if firstRow[column] == value, lastValue != oldRow[column] {
              lines.append(
                "\(name) \(key): \(column) was \(oldRow[column] ?? "not there") and is \(lastValue), and nobody wrote it"
              )
            }
            continue
          }
          // It is carried over into the former meaning when the way up makes of it what the application wrote.
          if again?.tables[name]?.rows[key]?[column] == value { continue }
          // A column of another type holds the same number or text as that type has it.
          if old.types[column] != now.types[column], Self.content(value) == Self.content(lastValue) {
            continue
          }
          lines.append("\(name) \(key): \(column) was \(value) and is \(lastValue)")
        }
        if isReborn(name, key) || firstRow == nil {
          if !(isRetired && isClouded) { lines += borrowed(name, key, old, nowRow, lastRow) }
        } else if let oldRow, !(isRetired && isClouded) {
          for (column, value) in oldRow.sorted(by: { $0.key < $1.key })
          where isKept(column, now) && lastRow[column] != value {
            lines.append(
              "\(name) \(key): written by the application, and \(column) was \(value) and is \(lastRow[column] ?? "gone")"
            )
          }
        }
      }
    }
    // A row that was written as well as moved is another one to whoever looks.
    func rest(_ row: Look.Table.Row?) -> Look.Table.Row? { row?.filter { !old.key.contains($0.key) } }
    for case .moved(name, let from, let to) in traffic where !(isRetired && isClouded) {
      // Of two rows that exchanged their keys, the other one has to be itself, too: else nobody can tell which one moved.
      guard let oldRow = old.rows[from], first.rows[from] != nil, let lastRow = last.rows[to],
        now.rows[from] == nil && !traffic.contains(.moved(table: name, from: to, to: from))
          || first.rows[to] != nil && rest(now.rows[from]) == rest(first.rows[to]),
        rest(now.rows[to]) == rest(first.rows[from]),
        // What two rows that hold the same exchange, nobody can see.
        rest(first.rows[to]) != rest(first.rows[from])
      else { continue }
      for (column, value) in oldRow where isKept(column, now) && lastRow[column] != value {
        lines.append(
          "\(name) \(from) moved to \(to): \(column) was \(value) and is \(lastRow[column] ?? "gone")")
      }
    }
    return lines
  }

  /// Values of columns that a row never had which are another row's.
  private func borrowed(
    _ name: String, _ key: String, _ old: Look.Table, _ nowRow: Look.Table.Row, _ lastRow: Look.Table.Row
  ) -> [String] {
    let bareRow = bare?.tables[name]?.rows[key]
    return lastRow.sorted { $0.key < $1.key }.compactMap { column, value in
      // What the way back computes may be the same by chance.
      guard nowRow[column] == nil, value != "null NULL", !Self.isDefault(value), bareRow?[column] != value,
        !nowRow.values.contains(where: { Self.content($0) == Self.content(value) }),
        old.rows.values.contains(where: { $0[column] == value })
      else { return nil }
      return "\(name) \(key): a row born since has \(column) = \(value) of another row"
    }
  }

  /// Whether only an archive has a column's values: SQLite makes those of a generated one anew.
  private func isKept(_ column: String, _ now: Look.Table) -> Bool {
    !now.columns.contains(column) && !Ornament.isGenerated(column)
  }

  private func isReborn(_ table: String, _ key: String) -> Bool {
    traffic.contains(.reborn(table: table, key: key))
  }

  /// `5.0` of `integer 5`, of `real 5.0` and of `text '5'`.
  private static func content(_ value: String) -> String {
    let text =
      value.split(separator: " ", maxSplits: 1).last.map { $0.trimmingCharacters(in: ["'"]) } ?? value
    return Double(text).map { "\($0)" } ?? text
  }

  /// The rows there are at the end; one without a key that came back under another rowid, because its own is taken, counts as
  /// the one that it is.
  private static func rows(
    _ old: Look.Table, _ first: Look.Table, _ now: Look.Table, _ last: Look.Table
  ) -> [String: Look.Table
    .Row]
  {
    var rows = last.rows
    guard old.key == ["rowid"] else { return rows }
    for (key, row) in old.rows
    where (rows[key] != row || first.rows[key] == nil) && now.rows[key] != nil {
      if let other = rows.first(where: {
        old.rows[$0.key] == nil && now.rows[$0.key] == nil && $0.value == row
      }) {
        rows[other.key] = nil
      }
    }
    return rows
  }

  /// Values that a column gets where none is given.
  private static func isDefault(_ value: String) -> Bool {
    [
      "integer 7", "text 'x'", "text '7'", "real 7.0", "integer 0", "text 'n'", "integer 3", "text '3'",
    ].contains(value)
  }

  private static func text(_ row: Look.Table.Row?) -> String {
    row.map {
      "(" + $0.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ") + ")"
    }
      ?? "no row"
  }

  private static func difference(_ old: [String], _ new: [String]) -> (missing: [String], extra: [String]) {
    var counts: [String: Int] = [:]
    for text in new { counts[text, default: 0] += 1 }
    var missing: [String] = []
    for text in old {
      if let count = counts[text], count > 0 { counts[text] = count - 1 } else { missing.append(text) }
    }
    return (missing, counts.flatMap { Array(repeating: $0.key, count: $0.value) }.sorted())
  }
}
