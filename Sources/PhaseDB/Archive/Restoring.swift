internal import PhaseSQL
internal import PhaseSQLite

/// Restores the archives of a transition. It checks them before the SQL runs, and uses them after it.
struct Restoring {
  private let connection: Connection
  private var works: [RestoringWork] = []
  private var supplements: [SupplementWork] = []
  /// Whether to find rows to which the SQL alone gives wrong values.
  private let looksForCorrections: Bool
  /// Rows to which the SQL alone gives wrong values.
  private(set) var corrections: [TableDifference] = []
  private var lookedAt: Set<Int64> = []
  /// The archives whose values came back while a table was rebuilt.
  private var readDuringRebuild: Set<Int64> = []

  /// Checks the archives and lists the rows that have changed since.
  ///
  /// - Parameters:
  ///   - archives: the archives that the opposite transition of the same phase made.
  ///   - phase: the present phase.
  ///   - trace: what this transition's SQL does.
  ///   - comparisons: of verified archives with the present rows, as far as that is known.
  ///   - looksForCorrections: whether to find ``corrections``, which takes a look at every archived row.
  /// - Throws: `archive-missing`, `archive-altered`.
  init(
    _ archives: [ArchiveRecord], _ phase: Phase, _ trace: ScriptTrace,
    knowing comparisons: [Int64: ArchiveComparison] = [:], looksForCorrections: Bool,
    on connection: Connection
  ) throws(MigrationError) {
    self.connection = connection
    self.looksForCorrections = looksForCorrections
    for record in archives {
      let content = try ArchiveContent(record)
      let table = ArchiveTable(record, content)
      let comparison = comparisons[record.id]
      if comparison == nil { try table.verify(record, on: connection) }
      let isUntouched = comparison?.isUntouched == true
      try lifting("comparing rows with archive \(record.id)") { () in
        if content.isSupplement == true {
          supplements.append(
            try SupplementWork(record, content, table, isUntouched: isUntouched, on: connection))
        } else {
          works.append(
            try RestoringWork(
              record, content, table, trace, isSameText: content.text == phase.tokenHash,
              isUntouched: isUntouched, on: connection))
        }
      }
    }
  }

  /// How to read a table while it is rebuilt, so that its archived values come back in the same pass.
  mutating func reading(for table: TableRebuild) throws(MigrationError) -> TableRebuild.Reading {
    for index in works.indices where SchemaName(works[index].record.table) == table.table {
      try lookForCorrections(of: works[index])
      let reading = try lifting("reading archive \(works[index].record.id)") { () in
        try works[index].reading(for: table, on: connection)
      }
      if let reading {
        readDuringRebuild.insert(works[index].record.id)
        return reading
      }
    }
    return TableRebuild.Reading()
  }

  /// Restores values and rows. No trigger fires, because triggers already acted when the rows were written.
  ///
  /// - Returns: the archives that still have rows, and the numbers of those that are empty now.
  /// - Throws: `reversal-blocked` when present rows conflict with restored ones.
  mutating func finish() throws(MigrationError) -> (left: [ArchiveRecord], used: [Int64]) {
    connection.turn(.triggers, on: false)
    defer { connection.turn(.triggers, on: true) }
    var (left, used): ([ArchiveRecord], [Int64]) = ([], [])
    func take(_ record: ArchiveRecord, _ rest: ArchiveRecord?) {
      if let rest { left.append(rest) } else { used.append(record.id) }
    }
    for index in works.indices {
      try lookForCorrections(of: works[index])
      let record = works[index].record
      try restoring(record) { () throws(SQLiteError) in
        try works[index].restore(valuesAreBack: readDuringRebuild.contains(record.id), on: connection)
      }
    }
    // A row that is removed may be the parent of others.
    var hasOrphans = !works.isEmpty
    while hasOrphans {
      hasOrphans = false
      for index in works.indices {
        let taken = try restoring(works[index].record) { () throws(SQLiteError) in
          try works[index].takeOutOrphans(on: connection)
        }
        if taken > 0 { hasOrphans = true }
      }
    }
    for work in works {
      take(
        work.record,
        try restoring(work.record) { () throws(SQLiteError) in try work.finish(on: connection) })
    }
    for work in supplements {
      if looksForCorrections {
        let found = try lifting("comparing what the SQL left in \(work.record.table)") { () in
          try work.corrections(limit: Self.shownRows, on: connection)
        }
        if let found { corrections.append(found) }
      }
      take(
        work.record, try restoring(work.record) { () throws(SQLiteError) in try work.restore(on: connection) }
      )
    }
    return (left, used)
  }

  private func restoring<Result>(
    _ record: ArchiveRecord, _ body: () throws(SQLiteError) -> Result
  ) throws(MigrationError) -> Result {
    do throws(SQLiteError) {
      return try body()
    } catch  where error.code.primary == .constraint {
      throw MigrationError(
        .reversalBlocked,
        "what \(record.phase) \(record.direction.rawValue) took from \(record.table) cannot come back: \(error.message)",
        help: [
          record.direction == .up
            ? "change or delete the rows that have its keys now, then run: phasedb down"
            : "change or delete the rows that have its keys now, then run: phasedb up"
        ])
    } catch {
      throw MigrationError(error, while: "restoring \(record.table) from archive \(record.id)")
    }
  }

  /// This runs while the table still has the values of the SQL.
  private mutating func lookForCorrections(of work: RestoringWork) throws(MigrationError) {
    guard looksForCorrections, lookedAt.insert(work.record.id).inserted else { return }
    let found = try lifting("comparing what the SQL left in \(work.record.table)") { () in
      try work.corrections(limit: Self.shownRows, on: connection)
    }
    if let found { corrections.append(found) }
  }

  private static let shownRows = 10

  /// The foreign keys of rows that may come back without a parent, because they had none when they were archived.
  var orphans: Set<String> { Set(works.flatMap { $0.content.orphans ?? [] }) }

  /// The tables that get rows or values back.
  var tables: Set<FoldedName> {
    Set((works.map(\.record) + supplements.map(\.record)).map { SchemaName($0.table).key })
  }
}

extension ArchiveTable {
  /// Checks that an archive has the rows that were put into it.
  ///
  /// - Throws: `archive-missing`, `archive-altered`.
  func verify(_ record: ArchiveRecord, on connection: Connection) throws(MigrationError) {
    let columns = try lifting("looking for archive \(record.id)") { () in
      try Table.columnNames(of: SchemaName(name), on: connection).map(\.spelled)
    }
    guard !columns.isEmpty else {
      throw MigrationError(
        .archiveMissing,
        "\(name) is gone, which held what \(record.phase) \(record.direction.rawValue) took from \(record.table)",
        help: [
          "restore the table from a backup of the database: without it \(DetailLines.rows(record.rows)) cannot be restored"
        ])
    }
    let sum = try lifting("checking archive \(record.id)") { () in
      columns == self.columns ? try self.sum(on: connection).text : ""
    }
    guard sum == record.digest else {
      throw MigrationError(
        .archiveAltered,
        "\(name) was changed: it is not what \(record.phase) \(record.direction.rawValue) took from \(record.table)",
        help: ["restore the table from a backup of the database"])
    }
  }
}
