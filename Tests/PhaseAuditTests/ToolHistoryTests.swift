import PhaseDB
import PhaseSQLite
import Testing

@testable import PhaseAudit

/// What a tool's own table says, by the SQL with which the tool writes it.
struct HistoryCase: Sendable, CustomTestStringConvertible {
  let title: String
  let tool: MigrationTool
  let sql: String
  /// Version and checksum of what is applied, in its order.
  let applied: [String]
  var dirty: String?

  init(_ title: String, _ tool: MigrationTool, _ sql: String, _ applied: [String], dirty: String? = nil) {
    (self.title, self.tool, self.sql, self.applied, self.dirty) = (title, tool, sql, applied, dirty)
  }

  var testDescription: String { "\(tool.rawValue): \(title)" }
}

struct ToolHistoryTests {
  @Test("the table of a tool says what is applied", arguments: cases)
  func reading(_ row: HistoryCase) throws {
    let connection = try Connection(path: "", mode: .memory)
    #expect(try ToolHistory.read(from: connection, tool: row.tool) == nil)
    try connection.execute(script: row.sql)
    let history = try #require(try ToolHistory.read(from: connection, tool: row.tool))
    #expect(history.applied.map { $0.version + ($0.checksum.map { " \($0)" } ?? "") } == row.applied)
    #expect(history.dirty == row.dirty)
    #expect(try MigrationTool.recorded(in: connection).contains(row.tool))
  }

