internal import PhaseSQL
internal import PhaseSQLite

/// Lists the archived rows whose rows in the table have changed since the other transition: as a whole, and in each
/// tracked column.
struct ChangedRows {
  /// A TEMP table with the key of an archived row, `c0` for the whole row, and a mark for each tracked column.
  let name: String
  private let content: ArchiveContent
  private let archive: ArchiveTable
  private let marks: [String]

  /// Makes the table where it is missing, and empties it.
  init(
    named name: String, of content: ArchiveContent, in archive: ArchiveTable, on connection: Connection
  ) throws(SQLiteError) {
    (self.name, self.content, self.archive) = (name, content, archive)
    marks = ["c0"] + archive.marks.compactMap(\.self)
    let keys = archive.keys.joined(separator: ", ")
    try connection.execute(
      "CREATE TEMP TABLE IF NOT EXISTS \(name) (\(keys), \(marks.joined(separator: ", ")), PRIMARY KEY (\(keys))) WITHOUT ROWID"
    )
    try connection.execute("DELETE FROM temp.\(name)")
  }

  /// - Parameters:
  ///   - isOther: SQL that tells whether the rest of a row has changed.
  ///   - table: where the rows are now.
  ///   - source: FROM and WHERE of a SELECT, in which `a` is a row of the archive and `n` that of the table.
  /// - Returns: whether there are any.
  func list(
    _ isOther: String, in table: Table, _ source: String, _ values: [Value] = [], on connection: Connection
  ) throws(SQLiteError) -> Bool {
    let stored = Set(table.stored.map(\.name))
    let tracked = zip(content.columns, archive.marks).compactMap { column, mark -> String? in
      guard let mark, let after = column.after.map({ SchemaName($0) }) else { return nil }
      guard stored.contains(after) else { return "1 AS \(mark)" }
      return
        "a.gone OR \(ArchivePlan.valueFunction)(n.\(SQLText.identifier(after.spelled))) IS NOT a.\(mark) AS \(mark)"
    }
    let query = archive.keys.map { "a.\($0)" } + ["a.gone OR \(isOther) AS c0"] + tracked
    // The LIMIT keeps SQLite from computing a hash twice (sqlite.org/optoverview.html#subquery_flattening).
    var insertion = try connection.prepare(
      """
      INSERT OR IGNORE INTO temp.\(name) SELECT * FROM (SELECT \(query.joined(separator: ", ")) \(source) LIMIT -1)
      WHERE \(marks.joined(separator: " OR "))
      """)
    try insertion.bind(values)
    while try insertion.step() {}
    return connection.changes > 0
  }
}
