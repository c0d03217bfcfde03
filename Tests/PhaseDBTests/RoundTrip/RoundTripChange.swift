import PhaseSQL
import PhaseSQLite

/// A change of one table in phases, and what is to become of each of its columns.
struct RoundTripChange {
  /// What becomes of a column between the schema before and the schema after.
  enum Fate {
    case stays(as: String)
    /// Gone after the change. Computed when the way down fills it.
    case lost(isComputed: Bool)
    /// There on both sides, with other values after the change.
    case rewritten(as: String, isComputed: Bool)
  }

  struct Ways {
    var up: [String] = []
    var down: [String] = []
    var directives: [String] = []
  }

  let title: String
  /// The table's name before.
  let table: String
  /// The table's name after, nil when it is gone.
  var tableAfter: String?
  var fates: [String: Fate]
  var expand = Ways()
  var migrate = Ways()
  var contract = Ways()

  private init(_ title: String, _ table: RoundTripTable) {
    self.title = "\(title) in \(table.name)"
    self.table = table.name
    tableAfter = table.name
    fates = Dictionary(
      uniqueKeysWithValues: (table.keyColumns + table.columns.map(\.name)).map { ($0, .stays(as: $0)) })
  }

  /// A change that the table allows; nil when the one that was drawn does not fit it.
  init?(of table: RoundTripTable, _ random: inout RoundTripRandom) {
    guard let make = random.pick(Self.kinds)(table, &random) else { return nil }
    self = make
  }

  private typealias Kind = @Sendable (RoundTripTable, inout RoundTripRandom) -> RoundTripChange?

  private static let kinds: [Kind] = [
    addColumn, dropColumn, dropTable, renameColumn, renameTable, retype, rebuildWithout, split, merge,
    extract,
    overwrite, deleteRows, retireColumn, retireTable,
  ]

  /// Columns that nothing else depends on.
  private static func free(_ table: RoundTripTable) -> [RoundTripTable.Column] {
    table.columns.filter { $0.generated == nil && !table.usedColumns.contains($0.name) }
  }

  private static func id(_ name: String) -> String { SQLText.identifier(name) }

  // MARK: - Expand

  private static let addColumn: Kind = { table, random in
    var change = RoundTripChange("add a column", table)
    let type = table.isStrict ? "TEXT" : random.pick(["", "TEXT", "INTEGER", "REAL"])
    let definition = "\"new col\" \(type)\(random.pick(["", " DEFAULT '5'", " DEFAULT NULL"]))"
    change.expand = Ways(
      up: ["ALTER TABLE \(table.quotedName) ADD COLUMN \(definition);"],
      down: ["ALTER TABLE \(table.quotedName) DROP COLUMN \"new col\";"])
    return change
  }

  // MARK: - Contract

  private static let dropColumn: Kind = { table, random in
    guard let column = free(table).randomElement(using: &random.numbers) else { return nil }
    var change = RoundTripChange("drop column \(column.name)", table)
    change.fates[column.name] = .lost(isComputed: false)
    change.contract = Ways(
      up: ["ALTER TABLE \(table.quotedName) DROP COLUMN \(id(column.name));"],
      down: ["ALTER TABLE \(table.quotedName) ADD COLUMN \(column.definition);"])
    return change
  }

  private static let dropTable: Kind = { table, _ in
    guard !table.isMentioned else { return nil }
    var change = RoundTripChange("drop table", table)
    change.tableAfter = nil
    for column in change.fates.keys { change.fates[column] = .lost(isComputed: false) }
    change.contract = Ways(
      up: ["DROP TABLE \(table.quotedName);"], down: [table.sql()] + table.attachments)
    return change
  }

  private static let renameColumn: Kind = { table, random in
    guard let column = free(table).randomElement(using: &random.numbers) else { return nil }
    var change = RoundTripChange("rename column \(column.name)", table)
    change.fates[column.name] = .stays(as: "renamed col")
    change.contract = Ways(
      up: ["ALTER TABLE \(table.quotedName) RENAME COLUMN \(id(column.name)) TO \"renamed col\";"],
      down: ["ALTER TABLE \(table.quotedName) RENAME COLUMN \"renamed col\" TO \(id(column.name));"])
    return change
  }

