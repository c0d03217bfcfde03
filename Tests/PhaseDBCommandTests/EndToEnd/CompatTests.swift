import Foundation
import Testing

/// `phasedb compat` from the built binary.
@Suite("Compat")
struct CompatTests {
  /// A shop in which version 1 breaks after the second migration, although its window says that it does not.
  private static func brokenShop() throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-create/expand", up: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);",
      down: "DROP TABLE items;",
      window: "shop >=0 <1")
    try site.phase(
      "0002-rename/contract", up: "ALTER TABLE items RENAME COLUMN name TO title;",
      down: "ALTER TABLE items RENAME COLUMN title TO name;", window: "shop >=0 <2",
      directives: ["@residual none"])
    try site.write("INSERT INTO items VALUES (1, 'a <b> & \"c\" | d');", to: "migrations/apps/seed.sql")
    try site.write(
      "-- @query items\nSELECT name FROM items;\n-- @query add, 100% sure\nINSERT INTO items (name) VALUES ('x');\n",
      to: "migrations/apps/shop/1.0.sql")
    return site
  }

  private static func example() throws -> Site {
    let site = try Site()
    try FileManager.default.copyItem(
      at: repository.appending(path: "migrations-example"),
      to: site.folder.appending(path: "migrations-example"))
    return site
  }

  private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test("lists the states, and runs nothing")
  func list() throws {
    let outcome = try Self.brokenShop().phasedb("compat --list")
    #expect(
      outcome.output
        == """
        state          may be live  tested
        0001/expand    shop >=0 <2  shop@1.0
        0002/contract  shop >=0     shop@1.0

        """, "\(outcome.summary)")
    #expect(outcome.code == 0)
  }

  @Test("shows what breaks, with the statement and the phase")
  func text() throws {
    let site = try Self.brokenShop()
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("compat")
    #expect(
      outcome.output == """
        state          shop 1.0
        0001/expand    works
        0002/contract  broken
        error: shop 1.0, 'items' does not compile: no such column: name [compat-compiling]
          --> migrations/apps/shop/1.0.sql:2:8
           |
         2 | SELECT name FROM items;
           |        ^^^^
          on: 0002/contract
          since: 0002-rename/contract, migrations/0002-rename/contract.sql:1:4
        error: shop 1.0, 'add, 100% sure' does not compile: table items has no column named name [compat-compiling]
          --> migrations/apps/shop/1.0.sql:4:1
           |
         4 | INSERT INTO items (name) VALUES ('x');
           | ^^^^^^
          on: 0002/contract
          since: 0002-rename/contract, migrations/0002-rename/contract.sql:1:4
        self-test: without items.name, 2 of 2 queries of shop 1.0 notice
        1 of 2 combinations of version and state broken

        """)
    #expect(outcome.code == 1 && outcome.errors.isEmpty)
    #expect(SiteFiles(of: site) == before)
  }

  @Test("is JUnit's XML to whoever parses it")
  func junit() throws {
    let site = try Self.brokenShop()
    let outcome = try site.phasedb("compat --format junit", output: .captured)
    #expect(outcome.code == 1)
    try site.write(outcome.output, to: "compat.xml")
    let script = """
      import xml.etree.ElementTree as tree
      root = tree.parse('compat.xml').getroot()
      suite = root.find('testsuite')
      print(root.tag, root.get('tests'), root.get('failures'), suite.get('name'))
      for case in suite.findall('testcase'):
          failure = case.find('failure')
          print(case.get('classname'), case.get('name'), None if failure is None else failure.get('message'))
      """
    let parsed = try site.run("python3", "-c", script)
    #expect(
      parsed.output == """
        testsuites 2 1 shop 1.0
        shop 1.0 0001/expand None
        shop 1.0 0002/contract shop 1.0, 'items' does not compile: no such column: name

        """, "\(parsed.summary)")
  }

  @Test("annotates the window of the phase, on one line each")
  func github() throws {
    let outcome = try Self.brokenShop().phasedb("compat --format github")
    #expect(outcome.code == 1)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      #expect(
        line.hasPrefix(
          "::error file=migrations/0002-rename/contract.sql,line=1,col=4,endColumn=11,title=compat-compiling::shop 1.0, "
        ), "\(line)")
    }
    #expect(lines.last?.contains("'add, 100%25 sure'") == true)
  }

  @Test("is a table for a pull request, in which nothing is taken for Markdown")
  func markdown() throws {
    let outcome = try Self.brokenShop().phasedb("compat --format markdown")
    #expect(outcome.code == 1)
    #expect(
      outcome.output.contains(
        "| state | shop 1.0 |\n|---|---|\n| 0001/expand | works |\n| 0002/contract | **broken** |\n"))
    #expect(
      outcome.output.contains("- **error**: shop 1.0, 'items' does not compile: no such column: name"))
  }

  private struct Printed: Decodable {
    let version: Int
    let clean: Bool
    let matrix: [[String]]
    let findings: [Finding]

    struct Finding: Decodable {
      let check: String
      let states: [String]
      let phase: String
      let line: Int
      let phaseLine: Int
    }
  }

  @Test("is JSON for a program")
  func json() throws {
    let outcome = try Self.brokenShop().phasedb("compat --format json")
    let printed = try JSONDecoder().decode(Printed.self, from: Data(outcome.output.utf8))
    #expect(printed.version == 1 && !printed.clean && printed.matrix == [["works"], ["broken"]])
    #expect(
      printed.findings.map(\.line) == [2, 4] && printed.findings.allSatisfy { $0.check == "compiling" })
    #expect(
      printed.findings.allSatisfy { $0.phase == "0002-rename/contract" && $0.states == ["0002/contract"] })
    #expect(printed.findings.allSatisfy { $0.phaseLine == 1 })
  }

  @Test("takes the rows of a database through a copy, also from states behind it")
  func database() throws {
    let site = try Self.brokenShop()
    try site.remove("migrations/apps/seed.sql")
    #expect(try site.phasedb("compat").code == 2)
    #expect(try site.phasedb("up -d shop.db --live shop@1.0 -q").code == 0)
    try site.sqlite("INSERT INTO items (title) VALUES ('real')")
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("compat -d shop.db")
    #expect(outcome.code == 1 && outcome.output.contains("no such column: name"), "\(outcome.summary)")
    #expect(SiteFiles(of: site) == before)
    let named = try site.phasedb("compat", environment: ["PHASEDB_DATABASE": "shop.db"])
    #expect(named.output == outcome.output && named.code == 1, "\(named.summary)")
    let missing = try site.phasedb("compat -d nowhere.db")
    #expect(missing.code == 2 && missing.errors.contains("database-not-found"))
    // Rows that were written down for it go before those of a database that nobody named here.
    try site.write("INSERT INTO items VALUES (1, 'a');", to: "migrations/apps/seed.sql")
    let seeded = try site.phasedb("compat", environment: ["PHASEDB_DATABASE": "nowhere.db"])
    #expect(seeded.code == 1, "\(seeded.summary)")
  }

  @Test("says that a database is empty before it says what else fails there")
  func empty() throws {
    let site = try Self.brokenShop()
    try site.write(
      "-- @query twice\n-- @expect error\nINSERT INTO items (id) VALUES (1);",
      to: "migrations/apps/shop/1.0.sql")
    #expect(try site.phasedb("up -d shop.db --to 0001 -q").code == 0)
    let outcome = try site.phasedb("compat -d shop.db")
    #expect(
      outcome.code == 2
        && outcome.errors.contains(
          "these tables have no rows, so the test would prove nothing: items [no-data]"),
      "\(outcome.summary)")
  }

  @Test("makes a script of a log")
  func importLog() throws {
    let site = try Site()
    try site.write(
      """
      BEGIN;
      SELECT name FROM items WHERE id = 1;
      select name from items where id = 2;
      SELECT name FROM items WHERE id = 1;
      SELECT name FROM items WHERE id = 3; SELECT name FROM items WHERE id = 4;
      PRAGMA foreign_keys = ON;
      INSERT OR IGNORE INTO items (name) VALUES ('it''s; one');
      COMMIT;
      """, to: "log.sql")
    let outcome = try site.phasedb("compat --import-log log.sql")
    #expect(
      outcome.output == """
        -- @query select items
        SELECT name FROM items WHERE id = 1;

        -- @query select items (2)
        select name from items where id = 2;

        -- @query select items (3)
        SELECT name FROM items WHERE id = 3;

        -- @query insert items
        INSERT OR IGNORE INTO items (name) VALUES ('it''s; one');

        """, "\(outcome.summary)")
    try site.write("BEGIN;", to: "empty.sql")
    #expect(try site.phasedb("compat --import-log empty.sql").code == 2)
  }

  // MARK: The application's own tests

  @Test("runs the tests of a real old application on each state", arguments: ["1.4.0", "2.0.0"])
  func application(version: String) throws {
    let site = try Self.example()
    let tests = Self.repository.appending(path: "Tests/Fixtures/storefront-\(version.prefix(3))").path
    let outcome = try site.phasedb(
      "compat -m migrations-example --app storefront@\(version) --jobs 2 -- python3 -B -m unittest discover -s \(tests)"
    )
    #expect(outcome.code == 0 && outcome.output.hasSuffix("states, nothing broken\n"), "\(outcome.summary)")
    let logs = try FileManager.default.contentsOfDirectory(atPath: site.path("compat-logs"))
    #expect(logs.count == (version == "1.4.0" ? 7 : 6))
    for log in logs {
      let text = try String(contentsOfFile: site.path("compat-logs/\(log)"), encoding: .utf8)
      #expect(text.contains("Ran 4 tests") && text.contains("OK"), "\(log): \(text)")
    }
  }

  @Test("blames a state only when the tests pass where they are at home")
  func blame() throws {
    let site = try Self.brokenShop()
    try site.write(
      "sqlite3 -bail \"$PHASEDB_DATABASE\" 'SELECT name FROM items' && echo \"$PHASEDB_APP on $PHASEDB_STATE\"",
      to: "test.sh")
    let outcome = try site.phasedb("compat --app shop@1.0 -- sh test.sh")
    #expect(outcome.code == 1 && outcome.output.contains("1 of 2 states broken"), "\(outcome.summary)")
    let log = try String(contentsOfFile: site.path("compat-logs/0001-expand.txt"), encoding: .utf8)
    #expect(log.hasSuffix("shop@1.0 on 0001/expand\n"))
    let own = try site.phasedb("compat --app shop@1.0 -- false")
    #expect(own.code == 2 && own.errors.contains("query-failed") && own.errors.contains("exit code 1"))
    let missing = try site.phasedb("compat --app shop@1.0 -- no-such-program")
    #expect(missing.code == 2 && missing.errors.contains("cannot run no-such-program"))
    let nameless = try site.phasedb("compat -- true")
    #expect(nameless.code == 2 && nameless.errors.contains("--app APP@VERSION"))
  }

  @Test("notices a command that changes the schema, and ends one that takes too long with all it started")
  func misbehaving() throws {
    let site = try Self.brokenShop()
    let changing = try site.phasedb("compat --app shop@1.0 -- sh -c touch$IFS")
    #expect(changing.code == 2)
    try site.write(
      "sqlite3 \"$PHASEDB_DATABASE\" 'SELECT 1'; test \"$PHASEDB_STATE\" = 0001/expand || sqlite3 \"$PHASEDB_DATABASE\" 'CREATE TABLE t (a)'",
      to: "migrate.sh")
    let migrating = try site.phasedb("compat --app shop@1.0 -- sh migrate.sh")
    #expect(migrating.code == 1 && migrating.output.contains("changed the schema"), "\(migrating.summary)")
    try site.write("sleep 600 & echo $! > sleeper; wait", to: "slow.sh")
    let slow = try site.phasedb("compat --app shop@1.0 --time-limit 300ms -- sh slow.sh")
    #expect(slow.code == 2 && slow.errors.contains("took longer than its time limit"), "\(slow.summary)")
    let sleeper = try #require(
      Int32(String(contentsOfFile: site.path("sleeper"), encoding: .utf8).trimmingCharacters(in: .newlines)))
    // One that nobody has waited for yet is still listed, as a zombie.
    let state = try site.run("ps", "-o", "stat=", "-p", "\(sleeper)").output
    #expect(state.isEmpty || state.hasPrefix("Z"), "nothing is left running: \(state)")
  }

  // MARK: The example

  @Test("finds nothing broken in the example")
  func exampleHolds() throws {
    let site = try Self.example()
    let outcome = try site.phasedb("compat -m migrations-example")
    #expect(
      outcome.code == 0 && outcome.output.contains("33 combinations of version and state, nothing broken"),
      "\(outcome.summary)")
  }

  @Test("stands in a recipe for CI of which every command runs")
  func recipe() throws {
    let site = try Self.example()
    let text = try String(
      contentsOfFile: site.path("migrations-example/.github/workflows/migrations.yml"), encoding: .utf8)
    let commands = Self.commands(in: text).filter { !$0.contains("Scripts/install") }
    #expect(
      commands.count >= 6
        && ["lint", "rehearse", "compat"].allSatisfy { verb in
          commands.contains { $0.contains("phasedb \(verb)") }
        })
    let bin = URL(filePath: try BuiltProgram.path()).deletingLastPathComponent().path
    for command in commands {
      let outcome = try RunningProgram(
        "/usr/bin/env", ["bash", "-euo", "pipefail", "-c", command], in: site.path("migrations-example"),
        environment: Site.environment.merging([
          "PATH": "\(bin):/usr/bin:/bin", "GITHUB_STEP_SUMMARY": site.path("summary.md"),
        ]) { $1 }
      ).outcome()
      #expect(outcome.code == 0, "\(command): \(outcome.summary)")
    }
    #expect(["evidence.json", "compat.xml", "summary.md"].allSatisfy(site.exists))
  }

  /// The lines under each `run:`.
  private static func commands(in workflow: String) -> [String] {
    var commands: [String] = []
    var margin: Int?
    for line in workflow.split(separator: "\n", omittingEmptySubsequences: false) {
      let indent = line.prefix { $0 == " " }.count
      if let least = margin, indent > least, !line.allSatisfy(\.isWhitespace) {
        commands.append(String(line.drop { $0 == " " }))
        continue
      }
      margin = nil
      guard let range = line.range(of: "run: ") else { continue }
      let command = line[range.upperBound...]
      if command == "|" { margin = indent } else { commands.append(String(command)) }
    }
    return commands
  }
}
