import Foundation
import Testing

/// A command that must not be carried out on the database it is given.
struct Refusal: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let line: String
  let environment: [String: String]
  let arrange: @Sendable (Site) throws -> Void
  let error: String

  init(
    _ name: String, _ line: String = "up -d shop.db", environment: [String: String] = [:], error: String,
    _ arrange: @escaping @Sendable (Site) throws -> Void = { _ in }
  ) {
    testDescription = name
    self.line = line
    self.environment = environment
    self.arrange = arrange
    self.error = error
  }
}

@Suite("Databases that cannot be worked on")
struct BadDatabasesTests {
  static let rows = [
    Refusal(
      "a folder", "up -d migrations",
      error: """
        error: migrations is a folder, not a database [database-unreadable]
          help:  name the file in it that is the database
        """),
    Refusal(
      "a text file", "up -d notes.txt",
      error: """
        error: opening notes.txt: file is not a database [not-a-database]
          help:  check the path given with --database
        """
    ) {
      try $0.write(String(repeating: "not a database\n", count: 100), to: "notes.txt")
    },
    Refusal(
      "a truncated database",
      error: """
        error: opening shop.db: database disk image is malformed [database-damaged]
          help:  check it with: sqlite3 FILE 'PRAGMA integrity_check'
                 restore it from a backup before migrating
        """
    ) { site in
      let whole = try Data(contentsOf: site.folder.appending(path: "shop.db"))
      try site.write(whole.prefix(whole.count / 2), to: "shop.db")
    },
    Refusal(
      "a missing folder", "up -d nowhere/shop.db",
      error: """
        error: there is no folder nowhere for the database nowhere/shop.db [database-not-found]
          help:  make the folder, or check the path given with --database
        """),
    Refusal(
      "a missing file, on the way down", "down -d nowhere.db",
      error: """
        error: there is no database at nowhere.db [database-not-found]
          help:  check the path given with --database
                 phasedb up creates the file if it is missing
        """),
    Refusal(
      "a missing file, to verify", "verify -d nowhere.db",
      error: """
        error: there is no database at nowhere.db [database-not-found]
          help:  check the path given with --database
                 phasedb up creates the file if it is missing
        """),
    Refusal(
      "no database at all", "up",
      error: """
        error: no database is named [no-database]
          help:  name it: --database FILE, or PHASEDB_DATABASE=FILE, or "database" in \
        migrations/phasedb.json
        """),
    Refusal(
      "another system's address", "up",
      environment: ["DATABASE_URL": "postgres://admin:secret@db.example/shop?password=secret"],
      error: """
        error: the database's address cannot be used: phasedb works on SQLite, and this is postgres \
        [no-database]
          help:  write a path, or sqlite:PATH; --database goes before PHASEDB_DATABASE and DATABASE_URL
        """),
    Refusal(
      "a database in memory", "up -d :memory:",
      error: """
        error: the database's address cannot be used: it names no file [no-database]
          help:  write a path, or sqlite:PATH; --database goes before PHASEDB_DATABASE and DATABASE_URL
        """),
    Refusal(
      "an applied file edited",
      error: """
        error: 0001-first/expand was edited after it was applied on TIME [edited-after-apply]
          --> migrations/0001-first/expand.sql:1:1
            - INSERT INTO a VALUES (1, 'one');
            + INSERT INTO a VALUES (1, 'two');
          state: nothing was changed
          help:  restore the applied text, and write the change as a new migration
                 or reverse the phase first, with the SQL in the ledger: phasedb down --to PHASE -d shop.db
                 or override the gate: --override edited --reason "..."
        """
    ) {
      try $0.phase(
        "0001-first/expand",
        up: "CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT);\nINSERT INTO a VALUES (1, 'two');",
        down: "DROP TABLE a;")
    },
    Refusal(
      "a table added behind phasedb's back",
      error: """
        error: the schema differs from the one in the ledger at checkpoint 2 (0001/expand) [schema-drift]
            + table stranger
          state: nothing was changed
          help:  undo the change that was made outside phasedb, or write it as a migration
                 run all checks: phasedb verify -d shop.db
                 or override the gate: --override drift --reason "..."
        """
    ) { try $0.sqlite("CREATE TABLE stranger (x)") },
    Refusal(
      "a table added behind phasedb's back, on the way down", "down -d shop.db",
      error: """
        error: the schema differs from the one in the ledger at checkpoint 2 (0001/expand) [schema-drift]
            + table stranger
            ~ table mine
                table mine gains column z
          state: nothing was changed
          help:  undo the change that was made outside phasedb, or write it as a migration
                 run all checks: phasedb verify -d shop.db
                 or override the gate: --override drift --reason "..."
        """
    ) { try $0.sqlite("CREATE TABLE stranger (x); ALTER TABLE mine ADD COLUMN z") },
    Refusal(
      "an unknown phase", "up -d shop.db --to 0009",
      error: """
        error: there is no phase '0009' [unknown-phase]
          state: nothing was changed
          help:  list the phases: phasedb status -d shop.db
        """),
    Refusal(
      "an ambiguous prefix", "up -d shop.db --to 000",
      error: """
        error: '000' names 3 phases [ambiguous-phase]
            0001-first/expand
            0002-second/expand
            0002-second/contract
          state: nothing was changed
          help:  write more of it, for example 0001/expand
        """),
    Refusal(
      "a contract that is held", "up -d shop.db --to 0002/contract",
      error: """
        error: 0002-second/contract is held by its window gate: no live version of storefront \
        is known, and a contract needs to know it [phase-held]
          state: nothing was changed
          help:  make it check in, or name the live version: --live storefront@VERSION
                 or override the gate: --override window --reason "..."
        """),
    Refusal(
      "an unknown checkpoint", "down -d shop.db --to @nowhere",
      error: """
        error: there is no checkpoint '@nowhere' [unknown-checkpoint]
          state: nothing was changed
          help:  list the checkpoints: phasedb checkpoint list -d shop.db
        """),
    Refusal(
      "a phase that is not applied, on the way down", "down -d shop.db --to 0002/expand",
      error: """
        error: 0002-second/expand is not applied, so there is no way down to it [not-applied]
          state: nothing was changed
          help:  see what is applied: phasedb status -d shop.db
        """),
    Refusal(
      "an override without a reason", "up -d shop.db --override window",
      error: """
        error: --override needs a reason, which stays in the log [reason-missing]
          help:  add --reason "why window does not matter now"
        """),
    Refusal(
      "a live version that is none", "up -d shop.db --live storefront@new",
      error: """
        error: 'new' is not a version [version-invalid]
          help:  write numbers with dots between them, for example 1.4, 2.0.1 or 2.0-rc.1
        """),
    Refusal(
      "a migration before one that is applied",
      error: """
        error: migration 0000-late is new and sorts before 0001-first, which is applied [out-of-order]
          --> migrations/0000-late/expand.sql:1:1
          state: nothing was changed
          help:  give it a number after 0001
        """
    ) { try $0.table("z", in: "0000-late/expand") },
    Refusal(
      "a ledger from a newer format",
      error: """
        error: the ledger has format 99, written by phasedb 0.1.0; this is phasedb 0.1.0, which knows \
        format 5 [ledger-too-new]
          state: nothing was changed
          help:  install phasedb 0.1.0 or newer
        """
    ) {
      try $0.sqlite("UPDATE phasedb_meta SET value = '99' WHERE key = 'format'")
    },
    Refusal(
      "a ledger whose texts were changed", "down -d shop.db",
      error: """
        error: the text of 0001-first/expand in phasedb_phase was changed after it was applied \
        [ledger-damaged]
          state: nothing was changed
          help:  look at the row with: sqlite3 FILE 'SELECT * FROM phasedb_phase'
                 restore the ledger from a backup
        """
    ) {
      try $0.sqlite("UPDATE phasedb_phase SET down_sql = 'DROP TABLE mine;'")
    },
    Refusal(
      "a checkpoint that exists", "checkpoint create here -d shop.db",
      error: """
        error: there is a checkpoint @here already [checkpoint-exists]
          state: nothing was changed
          help:  choose another name; list them: phasedb checkpoint list -d shop.db
        """
    ) {
      _ = try $0.phasedb("checkpoint create here -d shop.db")
    },
  ]

