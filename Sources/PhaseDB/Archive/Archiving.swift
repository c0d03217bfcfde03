internal import PhaseSQL
internal import PhaseSQLite

/// Makes the archives of a transition. It copies rows before the SQL runs, and keeps the changed ones after the SQL
/// ran and archived rows came back.
struct Archiving {
  private let connection: Connection
  private var works: [Work] = []
  /// The counters of AUTOINCREMENT tables that are made again: SQLite forgets a counter when its table is dropped.
  private var counters: [SchemaName: Int64] = [:]

  private struct Work {
    let id: Int64
    let archivePlan: ArchivePlan
    let table: ArchiveTable
    let counter: Int64?
    var sum = RowSum()
    /// How many rows the table had, where it counts whether all of them are archived.
    var rows = 0
    var orphans: [String] = []
    /// The columns, and the other tables, that the hash `rest` covers.
    var hashed: [SchemaName] = []
    var lookups: [ArchiveContent.Lookup] = []
  }

  /// Copies the rows that the SQL may change.
  ///
  /// - Parameters:
  ///   - archivePlans: what the transition removes.
  ///   - firstID: the number of the first archive.
  ///   - isWayBackKnown: whether the way back is fixed, as after a way up, because the ledger keeps its SQL.
  init(
    _ archivePlans: [ArchivePlan], firstID: Int64, isWayBackKnown: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.connection = connection
    for archivePlan in archivePlans {
      let counter = try SequenceCounter(of: archivePlan.table.name, on: connection).value()
      let hasRows = try Table.hasRows(archivePlan.table.name, on: connection)
      guard hasRows || counter != nil else { continue }
      let id = firstID + Int64(works.count)
      let table = ArchiveTable(
        ArchiveRecord.tableName(id), key: archivePlan.key, tracked: archivePlan.values.map(\.isTracked))
      var work = Work(id: id, archivePlan: archivePlan, table: table, counter: counter)
      if archivePlan.mayLoseRows, try Table.hasForeignKeys(archivePlan.table.name, on: connection) {
        let orphans = try ForeignKeyViolation.orphans(
          ForeignKeyViolation.all(in: [archivePlan.table.name.spelled], on: connection), on: connection)
        work.orphans = orphans.keys.sorted()
      }
      let canBeComplete = isWayBackKnown && archivePlan.successor != nil
      try connection.execute(table.definition)
      switch archivePlan.method {
      case .columns, .rows:
        try copy(&work)
        if canBeComplete { work.rows = work.sum.count }
      case .difference:
        if canBeComplete {
          work.rows = Int(try connection.value("SELECT count(*) FROM \(archivePlan.place)")?.integer ?? 0)
        }
        try connection.execute(script: archivePlan.snapshot(id))
      }
      works.append(work)
      if archivePlan.isDropped, let counter { counters[archivePlan.table.name] = counter }
    }
  }

  private func copy(_ work: inout Work) throws(SQLiteError) {
    let archivePlan = work.archivePlan
    let columns = archivePlan.columns(of: "t")
    let source = "\(archivePlan.place) AS t"
    guard archivePlan.method != .rows else {
      work.sum = try work.table.fill(columns + ["NULL", "1"], from: source, on: connection)
      return
    }
    let hash = try rest(of: &work)
    try hash.define(on: connection)
    work.sum = try work.table.fill(
      columns + [hash.call("t"), "0"], from: source + hash.joins("t"), on: connection)
  }

  /// What to hash of a row whose columns are dropped, under the names that the columns will have when the row is
  /// compared.
  private func rest(of work: inout Work) throws(SQLiteError) -> RestOfRow {
    let archivePlan = work.archivePlan
    let lost = Set(archivePlan.values.map(\.name)).union(archivePlan.key.names.map { SchemaName($0) })
    let rest = archivePlan.table.stored.filter { !lost.contains($0.name) }
    work.hashed = rest.map { archivePlan.namesAfter[$0.name] ?? $0.name }
    work.lookups = try archivePlan.lookups.described(on: connection)
    let before = Dictionary(
      archivePlan.namesAfter.map { ($1.spelled, $0.spelled) }, uniquingKeysWith: { first, _ in first })
    return RestOfRow(
      zip(work.hashed, rest).map { RestOfRow.Column(name: $0.spelled, present: $1.name) },
      work.lookups.map { lookup in
        ArchiveContent.Lookup(
          table: lookup.table, there: lookup.there, here: lookup.here.map { before[$0] ?? $0 },
          columns: lookup.columns)
      })
  }
}

