import TestDice

/// One migration: statements of both ways, and how the way down was made.
struct DrawnMigration {
  let kind: String
  /// How the way down was drawn: right, spelled otherwise, or what is wrong about it. Whether it is true, the judge says.
  let way: String
  let up: [String]
  /// nil when there is none, empty when it does nothing.
  let down: [String]?
}

/// A change of a schema, with ways down that are right and wrong.
struct DrawnChange {
  var kind: String
  var up: [String]
  var down: [String]
  /// Ways down that do the same, spelled otherwise.
  var others: [[String]] = []
  /// Ways down that do something else, each with a word for it.
  var wrongs: [(String, [String])] = []

  func migration(_ dice: inout Dice) -> DrawnMigration {
    func made(_ way: String, _ down: [String]?) -> DrawnMigration {
      DrawnMigration(kind: kind, way: way, up: up, down: down)
    }
    let chance = dice.below(100)
    if chance < 36 { return made("right", down) }
    if chance < 50, let other = others.isEmpty ? nil : dice.pick(others) { return made("other words", other) }
    if chance < 80, let wrong = wrongs.isEmpty ? nil : dice.pick(wrongs) { return made(wrong.0, wrong.1) }
    switch dice.below(9) {
    case 0: return made("absent", nil)
    case 1: return made("empty", [])
    case 2: return made("broken", down + ["DROP TABLE not_there"])
    case 3: return made("no SQL", ["DROP TABEL \(Spelling.plain.name("log"))"])
    case 4 where down.count > 1: return made("backwards", down.reversed())
    case 5: return made("twice", down + down)
    case 6 where down.count > 1:
      var part = down
      part.remove(at: dice.below(part.count))
      return made("incomplete", part)
    default: return made("right", down)
    }
  }
}

extension DrawnSchema {
  /// Draws a change, and makes it.
  mutating func change(_ dice: inout Dice) -> DrawnChange {
    for _ in 0..<20 {
      let change: DrawnChange?
      switch dice.below(14) {
      case 0: change = newTable(&dice)
      case 1: change = keptTable(&dice)
      case 2: change = newColumn(&dice)
      case 3: change = lostColumn(&dice)
      case 4: change = renamedColumn(&dice)
      case 5: change = renamedTable(&dice)
      case 6: change = newObject(&dice)
      case 7: change = lostObject(&dice)
      case 8, 9, 10: change = rebuilt(&dice)
      default: change = rows(&dice)
      }
      if let change { return change }
    }
    return newTable(&dice)
  }

  /// What a folder begins with.
  mutating func first(_ dice: inout Dice) -> DrawnChange { newTable(&dice) }

  // MARK: - Tables

  private mutating func draw(_ dice: inout Dice) -> DrawnTable {
    let number = number()
    let key = dice.pick([DrawnTable.Key.whole, .whole, .whole, .counted, .text, .pair, .none])
    var columns: [DrawnColumn] = []
    for name in ["name", "order", "flag", "a b", "größe", "rank", "state"].shuffled(using: &dice).prefix(
      2 + dice.below(4))
    {
      columns.append(column(name, &dice))
    }
    if key == .pair { for index in 0..<2 { columns[index].isNotNull = true } }
    var table = DrawnTable(
      name: dice.pick(["users\(number)", "orders \(number)", "t\(number)"]), key: key, columns: columns)
    if dice.falls(30), let parent = tables.filter(\.hasID).last {
      table.columns.append(
        DrawnColumn(
          name: "parent", type: parent.key == .text ? "TEXT" : "INTEGER",
          parent: (parent.name, dice.pick(["", " ON DELETE CASCADE", " ON DELETE SET NULL"]))))
    }
    if dice.falls(15), let first = table.columns.first {
      table.columns.append(
        DrawnColumn(name: "made", type: "TEXT", source: "\(Spelling.plain.name(first.name)) || 'x'"))
    }
    return table
  }

