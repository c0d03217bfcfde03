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
  mutating func go(
    on shell: Shell, _ tables: [DrawnTable], busy: Bool, _ dice: inout Dice, _ luck: inout Dice
  ) throws {
    try write(to: shell, tables, busy: busy, &dice)
    try reorder(shell, tables, &luck)
  }

  /// Does what applications seldom do; nothing in a case that is not wild.
  mutating func goWild(on shell: Shell, _ tables: [DrawnTable], _ dice: inout Dice?) throws {
    guard var wild = dice else { return }
    defer { dice = wild }
    if wild.falls(50) { try write(to: shell, tables, busy: true, &wild) }
    for table in tables where wild.falls(60) {
      for _ in 0...wild.below(2) { try trade(shell, table, &wild) }
    }
  }

  /// Lets rows exchange what they hold, or be written anew, under their own key or another one.
  private mutating func trade(_ shell: Shell, _ table: DrawnTable, _ wild: inout Dice) throws {
    let look = try Look.Table(table.name, shell)
    // VACUUM gives rows without a key other rowids, so that nobody can follow them.
    guard look.nameless.isEmpty, !table.keys.isEmpty || !statements.contains("VACUUM;") else { return }
    let act = wild.below(10)
    // Without a key, a row is what it holds: written anew, nobody can tell it from another one.
    if table.keys.isEmpty, ![0, 1, 8].contains(act) { return }
    let keys = look.rows.keys.filter { !isMoved(table.name, $0) }.sorted()
    guard keys.count > 1 else { return }
    let one = wild.pick(keys)
    let other = wild.pick(keys.filter { $0 != one })
    let (isOne, isOther) = (Self.condition(look, one), Self.condition(look, other))
    let columns = table.columns.map { Shell.name($0.name) }
    func values(_ key: String) -> [String] {
      table.columns.map { look.rows[key]?[$0.name].map(Self.literal) ?? "NULL" }
    }
    let list = (table.keys + columns).joined(separator: ", ")
    let ownKey = table.keys.map { look.rows[one]?[$0].map(Self.literal) ?? "NULL" }
    let free = 70 + wild.below(30)
    switch act {
    case 0, 1:
      let exchanged = wild.falls(50) ? Array(columns.indices) : [wild.below(columns.count)]
      let changes = exchanged.map {
        "\(columns[$0]) = CASE WHEN \(isOne) THEN \(values(other)[$0]) ELSE \(values(one)[$0]) END"
      }
      note(
        shell,
        "UPDATE \(table.quoted) SET \(changes.joined(separator: ", ")) WHERE \(isOne) OR \(isOther);")
    case 2:
      let given = table.keys == ["id"] && wild.falls(50)
      let names = given ? columns : table.keys + columns
      let new = given ? values(one) : table.keyValues(free) + values(one)
      note(
        shell,
        "BEGIN; DELETE FROM \(table.quoted) WHERE \(isOne); INSERT INTO \(table.quoted) (\(names.joined(separator: ", "))) VALUES (\(new.joined(separator: ", "))); COMMIT;"
      )
    case 3, 4:
      var new = values(one)
      if wild.falls(60) { new[wild.below(new.count)] = DrawnSQL.value(&wild) }
      let target = table.keys.joined(separator: ", ")
      let rows = "INTO \(table.quoted) (\(list)) VALUES (\((ownKey + new).joined(separator: ", ")))"
      note(
        shell,
        wild.falls(50)
          ? "INSERT OR REPLACE \(rows);"
          : "INSERT \(rows) ON CONFLICT (\(target)) DO UPDATE SET \(columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", "));"
      )
    case 5:
      let new = table.keyValues(free) + columns
      note(
        shell,
        "INSERT INTO \(table.quoted) (\(list)) SELECT \(new.joined(separator: ", ")) FROM \(table.quoted) WHERE \(isOne);"
      )
    case 6:
      var new = table.keyValues(free)
      if table.key == .textNoCase, wild.falls(50) { new = ["upper(code)"] }
      let changes = zip(table.keys, new).map { "\($0) = \($1)" }.joined(separator: ", ")
      try move(shell, table, from: look, "UPDATE \(table.quoted) SET \(changes) WHERE \(isOne);")
    case 7:
      guard table.keys.count == 1, let key = table.keys.first else { return }
      let otherKey = look.rows[other]?[key].map(Self.literal) ?? "NULL"
      let temporary = table.keyValues(free)[0]
      let isDone = note(
        shell,
        "BEGIN; UPDATE \(table.quoted) SET \(key) = \(temporary) WHERE \(isOne); UPDATE \(table.quoted) SET \(key) = \(ownKey[0]) WHERE \(isOther); UPDATE \(table.quoted) SET \(key) = \(otherKey) WHERE \(key) IS \(temporary); COMMIT;"
      )
      if isDone {
        acts += [
          .moved(table: table.name, from: one, to: other), .moved(table: table.name, from: other, to: one),
        ]
      }
    case 8:
      note(
        shell,
        "UPDATE \(table.quoted) SET \(wild.pick(columns)) = \(DrawnSQL.strangeValue(&wild)) WHERE \(isOne);")
    default:
      note(shell, "DELETE FROM \(table.quoted) WHERE \(isOne) OR \(isOther);")
      if table.key != .integer, table.key != .none { note(shell, table.insert(free, &wild)) }
    }
  }

  /// Runs what gives one row another key, and notes which.
  private mutating func move(
    _ shell: Shell, _ table: DrawnTable, from look: Look.Table, _ sql: String
  ) throws {
    guard note(shell, sql) else { return }
    let now = try Look.Table(table.name, shell)
    let gone = look.rows.keys.filter { now.rows[$0] == nil }
    let come = now.rows.keys.filter { look.rows[$0] == nil }
    guard gone.count == 1, come.count == 1 else { return }
    acts.append(.moved(table: table.name, from: gone[0], to: come[0]))
  }

  private func isMoved(_ table: String, _ key: String) -> Bool {
    acts.contains { act in
      switch act {
      case .moved(table, let from, let to): from == key || to == key
      case .reborn(table, key): true
      default: false
      }
    }
  }

  private static func literal(_ cell: String) -> String {
    cell.split(separator: " ", maxSplits: 1).last.map(String.init) ?? "NULL"
  }

  /// Puts the same rows in another order, or lets SQLite choose another way through them.
  private mutating func reorder(_ shell: Shell, _ tables: [DrawnTable], _ luck: inout Dice) throws {
    for table in tables where luck.falls(12) && table.key.hasRowID {
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
      "\(Shell.name(name)) IS \(literal(cell))"
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
    guard (try? shell.run(sql)) != nil else {
      if sql.hasPrefix("BEGIN") { try? shell.run("ROLLBACK") }
      return false
    }
    statements.append(sql)
    return true
  }
}
