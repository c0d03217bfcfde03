import Foundation
import PhaseDB
import TestDice

/// A phase of a drawn case: SQL whose way down leads to the schema before, and may do anything to rows.
struct DrawnPhase {
  let kind: Phase.Kind
  let up: [String]
  let down: [String]
  var retirement: Retirement?
  /// Over which table its batches run; both directions are one UPDATE then, with the batch's range in place of a marker.
  var batch: String?
  /// What the tables are afterwards.
  var tables: [DrawnTable]

  /// - Parameters:
  ///   - tables: what is there.
  ///   - number: the phase's, for names of its own.
  ///   - loosens: whether a rebuild leaves constraints and triggers out, which its way back restores.
  init(_ tables: [DrawnTable], number: Int, loosens: Bool = false, _ dice: inout Dice) {
    self.tables = tables
    let index = dice.below(tables.count)
    let table = tables[index]
    switch dice.below(10) {
    case 0..<2:
      (kind, up, down) = Self.expand(&self.tables, index, number, &dice)
    case 2..<6:
      kind = .migrate
      if table.keys == ["id"], dice.falls(50) {
        let there = DrawnSQL.update(table, &dice)
        var back = DrawnSQL.inverse(of: there, table, &dice)
        if !back.hasPrefix("UPDATE") || back.contains("OR REPLACE") || back.contains("SET id") {
          back = DrawnSQL.update(table, &dice)
        }
        batch = table.name
        (up, down) = ([Self.ranged(there)], [Self.ranged(back)])
      } else {
        let there = (0...dice.below(2)).map { _ in DrawnSQL.any(dice.pick(tables), &dice) }
        (up, down) = (there, Self.back(there, table, tables, &dice))
      }
    default:
      kind = .contract
      (up, down) = Self.contract(&self.tables, index, loosens: loosens, &dice, retirement: &retirement)
    }
  }

  /// Rows of a batch only, which `1 = 1` stands for where there are no batches.
  private static func ranged(_ statement: String) -> String {
    let bare = statement.dropLast()
    return bare.contains(" WHERE ")
      ? bare.replacingOccurrences(of: " WHERE ", with: " WHERE /*range*/ AND ") + ";"
      : bare + " WHERE /*range*/;"
  }

  private static func back(
    _ there: [String], _ table: DrawnTable, _ tables: [DrawnTable], _ dice: inout Dice
  ) -> [String] {
    switch dice.below(10) {
    case 0..<2: return ["SELECT 1;"]
    case 2..<6: return there.reversed().map { DrawnSQL.inverse(of: $0, table, &dice) }
    case 6: return ["UPDATE nowhere SET a = 1;"]
    default: return (0...dice.below(2)).map { _ in DrawnSQL.any(dice.pick(tables), &dice) }
    }
  }

  /// Statements about rows that a careless author adds to a direction.
  private static func extra(_ tables: [DrawnTable], _ percent: UInt64, _ dice: inout Dice) -> [String] {
    dice.falls(percent) ? [DrawnSQL.any(dice.pick(tables), &dice)] : []
  }

  // MARK: - Kinds

  private static func expand(
    _ tables: inout [DrawnTable], _ index: Int, _ number: Int, _ dice: inout Dice
  ) -> (Phase.Kind, [String], [String]) {
    let before = tables
    let table = tables[index]
    var up: [String]
    var down: [String]
    switch dice.below(3) {
    case 0, 1:
      let column = DrawnTable.Column(
        name: "new\(number)", type: dice.pick(["", "TEXT", "INTEGER"]),
        rest: dice.pick(["", "", "DEFAULT 'n'", "DEFAULT 3"]))
      up = ["ALTER TABLE \(table.quoted) ADD COLUMN \(column.definition);"]
      tables[index].columns.append(column)
      if dice.falls(40) {
        up.append("UPDATE \(table.quoted) SET \(column.name) = \(DrawnSQL.expression(table, &dice));")
      }
      down = ["ALTER TABLE \(table.quoted) DROP COLUMN \(column.name);"]
      if dice.falls(35) {
        let target = Shell.name(dice.pick(table.columns).name)
        down.insert("UPDATE \(table.quoted) SET \(target) = \(column.name);", at: 0)
      }
    default:
      let tail = table.isChancy && dice.falls(40) ? Chance.tail(table, &dice) : ""
      up = ["CREATE TABLE other\(number) AS SELECT * FROM \(table.quoted)\(tail);"]
      down = ["DROP TABLE other\(number);"]
    }
    down = extra(before, 25, &dice) + down + extra(before, 15, &dice)
    return (.expand, up, down)
  }