  private mutating func column(_ name: String, _ dice: inout Dice) -> DrawnColumn {
    var column = DrawnColumn(
      name: name,
      type: name == "flag"
        ? dice.pick(["INTEGER", "BOOLEAN"])
        : name == "state"
          ? "TEXT" : dice.pick(["TEXT", "TEXT", "INTEGER", "REAL", "BLOB", "", "VARCHAR(20)"]))
    column.isNotNull = dice.falls(25)
    if dice.falls(25) || column.isNotNull && dice.falls(50) { column.standard = column.literal(&dice) }
    if dice.falls(15) { column.check = .drawn(of: [column], &dice) }
    if dice.falls(8) { column.isUnique = true }
    if column.isText, dice.falls(10) { column.collation = "NOCASE" }
    return column
  }

  private mutating func newTable(_ dice: inout Dice) -> DrawnChange {
    let table = draw(&dice)
    tables.append(table)
    let name = Spelling.plain.name(table.name)
    return DrawnChange(
      kind: "table", up: [table.sql(.other(&dice))], down: ["DROP TABLE \(name)"],
      others: [["drop table if exists \"\(table.name)\""]],
      wrongs: [("another one", ["DROP TABLE IF EXISTS \(Spelling.plain.name(table.name + "s"))"])])
  }

  /// A table that is dropped, and whose rows are kept in another one.
  private mutating func keptTable(_ dice: inout Dice) -> DrawnChange? {
    guard let table = (tables.filter { !isParent($0.name) }).randomElement(using: &dice), tables.count > 1
    else { return nil }
    let kept = "kept\(number())"
    let (name, list) = (Spelling.plain.name(table.name), table.list(table.names))
    let beside = beside(table.name)
    let made = beside.map { $0.sql(.plain) }
    tables.removeAll { $0.name == table.name }
    objects.removeAll { $0.table == table.name }
    let fill = "INSERT INTO \(name) (\(list)) SELECT \(list) FROM \(kept)"
    let views = beside.filter { $0.type == "VIEW" }.map(\.drop)
    var change = DrawnChange(
      kind: "drop table",
      up: ["CREATE TABLE \(kept) AS SELECT \(list) FROM \(name)"] + views + ["DROP TABLE \(name)"],
      down: [table.sql(.plain), fill, "DROP TABLE \(kept)"] + made)
    change.others = [
      [table.sql(.other(&dice)), fill, "DROP TABLE \(kept)"] + beside.map { $0.sql(.other(&dice)) }
    ]
    change.wrongs = [
      ("no rows", [table.sql(.plain), "DROP TABLE \(kept)"] + made),
      ("some rows", [table.sql(.plain), "\(fill) LIMIT 2", "DROP TABLE \(kept)"] + made),
      ("other table", [altered(table, &dice).sql(.plain), fill, "DROP TABLE \(kept)"] + made),
    ]
    if !made.isEmpty {
      change.wrongs.append(("nothing beside", [table.sql(.plain), fill, "DROP TABLE \(kept)"]))
    }
    return change
  }

  private mutating func renamedTable(_ dice: inout Dice) -> DrawnChange? {
    guard var table = tables.randomElement(using: &dice) else { return nil }
    let (old, new) = (table.name, "renamed \(number())")
    table.name = new
    replace(table, named: old)
    for index in objects.indices where objects[index].table == old { objects[index].table = new }
    for table in tables.indices {
      for column in tables[table].columns.indices where tables[table].columns[column].parent?.table == old {
        tables[table].columns[column].parent?.table = new
      }
    }
    return DrawnChange(
      kind: "rename table", up: ["ALTER TABLE \(Spelling.plain.name(old)) RENAME TO \"\(new)\""],
      down: ["ALTER TABLE \"\(new)\" RENAME TO \(Spelling.plain.name(old))"],
      wrongs: [("other name", ["ALTER TABLE \"\(new)\" RENAME TO \(Spelling.plain.name(old + "x"))"])])
  }

