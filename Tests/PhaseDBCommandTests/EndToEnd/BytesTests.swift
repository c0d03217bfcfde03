import Foundation
import Testing

@testable import PhaseDBCommand

/// Keys that are easily taken for other keys, or changed on their way through a program.
enum NastyKeys {
  /// As SQL.
  static let all = [
    "1", "1.5", "'1'", "'1.0'", "' 1'", "x'31'", "9223372036854775807", "-9223372036854775808",
    "9007199254740993", "9007199254740992.0",
    "-0.0", "0.1", "1e308", "-1e999", "9e999", "''", "x''", "' '", "'a'", "'A'", "'a '", "'a  '", "'b'",
    "CAST(x'30c3' AS TEXT)",
    "CAST(x'ff' AS TEXT)", "CAST(x'fe' AS TEXT)", "CAST(x'610062' AS TEXT)", "CAST(x'61006200' AS TEXT)",
    "CAST(x'3dd8' AS TEXT)",
    "CAST(x'3dd86100' AS TEXT)", "CAST(x'eda080' AS TEXT)", "CAST(x'fffe' AS TEXT)",
    "CAST(x'feff6100' AS TEXT)", "char(233)",
    "'e' || char(769)", "char(128569)", "char(65534)", "x'00'", "x'ff'", "x'30c3'", "zeroblob(3)",
  ]
}

/// Every number of 64 bits in turn (Knuth's MMIX); the high bits are the random ones.
private struct Draw {
  var seed: UInt64

  mutating func below(_ limit: Int) -> Int {
    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(seed >> 40) % limit
  }

  mutating func one<Element>(of choices: [Element]) -> Element { choices[below(choices.count)] }
}

@Suite("Bytes stay what they are")
struct BytesTests {
  /// What is in the table, asked of the shell alone.
  private func contents(_ site: Site, _ table: String = "t") throws -> String {
    try site.sqlite("SELECT hex(CAST(k AS BLOB)), typeof(k), v FROM \(table) ORDER BY 1, 2")
  }

  @Test("in the keys of batches, up and down, whatever they are", arguments: 0..<12)
  func keys(_ part: Int) throws {
    var draw = Draw(seed: Effort.seed &+ UInt64(part) &* 7_919)
    let first = draw.seed
    for _ in 0..<3 * Effort.factor {
      let site = try Site()
      let encoding = draw.one(of: ["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"])
      let type = draw.one(of: [
        "TEXT", "", "BLOB", "NUMERIC", "TEXT COLLATE NOCASE", "COLLATE RTRIM", "TEXT COLLATE RTRIM", "REAL",
        "COLLATE NOCASE",
      ])
      let form = draw.one(of: ["PRIMARY KEY", "PRIMARY KEY WITHOUT ROWID", "UNIQUE", "INDEX"])
      let table =
        switch form {
        case "PRIMARY KEY WITHOUT ROWID": "CREATE TABLE t (k \(type) NOT NULL PRIMARY KEY, v) WITHOUT ROWID;"
        case "INDEX": "CREATE TABLE t (k \(type) NOT NULL, v); CREATE INDEX t_k ON t (k);"
        default: "CREATE TABLE t (k \(type) NOT NULL \(form), v);"
        }
      var inserts = ""
      for _ in 0..<16 { inserts += "INSERT OR IGNORE INTO t VALUES (\(draw.one(of: NastyKeys.all)), 1);" }
      try site.sqlite("PRAGMA encoding = '\(encoding)'; \(table) \(inserts)")
      try site.phase(
        "0001-count/migrate", up: "UPDATE t SET v = v + 1 WHERE k BETWEEN :first AND :last;",
        down: "UPDATE t SET v = v - 1 WHERE k BETWEEN :first AND :last;", directives: ["@batch t by k"])
      let before = try contents(site)
      let size = 1 + draw.below(5)
      let what = "seed \(first): \(encoding), \(table) \(inserts) by \(size)"
      let up = try site.phasedb("up -q -d shop.db --max-batch \(size)")
      #expect(up.code == 0, "\(what)\n\(up.summary)")
      #expect(try contents(site) == before.replacing(",1\n", with: ",2\n"), "\(what)")
      let down = try site.phasedb("down -q -d shop.db --max-batch \(size)")
      #expect(down.code == 0, "\(what)\n\(down.summary)")
      #expect(try contents(site) == before, "\(what)")
      #expect(try site.phasedb("verify -q -d shop.db").code == 0, "\(what)")
    }
  }

