import TestDice

/// Random small schemas, and phases that change something in them, some of which do not come back.
struct RandomPhase {
  private var numbers: Dice
  private var tables: [String] = []
  private var views: [String] = []
  /// SQL by name.
  private var indexes: [(name: String, sql: String)] = []
  private var triggers: [(name: String, sql: String)] = []
  private var viewTexts: [(name: String, sql: String)] = []

  init(seed: UInt64) { numbers = Dice(seed: seed) }

  private static let names = [
    "t", "Orders", "order items", "é", "u2", "people", "x_y", "select", "notes", "a\"b",
  ]

  private func pick<Element>(_ all: [Element], _ numbers: inout Dice) -> Element? {
    all.randomElement(using: &numbers)
  }

  private mutating func chance(_ one: Int, in all: Int) -> Bool {
    Int.random(in: 0..<all, using: &numbers) < one
  }

  private mutating func table() -> String { pick(tables, &numbers) ?? "t" }
  private mutating func column() -> String { pick(["a", "b", "c"], &numbers) ?? "a" }

  /// A name as somebody may write it.
  private mutating func spelled(_ name: String) -> String {
    let name = chance(1, in: 4) ? name.uppercasedASCII : name
    let quotes = [("\"", "\"\""), ("`", "\""), ("'", "\"")]
    let (quote, inner) = pick(quotes, &numbers) ?? ("\"", "\"\"")
    let isPlain = name.utf8.allSatisfy { $0 >= 0x80 || $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 == 0x5F }
    if isPlain, name.lowercased() != "select", chance(2, in: 3) { return name }
    if chance(1, in: 4) { return "[\(name)]" }
    return quote + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: inner)
      + quote
  }

  /// CREATE statements, each of which compiles.
  mutating func schema() -> String {
    (indexes, triggers, viewTexts, views) = ([], [], [], [])
    tables = Array(Self.names.shuffled(using: &numbers).prefix(Int.random(in: 4...6, using: &numbers)))
    var sql = tables.map { table in
      let key = chance(1, in: 3) ? " REFERENCES \(spelled(self.table())) (a)" : ""
      let check = chance(1, in: 5) ? " CHECK (c IS NULL OR c <> 'x')" : ""
      return "CREATE TABLE \(spelled(table)) (a INTEGER PRIMARY KEY, b\(key), c TEXT\(check));"
    }
    for number in 0..<Int.random(in: 0...4, using: &numbers) {
      let unique = chance(1, in: 2) ? "UNIQUE " : ""
      let name = "i\(number)"
      indexes.append((name, "CREATE \(unique)INDEX \(name) ON \(spelled(table())) (\(column()));"))
    }
    for number in 0..<Int.random(in: 0...4, using: &numbers) {
      let source = chance(1, in: 2) ? views.randomElement(using: &numbers) ?? table() : table()
      let other = table()
      let text =
        chance(1, in: 2)
        ? "SELECT s.a, s.b, s.c FROM \(spelled(source)) AS s JOIN \(spelled(other)) AS o ON o.a = s.b"
        : "SELECT a, b, c FROM \(spelled(source))"
      views.append("v\(number)")
      viewTexts.append(("v\(number)", "CREATE VIEW v\(number) AS \(text);"))
    }
    for number in 0..<Int.random(in: 0...4, using: &numbers) {
      // Now and then one that is called like a table.
      let name = chance(1, in: 6) && !triggers.contains { tables.contains($0.name) } ? table() : "g\(number)"
      triggers.append((name, trigger(name)))
    }
    sql += indexes.map(\.sql) + viewTexts.map(\.sql) + triggers.map(\.sql)
    return sql.joined(separator: "\n")
  }

  private mutating func trigger(_ name: String) -> String {
    let target = spelled(table())
    let writes =
      pick(
        [
          "INSERT INTO \(target) (b, c) VALUES (NEW.b, NEW.c);",
          "UPDATE \(target) SET c = NEW.c WHERE a = NEW.a;",
          "DELETE FROM \(target) WHERE a = NEW.a;",
          "INSERT OR IGNORE INTO \(target) (a, b) VALUES (NEW.a, 1);",
          "INSERT INTO \(target) (a) VALUES (NEW.a) ON CONFLICT (a) DO UPDATE SET b = 2;",
        ], &numbers) ?? ""
    let view = chance(1, in: 4) ? views.randomElement(using: &numbers) : nil
    let event =
      view.map { "INSTEAD OF INSERT ON \($0)" } ?? "AFTER INSERT ON \(spelled(table()))"
    return "CREATE TRIGGER \(spelled(name)) \(event) BEGIN \(writes) END;"
  }

  /// SQL for both ways. Some steps of the way down are wrong or missing.
  mutating func phase() -> (up: String, down: String) {
    var (up, down): ([String], [String]) = ([], [])
    for _ in 0..<Int.random(in: 1...2, using: &numbers) {
      let (there, back) = step()
      up.append(there)
      down.insert(chance(1, in: 12) ? "DROP INDEX none;" : chance(1, in: 10) ? "SELECT 1;" : back, at: 0)
    }
    return (up.joined(separator: "\n"), down.joined(separator: "\n"))
  }

  private mutating func step() -> (String, String) {
    let name = table()
    let (table, column) = (spelled(name), column())
    switch Int.random(in: 0..<12, using: &numbers) {
    case 0: return ("ALTER TABLE \(table) RENAME TO fresh;", "ALTER TABLE fresh RENAME TO \(spelled(name));")
    case 1:
      return (
        "ALTER TABLE \(table) RENAME \(column) TO d;", "ALTER TABLE \(spelled(name)) RENAME d TO \(column);"
      )
    case 2: return ("ALTER TABLE \(table) ADD COLUMN d;", "ALTER TABLE \(spelled(name)) DROP COLUMN d;")
    case 3:
      return (
        "ALTER TABLE \(table) DROP COLUMN \(column);",
        "ALTER TABLE \(spelled(name)) ADD COLUMN \(column) TEXT;"
      )
    case 4: return rebuild(name)
    case 5: return chance(1, in: 2) ? turned(drop("VIEW", viewTexts)) : drop("VIEW", viewTexts)
    case 6: return drop("TRIGGER", triggers)
    case 7: return drop("INDEX", indexes)
    case 8: return ("CREATE VIEW w AS SELECT a FROM \(table);", "DROP VIEW w;")
    case 9: return (trigger("h"), "DROP TRIGGER h;")
    case 10: return ("CREATE INDEX j ON \(table) (c);", "DROP INDEX j;")
    default:
      return (
        "INSERT INTO \(table) (a, b, c) VALUES (7, 1, 'y');", "DELETE FROM \(spelled(name)) WHERE a = 7;"
      )
    }
  }

  private func turned(_ step: (String, String)) -> (String, String) { ("\(step.0)\n\(step.1)", step.0) }

  private mutating func drop(_ type: String, _ all: [(name: String, sql: String)]) -> (String, String) {
    guard let object = pick(all, &numbers) else { return ("SELECT 2;", "SELECT 3;") }
    return ("DROP \(type) \(spelled(object.name));", object.sql)
  }

  private mutating func rebuild(_ name: String) -> (String, String) {
    func script(_ extra: String, _ spelled: String) -> String {
      """
      CREATE TABLE rebuilt (a INTEGER PRIMARY KEY, b, c TEXT\(extra));
      INSERT INTO rebuilt (a, b, c) SELECT a, b, c FROM \(spelled);
      DROP TABLE \(spelled);
      ALTER TABLE rebuilt RENAME TO \(spelled);
      """
    }
    return (script(", d", spelled(name)), script("", spelled(name)))
  }
}

extension String {
  fileprivate var uppercasedASCII: String {
    String(decoding: utf8.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }, as: UTF8.self)
  }
}
