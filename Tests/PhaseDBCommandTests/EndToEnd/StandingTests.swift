import Foundation
import Testing

/// A command that fails, and what its exit code must say of the file.
struct StandingCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let error: String
  let code: Int32
  let setUp: @Sendable (Site) throws -> Void
  let run: @Sendable (Site) throws -> Outcome

  init(
    _ sentence: String, _ line: String = "up -d shop.db", fails error: String, code: Int32,
    _ setUp: @escaping @Sendable (Site) throws -> Void
  ) {
    self.init(sentence, fails: error, code: code, setUp) { try $0.phasedb(line) }
  }

  init(
    _ sentence: String, fails error: String, code: Int32, _ setUp: @escaping @Sendable (Site) throws -> Void,
    run: @escaping @Sendable (Site) throws -> Outcome
  ) {
    (testDescription, self.error, self.code) = (sentence, error, code)
    (self.setUp, self.run) = (setUp, run)
  }
}

extension Site {
  /// Every object of a database and every row of its tables, as the `sqlite3` shell writes them.
  fileprivate func content(_ database: String = "shop.db") throws -> String {
    guard exists(database) else { return "no file" }
    let dump = try run("sqlite3", "-batch", database, ".dump --preserve-rowids")
    // The shell ends with an error for what is no database.
    guard dump.code == 0, dump.errors.isEmpty else {
      return String(
        decoding: FileManager.default.contents(atPath: path(database)) ?? Data(), as: UTF8.self)
    }
    return dump.output
  }

  /// The same without the tables of the ledger, of which only the applied phases are left.
  fileprivate func contentOfUser() throws -> String {
    let lines = try content().split(separator: "\n", omittingEmptySubsequences: false)
    // Phases are named in rows that may be spread over lines, so they are asked for.
    let names =
      try exists("shop.db")
      ? sqlite(
        "SELECT name FROM sqlite_schema WHERE name NOT GLOB 'phasedb_*' AND type = 'table'"
      )
      .split(separator: "\n").map { $0.trimmingCharacters(in: ["'"]) } : []
    let tables = try names.map { name in
      try "\(name):\n" + sqlite("SELECT rowid, * FROM \"\(name)\"")
    }.joined()
    let schema =
      try exists("shop.db")
      ? sqlite(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT GLOB 'phasedb_*' AND tbl_name NOT GLOB 'phasedb_*' ORDER BY 1, 2"
      ) : ""
    let hasLedger = lines.contains { $0.contains("phasedb_phase") }
    return try schema + tables
      + (hasLedger ? sqlite("SELECT phase FROM phasedb_phase ORDER BY sequence") : "")
  }

  fileprivate func one(_ up: String, down: String = "SELECT 1;", kind: String = "expand") throws {
    try phase("0001-one/\(kind)", up: up, down: down, directives: ["@residual none"])
  }

  fileprivate func two(
    _ up: String, down: String = "SELECT 1;", kind: String = "expand",
    window: String = "storefront >=1.0 <2.0",
    directives: [String] = []
  ) throws {
    try phase(
      "0002-two/\(kind)", up: up, down: down, window: window, directives: ["@residual none"] + directives)
  }
}

/// The exit code against the file: 2 and 5 leave every byte of every table, 3 everything but the ledger's log, 4 something done.
@Suite("What a failure leaves behind")
struct StandingTests {
  private static let make = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x');"
  private static let drop = "DROP TABLE t;"

  /// A database with one applied phase that made t.
  private static func begun(_ site: Site) throws {
    try site.one(make, down: drop)
    #expect(try site.phasedb("up -d shop.db -q").code == 0)
  }

  /// The same with two rows, of which a batched phase has done one.
  private static func halfDone(_ site: Site) throws {
    try begun(site)
    try site.sqlite("INSERT INTO t VALUES (2, 'y')")
    try site.two(
      "UPDATE t SET a = json_extract(CASE id WHEN 1 THEN '1' ELSE '{' END, '$') WHERE id BETWEEN :first AND :last;",
      down: "UPDATE t SET a = 'x' WHERE id BETWEEN :first AND :last;", kind: "migrate",
      directives: ["@batch t"])
  }

