internal import PhaseSQL
internal import PhaseSQLite

/// One archive on its way back.
struct RestoringWork {
  let record: ArchiveRecord
  let content: ArchiveContent
  let archive: ArchiveTable
  let trace: ScriptTrace
  /// Whether a table has changed since from which the SQL makes values or rows.
  let sourcesChanged: Bool
  /// Whether `asideName` lists rows that have changed since.
  let hasAside: Bool
  /// Whether `presentName` lists the rows that were there before SQL that inserts into the same table.
  let hasPresent: Bool
  /// Whether values came back while the table was built anew.
  private var hasRead = false
  /// On the way up, what a way down took gives way to the rows of today: `OR IGNORE` leaves it in its archive.
  var orGivesWay: String { record.direction == .down ? "OR IGNORE " : "" }

  /// How many rows are what they were, as far as their number tells.
  private var restored = 0
  private var hasTakenOut = false
  /// Whether keys in the archive are those that rows have today, and not those that they had.
  private var hasMoved = false

  var asideName: String { "phasedb_aside_\(record.id)" }
  var presentName: String { "phasedb_present_\(record.id)" }
  var target: SchemaName { SchemaName(record.table) }

  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, _ trace: ScriptTrace,
    isSameText: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.record = record
    self.content = content
    self.archive = archive
    self.trace = trace
    sourcesChanged = try content.changedSource(on: connection) != nil
    if content.isFollowed(by: trace, to: SchemaName(record.table)) {
      hasMoved = try MovedKeys(content, archive, on: connection)?.follow(on: connection) ?? 0 > 0
    }
    hasAside = try RestoringWork.setAside(record, content, archive, trace, on: connection)
    let filled = trace.table(to: SchemaName(record.table))
    hasPresent =
      filled?.isFilledInPlace == true && filled?.copiesItself == false && isSameText && !sourcesChanged
      && content.hasGoneRows && content.successor != nil
    if hasPresent { try listPresent(on: connection) }
  }

  /// The SQL may insert anew, under other numbers, what it inserted before and the archive has: then its rows give way,
  /// and it has to be known which they are.
  private func listPresent(on connection: Connection) throws(SQLiteError) {
    guard let successor = content.successor else { return }
    let keys = archive.keys.joined(separator: ", ")
    let columns = successor.key.map(SQLText.identifier).joined(separator: ", ")
    try connection.execute(
      "CREATE TEMP TABLE \(presentName) (\(keys), PRIMARY KEY (\(keys))) WITHOUT ROWID")
    try connection.execute(
      "INSERT OR IGNORE INTO temp.\(presentName) SELECT \(columns) FROM main.\(SQLText.identifier(successor.table))"
    )
  }
}

extension TracedTable {
  /// Whether rows are put into it beside those that were there before.
  var isFilledInPlace: Bool { gainsRows && origin != nil }
}

// MARK: - After the SQL

extension RestoringWork {
  /// Puts values and rows back.
  mutating func restore(on connection: Connection) throws(SQLiteError) {
    guard let table = try TableShape(target, on: connection), isFollowed else { return }
    if content.successor == nil {
      restored = try putBackRows(into: table, on: connection)
    } else {
      restored = try putBackValues(into: table, on: connection)
      if content.hasGoneRows { restored += try putBackGoneRows(into: table, on: connection) }
    }
    if let counter = content.counter { try connection.raiseCounter(of: target, to: counter) }
  }

  /// A row whose parent was deleted since stays deleted, too.
  ///
  /// - Returns: how many rows that had come back are gone again.
  mutating func takeOutOrphans(on connection: Connection) throws(SQLiteError) -> Int {
    guard content.hasGoneRows, restored > 0, let table = try TableShape(target, on: connection),
      let rowID = table.anyRowIDName, try connection.hasForeignKeys(target)
    else { return 0 }
    let known = Set(content.orphans ?? [])
    var taken = 0
    for violation in try connection.foreignKeyViolations(in: [table.name.spelled]).keys {
      guard let row = violation.rowID else { continue }
      let values = try connection.orphans([violation: 1]).keys.map { "\($0)" }
      guard known.isDisjoint(with: values) else { continue }
      try connection.execute(
        """
        DELETE FROM \(place(table)) AS t WHERE t.\(rowID) = ?1
        AND EXISTS (SELECT 1 FROM \(archivePlace) WHERE a.gone AND \(match(table)))
        """, .integer(row))
      taken += connection.changes
    }
    if taken > 0 { hasTakenOut = true }
    return taken
  }

