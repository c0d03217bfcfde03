import TestDice

/// How SQL is written where several spellings mean the same.
struct Spelling {
  var isLower = false
  var quotesAll = false
  var bang = false
  var parens = false
  var breaks = false

  static let plain = Spelling()

  static func other(_ dice: inout Dice) -> Spelling {
    Spelling(
      isLower: dice.falls(50), quotesAll: dice.falls(40), bang: dice.falls(60), parens: dice.falls(60),
      breaks: dice.falls(40))
  }

  func word(_ keyword: String) -> String { isLower ? keyword.lowercased() : keyword }

  func name(_ name: String) -> String {
    let isBare = name.utf8.allSatisfy {
      $0 == 0x5F || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
    }
    return isBare && !quotesAll && name != "order" ? name : "\"\(name)\""
  }

  var gap: String { breaks ? "\n  " : " " }
}

/// A condition on columns of one table. What it means does not depend on how it is spelled.
indirect enum Condition {
  case compare(String, String, String)
  case null(String)
  case and(Condition, Condition)
  case or(Condition, Condition)
  case not(Condition)

  func sql(_ spelling: Spelling) -> String {
    let text = bare(spelling)
    return spelling.parens ? "(\(text))" : text
  }

  private func bare(_ spelling: Spelling) -> String {
    func part(_ condition: Condition, isLoose: Bool) -> String {
      let text = condition.bare(spelling)
      return isLoose || spelling.parens ? "(\(text))" : text
    }
    switch self {
    case .compare(let column, let op, let literal):
      return "\(spelling.name(column)) \(op == "<>" && spelling.bang ? "!=" : op) \(literal)"
    case .null(let column): return "\(spelling.name(column)) \(spelling.word("IS NULL"))"
    case .and(let left, let right):
      return "\(part(left, isLoose: left.isOr)) \(spelling.word("AND")) \(part(right, isLoose: right.isOr))"
    case .or(let left, let right):
      return "\(part(left, isLoose: false)) \(spelling.word("OR")) \(part(right, isLoose: false))"
    case .not(let inner): return "\(spelling.word("NOT")) \(part(inner, isLoose: inner.isOr || inner.isAnd))"
    }
  }

  private var isOr: Bool { if case .or = self { true } else { false } }
  private var isAnd: Bool { if case .and = self { true } else { false } }

  /// The same words with parentheses elsewhere, or another comparison: something else.
  func changed(_ dice: inout Dice) -> Condition {
    switch self {
    case .or(let left, .and(let middle, let right)): .and(.or(left, middle), right)
    case .and(.or(let left, let middle), let right): .or(left, .and(middle, right))
    case .compare(let column, "=", let literal): .compare(column, "<>", literal)
    case .compare(let column, "<>", let literal): .compare(column, "=", literal)
    case .compare(let column, _, _): .null(column)
    case .null: .not(self)
    case .not(let inner): inner
    case .and(let left, let right): dice.falls(50) ? .or(left, right) : left
    case .or(let left, let right): dice.falls(50) ? .and(left, right) : right
    }
  }

  static func drawn(of columns: [DrawnColumn], _ dice: inout Dice) -> Condition {
    func one(_ dice: inout Dice) -> Condition {
      let column = dice.pick(columns)
      if dice.falls(15) { return .null(column.name) }
      return .compare(column.name, dice.pick(["=", "<>", "<>", ">", "<"]), column.literal(&dice))
    }
    switch dice.below(6) {
    case 0: return .and(one(&dice), one(&dice))
    case 1: return .or(one(&dice), .and(one(&dice), one(&dice)))
    case 2: return .and(.or(one(&dice), one(&dice)), one(&dice))
    case 3: return .not(one(&dice))
    default: return one(&dice)
    }
  }
}

struct DrawnColumn {
  var name: String
  var type: String
  var isNotNull = false
  var standard: String?
  var check: Condition?
  var isUnique = false
  var collation: String?
  var parent: (table: String, action: String)?
  /// Of a generated column.
  var source: String?

  /// Whether it holds texts, numbers, or both.
  var isText: Bool { ["TEXT", "VARCHAR(20)", ""].contains(type) }
  var isWhole: Bool { ["INTEGER", "BOOLEAN", "INT"].contains(type) }
  /// Whether nothing is said of it but its type.
  var isPlain: Bool {
    check == nil && !isUnique && parent == nil && source == nil
  }

  func literal(_ dice: inout Dice) -> String {
    isText
      ? dice.pick(["'draft'", "'sent'", "'a'", "''", "'007'"])
      : isWhole
        ? dice.pick(["0", "1", "5", "18"])
        : type == "REAL"
          ? dice.pick(["0.5", "2"])
          : dice.pick(["x'00'", "x'ff'"])
  }

