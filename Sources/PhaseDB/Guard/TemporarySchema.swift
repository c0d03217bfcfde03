internal import PhaseSQL
internal import PhaseSQLite

/// The TEMP schema of a connection. Its objects hide those of `main` from statements that do not name a schema
/// (sqlite.org/lang_naming.html).
struct TemporarySchema: Equatable {
  /// As in `trigger refresh`, without the SQL, because ALTER TABLE rewrites SQL that names what it renames.
  let titles: Set<String>

  /// Reads the TEMP schema, without phasedb's own objects.
  init(of connection: Connection) throws(SQLiteError) {
    titles = Set(
      try connection.rows("SELECT type, name FROM sqlite_temp_schema").compactMap { row in
        guard let type = row[0].text, let name = row[1].text, !Self.isOwn(name) else { return nil }
        return "\(type) \(name)"
      })
  }

  /// Objects that were added or removed since, by title; empty when none was.
  func changes(since before: TemporarySchema) -> [String] {
    titles.symmetricDifference(before.titles).sorted()
  }

  /// Every object that phasedb has not made there.
  static func objects(of connection: Connection) throws(SQLiteError) -> [SchemaObject] {
    try connection.rows("SELECT type, name, tbl_name, sql FROM sqlite_temp_schema WHERE sql IS NOT NULL")
      .compactMap { row in
        guard let type = row[0].text, let name = row[1].text, let table = row[2].text, let sql = row[3].text,
          !isOwn(name)
        else { return nil }
        return SchemaObject(type: type, name: name, table: table, sql: sql)
      }
  }

  /// Whether phasedb makes an object of that name, for as long as it needs it.
  static func isOwn(_ name: String) -> Bool {
    let name = name.folded
    if ownNames.contains(name) || name.hasPrefix("phasedb_touched_") { return true }
    return ownNumbered.contains { prefix in
      let rest = name.text.utf8.dropFirst(prefix.utf8.count)
      return name.hasPrefix(prefix) && !rest.isEmpty
        && rest.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
  }

  private static let ownNames: Set<FoldedName> = [
    "phasedb_batch_before", "phasedb_batch_aside", "phasedb_batch_differing",
    "phasedb_moved", "phasedb_moved_from", "phasedb_moved_to", "phasedb_moved_rows", "phasedb_stage",
    "phasedb_trip_rows",
  ]

  /// Prefixes that are followed by a number.
  private static let ownNumbered = [
    "phasedb_before_", "phasedb_present_", "phasedb_changed_", "phasedb_left_", "phasedb_trip_",
  ]

  /// Whether an action of a phase's SQL makes, changes or uses something in it.
  ///
  /// When SQLite compiles `CREATE TRIGGER temp.x`, only the insert into the TEMP schema's own table shows that it is
  /// TEMP.
  ///
  /// - Parameter isAltering: whether the statement alters a table of `main`; SQLite then reads and rewrites the SQL of
  ///   TEMP objects.
  static func isTouched(by action: AuthorizedAction, isAltering: Bool) -> Bool {
    if action.code == .alterTable { return action.first == "temp" }
    guard action.database == "temp" else { return false }
    if let origin = action.origin, isOwn(origin) { return false }
    let isSchemaTable = ["sqlite_temp_master", "sqlite_temp_schema"].contains(action.first)
    switch action.code {
    case .pragma, .select, .analyze: return false
    case .read: return !isSchemaTable
    case .update: return !(isSchemaTable && isAltering)
    default: return true
    }
  }
}
