import Foundation
import TestDice

/// What an application does to the rows between the way up and the way down.
struct Traffic {
  /// What it did to one row, by the table's name and the row's key as ``Look`` has it.
  enum Act: Hashable {
    case moved(table: String, from: String, to: String)
    /// Deleted, and SQLite gave its key to another one.
    case reborn(table: String, key: String)
  }

  private(set) var statements: [String] = []
  private(set) var acts: [Act] = []

  /// Writes to the tables of a database; what SQLite refuses, the application does without.
  ///
  /// - Parameter luck: decides about what leaves every row as it is, and puts some in another order.
  init(
    to shell: Shell, _ tables: [DrawnTable], busy: Bool, _ dice: inout Dice, _ luck: inout Dice
  ) throws {
    try write(to: shell, tables, busy: busy, &dice)
    try reorder(shell, tables, &luck)
  }

  /// Puts the same rows in another order, or lets SQLite choose another way through them.
  private mutating func reorder(_ shell: Shell, _ tables: [DrawnTable], _ luck: inout Dice) throws {
    for table in tables where luck.falls(12) && table.key != .textWithoutRowID {
      let look = try Look.Table(table.name, shell)
      guard look.key != ["id"], look.key != ["rowid"], look.nameless.isEmpty, !look.rows.isEmpty else {
        continue
      }
      let condition = Self.condition(look, luck.pick(look.rows.keys.sorted()))
      note(shell, "CREATE TEMP TABLE moved AS SELECT * FROM \(table.quoted) WHERE \(condition);")
      note(shell, "DELETE FROM \(table.quoted) WHERE \(condition);")
      note(shell, "INSERT OR IGNORE INTO \(table.quoted) SELECT * FROM temp.moved;")
      note(shell, "DROP TABLE temp.moved;")
    }
    if luck.falls(8) { note(shell, "ANALYZE;") }
    if luck.falls(4) { note(shell, "VACUUM;") }
  }

  private static func condition(_ look: Look.Table, _ key: String) -> String {
    zip(look.key, key.components(separatedBy: " / ")).map { name, cell in
      "\(Shell.name(name)) IS \(cell.split(separator: " ", maxSplits: 1).last ?? "NULL")"
    }.joined(separator: " AND ")
  }

  private mutating func write(
    to shell: Shell, _ tables: [DrawnTable], busy: Bool, _ dice: inout Dice
  ) throws {
    guard busy else { return }
    for table in tables where !dice.falls(25) {
      let look = try Look.Table(table.name, shell)
      // Rows that nothing tells apart cannot be followed by whoever judges, either.
      guard !table.keys.isEmpty, look.nameless.isEmpty else { continue }
      for _ in 0..<(1 + dice.below(3)) {
        guard let key = look.rows.keys.sorted().isEmpty ? nil : dice.pick(look.rows.keys.sorted()) else {
          break
        }
        let condition = Self.condition(look, key)
        let column = Shell.name(dice.pick(table.columns).name)
        switch dice.below(8) {
        case 0..<3:
          note(shell, "UPDATE \(table.quoted) SET \(column) = \(DrawnSQL.value(&dice)) WHERE \(condition);")
        case 3: note(shell, "DELETE FROM \(table.quoted) WHERE \(condition);")
        case 4: note(shell, table.insert(50 + dice.below(20), &dice))
        case 5 where table.keys == ["id"]:
          let to = 60 + dice.below(9)
          if note(shell, "UPDATE \(table.quoted) SET id = \(to) WHERE \(condition);") {
            acts.append(.moved(table: table.name, from: key, to: "integer \(to)"))
          }
        default:
          guard table.keys == ["id"], let id = Int(key.dropFirst("integer ".count)) else { continue }
          guard note(shell, "DELETE FROM \(table.quoted) WHERE \(condition);") else { continue }
          if dice.falls(50) {
            // Whoever names the key means the same row.
            note(shell, table.insert(id, &dice))
          } else if note(shell, table.insert(nil, &dice)), try Look.Table(table.name, shell).rows[key] != nil
          {
            acts.append(.reborn(table: table.name, key: key))
          }
        }
      }
    }
  }

  @discardableResult
  private mutating func note(_ shell: Shell, _ sql: String) -> Bool {
    guard (try? shell.run(sql)) != nil else { return false }
    statements.append(sql)
    return true
  }
}