  func sql(_ spelling: Spelling) -> String {
    var parts = [spelling.name(name), type].filter { !$0.isEmpty }
    if isNotNull { parts.append(spelling.word("NOT NULL")) }
    if let standard {
      parts.append("\(spelling.word("DEFAULT")) \(spelling.parens ? "(\(standard))" : standard)")
    }
    if let check { parts.append("\(spelling.word("CHECK")) (\(check.sql(spelling)))") }
    if isUnique { parts.append(spelling.word("UNIQUE")) }
    if let collation { parts.append("\(spelling.word("COLLATE")) \(collation)") }
    if let parent {
      parts.append(
        "\(spelling.word("REFERENCES")) \(spelling.name(parent.table))\(spelling.parens ? " (id)" : "")\(parent.action)"
      )
    }
    if let source { parts.append("\(spelling.word("AS")) (\(source))") }
    return parts.joined(separator: " ")
  }
}

struct DrawnTable {
  enum Key { case whole, counted, text, pair, none }

  var name: String
  var key: Key
  var columns: [DrawnColumn]
  var isStrict = false

  var hasID: Bool { key == .whole || key == .counted || key == .text }
  var stored: [DrawnColumn] { columns.filter { $0.source == nil } }
  /// Every column that can be written, the key's first.
  var names: [String] { (hasID ? ["id"] : []) + stored.map(\.name) }
  /// Columns of which nothing is said but their type.
  var plain: [DrawnColumn] {
    columns.enumerated().filter { $0.element.isPlain && !(key == .pair && $0.offset < 2) }.map(\.element)
  }

  func list(_ names: [String]) -> String { names.map(Spelling.plain.name).joined(separator: ", ") }

  func sql(_ spelling: Spelling, as other: String? = nil) -> String {
    var items: [String] = []
    let key = spelling.word("PRIMARY KEY")
    switch self.key {
    case .whole: items.append("\(spelling.name("id")) INTEGER \(key)")
    case .counted: items.append("\(spelling.name("id")) INTEGER \(key) \(spelling.word("AUTOINCREMENT"))")
    case .text: items.append("\(spelling.name("id")) TEXT \(spelling.word("NOT NULL")) \(key)")
    case .pair, .none: break
    }
    items += columns.map { $0.sql(spelling) }
    if self.key == .pair {
      items.append("\(key) (\(columns.prefix(2).map { spelling.name($0.name) }.joined(separator: ", ")))")
    }
    let options = [
      self.key == .pair ? spelling.word("WITHOUT ROWID") : "", isStrict ? spelling.word("STRICT") : "",
    ].filter { !$0.isEmpty }
    return
      "\(spelling.word("CREATE TABLE")) \(spelling.name(other ?? name)) (\(spelling.breaks ? "\n  " : "")\(items.joined(separator: ",\(spelling.gap)")))\(options.isEmpty ? "" : " " + options.joined(separator: ", "))"
  }
}

/// An index, a trigger or a view: something that stands beside a table and goes with it.
struct DrawnObject {
  enum Body {
    case index(columns: [String], isUnique: Bool, isDescending: Bool, where: Condition?)
    case trigger(event: String, when: Condition?, column: String)
    case view(columns: [String], where: Condition)
  }

  var name: String
  var table: String
  var body: Body

  var type: String {
    switch body {
    case .index: "INDEX"
    case .trigger: "TRIGGER"
    case .view: "VIEW"
    }
  }

  var drop: String { "DROP \(type) \(Spelling.plain.name(name))" }

  /// The columns that it names.
  var columns: [String] {
    switch body {
    case .index(let columns, _, _, let condition): columns + (condition?.columns ?? [])
    case .trigger(_, let condition, let column): [column] + (condition?.columns ?? [])
    case .view(let columns, let condition): columns + condition.columns
    }
  }