  /// The same table with one thing that is not so.
  private func altered(_ table: DrawnTable, _ dice: inout Dice) -> DrawnTable {
    var other = table
    let free = table.columns.indices.filter {
      table.columns[$0].source == nil && !(table.key == .pair && $0 < 2)
    }
    guard let index = free.randomElement(using: &dice) else {
      other.key = table.key == .whole ? .counted : .none
      return other
    }
    var column = table.columns[index]
    switch dice.below(8) {
    case 0: column.isNotNull.toggle()
    case 1: column.standard = column.standard == nil ? column.literal(&dice) : nil
    case 2: column.check = column.check?.changed(&dice) ?? .drawn(of: [column], &dice)
    case 3: column.check = column.check == nil ? .null(column.name) : nil
    case 4: column.type = column.type == "TEXT" ? "INTEGER" : "TEXT"
    case 5: column.collation = column.collation == nil ? "NOCASE" : nil
    case 6 where column.parent != nil: column.parent = nil
    case 6: column.isUnique.toggle()
    default:
      if table.key == .whole {
        other.key = .counted
      } else if table.key == .counted {
        other.key = .whole
      } else {
        column.isNotNull.toggle()
      }
    }
    other.columns[index] = column
    return other
  }

  // MARK: - Columns

  private mutating func newColumn(_ dice: inout Dice) -> DrawnChange? {
    guard var table = tables.randomElement(using: &dice) else { return nil }
    var column = column("more\(number())", &dice)
    column.isUnique = false
    if column.isNotNull, column.standard == nil { column.isNotNull = false }
    // Rows that are there have to pass it.
    column.check = nil
    let name = Spelling.plain.name(table.name)
    var up = ["ALTER TABLE \(name) ADD COLUMN \(column.sql(.plain))"]
    if dice.falls(40), let other = table.stored.randomElement(using: &dice), !column.isNotNull {
      up.append(
        "UPDATE \(name) SET \(column.name) = \(column.literal(&dice)) WHERE \(Condition.drawn(of: [other], &dice).sql(.plain))"
      )
    }
    let old = table
    table.columns.append(column)
    replace(table)
    return DrawnChange(
      kind: "column", up: up, down: ["ALTER TABLE \(name) DROP COLUMN \(column.name)"],
      others: [rebuild(table, as: old, beside(table.name), spelling: .other(&dice), old.names)],
      wrongs: [
        ("nothing", ["SELECT 1"]),
        ("other column", ["ALTER TABLE \(name) DROP COLUMN \(Spelling.plain.name(dice.pick(table.names)))"]),
        ("without objects", rebuild(table, as: old, [], spelling: .plain, old.names)),
      ])
  }

  private mutating func lostColumn(_ dice: inout Dice) -> DrawnChange? {
    guard var table = (tables.filter { $0.hasID && $0.columns.count > 1 }).randomElement(using: &dice),
      let column = free(table).randomElement(using: &dice),
      let place = table.columns.firstIndex(where: { $0.name == column.name })
    else { return nil }
    let old = table
    let kept = "kept\(number())"
    let (name, own) = (Spelling.plain.name(table.name), Spelling.plain.name(column.name))
    table.columns.remove(at: place)
    replace(table)
    var back = column
    if column.isNotNull, column.standard == nil { back.isNotNull = false }
    let add = "ALTER TABLE \(name) ADD COLUMN \(back.sql(.plain))"
    let fill = "UPDATE \(name) SET \(own) = (SELECT k.\(own) FROM \(kept) AS k WHERE k.id = \(name).id)"
    var change = DrawnChange(
      kind: "drop column",
      up: [
        "CREATE TABLE \(kept) AS SELECT id, \(own) FROM \(name)", "ALTER TABLE \(name) DROP COLUMN \(own)",
      ], down: [add, fill, "DROP TABLE \(kept)"])
    let made = old.list(old.names)
    let source = old.stored.map { $0.name == column.name ? "k.\(own)" : "t.\(Spelling.plain.name($0.name))" }
    func whole(_ spelling: Spelling) -> [String] {
      [
        old.sql(spelling, as: "anew"),
        "INSERT INTO anew (\(made)) SELECT \((["t.id"] + source).joined(separator: ", ")) FROM \(name) AS t JOIN \(kept) AS k ON k.id = t.id",
      ]
        + swap(table, beside(table.name), spelling) + ["DROP TABLE \(kept)"]
    }
    change.others = [whole(.plain), whole(.other(&dice))]
    change.wrongs = [
      ("no values", [add, "DROP TABLE \(kept)"]),
      ("one value", [add, "UPDATE \(name) SET \(own) = \(column.literal(&dice))", "DROP TABLE \(kept)"]),
      ("as text", [add, fill.replacing(".\(own) FROM", with: ".\(own) || '' FROM"), "DROP TABLE \(kept)"]),
    ]
    return change
  }

