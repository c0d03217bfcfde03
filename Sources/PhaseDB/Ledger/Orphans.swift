internal import PhaseSQL
internal import PhaseSQLite

/// Rows whose foreign key has no parent, grouped by the missing key.
///
/// They are grouped by key, because VACUUM or a rebuild may give rows other rowids.
struct Orphans: Hashable, Sendable {
  /// A foreign key, and the missing parent.
  struct Key: Hashable, Sendable {
    let table: String
    /// Empty for a foreign key that cannot be checked; `parent` then holds SQLite's message.
    let columns: [String]
    let parent: String
    /// In the order of the columns. Empty when too many different keys are missing to be listed.
    let parentColumns: [String]
    /// As SQL, in the order of the columns. Empty when too many different keys are missing to be listed.
    let values: [String]

    var foreignKey: Key {
      Key(table: table, columns: columns, parent: parent, parentColumns: parentColumns, values: [])
    }
  }

  private(set) var rows: [Key: Int] = [:]

  var isEmpty: Bool { rows.isEmpty }
  var count: Int { rows.values.reduce(0, +) }

  /// The most missing keys that are listed for one foreign key. If there are more, only their rows are counted.
  static let limit = 1_000

  /// The rows that others do not have, or of which there are more here.
  func beyond(_ others: Orphans) -> Orphans {
    var new = Orphans()
    for (key, count) in rows {
      var known = others.rows[key] ?? 0
      if key.values.isEmpty, known == 0 {
        known = others.rows.filter { $0.key.foreignKey == key }.values.reduce(0, +)
      }
      if count > known { new.rows[key] = count - known }
    }
    // For a key that was only counted, it is known how many rows there may be, and not which.
    for (key, limit) in others.rows where key.values.isEmpty && !key.columns.isEmpty {
      let now = rows.filter { $0.key.foreignKey == key }
      new.rows = new.rows.filter { $0.key.foreignKey != key }
      let count = now.values.reduce(0, +)
      if count > limit { new.rows[key] = count - limit }
    }
    return new
  }

  /// The rows that others also have.
  func known(to others: Orphans) -> Orphans {
    let new = beyond(others)
    var known = Orphans()
    for (key, count) in rows {
      let left = count - (new.rows[key] ?? 0)
      if left > 0, new.rows[key.foreignKey] == nil || key.values.isEmpty { known.rows[key] = left }
    }
    return known
  }

  func of(tables: Set<SchemaName>) -> Orphans {
    var some = Orphans()
    some.rows = rows.filter { tables.contains(SchemaName($0.key.table)) }
    return some
  }

  var tables: [String] { Set(rows.keys.map(\.table)).sorted() }

  func merging(_ other: Orphans) -> Orphans {
    var all = self
    all.rows.merge(other.rows) { max($0, $1) }
    return all
  }

  /// One line for each key: `orders: 2 rows with customer = 99 have no parent in customers`.
  var lines: [Prose] {
    DetailLines.first(
      rows.map { key, count in
        guard !key.columns.isEmpty else { return "\(key.table): \(key.parent)" }
        let have = count == 1 ? "has" : "have"
        let values = zip(key.columns, key.values).map { "\($0) = \($1)" }.joined(separator: ", ")
        let with = values.isEmpty ? "" : " with \(values)"
        return "\(key.table): \(DetailLines.rows(count))\(with) \(have) no parent in \(key.parent)"
      }.sorted())
  }

  /// SQL that removes the rows, one statement for each foreign key.
  var remedies: [Prose] {
    let byKey = Dictionary(grouping: rows.keys.filter { !$0.columns.isEmpty }, by: \.foreignKey)
    return byKey.sorted { ($0.key.table, $0.key.columns.joined()) < ($1.key.table, $1.key.columns.joined()) }
      .compactMap { key, missing in
        key.condition(missing.map(\.values)).map { "DELETE FROM \(SQLName(key.table)) AS child WHERE \($0);" }
      }
  }
}

extension Orphans.Key {
  /// The condition for these rows of the table `child`: by their missing keys, or, if these are too many, all rows
  /// without a parent. Nil when it is unknown which column of the parent is meant.
  fileprivate func condition(_ missing: [[String]]) -> String? {
    let names = columns.map { "child.\(SQLName($0))" }
    if missing.count <= DetailLines.limit, missing.allSatisfy({ !$0.isEmpty }) {
      let values = missing.map { $0.count == 1 ? $0[0] : "(\($0.joined(separator: ", ")))" }.sorted()
      return names.count == 1
        ? "\(names[0]) IN (\(values.joined(separator: ", ")))"
        : "(\(names.joined(separator: ", "))) IN (VALUES \(values.joined(separator: ", ")))"
    }
    guard !parentColumns.isEmpty else { return nil }
    let pairs = zip(parentColumns, names).map { "parent.\(SQLName($0)) = \($1)" }
    return names.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
      + " AND NOT EXISTS (SELECT 1 FROM \(SQLName(parent)) AS parent WHERE \(pairs.joined(separator: " AND ")))"
  }
}

