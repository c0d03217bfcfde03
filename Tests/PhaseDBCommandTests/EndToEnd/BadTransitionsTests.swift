import Foundation
import Testing

/// A phase that loads, and fails while it runs.
struct BadPhase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let kind: String
  let up: String
  let directives: [String]
  let error: String

  init(_ name: String, kind: String = "expand", up: String, directives: [String] = [], error: String) {
    testDescription = name
    self.kind = kind
    self.up = up
    self.directives = directives
    self.error = error
  }
}

@Suite("Phases that fail while they run")
struct BadTransitionsTests {
  static let rows = [
    BadPhase(
      "a syntax error in the third statement",
      up: "CREATE TABLE b (id INTEGER PRIMARY KEY);\nINSERT INTO b VALUES (1);\nINSRT INTO b VALUES (2);",
      error: """
        error: near "INSRT": syntax error [statement-failed]
          --> migrations/0002-bad/expand.sql:5:1
           |
         5 | INSRT INTO b VALUES (2);
           | ^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  correct the statement
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a column that does not exist", up: "CREATE TABLE b (id INTEGER);\nUPDATE mine SET x = nmae;",
      error: """
        error: no such column: nmae [statement-failed]
          --> migrations/0002-bad/expand.sql:4:21
           |
         4 | UPDATE mine SET x = nmae;
           |                     ^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  correct the statement
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a constraint that does not hold",
      up: "CREATE TABLE b (id INTEGER PRIMARY KEY);\nINSERT INTO b VALUES (1), (1);",
      error: """
        error: UNIQUE constraint failed: b.id [statement-failed]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | INSERT INTO b VALUES (1), (1);
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  correct the statement
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "COMMIT", up: "CREATE TABLE b (id);\nCOMMIT;",
      error: """
        error: COMMIT inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | COMMIT;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: phasedb runs the phase in a transaction of its own
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "ROLLBACK", up: "CREATE TABLE b (id);\nROLLBACK;",
      error: """
        error: ROLLBACK inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | ROLLBACK;
           | ^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: phasedb runs the phase in a transaction of its own
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "SAVEPOINT", up: "CREATE TABLE b (id);\nSAVEPOINT here;",
      error: """
        error: SAVEPOINT inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | SAVEPOINT here;
           | ^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: phasedb runs the phase in a transaction of its own
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "ATTACH", up: "CREATE TABLE b (id);\nATTACH 'other.db' AS other;",
      error: """
        error: ATTACH, DETACH or VACUUM inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | ATTACH 'other.db' AS other;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: a phase works on one database, and VACUUM is run outside phasedb
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "VACUUM", up: "CREATE TABLE b (id);\nVACUUM;",
      error: """
        error: VACUUM inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | VACUUM;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: VACUUM is run outside phasedb
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "VACUUM INTO", up: "CREATE TABLE b (id);\nVACUUM INTO 'other.db';",
      error: """
        error: VACUUM inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | VACUUM INTO 'other.db';
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: VACUUM is run outside phasedb
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "PRAGMA journal_mode", up: "CREATE TABLE b (id);\nPRAGMA journal_mode = WAL;",
      error: """
        error: PRAGMA journal_mode inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | PRAGMA journal_mode = WAL;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: set it where the application opens the database
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "PRAGMA writable_schema",
      up:
        "CREATE TABLE b (id);\nPRAGMA writable_schema = ON;\nUPDATE sqlite_schema SET sql = '' WHERE name = 'mine';",
      error: """
        error: PRAGMA writable_schema inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | PRAGMA writable_schema = ON;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: set it where the application opens the database
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "load_extension", up: "CREATE TABLE b (id);\nSELECT load_extension('evil');",
      error: """
        error: the function load_extension inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:8
           |
         4 | SELECT load_extension('evil');
           |        ^^^^^^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  remove it: it reaches out of the database
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a temporary table", up: "CREATE TABLE b (id);\nCREATE TEMP TABLE mine (x);",
      error: """
        error: a TEMP object inside a phase is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | CREATE TEMP TABLE mine (x);
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  make an ordinary table and drop it in the same phase, or use WITH: a TEMP object can \
        hide one of main
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "INSERT OR ROLLBACK",
      up:
        "CREATE TABLE b (id INTEGER PRIMARY KEY);\nINSERT INTO b VALUES (1);\nINSERT OR ROLLBACK INTO b VALUES (1);",
      error: """
        error: a conflict clause that ends the phase's transaction is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:5:8
           |
         5 | INSERT OR ROLLBACK INTO b VALUES (1);
           |        ^^^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  write ABORT instead of ROLLBACK: it undoes the statement and leaves the transaction open
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "RAISE(ROLLBACK)",
      up: """
        CREATE TABLE b (id);
        CREATE TRIGGER no AFTER INSERT ON b BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
        INSERT INTO b VALUES (1);
        """,
      error: """
        error: a conflict clause that ends the phase's transaction is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:4:50
           |
         4 | CREATE TRIGGER no AFTER INSERT ON b BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
           |                                                  ^^^^^^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  write ABORT instead of ROLLBACK: it undoes the statement and leaves the transaction \
        open
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a trigger of the application that raises ROLLBACK", up: "CREATE TABLE b (id);\nDELETE FROM guarded;",
      error: """
        error: the phase's transaction was rolled back while the phase ran: keep it [transaction-ended]
          --> migrations/0002-bad/expand.sql:4:1
           |
         4 | DELETE FROM guarded;
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  use RAISE(ABORT, …) in triggers and ABORT in conflict clauses: ROLLBACK ends the whole phase
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a table of the ledger", up: "CREATE TABLE phasedb_x (id);",
      error: """
        error: the use of phasedb_x, which belongs to phasedb, is not allowed [forbidden-statement]
          --> migrations/0002-bad/expand.sql:3:1
           |
         3 | CREATE TABLE phasedb_x (id);
           | ^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  give the object another name
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a rename to phasedb_x", up: "CREATE TABLE b (id);\nALTER TABLE b RENAME TO phasedb_x;",
      error: """
        error: 0002-bad/expand: 'phasedb_x' begins with phasedb_, which is reserved for the ledger \
        [ledger-touched]
          --> migrations/0002-bad/expand.sql:4:25
           |
         4 | ALTER TABLE b RENAME TO phasedb_x;
           |                         ^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  give the object another name, and keep the ledger out of views and triggers
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a view over the ledger", up: "CREATE VIEW b AS SELECT * FROM phasedb_phase;",
      error: """
        error: 0002-bad/expand: view b uses phasedb_phase, which belongs to phasedb [ledger-touched]
          --> migrations/0002-bad/expand.sql:3:32
           |
         3 | CREATE VIEW b AS SELECT * FROM phasedb_phase;
           |                                ^^^^^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  give the object another name, and keep the ledger out of views and triggers
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a trigger over the ledger",
      up: "CREATE TABLE b (id);\nCREATE TRIGGER t AFTER INSERT ON b BEGIN DELETE FROM phasedb_log; END;",
      error: """
        error: 0002-bad/expand: trigger t uses phasedb_log, which belongs to phasedb [ledger-touched]
          --> migrations/0002-bad/expand.sql:4:54
           |
         4 | CREATE TRIGGER t AFTER INSERT ON b BEGIN DELETE FROM phasedb_log; END;
           |                                                      ^^^^^^^^^^^
          state: 0002/expand was rolled back; the database is STANDS
          help:  give the object another name, and keep the ledger out of views and triggers
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "an expand that takes away", up: "ALTER TABLE mine DROP COLUMN y;",
      error: """
        error: 0002-bad/expand removes or changes something; an expand phase must only add [expand-not-additive]
          --> migrations/0002-bad/expand.sql:3:1
           |
         3 | ALTER TABLE mine DROP COLUMN y;
           | ^
            - column mine.y
          state: 0002/expand was rolled back; the database is STANDS
          help:  move what removes or tightens to contract.sql of the same migration
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a migrate that makes a table", kind: "migrate", up: "CREATE TABLE b (id);",
      error: """
        error: 0002-bad/migrate changes the schema; a migrate phase must not [migrate-changes-schema]
          --> migrations/0002-bad/migrate.sql:3:1
           |
         3 | CREATE TABLE b (id);
           | ^
            + table b
          state: 0002/migrate was rolled back; the database is STANDS
          help:  move the change to expand.sql or contract.sql of the same migration
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "rows without their parent",
      up: "CREATE TABLE b (id INTEGER PRIMARY KEY, up REFERENCES b);\nINSERT INTO b VALUES (1, 2);",
      error: """
        error: 0002-bad/expand up leaves 1 row without a parent [foreign-keys-violated]
          --> migrations/0002-bad/expand.sql:3:1
           |
         3 | CREATE TABLE b (id INTEGER PRIMARY KEY, up REFERENCES b);
           | ^
            b rowid 1: no parent in b
          state: 0002/expand was rolled back; the database is STANDS
          help:  delete or re-point the child rows in the same phase, before their parents are deleted
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a claim that does not hold", up: "CREATE TABLE b (id);\nINSERT INTO b VALUES (1), (NULL);",
      directives: ["@verify every b has an id\nSELECT rowid FROM b WHERE id IS NULL;"],
      error: """
        error: 0002-bad/expand up breaks the claim 'every b has an id': 1 row [verify-failed]
          --> migrations/0002-bad/expand.sql:3:1
           |
         3 | SELECT rowid FROM b WHERE id IS NULL;
           | ^
            rowid = 2
          state: 0002/expand was rolled back; the database is STANDS
          help:  correct the phase or the claim
                 then run: phasedb up -d shop.db
        """),
    BadPhase(
      "a claim that is no question", up: "CREATE TABLE b (id);",
      directives: ["@verify nothing\nDELETE FROM mine;"],
      error: """
        error: the claim 'nothing' cannot be checked [verify-invalid]
          --> migrations/0002-bad/expand.sql:3:1
           |
         3 | DELETE FROM mine;
           | ^^^^^^
            it is not a SELECT
          state: 0002/expand was rolled back; the database is STANDS
          help:  write one SELECT that returns the rows that break the claim
                 then run: phasedb up -d shop.db
        """),
  ]

  /// Whether the failing phase is the first of the database, which makes the ledger, or comes after another.
  enum Ledger: String, CaseIterable, CustomTestStringConvertible {
    case absent, present
    var testDescription: String { "ledger \(rawValue)" }
  }

  @Test("leave schema and rows as they were, and are not applied", arguments: rows, Ledger.allCases)
  func undone(_ row: BadPhase, _ ledger: Ledger) throws {
    let site = try Site()
    try site.sqlite(
      """
      CREATE TABLE mine (x, y); INSERT INTO mine VALUES (1.5, 'a'), (NULL, x'00');
      CREATE TABLE guarded (x); INSERT INTO guarded VALUES (1);
      CREATE TRIGGER guard BEFORE DELETE ON guarded BEGIN SELECT RAISE(ROLLBACK, 'keep it'); END;
      """)
    if ledger == .present {
      try site.table("a", in: "0001-first/expand")
      #expect(try site.phasedb("up -d shop.db").code == 0)
    }
    let before = try DatabaseContents(of: site)
    try site.phase(
      "0002-bad/\(row.kind)", up: row.up, down: "SELECT 1;", window: "storefront >=1.0",
      directives: row.directives)

    let outcome = try site.phasedb("up -d shop.db")

    let stands = ledger == .present ? "at checkpoint 2 (0001/expand)" : "before the first phase"
    expectFailure(
      outcome, 3, row.error.replacing("STANDS", with: stands), at: site)
    let after = try DatabaseContents(of: site)
    #expect(after == before)
    #expect(after.ledger.isEmpty == (ledger == .absent))
    #expect(!site.exists("other.db"))
    let status = try site.phasedb("status -d shop.db")
    #expect(status.output.contains(#/0002/\w+ +bad +pending/#), "\(status.summary)")
    guard ledger == .present else {
      #expect(!status.output.contains("last:"), "\(status.summary)")
      return #expect(try site.phasedb("verify -d shop.db").code == 0)
    }
    // The log has one row more, and status shows what it says.
    #expect(
      status.output.contains(#/\nlast: .* up stopped at 0002/\w+: [a-z ]+ at line \d \(exit 3\)\n/#),
      "\(status.summary)")
    #expect(try site.sqlite("SELECT id, action FROM phasedb_log WHERE id > 2") == "3,'stop'\n")
    #expect(try site.phasedb("verify -d shop.db").code == 0)
  }
}
