import PhaseSQL
import PhaseSQLite

/// What an application does to whatever tables it finds: a few updates, inserts and deletes.
struct RoundTripWrites {
  /// The statements that SQLite took.
  private(set) var statements: [String] = []

  init(on connection: Connection, _ random: inout RoundTripRandom, firstKey: Int) throws {
    try connection.execute("PRAGMA foreign_keys = ON")
    let tables = try connection.rows(
      "SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'phasedb\\_%' ESCAPE '\\' ORDER BY name"
    )
    var key = firstKey
    for table in tables {
      // What a row was extracted to is where its way back reads: written, it counts as written itself.
      guard let name = table[0].text, !name.hasPrefix("extract of ") else { continue }
      for statement in try Self.writes(
        to: name, isStrict: table[1] == 1, on: connection, &random, key: &key)
      {
        // A unique index or a reference may not want it; the application sees the error and goes on.
        if (try? connection.execute(statement)) != nil { statements.append(statement + ";") }
      }
    }
  }

  private static func writes(
    to table: String, isStrict: Bool, on connection: Connection, _ random: inout RoundTripRandom,
    key: inout Int
  ) throws -> [String] {
    let columns = try connection.rows(
      "SELECT name, type, pk FROM pragma_table_xinfo(?1) WHERE hidden = 0 AND name NOT LIKE 'phasedb\\_%' ESCAPE '\\' ORDER BY cid",
      .text(table))
    let keys = columns.filter { $0[2].integer != 0 }.compactMap { $0[0].text }
    let others = columns.filter { $0[2] == 0 }.map { (name: $0[0].text ?? "", type: $0[1].text ?? "") }
    let quoted = SQLText.identifier(table)
    let identity = keys.isEmpty ? ["rowid"] : keys.map { SQLText.identifier($0) }
    let rows = try connection.rows(
      "SELECT \(identity.map { "quote(\($0))" }.joined(separator: ", ")) FROM \(quoted) ORDER BY 1")
    func condition(_ row: [Value]) -> String {
      zip(identity, row).map { "\($0) IS \($1.text ?? "NULL")" }.joined(separator: " AND ")
    }
    func value(_ column: (name: String, type: String), _ random: inout RoundTripRandom) -> String {
      column.name == "ref" ? "NULL" : random.value(column.type, isStrict: isStrict)
    }
    var statements: [String] = []
    let shuffled = rows.shuffled(using: &random.numbers)
    for row in shuffled.prefix(random.int(0...3)) {
      guard let column = others.randomElement(using: &random.numbers) else { continue }
      statements.append(
        "UPDATE \(quoted) SET \(SQLText.identifier(column.name)) = \(value(column, &random)) WHERE \(condition(row))"
      )
    }
    for _ in 0..<random.int(0...2) {
      key += 1
      let values = keys.map { random.key($0, key) } + others.map { value($0, &random) }
      let names = (keys + others.map(\.name)).map { SQLText.identifier($0) }
      statements.append(
        "INSERT INTO \(quoted) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))")
    }
    if let last = shuffled.last, random.chance(1, in: 3) {
      statements.append("DELETE FROM \(quoted) WHERE \(condition(last))")
    }
    return statements
  }
}
