import TestDice

/// A table of a drawn database.
struct DrawnTable {
  enum Key {
    case integer, autoincrement, text, textNotNull, textWithoutRowID, pair, none
    /// Less usual ones, which only wild cases have.
    case pairWithoutRowID, textNoCase, real, blob, any, pairOfNulls

    static let usual: [Key] = [
      .integer, .autoincrement, .text, .textNotNull, .textWithoutRowID, .pair, .none,
    ]
    static let unusual: [Key] = [.pairWithoutRowID, .textNoCase, .real, .blob, .any, .pairOfNulls]

    var hasRowID: Bool { self != .textWithoutRowID && self != .pairWithoutRowID }
  }

  struct Column {
    let name: String
    let type: String
    /// What follows the type: a default, a collation, a constraint.
    let rest: String

    var definition: String {
      ([Shell.name(name), type, rest].filter { !$0.isEmpty }).joined(separator: " ")
    }
  }

  var name: String
  let key: Key
  var columns: [Column]
  /// Indexes and triggers, made again when the table is.
  var attachments: [String] = []
  /// What else it has; nil for a plain one.
  var ornament: Ornament?
  /// Whether SQL about it goes by chance, the clock or the order of rows as often as it is sensible.
  let isChancy: Bool

  /// - Parameter key: what tells its rows apart; nil draws a usual one.
  init(_ name: String, isChancy: Bool, key unusual: Key? = nil, _ dice: inout Dice) {
    self.name = name
    self.isChancy = isChancy
    let usual = dice.pick(Key.usual)
    key = unusual ?? usual
    var columns: [Column] = []
    for name in ["a", "b", "c", "Mixed d"].prefix(2 + dice.below(3)) {
      let type = dice.pick(["", "TEXT", "TEXT", "INTEGER", "REAL"])
      let rest =
        type == "TEXT" && dice.falls(20)
        ? "COLLATE NOCASE"
        : isChancy && dice.falls(25)
          ? Chance.columnDefault(&dice) : dice.pick(["", "", "", "DEFAULT 7", "DEFAULT 'x'"])
      columns.append(Column(name: name, type: type, rest: rest))
    }
    self.columns = columns
    if dice.falls(15) {
      let column = dice.pick(columns)
      attachments.append(
        "CREATE INDEX \(Shell.name("\(name) by \(column.name)")) ON \(quoted) (\(Shell.name(column.name)));")
    }
    if dice.falls(12) {
      let column = dice.pick(columns)
      attachments.append(
        "CREATE TRIGGER \(Shell.name("\(name) audit")) AFTER UPDATE OF \(Shell.name(column.name)) ON \(quoted) BEGIN INSERT INTO audit (what) VALUES (old.\(Shell.name(column.name))); END;"
      )
    }
    if isChancy, dice.falls(15) { attachments.append(Chance.trigger(self, &dice)) }
  }

  var quoted: String { Shell.name(name) }

  /// What tells its rows apart in one word.
  var rowName: String { key.hasRowID ? "rowid" : "code" }

  var keys: [String] {
    switch key {
    case .integer, .autoincrement: ["id"]
    case .text, .textNotNull, .textWithoutRowID, .textNoCase, .real, .blob, .any: ["code"]
    case .pair, .pairWithoutRowID, .pairOfNulls: ["code", "no"]
    case .none: []
    }
  }

  func sql(named other: String? = nil) -> String {
    var parts: [String] = []
    switch key {
    case .integer: parts.append("id INTEGER PRIMARY KEY")
    case .autoincrement: parts.append("id INTEGER PRIMARY KEY AUTOINCREMENT")
    case .text: parts.append("code TEXT PRIMARY KEY")
    case .textNotNull, .textWithoutRowID: parts.append("code TEXT NOT NULL PRIMARY KEY")
    case .pair, .pairWithoutRowID: parts += ["code TEXT NOT NULL", "no INTEGER NOT NULL"]
    case .pairOfNulls: parts += ["code TEXT", "no INTEGER"]
    case .textNoCase: parts.append("code TEXT COLLATE NOCASE PRIMARY KEY")
    case .real: parts.append("code REAL PRIMARY KEY")
    case .blob: parts.append("code BLOB NOT NULL PRIMARY KEY")
    case .any: parts.append("code PRIMARY KEY")
    case .none: break
    }
    parts += columns.map(\.definition)
    // Columns stand before constraints.
    parts += (ornament?.definitions ?? []).sorted { $0.hasPrefix("\"") && !$1.hasPrefix("\"") }
    if keys.count == 2 { parts.append("PRIMARY KEY (code, no)") }
    return
      "CREATE TABLE \(Shell.name(other ?? name)) (\(parts.joined(separator: ", ")))\(key.hasRowID ? "" : " WITHOUT ROWID");"
  }

  /// The documented way to give a table another definition (sqlite.org/lang_altertable.html#otheralter).
  ///
  /// - Parameters:
  ///   - reading: what to read in place of a column.
  ///   - tail: what follows the table, as a condition that leaves rows out.
  func rebuilt(as new: DrawnTable, reading: [String: String] = [:], tail: String = "") -> [String] {
    let rowid = keys.isEmpty ? ["rowid"] : []
    let own = Set(columns.map(\.name))
    // A default is not given where NULL is.
    let given = new.columns.filter {
      reading[$0.name] != nil || own.contains($0.name) || !Chance.isIn($0.rest)
    }
    let targets = rowid + new.keys + given.map { Shell.name($0.name) }
    let sources =
      rowid + new.keys
      + given.map { reading[$0.name] ?? (own.contains($0.name) ? Shell.name($0.name) : "NULL") }
    return [
      new.sql(named: "rebuilt"),
      "INSERT INTO rebuilt (\(targets.joined(separator: ", "))) SELECT \(sources.joined(separator: ", ")) FROM \(quoted)\(tail);",
      "DROP TABLE \(quoted);", "ALTER TABLE rebuilt RENAME TO \(quoted);",
    ] + new.attachments + (new.ornament?.attachments ?? [])
  }

  /// The values of its key under a number, as SQL.
  func keyValues(_ number: Int) -> [String] {
    switch key {
    case .integer, .autoincrement: ["\(number)"]
    case .text where number % 7 == 3: ["NULL"]
    case .text, .textNotNull, .textWithoutRowID: ["'k\(number)'"]
    case .pair, .pairWithoutRowID: ["'k\(number / 2)'", "\(number % 2)"]
    case .pairOfNulls:
      [number % 5 == 3 ? "NULL" : "'k\(number / 2)'", number % 7 == 4 ? "NULL" : "\(number % 2)"]
    case .textNoCase: [number % 2 == 0 ? "'K\(number)'" : "'k\(number)'"]
    case .real: [number % 2 == 0 ? "\(number).0" : "\(number).5"]
    case .blob: ["x'00\(number + 1000)ff'"]
    case .any: [["\(number)", "'\(number)'", "\(number).5", "x'\(number + 1000)'"][number % 4]]
    case .none: []
    }
  }

  /// A new row under a key with a number, or under one that SQLite gives.
  func insert(_ number: Int?, _ dice: inout Dice, _ verb: String = "INSERT") -> String {
    let names = (number == nil ? [] : keys) + columns.map { Shell.name($0.name) }
    let values = (number.map(keyValues) ?? []) + columns.map { _ in DrawnSQL.value(&dice) }
    return
      "\(verb) INTO \(quoted) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")));"
  }
}
