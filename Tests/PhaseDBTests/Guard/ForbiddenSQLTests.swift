import Foundation
import PhaseCompat
import Testing

@testable import PhaseDB
@testable import PhaseSQLite

/// Every statement that a phase may not run, in every spelling, at every place where phasedb runs somebody's SQL.
@Suite("What no SQL of anybody may do")
struct ForbiddenSQLTests {
  /// A statement and how it may be spelled: `{temp}` and `{f:NAME}` stand for a schema and a function.
  struct Statement: Sendable {
    let sql: String
    /// Whether it is a query, which can stand in a claim and among a version's queries, too.
    let isQuery: Bool

    init(_ sql: String, isQuery: Bool = false) { (self.sql, self.isQuery) = (sql, isQuery) }
  }

  static let statements: [Statement] = [
    Statement("CREATE TRIGGER {temp}.x AFTER UPDATE ON a BEGIN DELETE FROM b; END;"),
    Statement("CREATE TRIGGER IF NOT EXISTS {temp}.x AFTER UPDATE ON main.a BEGIN DELETE FROM b; END;"),
    Statement("CREATE TABLE {temp}.x(y);"), Statement("CREATE TABLE {temp}.a AS SELECT 1;"),
    Statement("CREATE VIEW {temp}.a AS SELECT 1;"), Statement("CREATE VIRTUAL TABLE {temp}.x USING fts5(y);"),
    Statement("CREATE TEMP TABLE x(y);"), Statement("CREATE TEMPORARY VIEW x AS SELECT 1;"),
    Statement("CREATE TEMP TRIGGER x AFTER UPDATE ON a BEGIN DELETE FROM b; END;"),
    Statement("SELECT {f:fts3_tokenizer}('simple');", isQuery: true),
    Statement("SELECT {f:fts3_tokenizer}('e', x'4141414141414141');", isQuery: true),
    Statement("SELECT {f:load_extension}('x');", isQuery: true),
    Statement("SELECT {f:sqlite_log}(1, 'x');", isQuery: true),
    Statement("SELECT {f:rtreenode}(2, x'0000ffff');", isQuery: true),
    Statement("SELECT * FROM a WHERE x IN (SELECT {f:fts3_tokenizer}('simple'));", isQuery: true),
    Statement("WITH c AS (SELECT {f:fts3_tokenizer}('simple') AS p) SELECT p FROM c;", isQuery: true),
    Statement("SELECT * FROM sqlite_stmt;", isQuery: true),
    Statement(
      "CREATE TRIGGER x AFTER UPDATE ON a BEGIN SELECT {f:load_extension}('x'); END; UPDATE a SET x = x;"),
    Statement("CREATE VIEW x AS SELECT {f:load_extension}('x'); SELECT * FROM x;"),
    Statement("CREATE VIRTUAL TABLE x USING csv(data='1');"),
  ]

  static let schemas = ["temp", "TEMP", "\"temp\"", "[Temp]", "`tEMP`", "'temp'", "/* */temp/* */"]

  static func functions(_ name: String) -> [String] {
    [name, name.uppercased(), "\"\(name)\"", "[\(name)]", "`\(name.capitalized)`", "\(name) /* */ "]
  }

  /// Every spelling of a statement.
  static func spellings(of statement: Statement) -> [String] {
    if statement.sql.contains("{temp}") { return schemas.map { statement.sql.replacing("{temp}", with: $0) } }
    guard let start = statement.sql.firstRange(of: "{f:"), let end = statement.sql.firstRange(of: "}") else {
      return [statement.sql, "/* quiet */ " + statement.sql]
    }
    let name = String(statement.sql[start.upperBound..<end.lowerBound])
    return functions(name).map {
      statement.sql.replacingCharacters(from: start.lowerBound, to: end.upperBound, with: $0)
    }
  }

  /// What is told of it: by the guard, by SQLite on behalf of the guard, and by SQLite of its own accord, where a view or
  /// a trigger calls what only a statement may.
  static let refusals = ["is not allowed", "not authorized", "unsafe use of"]

  enum Place: String, CaseIterable, Sendable {
    case up, down, claim, baseline, stored = "the ledger's down", query = "a version's query", value =
      "a value"
  }

  static let baseline =
    "CREATE TABLE a (id INTEGER PRIMARY KEY, x); INSERT INTO a VALUES (1, 2); CREATE TABLE b (y);"

