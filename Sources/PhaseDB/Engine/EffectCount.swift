internal import PhaseSQL
package import PhaseSQLite

/// How many rows a line of `@effects` counts since its phase began to go up.
package struct EffectCount: Sendable, Hashable {
  /// What is counted.
  package let effect: Effect
  /// When the phase began to go up; nil when the ledger did not record it.
  package let since: Timestamp?
  /// How many newer rows meet the condition; nil when that is unknown.
  package internal(set) var rows: Int?
  /// How many older rows did not meet the condition before the phase and meet it now; nil when they were not
  /// followed.
  package internal(set) var earlier: Int?
  /// How many newer rows were deleted again; nil when SQLite does not know.
  package internal(set) var deleted: Int?
  /// The least and the greatest value of the column among newer rows; NULL when there are none.
  package internal(set) var first = Value.null
  package internal(set) var last = Value.null
  /// Why ``rows`` is unknown.
  package internal(set) var why: Prose?

  /// All counted rows.
  package var total: Int { (rows ?? 0) + (earlier ?? 0) }

  init(of effect: Effect, since: Timestamp? = nil, unknown why: Prose? = nil) {
    (self.effect, self.since, self.why) = (effect, since, why)
  }
}

extension EffectCount {
  /// `12 rows of outbox, id 4713 to 4724`, or that it is unknown.
  package var sentence: Prose {
    guard let rows else { return "unknown: \(why ?? "nobody counted")" }
    let range: Prose =
      rows == 0 ? "" : rows == 1 ? ", \(effect.column) \(first)" : ", \(effect.column) \(first) to \(last)"
    return "\(CountText.text(rows, "row")) of \(effect.table)\(range)"
  }

  /// What the count leaves out or adds, one sentence each.
  package var remarks: [Prose] {
    guard rows != nil else { return [] }
    var remarks: [Prose] = []
    switch earlier {
    case nil: remarks.append("earlier rows that meet the condition only since are not counted")
    case 0: break
    case let count?:
      remarks.append(
        "\(CountText.text(count, "earlier row")) \(count == 1 ? "meets" : "meet") the condition only since")
    }
    if let deleted, deleted > 0 {
      remarks.append(
        "\(CountText.text(deleted, "row")) that came since \(deleted == 1 ? "is" : "are") not there any more, and not counted"
      )
    }
    return remarks
  }
}

