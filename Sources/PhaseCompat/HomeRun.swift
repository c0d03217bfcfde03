internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The run of a script on its home state, and whether other runs can be compared with it.
struct HomeRun {
  let script: ApplicationScript
  let run: ScriptRun
  let schema: Schema

  /// - Throws: `query-failed` when a statement fails unexpectedly, or succeeds although it should fail; `no-data`
  ///   when a table has no row.
  func check(on connection: Connection) throws(MigrationError) {
    // This comes first, because without rows other things fail as well.
    try refuseEmptyTables(on: connection)
    for query in run.queries {
      if let refusal = query.refusal {
        guard query.query.expectsError else {
          throw failed(query.query, "does not compile", "\(refusal.message)")
        }
        continue
      }
      for outcome in query.outcomes {
        switch outcome {
        case .failed(_, let message) where !query.query.expectsError:
          throw failed(query.query, "fails", "\(message)")
        case .done where query.query.expectsError:
          throw MigrationError(
            .queryFailed,
            "\(name): '\(query.query.title)' succeeded, but @expect error says that it must fail",
            at: query.query.place, help: ["remove the line, or use values that the database refuses"])
        default: break
        }
      }
    }
  }

  private func refuseEmptyTables(on connection: Connection) throws(MigrationError) {
    var empty: [String] = []
    for table in run.footprint.tables.sorted() {
      guard let object = schema.object("table", SchemaName(table)) else { continue }
      let row = try lifting("looking for rows in \(object.name)") { () in
        try connection.value("SELECT 1 FROM main.\(SQLText.identifier(object.name)) LIMIT 1")
      }
      if row == nil { empty.append(object.name) }
    }
    guard empty.isEmpty else {
      throw MigrationError(
        .noData,
        "these tables have no rows, so the test would prove nothing: \(empty.joined(separator: ", "))",
        at: script.queries.first?.place,
        help: ["add a row for each to apps/seed.sql, or test with a copy of a database: --database FILE"])
    }
  }

  private var name: String { "\(script.application) \(script.version)" }

  private func failed(_ query: ApplicationQuery, _ what: String, _ message: Prose) -> MigrationError {
    MigrationError(
      .queryFailed, "\(name): '\(query.title)' \(what) on the state it was written for: \(message)",
      at: query.place,
      help: ["correct the statement or its values; if it must fail, add the line -- @expect error"])
  }
}