  private mutating func renamedColumn(_ dice: inout Dice) -> DrawnChange? {
    guard var table = tables.randomElement(using: &dice),
      let column = free(table).randomElement(using: &dice),
      let place = table.columns.firstIndex(where: { $0.name == column.name })
    else { return nil }
    let new = "new\(number())"
    let (name, own) = (Spelling.plain.name(table.name), Spelling.plain.name(column.name))
    table.columns[place].name = new
    replace(table)
    var back = column
    if column.isNotNull, column.standard == nil { back.isNotNull = false }
    return DrawnChange(
      kind: "rename column", up: ["ALTER TABLE \(name) RENAME COLUMN \(own) TO \(new)"],
      down: ["ALTER TABLE \(name) RENAME COLUMN \(new) TO \(own)"],
      wrongs: [
        (
          "at the end",
          [
            "ALTER TABLE \(name) ADD COLUMN \(back.sql(.plain))", "UPDATE \(name) SET \(own) = \(new)",
            "ALTER TABLE \(name) DROP COLUMN \(new)",
          ]
        ), ("other name", ["ALTER TABLE \(name) RENAME COLUMN \(new) TO \(new)x"]),
      ])
  }

  // MARK: - What stands beside a table

  private mutating func draw(of table: DrawnTable, _ dice: inout Dice) -> DrawnObject {
    let number = number()
    let names = table.names.shuffled(using: &dice)
    let condition = Condition.drawn(of: table.stored, &dice)
    switch dice.below(3) {
    case 0:
      return DrawnObject(
        name: "by \(number)", table: table.name,
        body: .index(
          columns: Array(names.prefix(1 + dice.below(2))), isUnique: dice.falls(15),
          isDescending: dice.falls(30),
          where: dice.falls(40) ? condition : nil))
    case 1:
      return DrawnObject(
        name: "fires\(number)", table: table.name,
        body: .trigger(
          event: dice.pick(["INSERT", "UPDATE", "DELETE"]), when: dice.falls(60) ? condition : nil,
          column: names[0]))
    default:
      return DrawnObject(
        name: "seen\(number)", table: table.name,
        body: .view(columns: Array(names.prefix(2)), where: condition))
    }
  }

  private mutating func newObject(_ dice: inout Dice) -> DrawnChange? {
    guard let table = tables.randomElement(using: &dice) else { return nil }
    let object = draw(of: table, &dice)
    objects.append(object)
    return DrawnChange(
      kind: object.type.lowercased(), up: [object.sql(.other(&dice))], down: [object.drop],
      others: [["drop \(object.type.lowercased()) if exists \"\(object.name)\""]],
      wrongs: [("nothing", ["SELECT 1"])])
  }

