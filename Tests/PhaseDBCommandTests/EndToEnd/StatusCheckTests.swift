import Foundation
import Testing

/// A database on which something is not in order, and how the commands that look at it must say it.
struct CheckCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let line: String
  let code: Int32
  /// Lines of standard output, without the white space around them.
  let says: [String]
  let setUp: @Sendable (Site) throws -> Void

  init(
    _ sentence: String, _ line: String, _ code: Int32, says: String...,
    setUp: @escaping @Sendable (Site) throws -> Void = { _ in }
  ) {
    (testDescription, self.line, self.code, self.says) = (sentence, line, code, says)
    self.setUp = setUp
  }
}

@Suite("What is not in order")
struct StatusCheckTests {
  /// Two applied phases, on which storefront runs from 2.0 on.
  private static func shop() throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-a/expand",
      up: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE l (id INTEGER PRIMARY KEY);",
      down: "DROP TABLE l; DROP TABLE t;", window: "storefront >=1.0 <3.0")
    try site.phase(
      "0002-b/contract", up: "ALTER TABLE t DROP COLUMN a;", down: "ALTER TABLE t ADD COLUMN a TEXT;",
      window: "storefront >=2.0 <3.0", directives: ["@residual none"])
    let up = try site.phasedb("up -d shop.db -q")
    #expect(up.code == 0, "\(up.summary)")
    return site
  }

  private static func checkIn(_ site: Site, _ version: String, on instance: String = "web-1") throws {
    try site.sqlite(
      "INSERT INTO phasedb_app VALUES ('storefront', '\(version)', '\(instance)', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
    )
  }

  private static let cause = "0002-b/contract is applied, and its window is >=2.0 <3.0"
  private static let remedy = "to fix it: start storefront >=2.0"
  private static let named =
    "warning: storefront 1.4 is live and may not run on this schema, which is for storefront >=2.0"
  private static let found =
    "warning: storefront 1.4 is live on web-1 and may not run on this schema, which is for storefront >=2.0"

  static let live = [
    CheckCase(
      "an old version that is named, to status --check", "status --check --live storefront@1.4 -d shop.db", 1,
      says: named, cause, remedy, "the check fails:"),
    CheckCase(
      "the same to status without --check", "status --live storefront@1.4 -d shop.db", 0, says: named, cause,
      remedy),
    CheckCase("the same to plan", "plan --live storefront@1.4 -d shop.db", 1, says: named, cause, remedy),
    CheckCase("the same to up", "up --live storefront@1.4 -d shop.db", 0, says: named, cause, remedy),
    CheckCase("a version inside to status --check", "status --check --live storefront@2.4 -d shop.db", 0),
    CheckCase("a version inside to plan", "plan --live storefront@2.4 -d shop.db", 0),
    CheckCase(
      "a check-in from before, to status --check", "status --check -d shop.db", 1, says: found,
      "live-version: storefront 1.4 is live on web-1 and may not run on this schema, which is for storefront >=2.0"
    ) { try checkIn($0, "1.4") },
    CheckCase(
      "the same to status --check --quiet", "status --check --quiet -d shop.db", 1, says: "the check fails:"
    ) {
      try checkIn($0, "1.4")
    },
    CheckCase("the same to plan", "plan -d shop.db", 1, says: found, cause) { try checkIn($0, "1.4") },
    CheckCase("the same to up", "up -d shop.db", 0, says: found, cause) { try checkIn($0, "1.4") },
    CheckCase("a check-in that is forgotten", "status --check -d shop.db", 0) {
      try $0.sqlite(
        "INSERT INTO phasedb_app VALUES ('storefront', '1.4', 'web-1', '2020-01-01T00:00:00.000Z')")
    },
    CheckCase(
      "a way down that lets it run again", "plan down --live storefront@1.4 -d shop.db", 0,
      says: "0002/contract  b     exact     storefront >=1.0 <3.0"),
    CheckCase(
      "a check-in without a version", "status -d shop.db", 0,
      says: "note: storefront latest on web-1 is not counted as live: 'latest' is not a version"
    ) { try checkIn($0, "latest") },
    CheckCase(
      "a slip in the name of an application", "plan --live storefrnt@1.4 -d shop.db", 0,
      says: "nothing to do: every phase is applied"),
    CheckCase(
      "a version that needs a pending phase, to plan of the phase", "plan --live storefront@3.0 -d shop.db",
      0,
      says: "0003/expand  c     storefront >=2.0"
    ) {
      try $0.phase(
        "0003-c/expand", up: "CREATE TABLE u (a);", down: "DROP TABLE u;", window: "storefront >=2.0 <3.0")
    },
    CheckCase(
      "a version that needs a pending phase, to status", "status --live storefront@3.0 -d shop.db", 0,
      says:
        "warning: storefront 3.0 is live and may not run on this schema, which is for storefront >=2.0 <3.0",
      "0003-c/expand is not applied, and its window is >=2.0 <3.0",
      "to fix it: apply it first: phasedb up --to 0003/expand -d shop.db"
    ) {
      try $0.phase(
        "0003-c/expand", up: "CREATE TABLE u (a);", down: "DROP TABLE u;", window: "storefront >=2.0 <3.0")
    },
  ]

  static let others = [
    CheckCase("everything in order", "status --check -d shop.db", 0),
    CheckCase("everything in order, to verify", "verify -d shop.db", 0),
    CheckCase(
      "an edited file, to status --check", "status --check -d shop.db", 1,
      says: "edited: 0001-a/expand was edited after it was applied", setUp: edit),
    CheckCase(
      "an edited file, to verify", "verify -d shop.db", 1,
      says: "broken      the files of applied phases are unchanged",
      "+ CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);", setUp: edit),
    CheckCase("a new comment is no edit", "verify -d shop.db", 0) { site in
      let file = "migrations/0001-a/expand.sql"
      let text = try String(contentsOfFile: site.path(file), encoding: .utf8)
      try site.write("-- A comment.\n\(text)", to: file)
    },
    CheckCase(
      "a contract that lost rows in its rehearsal", "status --check -d shop.db", 1,
      says:
        "pending: 0003-c/contract is held by window: no live version of storefront is known, and a contract needs to know it"
    ) { site in
      try lossy(site)
    },
    CheckCase(
      "a change from outside", "status --check -d shop.db", 1,
      says: "drift: the schema differs from the one in the ledger at checkpoint 3 (0002/contract)"
    ) { try $0.sqlite("CREATE TABLE by_hand (a)") },
  ]

  @Sendable private static func edit(_ site: Site) throws {
    try site.phase(
      "0001-a/expand", up: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);", down: "DROP TABLE t;",
      window: "storefront >=1.0 <3.0")
  }

  /// A contract of whose rehearsal a row more comes back than there was.
  private static func lossy(_ site: Site) throws {
    try site.sqlite("INSERT INTO t VALUES (1), (2); INSERT INTO l VALUES (1)")
    try site.phase(
      "0003-c/contract", up: "DROP TABLE t;",
      down: "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO l VALUES (7);", window: "storefront >=2.0",
      directives: ["@residual none"])
    let rehearsal = try site.phasedb("rehearse -d shop.db")
    #expect(rehearsal.code == 1, "\(rehearsal.summary)")
  }

  @Test("a live version outside the window is named", arguments: live)
  func checkLive(_ example: CheckCase) throws { try check(example) }

  @Test("whatever else is not in order is named", arguments: others)
  func checkOthers(_ example: CheckCase) throws { try check(example) }

  private func check(_ example: CheckCase) throws {
    let site = try Self.shop()
    try example.setUp(site)
    let outcome = try site.phasedb(example.line)
    #expect(outcome.code == example.code, "\(outcome.summary)")
    let lines = (outcome.output + outcome.errors).split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    for line in example.says { #expect(lines.contains(line), "'\(line)' is not in:\n\(outcome.summary)") }
    if example.code == 0, example.says.isEmpty {
      #expect(!outcome.output.contains("warning:") && !outcome.output.contains("fails"), "\(outcome.summary)")
    }
  }

  @Test(
    "a rehearsal that was no proof is named, whatever evidence the settings ask for",
    arguments: ["none", "contract"])
  func rehearsal(_ policy: String) throws {
    let site = try Self.shop()
    try Self.lossy(site)
    try site.write("{ \"evidence\": \"\(policy)\" }", to: "migrations/phasedb.json")
    let outcome = try site.phasedb("status --check --live storefront@2.4 -d shop.db")
    #expect(outcome.code == 1)
    #expect(
      outcome.output.contains(
        #/rehearsal: 0003-c/contract: in the rehearsal of \S+ 1 row did not come back/#),
      "\(outcome.summary)")
  }
}

