import Testing

@testable import PhaseDB

/// Rules that need no database: windows, residuals, exceptions.
struct TextRulesTests {
  @Test("windows", arguments: windows)
  func checkWindow(_ example: LintCase) throws { try example.check() }

  static let windows = [
    LintCase(
      "a lower bound that falls along the migration contradicts the phase before it",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql": "-- @window app >=0.9\nUPDATE t SET a = 1;\n-- @down\nUPDATE t SET a = NULL;",
      ], finds: ["window-invalid": "0001-a/migrate.sql:1"]),
    LintCase(
      "a lower bound that stays along the migration is as it should be",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql": "-- @window app >=1.0\nUPDATE t SET a = 1;\n-- @down\nUPDATE t SET a = NULL;",
      ]),
    LintCase(
      "between a contract from 2.0 and an expand needed by 1.5 no version can cross",
      folder: [
        "0001-a/contract.sql": "-- @window app >=2.0\nSELECT 1;\n-- @down\nSELECT 1;",
        "0002-b/expand.sql": "-- @window app >=2.0 <2.1\nSELECT 1;\n-- @down\nSELECT 1;",
        "0003-c/contract.sql": "-- @window app >=2.5\nSELECT 1;\n-- @down\nSELECT 1;",
        "0004-d/contract.sql":
          "-- @window app >=3.0 <3.1\nSELECT 1;\n-- @down\nSELECT 1;",
        "0005-e/expand.sql": "-- @window app <2.0\nSELECT 1;\n-- @down\nSELECT 1;",
      ], finds: ["window-invalid": "0002-b/expand.sql:1"]),
    LintCase(
      "an expand that needs a contract which no version of its own window survives",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0 <1.6\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/contract.sql": "-- @window app >=1.6\nSELECT 1;\n-- @down\nSELECT 1;",
        "0002-b/expand.sql": """
        -- @window app >=1.0 <1.2
        -- @needs 0001-a/contract
        -- @residual none
        -- @up
        CREATE TABLE u (a);
        -- @down
        DROP TABLE u;
        """,
      ], finds: ["window-invalid": "0001-a/contract.sql:1"]),
    LintCase(
      "an expand that shuts out a version which may be live",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql": "-- @window app >=1.5\nCREATE TABLE u (a);\n-- @down\nDROP TABLE u;",
      ], finds: ["window-invalid": "0002-b/expand.sql:1"]),
    LintCase(
      "a contract that shuts out a version is what contracts are for",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/contract.sql": "-- @window app >=1.5\nDROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
      ]),
  ]

  @Test("residuals", arguments: residuals)
  func checkResidual(_ example: LintCase) throws { try example.check() }

  static let residuals = [
    LintCase(
      "a migrate phase that says nothing of what remains",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0001-a/migrate.sql":
          "-- @window app >=1.0\n-- @up\nUPDATE t SET a = 1;\n-- @down\nUPDATE t SET a = 2;",
      ], finds: ["undeclared-residual": "0001-a/migrate.sql:1"]),
    LintCase(
      "a contract that says nothing of what remains",
      folder: [
        "0001-a/contract.sql": "-- @window app >=1.0\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;"
      ], finds: ["undeclared-residual": "0001-a/contract.sql:1"]),
    LintCase(
      "an expand may leave it unsaid",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.0\n-- @up\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;"
      ]),
    LintCase(
      "a contract that says that nothing remains",
      folder: ["0001-a/contract.sql": "-- @residual none\nSELECT 1;\n-- @down\nSELECT 1;"]),
  ]

  @Test("exceptions", arguments: allowances)
  func checkAllowance(_ example: LintCase) throws { try example.check() }

  static let allowances = [
    LintCase(
      "an exception silences the finding it names",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @allow expand-not-additive until app 2.0: nobody reads it\nDROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
      ]),
    LintCase(
      "an exception silences no other finding",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @allow expand-not-additive until app 2.0: nobody reads it\nDROP TABLE t;\n-- @down\nCREATE TABLE t (b);",
      ], finds: ["down-not-inverse": "0002-b/expand.sql:7"]),
    LintCase(
      "an exception that suppresses no finding",
      folder: [
        "0001-a/expand.sql":
          "-- @allow dangling-code until app 2.0: it was broken before\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;"
      ], finds: ["unused-allow": "0001-a/expand.sql:1"]),
    LintCase(
      "an exception of another phase does not help",
      folder: [
        "0001-a/expand.sql":
          "-- @allow expand-not-additive until app 2.0: the next one\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql": "DROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
      ], finds: ["unused-allow": "0001-a/expand.sql:1", "expand-not-additive": "0002-b/expand.sql:4"]),
    LintCase(
      "an exception past its version, and the finding it hid",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @allow expand-not-additive until app 1.0: nobody reads it\nDROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
      ], finds: ["expired-allow": "0002-b/expand.sql:1", "expand-not-additive": "0002-b/expand.sql:5"]),
    LintCase(
      "an exception is not past its version while an older one may be live",
      folder: [
        "0001-a/expand.sql": "-- @window app >=1.9\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @allow expand-not-additive until app 2.0: nobody reads it\n-- @window app >=1.9\n-- @residual none\n-- @up\nDROP TABLE t;\n-- @down\nCREATE TABLE t (a);",
      ]),
  ]
}
