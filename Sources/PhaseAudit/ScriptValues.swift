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
  fileprivate typealias Wish = [SchemaName: Value]

  private let statements: [Statement]
  private let names: Set<FoldedName>
  /// What the functions of both ways change or do not keep, and the names in both.
  private let probes: Probes
  private let allNames: Set<FoldedName>
  /// The statements that make tables and indexes.
  private let creations: [String]

  /// The bytes of a script.
  private static let longest = 256 << 10
  /// At most this many additional rows are tried in a table.
  private static let most = 48

  init(_ script: ToolScript, down: ToolScript? = nil) {
    var statements: [Statement] = []
    var names: Set<FoldedName> = []
    var probes = Probes()
    var creations: [String] = []
    func read(_ script: ToolScript, isUp: Bool) {
      // A script with more bytes is data, and its values are not used.
      guard script.text.utf8.count <= Self.longest else { return }
      let bytes = Array(script.text.utf8)
      for range in script.statements {
        let sql = Array(bytes[range])
        let words = SQLWord.all(in: String(decoding: sql, as: UTF8.self))
        let isOfRows = Self.isOfRows(words)
        probes.read(words, isOfRows: isOfRows)
        let own = Set(words.filter { $0.kind == .word || $0.kind == .quotedIdentifier }.map(\.text))
        names.formUnion(own)
        if !isOfRows, isUp, words.first?.is("create") == true {
          creations.append(String(decoding: sql, as: UTF8.self))
        }
        guard isOfRows, isUp else { continue }
        statements.append(
          Statement(names: own, literals: Self.literals(words, sql), target: Self.target(words)))
      }
    }
    read(script, isUp: true)
    self.names = names
    if let down { read(down, isUp: false) }
    allNames = names
    self.statements = statements.filter { !$0.literals.isEmpty }
    self.probes = probes
    self.creations = creations
  }

  /// A value that a row should have, and that no new row may have beside those that are there.
  struct Refused {
    fileprivate let copies: RowCopies
    fileprivate let wish: Wish
    fileprivate let index: Int

    /// Gives it to a row that is there, in another database with the same rows.
    func settle(on connection: Connection) -> SeededRows.Statement? {
      copies.moved(to: connection).change(wish, of: index)
    }
  }

  /// Puts rows with these values into tables that have rows: copies of one of them with another value.
  ///
  /// - Parameter refused: gets the values that no new row could have.
  func fill(_ schema: Schema, on connection: Connection, refused: inout [Refused]) -> SeededRows.Work {
    var work = SeededRows.Work()
    connection.turn(.foreignKeys, on: false)
    let conditions = triggerConditions(in: schema)
    guard !statements.isEmpty || !conditions.isEmpty else { return work }
    for (object, table) in tables(of: schema, named: names) {
      let wishes = wishes(for: table, conditions)
      guard !wishes.isEmpty else { continue }
      let copies = RowCopies(object.name, table, on: connection)
      for (index, wish) in wishes.enumerated() {
        guard let row = copies.add(wish, like: index) else {
          if refused.count < Self.most, copies.lacks(wish) {
            refused.append(Refused(copies: copies, wish: wish, index: index))
          }
          continue
        }
        work.statements.append(row)
        // Where rows may be alike, one of each is as many after a swap as before it.
        if !copies.tellsApart, index.isMultiple(of: 2), let twin = copies.insert(row.values) {
          work.statements.append(twin)
        }
      }
    }
    return work
  }

  /// Puts in rows for a way up that refuses others: with NULL in a single column, or with values of its constraints.
  func fitting(_ schema: Schema, on connection: Connection) -> SeededRows.Work {
    var work = SeededRows.Work()
    connection.turn(.foreignKeys, on: false)
    let constants = creations.flatMap { Self.literals(SQLWord.all(in: $0), Array($0.utf8)) }.prefix(16)
    for (object, table) in tables(of: schema, named: names) {
      let copies = RowCopies(object.name, table, on: connection)
      let children = Set(table.foreignKeys.flatMap(\.columns))
      for (index, column) in table.columns.enumerated() where !column.isGenerated && !column.isPrimaryKey {
        var values: [Value] = column.isNotNull ? [] : [.null]
        if !children.contains(column.name) {
          values += constants.filter { $0 != .null && Self.keeps($0, in: column) }
        }
        for value in values where work.statements.count < Self.most {
          for start in [index, index + 1] {
            if let row = copies.add([column.name: value], like: start, evenAgain: true) {
              work.statements.append(row)
            }
          }
        }
      }
    }
    return work
  }

  /// Puts in rows that show what functions do not keep: they are of use only where the way up runs on them.
  func offer(_ schema: Schema, on connection: Connection) -> SeededRows.Work {
    var work = SeededRows.Work()
    guard !probes.isEmpty else { return work }
    connection.turn(.foreignKeys, on: false)
    for (object, table) in tables(of: schema, named: allNames) {
      let copies = RowCopies(object.name, table, on: connection)
      let children = Set(table.foreignKeys.flatMap(\.columns))
      var index = 0
      for column in table.columns
      where !column.isGenerated && !column.isRowIDAlias && !children.contains(column.name)
        && allNames.contains(column.name.key)
      {
        for value in probes.values(for: column) where work.statements.count < Self.most {
          if let row = copies.add([column.name: value], like: index) { work.statements.append(row) }
          index += 1
        }
      }
      for (one, other) in probes.compared {
        if let row = copies.addEqual(one, other) { work.statements.append(row) }
      }
      if probes.most > 4 {
        for values in copies.fullest(1) {
          for _ in 0..<probes.most {
            if let row = copies.insert(copies.anew(values)) { work.statements.append(row) }
          }
        }
      }
      guard probes.mergesRows else { continue }
      for values in copies.fullest(2) {
        if let twin = copies.insert(copies.anew(values)) { work.statements.append(twin) }
      }
    }
    return work
  }

  private func tables(
    of schema: Schema, named names: Set<FoldedName>
  ) -> [(SchemaObject, TableDefinition)] {
    names.sorted().compactMap { name in
      guard let object = schema.object("table", SchemaName(name)), let table = TableDefinition(object.sql),
        table.virtual == nil
      else { return nil }
      return (object, table)
    }
  }

  /// What triggers of these tables ask of a row.
  private func triggerConditions(in schema: Schema) -> [Statement] {
    schema.objects.filter { $0.key.type == "trigger" && names.contains($0.table.folded) }.compactMap {
      object in
      guard let trigger = TriggerDefinition(object.sql), let condition = trigger.condition else { return nil }
      let words = SQLWord.all(in: condition.text)
      return Statement(
        names: Set(words.map(\.text)).union([trigger.table.key]),
        literals: Self.literals(words, Array(condition.text.utf8)), target: nil)
    }
  }

  private func wishes(for table: TableDefinition, _ conditions: [Statement]) -> [Wish] {
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
    let others =
      statements.filter { $0.target != table.name.key && $0.names.contains(table.name.key) }
      + conditions.filter { $0.names.contains(table.name.key) }
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
    // A trigger asks something of a row that the way up writes.
    for condition in conditions where condition.names.contains(table.name.key) {
      for one in values(condition, condition.names).prefix(4) {
        for statement in statements where statement.names.contains(table.name.key) {
          for other in values(statement, statement.names).prefix(4) where one.keys != other.keys {
            add(one.merging(other) { first, _ in first })
          }
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
    for (index, word) in words.enumerated() {
      switch word.kind {
      case .string:
        let text = String(decoding: SQLTokens.unquoted(sql[word.range]), as: UTF8.self)
        values.append(.text(text))
        if isCompared { values.append(.text(text + "a")) }
        // The pattern matches at least this text.
        if text.contains("%") { values.append(.text(text.filter { $0 != "%" })) }
      case .number:
        if let number = Int64(word.text.text) {
          if index > 0, words[index - 1].is("-") { values.append(.integer(-number)) }
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
  static func bytes(_ literal: ArraySlice<UInt8>) -> [UInt8] {
    let digits = literal.dropFirst(2).dropLast().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

/// Values that SQL functions change and do not give back, as far as scripts call those functions.
private struct Probes {
  private var texts: [String] = []
  private var reals: [Double] = []
  private var moments: [String] = []
  /// The same for moments in seconds, and for other whole numbers.
  private var seconds: [Int64] = []
  private var wholes: [Int64] = []
  /// Whether of two rows that are alike one may go.
  private(set) var mergesRows = false
  /// Columns that are compared with each other.
  private(set) var compared: [(FoldedName, FoldedName)] = []
  /// The number after LIMIT.
  private(set) var most = 0

  var isEmpty: Bool {
    texts.isEmpty && reals.isEmpty && moments.isEmpty && wholes.isEmpty && !mergesRows && compared.isEmpty
      && most == 0
  }

  /// A LIMIT of more rows is not reached.
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
        // One of long ago, which a script may delete.
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

/// Rows that are like those of a table, with other values in some columns.
struct RowCopies {
  private var connection: Connection
  private let name: String
  /// As SQL.
  let table: String
  private let columns: [ColumnDefinition]
  /// Columns that must differ from row to row.
  private let distinct: Set<SchemaName>
  /// The columns of each unique index.
  private let unique: [Set<SchemaName>]
  private let hasRowID: Bool
  private let primary: Set<SchemaName>

  /// Where a row is, whatever becomes of its values.
  struct Place {
    /// nil in a table without rowids.
    fileprivate let rowID: Int64?
    fileprivate let values: [Value]
  }

  init(_ name: String, _ table: TableDefinition, on connection: Connection) {
    self.connection = connection
    self.name = name
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
    primary = Set(table.primaryKey?.columns.compactMap(\.column) ?? [])
    distinct = self.unique.reduce(into: primary) { $0.formUnion($1) }
    hasRowID = !table.isWithoutRowID
  }

  /// The same table of another database.
  func moved(to connection: Connection) -> RowCopies {
    var copies = self
    copies.connection = connection
    return copies
  }

  /// Adds a row unless there is one with these values.
  ///
  /// - Parameter start: the index of the row that is copied; rows without NULL come first.
  /// - Returns: the statement that added it; nil when such a row exists, or cannot be made.
  func add(
    _ wish: [SchemaName: Value], like start: Int, evenAgain: Bool = false
  ) -> SeededRows.Statement? {
    let wanted = wish.sorted { $0.key.key < $1.key.key }
    let condition = wanted.indices.map { "\(SQLText.identifier(wanted[$0].key.spelled)) IS ?\($0 + 1)" }
    guard
      let counts = try? rows(
        "SELECT count(*), count(*) FILTER (WHERE \(condition.joined(separator: " AND "))) FROM \(table)",
        wanted.map(\.value)
      ).first, let count = counts[0].integer, count > 0,
      // Rows that have NULL wherever they may are there; here it is only in the one column.
      evenAgain || counts[1].integer == 0 || Array(wish.values) == [.null]
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

  /// Whether the table has rows, and none with these values.
  func lacks(_ wish: [SchemaName: Value]) -> Bool {
    let wanted = Array(wish)
    let condition = wanted.indices.map { "\(SQLText.identifier(wanted[$0].key.spelled)) IS ?\($0 + 1)" }
    let found = try? rows(
      "SELECT EXISTS (SELECT 1 FROM \(table)) AND NOT EXISTS (SELECT 1 FROM \(table) WHERE \(condition.joined(separator: " AND ")))",
      wanted.map(\.value))
    return found?.first?.first == .integer(1)
  }

  /// Gives values to a row that is there.
  ///
  /// - Returns: the statement that did it; nil when a constraint refuses it.
  func change(_ wish: [SchemaName: Value], of index: Int) -> SeededRows.Statement? {
    let key =
      hasRowID
      ? ["rowid"] : columns.map(\.name).filter(primary.contains).map { SQLText.identifier($0.spelled) }
    guard primary.isDisjoint(with: wish.keys) || !isParent,
      let places = try? connection.rows(
        "SELECT \(key.joined(separator: ", ")) FROM \(table) ORDER BY 1 LIMIT 100"),
      !places.isEmpty
    else { return nil }
    let place = places[index % places.count]
    let wanted = wish.sorted { $0.key.key < $1.key.key }
    func terms(_ names: [String], from first: Int) -> [String] {
      names.indices.map { "\(names[$0]) = ?\(first + $0)" }
    }
    let sql =
      "UPDATE \(table) SET \(terms(wanted.map { SQLText.identifier($0.key.spelled) }, from: 1).joined(separator: ", ")) WHERE \(terms(key, from: wanted.count + 1).joined(separator: " AND "))"
    let values = wanted.map(\.value) + place
    return (try? rows(sql, values)) == nil ? nil : (sql, values)
  }

  /// Whether a foreign key points to it.
  private var isParent: Bool {
    let found = try? connection.rows(
      """
      SELECT 1 FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
      WHERE s.type = 'table' AND f."table" = ?1 COLLATE NOCASE
      """, .text(name))
    return found?.isEmpty != true
  }

  /// Adds a row in which two columns have the same value.
  func addEqual(_ one: FoldedName, _ other: FoldedName) -> SeededRows.Statement? {
    guard let from = columns.firstIndex(where: { $0.name.key == other }),
      let to = columns.firstIndex(where: { $0.name.key == one }), from != to,
      !columns[from].isRowIDAlias, !columns[to].isRowIDAlias, let values = fullest(1).first
    else { return nil }
    var row = anew(values)
    row[to] = row[from]
    return insert(row)
  }

  /// The rows with the fewest NULL.
  func fullest(_ count: Int) -> [[Value]] {
    let nulls = columns.map { "(\(SQLText.identifier($0.name.spelled)) IS NULL)" }.joined(separator: " + ")
    return (try? connection.rows("SELECT \(list) FROM \(table) ORDER BY \(nulls), \(list) LIMIT \(count)"))
      ?? []
  }

  /// Adds a row with these values.
  ///
  /// - Returns: the statement that did it; nil when a constraint refuses the row.
  func insert(_ values: [Value]) -> SeededRows.Statement? {
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
      guard let most, most > 1_000_000 else { return .integer((most ?? 0) + 1) }
      // Those of rows that are still to be seeded are below. Far enough from the next one for what a way up may add.
      return .integer(max(most, 7_500_000) &+ 1_000)
    case .real(let number): return .real(number + Double(count))
    case .text(let text): return .text("\(text) \(count)")
    case .blob(let bytes): return .blob(bytes + Array("\(count)".utf8))
    default: return value
    }
  }
}
