import PhaseSQLite
import Testing

@testable import PhaseDB

struct RecipeTests {
  @Test("every recipe for every shape", arguments: RecipeCase.all.filter { !$0.moves })
  func recipe(_ recipe: RecipeCase) throws { try recipe.check() }

  @Test("a column moves to another table, for every shape", arguments: RecipeCase.all.filter(\.moves))
  func moving(_ recipe: RecipeCase) throws { try recipe.check() }

  @Test("how many there are")
  func count() {
    let refused = RecipeCase.all.filter { $0.refused != nil }.count
    print(
      "recipes: \(RecipeCase.all.count) cases over \(RecipeShape.all.count) shapes, \(refused) of them refused"
    )
    #expect(RecipeCase.all.count == RecipeShape.all.count * 14 + 2)
  }

  @Test(
    "compat finds no lost write in a column that moves",
    arguments: RecipeCase.all.filter {
      $0.moves && ["nullable", "WITHOUT ROWID, required"].contains($0.shape.title)
    })
  func compatOfMoving(_ recipe: RecipeCase) throws { try recipe.compat() }

  private static let compared = RecipeCase.all.filter { recipe in
    let shapes = ["nullable", "NOT NULL without a default", "WITHOUT ROWID, required", "quoted names"]
    return shapes.contains(recipe.shape.title) && recipe.refused == nil
      && ["rename-column", "retype", "split"].contains { recipe.words.hasPrefix($0) }
  }

  @Test("compat finds no lost write", arguments: compared)
  func compat(_ recipe: RecipeCase) throws { try recipe.compat() }

  // MARK: Changes that new versions do not write

  static let others = [
    "drop-column notes.memo", "drop-column notes.place", "drop-table lists",
    "reference notes.author people.id",
    "reference notes.list lists.id on delete cascade", "reference notes.mail people.mail on delete set null",
    "loosen notes.mail unique", "loosen notes.mail check", "loosen tags.note references",
    "loosen tags.tag unique", "default tags.tag 'red'", "default notes.memo current_timestamp",
    "unique tags (note, tag)", "index notes (lower(memo), place DESC)",
    "add tags.at TEXT NOT NULL DEFAULT ''",
    "rebuild notes", "require notes.memo", "check notes (place <> 'nowhere' OR memo IS NULL)",
  ]

