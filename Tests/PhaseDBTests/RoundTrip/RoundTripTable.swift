import PhaseSQL
import PhaseSQLite

/// A table that a round trip is tried on: how its rows are known, and what they hold.
struct RoundTripTable {
  enum Key: CaseIterable {
    case integer, autoincrement, text, composite, textWithoutRowID, compositeWithoutRowID, none
  }

  struct Column {
    let name: String
    var type: String
    /// What follows the type: a default, NOT NULL, a collation.
    var clauses = ""
    /// The expression of a generated column.
    var generated: String?
    var isStored = false

    var definition: String {
      let generation = generated.map { " AS (\($0)) \(isStored ? "STORED" : "VIRTUAL")" } ?? ""
      return SQLText.identifier(name) + (type.isEmpty ? "" : " \(type)") + clauses + generation
    }
  }

  var name: String
  let key: Key
  var columns: [Column]
  let isStrict: Bool
  /// A foreign key's column and the table whose integer key it names.
  var reference: (column: String, parent: String)?
  /// CREATE INDEX and CREATE TRIGGER statements that belong to it.
  var attachments: [String] = []
  /// Columns that its attachments or other tables use.
  var usedColumns: Set<String> = []
  /// True when another table's foreign key or trigger mentions it.
  var isMentioned = false

  /// Rows that have no key cannot be followed into another table: they come back only while nobody writes any of them.
  var canBeRebuilt: Bool { !isMentioned && key != .none }

  var keyColumns: [String] {
    switch key {
    case .integer, .autoincrement: ["id"]
    case .text, .textWithoutRowID: ["code"]
    case .composite, .compositeWithoutRowID: ["code", "no"]
    case .none: []
    }
  }

  /// What tells one row from another.
  var identity: [String] { keyColumns.isEmpty ? ["rowid"] : keyColumns }

  var quotedName: String { SQLText.identifier(name) }

  /// Columns that can be written, in the table's order.
  var written: [String] { keyColumns + columns.filter { $0.generated == nil }.map(\.name) }

  /// The table's CREATE statement, under another name when it is about to be rebuilt.
  func sql(named other: String? = nil) -> String {
    var parts: [String] = []
    switch key {
    case .integer: parts.append("id INTEGER PRIMARY KEY")
    case .autoincrement: parts.append("id INTEGER PRIMARY KEY AUTOINCREMENT")
    case .text: parts.append("code TEXT PRIMARY KEY")
    case .textWithoutRowID: parts.append("code TEXT NOT NULL PRIMARY KEY")
    case .composite, .compositeWithoutRowID: parts += ["code TEXT NOT NULL", "no INTEGER NOT NULL"]
    case .none: break
    }
    parts += columns.map { column in
      let isReference = reference?.column == column.name
      return column.definition
        + (isReference
          ? " REFERENCES \(SQLText.identifier(reference?.parent ?? "")) (id) ON DELETE SET NULL" : "")
    }
    if key == .composite || key == .compositeWithoutRowID { parts.append("PRIMARY KEY (code, no)") }
    let isWithoutRowID = key == .textWithoutRowID || key == .compositeWithoutRowID
    let options = [isStrict ? "STRICT" : nil, isWithoutRowID ? "WITHOUT ROWID" : nil].compactMap { $0 }
    return
      "CREATE TABLE \(SQLText.identifier(other ?? name)) (\(parts.joined(separator: ", "))) \(options.joined(separator: ", "));"
  }

  /// The documented way to give a table another definition: a new one, the rows, the name
  /// (sqlite.org/lang_altertable.html#otheralter).
  ///
  /// - Parameter reading: what to read in place of a column.
  func rebuilt(as new: RoundTripTable, reading: [String: String] = [:]) -> [String] {
    let rowid = keyColumns.isEmpty ? ["rowid"] : []
    let targets = rowid + new.written.map { SQLText.identifier($0) }
    let sources = rowid + new.written.map { reading[$0] ?? SQLText.identifier($0) }
    return [
      new.sql(named: "rebuilt"),
      "INSERT INTO rebuilt (\(targets.joined(separator: ", "))) SELECT \(sources.joined(separator: ", ")) FROM \(quotedName);",
      "DROP TABLE \(quotedName);", "ALTER TABLE rebuilt RENAME TO \(quotedName);",
    ] + new.attachments
  }
}