  func sql(_ spelling: Spelling) -> String {
    let (name, table) = (spelling.name(name), spelling.name(table))
    switch body {
    case .index(let columns, let isUnique, let isDescending, let condition):
      let list = columns.map { spelling.name($0) + (isDescending ? " DESC" : spelling.parens ? " ASC" : "") }
      return
        "\(spelling.word(isUnique ? "CREATE UNIQUE INDEX" : "CREATE INDEX")) \(name) \(spelling.word("ON")) \(table) (\(list.joined(separator: ", ")))\(condition.map { "\(spelling.gap)\(spelling.word("WHERE")) \($0.sql(spelling))" } ?? "")"
    case .trigger(let event, let condition, let column):
      let row = event == "DELETE" ? "old" : "new"
      let when = condition.map {
        "\(spelling.gap)\(spelling.word("WHEN")) \($0.of(row).sql(spelling))"
      }
      return
        "\(spelling.word("CREATE TRIGGER")) \(name) \(spelling.word("AFTER")) \(event) \(spelling.word("ON")) \(table)\(spelling.breaks ? "\n  FOR EACH ROW" : "")\(when ?? "") \(spelling.word("BEGIN"))\(spelling.gap)\(spelling.word("INSERT INTO")) \(spelling.name("log")) (\(spelling.name("what"))) \(spelling.word("VALUES")) (\(row).\(spelling.name(column)));\(spelling.gap)\(spelling.word("END"))"
    case .view(let columns, let condition):
      return
        "\(spelling.word("CREATE VIEW")) \(name) \(spelling.word("AS"))\(spelling.gap)\(spelling.word("SELECT")) \(columns.map(spelling.name).joined(separator: ", ")) \(spelling.word("FROM")) \(table) \(spelling.word("WHERE")) \(condition.sql(spelling))"
    }
  }

  /// Under the same name, something else.
  func changed(_ dice: inout Dice, _ table: DrawnTable) -> DrawnObject {
    var other = self
    let column = dice.pick(table.names)
    switch body {
    case .index(let columns, let isUnique, let isDescending, let condition):
      switch dice.below(4) {
      case 0:
        other.body = .index(
          columns: [column], isUnique: isUnique, isDescending: isDescending, where: condition)
      case 1:
        other.body = .index(
          columns: columns, isUnique: !isUnique, isDescending: isDescending, where: condition)
      case 2:
        other.body = .index(
          columns: columns, isUnique: isUnique, isDescending: !isDescending, where: condition)
      default:
        other.body = .index(
          columns: columns, isUnique: isUnique, isDescending: isDescending,
          where: condition == nil ? .null(column) : nil)
      }
    case .trigger(let event, let condition, let own):
      switch dice.below(3) {
      case 0:
        other.body = .trigger(event: event == "INSERT" ? "DELETE" : "INSERT", when: condition, column: own)
      case 1: other.body = .trigger(event: event, when: condition?.changed(&dice), column: own)
      default: other.body = .trigger(event: event, when: condition, column: column)
      }
    case .view(let columns, let condition):
      other.body =
        dice.falls(60)
        ? .view(columns: columns, where: condition.changed(&dice))
        : .view(columns: [column], where: condition)
    }
    return other
  }
}

extension Condition {
  var columns: [String] {
    switch self {
    case .compare(let column, _, _), .null(let column): [column]
    case .and(let left, let right), .or(let left, let right): left.columns + right.columns
    case .not(let inner): inner.columns
    }
  }

  /// With each column that of a row of a trigger.
  fileprivate func of(_ row: String) -> RowCondition { RowCondition(condition: self, row: row) }
}

/// A condition on NEW or OLD.
private struct RowCondition {
  let condition: Condition
  let row: String

  func sql(_ spelling: Spelling) -> String {
    var quoted = spelling
    quoted.quotesAll = true
    return condition.sql(quoted).replacing("\"", row)
  }
}

extension String {
  /// `"a" > 1` as `new."a" > 1`.
  fileprivate func replacing(_ quote: String, _ row: String) -> String {
    var text = ""
    var (isName, isText) = (false, false)
    for character in self {
      if character == "'" { isText.toggle() }
      if character == "\"", !isText {
        if !isName { text += "\(row)." }
        isName.toggle()
      }
      text.append(character)
    }
    return text
  }
}

/// What the migrations that were drawn so far have made.
struct DrawnSchema {
  var tables: [DrawnTable] = []
  var objects: [DrawnObject] = []
  private var count = 0

  mutating func number() -> Int {
    count += 1
    return count
  }

  func beside(_ table: String) -> [DrawnObject] { objects.filter { $0.table == table } }

  func isParent(_ table: String) -> Bool {
    tables.contains { $0.columns.contains { $0.parent?.table == table } }
  }

  /// Columns of which nothing is said and which nothing names.
  func free(_ table: DrawnTable) -> [DrawnColumn] {
    let named = Set(beside(table.name).flatMap(\.columns))
    let sources = table.columns.compactMap(\.source) + table.columns.compactMap(\.check).flatMap(\.columns)
    return table.plain.filter { column in
      !named.contains(column.name) && !sources.contains { $0.contains(column.name) }
    }
  }

  mutating func replace(_ table: DrawnTable, named name: String? = nil) {
    guard let index = tables.firstIndex(where: { $0.name == name ?? table.name }) else { return }
    tables[index] = table
  }
}
