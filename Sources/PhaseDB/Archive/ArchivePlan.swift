internal import PhaseSQL
internal import PhaseSQLite

/// Says what a transition removes from the rows of one existing table, and how this is archived.
struct ArchivePlan {
  enum Method: Hashable {
    /// Only columns are dropped. Their values are copied before the SQL runs.
    case columns
    /// Every row is copied before the SQL runs, because rows cannot be followed through it.
    case rows
    /// The table is copied to a temporary one, and compared after the SQL ran. Rows that changed or are gone are
    /// archived.
    case difference
  }

  let table: Table
  let key: RowKey
  private(set) var method: Method
  let values: [Column]
  /// The table that has the rows after the transition; nil with `rows`.
  let successor: Successor?
  /// The tables from which the way back computes values for this one, by their names after the transition. It may
  /// read any of their rows.
  let sources: [SchemaName]
  /// The tables from which it reads one row for each row.
  let lookups: [Lookup]
  /// Whether the table stays or is made again, but its rows cannot be followed.
  let isMoved: Bool
  /// Whether the table is dropped, even if it is made again.
  let isDropped: Bool
  /// Whether the rows are taken in by a table that was there beside this one. Then every row is archived, or nothing would
  /// tell that one was deleted there.
  let isMerged: Bool
  /// Whether rows may be removed.
  let mayLoseRows: Bool
  /// Whether rows are deleted and others inserted whose rows have no key of their own. A new row may then have the rowid
  /// of a deleted one.
  let reuse: Reuse
  /// The names that the remaining columns have afterwards.
  let namesAfter: [SchemaName: SchemaName]

  enum Reuse {
    case none
    /// No row is updated, so a row that is another one now took the rowid of a deleted one.
    case certain
    case possible
  }

  struct Column {
    let name: SchemaName
    /// The name of the column after the transition; nil when it is gone.
    let after: SchemaName?
    /// Whether it is tracked: it stays, and the way back computes no value for it. Then it is restored only if it
    /// still has the value that the transition left.
    let isTracked: Bool
    /// Whether the same migration added it. Then its default need not be archived.
    let isYoung: Bool
  }

  struct Successor: Hashable {
    let table: SchemaName
    /// The columns of the key, in its order.
    let key: [SchemaName]
  }

  /// The error for a table whose rows have no key.
  static func impossible(_ table: SchemaName) -> MigrationError {
    MigrationError(
      .archiveImpossible,
      "the rows of \(table) cannot be identified: it has no primary key, and its columns hide every name of the rowid",
      help: [
        "give the table a primary key in a migration of its own, or rename one of the columns rowid, _rowid_ and oid"
      ])
  }
}

extension ArchivePlan {
  /// The plans for all tables from which a transition removes something.
  ///
  /// - Parameters:
  ///   - trial: what its SQL and the SQL of the way back do.
  ///   - isYoung: whether the same migration added a column of a table.
  /// - Throws: `archive-impossible` for a table whose rows nothing identifies.
  static func all(
    in trial: TransitionTrial, on connection: Connection,
    isYoung: (SchemaName, SchemaName) -> Bool = { _, _ in false }
  ) throws(MigrationError) -> [ArchivePlan] {
    var archivePlans: [ArchivePlan] = []
    for table in trial.there.tables {
      guard let origin = table.origin else { continue }
      guard table.isTakenFrom || WayBack(trial, to: origin).computesAny(of: table) else { continue }
      let archivePlan = try lifting("reading the schema") { () throws -> ArchivePlan? in
        guard let shape = try Table(origin, on: connection), shape.isKept else { return nil }
        return try ArchivePlan(of: table, shape, in: trial, on: connection, isYoung: isYoung)
      }
      if let archivePlan { archivePlans.append(archivePlan) }
    }
    return archivePlans
  }