  /// - Returns: what is left, recorded anew; nil when all of it is back and the archive is gone.
  func finish(on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    defer {
      for name in [asideName, presentName] { try? connection.drop("temp.\(name)") }
    }
    guard let table = try TableShape(target, on: connection), isFollowed else {
      return try record.settled(digest: archive.sum(on: connection).text, state: .left)
    }
    if restored == record.rows, !hasAside, !hasTakenOut {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    return try settle(table, on: connection)
  }

  /// Whether a row has the same key before the SQL and after it. A rowid that the SQL does not hand over is another one.
  var isFollowed: Bool { content.isFollowed(by: trace, to: target) }

  var archivePlace: String { "main.\(archive.name) AS a" }
  func place(_ table: TableShape) -> String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// The archive's rows beside those set aside.
  var asideJoin: String {
    let keys = archive.keys.map { "s.\($0) = a.\($0)" }.joined(separator: " AND ")
    return hasAside ? " LEFT JOIN temp.\(asideName) AS s ON \(keys)" : ""
  }
  var isNotAside: String { hasAside ? " AND s.k1 IS NULL" : "" }

  func match(_ table: TableShape) -> String {
    RowMatch.condition(content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a")
  }

  /// The archived columns that the table has, with what is in the archive for them.
  func columns(of table: TableShape) -> [(
    column: SchemaName, name: String, value: String, mark: String?
  )] {
    zip(content.columns, zip(archive.values, archive.marks)).compactMap { column, archived in
      guard let present = table.column(SchemaName(column.name)), !present.isGenerated else { return nil }
      return (present.name, SQLText.identifier(column.name), "a.\(archived.0)", archived.1)
    }
  }

  /// Values of rows that are there before and after.
  ///
  /// - Returns: how many rows have all of theirs.
  private func putBackValues(into table: TableShape, on connection: Connection) throws(SQLiteError) -> Int {
    let values = values(in: table)
    let isAll = values.count == content.columns.count
    if hasRead {
      let missing = try connection.value(
        """
        SELECT count(*) FROM \(archivePlace)
        WHERE a.gone OR NOT EXISTS (SELECT 1 FROM \(place(table)) AS t WHERE \(match(table)))
        """)
      return isAll ? record.rows - Int(missing?.integer ?? 0) : 0
    }
    guard !values.isEmpty else { return 0 }
    let assignments = values.map { column, value in
      let name = SQLText.identifier(column.spelled)
      return "\(name) = \(value("t.\(name)"))"
    }
    let from = "\(archivePlace)\(asideJoin) WHERE \(match(table)) AND a.gone = 0"
    do throws(SQLiteError) {
      try connection.execute(
        "UPDATE \(orGivesWay)\(place(table)) AS t SET \(assignments.joined(separator: ", ")) FROM \(from)")
      return isAll ? connection.changes : 0
    } catch  where error.code.primary == .constraint {
      // One row at a time, a value may be in the way of another that is about to change, too.
      let given = Dictionary(
        values.map { ($0.column, $0.value("t.\(SQLText.identifier($0.column.spelled))")) },
        uniquingKeysWith: { first, _ in first })
      let count = try RowReplacement(table: table, values: given, from: "\(place(table)) AS t, \(from)").run(
        on: connection)
      return isAll ? count : 0
    }
  }

  /// For each column that gets archived values, what it gets in a row, from the SQL of what is there.
  private func values(in table: TableShape) -> [(column: SchemaName, value: (String) -> String)] {
    columns(of: table).compactMap { column, _, value, mark in
      let kept = content.columns.first { SchemaName($0.name) == column }
      let isComputed = trace.computes(column, of: target, from: kept.flatMap(content.origin(of:)))
      if isComputed, sourcesChanged { return nil }
      // Another text of the phase may compute what the one did not that made the archive.
      let changed = isComputed ? "c0" : mark ?? (kept?.after == nil ? nil : "c0")
      guard hasAside, let changed else { return (column, { _ in value }) }
      return (column, { "CASE WHEN s.k1 IS NULL OR NOT s.\(changed) THEN \(value) ELSE \($0) END" })
    }
  }

  /// The values of rows that are there before and after, read while the table is built anew. An archive is looked into by
  /// number only: other keys it has no index for.
  ///
  /// - Returns: nil when they are to be put back afterwards.
  mutating func reading(
    for rebuild: TableRebuild, on connection: Connection
  ) throws(SQLiteError) -> TableRebuild.Reading? {
    guard archive.isNumberKeyed, content.successor != nil, isFollowed,
      let table = try TableShape(target, on: connection)
    else { return nil }
    let row = TableRebuild.row
    let key =
      content.key.form == .integer ? "\(row).\(SQLText.identifier(content.key.names[0]))" : rebuild.rowID
    guard let key else { return nil }
    let columns = values(in: table)
    guard !columns.isEmpty else { return nil }
    hasRead = true
    return TableRebuild.Reading(
      columns: Dictionary(
        columns.map { column, value in
          (column, { present in "CASE WHEN a.gone = 0 THEN \(value(present)) ELSE \(present) END" })
        }, uniquingKeysWith: { first, _ in first }),
      join: "LEFT JOIN \(archivePlace) ON a.k1 = \(key)\(asideJoin)")
  }
}
