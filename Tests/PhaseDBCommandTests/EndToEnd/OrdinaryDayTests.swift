import Foundation
import Testing

/// One command of a day, and what must be seen of it.
struct Act: Sendable {
  let line: String
  let code: Int32
  /// Texts that standard output has, in any order.
  let says: [String]

  init(_ line: String, _ code: Int32 = 0, says: String...) {
    self.line = line
    self.code = code
    self.says = says
  }
}

@Suite("An ordinary day")
struct OrdinaryDayTests {
  static let day = [
    Act("status", says: "shop.db (not made yet)", "0001/expand  create-shop  pending", "next: phasedb plan"),
    Act("status --check", 1),
    Act("plan", says: "plan: 1 phase up on shop.db", "Make the shop.", "next: phasedb up"),
    Act("up --dry-run", says: "plan: 1 phase up on shop.db", "next: phasedb up"),
    Act(
      "up", says: "applied  0001-create-shop/expand", "2 rows, checkpoint 2", "1 phase up",
      "next: phasedb verify"),
    Act("up", says: "nothing to do: every phase is applied"),
    Act("status", says: "at 0001/expand (@2): 1 applied, nothing pending", "applied   2", "operator@"),
    Act("status --check --quiet"),
    Act("verify", says: "holds       0001/expand: nobody is nameless", "nothing broken"),
    Act("checkpoint create before-sale --note quiet", says: "@before-sale is after 0001-create-shop/expand"),
    Act("checkpoint list", says: "@before-sale  0001/expand  create-shop", "quiet"),
    Act(
      "plan down", says: "plan: 1 phase can come down: exact", "customers  0001/expand: a mail was sent",
      "next: phasedb down"
    ),
    Act("down --dry-run", says: "plan: 1 phase can come down", "next: phasedb down"),
    Act("down", says: "reversed 0001-create-shop/expand", "before the first phase", "next: phasedb status"),
    Act("down", says: "nothing to do: no phase is applied"),
    Act("down --to @before-sale", 2),
    Act("log --check", says: "begin", "checkpoint  before-sale", "down", "the hash chain is intact"),
    Act("verify", says: "nothing broken"),
    Act("up --quiet"),
    Act("up --to 0001", says: "nothing to do: everything up to 0001 is applied"),
    Act("down --all --quiet"),
  ]

  @Test("runs from init to the last way down, and only up and down write")
  func day() throws {
    let site = try Site()
    #expect(try site.phasedb("init").output.contains("next: phasedb new create-shop"))
    #expect(
      try site.phasedb("new create-shop --phases expand").output.contains("0001-create-shop/expand.sql"))
    let template = try site.phasedb("plan -d shop.db")
    #expect(template.code == 2 && template.errors.contains("[missing-up]"), "\(template.summary)")
    try site.fillInShop()
    for act in Self.day {
      let before = SiteFiles(of: site)
      let outcome = try site.phasedb(act.line, environment: ["PHASEDB_DATABASE": "shop.db"])
      #expect(outcome.code == act.code, "\(act.line): \(outcome.summary)")
      for text in act.says { #expect(outcome.output.contains(text), "\(act.line): \(outcome.output)") }
      #expect(outcome.errors.isEmpty == (act.code < 2), "\(act.line): \(outcome.errors)")
      #expect(!outcome.summary.contains("\u{1B}"), "\(act.line) is coloured")
      if act.line.hasSuffix("--quiet") { #expect(outcome.output.isEmpty, "\(act.line)") }
      let writes = ["up", "down", "checkpoint"].contains { act.line.hasPrefix($0) }
      if !writes || act.line.hasSuffix("--dry-run") || act.says.first?.hasPrefix("nothing to do") == true {
        #expect(SiteFiles(of: site) == before, "\(act.line) wrote")
      }
    }
    #expect(try DatabaseContents(of: site).schema.isEmpty)
  }

  static let looks = [
    "status", "plan", "plan down", "log", "checkpoint list", "up --dry-run", "up --to 0009", "verify",
    "down --dry-run",
  ]

  @Test("writes nothing by looking, and makes no file", arguments: looks, ["missing", "fresh"])
  func looking(line: String, database: String) throws {
    let site = try Site()
    try site.fillInShop()
    if database == "fresh" { try site.sqlite("CREATE TABLE mine (x)", on: "fresh.db") }
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb("\(line) -d \(database).db")
    // Only what is asked of a phase, or of a database, that is not there is refused.
    let isRefused = line == "up --to 0009" || line == "verify" && database == "missing"
    #expect(outcome.code == (isRefused ? 2 : 0), "\(outcome.summary)")
    #expect(SiteFiles(of: site) == before)
  }

  @Test("suggests a next command that works when pasted")
  func pasted() throws {
    let site = try Site()
    try FileManager.default.createDirectory(atPath: site.path("the shop"), withIntermediateDirectories: true)
    try site.fillInShop(in: "the shop/migrations")
    let first = ["plan", "-d", "the shop/it's.db", "-m", "the shop/migrations", "--live", "storefront@1.4"]
    let plan = try site.start(first).outcome()
    let next = try #require(plan.output.firstMatch(of: #/next: phasedb (.*)/#)?.output.1)
    #expect(next == #"up --live storefront@1.4 -d 'the shop/it'\''s.db' -m 'the shop/migrations'"#)
    let program = try BuiltProgram.path()
    #expect(try site.run("sh", "-c", "\(program) \(next)").code == 0)
    #expect(site.exists("the shop/it's.db"))
  }

  struct Checkout: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let leave: @Sendable (Site) throws -> Void
  }