  @Test("where a run stops before its first batch, and is begun again")
  func stopped() throws {
    let site = try Site()
    try site.sqlite(
      "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v); INSERT INTO t VALUES (CAST(x'30c3' AS TEXT), 1), (CAST(x'30c4' AS TEXT), 1), ('0', 1), ('z', 1)"
    )
    try site.phase(
      "0001-count/migrate", up: "UPDATE t SET v = v + 1 WHERE k BETWEEN :first AND :last;",
      down: "UPDATE t SET v = v - 1 WHERE k BETWEEN :first AND :last;", directives: ["@batch t by k"])
    // A pause file stops the run before its first batch.
    try site.write("", to: "shop.db.pause")
    let held = try site.start(["up", "-q", "-d", "shop.db", "--max-batch", "1"])
    #expect(
      held.reaches {
        (try? site.run("sqlite3", "shop.db", "SELECT count(*) FROM phasedb_batch"))?.output == "1\n"
      })
    held.send(SIGTERM)
    #expect(held.outcome().code == 3, "\(held.outcome().summary)")
    try site.remove("shop.db.pause")
    #expect(try site.phasedb("up -q -d shop.db --max-batch 1").code == 0)
    #expect(try contents(site) == "'30','text',2\n'30C3','text',2\n'30C4','text',2\n'7A','text',2\n")
  }

  @Test("in what a contract takes and its way back gives", arguments: ["UTF-8", "UTF-16le", "UTF-16be"])
  func archived(_ encoding: String) throws {
    let site = try Site()
    let values = NastyKeys.all.enumerated().map { "(\($0 + 1), \($1), \($1))" }.joined(separator: ", ")
    try site.sqlite(
      """
      PRAGMA encoding = '\(encoding)'; CREATE TABLE t (id INTEGER PRIMARY KEY, k, v);
      INSERT INTO t VALUES \(values);
      CREATE TABLE gone (k TEXT NOT NULL PRIMARY KEY, v) WITHOUT ROWID; INSERT OR IGNORE INTO gone SELECT k, v FROM t;
      """)
    try site.phase(
      "0001-less/contract", up: "ALTER TABLE t DROP COLUMN v; DROP TABLE gone;",
      down: "ALTER TABLE t ADD COLUMN v; CREATE TABLE gone (k TEXT NOT NULL PRIMARY KEY, v) WITHOUT ROWID;")
    func everything() throws -> String {
      try site.sqlite(
        """
        SELECT id, hex(CAST(k AS BLOB)), typeof(k), hex(CAST(v AS BLOB)), typeof(v) FROM t ORDER BY id;
        SELECT hex(CAST(k AS BLOB)), typeof(k), hex(CAST(v AS BLOB)), typeof(v) FROM gone ORDER BY 1, 2
        """)
    }
    let before = try everything()
    let rehearsed = try site.phasedb("rehearse -d shop.db --live storefront@1.5 --evidence evidence.json")
    #expect(rehearsed.code == 0, "\(rehearsed.summary)")
    let up = try site.phasedb("up -q -d shop.db --live storefront@1.5 --evidence evidence.json")
    #expect(up.code == 0, "\(up.summary)")
    let down = try site.phasedb("down -q -d shop.db")
    #expect(down.code == 0, "\(down.summary)")
    #expect(try everything() == before)
  }

  @Test("in a change that only a comparison by bytes sees")
  func noticed() throws {
    let site = try Site()
    // SQLite's own way from UTF-16 to UTF-8 makes the same of these two.
    try site.sqlite(
      "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, CAST(x'00d8' AS TEXT))"
    )
    try site.phase(
      "0001-change/contract", up: "UPDATE t SET v = CAST(x'01d8' AS TEXT);",
      down: "UPDATE t SET v = CAST(x'02d8' AS TEXT) WHERE 0;")
    let up = try site.phasedb("up -q -d shop.db --live storefront@1.5 --override evidence --reason try")
    #expect(up.code == 0, "\(up.summary)")
    #expect(try site.sqlite("SELECT hex(v) FROM t") == "'01D8'\n")
    #expect(try site.phasedb("down -q -d shop.db").code == 0)
    #expect(try site.sqlite("SELECT hex(v) FROM t") == "'00D8'\n")
  }
}

/// The same accent written in two ways: two names to SQLite, one string to Swift.
enum Accents {
  static let (composed, decomposed) = ("\u{E9}", "e\u{301}")
}