  private static let renameTable: Kind = { table, _ in
    let new = SQLText.identifier("new \(table.name)")
    var change = RoundTripChange("rename table", table)
    change.tableAfter = "new \(table.name)"
    change.contract = Ways(
      up: ["ALTER TABLE \(table.quotedName) RENAME TO \(new);"],
      down: ["ALTER TABLE \(new) RENAME TO \(table.quotedName);"])
    return change
  }

  private static let retype: Kind = { table, random in
    guard table.canBeRebuilt, let column = free(table).randomElement(using: &random.numbers) else {
      return nil
    }
    var new = table
    let type = random.pick(["INTEGER", "TEXT", "REAL"])
    for index in new.columns.indices where new.columns[index].name == column.name {
      new.columns[index].type = type
    }
    var change = RoundTripChange("retype column \(column.name) to \(type)", table)
    change.fates[column.name] = .rewritten(as: column.name, isComputed: true)
    let old = column.type.isEmpty || column.type == "ANY" ? "BLOB" : column.type
    change.contract = Ways(
      up: table.rebuilt(as: new, reading: [column.name: "CAST(\(id(column.name)) AS \(type))"]),
      down: new.rebuilt(as: table, reading: [column.name: "CAST(\(id(column.name)) AS \(old))"]))
    return change
  }

  private static let rebuildWithout: Kind = { table, random in
    guard table.canBeRebuilt, let column = free(table).randomElement(using: &random.numbers) else {
      return nil
    }
    var new = table
    new.columns.removeAll { $0.name == column.name }
    var change = RoundTripChange("rebuild without \(column.name)", table)
    change.fates[column.name] = .lost(isComputed: true)
    change.contract = Ways(
      up: table.rebuilt(as: new), down: new.rebuilt(as: table, reading: [column.name: "NULL"]))
    return change
  }

  private static let retireColumn: Kind = { table, random in
    guard let column = free(table).randomElement(using: &random.numbers) else { return nil }
    var change = RoundTripChange("retire column \(column.name)", table)
    change.fates[column.name] = .lost(isComputed: false)
    change.contract = Ways(
      up: ["SELECT 1;"], down: ["SELECT 1;"], directives: ["@retire \(id(table.name)).\(id(column.name))"])
    return change
  }

  private static let retireTable: Kind = { table, _ in
    guard !table.isMentioned else { return nil }
    var change = RoundTripChange("retire table", table)
    change.tableAfter = nil
    for column in change.fates.keys { change.fates[column] = .lost(isComputed: false) }
    change.contract = Ways(up: ["SELECT 1;"], down: ["SELECT 1;"], directives: ["@retire \(id(table.name))"])
    return change
  }

  // MARK: - Expand, migrate and contract

  private static let split: Kind = { table, random in
    guard !table.isStrict, let column = free(table).randomElement(using: &random.numbers) else { return nil }
    var change = RoundTripChange("split column \(column.name)", table)
    let (name, source) = (table.quotedName, id(column.name))
    change.fates[column.name] = .lost(isComputed: true)
    change.expand = Ways(
      up: ["ALTER TABLE \(name) ADD COLUMN given TEXT;", "ALTER TABLE \(name) ADD COLUMN family TEXT;"],
      down: ["ALTER TABLE \(name) DROP COLUMN family;", "ALTER TABLE \(name) DROP COLUMN given;"])
    change.migrate = Ways(
      up: ["UPDATE \(name) SET given = substr(\(source), 1, 2), family = substr(\(source), 3);"],
      down: ["UPDATE \(name) SET given = NULL, family = NULL;"])
    change.contract = Ways(
      up: ["ALTER TABLE \(name) DROP COLUMN \(source);"],
      down: [
        "ALTER TABLE \(name) ADD COLUMN \(column.definition);",
        "UPDATE \(name) SET \(source) = given || family;",
      ])
    return change
  }

