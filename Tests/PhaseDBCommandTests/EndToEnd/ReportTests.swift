import Foundation
import Testing

@testable import PhaseDBCommand

/// `report` by the built program.
@Suite("The report from the command line")
struct ReportTests {
  /// A shop of two phases, of which the second is pending, with queries of two versions.
  private static func shop(settings: String = "") throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-shop/expand", up: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);",
      down: "DROP TABLE items;", window: "shop >=0.5 <1.0", directives: ["@residual none"])
    try site.phase(
      "0002-note/expand", up: "ALTER TABLE items ADD COLUMN note TEXT;",
      down: "ALTER TABLE items DROP COLUMN note;", window: "shop >=0.5 <2.0", directives: ["@residual none"])
    try site.write("INSERT INTO items (name) VALUES ('one'), ('two');\n", to: "migrations/apps/seed.sql")
    try site.write(
      "-- @query items\nSELECT id, name FROM items ORDER BY id;\n", to: "migrations/apps/shop/1.0.sql")
    try site.write(
      "-- @query notes\nSELECT id, note FROM items ORDER BY id;\n", to: "migrations/apps/shop/2.0.sql")
    if !settings.isEmpty { try site.write(settings, to: "migrations/phasedb.json") }
    try site.expect(0, "up --to 0001 -d shop.db")
    try site.sqlite("INSERT INTO items (name) VALUES ('one')")
    return site
  }

  private struct Report: Decodable {
    struct Question: Decodable {
      let number: Int
      let standing: String?
      let answers: [Answer]
    }
    struct Answer: Decodable {
      let closing: Closing?
    }
    struct Closing: Decodable {
      let commands: [String]
    }
    let questions: [Question]
  }

  private static func report(_ site: Site, _ more: String = "") throws -> Report {
    let outcome = try site.expect(0, "report -d shop.db --format json\(more)")
    #expect(try JSONSchema.output.problems(in: outcome.output) == [], "\(outcome.output)")
    return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
  }

  @Test("what closes an answer does so as it stands, and then the check passes")
  func closing() throws {
    let site = try Self.shop()
    let failed = try site.expect(1, "report --check -d shop.db")
    for number in ["1 unknown", "2 unknown", "5 unknown"] { #expect(failed.errors.contains("  \(number): ")) }
    #expect(failed.errors.contains("to close it: phasedb rehearse -d shop.db"))
    #expect(failed.output.hasPrefix("<!-- phasedb-report -->\n# Readiness of shop.db\n"))
    let questions = try Self.report(site).questions.filter { [1, 2, 5].contains($0.number) }
    let commands = questions.flatMap(\.answers).compactMap(\.closing).flatMap(\.commands)
    #expect(Set(commands).count >= 3, "\(commands)")
    let program = try BuiltProgram.path()
    var done: Set<String> = []
    for command in commands where done.insert(command).inserted {
      let outcome = try site.run(
        "sh", "-c", command.replacing("phasedb", with: "'\(program)'", maxReplacements: 1))
      #expect(outcome.code == 0, "\(command): \(outcome.summary)")
    }
    let passed = try site.expect(0, "report --check -d shop.db --evidence evidence.json")
    #expect(passed.errors.isEmpty)
    #expect(passed.output.contains("● **proved**"))
    // The same file lets a contract go up elsewhere, and none of it is lost by the other command.
    try site.expect(0, "rehearse -d shop.db --evidence evidence.json")
    try site.expect(0, "report --check -d shop.db --evidence evidence.json")
    // And an edit of one file takes the proof away.
    try site.phase(
      "0002-note/expand", up: "ALTER TABLE items ADD COLUMN note INT;",
      down: "ALTER TABLE items DROP COLUMN note;", window: "shop >=0.5 <2.0", directives: ["@residual none"])
    #expect(
      try site.expect(1, "report --check -d shop.db --evidence evidence.json").errors.contains(
        "was edited since"))
  }

  @Test(
    "the settings say which questions must be proved",
    arguments: [
      ("[]", Int32(0), [Int]()), ("[2]", 1, [2]), ("[3]", 1, [3]), ("[8, 2, 8]", 1, [2, 8]),
    ])
  func required(_ list: String, _ code: Int32, _ unproved: [Int]) throws {
    let site = try Self.shop(settings: "{ report: { require: \(list) } }")
    let outcome = try site.expect(code, "report --check -d shop.db --format json -m migrations")
    #expect(outcome.output.contains("\"passes\" : \(code == 0)"))
    for number in unproved { #expect(outcome.errors.contains("  \(number) "), "\(outcome.errors)") }
  }

  @Test(
    "settings that mean nothing are refused",
    arguments: [
      ("{ report: [1] }", "'report' is not an object"),
      ("{ report: { require: [9] } }", "'report.require' is not a list of numbers from 1 to 8"),
      ("{ report: { require: 1 } }", "'report.require' is not a list"),
      ("{ report: { required: [1] } }", "did you mean 'require'?"),
      ("{ report: { maxAge: 'old' } }", "'report.maxAge' is not a duration"),
      ("{ report: { maxAge: '0s' } }", "'report.maxAge' is not a duration"),
    ])
  func badSettings(_ text: String, _ message: String) throws {
    let site = try Site()
    try site.table("t", in: "0001-t/expand")
    try site.write(text, to: "migrations/phasedb.json")
    let outcome = try site.expect(2, "plan")
    #expect(outcome.errors.contains("[bad-settings]"))
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test("it reads only", arguments: ["", " --applied", " --migration 2", " --check", " --format html"])
  func readsOnly(_ more: String) throws {
    let site = try Self.shop()
    let before = SiteFiles(of: site)
    _ = try site.phasedb("report -d shop.db\(more)")
    #expect(SiteFiles(of: site) == before)
  }

  @Test("it works without a database, without a ledger, without a folder and beside a broken draft")
  func incomplete() throws {
    let site = try Self.shop()
    let none = try site.expect(0, "report -d none.db")
    #expect(none.output.contains("there is no such file yet"))
    #expect(!none.output.contains("proved** |"))
    #expect(!site.exists("none.db"))
    try site.sqlite("CREATE TABLE items (id INTEGER PRIMARY KEY)", on: "bare.db")
    #expect(try site.expect(0, "report -d bare.db").output.contains("no ledger yet"))
    try site.expect(1, "report -d bare.db --check")
    try site.write("-- @window shop >=1.0\n-- @up\n", to: "migrations/0003-draft/expand.sql")
    let draft = try site.expect(0, "report -d shop.db")
    #expect(draft.output.contains("was not read in full"))
    #expect(try site.expect(1, "report -d shop.db --check").errors.contains("files could not be read"))
    try site.remove("migrations")
    #expect(try site.expect(0, "report -d shop.db --applied").output.contains("0001/expand"))
  }

  @Test("a file is written as a whole, in the place of one that is there, and a pipe is written to")
  func output() throws {
    let site = try Self.shop()
    try site.write("old", to: "report.html")
    let outcome = try site.expect(0, "report -d shop.db --format html --output report.html")
    #expect(outcome.output.isEmpty)
    let html = try String(contentsOfFile: site.path("report.html"), encoding: .utf8)
    #expect(PageTests.defects(ofHTML: html) == [])
    #expect(try site.expect(2, "report -d shop.db -o missing/report.md").errors.contains("[output-failed]"))
    let piped = try site.run(
      "sh", "-c",
      "mkfifo p; cat p > copied & '\(try BuiltProgram.path())' report -d shop.db -o p; wait; test -p p")
    #expect(piped.code == 0, "\(piped.summary)")
    #expect(
      try String(contentsOfFile: site.path("copied"), encoding: .utf8).hasPrefix("<!-- phasedb-report -->"))
  }

  @Test("evidence of the application's own tests counts, and says so")
  func ownTests() throws {
    let site = try Self.shop()
    try site.remove("migrations/apps/shop")
    let test = "sqlite3 \"$PHASEDB_DATABASE\" 'SELECT count(*) FROM items' >/dev/null"
    let outcome = try site.start([
      "compat", "--app", "shop@1.0", "--evidence", "evidence.json", "--", "sh", "-c", test,
    ]).outcome()
    #expect(outcome.code == 0, "\(outcome.summary)")
    let report = try site.expect(0, "report -d shop.db --evidence evidence.json").output
    #expect(report.contains("shop 1.0 (own tests) works before and after it"), "\(report)")
  }

  @Test(
    "the workflow of the documents updates its own comment, and makes one where there is none",
    arguments: ["4711", ""])
  func workflow(_ comment: String) throws {
    let site = try Self.shop()
    try site.sqlite("VACUUM INTO 'copy.db'")
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: ".github/example-workflow.yml"), encoding: .utf8)
    var steps: [String: [Substring]] = [:]
    var name = ""
    for line in text.split(separator: "\n") {
      if let range = line.range(of: "- name: ") { name = String(line[range.upperBound...]) }
      if line.hasPrefix("          ") { steps[name, default: []].append(line.dropFirst(10)) }
    }
    try site.write(
      "#!/bin/sh\necho \"$*\" >> called\ncase \"$*\" in *--jq*) echo '\(comment)';; esac\n", to: "bin/gh")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: site.path("bin/gh"))
    let bin = URL(filePath: try BuiltProgram.path()).deletingLastPathComponent().path
    for step in ["evidence", "report on the pull request"] {
      // The first lines of a step may be its environment.
      let script = try #require(steps[step]).filter { !$0.hasPrefix("GH_TOKEN") && !$0.hasPrefix("NUMBER") }
      let outcome = try RunningProgram(
        "/usr/bin/env", ["bash", "-euo", "pipefail", "-c", script.joined(separator: "\n")], in: site.path(""),
        environment: Site.environment.merging([
          "PATH": "\(site.path("bin")):\(bin):/usr/bin:/bin", "NUMBER": "7", "GITHUB_REPOSITORY": "o/r",
        ]) { $1 }
      ).outcome()
      #expect(outcome.code == 0, "\(step): \(outcome.summary)")
    }
    let called = try String(contentsOfFile: site.path("called"), encoding: .utf8)
    #expect(called.contains("repos/o/r/issues/7/comments"))
    #expect(
      called.contains("--method PATCH repos/o/r/issues/comments/4711 -F body=@report.md") == !comment.isEmpty)
    #expect(
      try String(contentsOfFile: site.path("report.md"), encoding: .utf8).hasPrefix("<!-- phasedb-report -->")
    )
  }
}
