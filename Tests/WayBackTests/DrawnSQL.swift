import Foundation
import TestDice

/// Statements that change rows: sensible, careless and wrong ones alike.
enum DrawnSQL {
  static func value(_ dice: inout Dice) -> String {
    dice.pick([
      "NULL", "NULL", "0", "1", "5", "7", "-3", "2.5", "'A'", "'a'", "'b'", "'x'", "'007'", "'1e3'", "''",
      "x'00ff'",
      "'precious'", "9007199254740993",
    ])
  }

  /// Values at the edges of what SQLite stores: no UTF-8, NUL characters, long ones, numbers that look like others.
  static func strangeValue(_ dice: inout Dice) -> String {
    dice.pick([
      "CAST(x'ff41' AS TEXT)", "CAST(x'410042' AS TEXT)", "'a' || char(0) || 'b'", "zeroblob(3000)",
      "hex(zeroblob(2500))", "9e999", "-9e999", "char(233, 128512)", "'it''s'", "-9223372036854775808",
      "1e15",
      "'1.0'", "1.0", "x''", "x'61'", "CAST(x'c3' AS TEXT)", "' '", "'a' || char(10) || '-- b'", "0.1 + 0.2",
    ])
  }

  /// An expression over a row of a table.
  static func expression(_ table: DrawnTable, _ dice: inout Dice) -> String {
    if table.isChancy, dice.falls(40) { return Chance.expression(table, &dice) }
    let column = Shell.name(dice.pick(table.columns).name)
    let other = Shell.name(dice.pick(table.columns).name)
    return dice.pick([
      value(&dice), value(&dice), column, "upper(\(column))", "lower(\(column))", "\(column) + 1",
      "\(column) - 1",
      "coalesce(\(column), 0)", "nullif(\(column), 0)", "\(column) || \(other)", "CAST(\(column) AS INTEGER)",
      "substr(\(column), 1, 1)", "typeof(\(column))", "abs(\(column)) * 100",
      "(SELECT count(*) FROM \(table.quoted))",
    ])
  }

  static func condition(_ table: DrawnTable, _ dice: inout Dice) -> String {
    if table.isChancy, dice.falls(40) { return Chance.condition(table, &dice) }
    let column = Shell.name(dice.pick(table.columns).name)
    return dice.pick(
      [
        "", "", " WHERE \(column) IS NULL", " WHERE \(column) IS NOT NULL",
        " WHERE \(column) = \(value(&dice))",
        " WHERE \(column) IS \(value(&dice))", " WHERE \(column) > 0", " WHERE rowid % 2 = 0",
        " WHERE \(column) IN (SELECT \(column) FROM \(table.quoted) LIMIT 2)",
      ].filter { table.key.hasRowID || !$0.contains("rowid") })
  }

  static func update(_ table: DrawnTable, _ dice: inout Dice) -> String {
    let column = Shell.name(dice.pick(table.columns).name)
    return "UPDATE \(table.quoted) SET \(column) = \(expression(table, &dice))\(condition(table, &dice));"
  }

  /// Any statement that changes rows of a table.
  static func any(_ table: DrawnTable, _ dice: inout Dice) -> String {
    if table.isChancy, dice.falls(15) { return Chance.statement(table, &dice) }
    switch dice.below(14) {
    case 0..<7: return update(table, &dice)
    case 7, 8: return "DELETE FROM \(table.quoted)\(condition(table, &dice));"
    case 9: return table.insert(40 + dice.below(3), &dice)
    case 10: return table.insert(1 + dice.below(6), &dice, "INSERT OR IGNORE")
    case 11: return table.insert(1 + dice.below(6), &dice, "INSERT OR REPLACE")
    case 12 where table.keys == ["id"]:
      return dice.pick([
        "UPDATE \(table.quoted) SET id = id + 100;",
        "UPDATE OR REPLACE \(table.quoted) SET id = 2 WHERE id = 1;",
        "UPDATE \(table.quoted) SET id = -id WHERE id < 3;",
      ])
    default:
      let column = Shell.name(dice.pick(table.columns).name)
      let other = Shell.name(dice.pick(table.columns).name)
      return
        "UPDATE \(table.quoted) SET \(column) = \(other), \(other) = \(column)\(condition(table, &dice));"
    }
  }

  /// What would undo a statement, where the author thinks so.
  static func inverse(of statement: String, _ table: DrawnTable, _ dice: inout Dice) -> String {
    for (there, back) in [
      ("upper(", "lower("), ("+ 1", "- 1"), ("- 1", "+ 1"), ("coalesce(", "nullif("),
      ("nullif(", "coalesce("),
      ("+ 100", "- 100"),
    ] where statement.contains(there) {
      return statement.replacingOccurrences(of: there, with: back)
    }
    return dice.falls(50) ? "SELECT 1;" : any(table, &dice)
  }
}