  private static let merge: Kind = { table, random in
    let columns = free(table).shuffled(using: &random.numbers)
    guard !table.isStrict, columns.count > 2 else { return nil }
    var change = RoundTripChange("merge columns \(columns[0].name) and \(columns[1].name)", table)
    let (name, first, second) = (table.quotedName, id(columns[0].name), id(columns[1].name))
    change.fates[columns[0].name] = .lost(isComputed: true)
    change.fates[columns[1].name] = .lost(isComputed: false)
    change.expand = Ways(
      up: ["ALTER TABLE \(name) ADD COLUMN merged;"], down: ["ALTER TABLE \(name) DROP COLUMN merged;"])
    change.migrate = Ways(
      up: ["UPDATE \(name) SET merged = \(first) || ' ' || \(second);"],
      down: ["UPDATE \(name) SET merged = NULL;"])
    change.contract = Ways(
      up: ["ALTER TABLE \(name) DROP COLUMN \(first);", "ALTER TABLE \(name) DROP COLUMN \(second);"],
      down: [
        "ALTER TABLE \(name) ADD COLUMN \(columns[0].definition);",
        "ALTER TABLE \(name) ADD COLUMN \(columns[1].definition);", "UPDATE \(name) SET \(first) = merged;",
      ])
    return change
  }

  private static let extract: Kind = { table, random in
    guard !table.keyColumns.isEmpty, let column = free(table).randomElement(using: &random.numbers) else {
      return nil
    }
    var change = RoundTripChange("extract column \(column.name)", table)
    let (name, source) = (table.quotedName, id(column.name))
    let extracted = id("extract of \(table.name)")
    let keys = table.keyColumns.joined(separator: ", ")
    let match = table.keyColumns.map { "\(extracted).\($0) IS \(name).\($0)" }.joined(separator: " AND ")
    change.fates[column.name] = .lost(isComputed: true)
    change.expand = Ways(
      up: ["CREATE TABLE \(extracted) (\(keys), value, PRIMARY KEY (\(keys)));"],
      down: ["DROP TABLE \(extracted);"]
    )
    change.migrate = Ways(
      up: ["INSERT INTO \(extracted) SELECT \(keys), \(source) FROM \(name);"],
      down: ["DELETE FROM \(extracted);"])
    change.contract = Ways(
      up: ["ALTER TABLE \(name) DROP COLUMN \(source);"],
      down: [
        "ALTER TABLE \(name) ADD COLUMN \(column.definition);",
        "UPDATE \(name) SET \(source) = (SELECT value FROM \(extracted) WHERE \(match));",
      ])
    return change
  }

  // MARK: - Migrate

  private static let overwrite: Kind = { table, random in
    let columns = table.columns.filter { $0.generated == nil && $0.name != "hits" && $0.name != "ref" }
    guard let column = columns.randomElement(using: &random.numbers) else { return nil }
    let isComputed = random.chance(1, in: 2)
    var change = RoundTripChange("overwrite \(column.name)\(isComputed ? " and back, wrongly" : "")", table)
    let (name, source) = (table.quotedName, id(column.name))
    change.fates[column.name] = .rewritten(as: column.name, isComputed: isComputed)
    let value = table.isStrict ? "NULL" : "upper(\(source)) || '.'"
    change.migrate = Ways(
      up: ["UPDATE \(name) SET \(source) = \(value)\(random.pick(["", " WHERE \(source) IS NOT NULL"]));"],
      down: [isComputed ? "UPDATE \(name) SET \(source) = \(table.isStrict ? "NULL" : "0");" : "SELECT 1;"])
    return change
  }

  private static let deleteRows: Kind = { table, random in
    guard !table.isMentioned, let key = table.identity.first else { return nil }
    var change = RoundTripChange("delete rows", table)
    let keys = (1...6).map { random.key(key, $0) }.joined(separator: ", ")
    change.migrate = Ways(
      up: ["DELETE FROM \(table.quotedName) WHERE \(key) IN (\(keys));"], down: ["SELECT 1;"])
    return change
  }
}
