internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Puts rows into the tables of a scratch database, with awkward values as far as the constraints allow them.
///
/// The same tables get the same rows, always. Each statement that works is remembered, so that a second database gets
/// exactly the same.
final class SeededRows {
  /// How ordinary the rows are.
  enum Kind {
    /// Four rows in each table: leading zeros, NULL wherever it is allowed, long text, a blob, large numbers, and
    /// what applications write if there is no value: 0 and an empty text.
    case awkward
    /// One row in each table, without NULL; its text is also JSON.
    case plain
    /// Four rows in each table with NULL wherever it is allowed.
    case sparse
  }

  private let kind: Kind
  /// How many rows each table has been given so far, so that no key is used twice.
  private var given: [FoldedName: Int] = [:]
  /// Added to that, where there are rows from elsewhere.
  private var start = 0

  /// - Parameter others: what gave tables rows before; no key is used twice.
  init(_ kind: Kind, after others: SeededRows? = nil) {
    self.kind = kind
    given = others?.given ?? [:]
  }

  /// Continues with unused keys.
  func beginAnew() { start += 1000 }

  typealias Statement = (sql: String, values: [Value])

  /// What was done.
  struct Work {
    var statements: [Statement] = []
    /// Tables that have no row, because none could be made.
    var empty: [String] = []
    /// Tables that have one or two, because constraints refused others that they might take.
    var scarce: [String] = []
  }

  /// Puts rows into tables of a database.
  ///
  /// - Parameter tables: the names of those to fill.
  func fill(_ tables: [SchemaObject], of schema: Schema, on replay: ReplayConnection) -> Work {
    let connection = replay.connection
    var work = Work()
    let shadows = schema.shadowTables
    let definitions = tables.filter { !shadows.contains($0.key.name) }.compactMap { object in
      TableDefinition(object.sql).map { (object, $0) }
    }
    connection.turn(.foreignKeys, on: false)
    var short: Set<FoldedName> = []
    for (object, definition) in Self.parentsFirst(definitions) {
      guard let plan = TablePlan(object, definition, schema, on: connection) else { continue }
      if !fill(plan, on: connection, &work), !plan.takesOneRow { short.insert(object.key.name) }
      if definition.hasAutoincrement { Self.countOn(object.name, on: connection, &work) }
    }
    // In a circle of tables, a key whose parent was filled later may point to no row.
    for (object, definition) in definitions where !definition.foreignKeys.isEmpty {
      Self.removeOrphans(of: object.name, on: connection, &work)
    }
    for (object, definition) in definitions where definition.virtual == nil {
      guard let count = try? Table.rowCount(SchemaName(object.name), on: connection) else { continue }
      if count == 0 {
        work.empty.append(object.name)
      } else if count < 3, short.contains(object.key.name) {
        work.scarce.append(object.name)
      }
    }
    return work
  }

  /// The text of a string literal.
  fileprivate static func unquoted(_ literal: String) -> String {
    literal.dropFirst().dropLast().split(separator: "''", omittingEmptySubsequences: false).joined(
      separator: "'")
  }

  /// Does the same on another database.
  static func repeated(_ work: Work, on replay: ReplayConnection) throws(SQLiteError) {
    replay.connection.turn(.foreignKeys, on: false)
    var rest = work.statements[...]
    while let sql = rest.first?.sql {
      var statement = try replay.connection.prepare(sql, reused: true)
      while let next = rest.first, next.sql == sql {
        try statement.run(rest.removeFirst().values)
      }
    }
  }

  /// - Returns: whether the table got every row.
  private func fill(_ plan: TablePlan, on connection: Connection, _ work: inout Work) -> Bool {
    let styles = RowStyle.all(of: kind)
    let first = start + given[plan.name, default: 0]
    given[plan.name, default: 0] += styles.count
    guard var insert = try? connection.prepare(plan.insert, reused: true) else { return false }
    let parents = plan.parents(on: connection)
    var made = 0
    for (style, number) in zip(styles, first...) {
      for attempt in 0..<plan.attempts {
        let values = plan.row(number, style, attempt, parents, on: connection)
        do throws(SQLiteError) {
          try insert.run(values)
          work.statements.append((plan.insert, values))
          made += 1
          break
        } catch {
          // Another value may pass a CHECK. After any other error there is no use in another value.
          guard error.code.primary == .constraint else { break }
        }
      }
    }
    return made == styles.count
  }