/// Counts and lists the rows that show the effects of one phase.
package struct EffectCounting {
  private let id: PhaseID
  private let phase: Phase
  private let ledger: Ledger
  /// The phase as it is applied; nil while it is half done.
  private let sequence: Int64?
  private let limit: Duration?

  /// The most rows from before the phase that are followed.
  static let mostOpen = 10_000

  /// - Parameters:
  ///   - sequence: of the phase as it is applied; nil while it is half done.
  ///   - limit: how long each query may take; nil for as long as it takes.
  init(
    _ id: PhaseID, _ phase: Phase, sequence: Int64?, within limit: Duration? = nil, _ ledger: Ledger
  ) {
    (self.id, self.phase, self.sequence, self.limit, self.ledger) = (id, phase, sequence, limit, ledger)
  }

  /// One count for each line of `@effects`, in their order.
  ///
  /// - Throws: errors of reading the database. A problem of one table only makes its count unknown.
  package func counts() throws(MigrationError) -> [EffectCount] {
    guard !phase.effects.isEmpty else { return [] }
    let marks = try lifting("reading the ledger") { () in try ledger.effects.marks(of: id) }
    return try phase.effects.enumerated().map { number, effect throws(MigrationError) in
      do {
        return try count(effect, marks[number])
      } catch let unknown as EffectQuery.Unknown {
        if let failure = unknown.failure { throw MigrationError(failure, while: "counting effects") }
        return EffectCount(of: effect, since: marks[number]?.at, unknown: unknown.why)
      } catch {
        throw try lifting("counting effects") { () throws -> MigrationError in throw error }
      }
    }
  }

  private func count(
    _ effect: Effect, _ mark: EffectMark?
  ) throws -> EffectCount {
    let (query, mark) = try query(effect, mark)
    var count = EffectCount(of: effect, since: mark.at)
    let found = try query.count(behind: mark.mark)
    (count.rows, count.first, count.last) = (found.rows, found.first, found.last)
    count.deleted = try query.deleted(behind: mark.mark)
    count.earlier = mark.open == nil ? nil : try query.met(among: openRows(mark)).count
    return count
  }

  private func query(
    _ effect: Effect, _ mark: EffectMark?
  ) throws -> (EffectQuery, EffectMark) {
    guard let mark else {
      throw EffectQuery.Unknown(why: "nothing was remembered when it went up: it was adopted")
    }
    if let sequence, try ledger.schemas.hasDropped(effect.table, since: sequence) {
      throw EffectQuery.Unknown(why: "\(effect.table) was dropped or renamed since")
    }
    return (try EffectQuery(effect, within: limit, on: ledger.connection), mark)
  }

  private func openRows(_ mark: EffectMark) throws(SQLiteError) -> [Value] {
    mark.open == 0 ? [] : try ledger.effects.openRows(mark.number, of: id)
  }

  /// One row that is counted.
  package struct Row {
    /// The number of its line of `@effects`, from 0.
    package let number: Int
    /// Whether it was there before the phase.
    package let isEarlier: Bool
    package let values: [Value]
  }

  /// The columns of the rows of each line of `@effects`; nil where its rows cannot be read.
  package func columns() -> [[String]?] {
    phase.effects.map { try? EffectQuery($0, on: ledger.connection).columns }
  }

  /// Every row that is counted: for each line of `@effects`, earlier ones first, then by the column.
  ///
  /// - Parameter number: of the only line to list; nil for all.
  package func rows(only number: Int? = nil, each: (Row) throws -> Void) throws {
    let marks = try ledger.effects.marks(of: id)
    for (index, effect) in phase.effects.enumerated() where number == nil || number == index {
      do {
        let (query, mark) = try query(effect, marks[index])
        let earlier = mark.open == nil ? [] : try query.met(among: openRows(mark))
        try query.rows(behind: mark.mark, earlier: earlier) { isEarlier, values in
          try each(Row(number: index, isEarlier: isEarlier, values: values))
        }
      } catch let unknown as EffectQuery.Unknown {
        if let failure = unknown.failure { throw failure }
      }
    }
  }
}

// MARK: - As CSV

/// Rows of effects as CSV (rfc-editor.org/rfc/rfc4180): one header, one record for each row, lines that end with CR LF.
///
/// Only texts are in quotes, so that NULL (an empty field) differs from an empty text. Values that CSV cannot hold
/// are written as SQL: blobs, and texts with a NUL character or wrong UTF-8.
package struct EffectCSV {
  private let id: PhaseID
  private let effects: [Effect]
  /// For each line of `@effects`, the number of the first column of its table.
  private let starts: [Int?]
  private let names: [String]

  package init(_ id: PhaseID, _ phase: Phase, columns: [[String]?]) {
    self.id = id
    effects = phase.effects
    var names: [String] = []
    var known: [String: Int] = [:]
    var starts: [Int?] = []
    for (effect, columns) in zip(effects, columns) {
      guard let columns else {
        starts.append(nil)
        continue
      }
      // Two lines may count rows of the same table.
      let table = effect.table.asciiLowercased
      if known[table] == nil {
        known[table] = names.count
        names += columns.map { "\(effect.table).\($0)" }
      }
      starts.append(known[table])
    }
    (self.starts, self.names) = (starts, names)
  }

  /// The columns before those of the tables.
  private static let heads = ["phase", "audience", "effect", "table", "earlier"]

  package var header: String { Self.record((Self.heads + names).map { Value.text($0) }) }

  package func record(_ row: EffectCounting.Row) -> String {
    let effect = effects[row.number]
    var cells = [Value](repeating: .null, count: names.count)
    if let start = starts[row.number] {
      for (index, value) in row.values.enumerated() where start + index < cells.count {
        cells[start + index] = value
      }
    }
    let heads: [Value] = [
      .text(id.description), .text(effect.audience.rawValue), .text(effect.text), .text(effect.table),
      .integer(row.isEarlier ? 1 : 0),
    ]
    return Self.record(heads + cells)
  }

  private static func record(_ values: [Value]) -> String {
    values.map { value in
      switch value {
      case .null: ""
      case .text(let text) where !text.utf8.contains(0): SQLText.identifier(text)
      default: value.description
      }
    }.joined(separator: ",") + "\r\n"
  }
}
