internal import PhaseSQL
internal import PhaseSQLite

/// Predicts, for one archive, which rows would not come back if the way back ran now.
struct ArchiveForecast {
  private let record: ArchiveRecord
  private let content: ArchiveContent
  private let trace: ScriptTrace
  private let laterChanges: LaterChanges?

  /// - Parameter laterChanges: what later phases did; nil when there are none.
  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ trace: ScriptTrace,
    _ laterChanges: LaterChanges? = nil
  ) {
    self.record = record
    self.content = content
    self.trace = trace
    self.laterChanges = laterChanges
  }

  /// The table that has the rows now; nil when they cannot be followed.
  var successor: SchemaName? { content.successor.map { SchemaName($0.table) } }

  /// The forecast for the rows of an archive.
  struct Outlook {
    /// Rows that would not come back.
    var lost: [Affected] = []
    /// Rows whose key another row has now. A run of the way back shows better which of them do not come back.
    var taken: [Affected] = []
    /// Rows that are computed again from a table that changed since. A run of the way back shows which of them come back.
    var recomputed: [Affected] = []
    /// Rows that changed since then, and get the values that the way back computes.
    var computed: [Affected] = []
    /// Rows that may get the values of other rows.
    var others: [Affected] = []
    /// How the rows of the archive compare with the present ones; nil when that was not asked.
    var comparison: ArchiveComparison?
    /// Whether every row that the archive can compare was seen to be there still, unchanged.
    var isUntouched = false
    /// Whether rows may have changed that cannot be compared, because a later phase wrote what they are compared by.
    var isOpen = false
  }

  func outlook(on connection: Connection) throws(SQLiteError) -> Outlook {
    var outlook = Outlook()
    guard content.isFollowed(by: trace, to: SchemaName(record.table)) else {
      outlook.lost = [affected(nil, record.rows, "the way back gives its rows other rowids")]
      return outlook
    }
    let computed = content.columns.filter {
      trace.computes(SchemaName($0.name), of: SchemaName(record.table), from: content.origin(of: $0))
    }
    outlook.taken = try takenPlaces(on: connection)
    if laterChanges != nil, !outlook.taken.isEmpty {
      // A later phase may have put them there.
      (outlook.taken, outlook.isOpen) = ([], true)
    }
    if let changed = try content.changedSource(on: connection) {
      if let laterChanges, !laterChanges.hasLeftAlone(SchemaName(changed)) {
        outlook.isOpen = true
      } else if content.successor == nil {
        outlook.recomputed.append(
          affected(
            nil, record.rows,
            "these rows are computed again from \(changed), which changed since"))
      } else {
        outlook.computed = computed.map {
          affected(
            $0.name, record.rows,
            "the way back computes it from \(changed), which \(content.knowsSource(changed) ? "changed since" : "may have changed")"
          )
        }
      }
      return outlook
    }
    guard let successor = content.successor else { return outlook }
    guard let table = try Table(SchemaName(successor.table), on: connection) else {
      // Its rows changed before a later phase dropped it, or they did not.
      outlook.isOpen = true
      return outlook
    }
    guard let places = places(in: table.name, successor) else {
      outlook.isOpen = true
      // What a later phase wrote, its way back gives back first.
      guard laterChanges?.hasWritten(table.name) != true else { return outlook }
      outlook.computed = computed.map {
        affected(
          $0.name, nil,
          "the way back computes it for rows that changed since; a rehearsal of the way back counts them")
      }
      return outlook
    }
    if places.values.contains(where: { $0.name != nil && $0.archive != nil }) { outlook.isOpen = true }
    guard !computed.isEmpty || !successor.hashed.isEmpty else { return outlook }
    let comparison = try comparison(table, successor, places, on: connection)
    if laterChanges == nil { outlook.comparison = comparison }
    if !computed.isEmpty {
      if comparison.changed > 0 {
        outlook.computed = computed.map {
          affected($0.name, comparison.changed, "the rows changed since, so the way back computes it")
        }
      }
    } else {
      let rows = try otherRows(comparison, table, successor, places, on: connection)
      if rows > 0 {
        outlook.others = content.columns.map {
          affected(
            $0.name, rows,
            "the rows changed since, or other rows have their keys now; the archived value comes back")
        }
      }
    }
    guard !successor.hashed.isEmpty else { return outlook }
    if content.mayReuseRowIDs == true, comparison.absent > 0 {
      outlook.others.append(
        affected(
          nil, comparison.absent,
          "the phase may have deleted them and given their rowids to new rows, which were deleted since"))
    }
    if content.isComplete == true {
      let moved =
        comparison.isUntouched ? nil : try followedRows(table, successor, places, on: connection)
      outlook.isUntouched = moved == nil && laterChanges == nil
      if let moved, moved > 0 {
        outlook.others += content.columns.map {
          affected(
            $0.name, moved,
            "other rows hold now what these held: the keys were changed, or the values")
        }
      }
    } else if comparison.absent > 0 {
      guard laterChanges == nil else {
        outlook.isOpen = true
        return outlook
      }
      let moved = try movedRows(table, successor, on: connection)
      if moved > 0 {
        outlook.lost += content.columns.map { affected($0.name, moved, "the rows have another key now") }
      }
    }
    return outlook
  }

  typealias Affected = Reversal.AffectedRows

  /// Whether the archive has every present row of the table, unchanged. Then no row was added or changed since.
  ///
  /// - Parameter outlook: what ``outlook(on:)`` gave for the same rows.
  func hasEveryRow(_ outlook: Outlook, on connection: Connection) throws(SQLiteError) -> Bool {
    guard content.isComplete == true, let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection)
    else { return false }
    let comparison: ArchiveComparison
    if let known = outlook.comparison {
      comparison = known
    } else {
      comparison = try self.comparison(table, successor, [:], on: connection)
    }
    let rows = try connection.value("SELECT count(*) FROM main.\(SQLText.identifier(table.name.spelled))")
    return comparison.changed == 0 && rows == .integer(Int64(comparison.rows - comparison.absent))
  }

  /// Rows that the phase removed, and whose key another row has now. They cannot come back under their key.
  private func takenPlaces(on connection: Connection) throws(SQLiteError) -> [Affected] {
    // The way back leaves the rows where they are, or copies them from there.
    guard content.hasGoneRows, let successor = content.successor,
      let table = try Table(SchemaName(successor.table), on: connection)
    else { return [] }
    let key = successor.key.map { SchemaName($0) }
    // If no column shows the rowid, the row can come back under another rowid.
    guard content.key.form != .rowID, key.allSatisfy({ table.column($0) != nil }) else { return [] }
    let count = try connection.value(
      """
      SELECT count(*) FROM main.\(record.tableName) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(RowMatch.condition(key, in: table, as: "n", against: "a")) WHERE a.gone
      """)
    let rows = Int(count?.integer ?? 0)
    return rows == 0 ? [] : [affected(nil, rows, "another row has the key now")]
  }

  /// How many rows that the phase removed are still missing after the way back, and how many of these have lost their key to
  /// another row.
  func staysGone(
    in left: ArchiveRecord, on connection: Connection
  ) throws(SQLiteError) -> (all: Int, taken: Int) {
    var isTaken = "0"
    if let table = try Table(SchemaName(record.table), on: connection) {
      let key = content.key.names.map { SchemaName($0) }
      isTaken = """
        EXISTS (SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) AS t
        WHERE \(RowMatch.condition(key, in: table, as: "t", against: "a")))
        """
    }
    let counts = try connection.rows(
      "SELECT count(*), total(\(isTaken)) FROM main.\(left.tableName) AS a WHERE gone")[0]
    return (Int(counts[0].integer ?? 0), Int(counts[1].number ?? 0))
  }

  /// Rows of a table that the phase merged into another one, and that were deleted there. They would not come back.
  ///
  /// - Parameter former: the schema to which the way back leads: the other table was there beside this one.
  func merged(
    in former: Schema, on connection: Connection
  ) throws(SQLiteError) -> Affected? {
    guard let successor, successor != SchemaName(record.table), former.table(successor) != nil,
      let table = try Table(successor, on: connection)
    else { return nil }
    let key = (content.successor?.key ?? []).map { SchemaName($0) }
    let count = try connection.value(
      """
      SELECT count(*) FROM main.\(record.tableName) AS a WHERE a.gone = 0 AND NOT EXISTS (
        SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) AS n
        WHERE \(RowMatch.condition(key, in: table, as: "n", against: "a")))
      """)
    let rows = Int(count?.integer ?? 0)
    return rows == 0
      ? nil : affected(nil, rows, "the rows of \(table.name) into which the phase merged them were deleted")
  }

  /// Archived rows whose parents are gone. They would not come back.
  ///
  /// - Parameters:
  ///   - former: the schema to which the way back leads.
  ///   - returning: tables whose rows come back with it.
  func orphans(
    in former: Schema, returning: Set<SchemaName>, on connection: Connection
  ) throws(SQLiteError) -> [Affected] {
    guard content.hasGoneRows, let table = former.table(SchemaName(record.table)) else { return [] }
    let archive = ArchiveTable(record, content)
    var conditions: [String] = []
    for key in table.foreignKeys where !returning.contains(key.parent) {
      guard let parent = try Table(key.parent, on: connection) else { continue }
      let there =
        key.parentColumns.isEmpty
        ? (parent.primaryKey?.names ?? []).map { SchemaName($0) } : key.parentColumns
      let here = key.columns.compactMap { column in
        content.columns.firstIndex { SchemaName($0.name) == column }.map { "a.\(archive.values[$0])" }
          ?? content.key.names.firstIndex { SchemaName($0) == column }.map { "a.\(archive.keys[$0])" }
      }
      guard !here.isEmpty, here.count == key.columns.count, there.count == here.count else { continue }
      let pairs = zip(there, here).map { "p.\(SQLText.identifier($0.spelled)) = +\($1)" }
      let isTold = here.map { "\($0) IS NOT NULL" }
      conditions.append(
        "(\(isTold.joined(separator: " AND ")) AND NOT EXISTS (SELECT 1 FROM main.\(SQLText.identifier(parent.name.spelled)) AS p WHERE \(pairs.joined(separator: " AND "))))"
      )
    }
    guard !conditions.isEmpty else { return [] }
    let count = try connection.value(
      "SELECT count(*) FROM main.\(archive.name) AS a WHERE a.gone AND (\(conditions.joined(separator: " OR ")))"
    )
    let rows = Int(count?.integer ?? 0)
    return rows == 0 ? [] : [affected(nil, rows, "the parents of these rows are gone")]
  }

  /// How many rows have another value in a column than the archive, after the way back ran.
  ///
  /// - Parameter left: the archive after the way back.
  func others(
    than column: String, in left: ArchiveRecord, on connection: Connection
  ) throws(SQLiteError) -> Int {
    guard let index = content.columns.firstIndex(where: { $0.name == column }),
      let table = try Table(SchemaName(record.table), on: connection),
      table.column(SchemaName(column)) != nil
    else { return left.rows }
    let archive = ArchiveTable(left, content)
    let key = content.key.names.map { SchemaName($0) }
    let value = "t.\(SQLText.identifier(column))"
    let count = try connection.value(
      """
      SELECT count(*) FROM main.\(archive.name) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS t
      ON \(RowMatch.condition(key, in: table, as: "t", against: "a")) WHERE a.gone = 0
      AND \(RowMatch.differs("a.\(archive.values[index])", value))
      """)
    return Int(count?.integer ?? 0)
  }

  /// How many archived rows `MovedKeys` finds under another key, or that could be any of several equal rows. They might
  /// also have been deleted while other rows got the same values. nil when every row is unchanged under its own key.
  private func followedRows(
    _ table: Table, _ successor: ArchiveContent.Successor, _ places: [SchemaName: LaterChanges.Place],
    on connection: Connection
  ) throws(SQLiteError) -> Int? {
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, at: places, by: key)
    guard try row.isReadable(in: table, on: connection) else { return 0 }
    try row.define(on: connection)
    let archive = ArchiveTable(record, content)
    let place = "main.\(SQLText.identifier(table.name.spelled)) AS n"
    let present = key.map { "n.\(SQLText.identifier($0.spelled))" }
    let columns = zip(present, archive.keys).map { "\($0) AS \($1)" }.joined(separator: ", ")
    let found = RowMatch.condition(key, in: table, as: "n", against: "a")
    // With a LIMIT no hash is computed twice (sqlite.org/optoverview.html#subquery_flattening).
    let elsewhere = """
      f AS (SELECT * FROM (
        SELECT a.rest AS rest, \(present[0]) IS NULL AS isAbsent, \(row.call("n")) AS own FROM main.\(archive.name) AS a
        LEFT JOIN \(place) ON \(found)\(row.joins("n")) WHERE a.gone = 0 AND a.rest IS NOT NULL LIMIT -1)
        WHERE isAbsent OR own IS NOT rest)
      """
    guard try connection.value("WITH \(elsewhere) SELECT 1 FROM f LIMIT 1") != nil else { return nil }
    // Rows without a key get other rowids by VACUUM, which keeps their order.
    let isDoubtful =
      content.key.form == .rowID
      ? "f.isAbsent AND f.c <> t.c"
      : "f.isAbsent AND t.born > 0 OR f.c = 1 AND t.c = 1 AND f.own IN (SELECT rest FROM f)"
    let known = "FROM main.\(archive.name) AS b WHERE b.gone = 0"
    let count = try connection.value(
      """
      WITH \(elsewhere), t AS (
        SELECT rest, count(*) AS c, sum(\(ArchiveTable.not(archive.isAmong("p", source: known)))) AS born
        FROM (SELECT \(columns), \(row.call("n")) AS rest FROM \(place)\(row.joins("n")) LIMIT -1) AS p
        WHERE \(ArchiveTable.not(archive.isAmong("p", "rest", source: known))) GROUP BY rest)
      SELECT count(*) FROM (SELECT *, count(*) OVER (PARTITION BY rest) AS c FROM f) AS f JOIN t ON t.rest = f.rest
      WHERE \(isDoubtful)
      """)
    return Int(count?.integer ?? 0)
  }

  /// Rows that now have another key and are otherwise unchanged.
  private func movedRows(
    _ table: Table, _ successor: ArchiveContent.Successor, on connection: Connection
  ) throws(SQLiteError) -> Int {
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, by: key)
    guard try row.isReadable(in: table, on: connection) else { return 0 }
    try row.define(on: connection)
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    let isSame = RowMatch.condition(key, in: table, as: "n", against: "a")
    let present = key.map { "n.\(SQLText.identifier($0.spelled)) COLLATE BINARY" }.joined(separator: ", ")
    let known = ArchiveTable(record, content).keys.joined(separator: ", ")
    let count = try connection.value(
      """
      SELECT count(*) FROM main.\(record.tableName) AS a WHERE a.gone = 0
      AND NOT EXISTS (SELECT 1 FROM \(place) AS n WHERE \(isSame))
      AND a.rest IN (SELECT \(row.call("n")) FROM \(place) AS n\(row.joins("n"))
        WHERE \(ArchiveTable.not("(\(present)) IN (SELECT \(known) FROM main.\(record.tableName))")))
      """)
    return Int(count?.integer ?? 0)
  }

  private func affected(_ column: String?, _ rows: Int?, _ why: Prose) -> Affected {
    Affected(table: record.table, column: column, rows: rows, why: why)
  }

  /// Where the compared columns are now; empty when they have not moved, nil when that is unknown.
  private func places(
    in table: SchemaName, _ successor: ArchiveContent.Successor
  ) -> [SchemaName: LaterChanges.Place]? {
    guard let laterChanges else { return [:] }
    let key = successor.key.map { SchemaName($0) }
    var places: [SchemaName: LaterChanges.Place] = [:]
    for column in successor.hashed.map({ SchemaName($0) }) {
      guard let place = laterChanges.place(of: column, in: table, by: key) else { return nil }
      places[column] = place
    }
    let isKeyed =
      content.key.form == .rowID
      ? !laterChanges.hasRenumbered(table) : laterChanges.hasLeftAlone(key, of: table, hasAllRows: false)
    let others = content.lookups.allSatisfy { lookup in
      laterChanges.hasLeftAlone(
        (lookup.there + lookup.columns).map { SchemaName($0) }, of: SchemaName(lookup.table))
        && laterChanges.hasLeftAlone(lookup.here.map { SchemaName($0) }, of: table)
    }
    return isKeyed && others ? places : nil
  }

  /// One scan, because each table may be large.
  private func comparison(
    _ table: Table, _ successor: ArchiveContent.Successor, _ places: [SchemaName: LaterChanges.Place],
    on connection: Connection
  ) throws(SQLiteError) -> ArchiveComparison {
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, at: places, by: key)
    let isReadable = try row.isReadable(in: table, on: connection)
    try row.define(on: connection)
    let isAbsent = "n.\(SQLText.identifier(successor.key[0])) IS NULL"
    let counts = try connection.rows(
      """
      SELECT count(*), count(*) FILTER (WHERE \(isAbsent)),
      count(*) FILTER (WHERE NOT \(isAbsent) AND \(isReadable ? "\(row.call("n")) IS NOT a.rest" : "1"))
      FROM main.\(record.tableName) AS a LEFT JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(RowMatch.condition(key, in: table, as: "n", against: "a"))\(isReadable ? row.joins("n") : "")
      WHERE a.gone = 0
      """)[0].map { Int($0.integer ?? 0) }
    return ArchiveComparison(
      rows: counts[0], absent: counts[1], changed: counts[2], isReadable: isReadable)
  }

  /// How many of the changed rows may have been deleted and inserted again. SQLite gives a new row the highest key plus
  /// one, so a row below an unchanged row is not a new one (sqlite.org/autoinc.html).
  private func otherRows(
    _ comparison: ArchiveComparison, _ table: Table, _ successor: ArchiveContent.Successor,
    _ places: [SchemaName: LaterChanges.Place], on connection: Connection
  ) throws(SQLiteError) -> Int {
    guard comparison.changed > 0, content.key.isNumber else { return comparison.changed }
    guard !table.hasAutoincrement else { return 0 }
    guard comparison.isReadable else { return comparison.changed }
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, at: places, by: key)
    try row.define(on: connection)
    let rows = """
      FROM main.\(record.tableName) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(RowMatch.condition(key, in: table, as: "n", against: "a"))\(row.joins("n")) WHERE a.gone = 0
      """
    let lastUnchanged =
      "coalesce((SELECT max(a.k1) \(rows) AND \(row.call("n")) IS a.rest), -9223372036854775808)"
    let count = try connection.value(
      "SELECT count(*) \(rows) AND \(row.call("n")) IS NOT a.rest AND a.k1 > \(lastUnchanged)")
    return Int(count?.integer ?? 0)
  }
}

/// How the rows of an archive compare with those that its table has now under their keys.
struct ArchiveComparison: Hashable, Sendable {
  /// The rows that the transition kept.
  let rows: Int
  /// Those whose key no row has now.
  let absent: Int
  /// Those under whose key the row is not the same.
  let changed: Int
  /// Whether the table still has what rows are compared by. If not, all that are not absent count as changed.
  let isReadable: Bool

  /// Whether each of them is there, under its key and unchanged.
  var isUntouched: Bool { isReadable && absent == 0 && changed == 0 }
}
