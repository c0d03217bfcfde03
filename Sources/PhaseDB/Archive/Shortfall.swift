internal import PhaseSQLite

/// What of one archive would not come back if the way back ran now.
struct Shortfall {
  private let record: ArchiveRecord
  private let content: ArchiveContent
  private let trace: ScriptTrace

  init(_ record: ArchiveRecord, _ content: ArchiveContent, _ trace: ScriptTrace) {
    self.record = record
    self.content = content
    self.trace = trace
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
    guard !computed.isEmpty, let successor = content.successor,
      let table = try TableShape(SchemaName(successor.table), on: connection)
    else { return [] }
    let rows = try changedRows(table, successor, on: connection)
    return rows == 0
      ? [] : computed.map { lost($0.name, rows, "the rows changed since, and the way back computes it") }
  }

  private func lost(_ column: String?, _ rows: Int, _ why: String) -> Reversal.LostValues {
    Reversal.LostValues(table: record.table, column: column, rows: rows, why: why, isDeclared: false)
  }

  private func changedRows(
    _ table: TableShape, _ successor: ArchiveContent.Successor, on connection: Connection
  ) throws(SQLiteError) -> Int {
    let row = RestOfRow(content)
    let isReadable = try row.isReadable(in: table, on: connection)
    try row.define(on: connection)
    let found = RowMatch.condition(
      successor.key.map { SchemaName($0) }, in: table, as: "n", against: "a")
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
    for (name, sum) in sources.sorted(by: { $0.key < $1.key }) {
      guard let table = try TableShape(SchemaName(name), on: connection),
        try connection.sum(of: table).text == sum
      else { return name }
    }
    return nil
  }
}
