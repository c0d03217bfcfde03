import TestDice

/// What a table of a drawn database has beside columns and a key: constraints, generated columns, references, indexes and
/// triggers, which make rows fail, follow one another or lie elsewhere.
struct Ornament {
  /// Inside of CREATE TABLE, after the columns.
  var definitions: [String] = []
  /// Indexes and triggers, made again when the table is.
  var attachments: [String] = []
  /// A full-text index that its triggers keep.
  var indexOfWords: String?
  /// Made once, before the attachments.
  var script: [String] = []

  private static let generated = "made "

  static func isGenerated(_ column: String) -> Bool { column.hasPrefix(generated) }

  /// Whether it speaks of a column, so that the column cannot go alone.
  func mentions(_ column: DrawnTable.Column) -> Bool {
    (definitions + attachments + script).contains { $0.contains(Shell.name(column.name)) }
  }

  /// - Parameter others: the other tables, to which it may refer.
  init(of table: DrawnTable, beside others: [DrawnTable], _ luck: inout Dice) {
    for number in 0...luck.below(2) {
      let column = luck.pick(table.columns)
      let name = Shell.name(column.name)
      switch luck.below(12) {
      case 0:
        definitions.append(
          "\(Shell.name("\(Self.generated)\(number)")) TEXT AS (upper(\(name))) \(luck.pick(["VIRTUAL", "STORED"]))"
        )
      case 1:
        definitions.append(
          "CHECK (\(name) \(luck.pick(["IS NOT 'precious'", "<> 'x'", "IS NOT 0", "IS NOT NULL OR 1"])))")
      case 2:
        // SQLite takes no two with other clauses.
        let unique = "UNIQUE (\(name))"
        let clause = luck.pick(["", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE"])
        if !definitions.contains(where: { $0.hasPrefix(unique) }) { definitions.append(unique + clause) }
      case 3, 4:
        guard let other = others.isEmpty ? nil : luck.pick(others), other.keys.count == 1 else { continue }
        let act = luck.pick(["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE"])
        definitions.append("FOREIGN KEY (\(name)) REFERENCES \(other.quoted) (\(other.keys[0]))\(act)")
      case 5:
        attachments.append(
          "CREATE UNIQUE INDEX \(Shell.name("\(table.name) one \(number)")) ON \(table.quoted) (\(name)) WHERE \(name) > 0;"
        )
      case 6:
        attachments.append(
          "CREATE INDEX \(Shell.name("\(table.name) low \(number)")) ON \(table.quoted) (lower(\(name)), \(name) DESC);"
        )
      case 7, 8:
        guard let other = others.isEmpty ? nil : luck.pick(others) else { continue }
        let target = Shell.name(luck.pick(other.columns).name)
        attachments.append(
          "CREATE TRIGGER \(Shell.name("\(table.name) to \(other.name) \(number)")) AFTER UPDATE OF \(name) ON \(table.quoted) BEGIN UPDATE \(other.quoted) SET \(target) = new.\(name) WHERE \(target) IS old.\(name); END;"
        )
      case 9:
        attachments.append(
          "CREATE TRIGGER \(Shell.name("\(table.name) count \(number)")) AFTER \(luck.pick(["INSERT", "DELETE"])) ON \(table.quoted) BEGIN INSERT OR REPLACE INTO audit (id, what) SELECT 1, count(*) FROM \(table.quoted); END;"
        )
      case 10:
        attachments.append(
          "CREATE TRIGGER \(Shell.name("\(table.name) guard \(number)")) BEFORE \(luck.pick(["INSERT", "DELETE", "UPDATE"])) ON \(table.quoted) WHEN (SELECT count(*) FROM \(table.quoted)) > 3 BEGIN SELECT RAISE(\(luck.pick(["IGNORE", "ABORT, 'no'", "ROLLBACK, 'no'"]))); END;"
        )
      default: addIndexOfWords(table, name)
      }
    }
  }

  /// A full-text index that triggers keep (sqlite.org/fts5.html#external_content_tables).
  private mutating func addIndexOfWords(_ table: DrawnTable, _ column: String) {
    guard table.key.hasRowID, indexOfWords == nil else { return }
    let (words, source) = ("\(table.name)_words", table.quoted)
    indexOfWords = words
    script = [
      "CREATE VIRTUAL TABLE \(words) USING fts5(\(column), content=\(source), content_rowid=rowid);",
      "INSERT INTO \(words) (\(words)) VALUES ('rebuild');",
    ]
    let out = "INSERT INTO \(words) (\(words), rowid, \(column)) VALUES ('delete', old.rowid, old.\(column));"
    let into = "INSERT INTO \(words) (rowid, \(column)) VALUES (new.rowid, new.\(column));"
    for (event, acts) in [("INSERT", into), ("DELETE", out), ("UPDATE", out + " " + into)] {
      attachments.append(
        "CREATE TRIGGER \(Shell.name("\(words) \(event.lowercased())")) AFTER \(event) ON \(source) BEGIN \(acts) END;"
      )
    }
  }
}