  private static func inHalf(_ site: Site) throws {
    try halfDone(site)
    #expect(try site.phasedb("up -d shop.db --max-batch 1").code == 4)
  }

  static let refused = [
    StandingCase(
      "a run of somebody who may be alive", "up -d shop.db --wait 100ms", fails: "lease-held", code: 5
    ) {
      try begun($0)
      try $0.two("CREATE TABLE u (a);", down: "DROP TABLE u;")
      try $0.sqlite(
        "INSERT INTO phasedb_lease VALUES (1, 'somebody', 'elsewhere', 1, '', '', '', '2026-01-01T00:00:00.000Z', 'up, 2 phases')"
      )
    },
    StandingCase(
      "rows that the schema before the phase does not take", "down -d shop.db", fails: "reversal-blocked",
      code: 2
    ) {
      try $0.one("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'z'));", down: drop)
      #expect(try $0.phasedb("up -d shop.db -q").code == 0)
      let moved = "INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;"
      try $0.two(
        "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT); \(moved)",
        down: "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'z')); \(moved)", kind: "contract")
      #expect(
        try $0.phasedb("up -d shop.db -q --live storefront@1.5 --override evidence --reason test").code == 0)
      try $0.sqlite("INSERT INTO t VALUES (1, 'z')")
    },
    StandingCase("a batched phase that was edited half-way", fails: "batch-edited", code: 2) {
      try inHalf($0)
      try $0.two(
        "UPDATE t SET a = 'b' WHERE id BETWEEN :first AND :last;",
        down: "UPDATE t SET a = 'x' WHERE id BETWEEN :first AND :last;", kind: "migrate",
        directives: ["@batch t"])
    },
    StandingCase(
      "a name for a point half-way", "checkpoint create here -d shop.db", fails: "phase-in-progress", code: 2
    ) { try inHalf($0) },
    StandingCase(
      "a snapshot half-way", "up --snapshot . -d shop.db", fails: "phase-in-progress", code: 2
    ) { try inHalf($0) },
    StandingCase("a table of somebody's that is named like the ledger's", fails: "ledger-touched", code: 2) {
      try $0.sqlite("CREATE TABLE phasedb_mine (a)")
      try $0.one(make, down: drop)
    },
    StandingCase("a view that has the name of a table of the ledger", fails: "ledger-touched", code: 2) {
      try $0.sqlite("CREATE TABLE x (a); CREATE VIEW phasedb_log AS SELECT a FROM x")
      try $0.one(make, down: drop)
    },
    StandingCase("a table that is not in the baseline", fails: "schema-drift", code: 2) {
      try $0.sqlite("CREATE TABLE other (a)")
      try $0.write("CREATE TABLE t (a);", to: "migrations/baseline.sql")
      try $0.one("CREATE TABLE u (a);", down: "DROP TABLE u;")
    },
    StandingCase("a change from outside", fails: "schema-drift", code: 2) {
      try begun($0)
      try $0.sqlite("CREATE INDEX i ON t (a)")
      try $0.two("CREATE TABLE u (a);", down: "DROP TABLE u;")
    },
    StandingCase("a text that was edited", fails: "edited-after-apply", code: 2) {
      try begun($0)
      try $0.one(make + "SELECT 1;", down: drop)
    },
    StandingCase("a migration before one that is applied", fails: "out-of-order", code: 2) {
      try $0.two(make, down: drop)
      #expect(try $0.phasedb("up -d shop.db -q").code == 0)
      try $0.one("CREATE TABLE u (a);", down: "DROP TABLE u;")
    },
    StandingCase("a contract that is held", "up --to 0002 -d shop.db", fails: "phase-held", code: 2) {
      try begun($0)
      try $0.two("DROP TABLE t;", down: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);", kind: "contract")
    },
    StandingCase(
      "a contract without a rehearsal", "up --to 0002 --live storefront@1.5 -d shop.db", fails: "phase-held",
      code: 2
    ) {
      try begun($0)
      try $0.two("DROP TABLE t;", down: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);", kind: "contract")
    },
    StandingCase("a phase that nobody knows", "up --to 0009 -d shop.db", fails: "unknown-phase", code: 2) {
      try begun($0)
    },
    StandingCase(
      "a live version that needs the phase", "down --live storefront@2.0 -d shop.db", fails: "phase-held",
      code: 2
    ) { try begun($0) },
    StandingCase("a ledger of the future", fails: "ledger-too-new", code: 2) {
      try begun($0)
      try $0.sqlite("UPDATE phasedb_meta SET value = '99' WHERE key = 'format'")
    },
    StandingCase("a text in the ledger that was changed", "down -d shop.db", fails: "ledger-damaged", code: 2)
    {
      try begun($0)
      try $0.sqlite("UPDATE phasedb_phase SET down_sql = 'DROP TABLE nowhere'")
    },
    StandingCase("a file that is no database", fails: "not-a-database", code: 2) {
      try $0.write(String(repeating: "no database ", count: 100), to: "shop.db")
      try $0.one(make, down: drop)
    },
    StandingCase(
      "an archive that is missing", "down -d shop.db --live storefront@1.5", fails: "archive-missing", code: 2
    ) {
      try begun($0)
      try $0.two(
        "ALTER TABLE t DROP COLUMN a;", down: "ALTER TABLE t ADD COLUMN a TEXT;", kind: "contract")
      #expect(
        try $0.phasedb("up -d shop.db -q --live storefront@1.5 --override evidence --reason test").code == 0)
      let archive = try $0.sqlite("SELECT name FROM sqlite_schema WHERE name GLOB 'phasedb_archive_[0-9]*'")
        .trimmingCharacters(in: ["'", "\n"])
      try $0.sqlite("DROP TABLE \(archive)")
    },
    StandingCase(
      "an archive that was changed", "down -d shop.db --live storefront@1.5", fails: "archive-altered",
      code: 2
    ) {
      try begun($0)
      try $0.two(
        "ALTER TABLE t DROP COLUMN a;", down: "ALTER TABLE t ADD COLUMN a TEXT;", kind: "contract")
      #expect(
        try $0.phasedb("up -d shop.db -q --live storefront@1.5 --override evidence --reason test").code == 0)
      let archive = try $0.sqlite("SELECT name FROM sqlite_schema WHERE name GLOB 'phasedb_archive_[0-9]*'")
        .trimmingCharacters(in: ["'", "\n"])
      try $0.sqlite("DELETE FROM \(archive)")
    },
    StandingCase("a batch whose table has no such key", fails: "batch-not-keyed", code: 2) {
      try begun($0)
      try $0.two(
        "UPDATE t SET a = upper(a) WHERE a BETWEEN :first AND :last;",
        down: "UPDATE t SET a = lower(a) WHERE a BETWEEN :first AND :last;", kind: "migrate",
        directives: ["@batch t by a"])
    },
    StandingCase(
      "nothing to accept", "verify --accept t --reason no -d shop.db", fails: "nothing-to-accept", code: 2
    ) {
      try begun($0)
    },
  ]

  /// A statement that does not end, and a request to end it.
  @Sendable private static func interrupt(_ site: Site) throws -> Outcome {
    let up = try site.start(["up", "-d", "shop.db"])
    #expect(up.reaches { site.exists("shop.db-journal") }, "\(up.errors)")
    up.send(SIGINT)
    return up.outcome()
  }

  /// Without rows, as where a phase is tried first, it ends at once.
  static let endless =
    "UPDATE t SET a = NULL; INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 FROM t UNION ALL SELECT 1 FROM n) SELECT NULL, i FROM n WHERE i > 1;"

  /// A disk that takes no more of the database than it has.
  static let brokenDisk = StandingCase("a disk that fails", fails: "io-failed", code: 3) { site in
    try begun(site)
    try site.two("INSERT INTO t VALUES (2, zeroblob(1000000));", kind: "migrate")
    try site.write(
      """
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <errno.h>
      #include <unistd.h>
      ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
        ssize_t (*next)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
        if (at < 900000) return next(file, bytes, count, at);
        errno = EIO;
        return -1;
      }
      """, to: "broken.c")
    #expect(try site.run("cc", "-shared", "-fPIC", "-o", "broken.so", "broken.c", "-ldl").code == 0)
  } run: {
    try $0.phasedb("up -d shop.db", environment: ["LD_PRELOAD": $0.path("broken.so")])
  }

  static let fullDisk = StandingCase("a disk that is full", fails: "database-full", code: 3) { site in
    try site.mount("disk", kilobytes: 512)
    try site.write("", to: "disk/shop.db")
    #expect(try site.run("ln", "-s", "disk/shop.db", "shop.db").code == 0)
    try begun(site)
    try site.two("INSERT INTO t VALUES (2, zeroblob(1000000));", kind: "migrate")
  }

  static let undone = [
    StandingCase(
      "a retirement of what is needed",
      "up -d shop.db --live storefront@1.5 --override evidence --reason test", fails: "retirement-refused",
      code: 3
    ) {
      try begun($0)
      try $0.write(
        "-- @window storefront >=1.0\n-- @residual none\n-- @retire t.id\n",
        to: "migrations/0002-two/contract.sql")
    },
    StandingCase("a request to stop", fails: "interrupted", code: 3) {
      try $0.sqlite("PRAGMA journal_mode = delete; CREATE TABLE mine (x)")
      try begun($0)
      try $0.two(endless, kind: "migrate")
    } run: {
      try interrupt($0)
    },
    StandingCase("a baseline that does not run", fails: "statement-failed", code: 3) {
      try $0.write("CREATE TABLE t (a); INSERT INTO nowhere VALUES (1);", to: "migrations/baseline.sql")
      try $0.one("CREATE TABLE u (a);", down: "DROP TABLE u;")
    },
    StandingCase("a statement that fails", fails: "statement-failed", code: 3) {
      try begun($0)
      try $0.two("DELETE FROM t; SELECT nowhere;")
    },
    StandingCase("a statement that is forbidden", fails: "forbidden-statement", code: 3) {
      try begun($0)
      try $0.two("DELETE FROM t; COMMIT;")
    },
    StandingCase("a phase that touches the ledger's names", fails: "ledger-touched", code: 3) {
      try begun($0)
      try $0.two("DELETE FROM t; ALTER TABLE t RENAME TO phasedb_t;")
    },
    StandingCase("a trigger of somebody's that ends the transaction", fails: "transaction-ended", code: 3) {
      try $0.sqlite(make + "CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT RAISE(ROLLBACK, 'no'); END;")
      try $0.one("DELETE FROM t;", kind: "migrate")
    },
    StandingCase("rows that lose their parent", fails: "foreign-keys-violated", code: 3) {
      try $0.one(
        make + "CREATE TABLE c (id INTEGER PRIMARY KEY, t REFERENCES t); INSERT INTO c VALUES (1, 1);",
        down: "DROP TABLE c; DROP TABLE t;")
      #expect(try $0.phasedb("up -d shop.db -q").code == 0)
      try $0.two("DELETE FROM t;", kind: "migrate")
    },
    StandingCase("a claim that does not hold", fails: "verify-failed", code: 3) {
      try begun($0)
      try $0.two(
        "UPDATE t SET a = 'y';", kind: "migrate",
        directives: ["@verify it is x\nSELECT id FROM t WHERE a <> 'x';"])
    },
    StandingCase("an expand that takes away", fails: "expand-not-additive", code: 3) {
      try begun($0)
      try $0.two("DROP TABLE t;", down: make)
    },
    StandingCase("a migrate that changes the schema", fails: "migrate-changes-schema", code: 3) {
      try begun($0)
      try $0.two("UPDATE t SET a = 'y'; CREATE INDEX i ON t (a);", kind: "migrate")
    },
    StandingCase("a down that does not lead back", "down -d shop.db", fails: "down-not-inverse", code: 3) {
      try begun($0)
      try $0.two("CREATE TABLE u (a);", down: "DELETE FROM t;")
      #expect(try $0.phasedb("up -d shop.db -q").code == 0)
    },
    StandingCase("a batch that fails before any is done", fails: "statement-failed", code: 3) {
      try $0.one(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'z')); INSERT INTO t VALUES (1, 'x');",
        down: drop)
      #expect(try $0.phasedb("up -d shop.db -q").code == 0)
      try $0.two(
        "UPDATE t SET a = 'z' WHERE id BETWEEN :first AND :last;",
        down: "UPDATE t SET a = 'x' WHERE id BETWEEN :first AND :last;",
        kind: "migrate", directives: ["@batch t"])
    },
  ]

  static let partWay = [
    StandingCase("a request to stop after a phase", fails: "interrupted", code: 4) {
      try $0.one(make, down: drop)
      try $0.two(endless, kind: "migrate")
    } run: {
      let up = try $0.start(["up", "-d", "shop.db"])
      #expect(up.reaches { up.output.contains("applied  0001") }, "\(up.errors)")
      up.send(SIGINT)
      return up.outcome()
    },
    StandingCase(
      "a second batch that fails", "up -d shop.db --max-batch 1", fails: "statement-failed", code: 4
    ) {
      try halfDone($0)
    },
    StandingCase("a second phase that fails", fails: "statement-failed", code: 4) {
      try $0.one(make, down: drop)
      try $0.two("SELECT nowhere;")
    },
  ]

  @Test("2 or 5: nothing was changed", arguments: refused)
  func checkRefused(_ example: StandingCase) throws {
    let site = try Site()
    try example.setUp(site)
    let before = try site.content()
    let outcome = try example.run(site)
    #expect(outcome.errors.contains("[\(example.error)]"), "\(outcome.summary)")
    #expect(outcome.code == example.code, "\(outcome.summary)")
    #expect(!outcome.errors.contains("rolled back"), "\(outcome.summary)")
    #expect(try site.content() == before)
  }

  @Test("3: what began was rolled back", arguments: undone)
  func checkUndone(_ example: StandingCase) throws {
    let site = try Site()
    try example.setUp(site)
    let before = try site.contentOfUser()
    let outcome = try example.run(site)
    #expect(outcome.errors.contains("[\(example.error)]"), "\(outcome.summary)")
    #expect(outcome.code == example.code, "\(outcome.summary)")
    #expect(!outcome.errors.contains("nothing was changed"), "\(outcome.summary)")
    #expect(try site.contentOfUser() == before)
  }

  @Test(
    "3: what a full disk stopped was rolled back",
    .enabled(if: Surroundings.canMount, "no file system can be mounted"))
  func full() throws { try checkUndone(Self.fullDisk) }

  @Test(
    "3: what a broken disk stopped was rolled back",
    .enabled(if: Surroundings.canPreload, "there is no C compiler, or no way to preload a library"))
  func broken() throws { try checkUndone(Self.brokenDisk) }

  @Test("4: something is done", arguments: partWay)
  func checkPartWay(_ example: StandingCase) throws {
    let site = try Site()
    try example.setUp(site)
    let before = try site.contentOfUser()
    let outcome = try example.run(site)
    #expect(outcome.errors.contains("[\(example.error)]"), "\(outcome.summary)")
    #expect(outcome.code == example.code, "\(outcome.summary)")
    #expect(try site.contentOfUser() != before, "\(outcome.summary)")
  }

  @Test("3: but for the snapshot that was asked for, and that the error names")
  func snapshot() throws {
    let site = try Site()
    try Self.begun(site)
    try site.two("DELETE FROM t; SELECT nowhere;")
    try site.makeFolder("copies")
    let before = try site.contentOfUser()
    let outcome = try site.phasedb("up -d shop.db --snapshot copies")
    #expect(outcome.code == 3, "\(outcome.summary)")
    #expect(
      outcome.errors.contains("checkpoint 2 (0001/expand); the snapshot made before is kept: "),
      "\(outcome.summary)")
    #expect(try site.contentOfUser() == before)
  }

  @Test("5: another connection holds the lock, and nothing was changed")
  func busy() throws {
    let site = try Site()
    try Self.begun(site)
    try site.two("CREATE TABLE u (a);", down: "DROP TABLE u;")
    let before = try site.content()
    let writer = try RunningProgram(
      "/usr/bin/env", ["sqlite3", "-batch", "shop.db"], in: site.path(""), environment: Site.environment,
      takesInput: true)
    try writer.type("BEGIN IMMEDIATE; SELECT 'locked';")
    #expect(writer.reaches { writer.output.contains("locked") })
    let outcome = try site.phasedb("up -d shop.db --wait 100ms")
    #expect(outcome.code == 5 && outcome.errors.contains("[database-busy]"), "\(outcome.summary)")
    try writer.closeInput()
    _ = writer.outcome()
    #expect(try site.content() == before)
  }
}
