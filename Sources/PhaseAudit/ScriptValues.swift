internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The values with which a way up compares columns, or to which it sets them.
///
/// A migration that sets a flag, and whose way down clears it, loses the rows that had the flag before. Only a row
/// that already has the flag shows this, so such rows are inserted before the migration is tried. Values of the
/// migration's own INSERT do not count, because they come with it. Nor do values that only the way down names: it
/// removes what a newer application writes.
struct ScriptValues {
  private struct Statement {
    let names: Set<FoldedName>
    let literals: [Value]
    /// The table that it puts rows into.
    let target: FoldedName?
  }

  /// Values that one row of a table should have together.
  private typealias Wish = [SchemaName: Value]

  private let statements: [Statement]
  private let names: Set<FoldedName>

  /// A script with more bytes is treated as data, and its values are not used.
  private static let longest = 256 << 10
  /// At most this many additional rows are tried in a table.
  private static let most = 48

  init(_ script: ToolScript) {
    var statements: [Statement] = []
    var names: Set<FoldedName> = []
    if script.text.utf8.count <= Self.longest {
      let bytes = Array(script.text.utf8)
      for range in script.statements {
        let sql = Array(bytes[range])
        let words = SQLWord.all(in: String(decoding: sql, as: UTF8.self))
        let own = Set(words.filter { $0.kind == .word || $0.kind == .quotedIdentifier }.map(\.text))
        names.formUnion(own)
        guard Self.isOfRows(words) else { continue }
        statements.append(
          Statement(names: own, literals: Self.literals(words, sql), target: Self.target(words)))
      }
    }
    self.statements = statements.filter { !$0.literals.isEmpty }
    self.names = names
  }

  /// Puts rows with these values into tables that have rows: copies of one of them with another value.
  func fill(_ schema: Schema, on connection: Connection) -> SeededRows.Work {
    var work = SeededRows.Work()
    guard !statements.isEmpty else { return work }
    connection.turn(.foreignKeys, on: false)
    for name in names.sorted() {
      guard let object = schema.object("table", SchemaName(name)), let table = TableDefinition(object.sql),
        table.virtual == nil
      else { continue }
      let wishes = wishes(for: table)
      guard !wishes.isEmpty else { continue }
      let copies = RowCopies(object.name, table, on: connection)
      for (index, wish) in wishes.enumerated() {
        guard let row = copies.add(wish, like: index) else { continue }
        work.statements.append(row)
        // Where rows may be alike, one of each is as many after a swap as before it.
        if !copies.tellsApart, index.isMultiple(of: 2), let twin = copies.insert(row.values) {
          work.statements.append(twin)
        }
      }
    }
    return work
  }

  private func wishes(for table: TableDefinition) -> [Wish] {
    let own = Set(statements.filter { $0.target == table.name.key }.flatMap(\.literals))
    let children = Set(table.foreignKeys.flatMap(\.columns))
    let columns = table.columns.filter { !$0.isGenerated && !children.contains($0.name) }
    var wishes: [Wish] = []
    func add(_ wish: Wish) { if wishes.count < Self.most, !wishes.contains(wish) { wishes.append(wish) } }
    func values(_ statement: Statement, _ names: Set<FoldedName>) -> [Wish] {
      columns.filter { names.contains($0.name.key) }.flatMap { column in
        statement.literals.filter { !own.contains($0) && Self.keeps($0, in: column) }.map {
          [column.name: $0]
        }
      }
    }
    let others = statements.filter { $0.target != table.name.key && $0.names.contains(table.name.key) }
    for statement in others { for wish in values(statement, statement.names) { add(wish) } }
    // A condition may require two of them at once.
    for statement in others {
      let single = values(statement, statement.names)
      for (index, one) in single.enumerated().prefix(8) {
        for other in single[(index + 1)...].prefix(8) where one.keys != other.keys {
          add(one.merging(other) { first, _ in first })
        }
      }
    }
    // A column may have had another name before.
    for statement in statements where statement.target == nil {
      for wish in values(statement, names) { add(wish) }
    }
    return wishes
  }

  /// Whether an application would keep a value in such a column.
  private static func keeps(_ value: Value, in column: ColumnDefinition) -> Bool {
    if value == .null { return !column.isNotNull && !column.isPrimaryKey }
    return switch (value, column.type.affinity) {
    case (.text, .text), (.text, .blob), (.blob, .blob), (.integer, .integer), (.integer, .real),
      (.integer, .numeric),
      (.real, .real), (.real, .numeric):
      true
    case (.text, .numeric): column.type.declared?.text.asciiLowercased.contains("date") == true
    case (.integer, .blob): column.type.declared == nil
    default: false
    }
  }