  /// Raises the counter of a table, as if later rows had been deleted: their keys must not be given again.
  static func countOn(_ table: String, on connection: Connection, _ work: inout Work) {
    let sql = "UPDATE main.sqlite_sequence SET seq = seq + 1000000 WHERE name = ?1"
    guard (try? connection.execute(sql, .text(table))) != nil else { return }
    work.statements.append((sql, [.text(table)]))
  }

  /// Deletes the rows of a table whose parents are not there.
  static func removeOrphans(of table: String, on connection: Connection, _ work: inout Work) {
    for _ in 0..<4 {
      guard
        let orphans = try? connection.rows(
          "SELECT DISTINCT rowid FROM pragma_foreign_key_check(?1)", .text(table)
        )
        .compactMap({ $0[0].integer }), !orphans.isEmpty
      else { return }
      let sql = "DELETE FROM main.\(SQLText.identifier(table)) WHERE rowid = ?1"
      for orphan in orphans where (try? connection.execute(sql, .integer(orphan))) != nil {
        work.statements.append((sql, [.integer(orphan)]))
      }
    }
  }

  /// Tables after those that they point to, as far as they do not point to each other in a circle.
  private static func parentsFirst(
    _ tables: [(SchemaObject, TableDefinition)]
  ) -> [(SchemaObject, TableDefinition)] {
    var byName: [FoldedName: (SchemaObject, TableDefinition)] = [:]
    for table in tables { byName[table.0.key.name] = table }
    var ordered: [(SchemaObject, TableDefinition)] = []
    var seen: Set<FoldedName> = []
    func visit(_ name: FoldedName) {
      guard let table = byName[name], seen.insert(name).inserted else { return }
      for key in table.1.foreignKeys { visit(key.parent.key) }
      ordered.append(table)
    }
    for table in tables { visit(table.0.key.name) }
    return ordered
  }
}

/// The kind of values that a row has.
private enum RowStyle {
  case zeros, nulls, long, unset, plain

  static func all(of kind: SeededRows.Kind) -> [RowStyle] {
    switch kind {
    case .awkward: [.zeros, .nulls, .long, .unset]
    case .plain: [.plain]
    case .sparse: [.nulls, .nulls, .nulls, .nulls]
    }
  }
}

/// The purpose of a column, guessed from its name and its type.
private struct ColumnPurpose {
  let isTruth: Bool
  let isDeclaredMoment: Bool
  /// Whether it holds a date or a time as a text.
  let isMoment: Bool
  let isMomentInSeconds: Bool
  let isDay: Bool
  let isJSON: Bool
  /// Separates its values from those of other columns; 0 for an id, which is that of a row elsewhere.
  let offset: Int

  init(_ column: ColumnDefinition) {
    let declared = column.type.declared?.text.asciiLowercased ?? ""
    let name = column.name.key.text
    let isNamedAt = name.hasSuffix("_at")
    isTruth = declared.contains("bool")
    isDeclaredMoment = declared.contains("date") || declared.contains("time")
    isMoment = isDeclaredMoment || isNamedAt || name.contains("date") || name.contains("timestamp")
    isMomentInSeconds = isNamedAt || name.contains("time") || name.contains("date")
    isDay = declared == "date"
    isJSON = declared.contains("json") || name.contains("json")
    offset = name.hasSuffix("id") ? 0 : 1 + name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % Self.offsets }
  }

  private static let offsets = 997

  /// The offset for a row. For long rows the order of columns by value is reversed, because a CHECK may compare two
  /// columns. If it refuses both orders, later columns get larger values.
  func offset(_ style: RowStyle, _ attempt: Int, place: Int) -> Int {
    attempt > 0 ? (offset == 0 ? 0 : place) : style == .long ? Self.offsets - offset : offset
  }
}