  private mutating func lostObject(_ dice: inout Dice) -> DrawnChange? {
    guard let object = objects.randomElement(using: &dice),
      let table = tables.first(where: { $0.name == object.table })
    else { return nil }
    if dice.falls(50) {
      objects.removeAll { $0.name == object.name }
      return DrawnChange(
        kind: "drop \(object.type.lowercased())", up: [object.drop], down: [object.sql(.plain)],
        others: [[object.sql(.other(&dice))], [object.sql(.other(&dice))]],
        wrongs: [
          ("something else", [object.changed(&dice, table).sql(.plain)]),
          ("something else", [object.changed(&dice, table).sql(.other(&dice))]), ("nothing", ["SELECT 1"]),
        ])
    }
    let other = object.changed(&dice, table)
    objects[objects.firstIndex { $0.name == object.name } ?? 0] = other
    return DrawnChange(
      kind: "change \(object.type.lowercased())", up: [object.drop, other.sql(.plain)],
      down: [object.drop, object.sql(.plain)], others: [[object.drop, object.sql(.other(&dice))]],
      wrongs: [
        ("something else", [object.drop, object.changed(&dice, table).sql(.other(&dice))]),
        ("the same again", [object.drop, other.sql(.other(&dice))]),
      ])
  }

  // MARK: - Rebuilds

  /// The steps after the new table `anew` is full.
  private func swap(_ table: DrawnTable, _ beside: [DrawnObject], _ spelling: Spelling) -> [String] {
    let name = Spelling.plain.name(table.name)
    return beside.filter { $0.type == "VIEW" }.map(\.drop)
      + ["DROP TABLE \(name)", "ALTER TABLE anew RENAME TO \(name)"] + beside.map { $0.sql(spelling) }
  }

  private func rebuild(
    _ table: DrawnTable, as other: DrawnTable, _ beside: [DrawnObject], spelling: Spelling, _ names: [String],
    tail: String = ""
  ) -> [String] {
    let list = other.list(names)
    return [
      other.sql(spelling, as: "anew"),
      "INSERT INTO anew (\(list)) SELECT \(list) FROM \(Spelling.plain.name(table.name))\(tail)",
    ] + swap(table, beside, spelling)
  }

  private mutating func rebuilt(_ dice: inout Dice) -> DrawnChange? {
    guard let old = tables.randomElement(using: &dice) else { return nil }
    let new = altered(old, &dice)
    let beside = beside(old.name)
    replace(new)
    let names = old.names
    var change = DrawnChange(
      kind: "rebuild", up: rebuild(old, as: new, beside, spelling: .plain, names),
      down: rebuild(new, as: old, beside, spelling: .plain, names),
      others: [
        rebuild(new, as: old, beside, spelling: .other(&dice), names),
        rebuild(new, as: old, beside, spelling: .other(&dice), names),
      ])
    let loose = names.filter { name in
      old.columns.contains { $0.name == name && !($0.isNotNull && $0.standard == nil) && !(old.key == .pair) }
    }
    change.wrongs = [
      ("other table", rebuild(new, as: altered(old, &dice), beside, spelling: .plain, names)),
      ("other table", rebuild(new, as: altered(old, &dice), beside, spelling: .other(&dice), names)),
      ("some rows", rebuild(new, as: old, beside, spelling: .plain, names, tail: " LIMIT 3")),
      (
        "some rows",
        rebuild(
          new, as: old, beside, spelling: .plain, names,
          tail: " WHERE \(Spelling.plain.name(dice.pick(old.stored).name)) IS NULL")
      ),
    ]
    if let lost = loose.randomElement(using: &dice) {
      change.wrongs.append(
        ("one column less", rebuild(new, as: old, beside, spelling: .plain, names.filter { $0 != lost })))
    }
    if old.columns.count > 1, old.key != .pair {
      var swapped = old
      swapped.columns.swapAt(0, 1)
      change.wrongs.append(("other order", rebuild(new, as: swapped, beside, spelling: .plain, names)))
    }
    if !beside.isEmpty {
      change.wrongs.append(("nothing beside", rebuild(new, as: old, [], spelling: .plain, names)))
      let one = dice.pick(beside)
      change.wrongs.append(
        (
          "one thing other",
          rebuild(
            new, as: old, beside.map { $0.name == one.name ? $0.changed(&dice, old) : $0 }, spelling: .plain,
            names)
        ))
    }
    return change
  }