  /// A database with a table of the application, one phase applied and two to come.
  static func shop() throws -> Site {
    let site = try Site()
    try site.sqlite("CREATE TABLE mine (x, y); INSERT INTO mine VALUES (1.5, 'a'), (NULL, x'00')")
    try site.table("a", in: "0001-first/expand")
    #expect(try site.phasedb("up -d shop.db").code == 0)
    try site.table("b", in: "0002-second/expand")
    try site.phase(
      "0002-second/contract", up: "DROP TABLE a;",
      down: "CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT);", window: "storefront >=1.5 <2.0")
    // Its contract loses rows, and nothing here is about that.
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    return site
  }

  @Test("are refused, with not a byte written", arguments: rows)
  func refused(_ row: Refusal) throws {
    let site = try Self.shop()
    try row.arrange(site)
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb(row.line, environment: row.environment)
    expectFailure(outcome, 2, row.error, at: site)
    #expect(outcome.output.isEmpty)
    #expect(SiteFiles(of: site) == before)
  }

  @Test(
    "a read-only file is refused, and read all the same",
    .enabled(if: Surroundings.canProtect, "no file can be protected from this user"))
  func readOnly() throws {
    let site = try Self.shop()
    site.protect("shop.db")
    let before = SiteFiles(of: site)
    let error = """
      error: shop.db is read-only [database-read-only]
        help:  make the file and its folder writable for the user that runs phasedb
      """
    for line in ["up -d shop.db", "down -d shop.db", "checkpoint create here -d shop.db"] {
      expectFailure(try site.phasedb(line), 2, error, at: site)
    }
    for line in Self.reading {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 0, "\(line): \(outcome.summary)")
    }
    #expect(SiteFiles(of: site) == before)
  }

  static let reading = ["status", "plan", "verify", "log --check", "checkpoint list", "up --dry-run"]

  @Test("a writer that died in the middle is rolled back by whoever reads first", arguments: reading)
  func deadWriter(line: String) throws {
    let site = try Self.withDeadWriter()
    let outcome = try site.phasedb("\(line) -d dead/shop.db")
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(try DatabaseContents(of: site, database: "dead/shop.db") == DatabaseContents(of: site))
  }

  @Test(
    "a writer that died in the middle of a file that is read-only now is named",
    .enabled(if: Surroundings.canProtect, "no file can be protected from this user"))
  func protectedDeadWriter() throws {
    let site = try Self.withDeadWriter()
    site.protect("dead/shop.db")
    let before = SiteFiles(of: site)
    let error = """
      error: dead/shop.db is read-only, and cannot be read before the unfinished work of its last writer is rolled back [database-read-only]
        help:  run the command once as a user that may write the file and its folder
      """
    for line in Self.reading {
      expectFailure(try site.phasedb("\(line) -d dead/shop.db"), 2, error, at: site)
    }
    #expect(SiteFiles(of: site) == before)
  }

  /// The shop, and in `dead` a copy of it from the middle of a transaction that had begun to write to the file.
  private static func withDeadWriter() throws -> Site {
    let site = try shop()
    try site.sqlite(
      """
      INSERT INTO mine WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        SELECT i, hex(zeroblob(20)) FROM n;
      """)
    try site.makeFolder("dead")
    let copied = try site.run(
      "sqlite3", "-bail", "shop.db", "PRAGMA cache_size = 1; BEGIN; UPDATE mine SET y = 'gone'",
      ".system cp shop.db shop.db-journal dead/")
    try #require(copied.code == 0 && site.exists("dead/shop.db-journal"), "\(copied.summary)")
    return site
  }

  @Test(
    "a database in WAL mode is read in a folder that cannot be written",
    .enabled(if: Surroundings.canProtect, "no folder can be protected from this user"))
  func readOnlyFolder() throws {
    let site = try Self.shop()
    try site.makeFolder("locked")
    try FileManager.default.moveItem(atPath: site.path("shop.db"), toPath: site.path("locked/shop.db"))
    try site.sqlite("PRAGMA journal_mode = WAL", on: "locked/shop.db")
    site.protect("locked/shop.db")
    site.protect("locked")
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("status -d locked/shop.db")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.summary)")
    #expect(outcome.output.contains("0001/expand    first   applied"))
    #expect(SiteFiles(of: site) == before)
  }

  @Test(
    "a phase that fills the disk is undone",
    .enabled(if: Surroundings.canMount, "nothing can be mounted here"))
  func diskFull() throws {
    let site = try Site()
    try site.mount("disk", kilobytes: 512)
    try site.sqlite("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)", on: "disk/shop.db")
    try site.phase(
      "0001-big/expand",
      up: """
        CREATE TABLE big (x);
        INSERT INTO big
          WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
          SELECT zeroblob(1000) FROM n;
        """, down: "DROP TABLE big;")
    let before = try DatabaseContents(of: site, database: "disk/shop.db")
    expectFailure(
      try site.phasedb("up -d disk/shop.db"), 3,
      """
      error: committing 0001-big/expand: database or disk is full [database-full]
        state: 0001/expand was rolled back; the database is before the first phase
        help:  make room on the disk, then run the command again
               then run: phasedb up -d disk/shop.db
      """, at: site)
    #expect(try DatabaseContents(of: site, database: "disk/shop.db") == before)
    #expect(before.ledger.isEmpty)
    #expect(try site.phasedb("verify -d disk/shop.db").code == 0)
  }

  @Test(
    "a SQLite that is too old is named",
    .enabled(if: Surroundings.canPreload, "there is no C compiler, or no way to preload a library"))
  func oldSQLite() throws {
    let site = try Self.shop()
    try site.write("int sqlite3_libversion_number(void) { return 3034001; }\n", to: "old.c")
    #expect(try site.run("cc", "-shared", "-fPIC", "-o", "old.so", "old.c").code == 0)
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("up -d shop.db", environment: ["LD_PRELOAD": site.path("old.so")])
    expectFailure(
      outcome, 2,
      """
      error: this is SQLite 3.x, and phasedb needs 3.35.0 or newer [sqlite-too-old]
        help:  install a newer libsqlite3, for example through the system's package manager
      """, at: site)
    #expect(SiteFiles(of: site) == before)
  }
}

