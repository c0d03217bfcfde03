internal import PhaseSQL
internal import PhaseSQLite

/// The keys of rows that are in the archives of a phase.
struct ArchivedKeys {
  private struct Keys: Equatable {
    var all: Set<String> = []
    /// Keys of rows that the way up removed.
    var gone: Set<String> = []
    /// Keys of rows that changed since then.
    var changed: Set<String> = []
  }

  /// The keys by table. Nil for a table whose rows have no key, or that has too many rows.
  private var keys: [FoldedName: Keys?] = [:]

  init(_ archives: [ArchiveRecord], on connection: Connection) throws {
    for archive in archives {
      let content = try ArchiveContent(archive)
      let key = content.key
      guard key.form != .rowID, archive.rows <= CellComparison.most, keys[archive.table.folded] != .some(nil)
      else {
        keys[archive.table.folded] = .some(nil)
        continue
      }
      let columns = key.names.indices.map { "a.k\($0 + 1)" }.joined(separator: ", ")
      var known = (keys[archive.table.folded] ?? nil) ?? Keys()
      for row in try Self.changed(archive, content, columns, on: connection) {
        known.changed.insert(Self.title(key, row))
      }
      for row in try connection.rows("SELECT \(columns), a.gone FROM main.\(archive.tableName) AS a") {
        let title = Self.title(key, row)
        known.all.insert(title)
        if row.last?.integer != 0 { known.gone.insert(title) }
      }
      keys[archive.table.folded] = known
    }
  }

  private static func title(_ key: RowKey, _ row: [Value]) -> String {
    zip(key.names, row).map { "\($0) = \($1)" }.joined(separator: ", ")
  }

  /// The values that came back from one of these archives, of those that differ from what was there.
  ///
  /// - Parameter left: what is left of the archive after the way back.
  func restored(
    _ values: [LostCells.Column: Set<String>], of archive: ArchiveRecord, _ left: [ArchiveRecord],
    on connection: Connection
  ) throws -> [LostCells.Column: Set<String>] {
    let content = try ArchiveContent(archive)
    guard let known = keys[archive.table.folded] ?? nil else { return [:] }
    let columns = Set(content.columns.map(\.name.folded))
    let own = values.filter {
      $0.key.table.folded == archive.table.folded && columns.contains($0.key.column.folded)
    }
    guard !own.isEmpty else { return [:] }
    let open = try Self.titles(of: left, content, on: connection)
    return own.mapValues { $0.intersection(known.all).subtracting(open) }
  }

  /// The keys of all rows of archives of one table, as they are shown.
  static func titles(
    of archives: [ArchiveRecord], _ content: ArchiveContent, on connection: Connection
  ) throws -> Set<String> {
    let names = content.key.names.indices.map { "k\($0 + 1)" }.joined(separator: ", ")
    var titles: Set<String> = []
    for archive in archives {
      for row in try connection.rows("SELECT \(names) FROM main.\(archive.tableName)") {
        titles.insert(title(content.key, row))
      }
    }
    return titles
  }

  private static func changed(
    _ archive: ArchiveRecord, _ content: ArchiveContent, _ columns: String, on connection: Connection
  ) throws -> [[Value]] {
    guard let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection)
    else { return [] }
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, by: key)
    guard try row.isReadable(in: table, on: connection) else { return [] }
    try row.define(on: connection)
    return try connection.rows(
      """
      SELECT \(columns) FROM main.\(archive.tableName) AS a
      JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(RowMatch.condition(key, in: table, as: "n", against: "a"))\(row.joins("n"))
      WHERE a.gone = 0 AND \(row.call("n")) IS NOT a.rest
      """)
  }

  /// Whether a row is in an archive and is unchanged since the way up; nil when that is unknown, or the table has no
  /// archive.
  func hasUnchanged(_ key: String, of table: String) -> Bool? {
    (keys[table.folded] ?? nil).map { $0.all.contains(key) && !$0.changed.contains(key) }
  }

  /// Whether a row may come back from an archive.
  func bringsBack(_ key: String, of table: String) -> Bool {
    guard let known = keys[table.folded] else { return false }
    return known?.gone.contains(key) ?? true
  }
}