  // MARK: - Rows

  private mutating func rows(_ dice: inout Dice) -> DrawnChange? {
    guard let table = tables.randomElement(using: &dice),
      let column = table.stored.filter({ $0.parent == nil }).randomElement(using: &dice)
    else { return nil }
    let (name, own) = (Spelling.plain.name(table.name), Spelling.plain.name(column.name))
    let (one, other) = (column.literal(&dice), column.literal(&dice))
    let condition = Condition.drawn(of: table.stored, &dice).sql(.plain)
    func set(_ value: String, _ rest: String = "") -> String { "UPDATE \(name) SET \(own) = \(value)\(rest)" }
    let nothing = ("nothing", ["SELECT 1"])
    let swap = set("CASE \(own) WHEN \(one) THEN \(other) WHEN \(other) THEN \(one) ELSE \(own) END")
    switch dice.below(11) {
    case 0 where column.isWhole || column.type == "REAL":
      return DrawnChange(
        kind: "sum", up: [set("\(own) + 2")], down: [set("\(own) - 2")],
        wrongs: [("other sum", [set("\(own) - 1")]), nothing])
    case 1 where column.isText:
      return DrawnChange(
        kind: "text", up: [set("\(own) || '!'")], down: [set("substr(\(own), 1, length(\(own)) - 1)")],
        wrongs: [("upper", [set("upper(\(own))")]), ("rtrim", [set("rtrim(\(own), '!')")])])
    case 2 where column.isText:
      return DrawnChange(
        kind: "lower", up: [set("lower(\(own))")], down: [set("upper(\(own))")], wrongs: [nothing])
    case 3:
      return DrawnChange(kind: "flip", up: [set(one)], down: [set(other)], wrongs: [nothing])
    case 4:
      return DrawnChange(
        kind: "move", up: [set(other, " WHERE \(own) = \(one)")],
        down: [set(one, " WHERE \(own) = \(other)")],
        wrongs: [nothing])
    case 5: return DrawnChange(kind: "swap", up: [swap], down: [swap], wrongs: [nothing])
    case 6:
      return DrawnChange(
        kind: "fill", up: [set(one, " WHERE \(own) IS NULL")], down: [set("NULL", " WHERE \(own) = \(one)")],
        wrongs: [nothing])
    case 7:
      let kept = "kept\(number())"
      let list = table.list(table.names)
      return DrawnChange(
        kind: "delete",
        up: [
          "CREATE TABLE \(kept) AS SELECT \(list) FROM \(name) WHERE \(condition)",
          "DELETE FROM \(name) WHERE \(condition)",
        ], down: ["INSERT INTO \(name) (\(list)) SELECT \(list) FROM \(kept)", "DROP TABLE \(kept)"],
        wrongs: [("no rows", ["DROP TABLE \(kept)"])])
    case 8:
      return DrawnChange(kind: "delete", up: ["DELETE FROM \(name) WHERE \(condition)"], down: ["SELECT 1"])
    case 9 where table.hasID:
      let id = table.key == .text ? "'made by hand'" : "\(-1_000 - number())"
      let values = table.stored.compactMap { $0.isNotNull && $0.standard == nil ? $0 : nil }
      let names = ["id"] + values.map(\.name)
      return DrawnChange(
        kind: "insert",
        up: [
          "INSERT INTO \(name) (\(table.list(names))) VALUES (\(([id] + values.map { $0.literal(&dice) }).joined(separator: ", ")))"
        ], down: ["DELETE FROM \(name) WHERE id = \(id)"],
        wrongs: [
          ("all rows", ["DELETE FROM \(name)"]), ("too many", ["DELETE FROM \(name) WHERE id <> 0"]),
          nothing,
        ])
    case 10 where column.isWhole:
      return DrawnChange(
        kind: "mirror", up: [set("1 - \(own)")], down: [set("1 - \(own)")],
        wrongs: [nothing, ("other", [set("\(own) - 1")])])
    default: return nil
    }
  }
}
