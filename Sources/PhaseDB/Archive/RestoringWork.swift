internal import PhaseSQLite

/// One archive on its way back.
struct RestoringWork {
  let record: ArchiveRecord
  private let content: ArchiveContent
  private let archive: ArchiveTable
  private let trace: ScriptTrace
  /// Whether a table has changed since from which the SQL makes values or rows.
  private let sourcesChanged: Bool
  /// Whether `asideName` lists rows that have changed since.
  private let hasAside: Bool
  /// Whether `presentName` lists the rows that were there before SQL that inserts into the same table.
  private let hasPresent: Bool
  /// Whether values came back while the table was built anew.
  private var hasRead = false

  private var asideName: String { "phasedb_aside_\(record.id)" }
  private var presentName: String { "phasedb_present_\(record.id)" }
  private var target: SchemaName { SchemaName(record.table) }

  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, _ trace: ScriptTrace,
    isSameText: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.record = record
    self.content = content
    self.archive = archive
    self.trace = trace
    sourcesChanged = try content.changedSource(on: connection) != nil
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

  /// Lists the rows whose rest, or whose value in place of an archived one, is not what the other transition left, and
  /// those that were born since under the key of one that is gone.
  ///
  /// - Returns: whether there are any.
  private static func setAside(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ archive: ArchiveTable, _ trace: ScriptTrace,
    on connection: Connection
  ) throws(SQLiteError) -> Bool {
    let computed = content.columns.contains {
      trace.computes(SchemaName($0.name), of: SchemaName(record.table), from: content.origin(of: $0))
    }
    let isTold = computed || content.hasGoneRows || content.columns.contains { $0.after != nil }
    guard isTold, let successor = content.successor,
      let table = try TableShape(SchemaName(successor.table), on: connection)
    else { return false }
    let aside = "phasedb_aside_\(record.id)"
    let marks = archive.marks.compactMap(\.self)
    let columns = archive.keys + ["c0"] + marks
    try connection.execute(
      "CREATE TEMP TABLE \(aside) (\(columns.joined(separator: ", ")), PRIMARY KEY (\(archive.keys.joined(separator: ", ")))) WITHOUT ROWID"
    )
    let names = Set(table.stored.map(\.name))
    let row = RestOfRow(content)
    // Where the columns themselves are others now, every row is another one.
    let isReadable = try row.isReadable(in: table, on: connection)
    let rest = isReadable ? "\(row.call("n")) IS NOT a.rest" : "1"
    try row.define(on: connection)
    let tracked = zip(content.columns, archive.marks).compactMap { column, mark -> String? in
      guard let mark, let after = column.after.map({ SchemaName($0) }) else { return nil }
      guard names.contains(after) else { return "1 AS \(mark)" }
      return
        "a.gone OR \(Taking.valueFunction)(n.\(SQLText.identifier(after.spelled))) IS NOT a.\(mark) AS \(mark)"
    }
    try connection.defineRowHash(named: Taking.valueFunction, columns: ["value"])
    let query = (archive.keys.map { "a.\($0)" } + ["a.gone OR \(rest) AS c0"] + tracked).joined(
      separator: ", ")
    try connection.execute(
      """
      INSERT OR IGNORE INTO temp.\(aside) SELECT * FROM (
        SELECT \(query) FROM main.\(archive.name) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
        ON \(RowMatch.condition(successor.key.map { SchemaName($0) }, in: table, as: "n", against: "a"))\(isReadable ? row.joins("n") : "") LIMIT -1)
      WHERE \((["c0"] + marks).joined(separator: " OR "))
      """)
    return connection.changes > 0
  }
}

extension TracedTable {
  /// Whether rows are put into it beside those that were there before.
  fileprivate var isFilledInPlace: Bool { gainsRows && origin != nil }
}

// MARK: - After the SQL

extension RestoringWork {
  /// - Returns: what is left, recorded anew; nil when all of it is back and the archive is gone.
  func restore(on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
    defer {
      for name in [asideName, presentName] { try? connection.execute("DROP TABLE IF EXISTS temp.\(name)") }
    }
    guard let table = try TableShape(target, on: connection) else {
      return record.settled(rows: record.rows, digest: record.digest, state: .left)
    }
    var restored = 0
    if !isFollowed {
      return record.settled(rows: record.rows, digest: record.digest, state: .left)
    } else if content.successor == nil {
      restored = try putBackRows(into: table, on: connection)
    } else {
      restored = try putBackValues(into: table, on: connection)
      if content.hasGoneRows { restored += try putBackGoneRows(into: table, on: connection) }
    }
    if let counter = content.counter { try connection.raiseCounter(of: target, to: counter) }
    if restored == record.rows, !hasAside {
      try connection.execute("DROP TABLE main.\(archive.name)")
      return nil
    }
    return try settle(table, on: connection)
  }

