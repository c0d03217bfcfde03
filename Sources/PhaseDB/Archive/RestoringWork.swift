internal import PhaseSQL
internal import PhaseSQLite

/// Restores the rows and values of one archive.
struct RestoringWork {
  let record: ArchiveRecord
  let content: ArchiveContent
  let archive: ArchiveTable
  let trace: ScriptTrace
  /// Whether a table from which the SQL computes values or rows has changed since.
  let sourcesChanged: Bool
  /// Whether `changedName` lists rows that have changed since.
  let hasChanged: Bool
  /// Whether `presentName` lists the rows from before the SQL, which inserts into the same table.
  let hasPresent: Bool
  /// On the way up, if a present row has the key of an archived one, the present row stays: `OR IGNORE` leaves the
  /// other one in its archive. On the way down no row gives way, whatever ON CONFLICT clause a constraint has.
  /// `record.direction` is the opposite direction: a way down made the archive that a way up restores.
  private var orGivesWay: String { record.direction == .down ? "OR IGNORE " : "OR ABORT " }

  /// How many rows have their old values again.
  private var restored = 0
  private var hasTakenOut = false

  var changedName: String { "phasedb_changed_\(record.id)" }
  var presentName: String { "phasedb_present_\(record.id)" }
  var target: SchemaName { SchemaName(record.table) }

  /// - Parameter isUntouched: whether it is known that the rows of the archive are there still, unchanged.
  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, _ trace: ScriptTrace,
    isSameText: Bool, isUntouched: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.record = record
    self.content = content
    self.archive = archive
    self.trace = trace
    sourcesChanged = try content.changedSource(on: connection) != nil
    if !isUntouched, content.isFollowed(by: trace, to: SchemaName(record.table)) {
      try MovedKeys(content, archive, on: connection)?.follow(on: connection)
    }
    hasChanged = try RestoringWork.listChanged(
      record, content, archive, trace, isUntouched: isUntouched, on: connection)
    let filled = trace.table(to: SchemaName(record.table))
    hasPresent =
      filled?.isFilledInPlace == true && filled?.copiesItself == false && isSameText && !sourcesChanged
      && content.hasGoneRows && content.successor != nil
    if hasPresent { try listPresent(on: connection) }
  }

  /// The SQL may insert rows again, under other keys, that the archive has, too. Then the rows of the SQL are
  /// removed, so it has to be known which ones are new.
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

// MARK: - After the SQL

extension RestoringWork {
  /// Restores values and rows.
  ///
  /// - Parameter valuesAreBack: whether values already came back while the table was rebuilt.
  mutating func restore(valuesAreBack: Bool, on connection: Connection) throws(SQLiteError) {
    guard let table = try Table(target, on: connection), isFollowed else { return }
    if content.successor == nil {
      restored = try putBackRows(into: table, on: connection)
    } else {
      restored = try putBackValues(into: table, areBack: valuesAreBack, on: connection)
      if content.hasGoneRows { restored += try putBackGoneRows(into: table, on: connection) }
    }
    if let counter = content.counter { try SequenceCounter(of: target, on: connection).raise(to: counter) }
  }

