internal import PhaseSQL
internal import PhaseSQLite

/// A row whose parent is missing, as `PRAGMA foreign_key_check` lists it (sqlite.org/pragma.html#pragma_foreign_key_check).
struct ForeignKeyViolation: Hashable, Sendable {
  let table: String
  /// Nil in a table without rowid, and for a foreign key that cannot be checked at all.
  let rowID: Int64?
  /// The parent's table; what SQLite says when the foreign key cannot be checked.
  let parent: String
  /// The number of the foreign key within its table, -1 when it cannot be checked.
  let key: Int64

  var sentence: Prose {
    guard key >= 0 else { return "\(table): \(parent)" }
    guard let rowID else { return "\(table): a row without a parent in \(parent)" }
    return "\(table) rowid \(rowID): no parent in \(parent)"
  }
}

/// A foreign key as SQLite counts it within its table (sqlite.org/pragma.html#pragma_foreign_key_list).
struct CountedForeignKey {
  let parent: String
  let columns: [String]
  /// Empty when they are unknown.
  let parentColumns: [String]

  init(_ number: Int64, of table: String, on connection: Connection) throws(SQLiteError) {
    let parts = try connection.rows(
      "SELECT \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) WHERE id = ?2 ORDER BY seq",
      .text(table), .integer(number))
    parent = parts.first?[0].text ?? ""
    columns = parts.map { $0[1].text ?? "" }
    var parentColumns = parts.compactMap { $0[2].text }
    if parentColumns.count != parts.count {
      // Without names, the foreign key refers to the parent's primary key (sqlite.org/foreignkeys.html#fk_parents).
      parentColumns = try Table.columns(of: SchemaName(parent), on: connection).keyColumns.map(\.name.spelled)
    }
    self.parentColumns = parentColumns.count == parts.count ? parentColumns : []
  }
}

extension ForeignKeyViolation {
  /// The values of the violating children in the columns of their foreign keys, as text, and how often each occurs. They
  /// identify rows whatever the names of their tables and their rowids are.
  static func orphans(
    _ violations: [ForeignKeyViolation: Int], on connection: Connection
  ) throws(SQLiteError) -> [String: Int] {
    var orphans: [String: Int] = [:]
    for (key, group) in Dictionary(grouping: violations.keys, by: { [$0.table, "\($0.key)"] }) {
      let columns = try CountedForeignKey(group[0].key, of: key[0], on: connection).columns.map(
        SQLText.identifier)
      guard let first = group.first(where: { $0.rowID != nil }), first.key >= 0, !columns.isEmpty else {
        // Rows without a rowid, and foreign keys that cannot be checked, can only be counted.
        let count = group.reduce(0) { $0 + (violations[$1] ?? 0) }
        orphans[group[0].parent, default: 0] += count
        continue
      }
      var row = try connection.prepare(
        "SELECT \(columns.joined(separator: ", ")) FROM main.\(SQLText.identifier(key[0])) WHERE rowid = ?1",
        reused: true)
      for violation in group {
        try row.bind(violation.rowID.map(Value.integer) ?? .null, at: 1)
        if try row.step() { orphans["\(columns.indices.map { row.value(at: $0) })", default: 0] += 1 }
        row.reset()
      }
    }
    return orphans
  }

  /// Violations of foreign keys in the main database, with how often each is listed.
  ///
  /// - Parameter tables: the child tables to look at; nil for all.
  static func all(
    in tables: [String]? = nil, on connection: Connection
  ) throws(SQLiteError) -> [ForeignKeyViolation: Int] {
    var violations: [ForeignKeyViolation: Int] = [:]
    let all =
      tables == nil ? try connection.rows("SELECT name FROM main.sqlite_schema WHERE type = 'table'") : []
    for table in tables ?? all.map({ $0[0].text ?? "" })
    where Schema.reasonToLeaveOut(table.folded, connection.ignoredTables) == nil {
      do throws(SQLiteError) {
        // The pragma runs for one table at a time, because it fails when a parent lacks the key that its child names.
        var rows = try connection.prepare("SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?1)")
        try rows.bind([.text(table)])
        while try rows.step() {
          let violation = ForeignKeyViolation(
            table: table, rowID: rows.isNull(at: 0) ? nil : rows.integer(at: 0), parent: rows.text(at: 1),
            key: rows.integer(at: 2))
          violations[violation, default: 0] += 1
        }
      } catch {
        guard error.message.hasPrefix("foreign key mismatch") else { throw error }
        violations[ForeignKeyViolation(table: table, rowID: nil, parent: error.message, key: -1)] = 1
      }
    }
    return violations
  }
}