  @Test(
    "comes down without the files it went up with",
    arguments: [
      Checkout(testDescription: "without the migration") { try $0.remove("migrations/0001-create-shop") },
      Checkout(testDescription: "with an empty folder") {
        try $0.remove("migrations")
        try $0.makeFolder("migrations")
      },
      Checkout(testDescription: "with another phase file") {
        try $0.phase("0001-create-shop/expand", up: "SELECT 1;", down: "SELECT 1;")
      },
    ])
  func older(checkout: Checkout) throws {
    let site = try Site()
    try site.fillInShop()
    #expect(try site.phasedb("up -d shop.db").code == 0)
    try checkout.leave(site)
    let down = try site.phasedb("down -d shop.db")
    #expect(down.code == 0 && down.errors.isEmpty, "\(down.summary)")
    #expect(try DatabaseContents(of: site).schema.isEmpty)
  }

  @Test("goes all the way up and down the example, which keeps what was there")
  func example() throws {
    let site = try Site()
    let example = URL(filePath: #filePath).appending(path: "../../../../migrations-example").standardized
    try FileManager.default.copyItem(
      atPath: example.path(percentEncoded: false), toPath: site.path("migrations"))
    let line = "-d shop.db --live storefront@2.0"
    #expect(try site.phasedb("up 1 -d shop.db").code == 0)
    try site.sqlite(
      """
      INSERT INTO customers (full_name, email, joined_on) VALUES
        ('Ann B Cee', 'ann@shop.example', '2024-02-29'), ('Żaneta', NULL, '2023-01-01'), ('', NULL, '2023-01-02');
      INSERT INTO products (sku, name, price) VALUES ('A-1', 'Tea', 3.99), ('B-2', 'Pot', 20.0);
      """)
    // A rebuilt table has its text in other words; what it says is in its columns.
    let columns = """
      SELECT schema.type, schema.name, columns.* FROM sqlite_schema AS schema
      LEFT JOIN pragma_table_xinfo(schema.name) AS columns
      WHERE schema.name NOT GLOB 'phasedb_*' AND schema.name NOT GLOB 'sqlite_autoindex_phasedb_*' ORDER BY 1, 2, 3
      """
    let before = try (site.sqlite(columns), DatabaseContents(of: site).rows)
    // Nobody has ordered anything yet.
    let rehearsed = try site.phasedb("rehearse --allow-empty \(line)")
    #expect(
      rehearsed.code == 0 && rehearsed.output.contains("11 of 11 phases came back"), "\(rehearsed.summary)")
    let up = try site.phasedb("up \(line) --override switch --reason test")
    #expect(up.code == 0, "\(up.summary)")
    #expect(try site.phasedb("status --check \(line)").code == 0)
    #expect(try site.phasedb("verify -d shop.db").code == 0)
    #expect(try site.phasedb("down --to 0001 -d shop.db").code == 0)
    #expect(try site.sqlite(columns) == before.0)
    #expect(try DatabaseContents(of: site).rows == before.1)
    #expect(try site.phasedb("down --all -d shop.db").code == 0)
    #expect(try site.phasedb("log --check -d shop.db").code == 0)
    #expect(try DatabaseContents(of: site).schema.isEmpty)
  }
}

extension Site {
  /// One phase with everything that is printed: a summary, rows, a claim and something that remains.
  func fillInShop(in migrations: String = "migrations") throws {
    try write(
      """
      -- Make the shop.
      --
      -- @window storefront >=1.0 <2.0
      -- @residual customer: a mail was sent
      -- @up
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
      INSERT INTO customers (name) VALUES ('Ann'), ('Bo');
      -- @down
      DROP TABLE customers;
      -- @verify nobody is nameless
      SELECT id FROM customers WHERE name = '';
      """, to: "\(migrations)/0001-create-shop/expand.sql")
  }
}
