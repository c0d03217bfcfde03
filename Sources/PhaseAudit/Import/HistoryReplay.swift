internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The migrations that a database has, run on a database in memory.
struct HistoryReplay {
  private let connection: Connection
  private let path: String

  /// - Throws: `import-refused` with the place of the statement that does not run.
  init(_ folder: ToolFolder, _ applied: Set<Int>, stubs: [String]) throws(MigrationError) {
    path = folder.path
    connection = try lifting("opening a database in memory") { () in
      let connection = try Connection(path: "", mode: .memory)
      // Nothing but this database is touched: VACUUM INTO attaches, too.
      connection.setAuthorizer { $0.code != .attach && $0.code != .detach }
      try connection.limit(to: CostLimit(.scratch))
      try FunctionStub.define(stubs.map { FunctionStub($0) }, on: connection)
      return connection
    }
    for index in applied.sorted() { try run(folder.migrations[index]) }
  }

  private func run(_ migration: ToolMigration) throws(MigrationError) {
    guard let script = migration.up else {
      guard let obstacle = migration.obstacle else { return }
      throw refused("\(migration.name) cannot be run: \(obstacle)", at: nil)
    }
    let bytes = Array(script.text.utf8)
    // A script that begins its own transaction does not run in a transaction of the tool.
    let isWrapped = script.wrapping == .transaction && !script.beginsTransaction
    do {
      if isWrapped { try connection.execute("BEGIN") }
      for range in script.statements {
        do {
          try connection.execute(script: String(decoding: bytes[range], as: UTF8.self))
        } catch {
          let line = script.firstLine + bytes[..<range.lowerBound].count { $0 == UInt8(ascii: "\n") }
          throw refused(
            "\(migration.name) does not run: \(error.message)",
            at: Place(file: script.file, line: line, column: 1))
        }
      }
      if isWrapped, !connection.isAutocommit { try connection.execute("COMMIT") }
    } catch let error as MigrationError {
      throw error
    } catch {
      throw refused("\(migration.name) does not run: \(error)", at: nil)
    }
  }

  private func refused(_ message: Prose, at place: Place?) -> MigrationError {
    MigrationError(
      .importRefused, "the schema of \(path) is not known: \(message)", at: place,
      help: [
        "name a database that has these migrations, whose schema is taken instead: --database FILE",
        "a function of the application gets a stand-in with --stub FUNCTION",
      ])
  }

  func baseline() throws(MigrationError) -> Baseline {
    connection.removeAuthorizer()
    return try Baseline.of(connection, functions: connection.stubs?.all ?? [])
  }

  /// Rows that the history inserts into every new database. A baseline, which holds only the schema, lacks them.
  ///
  /// - Returns: nothing when the history does not run here.
  static func lostRows(_ folder: ToolFolder, _ applied: Set<Int>, stubs: [String]) -> [Prose] {
    guard let replay = try? HistoryReplay(folder, applied, stubs: stubs),
      let tables = try? replay.tablesWithRows(),
      !tables.isEmpty
    else { return [] }
    let list = tables.map { "\($0.name) (\(CountText.text($0.rows, "row")))" as Prose }.joined(
      separator: ", ")
    return [
      "the history also writes rows, which baseline.sql has not: \(list). A new database begins without them"
    ]
  }

  private func tablesWithRows() throws(SQLiteError) -> [(name: String, rows: Int)] {
    var found: [(name: String, rows: Int)] = []
    let tables = try connection.rows(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    for table in tables.compactMap({ $0[0].text }) {
      let rows = try Table.rowCount(SchemaName(table), on: connection)
      if rows > 0 { found.append((table, rows)) }
    }
    return found
  }
}