  /// Whether a row has the same key before the SQL and after it. A rowid that the SQL does not hand over is another one.
  private var isFollowed: Bool { content.isFollowed(by: trace, to: target) }

  private var archivePlace: String { "main.\(archive.name) AS a" }
  private func place(_ table: TableShape) -> String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// The archive's rows beside those set aside.
  private var asideJoin: String {
    let keys = archive.keys.map { "s.\($0) = a.\($0)" }.joined(separator: " AND ")
    return hasAside ? " LEFT JOIN temp.\(asideName) AS s ON \(keys)" : ""
  }
  private var isNotAside: String { hasAside ? " AND s.k1 IS NULL" : "" }

  private func match(_ table: TableShape) -> String {
    RowMatch.condition(content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a")
  }

  /// The archived columns that the table has, with what is in the archive for them.
  private func columns(of table: TableShape) -> [(
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
    let values = values(in: table, row: "t")
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
    let assignments = values.map { "\(SQLText.identifier($0.column.spelled)) = \($0.value)" }
    try connection.execute(
      """
      UPDATE \(place(table)) AS t SET \(assignments.joined(separator: ", ")) FROM \(archivePlace)\(asideJoin)
      WHERE \(match(table)) AND a.gone = 0
      """)
    return isAll ? connection.changes : 0
  }

  /// For each column that gets archived values, what it gets in a row.
  private func values(in table: TableShape, row: String) -> [(column: SchemaName, value: String)] {
    columns(of: table).compactMap { column, name, value, mark in
      let kept = content.columns.first { SchemaName($0.name) == column }
      let isComputed = trace.computes(column, of: target, from: kept.flatMap(content.origin(of:)))
      if isComputed, sourcesChanged { return nil }
      // Another text of the phase may compute what the one did not that made the archive.
      let changed = isComputed ? "c0" : mark ?? (kept?.after == nil ? nil : "c0")
      guard hasAside, let changed else { return (column, value) }
      return (column, "CASE WHEN s.k1 IS NULL OR NOT s.\(changed) THEN \(value) ELSE \(row).\(name) END")
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
    let values = values(in: table, row: row)
    guard !values.isEmpty else { return nil }
    hasRead = true
    return TableRebuild.Reading(
      columns: Dictionary(
        values.map { column, value in
          let present = "\(row).\(SQLText.identifier(column.spelled))"
          return (column, "CASE WHEN a.gone = 0 THEN \(value) ELSE \(present) END")
        }, uniquingKeysWith: { first, _ in first }),
      join: "LEFT JOIN \(archivePlace) ON a.k1 = \(key)\(asideJoin)")
  }

  /// Rows that were gone: those the SQL put there under their keys are made what they were, unless it made them from
  /// what has changed since; the others are put there.
  ///
  /// - Returns: how many are what they were.
  private func putBackGoneRows(into table: TableShape, on connection: Connection) throws(SQLiteError) -> Int {
    let columns = columns(of: table)
    var restored = 0
    let filled = trace.table(to: target)
    // Rows that the SQL inserts may be the ones that are missing, and nothing tells which: no row is to be there twice.
    if filled?.isFilledInPlace == true, !hasPresent { return 0 }
    if filled?.gainsRows == true, !sourcesChanged, !columns.isEmpty {
      try connection.execute(
        """
        UPDATE \(place(table)) AS t SET \(columns.map { "\($0.name) = \($0.value)" }.joined(separator: ", "))
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
    return restored + connection.changes
  }

  /// Rows of a table that was gone as a whole, or whose rows could not be followed.
  private func putBackRows(into table: TableShape, on connection: Connection) throws(SQLiteError) -> Int {
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
      "INSERT INTO \(place(table)) (\(names.joined(separator: ", "))) SELECT \(given.joined(separator: ", ")) FROM \(archivePlace)"
  }
}

// MARK: - What is left

extension RestoringWork {
  /// Keeps of the archive what is not in the table now.
  private func settle(_ table: TableShape, on connection: Connection) throws(SQLiteError) -> ArchiveRecord? {
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
    defer { try? connection.execute("DROP TABLE IF EXISTS temp.\(left)") }
    guard try connection.value("SELECT 1 FROM temp.\(left) LIMIT 1") != nil else {
      try connection.execute("DROP TABLE main.\(archive.name)")
      return nil
    }
    let keys = archive.keys.map { "s.\($0) = a.\($0)" }.joined(separator: " AND ")
    try connection.execute(
      "DELETE FROM main.\(archive.name) AS a WHERE NOT EXISTS (SELECT 1 FROM temp.\(left) AS s WHERE \(keys))"
    )
    let sum = try archive.sum(on: connection)
    return record.settled(rows: sum.count, digest: sum.text, state: .left)
  }
}
