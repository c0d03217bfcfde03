internal import PhaseSQL
internal import PhaseSQLite

/// The rows that the archives of a phase have.
struct ArchivedKeys {
  private struct Keys: Equatable {
    var all: Set<String> = []
    /// Of rows that the way up left out.
    var gone: Set<String> = []
  }

  /// nil where the rows of a table are not told apart by their keys, or are too many to be looked at.
  private var keys: [FoldedName: Keys?] = [:]

  init(_ archives: [ArchiveRecord], on connection: Connection) throws {
    for archive in archives {
      let key = try ArchiveContent(archive).key
      guard key.form != .rowID, archive.rows <= CellComparison.most, keys[archive.table.folded] != .some(nil)
      else {
        keys[archive.table.folded] = .some(nil)
        continue
      }
      let columns = key.names.indices.map { "k\($0 + 1)" }.joined(separator: ", ")
      var known = (keys[archive.table.folded] ?? nil) ?? Keys()
      for row in try connection.rows("SELECT \(columns), gone FROM main.\(archive.tableName)") {
        let title = zip(key.names, row).map { "\($0) = \($1)" }.joined(separator: ", ")
        known.all.insert(title)
        if row.last?.integer != 0 { known.gone.insert(title) }
      }
      keys[archive.table.folded] = known
    }
  }

  /// Whether a row is among them, true where that cannot be told; nil where the table has no archive.
  func has(_ key: String, of table: String) -> Bool? {
    guard let known = keys[table.folded] else { return nil }
    return known?.all.contains(key) ?? true
  }

  /// Whether a row may come back out of them.
  func bringsBack(_ key: String, of table: String) -> Bool {
    guard let known = keys[table.folded] else { return false }
    return known?.gone.contains(key) ?? true
  }
}
