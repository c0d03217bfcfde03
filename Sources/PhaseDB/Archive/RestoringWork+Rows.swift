internal import PhaseSQL
internal import PhaseSQLite

extension RestoringWork {
  /// Rows that were gone: those the SQL put there under their keys are made what they were, unless it made them from
  /// what has changed since; the others are put there.
  ///
  /// - Returns: how many are what they were.
  func putBackGoneRows(into table: TableShape, on connection: Connection) throws(SQLiteError) -> Int {
    let columns = columns(of: table)
    var restored = 0
    let filled = trace.table(to: target)
    // Rows that the SQL inserts may be the ones that are missing, and nothing tells which: no row is to be there twice.
    if filled?.isFilledInPlace == true, !hasPresent { return 0 }
    if filled?.gainsRows == true, !sourcesChanged, !columns.isEmpty {
      try connection.execute(
        """
        UPDATE \(orGivesWay)\(place(table)) AS t SET \(columns.map { "\($0.name) = \($0.value)" }.joined(separator: ", "))
        FROM \(archivePlace)\(asideJoin) WHERE \(match(table)) AND a.gone\(isNotAside)
        """)
      restored += connection.changes
    }
    if hasPresent {
      let isPresent = zip(archive.keys, content.key.names).map { "p.\($0) = +t.\(SQLText.identifier($1))" }
      try connection.execute(
        """
        DELETE FROM \(place(table)) AS t
        WHERE NOT EXISTS (SELECT 1 FROM temp.\(presentName) AS p WHERE \(isPresent.joined(separator: " AND ")))
        AND NOT EXISTS (SELECT 1 FROM \(archivePlace) WHERE a.gone AND \(match(table)))
        """)
    }
    try connection.execute(
      """
      \(insertion(into: table))\(asideJoin) WHERE a.gone\(isNotAside)
      AND NOT EXISTS (SELECT 1 FROM \(place(table)) AS t WHERE \(match(table)))
      """)
    restored += connection.changes
    if hasAside, content.key.form == .rowID { try putBackUnderOtherRowIDs(into: table, on: connection) }
    return restored
  }

  /// A rowid that no column names is nobody's name: a row whose rowid another has today comes back under a new one.
  private func putBackUnderOtherRowIDs(into table: TableShape, on connection: Connection) throws(SQLiteError)
  {
    let columns = columns(of: table)
    guard columns.count == content.columns.count else { return }
    let isAside = archive.keys.map { "s.\($0) = a.\($0)" }.joined(separator: " AND ")
    let from =
      "FROM \(archivePlace) WHERE a.gone AND EXISTS (SELECT 1 FROM temp.\(asideName) AS s WHERE \(isAside))"
    try connection.execute(
      """
      INSERT INTO \(place(table)) (\(columns.map(\.name).joined(separator: ", ")))
      SELECT \(columns.map(\.value).joined(separator: ", ")) \(from)
      """)
    try connection.execute(
      "DELETE FROM main.\(archive.name) WHERE rowid IN (SELECT a.rowid \(from))")
  }

  /// Rows of a table that was gone as a whole, or whose rows could not be followed.
  func putBackRows(into table: TableShape, on connection: Connection) throws(SQLiteError) -> Int {
    let hasRows = try connection.hasRows(target)
    if !sourcesChanged {
      if hasRows { try connection.execute("DELETE FROM \(place(table))") }
      try connection.execute("\(insertion(into: table)) WHERE a.gone")
    } else if !content.isMoved {
      let isAbsent = "AND NOT EXISTS (SELECT 1 FROM \(place(table)) AS t WHERE \(match(table)))"
      try connection.execute("\(insertion(into: table)) WHERE a.gone \(hasRows ? isAbsent : "")")
    } else {
      return 0
    }
    return connection.changes
  }

  private func insertion(into table: TableShape) -> String {
    let columns = columns(of: table)
    let values = Set(content.columns.map { SchemaName($0.name) })
    let keys = zip(content.key.names, archive.keys).filter { !values.contains(SchemaName($0.0)) }
    let names = keys.map { SQLText.identifier($0.0) } + columns.map(\.name)
    let given = keys.map { "a.\($0.1)" } + columns.map(\.value)
    return
      "INSERT \(orGivesWay)INTO \(place(table)) (\(names.joined(separator: ", "))) SELECT \(given.joined(separator: ", ")) FROM \(archivePlace)"
  }

  // MARK: What is left

  /// Keeps of the archive what is not in the table now.
  func settle(_ table: TableShape, on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    let given = columns(of: table)
    let recast = content.key.names.enumerated().map { index, name in
      let place = content.columns.firstIndex { SchemaName($0.name) == SchemaName(name) }
      return place.map { archive.values[$0] } ?? archive.keys[index]
    }
    let found = RowMatch.condition(
      content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a", columns: recast)
    let name = SQLText.identifier(content.key.names[0])
    let differs = given.map {
      "\($0.value) IS NOT t.\($0.name) OR typeof(\($0.value)) <> typeof(t.\($0.name))"
    }
    let isLeft = (["t.\(name) IS NULL"] + differs).joined(separator: " OR ")
    let left = "phasedb_left_\(record.id)"
    try connection.execute(
      """
      CREATE TEMP TABLE \(left) AS SELECT \(archive.keys.map { "a.\($0)" }.joined(separator: ", ")) FROM \(archivePlace)
      LEFT JOIN \(place(table)) AS t ON \(found) WHERE \(given.count < content.columns.count ? "1" : isLeft)
      """)
    defer { try? connection.drop("temp.\(left)") }
    guard try connection.value("SELECT 1 FROM temp.\(left) LIMIT 1") != nil else {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    let keys = archive.keys.map { "s.\($0) = a.\($0)" }.joined(separator: " AND ")
    try connection.execute(
      "DELETE FROM main.\(archive.name) AS a WHERE NOT EXISTS (SELECT 1 FROM temp.\(left) AS s WHERE \(keys))"
    )
    let sum = try archive.sum(on: connection)
    guard sum.count > 0 else {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    return record.settled(rows: sum.count, digest: sum.text, state: .left)
  }
}