// MARK: - Finding them

extension Orphans {
  /// - Parameter connection: every foreign key of its main database is checked.
  init(of connection: Connection) throws(SQLiteError) {
    // No other table has a foreign key.
    let children =
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND instr(lower(sql), 'references') > 0"
    for table in try connection.rows(children) {
      let table = table[0].text ?? ""
      guard Schema.reasonToLeaveOut(table.folded, connection.ignoredTables) == nil else { continue }
      do throws(SQLiteError) {
        // SQLite counts them, because there may be more than fit into memory.
        let found = try connection.rows(
          "SELECT fkid, count(*) FROM pragma_foreign_key_check(?1) GROUP BY fkid", .text(table))
        for part in found {
          let key = Found(table: table, key: part[0].integer ?? 0)
          rows.merge(try key.rows(Int(part[1].integer ?? 0), on: connection)) { $0 + $1 }
        }
      } catch {
        guard error.message.hasPrefix("foreign key mismatch") else { throw error }
        rows[Key(table: table, columns: [], parent: error.message, parentColumns: [], values: [])] = 1
      }
    }
  }

  /// A foreign key that is violated, by its number within its table.
  private struct Found {
    let table: String
    let key: Int64

    func rows(_ count: Int, on connection: Connection) throws(SQLiteError) -> [Key: Int] {
      let found = try CountedForeignKey(key, of: table, on: connection)
      let (columns, parent, parentColumns) = (found.columns, found.parent, found.parentColumns)
      let whole = Key(
        table: table, columns: columns, parent: parent, parentColumns: parentColumns, values: [])
      guard let rowID = try Table(SchemaName(table), on: connection)?.anyRowIDName else {
        return [whole: count]
      }
      let names = columns.map { "child.\(SQLText.identifier($0))" }
      let groups = try connection.rows(
        """
        SELECT \(names.joined(separator: ", ")), count(*)
        FROM pragma_foreign_key_check(?1) AS found JOIN main.\(SQLText.identifier(table)) AS child ON child.\(rowID) = found.rowid
        WHERE found.fkid = ?2 GROUP BY \(names.joined(separator: ", ")) LIMIT \(Orphans.limit + 1)
        """, .text(table), .integer(key))
      guard groups.count <= Orphans.limit else { return [whole: count] }
      return Dictionary(
        groups.map { group in
          (
            Key(
              table: table, columns: columns, parent: parent, parentColumns: parentColumns,
              values: columns.indices.map { group[$0].description }),
            Int(group[columns.count].integer ?? 0)
          )
        }, uniquingKeysWith: +)
    }
  }
}

// MARK: - In the ledger

/// The rows without a parent that the ledger knows.
struct KnownOrphans {
  /// The rows that had no parent when the ledger began; nil in a ledger that is older than this record.
  var before: Orphans?
  /// The rows that an operator accepted since.
  var accepted = Orphans()
}

/// The ledger's record of rows without a parent: a row of `phasedb_meta`.
struct OrphanRecord: LedgerTable {
  let ledger: Ledger

  private static let key = "orphans"

  /// Reads the record.
  func known() throws(MigrationError) -> KnownOrphans {
    let text = try lifting("reading the ledger") { () in
      try connection.value("SELECT value FROM phasedb_meta WHERE key = ?1", .text(Self.key))?.text
    }
    guard let text else { return KnownOrphans() }
    guard let known = EvidenceJSON.read(OrphansJSON.self, from: text) else {
      throw Ledger.damaged("what phasedb_meta says of rows without a parent cannot be read")
    }
    return KnownOrphans(before: known.before.map(Orphans.init), accepted: Orphans(known.accepted))
  }

  /// Records them. Call it inside a transaction.
  func record(_ known: KnownOrphans) throws {
    let text = try EvidenceJSON.text(
      OrphansJSON(before: known.before?.json, accepted: known.accepted.json))
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_meta VALUES (?1, ?2)", .text(Self.key), .text(text))
  }
}

/// Rows without a parent in the JSON of the ledger.
private struct OrphansJSON: Codable {
  let before: [Item]?
  let accepted: [Item]

  struct Item: Codable {
    let table: String
    let columns: [String]
    let parent: String
    let parentColumns: [String]
    let values: [String]
    let rows: Int
  }
}

extension Orphans {
  fileprivate init(_ items: [OrphansJSON.Item]) {
    for item in items {
      let key = Key(
        table: item.table, columns: item.columns, parent: item.parent, parentColumns: item.parentColumns,
        values: item.values)
      rows[key] = item.rows
    }
  }

  fileprivate var json: [OrphansJSON.Item] {
    rows.sorted { ($0.key.table, $0.key.values.joined()) < ($1.key.table, $1.key.values.joined()) }.map {
      key, rows in
      OrphansJSON.Item(
        table: key.table, columns: key.columns, parent: key.parent, parentColumns: key.parentColumns,
        values: key.values, rows: rows)
    }
  }
}