/// How rows of one table are made.
private struct TablePlan {
  let name: FoldedName
  let insert: String
  private let definition: TableDefinition
  private let columns: [ColumnDefinition]
  /// The purpose of each column, guessed from its name and its type.
  private let purposes: [ColumnPurpose]
  /// For a column in a CHECK, the values that its text suggests.
  private let candidates: [SchemaName: Candidates]
  private let key: Set<SchemaName>
  /// Columns that must differ from row to row.
  private let distinct: Set<SchemaName>
  /// Whether a CHECK allows one value where UNIQUE wants many.
  let takesOneRow: Bool

  /// nil for a table that takes no rows.
  init?(
    _ object: SchemaObject, _ definition: TableDefinition, _ schema: Schema, on connection: Connection
  ) {
    guard definition.virtual == nil else { return nil }
    name = object.key.name
    self.definition = definition
    let columns = definition.columns.filter { !$0.isGenerated }
    self.columns = columns
    purposes = columns.map(ColumnPurpose.init)
    guard !columns.isEmpty else { return nil }
    let names = columns.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
    let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    insert = "INSERT INTO main.\(SQLText.identifier(object.name)) (\(names)) VALUES (\(marks))"
    key = Set(definition.primaryKey?.columns.compactMap(\.column) ?? [])
    var distinct = key
    for unique in definition.uniques { distinct.formUnion(unique.columns.compactMap(\.column)) }
    for index in schema.objects where index.key.type == "index" && index.table.folded == name {
      guard let index = IndexDefinition(index.sql), index.isUnique else { continue }
      distinct.formUnion(index.columns.compactMap(\.column))
    }
    self.distinct = distinct
    var candidates: [SchemaName: Candidates] = [:]
    var conditions: [SchemaName: [SQLFragment]] = [:]
    var inSeveral: Set<SchemaName> = []
    for constraint in definition.allConstraints {
      guard case .check(let condition) = constraint.kind else { continue }
      let values = Self.literals(in: condition.text)
      let owner = constraint.column.map { [$0] } ?? []
      let named = condition.names.union(owner)
      let own = columns.filter { named.contains($0.name) }.map(\.name)
      for name in own {
        candidates[name, default: Candidates(isDistinct: distinct.contains(name))].literals += values
        conditions[name, default: []].append(condition)
        if own.count > 1 { inSeveral.insert(name) }
      }
    }
    for column in columns where !inSeveral.contains(column.name) {
      guard let conditions = conditions[column.name] else { continue }
      candidates[column.name]?.prove(conditions, of: column, on: connection)
    }
    self.candidates = candidates
    let alone = ([definition.primaryKey?.columns] + definition.uniques.map(\.columns)).compactMap { columns in
      columns?.count == 1 ? columns?.first?.column : nil
    }
    takesOneRow = alone.contains { candidates[$0]?.allowsOneValue ?? false }
  }

  /// After how many attempts a row is given up.
  var attempts: Int { candidates.isEmpty ? 2 : 60 }

  /// The values of a row.
  ///
  /// - Parameters:
  ///   - number: how many rows the table was given before.
  ///   - attempt: 0 for the first one; later ones try other values where there is a CHECK, and leave out NULL.
  func row(
    _ number: Int, _ style: RowStyle, _ attempt: Int, _ parents: [ParentRows], on connection: Connection
  ) -> [Value] {
    var values: [Value] = []
    var random = UInt64(number &* 31 &+ attempt)
    for (place, (column, purpose)) in zip(columns, purposes).enumerated() {
      if let own = candidates[column.name], attempt > (own.isProved ? 0 : 1) {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        values.append(own.value(attempt, number, random: Int(truncatingIfNeeded: random >> 33)))
      } else {
        let isPlainer =
          attempt > 0 && (style == .nulls || style == .unset && distinct.contains(column.name))
        let offset = purpose.offset(style, attempt, place: place)
        values.append(value(of: column, purpose, number, offset, isPlainer ? .zeros : style))
      }
    }
    for parent in parents {
      if let key = parent.key(number, style, attempt, on: connection) {
        for (place, value) in zip(parent.places, key) { values[place] = value }
      } else if parent.foreign.parent.key == name, let own = selfReference(parent.foreign, values) {
        // The row itself may be its parent.
        for (place, value) in zip(parent.places, own) { values[place] = value }
      } else if parent.isOptional {
        for place in parent.places { values[place] = .null }
      }
    }
    return values
  }