  private static let library = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
    CREATE TABLE lists (id INTEGER PRIMARY KEY);
    CREATE TABLE notes (
      id INTEGER PRIMARY KEY AUTOINCREMENT, memo TEXT, place TEXT NOT NULL, author INT, list INT,
      mail TEXT UNIQUE ON CONFLICT IGNORE CONSTRAINT mails CHECK (mail LIKE '%@%') COLLATE NOCASE,
      CHECK (notes.id > 0)
    );
    CREATE TABLE tags (note INT REFERENCES notes (id) ON DELETE CASCADE, tag TEXT NOT NULL, UNIQUE (tag));
    """
  private static let rows = """
    INSERT INTO people VALUES (1, 'a@x'), (2, 'b@x');
    INSERT INTO lists VALUES (1);
    INSERT INTO notes VALUES (1, 'm', 'here', 1, 1, 'a@x'), (2, 'n', 'there', NULL, NULL, NULL), (7, 'o', '', 2, 1, 'b@x');
    DELETE FROM notes WHERE id = 7;
    INSERT INTO tags VALUES (1, 'red'), (2, 'blue');
    """

  @Test("what nobody writes comes back as it was", arguments: others)
  func other(_ words: String) throws {
    let create = try #require(Script(Self.library))
    let first = try Migration(
      MigrationName("0001-a"),
      phases: [
        Phase(
          .expand, windows: Windows(Window("app", VersionRange("<1.0"))), up: create,
          down: #require(Script("SELECT 1")), residuals: [])
      ])
    var request = RecipeRequest(words.split(separator: " ").map(String.init))
    request.release = try .init("app", from: nil, to: Version("2.0"))
    let name = try MigrationName("0002-b")
    let database = try TemporaryDatabase()
    try database.run(.upTo("0001"), Catalog([first]), .test(live: ["app@0.9"]))
    try database.run(Self.rows)
    let before = try database.snapshot()
    // From the database, with its rows.
    let written = try database.migrator(Catalog([first]), access: .reading).phases(request, as: name)
    #expect(written.notes.isEmpty)
    let phases = try written.files.map { kind, text in
      try PhaseFile.read(text, file: "\(name)/\(kind.rawValue).sql", kind: kind)
    }
    let catalog = try Catalog([first, Migration(name, phases: phases)])
    let text = written.files.map(\.text).joined(separator: "\n")
    let findings = try Linter(catalog).report().findings.filter { $0.phase?.migration == name }
    #expect(
      findings.allSatisfy { $0.id == "undetected" && words.hasPrefix("default") },
      "\(findings.map(\.message))\n\(text)")
    let rehearsal = try database.migrator(catalog, .test(live: ["app@1.5"])).rehearse()
    #expect(
      rehearsal.phases.allSatisfy { $0.verdict == .exact }, "\(rehearsal.phases.map(\.verdict))\n\(text)")
    try database.run(.upAll, catalog, .test(live: ["app@2.1"]))
    #expect(try database.applied().count == 1 + phases.count)
    try database.run(.downTo("0001"), catalog, .test(live: ["app@1.5"]))
    let after = try database.snapshot()
    #expect(after?.rows == before?.rows, "\(text)")
    let schemas = try [
      Schema(of: database.connect()).digest, Schema(of: TemporaryDatabase(Self.library).connect()).digest,
    ]
    #expect(schemas[0] == schemas[1], "\(text)")
  }

  @Test("the way back from a loosened column names the rows that it would not take")
  func tightening() throws {
    let shape = try #require(RecipeShape.all.first { $0.title == "NOT NULL without a default" })
    let recipe = try #require(RecipeCase.all(shape).first { $0.words.hasPrefix("loosen") })
    let catalog = try recipe.catalog().catalog
    let database = try TemporaryDatabase()
    try database.run(.upAll, catalog, .test(live: []))
    try database.run(shape.rows + "INSERT INTO notes (id, body) VALUES (3, NULL);")
    let before = try database.snapshot()
    let migrator = try database.migrator(catalog, .test(live: ["app@1.5"]))
    let plan = try migrator.plan(.downTo("0001"))
    #expect(plan.reversals.values.contains { $0.word == .blocked })
    let error = migrationError { try database.run(.downTo("0001"), catalog, .test(live: ["app@1.5"])) }
    #expect(
      error?.details.contains { $0.contains("id = 3") } == true,
      "\(error?.message ?? "") \(error?.details ?? [])")
    #expect(try database.snapshot()?.isSame(as: before) == true)
  }

  // MARK: What cannot be written

  struct Refusal: Sendable, CustomTestStringConvertible {
    let words: String
    var up: String?
    var down: String?
    var fill: String?
    let says: String
    var helps = ""

    var testDescription: String { words }
  }

  static let refusals = [
    Refusal(words: "", says: "there is no recipe ''", helps: "rename-column"),
    Refusal(
      words: "rename-colum notes.memo x", says: "there is no recipe", helps: "did you mean rename-column?"),
    Refusal(words: "rename-column notes memo x", says: "cannot read", helps: "rename-column T.OLD NEW"),
    Refusal(words: "rename-column notes.memo", says: "cannot read", helps: "rename-column T.OLD NEW"),
    Refusal(words: "rename-column notes.memo x y", says: "cannot read"),
    Refusal(words: "rename-column", says: "says nothing"),
    Refusal(words: "rename-column note.memo x", says: "there is no table note", helps: "did you mean notes?"),
    Refusal(words: "rename-column notes.mamo x", says: "no column mamo", helps: "did you mean memo?"),
    Refusal(words: "rename-column notes.memo place", says: "has a column place already"),
    Refusal(words: "rename-column notes.memo MEMO", says: "has a column memo already"),
    Refusal(words: "rename-column notes.id x", says: "is in the primary key"),
    Refusal(words: "rename-column shown.memo x", says: "is a view"),
    Refusal(words: "rename-column found.memo x", says: "is a virtual table"),
    Refusal(words: "rename-column found_data.block x", says: "is a virtual table, or belongs to one"),
    Refusal(words: "rename-column notes.size x", says: "is a generated column"),
    Refusal(
      words: "rename-column notes.memo x", says: "the full-text table found reads notes.memo by its name"),
    Refusal(
      words: "rename-column notes.place x", says: "the view shown shows place under this name",
      helps: "place AS place"),
    Refusal(words: "rename-table notes people", says: "there is a table people already"),
    Refusal(words: "rename-table notes shown", says: "there is a view shown already"),
    Refusal(words: "rename-table loose free", says: "has no primary key"),
    Refusal(
      words: "move notes.list to people.list by author = id", says: "have a list and no row of people",
      helps: "insert their rows into people first"),
    Refusal(
      words: "move notes.list to peple.list by author = id", says: "there is no table peple",
      helps: "did you mean people?"),
    Refusal(
      words: "move notes.lst to people.list by author = id", says: "no column lst",
      helps: "did you mean list?"),
    Refusal(words: "move notes.list to people.mail by author = id", says: "has a column mail already"),
    Refusal(words: "move notes.list to shown.list by id", says: "is a view"),
    Refusal(words: "move notes.list to found.list by id", says: "is a virtual table"),
    Refusal(words: "move shown.memo to people.memo by id", says: "is a view"),
    Refusal(words: "move notes.size to people.size by author = id", says: "is a generated column"),
    Refusal(words: "move notes.id to people.note by author = id", says: "is in the primary key"),
    Refusal(words: "move notes.author to people.author by author = id", says: "is in the key itself"),
    Refusal(
      words: "move notes.list to notes.number by id", says: "list stays in notes",
      helps: "rename-column notes.list number"),
    Refusal(
      words: "move notes.list to loose.list by id = a", says: "may have several rows with one a",
      helps: "unique loose (a)"),
    Refusal(words: "move notes.list to people.list by writer", says: "no column writer"),
    Refusal(words: "move notes.list people.list by id", says: "cannot read", helps: "move T.C to U.C by KEY"),
    Refusal(words: "move notes.list to people.list", says: "cannot read"),
    Refusal(words: "move notes.list to people.list by author =", says: "cannot read"),
    Refusal(words: "retype notes.list n INTEGER", up: "list", down: "n + ", says: "cannot be computed"),
    Refusal(words: "retype notes.list n INTEGER", up: "lisst", down: "n", says: "no such column: lisst"),
    Refusal(
      words: "retype notes.list n INTEGER", up: "list + author", down: "n", says: "no such column: author"),
    Refusal(words: "retype notes.list n INTEGER", up: "random()", down: "n", says: "cannot be computed"),
    Refusal(
      words: "retype notes.list n INTEGER", up: "datetime('now')", down: "n", says: "cannot be computed"),
    Refusal(words: "retype notes.list n INTEGER", up: "(SELECT 1)", down: "n", says: "cannot be computed"),
    Refusal(
      words: "retype notes.list n INTEGER", up: "list); DROP TABLE x; --", down: "n",
      says: "cannot be computed"),
    Refusal(words: "retype notes.list n INTEGER", says: "--up must compute n"),
    Refusal(words: "retype notes.list n INTEGER", up: "list, list", down: "n", says: "--up must compute n"),
    Refusal(words: "retype notes.list n INTEGER NOT NULL", up: "list", down: "n", says: "more than a type"),
    Refusal(
      words: "retype notes.list n INTEGER", up: "list / 2", down: "n * 2", says: "does not give back",
      helps: "correct"),
    Refusal(words: "split notes.mail into a, a", up: "mail, mail", down: "a", says: "named twice"),
    Refusal(words: "merge notes.mail, people.mail into m", up: "mail", down: "m, m", says: "cannot read"),
    Refusal(words: "require notes.place", says: "is NOT NULL already"),
    Refusal(words: "require notes.list", fill: "nowhere", says: "no such column: nowhere"),
    Refusal(words: "check notes place >", says: "cannot be computed"),
    Refusal(words: "check notes (SELECT true)", says: "cannot be computed"),
    Refusal(words: "unique notes (plce)", says: "no column plce", helps: "did you mean place?"),
    Refusal(words: "reference notes.list people.mial", says: "no column mial"),
    Refusal(
      words: "reference notes.place notes.memo", says: "neither the primary key nor unique",
      helps: "unique notes (memo)"),
    Refusal(words: "reference notes.list people.id on vacation", says: "is no action of a foreign key"),
    Refusal(words: "default notes.place here", says: "cannot be a default", helps: "single quotes"),
    Refusal(words: "loosen notes.list", says: "has no NOT NULL"),
    Refusal(words: "loosen notes.mail", says: "has several constraints", helps: "loosen notes.mail"),
    Refusal(words: "loosen notes.mail references", says: "has no references"),
    Refusal(words: "loosen notes.mail everything", says: "cannot read"),
    Refusal(words: "drop-column notes.id", says: "is in the primary key"),
    Refusal(words: "drop-column notes.place", says: "view shown uses it"),
    Refusal(words: "drop-table people", says: "references it"),
    Refusal(words: "index notes (plac)", says: "no column plac"),
    Refusal(words: "index notes (lower(plac))", says: "no such column: plac"),
    Refusal(words: "add notes.place TEXT", says: "has a column place already"),
    Refusal(words: "add notes.x TEXT NOT NULL", says: "NOT NULL without a default", helps: "require notes.x"),
    Refusal(words: "add notes.x TEXT UNIQUE", says: "Cannot add a UNIQUE column"),
    Refusal(words: "rebuild phasedb_log", says: "there is no table phasedb_log"),
    Refusal(words: "index notes (place)", up: "x", says: "does not use --up"),
    Refusal(words: "rename-column notes.place x", fill: "x", says: "does not use --fill"),
  ]

  @Test("what cannot be written is refused with its reason", arguments: refusals)
  func refusal(_ refusal: Refusal) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
      CREATE TABLE notes (
        id INTEGER PRIMARY KEY, memo TEXT, place TEXT NOT NULL, author INT REFERENCES people, list INT,
        mail TEXT UNIQUE CHECK (mail LIKE '%@%'), size INT AS (length(memo))
      );
      CREATE TABLE loose (a, b);
      CREATE VIEW shown AS SELECT id, memo AS text, place FROM notes;
      CREATE VIRTUAL TABLE found USING fts5(memo, content='notes', content_rowid='id');
      INSERT INTO notes (id, memo, place, list) VALUES (1, 'm', 'here', 4), (2, 'n', 'there', 5);
      """)
    var request = RecipeRequest(refusal.words.split(separator: " ").map(String.init))
    (request.up, request.down, request.fill) = (refusal.up, refusal.down, refusal.fill)
    let migrator = try database.migrator(Catalog([]), access: .reading)
    let error = migrationError { try migrator.phases(request, as: MigrationName("0001-x")) }
    let told = ([error?.message ?? "nothing"] + (error?.details ?? [])).map(\.description).joined(
      separator: "\n")
    #expect([.badRecipe, .recipeRefused].contains(error?.id), "\(told)")
    #expect(told.contains(refusal.says), "\(told)")
    #expect(
      error?.help.contains { $0.contains(refusal.helps) || refusal.helps.isEmpty } == true,
      "\(error?.help ?? [])")
    // The first of the rows that do not come back.
    if refusal.says == "does not give back" { #expect(told.contains("id = 2: 5 -> 4")) }
  }

  private static let orders = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, city TEXT);
    """
  private static let customersOfOrders = """
    INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c');
    INSERT INTO orders VALUES (1, 1, 'Rome'), (2, 1, 'Rome'), (3, 2, 'Oslo'), (4, 3, NULL), (5, NULL, NULL);
    """

  @Test("a column of many rows moves to the one that they belong to, and all of them follow")
  func movingTogether() throws {
    let database = try TemporaryDatabase(Self.orders + Self.customersOfOrders)
    var request = RecipeRequest(
      "move orders.city to customers.town by customer = id".split(separator: " ").map(String.init))
    request.release = try .init("app", from: Version("1.4"), to: Version("2.0"))
    let name = try MigrationName("0001-a")
    func written() throws -> WrittenPhases {
      try database.migrator(Catalog([]), access: .reading).phases(request, as: name)
    }
    try database.run("UPDATE orders SET city = 'Bari' WHERE id = 2")
    let error = migrationError(written)
    #expect(error?.message.contains("different values of city") == true)
    #expect(error?.details == ["id = 1", "id = 2"])
    try database.run("UPDATE orders SET city = 'Rome' WHERE id = 2")
    let phases = try written().files.map { kind, text in
      try PhaseFile.read(text, file: "\(name)/\(kind.rawValue).sql", kind: kind)
    }
    let catalog = try Catalog(
      [Migration(name, phases: phases)], baseline: Script(Self.orders, file: "baseline.sql"))
    let both = Options.test(live: ["app@1.5"])
    try database.migrator(catalog, both).adopt(at: nil)
    #expect(
      try database.migrator(catalog, both).rehearse().phases.map(\.verdict) == [.exact, .exact, .exact])
    try database.run(.upTo("0001/migrate"), catalog, both)
    func state() throws -> [String] {
      try database.connect().rows(
        "SELECT (SELECT group_concat(ifnull(city, '-'), ' ') FROM (SELECT city FROM orders ORDER BY id)) || ' | ' || (SELECT group_concat(ifnull(town, '-'), ' ') FROM (SELECT town FROM customers ORDER BY id))"
      ).compactMap { $0[0].text }
    }
    for (sql, wanted) in [
      ("SELECT 1", "Rome Rome Oslo - - | Rome Oslo -"),
      ("UPDATE orders SET city = 'Bari' WHERE id = 1", "Bari Bari Oslo - - | Bari Oslo -"),
      ("UPDATE customers SET town = 'Lima' WHERE id = 1", "Lima Lima Oslo - - | Lima Oslo -"),
      ("INSERT INTO orders (id, customer) VALUES (6, 2)", "Lima Lima Oslo - - Oslo | Lima Oslo -"),
      ("UPDATE orders SET customer = 2 WHERE id = 2", "Lima Oslo Oslo - - Oslo | Lima Oslo -"),
      ("UPDATE orders SET city = 'Kiel' WHERE id = 5", "Lima Oslo Oslo - Kiel Oslo | Lima Oslo -"),
      ("UPDATE orders SET customer = 3 WHERE id = 5", "Lima Oslo Oslo Kiel Kiel Oslo | Lima Oslo Kiel"),
      (
        "INSERT OR REPLACE INTO customers (id, name) VALUES (1, 'again')",
        "Lima Oslo Oslo Kiel Kiel Oslo | Lima Oslo Kiel"
      ),
      ("DELETE FROM orders WHERE id IN (4, 5, 6)", "Lima Oslo Oslo | Lima Oslo Kiel"),
      ("INSERT INTO orders VALUES (7, 9, 'Nome')", "Lima Oslo Oslo Nome | Lima Oslo Kiel"),
      ("INSERT INTO customers (id, name) VALUES (8, 'late')", "Lima Oslo Oslo Nome | Lima Oslo Kiel -"),
      ("UPDATE customers SET id = 9 WHERE id = 8", "Lima Oslo Oslo Nome | Lima Oslo Kiel Nome"),
      ("DELETE FROM customers WHERE id = 9", "Lima Oslo Oslo Nome | Lima Oslo Kiel"),
    ] {
      try database.run(sql)
      #expect(try state() == [wanted], "\(sql)")
    }
    // A value without a place holds the contract. The error names the row, and what to do about it.
    let held = migrationError { try database.run(.upAll, catalog, .test(live: ["app@2.1"])) }
    #expect(
      held?.message.contains("every city has a row of customers: insert the missing row, or empty city")
        == true)
    #expect(held?.details == ["id = 7"])
    #expect(held?.help.first == "change or delete these rows, then run the command again")
    try database.run("INSERT INTO customers (id, name) VALUES (9, 'late')")
    #expect(try state() == ["Lima Oslo Oslo Nome | Lima Oslo Kiel Nome"])
    try database.run(.upAll, catalog, .test(live: ["app@2.1"]))
    try database.run(
      "UPDATE customers SET town = 'Bonn' WHERE id = 2; INSERT INTO orders (id, customer) VALUES (8, 9)")
    let plan = try database.migrator(catalog, both).plan(.downAll)
    #expect(plan.reversals.values.allSatisfy { [.exact, .expected, .uncertain].contains($0.word) })
    try database.run(.downAll, catalog, both)
    let cities = try database.connect().rows("SELECT city FROM orders ORDER BY id").compactMap { $0[0].text }
    #expect(cities == ["Lima", "Bonn", "Bonn", "Nome", "Nome"])
    let schemas = try [database.connect(), TemporaryDatabase(Self.orders).connect()].map {
      try Schema(of: $0).digest
    }
    #expect(schemas[0] == schemas[1])
  }

  @Test("a window needs versions in order")
  func windows() throws {
    for (from, to) in [("2.0", "1.4"), ("2.0", "2.0")] {
      let error = migrationError { try RecipeRequest.Release("app", from: Version(from), to: Version(to)) }
      #expect(error?.id == .badRecipe)
    }
  }

  @Test("what is written waits for a contract on the same table, and a database must have it")
  func needs() throws {
    let create = """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
      CREATE INDEX i ON t (b);
      CREATE TRIGGER made AFTER INSERT ON t BEGIN UPDATE t SET b = 'x' WHERE id = NEW.id AND b IS NULL; END;
      """
    let earlier = try catalog([
      "0001-a": [phase(.expand, create, down: "DROP TABLE t", window: "<1.0")],
      "0002-b": [
        phase(.contract, "DROP TRIGGER made; ALTER TABLE t DROP COLUMN a", down: "SELECT 1", window: ">=2.0")
      ],
      "0003-c": [phase(.contract, "SELECT 1", down: "SELECT 1", window: ">=2.0")],
    ])
    var request = RecipeRequest(["require", "t.b"])
    request.fill = "'none'"
    let name = try MigrationName("0004-d")
    let files = try RecipeWriter.phases(request, as: name, after: earlier).files
    #expect(files.map { $0.text.contains("-- @needs 0002-b/contract\n") } == [true, false, false])
    #expect(files.allSatisfy { !$0.text.contains("0003") })
    // An index of the column must not draw SQLite away from the batch's key.
    #expect(files[1].text.contains("BETWEEN :first AND :last AND +b IS NULL"))
    let database = try TemporaryDatabase()
    try database.run(.upTo("0001"), earlier, .test(live: ["app@0.9"]))
    let migrator = try database.migrator(earlier, access: .reading)
    let error = migrationError { try migrator.phases(request, as: name) }
    #expect(error?.id == .recipeRefused)
    #expect(error?.message.contains("0002-b/contract changes t, too") == true)
  }

  @Test("no expand builds a table anew that has a retired column, and a contract may")
  func retired() throws {
    let create = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL, c TEXT)"
    let contract = try PhaseFile.read(
      "-- @window app >=2.0\n-- @retire t.a\n-- @residual none\n", file: "0002-b/contract.sql",
      kind: .contract)
    let earlier = try catalog([
      "0001-a": [phase(.expand, create, down: "DROP TABLE t", window: "<1.0")], "0002-b": [contract],
    ])
    for words in ["rename-column t.b x", "loosen t.b", "rebuild t", "default t.b 'x'"] {
      let request = RecipeRequest(words.split(separator: " ").map(String.init))
      let error = migrationError {
        try RecipeWriter.phases(request, as: MigrationName("0003-c"), after: earlier)
      }
      #expect(error?.message.contains("still has a, which migration 2 retired") == true, "\(words)")
    }
    let files = try RecipeWriter.phases(
      RecipeRequest(["require", "t.c"]), as: MigrationName("0003-c"), after: earlier
    ).files
    #expect(files.map(\.kind) == [.contract])
    #expect(!files[0].text.contains("phasedb_retired"))
  }

  @Test("rows that are in the way today are named")
  func notes() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'x', NULL), (3, NULL, NULL);"
    )
    let migrator = try database.migrator(Catalog([]), access: .reading)
    for (words, rows) in [
      ("require t.b", "id = 2; id = 3"), ("check t b = 'q'", "id = 1"), ("unique t (a)", "id = 1; id = 2"),
    ] {
      let request = RecipeRequest(words.split(separator: " ").map(String.init))
      let notes = try migrator.phases(request, as: MigrationName("0001-x")).notes
      #expect(notes.map(\.description) == ["these rows of t are in the way today: \(rows)"])
    }
  }

  // MARK: The page

  /// Words as a shell splits them, quotes included.
  private static func shellWords(_ line: String) -> [String] {
    var (words, word, quote, isOpen) = ([String](), "", Character?.none, false)
    for character in line {
      if let mark = quote {
        if character == mark { quote = nil } else { word.append(character) }
      } else if character == "'" || character == "\"" {
        (quote, isOpen) = (character, true)
      } else if character == " " {
        if isOpen { words.append(word) }
        (word, isOpen) = ("", false)
      } else {
        word.append(character)
        isOpen = true
      }
    }
    return isOpen ? words + [word] : words
  }

  @Test("every command of the page writes phases that go up and come back")
  func page() throws {
    let page = try Document("Recipes")
    let schema = try #require(page.blocks.first { $0.info == "sql" }?.text)
    let commands = page.blocks.filter { $0.info == "sh" }.flatMap {
      $0.text.split(separator: "\n").map(String.init)
    }
    var used: Set<String> = []
    for command in commands {
      var words = Self.shellWords(command)
      try #require(words.prefix(2) == ["phasedb", "new"])
      let name = try MigrationName("0002-\(words[2])")
      words.removeFirst(3)
      func option(_ option: String) -> String? {
        guard let index = words.firstIndex(of: "--\(option)") else { return nil }
        let value = words[index + 1]
        words.removeSubrange(index...(index + 1))
        return value
      }
      let (app, to) = (option("app") ?? "shop", option("to") ?? "2.0")
      let (up, down, fill) = (option("up"), option("down"), option("fill"))
      let release = try RecipeRequest.Release(
        app, from: option("from").map { try Version($0) },
        to: Version(to))
      var request = RecipeRequest(words)
      (request.up, request.down, request.fill, request.release) = (up, down, fill, release)
      used.insert(words[0])
      let baseline = Script(schema, file: "baseline.sql")
      let files = try RecipeWriter.phases(request, as: name, after: Catalog([], baseline: baseline)).files
      let phases = try files.map { kind, text in
        try PhaseFile.read(text, file: "\(name)/\(kind.rawValue).sql", kind: kind)
      }
      let catalog = try Catalog([Migration(name, phases: phases)], baseline: baseline)
      let database = try TemporaryDatabase(schema)
      let migrator = try database.migrator(catalog, .test(live: ["shop@2.0"]))
      _ = try migrator.adopt(at: nil)
      let before = try Schema(of: database.connect()).digest
      try database.run(.upAll, catalog, .test(live: ["shop@2.0"]))
      #expect(try database.applied().count == phases.count, "\(command)")
      try database.run(.downAll, catalog, .test(live: ["shop@1.5"]))
      #expect(try Schema(of: database.connect()).digest == before, "\(command)")
    }
    #expect(used == Set(Recipe.Name.allCases.map(\.rawValue)))
    for name in Recipe.Name.allCases { #expect(page.text.contains("`\(name.rawValue) "), "\(name)") }
  }
}