@Suite("Names are compared by their bytes")
struct NameBytesTests {
  private static func site(window: String = "storefront >=1.0 <2.0") throws -> Site {
    let (one, other) = ("caf\(Accents.composed)", "caf\(Accents.decomposed)")
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.phase(
      "0001-cafes/expand",
      up: """
        CREATE TABLE "\(other)" (id INTEGER PRIMARY KEY AUTOINCREMENT, "\(Accents.composed)" TEXT, "\(Accents.decomposed)" TEXT);
        CREATE TABLE "\(one)" (id INTEGER PRIMARY KEY AUTOINCREMENT, b);
        CREATE INDEX "i\(Accents.composed)" ON "\(one)" (b);
        CREATE INDEX "i\(Accents.decomposed)" ON "\(other)" ("\(Accents.decomposed)");
        """,
      down: "DROP TABLE \"\(one)\"; DROP TABLE \"\(other)\";", window: window)
    try site.phase(
      "0002-fill/migrate",
      up: "UPDATE \"\(other)\" SET \"\(Accents.composed)\" = 'new' WHERE id BETWEEN :first AND :last;",
      down: "UPDATE \"\(other)\" SET \"\(Accents.composed)\" = 'old' WHERE id BETWEEN :first AND :last;",
      directives: ["@batch \"\(other)\""])
    try site.phase(
      "0003-less/contract",
      up:
        "DROP INDEX \"i\(Accents.decomposed)\"; ALTER TABLE \"\(other)\" DROP COLUMN \"\(Accents.decomposed)\"; DROP TABLE \"\(one)\";",
      down: """
        ALTER TABLE "\(other)" ADD COLUMN "\(Accents.decomposed)" TEXT;
        CREATE INDEX "i\(Accents.decomposed)" ON "\(other)" ("\(Accents.decomposed)");
        CREATE TABLE "\(one)" (id INTEGER PRIMARY KEY AUTOINCREMENT, b); CREATE INDEX "i\(Accents.composed)" ON "\(one)" (b);
        """)
    return site
  }

  private static func rows(_ site: Site) throws -> String {
    try site.sqlite(
      "SELECT * FROM \"caf\(Accents.decomposed)\"; SELECT * FROM \"caf\(Accents.composed)\"; SELECT name, seq FROM sqlite_sequence ORDER BY 1"
    )
  }