extension Archiving {
  /// Archives what the SQL really removed, and drops the other copies.
  ///
  /// - Returns: the records for the ledger, to be written when the log has a row for the transition.
  func settle(_ id: PhaseID, _ phase: Phase, _ direction: Direction) throws(SQLiteError) -> [ArchiveRecord] {
    for (name, counter) in counters { try SequenceCounter(of: name, on: connection).raise(to: counter) }
    var records: [ArchiveRecord] = []
    var sums: [SchemaName: String] = [:]
    for var work in works {
      let archivePlan = work.archivePlan
      if archivePlan.method == .difference { try compare(&work) }
      let isGone = try Table(archivePlan.table.name, on: connection) == nil
      guard work.sum.count > 0 || (isGone && work.counter != nil) else {
        try connection.drop("main.\(work.table.name)")
        continue
      }
      for name in archivePlan.sources where sums[name] == nil {
        sums[name] = try Table(name, on: connection).map { table throws(SQLiteError) in
          try table.sum(on: connection).text
        }
      }
      var content = ArchiveContent(
        text: phase.tokenHash, key: archivePlan.key, lookups: work.lookups,
        columns: archivePlan.values.map {
          ArchiveContent.Column(
            name: $0.name.spelled, after: $0.after?.spelled, isTracked: $0.isTracked)
        },
        successor: archivePlan.successor.map {
          ArchiveContent.Successor(
            table: $0.table.spelled, key: $0.key.map(\.spelled), hashed: work.hashed.map(\.spelled))
        }, hasGoneRows: archivePlan.mayLoseRows, isMoved: archivePlan.isMoved,
        sources: ArchiveContent.Sources(
          archivePlan.sources.map { ArchiveContent.Sources.Source(table: $0.spelled, sum: sums[$0] ?? "") }),
        counter: work.counter)
      content.orphans = work.orphans.isEmpty ? nil : work.orphans
      content.mayReuseRowIDs = archivePlan.reuse == .possible ? true : nil
      content.isComplete = work.rows > 0 && work.sum.count == work.rows ? true : nil
      records.append(
        ArchiveRecord(
          id: work.id, phase: id, direction: direction, entry: 0, table: archivePlan.table.name.spelled,
          content: content.json, rows: work.sum.count, digest: work.sum.text, state: .kept))
    }
    return records
  }

  private func compare(_ work: inout Work) throws(SQLiteError) {
    let archivePlan = work.archivePlan
    if let successor = archivePlan.successor, let table = try Table(successor.table, on: connection) {
      work.hashed = table.stored.map(\.name).filter { !successor.key.contains($0) }
      work.lookups = try archivePlan.lookups.described(on: connection)
      let rest = RestOfRow(
        work.hashed.map { RestOfRow.Column(name: $0.spelled, present: $0) }, work.lookups)
      try rest.define(on: connection)
      try RowHash.define(ArchivePlan.valueFunction, columns: ["value"], on: connection)
      let query = archivePlan.difference(work.id, successor: table, rest: rest, marks: work.table.marks)
      work.sum = try work.table.fill(from: query, on: connection)
    }
    try connection.drop("temp.\(ArchivePlan.snapshotName(work.id))")
  }
}

/// The counter of an AUTOINCREMENT table. SQLite forgets it when the table is dropped, and then uses ids of deleted
/// rows again (sqlite.org/autoinc.html).
struct SequenceCounter {
  private let table: SchemaName
  private let connection: Connection

  init(of table: SchemaName, on connection: Connection) {
    (self.table, self.connection) = (table, connection)
  }

  /// The highest id that the table ever had; nil without AUTOINCREMENT.
  func value() throws(SQLiteError) -> Int64? {
    guard try hasCounters() else { return nil }
    return try connection.value(
      "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.spelled))?.integer
  }

  /// Raises the counter, if the table exists and has one.
  func raise(to counter: Int64) throws(SQLiteError) {
    guard try hasCounters(),
      let object = try connection.rows(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        .text(table.spelled)
      ).first, TableDefinition(object[1].text ?? "")?.hasAutoincrement == true
    else { return }
    try connection.execute(
      "UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", object[0], .integer(counter))
    if connection.changes == 0 {
      try connection.execute(
        "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)", object[0], .integer(counter))
    }
  }

  private func hasCounters() throws(SQLiteError) -> Bool {
    try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'") != nil
  }
}
