internal import PhaseSQL
internal import PhaseSQLite

/// What a connection has in its TEMP schema, which hides the objects of `main` from every statement that does not say
/// where its names are (sqlite.org/lang_naming.html).
struct TemporarySchema: Equatable {
  /// As in `trigger refresh`. Texts are left out: ALTER TABLE rewrites those that name what it renames.
  let titles: Set<String>

  /// Without what phasedb itself has made there.
  init(of connection: Connection) throws(SQLiteError) {
    titles = Set(
      try connection.rows("SELECT type, name FROM sqlite_temp_schema").compactMap { row in
        guard let type = row[0].text, let name = row[1].text, !Self.isOwn(name) else { return nil }
        return "\(type) \(name)"
      })
  }

  /// What came or went since, first title first; empty when nothing did.
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

  /// What stands before a number.
  private static let ownNumbered = [
    "phasedb_before_", "phasedb_present_", "phasedb_aside_", "phasedb_left_", "phasedb_trip_",
  ]

  /// Whether an action of a phase's SQL makes, changes or uses something in it.
  ///
  /// SQLite does not say TEMP when it compiles `CREATE TRIGGER temp.x`: only the insert into the TEMP schema's own table
  /// shows it.
  ///
  /// - Parameter isAltering: whether the statement alters a table of `main`, for which SQLite looks through the texts of
  ///   TEMP objects and rewrites them.
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
