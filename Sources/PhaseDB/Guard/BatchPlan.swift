internal import PhaseSQL
internal import PhaseSQLite

/// Checks how SQLite would run one direction of a batched phase. Each statement must find its rows by the key:
/// otherwise every batch would read the whole table.
struct BatchPlan {
  let script: Script
  let key: BatchKey
  /// What the statements write, also from inside triggers.
  private(set) var writes = WriteSet()
  /// Whether the effect of the statements on a row depends only on that row. Then they read no other row, call no
  /// function that depends on time or chance, and write no unique column, for which a conflict clause may skip a row.
  /// With a trigger this is assumed to be false.
  private(set) var isRepeatable = true
  /// Whether the statements call a function whose result depends on time or chance.
  private(set) var leavesToChance = false
  /// Why it cannot run in batches; nil when it can.
  private(set) var objection: Objection?

  /// Why a statement cannot be run batch by batch.
  struct Objection {
    let message: Prose
    let place: Place
    let details: [Prose]
    let remedies: [Prose]
    /// Whether only statistics lead SQLite past the key.
    var isOfStatistics = false

    var error: MigrationError {
      MigrationError(.batchNotKeyed, message, at: place, details: details, help: remedies)
    }
  }

  /// Compiles the statements without running them.
  ///
  /// - Throws: `forbidden-statement`, `statement-failed`.
  init(_ script: Script, by key: BatchKey, on connection: Connection) throws(MigrationError) {
    self.script = script
    self.key = key
    let bytes = Array(script.text.utf8)
    for range in SQLSplitter.statements(in: script.text) {
      let guarding = StatementGuard()
      guarding.watch(connection)
      defer { guarding.release(connection) }
      let sql = String(decoding: bytes[range], as: UTF8.self)
      let lines: [QueryPlanLine]
      do throws(SQLiteError) {
        lines = try connection.queryPlan(of: sql)
      } catch {
        let place = place(of: range)
        if let refusal = guarding.refusal {
          throw MigrationError(
            .forbiddenStatement, "\(refusal.what) is not allowed", at: place, help: [refusal.remedy])
        }
        throw MigrationError(.statementFailed, "\(error.message)", at: place, help: ["correct the statement"])
      }
      let statement = guarding.finishStatement()
      writes.formUnion(statement)
      if try !isRepeatable(statement, on: connection) { isRepeatable = false }
      objection = objection ?? objection(to: lines, statement, at: range)
    }
    let columns = writes.columns[key.table.folded] ?? []
    let meetsOthers = try lifting("looking at the unique indexes of \(key.table)") { () in
      try Self.hasUniqueIndex(of: key.table, with: columns, on: connection)
    }
    if meetsOthers { isRepeatable = false }
    leavesToChance = try lifting("looking at functions") { () in
      try FunctionList.leavesToChance(writes.functions, on: connection)
    }
  }

  private func objection(to plan: [QueryPlanLine], _ writes: WriteSet, at range: Range<Int>) -> Objection? {
    let table = key.table.folded
    if let column = writes.columns[table]?.intersection(key.names).sorted().first {
      let trigger = writes.triggers[table].map { ", through the trigger \($0)" } ?? ""
      return Objection(
        message: "a batch writes \(key.table).\(column), the key of the batches\(trigger)",
        place: place(of: range), details: [],
        remedies: [
          "order the batches by a column that does not change: -- @batch \(key.table.asDirectiveName) by COLUMN"
        ])
    }
    let scans = plan.contains { $0.access == .scan && $0.table.folded == table }
    let isSearched = plan.contains { line in
      let text = line.text.asciiLowercased
      return line.access == .search && key.names.contains { text.contains("(\($0)>? and \($0)<?)") }
    }
    guard scans || !isSearched else { return nil }
    return Objection(
      message: "a statement does not find the rows of a batch by \(key.table).\(key.column)",
      place: place(of: range), details: plan.map { Prose($0.text) },
      remedies: [
        "WHERE \(key.sql) BETWEEN :first AND :last",
        "if SQLite prefers another index, put a plus sign before its column: AND +state IS NULL",
      ])
  }

  private func isRepeatable(_ statement: WriteSet, on connection: Connection) throws(MigrationError) -> Bool {
    guard statement.changesRows else { return true }
    let table = key.table.folded
    guard !statement.hasSelect, statement.triggers.isEmpty, statement.readTables.isSubset(of: [table]),
      statement.insertedTables.isEmpty, statement.deletedTables.isEmpty,
      Set(statement.columns.keys) == [table]
    else { return false }
    return try lifting("looking at functions") { () in
      for function in statement.functions where try !FunctionList.isConstant(function, on: connection) {
        return false
      }
      return true
    }
  }

  private func place(of range: Range<Int>) -> Place {
    let start = script.offsetOfFirstToken(from: range.lowerBound)
    return script.place(at: start, length: script.tokenLength(at: start))
  }

  /// Whether a unique index of a table has some of these columns.
  private static func hasUniqueIndex(
    of table: String, with columns: Set<FoldedName>, on connection: Connection
  ) throws(SQLiteError) -> Bool {
    guard !columns.isEmpty else { return false }
    let unfit = columns.union(
      try Table.columns(of: SchemaName(table), on: connection).filter(\.isGenerated).map(\.name.key))
    let terms = try connection.rows(
      """
      SELECT lower(i.name), l.partial FROM pragma_index_list(?1, 'main') AS l, pragma_index_xinfo(l.name, 'main') AS i
      WHERE l."unique" AND i.key
      """, .text(table))
    // A term that is an expression has no name.
    return terms.contains { $0[1] == 1 || $0[0].text.map { unfit.contains($0.folded) } ?? true }
  }
}