  /// Deletes restored rows whose parent was deleted since.
  ///
  /// - Returns: how many restored rows were deleted again.
  mutating func takeOutOrphans(on connection: Connection) throws(SQLiteError) -> Int {
    guard content.hasGoneRows, restored > 0, let table = try Table(target, on: connection),
      let rowID = table.anyRowIDName, try Table.hasForeignKeys(target, on: connection)
    else { return 0 }
    let known = Set(content.orphans ?? [])
    var taken = 0
    for violation in try ForeignKeyViolation.all(in: [table.name.spelled], on: connection).keys {
      guard let row = violation.rowID else { continue }
      let values = try ForeignKeyViolation.orphans([violation: 1], on: connection).keys
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

  /// - Returns: the new record of the archive; nil when everything is restored and the archive is dropped.
  func finish(on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    defer { try? connection.drop("temp.\(changedName)", "temp.\(presentName)") }
    guard let table = try Table(target, on: connection), isFollowed else {
      return try record.settled(digest: archive.sum(on: connection).text, state: .left)
    }
    if restored == record.rows, !hasChanged, !hasTakenOut {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    return try settle(table, on: connection)
  }

  /// Whether a row keeps its key under the SQL. If the SQL does not copy the rowid, the row gets another one.
  var isFollowed: Bool { content.isFollowed(by: trace, to: target) }

  var archivePlace: String { "main.\(archive.name) AS a" }
  func place(_ table: Table) -> String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// Joins the archive's rows with the list of changed rows.
  var changedJoin: String {
    hasChanged ? " LEFT JOIN temp.\(changedName) AS s ON \(archive.sameKeys("s", "a"))" : ""
  }
  var isUnchanged: String { hasChanged ? " AND s.k1 IS NULL" : "" }

  func match(_ table: Table) -> String {
    RowMatch.condition(content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a")
  }

  /// The archived columns that the table has, with their columns in the archive.
  func columns(of table: Table) -> [(
    column: SchemaName, name: String, value: String, mark: String?
  )] {
    zip(content.columns, zip(archive.values, archive.marks)).compactMap { column, archived in
      guard let present = table.column(SchemaName(column.name)), !present.isGenerated else { return nil }
      return (present.name, SQLText.identifier(column.name), "a.\(archived.0)", archived.1)
    }
  }

  /// Restores values of rows that exist before and after the SQL.
  ///
  /// - Returns: how many rows got all their values back.
  private func putBackValues(
    into table: Table, areBack: Bool, on connection: Connection
  ) throws(SQLiteError) -> Int {
    let values = values(in: table)
    let isAll = values.count == content.columns.count
    if areBack {
      guard isAll else { return 0 }
      let present = try connection.value(
        "SELECT count(*) FROM \(archivePlace) JOIN \(place(table)) AS t ON \(match(table)) WHERE a.gone = 0")
      return Int(present?.integer ?? 0)
    }
    guard !values.isEmpty else { return 0 }
    let assignments = values.map { column, value in
      let name = SQLText.identifier(column.spelled)
      return "\(name) = \(value("t.\(name)"))"
    }
    let from = "\(archivePlace)\(changedJoin) WHERE \(match(table)) AND a.gone = 0"
    do throws(SQLiteError) {
      try connection.execute(
        "UPDATE \(orGivesWay)\(place(table)) AS t SET \(assignments.joined(separator: ", ")) FROM \(from)")
      return isAll ? connection.changes : 0
    } catch  where error.code.primary == .constraint {
      // With one row at a time, a unique value may conflict with one that is about to change as well.
      let given = Dictionary(
        values.map { ($0.column, $0.value("t.\(SQLText.identifier($0.column.spelled))")) },
        uniquingKeysWith: { first, _ in first })
      let count = try RowReplacement(table: table, values: given, from: "\(place(table)) AS t, \(from)").run(
        on: connection)
      return isAll ? count : 0
    }
  }

  /// For each column that gets archived values, the SQL of its new value, given the SQL of its present one.
  private func values(in table: Table) -> [(column: SchemaName, value: (String) -> String)] {
    columns(of: table).compactMap { column, _, value, mark in
      let kept = content.columns.first { SchemaName($0.name) == column }
      let isComputed = trace.computes(column, of: target, from: kept.flatMap(content.origin(of:)))
      if isComputed, sourcesChanged { return nil }
      // The archive may be of another text of the phase, which did not compute this column.
      let changed = isComputed ? "c0" : mark ?? (kept?.after == nil ? nil : "c0")
      guard hasChanged, let changed else { return (column, { _ in value }) }
      return (column, { "CASE WHEN s.k1 IS NULL OR NOT s.\(changed) THEN \(value) ELSE \($0) END" })
    }
  }

  /// Restores values of rows that exist before and after, while the table is rebuilt. This works only for archives
  /// with a number as key, because others have no index.
  ///
  /// - Returns: nil when they have to be restored afterwards.
  func reading(
    for rebuild: TableRebuild, on connection: Connection
  ) throws(SQLiteError) -> TableRebuild.Reading? {
    guard archive.isNumberKeyed, content.successor != nil, isFollowed,
      let table = try Table(target, on: connection)
    else { return nil }
    let row = TableRebuild.row
    let key =
      content.key.form == .integer ? "\(row).\(SQLText.identifier(content.key.names[0]))" : rebuild.rowID
    guard let key else { return nil }
    let columns = values(in: table)
    guard !columns.isEmpty else { return nil }
    return TableRebuild.Reading(
      columns: Dictionary(
        columns.map { column, value in
          (column, { present in "CASE WHEN a.gone = 0 THEN \(value(present)) ELSE \(present) END" })
        }, uniquingKeysWith: { first, _ in first }),
      join: "LEFT JOIN \(archivePlace) ON a.k1 = \(key)\(changedJoin)")
  }
}

extension RestoringWork {
  /// Restores rows that were removed. If the SQL has inserted a row with the same key, that row gets the old values,
  /// unless the SQL made it from something that changed since. The other rows are inserted.
  ///
  /// - Returns: how many rows have their old values again.
  func putBackGoneRows(into table: Table, on connection: Connection) throws(SQLiteError) -> Int {
    let columns = columns(of: table)
    var restored = 0
    let filled = trace.table(to: target)
    // The SQL may have inserted the missing rows itself, and it is unknown which ones. No row must be there twice.
    if filled?.isFilledInPlace == true, !hasPresent { return 0 }
    if hasChanged, content.key.form == .rowID { try forgetFreeRowIDs(of: table, on: connection) }
    if filled?.gainsRows == true, !sourcesChanged, !columns.isEmpty {
      try connection.execute(
        """
        UPDATE \(orGivesWay)\(place(table)) AS t SET \(columns.map { "\($0.name) = \($0.value)" }.joined(separator: ", "))
        FROM \(archivePlace)\(changedJoin) WHERE \(match(table)) AND a.gone\(isUnchanged)
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
      \(insertion(into: table))\(changedJoin) WHERE a.gone\(isUnchanged)
      AND NOT EXISTS (SELECT 1 FROM \(place(table)) AS t WHERE \(match(table)))
      """)
    restored += connection.changes
    if hasChanged, content.key.form == .rowID { try putBackUnderOtherRowIDs(into: table, on: connection) }
    return restored
  }

  /// If the row that took the rowid of a removed one is gone again, the removed one gets its rowid back.
  private func forgetFreeRowIDs(of table: Table, on connection: Connection) throws(SQLiteError) {
    try connection.execute(
      """
      DELETE FROM temp.\(changedName) AS s WHERE EXISTS (SELECT 1 FROM \(archivePlace)
      WHERE a.gone AND \(archive.sameKeys("a", "s")) AND NOT EXISTS (SELECT 1 FROM \(place(table)) AS t WHERE \(match(table))))
      """)
  }

  /// If no column shows the rowid, applications do not use it as a key. So if another row has the rowid now, the
  /// archived row comes back under a new one.
  private func putBackUnderOtherRowIDs(into table: Table, on connection: Connection) throws(SQLiteError) {
    let columns = columns(of: table)
    guard columns.count == content.columns.count else { return }
    let from =
      "FROM \(archivePlace) WHERE a.gone AND EXISTS (SELECT 1 FROM temp.\(changedName) AS s WHERE \(archive.sameKeys("s", "a")))"
    try connection.execute(
      """
      INSERT OR ABORT INTO \(place(table)) (\(columns.map(\.name).joined(separator: ", ")))
      SELECT \(columns.map(\.value).joined(separator: ", ")) \(from)
      """)
    try connection.execute(
      "DELETE FROM main.\(archive.name) WHERE rowid IN (SELECT a.rowid \(from))")
  }

  /// Restores the rows of a table that was dropped, or whose rows could not be followed.
  func putBackRows(into table: Table, on connection: Connection) throws(SQLiteError) -> Int {
    let hasRows = try Table.hasRows(target, on: connection)
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

  private func insertion(into table: Table) -> String {
    let columns = columns(of: table)
    let values = Set(content.columns.map { SchemaName($0.name) })
    let keys = zip(content.key.names, archive.keys).filter { !values.contains(SchemaName($0.0)) }
    let names = keys.map { SQLText.identifier($0.0) } + columns.map(\.name)
    let given = keys.map { "a.\($0.1)" } + columns.map(\.value)
    return
      "INSERT \(orGivesWay)INTO \(place(table)) (\(names.joined(separator: ", "))) SELECT \(given.joined(separator: ", ")) FROM \(archivePlace)"
  }

  // MARK: What is left

  /// Keeps the rows of the archive that were not restored.
  func settle(_ table: Table, on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    let given = columns(of: table)
    let recast = content.key.names.enumerated().map { index, name in
      let place = content.columns.firstIndex { SchemaName($0.name) == SchemaName(name) }
      return place.map { archive.values[$0] } ?? archive.keys[index]
    }
    let found = RowMatch.condition(
      content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a", columns: recast)
    let name = SQLText.identifier(content.key.names[0])
    let differs = given.map { RowMatch.differs($0.value, "t.\($0.name)") }
    let isLeft = (["t.\(name) IS NULL"] + differs).joined(separator: " OR ")
    let left = "phasedb_left_\(record.id)"
    try connection.execute("CREATE TEMP TABLE \(left) (id INTEGER PRIMARY KEY)")
    try connection.execute(
      """
      INSERT INTO temp.\(left) SELECT a.rowid FROM \(archivePlace)
      LEFT JOIN \(place(table)) AS t ON \(found) WHERE \(given.count < content.columns.count ? "1" : isLeft)
      """)
    defer { try? connection.drop("temp.\(left)") }
    guard try connection.value("SELECT 1 FROM temp.\(left) LIMIT 1") != nil else {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    try connection.execute(
      "DELETE FROM main.\(archive.name) WHERE rowid NOT IN (SELECT id FROM temp.\(left))")
    let sum = try archive.sum(on: connection)
    guard sum.count > 0 else {
      try connection.drop("main.\(archive.name)")
      return nil
    }
    return record.settled(rows: sum.count, digest: sum.text, state: .left)
  }
}

extension RestoringWork {
  /// Unchanged rows to which the SQL of the way back gives other values than they had. The archive corrects these.
  /// But a row that changes after the phase will get the values of the SQL.
  ///
  /// It is called after the SQL, before anything is restored.
  ///
  /// - Parameter limit: how many rows to show.
  func corrections(limit: Int, on connection: Connection) throws(SQLiteError) -> TableDifference? {
    guard !sourcesChanged, isFollowed, let table = try Table(target, on: connection) else { return nil }
    let differences = computedColumns(of: table)
    guard !differences.isEmpty else { return nil }
    let isDifferent = differences.map(\.condition).joined(separator: " OR ")
    let from = """
      FROM \(archivePlace) JOIN \(place(table)) AS t ON \(match(table))\(changedJoin)
      WHERE \(isDifferent)
      """
    let count = Int(try connection.value("SELECT count(*) \(from)")?.integer ?? 0)
    guard count > 0 else { return nil }
    let key = content.key.names.map { "t.\(SQLText.identifier($0))" }
    let values = differences.flatMap { [$0.condition, $0.before, $0.after] }
    let list = (key + values).joined(separator: ", ")
    let rows = try connection.rows("SELECT \(list) \(from) ORDER BY 1 LIMIT \(limit)").map { row in
      let columns = differences.enumerated().compactMap { index, difference -> RowDifference.Column? in
        let place = key.count + 3 * index
        guard row[place].integer == 1 else { return nil }
        return RowDifference.Column(name: difference.name, before: row[place + 1], after: row[place + 2])
      }
      let title = zip(content.key.names, row).map { "\($0) = \($1)" }.joined(separator: ", ")
      return RowDifference(kind: .changed, key: title, columns: columns)
    }
    return TableDifference(table: record.table, rows: count, declaredRows: 0, first: rows)
  }

  /// The archived columns for which the SQL has values of its own.
  private func computedColumns(
    of table: Table
  ) -> [(name: String, before: String, after: String, condition: String)] {
    let gainsRows = trace.table(to: target)?.gainsRows == true
    return columns(of: table).compactMap { column, name, value, mark in
      let kept = content.columns.first { SchemaName($0.name) == column }
      let isComputed = trace.computes(column, of: target, from: kept.flatMap(content.origin(of:)))
      guard isComputed || gainsRows else { return nil }
      let after = "t.\(name)"
      var condition = "(\(RowMatch.differs(value, after))"
      if !gainsRows { condition += " AND a.gone = 0" }
      if !isComputed { condition += " AND a.gone" }
      if hasChanged {
        let changed = isComputed ? "c0" : mark ?? "c0"
        condition += " AND (s.k1 IS NULL OR NOT s.\(changed))"
      }
      return (column.spelled, value, after, condition + ")")
    }
  }
}

extension RestoringWork {
  /// Lists the rows that changed since the other transition: in their rest, or in the value that replaced an archived
  /// one. Rows that were inserted since with the key of a removed row are listed, too.
  ///
  /// - Returns: whether there are any.
  static func listChanged(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, _ trace: ScriptTrace,
    isUntouched: Bool, on connection: Connection
  ) throws(SQLiteError) -> Bool {
    let computed = content.columns.contains {
      trace.computes(SchemaName($0.name), of: SchemaName(record.table), from: content.origin(of: $0))
    }
    let isTold =
      computed && !isUntouched || content.hasGoneRows || content.columns.contains { $0.after != nil }
    guard isTold, let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection)
    else { return false }
    let row = RestOfRow(content)
    // If the columns themselves have changed, every row counts as changed.
    let isReadable = try row.isReadable(in: table, on: connection)
    try row.define(on: connection)
    try RowHash.define(ArchivePlan.valueFunction, columns: ["value"], on: connection)
    let changed = try ChangedRows(
      named: "phasedb_changed_\(record.id)", of: content, in: archive, on: connection)
    let match = RowMatch.condition(successor.key.map { SchemaName($0) }, in: table, as: "n", against: "a")
    return try changed.list(
      isReadable ? "\(row.call("n")) IS NOT a.rest" : "1", in: table,
      """
      FROM main.\(archive.name) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(match)\(isReadable ? row.joins("n") : "")
      """, on: connection)
  }
}