@Suite("Rows without a parent")
struct OrphanTests {
  private static let schema =
    "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p);"

  /// A database with such rows that was there before phasedb.
  private static func adopted(
    _ rows: String = "INSERT INTO c VALUES (1, 99), (2, 99);", schema: String = schema
  ) throws -> Site {
    let site = try Site()
    try site.sqlite(schema + rows)
    try site.write(schema, to: "migrations/baseline.sql")
    try site.phase("0001-a/expand", up: "CREATE TABLE u (a);", down: "DROP TABLE u;")
    #expect(try site.phasedb("adopt -d shop.db -q").code == 0)
    return site
  }

  private func lines(_ site: Site, _ code: Int32, _ line: String = "verify -d shop.db") throws -> [String] {
    let outcome = try site.phasedb(line)
    #expect(outcome.code == code, "\(outcome.summary)")
    let lines = outcome.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let start = lines.firstIndex {
      $0.hasSuffix("every row has its parent") || $0.contains("has its parent (")
    }
    return Array(lines[(start ?? 0)...].prefix { !$0.contains("checks") })
  }

  @Test("those from before are told apart from new ones, end by the SQL that is printed, or are accepted")
  func stories() throws {
    let site = try Self.adopted()
    let old = [
      "holds       every row has its parent", "inherited   rows without a parent from before phasedb",
      "c: 2 rows with p = 99 have no parent in p",
      "to fix it: DELETE FROM c AS child WHERE child.p IN (99);",
    ]
    #expect(try lines(site, 0) == old)

    let reasonless = try site.phasedb("verify --accept c -d shop.db")
    #expect(reasonless.code == 2 && reasonless.errors.contains("[reason-missing]"))
    let accepted = [
      "holds       every row has its parent", "accepted    rows without a parent that were accepted",
      "c: 2 rows with p = 99 have no parent in p",
    ]
    #expect(try lines(site, 0, "verify --accept c --reason purged -d shop.db") == accepted)
    #expect(try lines(site, 0) == accepted)
    #expect(try site.phasedb("log -d shop.db").output.contains("2 rows without a parent: purged"))
    #expect(try site.phasedb("log --check -d shop.db").code == 0)

    try site.sqlite("INSERT INTO c VALUES (3, 98)")
    #expect(
      try lines(site, 1).prefix(3) == [
        "broken      every row has its parent", "c: 1 row with p = 98 has no parent in p",
        "to fix it: DELETE FROM c AS child WHERE child.p IN (98);",
      ])
    try site.sqlite("DELETE FROM c AS child WHERE child.p IN (98);")
    #expect(try lines(site, 0) == accepted)
    try site.sqlite("INSERT INTO c VALUES (4, 99)")
    #expect(try lines(site, 1).contains("c: 1 row with p = 99 has no parent in p"), "one more of the same")
  }

  @Test("rows stay the same when VACUUM and a rebuild give them other rowids")
  func rowids() throws {
    let site = try Self.adopted(
      "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (99), (98); DELETE FROM c WHERE p = 1;",
      schema: "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p);")
    try site.sqlite("VACUUM; UPDATE c SET rowid = rowid + 100;")
    let lines = try lines(site, 0)
    #expect(lines.first == "holds       every row has its parent")
    #expect(lines.contains("c: 1 row with p = 98 has no parent in p"))
  }

  @Test(
    "keys of several columns, of text, of bytes and without a rowid are told apart",
    arguments: [
      (
        "CREATE TABLE p (a, b, PRIMARY KEY (a, b)); CREATE TABLE c (x, y, FOREIGN KEY (x, y) REFERENCES p);",
        "INSERT INTO c VALUES ('it''s', x'00ff');", "INSERT INTO c VALUES ('it''s', x'00fe');"
      ),
      (
        "CREATE TABLE p (a TEXT PRIMARY KEY); CREATE TABLE c (x TEXT PRIMARY KEY REFERENCES p) WITHOUT ROWID;",
        "INSERT INTO c VALUES ('a');", "INSERT INTO c VALUES ('b');"
      ),
      (
        "CREATE TABLE p (a TEXT PRIMARY KEY); CREATE TABLE c (rowid, oid, _rowid_, x REFERENCES p);",
        "INSERT INTO c (x) VALUES ('a');", "INSERT INTO c (x) VALUES ('b');"
      ),
    ])
  func keys(_ schema: String, _ old: String, _ new: String) throws {
    let site = try Self.adopted(old, schema: schema)
    #expect(try lines(site, 0).first == "holds       every row has its parent")
    #expect(try lines(site, 0, "verify --accept c --reason known -d shop.db").count > 1)
    try site.sqlite(new)
    #expect(try lines(site, 1).first == "broken      every row has its parent")
  }

  @Test("a ledger that did not record them says so, and can be made green")
  func formerLedger() throws {
    let site = try Self.adopted()
    try site.sqlite("DELETE FROM phasedb_meta WHERE key = 'orphans'")
    #expect(
      try lines(site, 1).first
        == "broken      every row has its parent (the ledger did not record which rows had none when it began)"
    )
    #expect(
      try lines(site, 0, "verify --accept c --reason known -d shop.db") == [
        "holds       every row has its parent", "accepted    rows without a parent that were accepted",
        "c: 2 rows with p = 99 have no parent in p",
      ])
  }

  @Test("more than can be listed are counted")
  func many() throws {
    let site = try Self.adopted(
      "INSERT INTO c (p) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10050) SELECT i FROM n;"
    )
    #expect(
      try lines(site, 0).prefix(4) == [
        "holds       every row has its parent", "inherited   rows without a parent from before phasedb",
        "c: 10,050 rows have no parent in p",
        "to fix it: DELETE FROM c AS child WHERE child.p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p AS parent WHERE parent.id = child.p);",
      ])
    try site.sqlite("INSERT INTO c (p) VALUES (77777)")
    #expect(
      try lines(site, 1).prefix(2) == ["broken      every row has its parent", "c: 1 row has no parent in p"])
  }

  @Test("the first up on a database that was there records them, too")
  func byUp() throws {
    let site = try Site()
    try site.sqlite(Self.schema + "INSERT INTO c VALUES (1, 99);")
    try site.phase("0001-a/expand", up: "CREATE TABLE u (a);", down: "DROP TABLE u;")
    #expect(try site.phasedb("up -d shop.db -q").code == 0)
    #expect(try lines(site, 0).first == "holds       every row has its parent")
  }
}