  private static func contract(
    _ tables: inout [DrawnTable], _ index: Int, loosens: Bool, _ dice: inout Dice,
    retirement: inout Retirement?
  ) -> ([String], [String]) {
    let before = tables
    let table = tables[index]
    let used = table.attachments.joined()
    let free = table.columns.filter {
      !used.contains("(\(Shell.name($0.name)))") && !used.contains("OF \(Shell.name($0.name)) ON")
        && table.ornament?.mentions($0) != true
    }
    var up: [String] = []
    var down: [String] = []
    switch dice.below(8) {
    case 0...1 where free.count > 0 && table.columns.count > 1:
      let column = dice.pick(free)
      tables[index].columns.removeAll { $0.name == column.name }
      up = ["ALTER TABLE \(table.quoted) DROP COLUMN \(Shell.name(column.name));"]
      // SQLite adds no column whose default is not a constant.
      down =
        Chance.isIn(column.rest)
        ? tables[index].rebuilt(as: table) : ["ALTER TABLE \(table.quoted) ADD COLUMN \(column.definition);"]
      if dice.falls(40) {
        down.append(
          "UPDATE \(table.quoted) SET \(Shell.name(column.name)) = \(DrawnSQL.expression(tables[index], &dice))\(DrawnSQL.condition(tables[index], &dice));"
        )
      }
    case 2 where free.count > 0 && table.columns.count > 1:
      let column = dice.pick(free)
      retirement = Retirement(table: table.name, column: column.name)
      tables[index].columns.removeAll { $0.name == column.name }
      (up, down) = (["SELECT 1;"], ["SELECT 1;"])
    case 3 where table.name != "audit" && before.count > 1 && table.name != "t0":
      tables.remove(at: index)
      up = ["DROP TABLE \(table.quoted);"]
      down = [table.sql()] + table.attachments + (table.ornament?.attachments ?? [])
      if dice.falls(30) { down.append(table.insert(1 + dice.below(4), &dice)) }
    default:
      var new = table
      // An index of words without its triggers disagrees with its table at once.
      if loosens, table.ornament?.indexOfWords == nil { new.ornament = nil }
      var reading: [String: String] = [:]
      var back: [String: String] = [:]
      let column = dice.pick(free.isEmpty ? table.columns : free)
      let place = table.columns.firstIndex { $0.name == column.name } ?? 0
      if dice.falls(50), table.columns.count > 1, !free.isEmpty {
        new.columns.removeAll { $0.name == column.name }
        if dice.falls(40) { back[column.name] = DrawnSQL.expression(new, &dice) }
      } else {
        let rest = dice.falls(40) ? "NOT NULL DEFAULT 0" : ""
        new.columns[place] = .init(name: column.name, type: dice.pick(["INTEGER", "TEXT", ""]), rest: rest)
        let name = Shell.name(column.name)
        reading[column.name] =
          rest.isEmpty
          ? dice.pick([name, "CAST(\(name) AS TEXT)", "upper(\(name))"]) : "coalesce(\(name), 0)"
        if dice.falls(25) { back[column.name] = "nullif(\(name), 0)" }
        if table.isChancy, dice.falls(40) { reading[column.name] = Chance.expression(table, &dice) }
        if table.isChancy, dice.falls(25) { back[column.name] = Chance.expression(new, &dice) }
      }
      var tail = dice.pick([
        "", "", "", "", " WHERE \(Shell.name(column.name)) IS NOT NULL",
        " GROUP BY \(Shell.name(column.name))",
      ])
      var wrong = dice.pick(["", "", "", "", "", " WHERE 0", " LIMIT 1"])
      if table.isChancy, dice.falls(20) { tail = Chance.tail(table, &dice) }
      if table.isChancy, dice.falls(25) { wrong = Chance.tail(new, &dice) }
      up = table.rebuilt(as: new, reading: reading, tail: tail)
      down = new.rebuilt(as: table, reading: back, tail: wrong)
      tables[index] = new
    }
    return (up + extra(tables, 15, &dice), extra(tables, 15, &dice) + down + extra(before, 15, &dice))
  }

  /// Whether what it does may be something else each time.
  var isChancy: Bool { (up + down).contains(where: Chance.isIn) }

  // MARK: - As phasedb takes it

  func phase(batched: Bool) throws -> Phase {
    func script(_ statements: [String]) throws -> Script {
      let range = batched ? "id BETWEEN :first AND :last" : "1 = 1"
      let text = statements.joined(separator: "\n").replacingOccurrences(of: "/*range*/", with: range)
      guard let script = Script(text) else { throw Shell.Failure(description: "no statement in \(text)") }
      return script
    }
    return Phase(
      kind, windows: try Windows(Window("app", VersionRange(">=1.0"))), up: try script(up),
      down: try script(down),
      residuals: [], retirements: retirement.map { [$0] } ?? [],
      batching: batched ? batch.map { Batching(table: $0) } : nil)
  }

  func text(batched: Bool) -> String {
    let range = batched ? "id BETWEEN :first AND :last" : "1 = 1"
    var head = "-- @window app >=1.0\n-- @residual none\n"
    if let retirement {
      head += "-- @retire \(Shell.name(retirement.table)).\(Shell.name(retirement.column ?? ""))\n"
    }
    if batched, let batch { head += "-- @batch \(batch)\n" }
    let body =
      "-- @up\n\(up.joined(separator: "\n"))\n-- @down\n\(down.joined(separator: "\n"))\n"
    return head + body.replacingOccurrences(of: "/*range*/", with: range)
  }
}