  @Test("a table of that name with other columns is not the tool's")
  func otherTable() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(
      script: "CREATE TABLE migrations (bird, route); CREATE VIEW schema_migrations AS SELECT 1")
    #expect(try MigrationTool.recorded(in: connection) == [])
    #expect(try ToolHistory.read(from: connection, tool: .dbmate) == nil)
    let error = #expect(throws: MigrationError.self) {
      try ToolHistory.read(from: connection, tool: .nodeSQLite)
    }
    #expect(error?.id == .toolTableUnreadable)
    #expect(
      error?.message == "the table migrations has no column id, name, up, down, which node-sqlite gives it")
  }

  @Test(
    "a table that has only the head covers what comes before it",
    arguments: [
      (MigrationTool.golangMigrate, "9", [0, 1]), (.golangMigrate, "10", [0, 1, 2]),
      (.golangMigrate, "5", [0]),
      (.golangMigrate, "99", [0, 1, 2]), (.goose, "9", [1]),
    ])
  func head(_ tool: MigrationTool, _ version: String, _ applied: [Int]) {
    let folder = ToolFolder(
      tool: tool, path: "x",
      migrations: ["1", "9", "10"].map { ToolMigration(version: $0, name: $0, files: [], up: nil, down: nil) }
    )
    let entry = ToolHistory.Entry(version: version, coversEarlier: tool == .golangMigrate)
    #expect(ToolHistory(table: "t", applied: [entry]).applied(of: folder).sorted() == applied)
  }

  @Test("the registry of sqitch is beside the database", arguments: ["shop.db", "shop.v2.db", "shop"])
  func registry(_ name: String) throws {
    let disk = try FolderOnDisk([:])
    let database = try Connection(path: "\(disk.path)/\(name)", mode: .create)
    #expect(try ToolHistory.read(from: database, tool: .sqitch) == nil)
    let ending = name.split(separator: ".").dropFirst().map { ".\($0)" }.joined()
    let registry = try Connection(path: "\(disk.path)/sqitch\(ending)", mode: .create)
    try registry.execute(
      script: """
        CREATE TABLE changes (change_id TEXT PRIMARY KEY, script_hash TEXT, change TEXT, committed_at DATETIME);
        INSERT INTO changes VALUES ('b', NULL, 'two', '2024-01-02'), ('a', '12', 'one', '2024-01-01');
        """)
    let history = try #require(try ToolHistory.read(from: database, tool: .sqitch))
    #expect(history.applied.map(\.version) == ["a", "b"])
    #expect(history.applied.map(\.checksum) == ["12", nil])
  }

  static let cases: [HistoryCase] = [
    HistoryCase(
      "in the order of application", .diesel,
      """
      CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
      INSERT INTO __diesel_schema_migrations (version) VALUES ('2'), ('1');
      """, ["2", "1"]),
    HistoryCase(
      "the head alone", .golangMigrate,
      "CREATE TABLE schema_migrations (version uint64,dirty bool); INSERT INTO schema_migrations VALUES (20240101000000, false);",
      ["20240101000000"]),
    HistoryCase(
      "stopped half way", .golangMigrate,
      "CREATE TABLE schema_migrations (version uint64,dirty bool); INSERT INTO schema_migrations VALUES (3, true);",
      ["3"], dirty: "3"),
    HistoryCase(
      "stopped before the first", .golangMigrate,
      "CREATE TABLE schema_migrations (version uint64,dirty bool); INSERT INTO schema_migrations VALUES (-1, 1);",
      [], dirty: "-1"),
    HistoryCase(
      "nothing yet", .maragudkMigrate,
      "CREATE TABLE migrations (version text not null); INSERT INTO migrations VALUES ('');",
      []),
    HistoryCase(
      "the head alone", .maragudkMigrate,
      "CREATE TABLE migrations (version text not null); INSERT INTO migrations VALUES ('0001_a');", ["0001_a"]
    ),
    HistoryCase(
      "the last row of a version counts", .goose,
      """
      CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));
      INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1), (2, 0), (3, 1), (3, 0), (3, 1);
      """, ["1", "3"]),
    HistoryCase(
      "versions are text", .dbmate,
      "CREATE TABLE \"schema_migrations\" (version varchar(128) primary key); INSERT INTO schema_migrations VALUES ('02'), ('1');",
      ["02", "1"]),
    HistoryCase(
      "success false", .sqlx,
      """
      CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
      INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'a', TRUE, x'AB01', -1), (2, 'b', FALSE, x'CD', -1);
      """, ["1 ab01"], dirty: "2"),
    HistoryCase(
      "checksums as text", .refinery,
      """
      CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));
      INSERT INTO refinery_schema_history VALUES (10, 'b', '', '18446744073709551615'), (2, 'a', '', '7');
      """, ["10 18446744073709551615", "2 7"]),
    HistoryCase(
      "a baseline, an undo, a failure mended, one that stays, a repeatable one", .flyway,
      """
      CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50), description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL, installed_on TEXT NOT NULL DEFAULT '', execution_time INT NOT NULL, success BOOLEAN NOT NULL);
      INSERT INTO flyway_schema_history VALUES
        (1, '1', '<< Flyway Baseline >>', 'BASELINE', '', NULL, '', '', 0, 1), (2, '2', 'b', 'SQL', '', -5, '', '', 0, 1),
        (3, '2', 'b', 'UNDO_SQL', '', 6, '', '', 0, 1), (4, '3', 'c', 'SQL', '', 7, '', '', 0, 0),
        (5, '3', 'c', 'SQL', '', 7, '', '', 0, 1), (6, NULL, 'views', 'SQL', '', 8, '', '', 0, 1),
        (7, NULL, 'views', 'SQL', '', 9, '', '', 0, 1), (8, '4', 'd', 'SQL', '', 1, '', '', 0, 0);
      """, ["1", "3 7", "views 9"], dirty: "4"),
    HistoryCase(
      "texts up and down", .nodeSQLite,
      "CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, up TEXT NOT NULL, down TEXT NOT NULL); INSERT INTO migrations VALUES (1, 'a', 'up', 'dn');",
      ["1 up\n-- down\ndn"]),
    HistoryCase(
      "by time", .yoyo,
      """
      CREATE TABLE "_yoyo_migration" ("migration_hash" VARCHAR(64), "migration_id" VARCHAR(255), "applied_at_utc" TIMESTAMP, PRIMARY KEY ("migration_hash"));
      INSERT INTO _yoyo_migration VALUES ('x', 'b', '2024-01-02'), ('y', 'a', '2024-01-01');
      """, ["a", "b"]),
    HistoryCase(
      "by date", .drizzle,
      """
      CREATE TABLE "__drizzle_migrations" (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric);
      INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('h2', 1700000000002), ('h1', 1700000000001);
      """, ["1700000000001 h1", "1700000000002 h2"]),
    HistoryCase(
      "rolled back, and not finished", .prisma,
      """
      CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL, "logs" TEXT, "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0);
      INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at) VALUES
        (1, 'c1', '1_a', 1, 2, NULL), (2, 'c2', '2_b', 2, NULL, 3), (3, 'c2', '2_b', 4, 5, NULL), (4, 'c3', '3_c', 6, NULL, NULL);
      """, ["1_a c1", "2_b c2"], dirty: "3_c"),
    HistoryCase(
      "names of files", .d1,
      "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL); INSERT INTO d1_migrations (name) VALUES ('0002_b.sql'), ('0001_a.sql');",
      ["0002_b.sql", "0001_a.sql"]),
  ]
}