  private func selfReference(_ foreign: ForeignKey, _ values: [Value]) -> [Value]? {
    let targets =
      foreign.parentColumns.isEmpty
      ? definition.primaryKey?.columns.compactMap(\.column) ?? [] : foreign.parentColumns
    let found = targets.compactMap { name in columns.firstIndex { $0.name == name }.map { values[$0] } }
    return found.count == foreign.columns.count ? found : nil
  }

  /// The rows of the tables that it references, for its foreign keys.
  func parents(on connection: Connection) -> [ParentRows] {
    definition.foreignKeys.compactMap { foreign in
      let places = foreign.columns.compactMap { name in columns.firstIndex { $0.name == name } }
      guard places.count == foreign.columns.count else { return nil }
      return ParentRows(
        foreign, places, isOwn: foreign.parent.key == name,
        isOptional: places.allSatisfy { !columns[$0].isNotNull && !key.contains(columns[$0].name) },
        on: connection)
    }
  }

  private func value(
    of column: ColumnDefinition, _ purpose: ColumnPurpose, _ number: Int, _ offset: Int, _ style: RowStyle
  ) -> Value {
    let mayBeNull = !column.isNotNull && !key.contains(column.name)
    if style == .nulls, mayBeNull { return .null }
    if style == .unset, let value = unset(column, purpose, number) { return value }
    // The number is far from those that a migration itself inserts.
    let integer = Int64(7_000_001 + number)
    if purpose.isTruth, !distinct.contains(column.name) {
      return .integer(Int64((number + number / 2 + offset) % 2))
    }
    if column.isRowIDAlias { return .integer(integer) }
    switch column.type.affinity {
    case .integer:
      if purpose.isMomentInSeconds { return .integer(1_769_860_800 + Int64(number + 60 * offset)) }
      // A script may loop up to this value, so it is small.
      if style == .plain, !distinct.contains(column.name) { return .integer(Int64(7 + number + offset % 50)) }
      return .integer(
        (style == .long ? 9_007_199_254_740_993 + Int64(number) : integer) + Int64(10_000 * offset))
    // Halves and eighths, with which arithmetic is exact.
    case .real: return .real(Double(number + 100 * offset) + (style == .long ? 0.125 : 7.5))
    case .blob:
      if column.type.declared == nil, style != .long { return text(column, purpose, number, offset, style) }
      return .blob([0, 7, 255, UInt8(offset % 256)] + Array("\(number)".utf8))
    case .numeric:
      if purpose.isDeclaredMoment || purpose.isJSON { return text(column, purpose, number, offset, style) }
      return style == .long
        ? .real(Double(number + 100 * offset) + 0.125) : .integer(integer + Int64(10_000 * offset))
    case .text: return text(column, purpose, number, offset, style)
    }
  }

  /// What applications write if there is no value, such as 0; nil if such a column cannot have it.
  private func unset(_ column: ColumnDefinition, _ purpose: ColumnPurpose, _ number: Int) -> Value? {
    guard !purpose.isMoment, !purpose.isMomentInSeconds, !purpose.isJSON, !key.contains(column.name),
      !column.isRowIDAlias
    else { return nil }
    return switch column.type.affinity {
    case .integer, .numeric: .integer(0)
    case .real: .real(0)
    case .text: ""
    // A column without a type holds numbers and texts.
    case .blob: column.type.declared == nil ? (number / 4 % 2 == 0 ? .integer(0) : "") : .blob([])
    }
  }