  /// Whether the statement reads or writes rows. Literals of a CHECK or a DEFAULT are not values of rows.
  private static func isOfRows(_ words: [SQLWord]) -> Bool {
    guard let first = words.first else { return false }
    if ["insert", "replace", "update", "delete", "with"].contains(where: first.is) || isDrop(words) {
      return true
    }
    return first.is("create") && words.contains { $0.is("table") } && words.contains { $0.is("select") }
  }

  /// Whether it drops a column, whose values are lost whatever they are.
  private static func isDrop(_ words: [SQLWord]) -> Bool {
    words[0].is("alter") && words.contains { $0.is("drop") }
  }

  private static func target(_ words: [SQLWord]) -> FoldedName? {
    guard words[0].is("insert") || words[0].is("replace"),
      let into = words.firstIndex(where: { $0.is("into") })
    else { return nil }
    return words.qualifiedName(at: into + 1).map { words[$0.name].text }
  }

  /// The literals, and what is next to them where numbers are compared.
  private static func literals(_ words: [SQLWord], _ sql: [UInt8]) -> [Value] {
    let isCompared = words.contains { word in
      word.is("between") || ["<", ">", "<=", ">="].contains(where: word.is)
    }
    var values: [Value] = isDrop(words) ? [1, 0, "007"] : []
    for word in words {
      switch word.kind {
      case .string:
        let text = String(decoding: SQLTokens.unquoted(sql[word.range]), as: UTF8.self)
        values.append(.text(text))
        if isCompared { values.append(.text(text + "a")) }
        // The pattern matches at least this text.
        if text.contains("%") { values.append(.text(text.filter { $0 != "%" })) }
      case .number:
        if let number = Int64(word.text.text) {
          values.append(.integer(number))
          // The other value of a flag.
          if number == 0 || number == 1 { values.append(.integer(1 - number)) }
          if isCompared, number > -1_000_000, number < 1_000_000 {
            values += [.integer(number + 1), .integer(number - 1)]
          }
        } else if let number = Double(word.text.text) {
          values.append(.real(number))
          if isCompared { values += [.real(number + 1), .real(number - 1)] }
        }
      case .blob:
        let bytes = Self.bytes(sql[word.range])
        values.append(.blob(bytes))
        if isCompared { values.append(.blob(bytes + [0])) }
      case .word where word.is("null"): values.append(.null)
      case .word where word.is("true") || word.is("false"): values += [.integer(1), .integer(0)]
      default: break
      }
    }
    return values
  }

