internal import PhaseSQL
internal import PhaseSQLite

extension RestoringWork {
  /// Where the SQL of the way back gives rows that nobody changed other values than they had. Here the archive puts them
  /// right; a row that changes after the phase will get what the SQL gives it.
  ///
  /// Asked after the SQL and before anything is put back.
  ///
  /// - Parameter limit: how many rows to show.
  func corrections(limit: Int, on connection: Connection) throws(SQLiteError) -> TableDifference? {
    guard !sourcesChanged, isFollowed, let table = try TableShape(target, on: connection) else { return nil }
    let differences = computedColumns(of: table)
    guard !differences.isEmpty else { return nil }
    let isDifferent = differences.map(\.condition).joined(separator: " OR ")
    let from = """
      FROM \(archivePlace) JOIN \(place(table)) AS t ON \(match(table))\(asideJoin)
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
    of table: TableShape
  ) -> [(name: String, before: String, after: String, condition: String)] {
    let gainsRows = trace.table(to: target)?.gainsRows == true
    return columns(of: table).compactMap { column, name, value, mark in
      let kept = content.columns.first { SchemaName($0.name) == column }
      let isComputed = trace.computes(column, of: target, from: kept.flatMap(content.origin(of:)))
      guard isComputed || gainsRows else { return nil }
      let after = "t.\(name)"
      var condition = "((\(value) IS NOT \(after) OR typeof(\(value)) <> typeof(\(after)))"
      if !gainsRows { condition += " AND a.gone = 0" }
      if !isComputed { condition += " AND a.gone" }
      if hasAside {
        let changed = isComputed ? "c0" : mark ?? "c0"
        condition += " AND (s.k1 IS NULL OR NOT s.\(changed))"
      }
      return (column.spelled, value, after, condition + ")")
    }
  }
}
