internal import PhaseSQL
package import PhaseSQLite

/// The SQL of a phase, run under the guard inside an open transaction.
package struct GuardedScript {
  let script: Script
  let connection: Connection
  private let isBaseline: Bool

  /// - Parameter isBaseline: the SQL makes the schema from before the first migration, and may contain what a phase may
  ///   not: a conflict clause or a trigger with ROLLBACK, or a string in double quotes. It only makes such objects and
  ///   does not use them.
  package init(_ script: Script, on connection: Connection, isBaseline: Bool = false) {
    self.script = script
    self.connection = connection
    self.isBaseline = isBaseline
  }

  /// Runs every statement.
  ///
  /// - Parameters:
  ///   - parameters: values by the names of parameters; other parameters are NULL.
  ///   - observe: gets each statement after it has run.
  /// - Returns: how many rows it changed, triggers included, and what it wrote.
  /// - Throws: `forbidden-statement`, `transaction-ended`, `statement-failed`, or what SQLite says of the disk, the
  ///   file or a lock, each with the place of the statement.
  package func run(
    binding parameters: KeyValuePairs<String, Value> = [:],
    observe: (StatementEffect) -> Void = { _ in }
  ) throws(MigrationError) -> (rows: Int, writes: WriteSet) {
    connection.makeRoom(forSQLOf: script.text.utf8.count)
    return try connection.spending { () throws(MigrationError) in
      try runAll(binding: parameters, observe: observe)
    }
  }

  private func runAll(
    binding parameters: KeyValuePairs<String, Value>, observe: (StatementEffect) -> Void
  ) throws(MigrationError) -> (rows: Int, writes: WriteSet) {
    let guarding = StatementGuard(isOfPhase: !isBaseline)
    guarding.watch(connection)
    defer { guarding.release(connection) }
    let tookStrings = connection.isOn(.doubleQuotedStringsInDDL)
    if isBaseline { connection.turn(.doubleQuotedStringsInDDL, on: true) }
    defer { if isBaseline { connection.turn(.doubleQuotedStringsInDDL, on: tookStrings) } }
    let temporaryBefore = try temporarySchema()
    let changesBefore = connection.totalChanges
    var reader = ScriptReader(script.text, on: connection)
    // The running statement; nil while the next one is compiled.
    var running: Range<Int>?
    do {
      while let part = try reader.next() {
        let range = part.range
        running = range
        connection.costLimit?.beginStatement()
        if !isBaseline { try refuseTokens(range) }
        var statement = part.take()
        for (name, value) in parameters { try statement.bind(value, to: name) }
        while try statement.step() {}
        // A conflict clause, a trigger's RAISE(ROLLBACK) or a full disk may end the transaction without an error
        // here.
        guard !connection.isAutocommit else { throw transactionEnded(at: range.lowerBound) }
        running = nil
        observe(StatementEffect(range: range, writes: guarding.finishStatement()))
      }
    } catch let error as MigrationError {
      throw error
    } catch let error as SQLiteError {
      let offset = error.offset ?? script.offsetOfFirstToken(from: running?.lowerBound ?? reader.offset)
      let place = script.place(at: offset, length: script.tokenLength(at: offset))
      throw failure(error, running, place: place, refusal: guarding.refusal)
    } catch {
      throw MigrationError(
        .statementFailed, "\(error)", at: script.place(at: running?.lowerBound ?? reader.offset))
    }
    if let title = try temporarySchema().changes(since: temporaryBefore).first {
      let what = StatementGuard.Refusal(
        what: "a change of the TEMP schema, \(title),", remedy: "leave TEMP objects out of phases")
      throw forbidden(what, at: script.place(at: script.firstTokenOffset))
    }
    return (connection.totalChanges - changesBefore, guarding.writes)
  }

  private func temporarySchema() throws(MigrationError) -> TemporarySchema {
    try lifting("reading the TEMP schema") { () in try TemporarySchema(of: connection) }
  }

  private func refuseTokens(_ range: Range<Int>) throws(MigrationError) {
    let utf8 = script.text.utf8
    let part = utf8[
      utf8.index(
        utf8.startIndex, offsetBy: range.lowerBound)..<utf8.index(utf8.startIndex, offsetBy: range.upperBound)
    ]
    guard let (refusal, found) = StatementGuard.refusal(ofTokensIn: Substring(part).utf8) else { return }
    throw forbidden(refusal, at: script.place(at: range.lowerBound + found.lowerBound, length: found.count))
  }

  private func forbidden(_ refusal: StatementGuard.Refusal, at place: Place) -> MigrationError {
    MigrationError(.forbiddenStatement, "\(refusal.what) is not allowed", at: place, help: [refusal.remedy])
  }

  private func failure(
    _ error: SQLiteError, _ running: Range<Int>?, place: Place, refusal: StatementGuard.Refusal?
  ) -> MigrationError {
    if error.code == .tooCostly { return MigrationError(error, while: "running SQL", at: place) }
    // SQLITE_AUTH is not enough: SQLite reports a refused function as an error in the SQL.
    if let refusal { return forbidden(refusal, at: place) }
    if error.code.primary == .auth {
      return forbidden(StatementGuard.Refusal(what: "this statement", remedy: "remove it"), at: place)
    }
    if error.code.isOfSurroundings { return MigrationError(error, while: "running SQL", at: place) }
    if connection.isAutocommit { return transactionEnded("\(error.message)", at: place) }
    if error.code.primary == .constraint, let rows = running.flatMap({ refusedRows(of: $0) }) {
      return MigrationError(
        .statementFailed, "\(error.message)", at: place, details: rows,
        help: ["change or delete these rows, then run the command again"])
    }
    return MigrationError(.statementFailed, "\(error.message)", at: place, help: ["correct the statement"])
  }

  /// The rows that a guard of the phase found: an INSERT that copies bad rows into a table with `CHECK (false)`. Nil for
  /// any other statement.
  private func refusedRows(of range: Range<Int>) -> [Prose]? {
    let sql = String(decoding: Array(script.text.utf8)[range], as: UTF8.self)
    let words = SQLWord.all(in: sql)
    guard let insert = words.outermost.first(where: { words[$0].is("insert") }),
      let into = words.indices.first(where: { $0 > insert && words[$0].is("into") }),
      let target = InsertTarget(words, into: into), words.indices.contains(target.end),
      words[target.end].is("select") || words[target.end].is("with"),
      let definition = try? connection.rows(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = ?1",
        .text(target.table.text.text)
      ).first?[0].text, SQLWord.all(in: definition).refusesEveryRow
    else { return nil }
    // The common tables may stand before INSERT or after it.
    let bytes = Array(sql.utf8)
    let query = String(
      decoding: bytes[..<words[insert].range.lowerBound] + bytes[words[target.end].range.lowerBound...],
      as: UTF8.self)
    do {
      var statement = try connection.prepare(query)
      guard statement.isReadOnly else { return nil }
      var rows: [Prose] = []
      while rows.count <= Self.mostRefused, try statement.step() {
        let values = (0..<statement.columnCount).map {
          "\(statement.columnName(at: $0)) = \(statement.value(at: $0))" as Prose
        }
        rows.append(values.joined(separator: ", "))
      }
      if rows.count > Self.mostRefused { rows[Self.mostRefused] = "… and more" }
      return rows.isEmpty ? nil : rows
    } catch {
      return nil
    }
  }

  /// How many of these rows an error names.
  private static let mostRefused = 10

  private func transactionEnded(at start: Int) -> MigrationError {
    let offset = script.offsetOfFirstToken(from: start)
    return transactionEnded(
      "the statement ended it", at: script.place(at: offset, length: script.tokenLength(at: offset)))
  }

  private func transactionEnded(_ why: Prose, at place: Place) -> MigrationError {
    MigrationError(
      .transactionEnded, "the phase's transaction was rolled back while the phase ran: \(why)", at: place,
      help: [
        "use RAISE(ABORT, …) in triggers and ABORT in conflict clauses: ROLLBACK ends the whole phase"
      ])
  }
}
