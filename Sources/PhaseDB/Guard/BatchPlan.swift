internal import PhaseSQLite

/// How SQLite would run one direction of a batched phase: each statement must find its rows by the key, or every batch
/// would read the whole table.
struct BatchPlan {
  let script: Script
  let key: BatchKey
  /// What the statements write, also from inside triggers.
  private(set) var writes = WriteSet()
  /// What is wrong with it; nil when nothing is.
  private(set) var objection: Objection?

  /// Why a statement cannot be run batch by batch.
  struct Objection {
    let message: Prose
    let place: Place
    let details: [Prose]
    let remedies: [Prose]

    var error: MigrationError {
      MigrationError(.batchNotKeyed, message, at: place, details: details, help: remedies)
    }
  }

  /// Compiles the statements, and runs none.
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
      let lines: [Prose]
      do throws(SQLiteError) {
        lines = try connection.rows("EXPLAIN QUERY PLAN \(sql)").compactMap { $0[3].text.map { Prose($0) } }
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
      objection = objection ?? objection(to: lines, statement, at: range)
    }
  }

  private func objection(to plan: [Prose], _ writes: WriteSet, at range: Range<Int>) -> Objection? {
    let table = key.table.folded
    if let column = writes.columns[table]?.intersection(key.names).sorted().first {
      let trigger = writes.triggers[table].map { ", through the trigger \($0)" } ?? ""
      return Objection(
        message: "a batch writes \(key.table).\(column), by which the batches are found\(trigger)",
        place: place(of: range), details: [],
        remedies: [
          "order the batches by a column that stays: -- @batch \(key.table.asDirectiveName) by COLUMN"
        ])
    }
    let folded = plan.map(\.raw.asciiLowercased)
    // "SCAN t" since 3.36, "SCAN TABLE t" before (sqlite.org/eqp.html).
    let scans = folded.contains { line in
      ["scan \(table)", "scan table \(table)"].contains { "\(line) ".utf8.starts(with: "\($0) ".utf8) }
    }
    let isSearched = folded.contains { line in
      line.hasPrefix("search ") && key.names.contains { line.contains("(\($0)>? and \($0)<?)") }
    }
    guard scans || !isSearched else { return nil }
    return Objection(
      message: "a statement does not find the rows of a batch by \(key.table).\(key.column)",
      place: place(of: range), details: plan,
      remedies: [
        "WHERE \(key.sql) BETWEEN :first AND :last",
        "where another index is preferred, hide its column behind a plus sign: AND +state IS NULL",
      ])
  }

  private func place(of range: Range<Int>) -> Place {
    let start = script.offsetOfFirstToken(from: range.lowerBound)
    return script.place(at: start, length: script.tokenLength(at: start))
  }
}