@Suite("A database that another process has locked")
struct LockedDatabaseTests {
  enum Mode: String, CaseIterable {
    /// Nobody can read while the lock is held.
    case delete
    /// Everybody can read, and nobody else write.
    case wal

    var error: String {
      switch self {
      case .delete:
        """
        error: opening shop.db: another connection holds the database's lock [database-busy]
          help:  wait for the other writer, or allow more time with --wait 2m
        """
      case .wal:
        """
        error: starting a transaction: another connection holds the database's lock [database-busy]
          state: nothing was changed by 0002/expand; the database is at checkpoint 2 (0001/expand)
          help:  wait for the other writer, or allow more time with --wait 2m
        """
      }
    }
  }

  @Test("is given up after --wait, unchanged", arguments: Mode.allCases)
  func givenUp(mode: Mode) throws {
    let site = try BadDatabasesTests.shop()
    try site.sqlite("PRAGMA journal_mode = \(mode)")
    let holder = try site.holdLock()
    let outcome = try site.phasedb("up -d shop.db --wait 300ms")
    expectFailure(outcome, 5, mode.error, at: site)
    #expect(outcome.duration > .milliseconds(300) && outcome.duration < .seconds(3))
    try holder.closeInput()
    #expect(holder.outcome().code == 0)
    #expect(try site.sqlite("SELECT phase FROM phasedb_phase") == "'0001-first/expand'\n")
  }

