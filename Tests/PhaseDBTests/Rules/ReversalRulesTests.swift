import Testing

@testable import PhaseDB

/// Rules about the way back, the kind of a phase and its order among others.
struct ReversalRulesTests {
  static let notes: String =
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, day TEXT);\n-- @down\nDROP TABLE notes;"

  @Test("the guard", arguments: guarded)
  func checkStatement(_ example: LintCase) throws { try example.check() }

  static let guarded = [
    LintCase(
      "`COMMIT;` inside a file",
      folder: ["0001-a/expand.sql": "CREATE TABLE t (a);\nCOMMIT;\n-- @down\nDROP TABLE t;"],
      finds: ["forbidden-statement": "0001-a/expand.sql:5:1"]),
    LintCase(
      "a PRAGMA that would let a DROP TABLE take the children along",
      folder: ["0001-a/expand.sql": "PRAGMA foreign_keys = OFF;\n-- @down\nSELECT 1;"],
      finds: ["forbidden-statement": "0001-a/expand.sql:4:1"]),
    LintCase(
      "COMMIT as the text of a row",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\nINSERT INTO t VALUES ('COMMIT;');\n-- @down\nDROP TABLE t;"
      ]),
    LintCase(
      "COMMIT on the way down",
      folder: ["0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;\nCOMMIT;"],
      finds: ["down-not-inverse": "0001-a/expand.sql:7:1"]),
  ]

  @Test("down", arguments: down)
  func checkDown(_ example: LintCase) throws { try example.check() }

  static let down = [
    LintCase(
      "column dropped and added back",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/contract.sql":
          "ALTER TABLE notes DROP COLUMN text;\n-- @down\nALTER TABLE notes ADD COLUMN text TEXT;",
      ]),
    LintCase(
      "column dropped and added back as another one",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/contract.sql":
          "ALTER TABLE notes DROP COLUMN text;\n-- @down\nALTER TABLE notes ADD COLUMN text VARCHAR;",
      ], finds: ["down-not-inverse": "0002-b/contract.sql:6:1"]),
    LintCase(
      "the last column dropped and added back",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/contract.sql":
          "ALTER TABLE notes DROP COLUMN day;\n-- @down\nALTER TABLE notes ADD COLUMN day TEXT;",
      ]),
    LintCase(
      "an index that down forgets",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/expand.sql":
          "CREATE INDEX i ON notes (day);\nCREATE INDEX j ON notes (text);\n-- @down\nDROP INDEX j;",
      ], finds: ["down-not-inverse": "0002-b/expand.sql:7:1", "not-replayable": "0002-b/expand.sql:4:1"]),
    LintCase(
      "a down that names a column that does not exist (pgroll examples/35)",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/migrate.sql": "UPDATE notes SET day = 'x';\n-- @down\nUPDATE notes SET dya = NULL;",
      ], finds: ["down-not-inverse": "0002-b/migrate.sql:6:1"]),
    LintCase(
      "a rename there and back leaves quotes, and is the same schema",
      folder: [
        "0001-a/expand.sql": notes,
        "0002-b/contract.sql": "ALTER TABLE notes RENAME TO n;\n-- @down\nALTER TABLE n RENAME TO notes;",
      ]),
  ]

  @Test("up, down and up again", arguments: replay)
  func checkReplay(_ example: LintCase) throws { try example.check() }

  static let replay = [
    LintCase(
      "IF NOT EXISTS hides what down left behind",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE IF NOT EXISTS t (a);\nCREATE TABLE u (a);\n-- @down\nDROP TABLE u;\nALTER TABLE t ADD COLUMN b;"
      ], finds: ["down-not-inverse": "0001-a/expand.sql:7", "not-replayable": "0001-a/expand.sql:4:1"]),
    LintCase(
      "a row that down leaves behind stops the second way up",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a UNIQUE);\n-- @down\nDROP TABLE t;",
        "0002-b/migrate.sql": "INSERT INTO t (a) VALUES (1);\n-- @down\nSELECT 1;",
      ], finds: ["not-replayable": "0002-b/migrate.sql:4:1"]),
    LintCase(
      "a row that down takes away",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a UNIQUE);\n-- @down\nDROP TABLE t;",
        "0002-b/migrate.sql": "INSERT INTO t (a) VALUES (1);\n-- @down\nDELETE FROM t WHERE a = 1;",
      ]),
  ]

  @Test("a trigger whose ON CONFLICT relies on an index of another table compiles when the phase is tried")
  func checkConflictTarget() throws {
    try LintCase(
      "",
      folder: [
        "0001-a/expand.sql": """
        CREATE TABLE t (a);
        CREATE TABLE u (a);
        CREATE UNIQUE INDEX i ON u (a);
        CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.a) ON CONFLICT (a) DO NOTHING; END;
        -- @down
        DROP TABLE t;
        DROP TABLE u;
        """,
        "0001-a/migrate.sql":
          "INSERT INTO t (a) SELECT 1 WHERE FALSE;\n-- @down\nDELETE FROM t WHERE FALSE;",
      ]
    ).check()
  }

  @Test("what a kind of phase may do", arguments: kinds)
  func checkKind(_ example: LintCase) throws { try example.check() }

  static let kinds = [
    LintCase(
      "an expand that drops an index",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\nCREATE INDEX i ON t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql": "DROP INDEX i;\n-- @down\nCREATE INDEX i ON t (a);",
      ], finds: ["expand-not-additive": "0002-b/expand.sql:4:1"]),
    LintCase(
      "an expand that renames a column",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql": "ALTER TABLE t RENAME a TO b;\n-- @down\nALTER TABLE t RENAME b TO a;",
      ], finds: ["expand-not-additive": "0002-b/expand.sql:4:1"]),
    LintCase(
      "a table rebuilt so that it only gains something",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql": """
        CREATE TABLE n (a, b);
        INSERT INTO n (a) SELECT a FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        -- @down
        ALTER TABLE t DROP COLUMN b;
        """,
      ]),
    LintCase(
      "a migrate phase that makes an index",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql": "CREATE INDEX i ON t (a);\n-- @down\nDROP INDEX i;",
      ], finds: ["migrate-changes-schema": "0001-a/migrate.sql:4:1"]),
    LintCase(
      "a migrate phase that adds a column",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql": "ALTER TABLE t ADD COLUMN b;\n-- @down\nALTER TABLE t DROP COLUMN b;",
      ], finds: ["migrate-changes-schema": "0001-a/migrate.sql:4:1"]),
    LintCase(
      "a migrate phase whose table is gone when it ends",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql":
          "CREATE TABLE w (a);\nINSERT INTO t (a) SELECT a FROM w;\nDROP TABLE w;\n-- @down\nSELECT 1;",
      ]),
  ]

  @Test("order", arguments: order)
  func checkOrder(_ example: LintCase) throws { try example.check() }

  static let order = [
    LintCase(
      "a contract that rebuilds a table to which a later phase adds a column",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a, b);\n-- @down\nDROP TABLE t;",
        "0002-b/contract.sql": """
        CREATE TABLE n (a);
        INSERT INTO n (a) SELECT a FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        -- @down
        ALTER TABLE t ADD COLUMN b;
        """,
        "0003-c/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nALTER TABLE t DROP COLUMN c;",
      ], finds: ["order-matters": "0003-c/expand.sql:1"]),
    LintCase(
      "the same, when the later phase says that it needs the contract",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a, b);\n-- @down\nDROP TABLE t;",
        "0002-b/contract.sql": """
        CREATE TABLE n (a);
        INSERT INTO n (a) SELECT a FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        -- @down
        ALTER TABLE t ADD COLUMN b;
        """,
        "0003-c/expand.sql":
          "-- @needs 0002-b/contract\nALTER TABLE t ADD COLUMN c;\n-- @down\nALTER TABLE t DROP COLUMN c;",
      ]),
    LintCase(
      "a contract and a later phase on other tables",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a, b);\nCREATE TABLE u (a);\n-- @down\nDROP TABLE t;\nDROP TABLE u;",
        "0002-b/contract.sql": "ALTER TABLE t DROP COLUMN b;\n-- @down\nALTER TABLE t ADD COLUMN b;",
        "0003-c/expand.sql": "ALTER TABLE u ADD COLUMN c;\n-- @down\nALTER TABLE u DROP COLUMN c;",
      ]),
    LintCase(
      "a later phase that uses the name the contract frees",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/contract.sql": "DROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
        "0003-c/expand.sql": "CREATE TABLE t (b);\n-- @down\nDROP TABLE t;",
      ], finds: ["order-matters": "0003-c/expand.sql:1"]),
  ]
}