  private func text(
    _ column: ColumnDefinition, _ purpose: ColumnPurpose, _ number: Int, _ offset: Int, _ style: RowStyle
  ) -> Value {
    if purpose.isMoment {
      let second = number % 60 < 10 ? "0\(number % 60)" : "\(number % 60)"
      return .text(
        purpose.isDay
          ? "2026-01-\(10 + (number + offset) % 20)"
          : "2026-01-31 12:\(10 + (number / 60 + offset) % 50):\(second)")
    }
    if style == .plain || purpose.isJSON {
      return .text("{\"n\": \(number + 10_000 * offset)}")
    }
    // Where NULL is not allowed, an empty text stands for it.
    if style == .nulls, !distinct.contains(column.name), number < 3 { return "" }
    if style == .long {
      let line =
        "A \"long\" text, it's number \(number + 10_000 * offset): \u{FC}n\u{EF}c\u{F6}d\u{E9}. "
      return .text(String(repeating: line, count: 40))
    }
    return .text("00\(7 + number + 10_000 * offset)")
  }

  /// The literals of a CHECK, and values next to them.
  private static func literals(in condition: String) -> [Value] {
    let bytes = Array(condition.utf8)
    var values: [Value] = []
    func add(_ value: Value) { if !values.contains(value) { values.append(value) } }
    var isNegative = false
    for token in SQLTokens(condition) where !token.kind.isTrivia {
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      switch token.kind {
      case .string: add(.text(SeededRows.unquoted(text)))
      case .number:
        if let number = Int64(text).map({ isNegative ? -$0 : $0 }) {
          for near in [number, number &+ 1, number &- 1] { add(.integer(near)) }
          if (1...2_000).contains(number) { add(.text(String(repeating: "7", count: Int(number)))) }
          if (3...2_000).contains(number) {
            add(.text("Ab" + String(repeating: "c", count: Int(number) - 2)))
          }
        } else if let number = Double(text) {
          add(.real(isNegative ? -number : number))
        }
      case .blob: add(.blob(ScriptValues.bytes(bytes[token.range])))
      default: break
      }
      isNegative = text == "-"
    }
    return values
  }
}

/// The rows to which a foreign key of a table can point.
private struct ParentRows {
  let foreign: ForeignKey
  /// Where its columns stand in a row of the table.
  let places: [Int]
  /// Whether a row may have no parent.
  let isOptional: Bool
  /// The terms of the parent's key as SQL, and what asks for all of them in order; nil when there is no such key.
  private let question: (count: String, keys: String)?
  /// The keys of the parent in order; nil when they must be asked for: they are many, or the table is its own parent.
  private var keys: [[Value]]?

  init(
    _ foreign: ForeignKey, _ places: [Int], isOwn: Bool, isOptional: Bool, on connection: Connection
  ) {
    self.foreign = foreign
    self.places = places
    self.isOptional = isOptional
    var targets = foreign.parentColumns.map(\.spelled)
    if targets.isEmpty {
      targets =
        (try? Table.keyNames(of: foreign.parent, on: connection))?.map(\.spelled) ?? []
    }
    guard targets.count == places.count else {
      question = nil
      return
    }
    let list = targets.map(SQLText.identifier)
    let known = list.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
    let source = "FROM main.\(SQLText.identifier(foreign.parent.spelled)) WHERE \(known)"
    let terms = list.joined(separator: ", ")
    let keys = "SELECT \(terms) \(source) ORDER BY \(terms) LIMIT ?1 OFFSET ?2"
    question = ("SELECT count(*) \(source)", keys)
    guard !isOwn, let few = try? connection.rows(keys, .integer(Self.few + 1), 0), few.count <= Self.few
    else { return }
    self.keys = few
  }

  private static let few: Int64 = 100

  /// The key of a row of the parent, a different one for each row; nil when the row should have none, or there is
  /// none.
  func key(_ number: Int, _ style: RowStyle, _ attempt: Int, on connection: Connection) -> [Value]? {
    // A CHECK may refuse every key there is.
    if isOptional, style == .nulls && attempt == 0 || attempt % 8 == 7 { return nil }
    if let keys {
      return keys.isEmpty ? nil : keys[keys.count - 1 - (number + attempt) % keys.count]
    }
    guard let question, let count = try? connection.value(question.count)?.integer, count > 0 else {
      return nil
    }
    // The last parents were made for this row.
    let offset = (count - 1) - Int64(number + attempt) % count
    return try? connection.rows(question.keys, 1, .integer(offset)).first
  }
}
