internal import PhaseSQL
internal import PhaseSQLite

extension RestoringWork {
  /// Lists the rows whose rest, or whose value in place of an archived one, is not what the other transition left, and
  /// those that were born since under the key of one that is gone.
  ///
  /// - Returns: whether there are any.
  static func setAside(
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
        "a.gone OR \(ArchivePlan.valueFunction)(n.\(SQLText.identifier(after.spelled))) IS NOT a.\(mark) AS \(mark)"
    }
    try connection.defineRowHash(named: ArchivePlan.valueFunction, columns: ["value"])
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
