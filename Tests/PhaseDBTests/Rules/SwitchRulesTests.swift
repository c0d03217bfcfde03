import Testing

@testable import PhaseDB

/// Rules about switches.
struct SwitchRulesTests {
  private static func phase(_ kind: String, _ line: String?, _ sql: String) -> String {
    let head = kind == "contract" ? "-- @loses t.a: unused\n" : ""
    return
      "-- @window app >=1.0\n-- @residual none\n\(line.map { "-- \($0)\n" } ?? "")\(head)-- @up\n\(sql)\n"
  }

  private static let make =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);\n-- @down\nDROP TABLE t;"
  private static let remove =
    "CREATE TABLE n (id INTEGER PRIMARY KEY, b TEXT);\nINSERT INTO n SELECT id, b FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;\n-- @down\nCREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT);\nINSERT INTO n (id, b) SELECT id, b FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"

  private static func folder(_ expand: String?, _ contract: String?, more: [String: String] = [:]) -> [String:
    String]
  {
    more.merging([
      "0001-a/expand.sql": phase("expand", expand, make),
      "0001-a/contract.sql": phase("contract", contract, remove),
    ]) { $1 }
  }

  @Test("what phases say about switches fits together", arguments: cases)
  func check(_ example: LintCase) throws { try example.check() }

  static let cases = [
    LintCase("a switch that is made and waited for", folder: folder("@switch s", "@switch s full for 7d")),
    LintCase("no switch at all", folder: folder(nil, nil)),
    LintCase(
      "a name with quotes and spaces",
      folder: folder(#"@switch "it's ""new"" 🙂""#, #"@switch "it's ""new"" 🙂" full for 7d"#)),
    LintCase(
      "a contract that waits for a switch that nobody makes", folder: folder(nil, "@switch s full for 7d"),
      finds: ["switch-unknown": "0001-a/contract.sql:1"]),
    LintCase(
      "a contract that waits for another spelling", folder: folder("@switch s", "@switch S full for 7d"),
      finds: ["switch-unknown": "0001-a/contract.sql:1", "switch-unguarded": "0001-a/contract.sql:1"]),
    LintCase(
      "a contract that waits for the switch of a later migration",
      folder: folder(
        nil, "@switch s full for 7d",
        more: [
          "0002-b/expand.sql": phase("expand", "@switch s", "CREATE TABLE u (a);\n-- @down\nDROP TABLE u;")
        ]),
      finds: ["switch-unknown": "0001-a/contract.sql:1"]),
    LintCase(
      "a contract that does not wait", folder: folder("@switch s", nil),
      finds: ["switch-unguarded": "0001-a/contract.sql:1"]),
    LintCase(
      "the same switch made twice",
      folder: folder(
        "@switch s", "@switch s full for 7d",
        more: [
          "0002-b/expand.sql": phase("expand", "@switch s", "CREATE TABLE u (a);\n-- @down\nDROP TABLE u;")
        ]),
      finds: ["switch-taken": "0002-b/expand.sql:1"]),
  ]
}