  private init?(
    of table: TracedTable, _ shape: Table, in trial: TransitionTrial, on connection: Connection,
    isYoung: (SchemaName, SchemaName) -> Bool
  ) throws {
    let way = WayBack(trial, to: shape.name)
    guard let ownKey = try RowKey(of: shape, on: connection) else {
      throw ArchivePlan.impossible(shape.name)
    }
    var key = ownKey
    if table.outcome != nil, table.movesRows(key) {
      // The rowid does not change when another key is written.
      if key.form == .columns, !table.isRowIDUpdated, let rowID = shape.rowIDName {
        key = RowKey(.rowID, named: rowID)
      }
    }
    self.table = shape
    let successor = way.successor(of: table, key)
    isMoved = successor == nil && (table.outcome != nil || trial.there.table(to: shape.name) != nil)
    self.successor = successor
    if successor == nil, !isMoved, !way.fills, let rowID = shape.rowIDName, key.form == .columns {
      // No other row enters the table before its own rows come back, so they can keep their rowids.
      key = RowKey(.rowID, named: rowID)
    }
    self.key = key
    let isWhole = table.outcome == nil || table.losesRows || successor == nil
    let keyNames = Set(key.columns.map { SchemaName($0.name) })
    values = shape.stored.compactMap { column in
      let after =
        table.outcome != nil ? table.column(from: column.name)?.outcome : way.outcome(of: column.name)
      let isUpdated = table.column(from: column.name)?.isUpdated ?? false
      let origin = successor.flatMap { successor in
        after.map { TracedColumn.Origin(table: successor.table, column: $0) }
      }
      let isComputed = way.computes(column.name, from: origin)
      guard isWhole || after == nil || isUpdated || isComputed else { return nil }
      if keyNames.contains(column.name) {
        guard successor != nil, table.outcome == nil, way.recasts(column, of: key) else { return nil }
      }
      return Column(
        name: column.name, after: after,
        isTracked: successor != nil && after != nil && !isComputed,
        isYoung: table.outcome != nil && isYoung(shape.name, column.name))
    }
    guard isWhole || !values.isEmpty else { return nil }
    isDropped = table.outcome == nil
    isMerged =
      table.outcome == nil
      && successor.flatMap { trial.there.table(to: $0.table) }?.origin.map { $0 != shape.name }
        ?? false
    mayLoseRows = isWhole
    reuse =
      key.form != .rowID || !table.isFilledInPlace || !table.losesRows
      ? .none : table.hasUpdates || table.isRowIDUpdated ? .possible : .certain
    namesAfter = Dictionary(
      table.columns.compactMap { column in column.origin.flatMap { old in column.outcome.map { (old, $0) } }
      },
      uniquingKeysWith: { first, _ in first })
    // Rows that cannot be followed come back only if the whole row is unchanged.
    let all = successor == nil ? way.everySource(of: table) : Set(way.sources)
    sources = all.filter { $0 != successor?.table }.sorted { $0.key < $1.key }
    lookups = successor == nil ? [] : way.lookups.filter { $0.table != successor?.table }
    let lookups = lookups
    if successor == nil {
      method = .rows
    } else {
      let isPlain =
        table.outcome != nil && !table.hasUpdates && !table.losesRows && !table.hasNewColumns
        && values.allSatisfy { $0.after == nil } && lookups.allSatisfy { trial.there.leavesAlone($0.table) }
      method = isPlain ? .columns : .difference
    }
  }
}

extension ArchivePlan {
  /// The same plan for a transition that also restores values in the table: the final rows are known only after that.
  func restoredInto(_ tables: Set<FoldedName>) -> ArchivePlan {
    var archivePlan = self
    if let successor, method == .columns, tables.contains(successor.table.key) {
      archivePlan.method = .difference
    }
    return archivePlan
  }
}

extension ArchivePlan {
  /// Whether the SQL of the way back makes the rows again, from rows that cannot be followed. What it makes is seen only
  /// when it runs. The counter of an AUTOINCREMENT table that is dropped would be lost with its archive.
  var isLeftToWayBack: Bool { method == .rows && isMoved && !(isDropped && table.hasAutoincrement) }

  static let valueFunction = "phasedb_value"

  static func snapshotName(_ id: Int64) -> String { "phasedb_before_\(id)" }

  /// The SQL name of the table before the transition.
  var place: String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// The key and the values of the table under an alias.
  func columns(of alias: String) -> [String] {
    (key.names + values.map(\.name.spelled)).map { "\(alias).\(SQLText.identifier($0))" }
  }