@Suite("A command that never looks")
struct BlindCommandTests {
  private static func site() throws -> Site {
    let site = try Site()
    try site.write("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);", to: "migrations/baseline.sql")
    try site.phase(
      "0002-b/expand", up: "ALTER TABLE t ADD COLUMN b TEXT;", down: "ALTER TABLE t DROP COLUMN b;",
      window: "app >=1.0 <2.0")
    try site.write("INSERT INTO t (id, a) VALUES (1, 'x');", to: "migrations/apps/seed.sql")
    return site
  }

  @Test(
    "fails, with what to do", arguments: ["true", "cat migrations/phasedb.json migrations/apps/seed.sql"])
  func blind(_ command: String) throws {
    let site = try Self.site()
    try site.write("{}", to: "migrations/phasedb.json")
    let outcome = try site.phasedb("compat --app app@1.0 -- \(command)")
    #expect(outcome.code == 1, "\(outcome.summary)")
    #expect(outcome.output.contains("broken: the command never read the database it was given"))
    #expect(outcome.output.contains("PHASEDB_DATABASE"))
    let json = try site.phasedb("compat --app app@1.0 --format json -- \(command)")
    #expect(json.code == 1 && json.output.contains("\"opened\" : false"), "\(json.summary)")
  }

  @Test("does not, when some child of it looks")
  func seeing() throws {
    let site = try Self.site()
    try site.write("#!/bin/sh\nsh -c 'sqlite3 \"$PHASEDB_DATABASE\" \"SELECT a FROM t\"'\n", to: "test.sh")
    let outcome = try site.phasedb("compat --app app@1.0 -- sh test.sh")
    #expect(outcome.code == 0, "\(outcome.summary)")
    let fails = try site.phasedb("compat --app app@1.0 -- false")
    #expect(fails.code == 2 && fails.errors.contains("[query-failed]"), "\(fails.summary)")
  }

  @Test("of a misspelt application is not started, and the slip is named", arguments: ["", " -- true"])
  func slip(_ command: String) throws {
    let outcome = try Self.site().phasedb("compat --app ap@1.0\(command)")
    #expect(outcome.code == 2, "\(outcome.summary)")
    #expect(outcome.errors.contains("[version-not-promised]") && outcome.errors.contains("did you mean app?"))
  }
}
