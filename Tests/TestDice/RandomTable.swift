/// A random CREATE TABLE that SQLite accepts, for what must hold for any table.
package struct RandomTable {
  private var numbers: Dice
  private var names: [String] = []

  package init(seed: UInt64) { numbers = Dice(seed: seed) }

  private static let plain = ["a", "B", "the_c", "d1", "left", "é", "key"]
  private static let quoted = [
    "\"order\"", "[select]", "`check`", "'from'", "\"a b\"", "\"say \"\"x\"\"\"", "[par(en]", "\"com,ma\"",
    "\"unique\"",
  ]
  private static let types = [
    "", "INTEGER", "int", "TEXT", "VARCHAR(20)", "DECIMAL(10, 2)", "UNSIGNED BIG INT", "REAL", "BLOB",
    "\"my type\"",
    "FLOATING POINT", "DOUBLE PRECISION", "datetime", "ANY",
  ]
  private static let defaults = [
    "0", "-1", "- 2.5", "'x, (y'", "(1 + (2 * 3))", "CURRENT_TIMESTAMP", "NULL", "TRUE", "x'0F'", "word",
    "('a' || 'b')", "/* c */ 7",
  ]
  private static let actions = [
    "", " ON DELETE CASCADE", " ON UPDATE SET NULL", " ON DELETE NO ACTION ON UPDATE RESTRICT",
  ]
  private static let deferrals = ["", " DEFERRABLE INITIALLY DEFERRED", " NOT DEFERRABLE"]

  private mutating func pick(_ texts: [String]) -> String { texts.randomElement(using: &numbers) ?? "" }

  private mutating func chance(_ one: Int, in all: Int) -> Bool {
    Int.random(in: 0..<all, using: &numbers) < one
  }

  /// Something that never changes what a table is.
  private mutating func space() -> String { pick([" ", " ", "\n  ", " /* , ( ' */ ", " -- ) it's\n "]) }

  package mutating func sql() -> String {
    names = Array(
      (Self.plain + Self.quoted).shuffled(using: &numbers).prefix(Int.random(in: 2...6, using: &numbers)))
    let key = Int.random(in: 0...3, using: &numbers)
    var items = names.enumerated().map { index, name in column(name, isKey: key == 1 && index == 0) }
    if key == 2 {
      items.append(named("PRIMARY KEY (\(names[1])\(pick(["", " DESC", " COLLATE NOCASE"])), \(names[0]))"))
    }
    if chance(1, in: 3) { items.append(named("UNIQUE (\(names[1]), \(names[0]))")) }
    if chance(1, in: 3) { items.append(named("CHECK (\(names[0]) IN (1, 2, ')') OR (\(names[1]) > 3))")) }
    if chance(1, in: 3) {
      items.append(
        named(
          "FOREIGN KEY (\(names[0]), \(names[1])) REFERENCES \"far away\" (x, [y z])\(pick(Self.actions))"))
    }
    let hasKey = key == 1 || key == 2
    return
      "CREATE TABLE \(pick(["t", "T", "\"t\"", "[t]"]))\(space())(\(items.joined(separator: ",\(space())")))"
      + (hasKey && chance(1, in: 4) ? " WITHOUT ROWID" : "")
  }

  private mutating func named(_ constraint: String) -> String {
    (chance(1, in: 3) ? "CONSTRAINT \(pick(["c", "\"the check\"", "[x,y]"]))\(space())" : "") + constraint
  }

  private mutating func column(_ name: String, isKey: Bool) -> String {
    var parts = [name, pick(Self.types)]
    if isKey { parts.append(named("PRIMARY KEY\(pick(["", " ON CONFLICT FAIL", " DESC"]))")) }
    var clauses: [String] = []
    if chance(1, in: 3) { clauses.append(named("NOT NULL\(pick(["", " ON CONFLICT IGNORE"]))")) }
    if chance(1, in: 4) { clauses.append("COLLATE \(pick(["NOCASE", "rtrim", "\"binary\""]))") }
    if chance(1, in: 5) { clauses.append(named("UNIQUE\(isKey ? "" : pick(["", " ON CONFLICT REPLACE"]))")) }
    if chance(1, in: 5) { clauses.append(named("CHECK (length(\(name)) > (1 + 2) AND 'a,b)' <> '')")) }
    if chance(1, in: 5) {
      clauses.append(
        named(
          "REFERENCES \(pick(["p", "\"P q\""]))\(pick(["", " (x)"]))\(pick(Self.actions))\(pick(Self.deferrals))"
        ))
    }
    if !isKey {
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0, 1: clauses.append("DEFAULT \(pick(Self.defaults))")
      // A table needs one column that is not generated, and a key may not be.
      case 2 where name != names[0] && name != names[1]:
        clauses.append(
          "\(pick(["", "GENERATED ALWAYS "]))AS (\(names[0]) || coalesce(NULL, (1 + 2), ',)'))\(pick(["", " VIRTUAL", " STORED"]))"
        )
      default: break
      }
    }
    parts += clauses.shuffled(using: &numbers)
    var text = ""
    for part in parts where !part.isEmpty { text += text.isEmpty ? part : space() + part }
    return text
  }
}
