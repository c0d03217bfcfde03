internal import PhaseSQL
internal import PhaseSQLite

/// What a transition takes from the rows of one table that was there before it, and how the archive comes to it.
struct ArchivePlan {
  enum Method: Hashable {
    /// The columns that are dropped, copied before the SQL runs: nothing else of the table changes.
    case columns
    /// Every row, copied before the SQL runs: no row of it can be followed to one afterwards.
    case rows
    /// A copy beside, compared after the SQL ran: what differs then, or has no row any more, is archived.
    case difference
  }

  let table: Table
  let key: RowKey
  private(set) var method: Method
  let values: [Column]
  /// The table in which its rows go on after the transition; nil with `rows`.
  let successor: Successor?
  /// What tables are called after the transition from which the way back makes values for this one, whichever row of
  /// them it reads.
  let sources: [SchemaName]
  /// Those of which it reads one row for each row.
  let lookups: [Lookup]
  /// Whether the table stays or is made again, with rows that cannot be followed.
  let isMoved: Bool
  /// Whether the table is dropped, be it made again or not.
  let isDropped: Bool
  /// Whether rows may be gone afterwards.
  let mayLoseRows: Bool
  /// What the columns that stay in place are called afterwards.
  let namesAfter: [SchemaName: SchemaName]

  struct Column {
    let name: SchemaName
    /// What it is called after the transition; nil when it is gone.
    let after: SchemaName?
    /// Whether it goes on, and the way back computes no value for it: then it is restored only while it holds what the
    /// transition left there.
    let isTracked: Bool
    /// Whether it came with the same migration, so that its default is no value to be kept.
    let isYoung: Bool
  }

  struct Successor: Hashable {
    let table: SchemaName
    /// In the order of the key.
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
  /// Everything that a transition takes.
  ///
  /// - Parameters:
  ///   - trial: what its SQL and that of the way back do.
  ///   - isYoung: whether a column of a table came with the same migration.
  /// - Throws: `archive-impossible` for a table whose rows have nothing to be known by.
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
      // The rowid stays where it is when another key is written.
      if key.form == .columns, !table.isRowIDUpdated, let rowID = shape.rowIDName {
        key = RowKey(.rowID, named: rowID)
      }
    }
    self.table = shape
    let successor = way.successor(of: table, key)
    isMoved = successor == nil && (table.outcome != nil || trial.there.table(to: shape.name) != nil)
    self.successor = successor
    if successor == nil, !isMoved, !way.fills, let rowID = shape.rowIDName, key.form == .columns {
      // Nothing else comes into the table before its rows do, so they come back with their rowids, too.
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
    mayLoseRows = isWhole
    namesAfter = Dictionary(
      table.columns.compactMap { column in column.origin.flatMap { old in column.outcome.map { (old, $0) } }
      },
      uniquingKeysWith: { first, _ in first })
    // Rows that cannot be followed come back only where the whole row is untouched.
    let itself =
      (isMoved ? [table.outcome ?? shape.name] : []) + (successor == nil ? way.lookups.map(\.table) : [])
    sources = Set(way.sources + itself).filter { $0 != successor?.table }.sorted { $0.key < $1.key }
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
  /// The same in a transition that also puts values back into tables: what it leaves of a row is known only afterwards.
  func restoredInto(_ tables: Set<FoldedName>) -> ArchivePlan {
    var archivePlan = self
    if let successor, method == .columns, tables.contains(successor.table.key) {
      archivePlan.method = .difference
    }
    return archivePlan
  }
}

extension ArchivePlan {
  static let valueFunction = "phasedb_value"

  static func snapshotName(_ id: Int64) -> String { "phasedb_before_\(id)" }

  /// The table, where it is before the transition.
  var place: String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// Key and values as an archive calls them, of the table under an alias.
  func columns(of alias: String) -> [String] {
    let keys = key.names.enumerated().map {
      "\(alias).\(SQLText.identifier($0.element)) AS k\($0.offset + 1)"
    }
    let values = values.enumerated().map {
      "\(alias).\(SQLText.identifier($0.element.name.spelled)) AS v\($0.offset + 1)"
    }
    return keys + values
  }

  /// Makes the copy beside. It is a TEMP table: what turns out not to have changed never goes into the file.
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

  /// What is different afterwards, as a query for the archive.
  ///
  /// - Parameters:
  ///   - successor: where the rows are now.
  ///   - rest: what is hashed of them.
  ///   - marks: what the archive calls the hashes of tracked values.
  func difference(
    _ id: Int64, successor: Table, rest: RestOfRow, marks: [String?]
  ) -> String {
    let present = (self.successor?.key ?? []).map { "n.\(SQLText.identifier($0.spelled))" }
    let isGone = "\(present[0]) IS NULL"
    // A key that matches without being the same is kept as it is now, because that is how the row will be found. A number
    // stays one: the archive holds nothing else as its rowid.
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

  /// For each value, whether it is to be kept: it is another one now, or the way back makes another one of it. What
  /// compares as equal may be of another type.
  private var differences: [String] {
    values.enumerated().map { index, column in
      // Where the way back computes a value anew, what was not changed has to come back, too.
      guard let after = column.after, column.isTracked else {
        return defaultOfYoung(column).map { "s.v\(index + 1) IS NOT \($0)" } ?? "1"
      }
      let (old, new) = ("s.v\(index + 1)", "n.\(SQLText.identifier(after.spelled))")
      let isOther = RowMatch.differs(old, new)
      guard let value = defaultOfYoung(column) else { return isOther }
      return "(\(old) IS NOT \(value) AND \(isOther))"
    }
  }

  /// The default, as SQL, of a column that came with the same migration; nil when it is not one or cannot be told.
  private func defaultOfYoung(_ column: Column) -> String? {
    guard column.isYoung, column.after != nil else { return nil }
    guard let value = table.column(column.name)?.defaultValue else { return "NULL" }
    // SQLite takes a bare name for a text here and nowhere else.
    let isLiteral = SQLTokens(value).allSatisfy {
      [.number, .string, .blob, .punctuation, .space].contains($0.kind)
    }
    return isLiteral ? "(\(value))" : nil
  }
}