  @Test("from lint to the way down")
  func lifecycle() throws {
    let site = try Self.site()
    let lint = try site.phasedb("lint")
    #expect(lint.code == 0, "\(lint.summary)")
    #expect(try site.phasedb("up -q -d shop.db --to 0001").code == 0)
    try site.sqlite(
      """
      INSERT INTO "caf\(Accents.decomposed)" VALUES (1, 'composed', 'decomposed'), (7, 'c', 'd');
      INSERT INTO "caf\(Accents.composed)" VALUES (3, 'kept');
      """)
    let before = try Self.rows(site)
    let rehearsed = try site.phasedb("rehearse -d shop.db")
    #expect(rehearsed.code == 0, "\(rehearsed.summary)")
    let up = try site.phasedb("up -q -d shop.db --live storefront@1.5")
    #expect(up.code == 0, "\(up.summary)")
    #expect(
      try site.sqlite("SELECT * FROM \"caf\(Accents.decomposed)\"") == "1,'new'\n7,'new'\n")
    let verified = try site.phasedb("verify -d shop.db")
    #expect(verified.code == 0, "\(verified.summary)")
    let down = try site.phasedb("down -q -d shop.db --to 0001")
    #expect(down.code == 0, "\(down.summary)")
    #expect(try Self.rows(site) == before)
    #expect(try site.phasedb("verify -q -d shop.db").code == 0)
    let status = try site.phasedb("status -d shop.db --format json")
    #expect(status.output.contains("\"drift\" : [\n\n  ]"), "\(status.summary)")
  }

  @Test("and a change of one into the other is drift")
  func drift() throws {
    let site = try Self.site()
    #expect(try site.phasedb("up -q -d shop.db --to 0001").code == 0)
    try site.sqlite("ALTER TABLE \"caf\(Accents.composed)\" RENAME COLUMN b TO \"\(Accents.composed)\"")
    try site.sqlite(
      "ALTER TABLE \"caf\(Accents.composed)\" RENAME COLUMN \"\(Accents.composed)\" TO \"\(Accents.decomposed)\""
    )
    let outcome = try site.phasedb("up -d shop.db --live storefront@1.5")
    #expect(outcome.code == 2 && outcome.errors.contains("[schema-drift]"), "\(outcome.summary)")
  }

  @Test("in what an application asks")
  func compat() throws {
    // The version needs the first phase.
    let site = try Self.site(window: "storefront >=1.0 <1.5")
    let (one, other) = ("caf\(Accents.composed)", "caf\(Accents.decomposed)")
    try site.write(
      "INSERT INTO \"\(other)\" VALUES (1, 'c', 'd'); INSERT INTO \"\(one)\" VALUES (1, 'kept');",
      to: "migrations/apps/seed.sql")
    try site.write(
      """
      -- @query both
      -- @with id = 1
      SELECT "\(Accents.composed)", "\(Accents.decomposed)" FROM "\(other)" WHERE id = :id;
      -- @query set
      UPDATE "\(other)" SET "\(Accents.composed)" = 'x' WHERE id = 1;
      """, to: "migrations/apps/storefront/1.5.sql")
    let outcome = try site.phasedb("compat")
    // The contract takes the column that the version reads, and the finding names that one.
    func says(_ words: String) -> Bool { outcome.output.range(of: words, options: .literal) != nil }
    #expect(
      outcome.code == 1 && says("does not read \(other).\(Accents.decomposed) any more"),
      "\(outcome.summary)")
    #expect(!says("does not read \(other).\(Accents.composed) any more"), "\(outcome.summary)")
  }

  @Test("in the checkpoints that a ledger names, and a new one may not look like another")
  func checkpoints() throws {
    let site = try Self.site()
    let (one, other) = (Accents.composed, Accents.decomposed)
    try site.makeFolder("snapshots")
    #expect(try site.phasedb("up -q -d shop.db --to 0001").code == 0)
    #expect(try site.phasedb("checkpoint create \(one) --snapshot snapshots -d shop.db").code == 0)
    let same = try site.phasedb("checkpoint create \(other) -d shop.db")
    #expect(same.code == 2 && same.errors.contains("[checkpoint-exists]"), "\(same.summary)")
    // Only somebody with a shell makes it.
    try site.sqlite(
      "INSERT INTO phasedb_checkpoint SELECT '\(other)', 0, at, who, host, note FROM phasedb_checkpoint")
    let restored = try site.phasedb("checkpoint restore \(other) --confirm \(other) -d shop.db")
    #expect(restored.code == 2 && restored.errors.contains("[snapshot-missing]"), "\(restored.summary)")
    let stay = try site.phasedb("plan down -d shop.db --to @\(one)")
    #expect(stay.code == 0 && stay.output.hasPrefix("nothing to do"), "\(stay.summary)")
    let down = try site.phasedb("plan down -d shop.db --to @\(other)")
    #expect(down.code == 0 && down.output.contains("0001/expand  cafes"), "\(down.summary)")
  }

  /// Nobody can tell the two apart by looking, so a window holds for both.
  @Test("but not those of applications, which are names that people write")
  func applications() throws {
    let (one, other) = (Accents.composed, Accents.decomposed)
    let site = try Self.site(window: "\(one) >=1.0 <2.0")
    #expect(try site.phasedb("up -q -d shop.db --to 0001").code == 0)
    for application in [one, other] {
      let outcome = try site.phasedb("check-in \(application)@0.9 --instance web -d shop.db")
      #expect(outcome.code == 2 && outcome.errors.contains("[version-not-live]"), "\(outcome.summary)")
      let held = try site.phasedb("down -d shop.db --live \(application)@2.0")
      #expect(held.code == 2 && held.errors.contains("[phase-held]"), "\(held.summary)")
    }
    #expect(try site.phasedb("check-in \(other)@1.5 --instance web -d shop.db").code == 0)
    let status = try site.phasedb("status -d shop.db")
    #expect(!status.errors.contains("no window") && !status.output.contains("note:"), "\(status.summary)")
    try site.phase(
      "0004-twice/expand", up: "SELECT 1;", down: "SELECT 1;",
      window: "\(one) >=1.0\n-- @window \(other) >=1.0")
    let twice = try site.phasedb("lint")
    #expect((twice.output + twice.errors).contains("two windows for application"), "\(twice.summary)")
  }

  @Test(
    "and one that is no text is refused by name, with nothing changed",
    arguments: ["up", "down", "verify", "rehearse"])
  func noText(_ verb: String) throws {
    let site = try Self.site()
    #expect(try site.phasedb("up -q -d shop.db --to 0001").code == 0)
    try site.sqlite(
      """
      PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('view', CAST(x'66ff' AS TEXT), CAST(x'66ff' AS TEXT), 0,
        CAST(x'435245415445205649455720' || x'66ff' || x'2041532053454c4543542031' AS TEXT));
      """)
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("\(verb) -d shop.db")
    #expect(outcome.code == 2, "\(outcome.summary)")
    #expect(
      outcome.errors.split(separator: "\n").first
        == "error: the schema has CAST(x'66ff' AS TEXT), in which x'66ff' is not UTF-8, so its names are not reliable [schema-unreadable]"
    )
    #expect(SiteFiles(of: site) == before)
  }
}