  /// The bytes of a literal such as `x'00ff'`.
  private static func bytes(_ literal: ArraySlice<UInt8>) -> [UInt8] {
    let digits = literal.dropFirst(2).dropLast().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

/// Rows that are like those of a table, with other values in some columns.
struct RowCopies {
  private let connection: Connection
  /// As SQL.
  let table: String
  private let columns: [ColumnDefinition]
  /// Columns that must differ from row to row.
  private let distinct: Set<SchemaName>
  /// The columns of each unique index.
  private let unique: [Set<SchemaName>]
  private let hasRowID: Bool

  /// Where a row is, whatever becomes of its values.
  struct Place {
    /// nil in a table without rowids.
    fileprivate let rowID: Int64?
    fileprivate let values: [Value]
  }

  init(_ name: String, _ table: TableDefinition, on connection: Connection) {
    self.connection = connection
    self.table = "main.\(SQLText.identifier(name))"
    columns = table.columns.filter { !$0.isGenerated }
    let indexed = try? connection.rows(
      """
      SELECT l.seq, x.name FROM pragma_index_list(?1, 'main') AS l, pragma_index_info(l.name) AS x
      WHERE l."unique"
      """, .text(name))
    var unique: [Int64: Set<SchemaName>] = [:]
    for row in indexed ?? [] {
      guard let index = row[0].integer, let column = row[1].text else { continue }
      unique[index, default: []].insert(SchemaName(column))
    }
    self.unique = unique.sorted { $0.key < $1.key }.map(\.value)
    let primary = table.primaryKey?.columns.compactMap(\.column) ?? []
    distinct = self.unique.reduce(into: Set(primary)) { $0.formUnion($1) }
    hasRowID = !table.isWithoutRowID
  }

  /// Adds a row unless there is one with these values.
  ///
  /// - Parameter start: the index of the row that is copied; rows without NULL come first.
  /// - Returns: the statement that added it; nil when such a row exists, or cannot be made.
  func add(_ wish: [SchemaName: Value], like start: Int) -> (sql: String, values: [Value])? {
    let wanted = wish.sorted { $0.key.key < $1.key.key }
    let condition = wanted.indices.map { "\(SQLText.identifier(wanted[$0].key.spelled)) IS ?\($0 + 1)" }
    guard
      let counts = try? rows(
        "SELECT count(*), count(*) FILTER (WHERE \(condition.joined(separator: " AND "))) FROM \(table)",
        wanted.map(\.value)
      ).first, let count = counts[0].integer, count > 0,
      // Rows that have NULL wherever they may are there; here it is only in the one column.
      counts[1].integer == 0 || Array(wish.values) == [.null]
    else { return nil }
    let nulls = columns.map { "(\(SQLText.identifier($0.name.spelled)) IS NULL)" }.joined(
      separator: " + ")
    for attempt in 0..<min(4, Int(count)) {
      guard
        var values = try? connection.rows(
          "SELECT \(list) FROM \(table) ORDER BY \(nulls), \(list) LIMIT 1 OFFSET ?1",
          .integer(Int64(start + attempt) % max(1, count / 2))
        ).first
      else { return nil }
      for (index, other) in columns.enumerated() where distinct.contains(other.name) {
        values[index] = anew(other, values[index], Int(count))
      }
      for (index, other) in columns.enumerated() {
        if let value = wish[other.name] { values[index] = value }
      }
      if let row = insert(values) { return row }
    }
    return nil
  }

  /// Adds a row with these values.
  ///
  /// - Returns: the statement that did it; nil when a constraint refuses the row.
  func insert(_ values: [Value]) -> (sql: String, values: [Value])? {
    let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let sql = "INSERT INTO \(table) (\(list)) VALUES (\(marks))"
    return (try? rows(sql, values)) == nil ? nil : (sql, values)
  }

  private var list: String {
    columns.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
  }

  // MARK: Rows that a constraint compares

  /// Whether no two rows may be alike.
  var tellsApart: Bool { !distinct.isEmpty }

  /// Whether a unique index compares rows, besides the rowid.
  var compares: Bool { !unique.isEmpty }

  /// The first rows, by their columns that can be written.
  func rows(_ count: Int) -> [[Value]] {
    (try? connection.rows("SELECT \(list) FROM \(table) LIMIT ?1", .integer(Int64(count)))) ?? []
  }

  /// The same row with other values where they must differ from those of other rows.
  ///
  /// - Parameter kept: places of values that stay.
  func anew(_ values: [Value], but kept: Set<Int> = []) -> [Value] {
    let count = (try? connection.value("SELECT count(*) FROM \(table)"))??.integer ?? 0
    return columns.indices.map { place in
      distinct.contains(columns[place].name) && !kept.contains(place)
        ? anew(columns[place], values[place], Int(count)) : values[place]
    }
  }

  /// The places of the columns that a unique index compares of which one has changed; nil when there is none that two rows can
  /// differ by alone.
  func compared(where hasChanged: (Int) -> Bool) -> Set<Int>? {
    let changed = Set(columns.indices.filter(hasChanged).map { columns[$0].name })
    let touched = unique.filter { !$0.isDisjoint(with: changed) }
    guard let kept = touched.min(by: { $0.count < $1.count }),
      unique.allSatisfy({ $0 == kept || !$0.isSubset(of: kept) })
    else { return nil }
    return Set(columns.indices.filter { kept.contains(columns[$0].name) })
  }

  /// Where the row is that was inserted last, with values that no other row has where they must differ.
  func place(of values: [Value]) -> Place {
    Place(rowID: hasRowID ? connection.lastInsertRowID : nil, values: values)
  }

  /// The present values of a row; nil when it is gone, or columns are, or nothing tells which one it is.
  func row(at place: Place) -> [Value]? {
    if let rowID = place.rowID { return one("rowid", .integer(rowID)) }
    return columns.indices.lazy.filter { distinct.contains(columns[$0].name) && place.values[$0] != .null }
      .compactMap { one(SQLText.identifier(columns[$0].name.spelled), place.values[$0]) }.first
  }

  /// The row that has a value, where it is the only one.
  private func one(_ term: String, _ value: Value) -> [Value]? {
    let found = try? rows("SELECT \(list) FROM \(table) WHERE \(term) IS ?1 LIMIT 2", [value])
    return found?.count == 1 ? found?.first : nil
  }

  private func rows(_ sql: String, _ values: [Value]) throws(SQLiteError) -> [[Value]] {
    var statement = try connection.prepare(sql)
    try statement.bind(values)
    var rows: [[Value]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value(at: $0) }) }
    return rows
  }

  /// Another value, which no row has yet.
  private func anew(_ column: ColumnDefinition, _ value: Value, _ count: Int) -> Value {
    switch value {
    case .integer:
      let most = try? connection.value(
        "SELECT max(\(SQLText.identifier(column.name.spelled))) FROM \(table)")?.integer
      return .integer((most ?? 0) &+ 1)
    case .real(let number): return .real(number + Double(count))
    case .text(let text): return .text("\(text) \(count)")
    case .blob(let bytes): return .blob(bytes + Array("\(count)".utf8))
    default: return value
    }
  }
}
