package import PhaseSQLite

/// The rows that break a claim.
package struct BreakingRows {
  /// How many there are.
  package var count = 0
  /// The first of them, `column = value` for each column.
  package var lines: [Prose] = []
}

extension Verification {
  /// Runs the claim's query.
  ///
  /// - Parameters:
  ///   - limit: how many rows to describe; all are counted.
  /// - Throws: `verify-invalid` when the query does not compile or does not only read.
  package func breakingRows(on connection: Connection, limit: Int) throws(MigrationError) -> BreakingRows {
    let guarding = StatementGuard()
    guarding.watch(connection)
    defer { guarding.release(connection) }
    do {
      return try connection.spending { try rows(on: connection, limit: limit) }
    } catch let error as MigrationError {
      throw error
    } catch let error as SQLiteError {
      if error.code.isOfSurroundings {
        throw MigrationError(
          error, while: "checking the claim '\(title)'", at: query.place(at: query.firstTokenOffset))
      }
      let why: Prose = guarding.refusal.map { "\($0.what) is not allowed" } ?? "\(error.message)"
      throw invalid(why, offset: error.offset ?? query.firstTokenOffset)
    } catch {
      throw invalid("\(error)", offset: query.firstTokenOffset)
    }
  }

  private func rows(on connection: Connection, limit: Int) throws -> BreakingRows {
    let split = SQLSplitter.statements(in: query.text)
    guard split.count < 2 else { throw invalid("there is a second statement", offset: split[1].lowerBound) }
    var statement = try connection.prepare(query.text)
    guard statement.isReadOnly, statement.columnCount > 0 else {
      throw invalid("it is not a SELECT", offset: query.firstTokenOffset)
    }
    var rows = BreakingRows()
    while try statement.step() {
      rows.count += 1
      guard rows.count <= limit else { continue }
      rows.lines.append(
        (0..<statement.columnCount)
          .map { "\(statement.columnName(at: $0)) = \(statement.value(at: $0))" }
          .joined(separator: ", "))
    }
    if rows.count > limit { rows.lines.append("… and \(rows.count - limit) more") }
    return rows
  }

  private func invalid(_ why: Prose, offset: Int) -> MigrationError {
    MigrationError(
      .verifyInvalid, "the claim '\(title)' cannot be checked",
      at: query.place(at: offset, length: query.tokenLength(at: offset)), details: [why],
      help: ["write one SELECT that returns the rows that break the claim"])
  }
}
