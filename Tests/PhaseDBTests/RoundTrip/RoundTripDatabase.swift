import PhaseSQL
import PhaseSQLite
import TestDice

/// A few tables of every kind with rows in them, the same for the same seed.
struct RoundTripDatabase {
  var tables: [RoundTripTable] = []
  /// INSERT statements.
  private(set) var rows: [String] = []

  private static let names = ["items", "Order", "é", "say \"x\"", "select", "two words"]
  private static let columnNames = ["a", "Beta", "the c", "d\"q", "group", "ü", "x1"]

  init(_ random: inout RoundTripRandom) {
    let names = Self.names.shuffled(using: &random.numbers).prefix(random.int(2...3))
    for name in names { tables.append(Self.table(name, &random)) }
    addReference(&random)
    addTrigger(&random)
    for index in tables.indices { addIndex(to: index, &random) }
    for table in tables.indices {
      let rows = Self.rows(of: tables[table], random.chance(1, in: 12) ? 0 : random.int(1...12), &random)
      self.rows += rows
    }
  }

  /// Everything that makes it.
  var script: [String] { tables.map { $0.sql() } + tables.flatMap(\.attachments) + rows }

  private static func table(_ name: String, _ random: inout RoundTripRandom) -> RoundTripTable {
    let isStrict = random.chance(1, in: 4)
    let types =
      isStrict
      ? ["INTEGER", "TEXT", "REAL", "BLOB", "ANY"] : ["", "INTEGER", "TEXT", "REAL", "NUMERIC", "VARCHAR(9)"]
    var columns = columnNames.shuffled(using: &random.numbers).prefix(random.int(3...5)).map { name in
      let type = random.pick(types)
      let clauses = random.pick(["", "", "", " COLLATE NOCASE", " DEFAULT NULL"])
      return RoundTripTable.Column(name: name, type: type, clauses: clauses)
    }
    let key = random.pick(RoundTripTable.Key.allCases)
    if random.chance(1, in: 3), key != .none {
      let source = key == .integer || key == .autoincrement ? "id" : "code"
      columns.insert(
        RoundTripTable.Column(
          name: "made", type: isStrict ? "TEXT" : "", generated: "\(source) || '!'",
          isStored: random.chance(1, in: 2)), at: random.int(0...columns.count))
    }
    return RoundTripTable(name: name, key: key, columns: columns, isStrict: isStrict)
  }

  private mutating func addReference(_ random: inout RoundTripRandom) {
    guard random.chance(1, in: 2),
      let parent = tables.indices.first(where: {
        tables[$0].key == .integer || tables[$0].key == .autoincrement
      }),
      let child = tables.indices.first(where: { $0 != parent && !tables[$0].isStrict })
    else { return }
    tables[child].columns.append(RoundTripTable.Column(name: "ref", type: "INTEGER"))
    tables[child].reference = ("ref", tables[parent].name)
    tables[child].usedColumns.insert("ref")
    tables[parent].isMentioned = true
  }

  /// A trigger by which a write to one table writes to another.
  private mutating func addTrigger(_ random: inout RoundTripRandom) {
    guard random.chance(1, in: 3) else { return }
    let (source, target) = (random.int(0...tables.count - 1), random.int(0...tables.count - 1))
    guard source != target, let column = tables[source].columns.first(where: { $0.generated == nil }) else {
      return
    }
    tables[target].columns.append(RoundTripTable.Column(name: "hits", type: "INTEGER", clauses: " DEFAULT 0"))
    tables[target].usedColumns.insert("hits")
    tables[target].isMentioned = true
    tables[source].usedColumns.insert(column.name)
    tables[source].attachments.append(
      """
      CREATE TRIGGER "count it" AFTER UPDATE OF \(SQLText.identifier(column.name)) ON \(tables[source].quotedName)
      BEGIN UPDATE \(tables[target].quotedName) SET hits = coalesce(hits, 0) + 1; END;
      """)
  }

  private mutating func addIndex(to index: Int, _ random: inout RoundTripRandom) {
    guard random.chance(1, in: 3),
      let column = tables[index].columns.last(where: { $0.generated == nil && $0.name != "hits" })
    else { return }
    tables[index].usedColumns.insert(column.name)
    let name = SQLText.identifier("\(tables[index].name) by \(column.name)")
    let filter = random.pick(["", " WHERE \(SQLText.identifier(column.name)) IS NOT NULL"])
    tables[index].attachments.append(
      "CREATE INDEX \(name) ON \(tables[index].quotedName) (\(SQLText.identifier(column.name))\(random.pick(["", " DESC"])))\(filter);"
    )
  }

  private static func rows(of table: RoundTripTable, _ count: Int, _ random: inout RoundTripRandom)
    -> [String]
  {
    (0..<count).map { number in
      let values =
        table.keyColumns.map { random.key($0, number + 1) }
        + table.columns.filter { $0.generated == nil }.map { column in
          column.name == "ref"
            ? "NULL" : column.name == "hits" ? "0" : random.value(column.type, isStrict: table.isStrict)
        }
      let names = table.written.map { SQLText.identifier($0) }.joined(separator: ", ")
      return "INSERT INTO \(table.quotedName) (\(names)) VALUES (\(values.joined(separator: ", ")));"
    }
  }
}

/// Choices that are the same for the same seed.
struct RoundTripRandom {
  var numbers: Dice

  init(seed: UInt64) { numbers = Dice(seed: seed) }

  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &numbers) }

  mutating func chance(_ one: Int, in all: Int) -> Bool { int(1...all) <= one }

  mutating func pick<Element>(_ all: [Element]) -> Element { all[int(0...all.count - 1)] }

  /// The literal of a key column's value, different for every number.
  mutating func key(_ column: String, _ number: Int) -> String {
    switch column {
    case "id": String(number * 3)
    case "no": String(number)
    default: SQLText.literal(pick(["k", "K", "0", "é "]) + String(number))
    }
  }

  private static let texts = ["'007'", "'1e3'", "'1'", "''", "'Ann B Cee'", "'it''s'", "'ÄÖ'", "' x '"]

  /// The literal of a value that a column of a type can hold.
  mutating func value(_ type: String, isStrict: Bool) -> String {
    if chance(1, in: 6) { return "NULL" }
    let integers = ["0", "1", "-7", "9007199254740993", "9223372036854775807"]
    let reals = ["1.0", "0.1", "-2.5", "1e300", "3.0e-9"]
    let blobs = ["x''", "x'00'", "x'ff00fe'", "x'313233'"]
    guard isStrict else { return pick(pick([Self.texts, integers, reals, blobs])) }
    switch type {
    case "INTEGER": return pick(integers)
    case "REAL": return pick(reals)
    case "TEXT": return pick(Self.texts)
    case "BLOB": return pick(blobs)
    default: return pick(pick([Self.texts, integers, reals, blobs]))
    }
  }
}
