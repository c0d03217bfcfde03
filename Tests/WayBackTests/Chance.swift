import TestDice

/// SQL that may do otherwise each time it runs: by chance, by the clock, or by the order in which rows happen to lie.
enum Chance {
  /// A view that gives 0 or 1, for all rows of a statement alike.
  static let view = "CREATE VIEW luck AS SELECT abs(random()) % 2 AS luck;"

  /// Whether SQL goes by chance or by the clock.
  static func isIn(_ sql: String) -> Bool {
    ["random", "'now'", "CURRENT_", "luck"].contains { sql.contains($0) }
  }

  static func expression(_ table: DrawnTable, _ dice: inout Dice) -> String {
    let column = Shell.name(dice.pick(table.columns).name)
    let other = Shell.name(dice.pick(table.columns).name)
    let row = table.rowName
    return dice.pick([
      "random()", "abs(random()) % 2", "hex(randomblob(2))", "coalesce(\(column), abs(random()) % 2)",
      "CASE WHEN random() > 0 THEN \(column) END",
      "CASE abs(random()) % 3 WHEN 0 THEN \(other) ELSE \(column) END",
      "datetime('now')", "CURRENT_TIMESTAMP", "julianday('now')", "strftime('%f', 'now')", millisecond,
      "(SELECT luck FROM luck)",
      "(SELECT group_concat(\(column)) FROM \(table.quoted))",
      "(SELECT \(column) FROM \(table.quoted) LIMIT 1)",
      "(SELECT \(column) FROM \(table.quoted) ORDER BY \(other) LIMIT 1)",
      "(SELECT max(\(row)) FROM \(table.quoted))", row,
      "(SELECT n FROM (SELECT ROW_NUMBER() OVER () AS n, \(row) AS r FROM \(table.quoted)) AS s WHERE s.r = \(table.quoted).\(row))",
    ])
  }

  static func condition(_ table: DrawnTable, _ dice: inout Dice) -> String {
    let column = Shell.name(dice.pick(table.columns).name)
    let row = table.rowName
    return " WHERE "
      + dice.pick([
        "abs(random()) % 2", "random() > 0", "\(column) IS NOT NULL AND random() > 0", "\(millisecond) % 2",
        "(SELECT luck FROM luck)", "\(column) < CURRENT_TIMESTAMP",
        "length(hex(randomblob(1 + abs(random()) % 2))) = 2",
        "\(row) > 2", "\(row) < (SELECT max(\(row)) FROM \(table.quoted))",
        "\(row) IN (SELECT \(row) FROM \(table.quoted) LIMIT 2)",
        "\(row) IN (SELECT \(row) FROM \(table.quoted) ORDER BY \(column) LIMIT 2)",
        "\(row) IN (SELECT \(row) FROM \(table.quoted) ORDER BY random() LIMIT 2)",
      ])
  }

  /// What follows the table that a rebuild reads.
  static func tail(_ table: DrawnTable, _ dice: inout Dice) -> String {
    dice.pick([
      " LIMIT 2", " ORDER BY \(Shell.name(dice.pick(table.columns).name)) LIMIT 2",
      " ORDER BY random() LIMIT 2",
      condition(table, &dice),
    ])
  }

  static func statement(_ table: DrawnTable, _ dice: inout Dice) -> String {
    let column = Shell.name(dice.pick(table.columns).name)
    let key = dice.pick([
      "random()", "1000 + abs(random()) % 1000", "(SELECT max(\(table.rowName)) + 1 FROM \(table.quoted))",
    ])
    switch dice.below(6) {
    case 0:
      return
        "INSERT OR IGNORE INTO \(table.quoted) SELECT * FROM \(table.quoted) ORDER BY \(dice.pick(["random()", column])) LIMIT 1;"
    case 1 where table.keys == ["id"]: return "INSERT INTO \(table.quoted) (id) VALUES (\(key));"
    case 2 where table.keys == ["id"]:
      return "UPDATE OR REPLACE \(table.quoted) SET id = id + abs(random()) % 3\(condition(table, &dice));"
    case 3 where table.keys.isEmpty: return "INSERT INTO \(table.quoted) DEFAULT VALUES;"
    case 4 where table.keys.isEmpty || table.keys == ["id"]:
      return
        "INSERT INTO \(table.quoted) (\(column)) SELECT \(expression(table, &dice)) FROM \(table.quoted)\(condition(table, &dice));"
    default: return "DELETE FROM \(table.quoted)\(condition(table, &dice));"
    }
  }

  /// What a column declares that no value is given for.
  static func columnDefault(_ dice: inout Dice) -> String {
    "DEFAULT "
      + dice.pick([
        "CURRENT_TIMESTAMP", "(random())", "(abs(random()) % 2)", "(hex(randomblob(2)))",
        "(strftime('%f', 'now'))",
        "(julianday('now'))",
      ])
  }

  static func trigger(_ table: DrawnTable, _ dice: inout Dice) -> String {
    let column = Shell.name(dice.pick(table.columns).name)
    let event = dice.pick(["INSERT", "DELETE", "UPDATE OF \(column)"])
    let old = event == "INSERT" ? "new" : "old"
    let when = dice.pick(["", "", " WHEN random() > 0", " WHEN \(millisecond) % 2"])
    var acts = [
      "INSERT INTO audit (what) VALUES (\(old).\(column));", "INSERT INTO audit (what) VALUES (random());",
      "INSERT INTO audit (what) VALUES (datetime('now'));",
      "UPDATE audit SET what = \(old).\(column) WHERE random() > 0;",
    ]
    if event == "INSERT", table.key.hasRowID {
      acts.append("UPDATE \(table.quoted) SET \(column) = random() WHERE rowid = new.rowid;")
    }
    return
      "CREATE TRIGGER \(Shell.name("\(table.name) chance")) AFTER \(event) ON \(table.quoted)\(when) BEGIN \(dice.pick(acts)) END;"
  }

  /// Another one each time, as a second is not.
  private static let millisecond = "CAST(strftime('%f', 'now') * 1000 AS INTEGER)"
}