  @Test("is worked on once the lock is gone", arguments: Mode.allCases)
  func waited(mode: Mode) throws {
    let site = try BadDatabasesTests.shop()
    try site.sqlite("PRAGMA journal_mode = \(mode)")
    let holder = try site.holdLock()
    let up = try site.start(["up", "-d", "shop.db", "--wait", "30s"])
    #expect(!up.hasEnded(within: .milliseconds(200)))
    try holder.closeInput()
    #expect(up.outcome().code == 0, "\(up.outcome().summary)")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_phase") == "2\n")
  }
}

@Suite("An applied file that was reformatted")
struct ReformattedTests {
  @Test("is the same phase")
  func goesOn() throws {
    let site = try BadDatabasesTests.shop()
    try site.write(
      """
      \u{FEFF}-- A better summary.
      -- @window   storefront   >=1.0   <2.0
      /* and a remark */
      -- @up
      CREATE TABLE a (
        id INTEGER PRIMARY KEY, -- the key
        text TEXT
      );

      INSERT INTO a
      VALUES (1, 'one');
      -- @down
      DROP TABLE a;
      """.replacing("\n", with: "\r\n"), to: "migrations/0001-first/expand.sql")
    let up = try site.phasedb("up -d shop.db")
    #expect(up.code == 0 && up.errors.isEmpty, "\(up.summary)")
    #expect(
      try site.sqlite("SELECT phase FROM phasedb_phase") == "'0001-first/expand'\n'0002-second/expand'\n")
  }
}
