internal import PhaseSQLite

/// What of one archive would not come back if the way back ran now.
struct Shortfall {
  private let record: ArchiveRecord
  private let content: ArchiveContent
  private let trace: ScriptTrace
  private let aftermath: Aftermath?

  /// - Parameter aftermath: what the phases after the archive's own did; nil when it is the last.
  init(
    _ record: ArchiveRecord, _ content: ArchiveContent, _ trace: ScriptTrace, _ aftermath: Aftermath? = nil
  ) {
    self.record = record
    self.content = content
    self.trace = trace
    self.aftermath = aftermath
  }

  func lost(on connection: Connection) throws(SQLiteError) -> [Reversal.LostValues] {
    let computed = content.columns.filter {
      trace.computes(SchemaName($0.name), of: SchemaName(record.table), from: content.origin(of: $0))
    }
    guard content.isFollowed(by: trace, to: SchemaName(record.table)) else {
      return [lost(nil, record.rows, "the way back gives its rows other rowids")]
    }
    if let changed = try content.changedSource(on: connection) {
      if content.successor == nil {
        return [
          lost(
            nil, record.rows,
            "rows that cannot be followed are made again from \(changed), which changed since")
        ]
      }
      return computed.map {
        lost($0.name, record.rows, "the way back computes it from \(changed), which changed since")
      }
    }
    guard !computed.isEmpty, let successor = content.successor else { return [] }
    guard let table = try TableShape(SchemaName(successor.table), on: connection) else { return [] }
    guard let places = places(in: table.name, successor) else {
      return computed.map {
        lost(
          $0.name, nil,
          "rows that changed since, and the way back computes it; how many is known when the phases after it are reversed"
        )
      }
    }
    let rows = try changedRows(table, successor, places, on: connection)
    return rows == 0
      ? [] : computed.map { lost($0.name, rows, "the rows changed since, and the way back computes it") }
  }

  private func lost(_ column: String?, _ rows: Int?, _ why: Prose) -> Reversal.LostValues {
    Reversal.LostValues(table: record.table, column: column, rows: rows, why: why, isDeclared: false)
  }

  /// Where the columns are by which the rows are compared, none where they are as they were; nil when nobody can tell.
  private func places(
    in table: SchemaName, _ successor: ArchiveContent.Successor
  ) -> [SchemaName: Aftermath.Place]? {
    guard let aftermath else { return [:] }
    let key = successor.key.map { SchemaName($0) }
    var places: [SchemaName: Aftermath.Place] = [:]
    for column in successor.hashed.map({ SchemaName($0) }) {
      guard let place = aftermath.place(of: column, in: table, by: key) else { return nil }
      places[column] = place
    }
    let isKeyed = content.key.form == .rowID || aftermath.hasLeftAlone(key, of: table, hasAllRows: false)
    let others = content.lookups.allSatisfy { lookup in
      aftermath.hasLeftAlone(
        (lookup.there + lookup.columns).map { SchemaName($0) }, of: SchemaName(lookup.table))
        && aftermath.hasLeftAlone(lookup.here.map { SchemaName($0) }, of: table)
    }
    return isKeyed && others ? places : nil
  }

  private func changedRows(
    _ table: TableShape, _ successor: ArchiveContent.Successor, _ places: [SchemaName: Aftermath.Place],
    on connection: Connection
  ) throws(SQLiteError) -> Int {
    let key = successor.key.map { SchemaName($0) }
    let row = RestOfRow(content, at: places, by: key)
    let isReadable = try row.isReadable(in: table, on: connection)
    try row.define(on: connection)
    let found = RowMatch.condition(key, in: table, as: "n", against: "a")
    let count = try connection.value(
      """
      SELECT count(*) FROM main.\(record.tableName) AS a JOIN main.\(SQLText.identifier(table.name.spelled)) AS n
      ON \(found)\(isReadable ? row.joins("n") : "")
      WHERE a.gone = 0 AND \(isReadable ? "\(row.call("n")) IS NOT a.rest" : "1")
      """)
    return Int(count?.integer ?? 0)
  }
}

extension ArchiveContent {
  /// A table that is not what it was after the transition, of those from which the way back makes values; nil when there
  /// is none.
  func changedSource(on connection: Connection) throws(SQLiteError) -> String? {
    for source in sources.all {
      guard let table = try TableShape(SchemaName(source.table), on: connection),
        try connection.sum(of: table).text == source.sum
      else { return source.table }
    }
    return nil
  }
}
