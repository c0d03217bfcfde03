internal import PhaseSQLite

/// A row whose parent is missing, as `PRAGMA foreign_key_check` lists it (sqlite.org/pragma.html#pragma_foreign_key_check).
struct ForeignKeyViolation: Hashable, Sendable {
  let table: String
  /// Nil in a table without rowid, and for a foreign key that cannot be checked at all.
  let rowID: Int64?
  let parent: String
  /// The number of the foreign key within its table.
  let key: Int64

  var sentence: String {
    guard let rowID else { return "\(table): a row without a parent in \(parent)" }
    return "\(table) rowid \(rowID): no parent in \(parent)"
  }
}

extension Connection {
  /// Every violation of a foreign key in the main database, with how often it is listed.
  func foreignKeyViolations() throws(SQLiteError) -> [ForeignKeyViolation: Int] {
    var violations: [ForeignKeyViolation: Int] = [:]
    var rows = try prepare("PRAGMA main.foreign_key_check")
    do {
      while try rows.step() {
        let violation = ForeignKeyViolation(
          table: rows.text(at: 0), rowID: rows.isNull(at: 1) ? nil : rows.integer(at: 1), parent: rows.text(at: 2),
          key: rows.integer(at: 3))
        violations[violation, default: 0] += 1
      }
    } catch let error where error.message.hasPrefix("foreign key mismatch") {
      // A parent without the key that its child names: SQLite stops at the first such table, so go on one by one.
      return try foreignKeyViolationsTableByTable()
    }
    return violations
  }

  private func foreignKeyViolationsTableByTable() throws(SQLiteError) -> [ForeignKeyViolation: Int] {
    var violations: [ForeignKeyViolation: Int] = [:]
    for row in try rows("SELECT name FROM main.sqlite_schema WHERE type = 'table'") {
      let table = row[0].text ?? ""
      do {
        for row in try rows("SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?1)", .text(table)) {
          let violation = ForeignKeyViolation(
            table: table, rowID: row[0].integer, parent: row[1].text ?? "", key: row[2].integer ?? 0)
          violations[violation, default: 0] += 1
        }
      } catch let error where error.message.hasPrefix("foreign key mismatch") {
        violations[ForeignKeyViolation(table: table, rowID: nil, parent: error.message, key: -1)] = 1
      }
    }
    return violations
  }
}