  @Test("is refused at every place, in every spelling", arguments: Place.allCases)
  func refused(at place: Place) throws {
    var count = 0
    for statement in Self.statements {
      for sql in Self.spellings(of: statement) {
        switch place {
        case .up, .down, .baseline, .stored: break
        case .claim, .query: guard statement.isQuery else { continue }
        case .value: guard statement.sql.hasPrefix("SELECT {f:") else { continue }
        }
        count += 1
        let told = try Self.run(sql, at: place)
        #expect(told != nil, "\(place.rawValue): \(sql)")
      }
    }
    #expect(count > 10)
  }

  /// The control: the same places take what may run.
  @Test(
    "what may run runs at every place",
    arguments: [
      Statement("SELECT upper(x), random(), bm25(f) FROM f WHERE f MATCH 'x';", isQuery: true),
      Statement(
        "SELECT json_extract('[1]', '$[0]'), date('now'), row_number() OVER () FROM a WHERE 0;", isQuery: true
      ),
      Statement("SELECT * FROM json_each('[]'), pragma_table_info('a') WHERE 0;", isQuery: true),
    ], [Place.up, .down, .claim, .baseline, .stored])
  func allowed(_ statement: Statement, at place: Place) throws {
    let told = try Self.run(statement.sql, at: place, with: " CREATE VIRTUAL TABLE f USING fts5 (x);")
    #expect(told == nil, "\(place.rawValue): \(statement.sql)")
  }

  /// Runs SQL at a place.
  ///
  /// - Returns: how it was refused, nil when it ran. Nothing may be refused for another reason than the guard's.
  static func run(_ sql: String, at place: Place, with more: String = "") throws -> String? {
    var files = ["baseline.sql": baseline + more]
    switch place {
    case .up: files["0001-a/contract.sql"] = "\(sql)\n-- @down\nSELECT 1;\n"
    case .down: files["0001-a/contract.sql"] = "SELECT 1;\n-- @down\n\(sql)\n"
    case .claim:
      files["0001-a/contract.sql"] = "SELECT 1;\n-- @down\nSELECT 1;\n-- @verify all is well\n\(sql)\n"
    case .baseline:
      files["baseline.sql"] = baseline + more + sql
      files["0001-a/contract.sql"] = "SELECT 1;\n-- @down\nSELECT 1;\n"
    case .stored: return try stored(sql, more)
    case .query: return try queried(sql)
    case .value:
      let expression = sql.dropFirst("SELECT ".count).prefix { $0 != ";" }
      guard case .failure(let refusal) = try ConstantValues().value(of: String(expression)) else {
        return nil
      }
      return refusal.message.description
    }
    let findings = try LintedFiles(files).report().findings.filter { finding in
      ["forbidden-statement", "statement-failed", "down-not-inverse", "verify-invalid"].contains(finding.id)
        && ([finding.message] + finding.details).contains {
          text in
          Self.refusals.contains { text.contains($0) }

        }
    }
    return findings.first?.message.description
  }

  /// A ledger that says so, of a database in which the phase is applied.
  private static func stored(_ sql: String, _ more: String) throws -> String? {
    let database = try TemporaryDatabase(baseline + more, in: .memory)
    let good = try phase(.contract, "SELECT 1", down: "SELECT 1")
    try database.run(.upAll, catalog(["0001-a": [good]]))
    let bad = try phase(.contract, "SELECT 1", down: sql)
    try database.connect().execute(
      "UPDATE phasedb_phase SET down_sql = ?1, token_hash = ?2, declarations = ?3", .text(bad.down.text),
      .text(bad.tokenHash), .text(bad.declarations))
    let migrator = try database.migrator(Catalog([]), access: .reading)
    let reasons = try migrator.status().applied.first?.reversal?.obstacles.map(\.reason) ?? []
    return reasons.first { reason in refusals.contains { reason.contains($0) } }?.description
  }

  private static func queried(_ sql: String) throws -> String? {
    let example = CompatCase(
      "",
      folder: [
        "baseline.sql": baseline, "0001-a/expand.sql": "CREATE TABLE more (x);\n-- @down\nDROP TABLE more;\n",
        "apps/shop/1.sql": "-- @query one\nSELECT x FROM a;\n-- @query two\n\(sql)\n",
        "apps/seed.sql": "INSERT INTO a VALUES (7, 8);",
      ])
    do {
      let report = try example.report()
      return report.isClean ? nil : report.text
    } catch let error as MigrationError {
      return error.message.description
    }
  }
}

extension String {
  fileprivate func replacingCharacters(from start: Index, to end: Index, with text: String) -> String {
    self[..<start] + text + self[end...]
  }
}

