internal import PhaseSQL
internal import PhaseSQLite

extension TablePair {
  /// Rows of today that stand in a unique key where a row stood that comes back from an archive.
  ///
  /// Unique indexes with a condition are left to SQLite: whether the row that comes back meets it is not known before it
  /// is there.
  func takenPlaces(_ record: ArchiveRecord, _ content: ArchiveContent) -> [FormerConstraint] {
    let archive = ArchiveTable(record, content)
    let names = content.key.names.compactMap { presentName(of: SchemaName($0)) }
    guard content.hasGoneRows, names.count == content.key.names.count else { return [] }
    let place = "main.\(SQLText.identifier(shape.name.spelled))"
    let isSameRow = RowMatch.condition(names, in: shape, as: "n", against: "a")
    // A row that itself becomes what it was makes room.
    let isItself = RowMatch.condition(names, in: shape, as: "t", against: "o")
    return formerUniques.compactMap { unique in
      let kept = unique.columns.compactMap { column in
        content.columns.firstIndex { SchemaName($0.name) == column }.map { "a.\(archive.values[$0])" }
      }
      let present = unique.columns.compactMap(presentName)
      guard unique.condition == nil, kept.count == unique.columns.count, present.count == kept.count else {
        return nil
      }
      let mine = zip(present, unique.collations).map {
        "t.\(SQLText.identifier($0.spelled)) COLLATE \(SQLText.identifier($1))"
      }
      return FormerConstraint(
        title: "UNIQUE (\(unique.columns.list)), with rows that come back,",
        condition: """
          (\(mine.joined(separator: ", "))) IN (
            SELECT \(kept.joined(separator: ", ")) FROM main.\(archive.name) AS a
            WHERE a.gone AND NOT EXISTS (SELECT 1 FROM \(place) AS n WHERE \(isSameRow)))
          AND NOT EXISTS (SELECT 1 FROM main.\(archive.name) AS o WHERE o.gone = 0 AND \(isItself))
          """)
    }
  }
}
