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

  /// A wanted value that no new row can have, because a constraint refuses every copy.
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
        // If equal rows are allowed, a swap of two values would leave the same counts. A second copy of one row shows
        // it.
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
    return InsertTarget(words, into: into)?.table.text
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