@Suite("The TEMP schema")
struct TemporarySchemaTests {
  @Test(
    "of a borrowed handle is not touched by a phase",
    arguments: [
      "INSERT INTO notes VALUES (1)", "DELETE FROM temp.notes", "DROP TABLE notes", "DROP TRIGGER refresh",
      "DROP TRIGGER temp.refresh", "DROP VIEW seen", "ALTER TABLE notes RENAME TO papers",
      "ALTER TABLE temp.notes ADD COLUMN x", "SELECT * FROM seen",
      "CREATE TRIGGER y AFTER INSERT ON notes BEGIN SELECT 1; END",
      "CREATE INDEX temp.i ON notes (a)", "UPDATE t SET a = (SELECT count(*) FROM notes)", "DROP TABLE t",
    ])
  func touched(_ statement: String) throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    let connection = try database.connect()
    try connection.execute(
      script:
        "CREATE TEMP TABLE notes (a); CREATE TEMP VIEW seen AS SELECT a FROM t; CREATE TEMP TRIGGER refresh AFTER UPDATE ON t BEGIN INSERT INTO notes VALUES (new.a); END"
    )
    let before = try connection.rows("SELECT type, name, sql FROM sqlite_temp_schema")
    let catalog = try catalog(["0001-a": [phase(.contract, statement, down: "SELECT 1")]])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    let error = try #require(migrationError { try migrator.run(migrator.plan(.upAll)) })
    // What only the TEMP schema has is not there where the phase is tried first.
    #expect([.forbiddenStatement, .statementFailed].contains(error.id), "\(error)")
    #expect(try connection.rows("SELECT type, name, sql FROM sqlite_temp_schema") == before)
    #expect(try connection.rows("SELECT * FROM t") == [[.integer(1)]])
    #expect(try connection.rows("SELECT * FROM notes") == [])
  }

  @Test("of a borrowed handle does not keep a phase from altering the table that it uses")
  func altered() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    let connection = try database.connect()
    try connection.execute("CREATE TEMP VIEW seen AS SELECT a FROM t")
    let catalog = try catalog([
      "0001-a": [
        phase(.contract, "ALTER TABLE t RENAME COLUMN a TO b", down: "ALTER TABLE t RENAME COLUMN b TO a")
      ]
    ])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    try migrator.run(migrator.plan(.upAll))
    #expect(try connection.rows("SELECT * FROM seen") == [[.integer(1)]])
  }

  @Test("that changes is told by what came and went, without what is phasedb's own")
  func changes() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute("CREATE TEMP TABLE kept (a)")
    let before = try TemporarySchema(of: connection)
    for name in ["phasedb_before_1", "phasedb_left_22", "phasedb_batch_aside"] {
      try connection.execute("CREATE TEMP TABLE \(name) (a)")
    }
    #expect(try TemporarySchema(of: connection).changes(since: before) == [])
    for name in ["phasedb_before_x", "phasedb_log"] {
      try connection.execute("CREATE TEMP TABLE \(name) (a)")
    }
    try connection.execute("DROP TABLE kept")
    #expect(
      try TemporarySchema(of: connection).changes(since: before) == [
        "table kept", "table phasedb_before_x", "table phasedb_log",
      ])
  }
}

@Suite("ANALYZE and REINDEX")
struct MaintenanceTests {
  @Test(
    "run in a migrate phase, leave the schema what it was and come down exactly",
    arguments: [
      "ANALYZE", "ANALYZE t", "ANALYZE main", "ANALYZE main.t", "REINDEX", "REINDEX t", "REINDEX t_a",
      "REINDEX nocase",
    ])
  func runs(_ statement: String) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (a); CREATE INDEX t_a ON t (a); INSERT INTO t VALUES (1), (2)")
    try database.run(.upAll, tables(1))
    let all = try catalog([
      "0001-t1": [table("t1")], "0002-b": [phase(.migrate, statement, down: "SELECT 1")],
    ])
    #expect(try database.run(.upAll, all) == ["0002/migrate"])
    let migrator = try database.migrator(all, access: .reading)
    #expect(try migrator.verify().isClean)
    #expect(try database.run(.down(1), all) == ["0002/migrate"])
    #expect(try !database.migrator(all, access: .reading).status().hasDrifted)
    let files = [
      "baseline.sql": "CREATE TABLE t (a); CREATE INDEX t_a ON t (a);",
      "0002-b/migrate.sql": "\(statement);\n-- @down\nSELECT 1;\n",
    ]
    #expect(try LintedFiles(files).report().findings.map(\.id) == ["undetected"])
  }
}