  /// Makes the temporary copy. It is a TEMP table, so that unchanged rows are never written to the database file.
  func snapshot(_ id: Int64) -> String {
    let names = key.columns.indices.map { "k\($0 + 1)" } + values.indices.map { "v\($0 + 1)" }
    let definitions = names.map { key.isNumber && $0 == "k1" ? "k1 INTEGER PRIMARY KEY" : $0 }
    var query = "SELECT \(columns(of: "t").joined(separator: ", ")) FROM \(place) AS t"
    if !mayLoseRows, values.allSatisfy({ defaultOfYoung($0) != nil }) {
      let told = values.compactMap { column in
        defaultOfYoung(column).map { "t.\(SQLText.identifier(column.name.spelled)) IS NOT \($0)" }
      }
      query += " WHERE \(told.joined(separator: " OR "))"
    }
    return """
      CREATE TEMP TABLE \(Self.snapshotName(id)) (\(definitions.joined(separator: ", ")));
      INSERT INTO temp.\(Self.snapshotName(id)) \(query);
      """
  }

  /// The query for the archive: the rows that differ afterwards.
  ///
  /// - Parameters:
  ///   - successor: where the rows are now.
  ///   - rest: the parts of them that are hashed.
  ///   - marks: the names of the hashes of tracked values in the archive.
  func difference(
    _ id: Int64, successor: Table, rest: RestOfRow, marks: [String?]
  ) -> String {
    let present = (self.successor?.key ?? []).map { "n.\(SQLText.identifier($0.spelled))" }
    let others =
      reuse != .certain
      ? []
      : values.enumerated().compactMap { index, column in
        column.after.map { RowMatch.differs("s.v\(index + 1)", "n.\(SQLText.identifier($0.spelled))") }
      }
    let isGone = "(\((["\(present[0]) IS NULL"] + others).joined(separator: " OR ")))"
    // A key may match without being identical. It is archived as it is now, because that is how the row will be
    // found. A number stays a number, because the archive uses it as its rowid.
    let keys = present.enumerated().map {
      key.isNumber
        ? "s.k1"
        : "CASE WHEN \(isGone) THEN s.k\($0.offset + 1) ELSE \($0.element) END AS k\($0.offset + 1)"
    }
    let kept = values.indices.map { "s.v\($0 + 1) AS v\($0 + 1)" }
    let tracked = zip(values, marks).compactMap { column, mark in
      mark.flatMap { mark in
        column.after.map {
          "CASE WHEN \(isGone) THEN NULL ELSE \(Self.valueFunction)(n.\(SQLText.identifier($0.spelled))) END AS \(mark)"
        }
      }
    }
    let columns =
      keys + kept + tracked + [
        "CASE WHEN \(isGone) THEN NULL ELSE \(rest.call("n")) END AS rest", "\(isGone) AS gone",
      ]
    return """
      SELECT \(columns.joined(separator: ", ")) FROM temp.\(Self.snapshotName(id)) AS s
      \(mayLoseRows ? "LEFT " : "")JOIN main.\(SQLText.identifier(successor.name.spelled)) AS n
      ON \(RowMatch.condition(self.successor?.key ?? [], in: successor, as: "n", against: "s"))\(rest.joins("n"))
      WHERE \(([isGone] + differences).joined(separator: " OR "))
      """
  }

  /// The SQL that tells for each value whether to archive it: it changed, or the way back would change it. Values
  /// that compare as equal may have different types.
  private var differences: [String] {
    if isMerged { return ["1"] }
    return values.enumerated().map { index, column in
      // If the way back computes the value again, unchanged values have to be archived, too.
      guard let after = column.after, column.isTracked else {
        return defaultOfYoung(column).map { "s.v\(index + 1) IS NOT \($0)" } ?? "1"
      }
      let (old, new) = ("s.v\(index + 1)", "n.\(SQLText.identifier(after.spelled))")
      let isOther = RowMatch.differs(old, new)
      guard let value = defaultOfYoung(column) else { return isOther }
      return "(\(old) IS NOT \(value) AND \(isOther))"
    }
  }

  /// The default, as SQL, of a column that the same migration added; nil for other columns, and when it is unknown.
  private func defaultOfYoung(_ column: Column) -> String? {
    guard column.isYoung, column.after != nil else { return nil }
    guard let value = table.column(column.name)?.defaultValue else { return "NULL" }
    // In a DEFAULT clause, and only there, SQLite treats a bare name as a text.
    let isLiteral = SQLTokens(value).allSatisfy {
      [.number, .string, .blob, .punctuation, .space].contains($0.kind)
    }
    return isLiteral ? "(\(value))" : nil
  }
}
