import PhaseCompat
import Testing

@testable import PhaseDB

/// Changes that break a version which runs beside them, and what shows it.
struct CompatCasesTests {
  /// A folder with a baseline, one phase that says it hurts nobody, the queries of version 1 and rows. A contract unless
  /// told otherwise: what expand phases may not do does not come as far as compat.
  static func folder(
    baseline: String = "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL);",
    change: String, down: String, asks: String,
    seed: String = "INSERT INTO items VALUES (1, 'lamp', 9.5), (2, 'rug', 20);",
    kind: String = "contract", more: [String: String] = [:]
  ) -> [String: String] {
    [
      "baseline.sql": baseline,
      "0001-a/\(kind).sql": "-- @window shop >=1 <2\n-- @up\n\(change)\n-- @down\n\(down)\n",
      "apps/shop/1.sql": asks, "apps/seed.sql": seed,
    ].merging(more) { $1 }
  }

  @Test("what one version asks", arguments: alone)
  func checkAlone(_ example: CompatCase) throws { try example.check() }

  static let alone = [
    CompatCase(
      "a positional INSERT after ADD COLUMN",
      folder: folder(
        change: "ALTER TABLE items ADD COLUMN tax REAL;", down: "ALTER TABLE items DROP COLUMN tax;",
        asks: "-- @query add\nINSERT INTO items VALUES (3, 'cup', 2);"),
      finds: .init(
        .compiling, "1", "add", "does not compile: table items has 4 columns", phase: "0001/contract")),
    CompatCase(
      "SELECT * that is read by position",
      folder: folder(
        change: "ALTER TABLE items ADD COLUMN tax REAL;", down: "ALTER TABLE items DROP COLUMN tax;",
        asks: "-- @query all\nSELECT * FROM items WHERE id = 1;"),
      finds: .init(
        .compiling, "1", "all", "returns the columns id, name, price, tax instead of id, name, price")
    ),
    CompatCase(
      "a new column below a star whose columns are named outside",
      folder: folder(
        change: "ALTER TABLE items ADD COLUMN tax REAL;", down: "ALTER TABLE items DROP COLUMN tax;",
        asks: """
          -- @query subquery
          SELECT id, name FROM (SELECT * FROM items) ORDER BY id;
          -- @query alias
          SELECT q.name FROM (SELECT * FROM items WHERE price > 1) AS q ORDER BY 1;
          -- @query with
          WITH q AS (SELECT * FROM items) SELECT count(*) FROM q;
          -- @query exists
          SELECT 1 WHERE EXISTS (SELECT * FROM items);
          """)),
    CompatCase(
      "a column that goes below a star and that nothing outside names",
      folder: folder(
        change: "ALTER TABLE items DROP COLUMN price;", down: "ALTER TABLE items ADD COLUMN price REAL;",
        asks: "-- @query names\nSELECT id, name FROM (SELECT * FROM items) ORDER BY id;")),
    CompatCase(
      "a column that goes below a star and is named outside",
      folder: folder(
        change: "ALTER TABLE items DROP COLUMN price;", down: "ALTER TABLE items ADD COLUMN price REAL;",
        asks: "-- @query prices\nSELECT price FROM (SELECT * FROM items) ORDER BY id;"),
      finds: .init(.compiling, "1", "prices", "does not compile: no such column: price")),
    CompatCase(
      "a new column below a star that a star hands on",
      folder: folder(
        change: "ALTER TABLE items ADD COLUMN tax REAL;", down: "ALTER TABLE items DROP COLUMN tax;",
        asks: "-- @query all\nSELECT * FROM (SELECT * FROM items) ORDER BY id;"),
      finds: .init(
        .compiling, "1", "all", "returns the columns id, name, price, tax instead of id, name, price")
    ),
    CompatCase(
      "SELECT \"price\" after the column is gone",
      folder: folder(
        change: "ALTER TABLE items DROP COLUMN price;", down: "ALTER TABLE items ADD COLUMN price REAL;",
        asks: "-- @query price\nSELECT \"price\" FROM items WHERE id = 1;"),
      finds: .init(.compiling, "1", "price", "does not read items.price any more"),
      .init(.results, "1", "price", "returns other rows")),
    CompatCase(
      "a new NOT NULL column without a default",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);",
        change:
          "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT, tax REAL NOT NULL); INSERT INTO n SELECT id, name, 0 FROM items; DROP TABLE items; ALTER TABLE n RENAME TO items;",
        down: "ALTER TABLE items DROP COLUMN tax;",
        asks: "-- @query add\nINSERT INTO items (name) VALUES ('cup');",
        seed: "INSERT INTO items VALUES (1, 'lamp');"),
      finds: .init(.results, "1", "add", "fails: NOT NULL constraint failed: items.tax")),
    CompatCase(
      "a new UNIQUE under INSERT OR REPLACE",
      folder: folder(
        change: "CREATE UNIQUE INDEX i ON items (name);", down: "DROP INDEX i;",
        asks: "-- @query add\nINSERT OR REPLACE INTO items (id, name, price) VALUES (3, 'lamp', 2);"),
      finds: .init(.results, "1", "add", "leaves 2 rows in items instead of 3")),
    CompatCase(
      "a new UNIQUE under INSERT OR IGNORE",
      folder: folder(
        change: "CREATE UNIQUE INDEX i ON items (name);", down: "DROP INDEX i;",
        asks: "-- @query add\nINSERT OR IGNORE INTO items (id, name, price) VALUES (3, 'lamp', 2);"),
      finds: .init(.results, "1", "add", "changes 0 rows instead of 1")),
    CompatCase(
      "a new CHECK that the old writes break",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);",
        change: "ALTER TABLE items ADD COLUMN tax REAL CHECK (tax IS NULL OR name <> 'cup');",
        down: "ALTER TABLE items DROP COLUMN tax;",
        asks:
          "-- @query add\nINSERT INTO items (name) VALUES ('cup');\n-- @query rename\nUPDATE items SET name = '' WHERE id = 1;",
        seed: "INSERT INTO items VALUES (1, 'lamp');",
        more: [
          "0002-b/contract.sql":
            "-- @window shop >=1 <2\n-- @up\nALTER TABLE items ADD COLUMN size TEXT CHECK (length(name) > 0);\n-- @down\nALTER TABLE items DROP COLUMN size;"
        ]),
      finds: .init(.results, "1", "rename", "fails: CHECK constraint failed", phase: "0002/contract")),
    CompatCase(
      "a trigger that raises",
      folder: folder(
        change:
          "CREATE TRIGGER t BEFORE DELETE ON items BEGIN SELECT RAISE(ABORT, 'items are kept'); END;",
        down: "DROP TRIGGER t;", asks: "-- @query remove\nDELETE FROM items WHERE id = 1;"),
      finds: .init(.results, "1", "remove", "fails: items are kept")),
    CompatCase(
      "a trigger that ends the application's transaction",
      folder: folder(
        change:
          "CREATE TRIGGER t BEFORE DELETE ON items BEGIN SELECT RAISE(FAIL, 'kept'); END;",
        down: "DROP TRIGGER t;",
        asks:
          "-- @query remove\n-- @with id = 1\n-- @with id = 2\nDELETE FROM items WHERE id = :id;\n-- @query count\nSELECT count(*) FROM items;"
      ),
      finds: .init(.results, "1", "remove", "fails: kept"),
      .init(.results, "1", "count", "returns other rows")),
    CompatCase(
      "a new UNIQUE under OR ROLLBACK, which takes back all that was done before",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL) WITHOUT ROWID;",
        change: "CREATE UNIQUE INDEX i ON items (name);", down: "DROP INDEX i;",
        asks:
          "-- @query add\nINSERT INTO items VALUES (3, 'cup', 2);\n-- @query rename\nUPDATE OR ROLLBACK items SET name = 'rug' WHERE id = 1;\n-- @query all\nSELECT name FROM items;"
      ),
      finds: .init(.results, "1", "rename", "fails: UNIQUE constraint failed"),
      .init(.results, "1", "all", "returns other rows, 2 instead of 3")),
    CompatCase(
      "a renamed table behind a view without a trigger",
      folder: folder(
        change: "ALTER TABLE items RENAME TO goods; CREATE VIEW items AS SELECT id, name, price FROM goods;",
        down: "DROP VIEW items; ALTER TABLE goods RENAME TO items;",
        asks:
          "-- @query one\nSELECT name FROM items WHERE id = 1;\n-- @query add\nINSERT INTO items (name) VALUES ('cup');"
      ),
      finds: .init(.compiling, "1", "add", "does not compile: cannot modify items because it is a view")),
    CompatCase(
      "a renamed table behind a view that takes inserts: UPSERT, RETURNING, last_insert_rowid, affected rows",
      folder: folder(
        change: """
          ALTER TABLE items RENAME TO goods; CREATE VIEW items AS SELECT id, name, price FROM goods;
          CREATE TRIGGER i INSTEAD OF INSERT ON items BEGIN
            INSERT INTO goods (id, name, price) VALUES (NEW.id, NEW.name, NEW.price);
          END;
          CREATE TRIGGER u INSTEAD OF UPDATE ON items BEGIN
            UPDATE goods SET name = NEW.name, price = NEW.price WHERE id = OLD.id;
          END;
          """,
        down: "DROP VIEW items; ALTER TABLE goods RENAME TO items;",
        asks: """
          -- @query add
          -- @as new_id = last_insert_rowid()
          INSERT INTO items (name, price) VALUES ('cup', 1);
          -- @query added
          -- @with id = :new_id
          SELECT name FROM items WHERE id = :id;
          -- @query add and tell
          INSERT INTO items (name, price) VALUES ('pot', 1) RETURNING id;
          -- @query put
          INSERT INTO items (id, name) VALUES (1, 'lamp') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
          -- @query rename
          UPDATE items SET name = 'x' WHERE id = 2;
          -- @query one
          SELECT name FROM items WHERE id = 1;
          """),
      finds: .init(.results, "1", "add", "changes 0 rows instead of 1"),
      .init(.results, "1", "added", "returns other rows, 0 instead of 1"),
      .init(.results, "1", "add and tell", "returns other rows"),
      .init(.compiling, "1", "put", "does not compile: cannot UPSERT a view"),
      .init(.results, "1", "rename", "changes 0 rows instead of 1")),
    CompatCase(
      "a read that slows from SEARCH to SCAN is a warning",
      folder: folder(
        baseline:
          "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL); CREATE INDEX by_name ON items (name);",
        change: "DROP INDEX by_name;", down: "CREATE INDEX by_name ON items (name);",
        asks: "-- @query by name\n-- @with name = 'lamp'\nSELECT id FROM items AS i WHERE name = :name;"),
      finds: .init(.plan, "1", "by name", "reads all of i; before, it looked rows up")),
    CompatCase(
      "a read that slows, beside one that was slow before, of tables whose names begin alike",
      folder: folder(
        baseline:
          "CREATE TABLE \"order lines\" (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX by_name ON \"order lines\" (name); CREATE TABLE \"order items\" (id INTEGER PRIMARY KEY, name TEXT);",
        change: "DROP INDEX by_name;", down: "CREATE INDEX by_name ON \"order lines\" (name);",
        asks:
          "-- @query by name\n-- @with name = 'lamp'\nSELECT id, (SELECT max(name) FROM \"order items\") FROM \"order lines\" WHERE name = :name;",
        seed: "INSERT INTO \"order lines\" VALUES (1, 'lamp'); INSERT INTO \"order items\" VALUES (1, 'rug');"
      ),
      finds: .init(.plan, "1", "by name", "reads all of order lines; before, it looked rows up")),
    CompatCase(
      "a column whose type changed: 1 against '1'",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, code INTEGER);",
        change:
          "CREATE TABLE n (id INTEGER PRIMARY KEY, code TEXT); INSERT INTO n SELECT * FROM items; DROP TABLE items; ALTER TABLE n RENAME TO items;",
        down:
          "CREATE TABLE n (id INTEGER PRIMARY KEY, code INTEGER); INSERT INTO n SELECT * FROM items; DROP TABLE items; ALTER TABLE n RENAME TO items;",
        asks: "-- @query code\nSELECT code FROM items WHERE id = 1;", seed: "INSERT INTO items VALUES (1, 1);"
      ),
      finds: .init(.results, "1", "code", "returns other rows")),
    CompatCase(
      "an order that changed with the type",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, code INTEGER);",
        change:
          "CREATE TABLE n (id INTEGER PRIMARY KEY, code TEXT); INSERT INTO n SELECT * FROM items; DROP TABLE items; ALTER TABLE n RENAME TO items;",
        down:
          "CREATE TABLE n (id INTEGER PRIMARY KEY, code INTEGER); INSERT INTO n SELECT * FROM items; DROP TABLE items; ALTER TABLE n RENAME TO items;",
        asks: "-- @query in order\nSELECT id FROM items ORDER BY code;",
        seed: "INSERT INTO items VALUES (1, 9), (2, 10);"),
      finds: .init(.results, "1", "in order", "returns its rows in another order")),
    CompatCase(
      "JOIN USING over a renamed column",
      folder: folder(
        baseline:
          "CREATE TABLE items (item INTEGER PRIMARY KEY, name TEXT); CREATE TABLE stock (item INTEGER, count INTEGER);",
        change: "ALTER TABLE stock RENAME COLUMN item TO item_id;",
        down: "ALTER TABLE stock RENAME COLUMN item_id TO item;",
        asks:
          "-- @query in stock\nSELECT name, count FROM items JOIN stock USING (item);\n-- @query natural\nSELECT name, count FROM items NATURAL JOIN stock;",
        seed: "INSERT INTO items VALUES (1, 'lamp'), (2, 'rug'); INSERT INTO stock VALUES (1, 5);"),
      finds: .init(.compiling, "1", "in stock", "does not compile: cannot join using column item"),
      .init(.results, "1", "natural", "returns other rows, 2 instead of 1"),
      .init(.plan, "1", "natural", "reads all of items")),
    CompatCase(
      "a write that breaks a claim",
      folder: folder(
        change:
          "ALTER TABLE items ADD COLUMN title TEXT; UPDATE items SET title = name;\n-- @verify the title is the name\nSELECT id FROM items WHERE title IS NOT name;",
        down: "ALTER TABLE items DROP COLUMN title;",
        asks:
          "-- @query one\nSELECT name FROM items WHERE id = 1;\n-- @query rename\nUPDATE items SET name = 'x' WHERE id = 1;"
      ),
      finds: .init(
        .verify, "1", "rename", "breaks the claim 'the title is the name'", phase: "0001/contract"),
      .init(.interleaving, "1", "rename", "writes a value that does not reach items.title")),
    CompatCase(
      "a value in a table WITHOUT ROWID that a trigger changes along with another one",
      folder: folder(
        baseline: "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL) WITHOUT ROWID;",
        change:
          "CREATE TRIGGER t AFTER UPDATE OF price ON items BEGIN UPDATE items SET name = 'sale' WHERE id = 2; END;",
        down: "DROP TRIGGER t;",
        asks:
          "-- @query one\nSELECT name FROM items WHERE id = 1;\n-- @query two\nUPDATE items SET name = 'carpet' WHERE id = 2;\n-- @query price\nUPDATE items SET price = 8 WHERE id = 1;"
      ),
      finds: .init(.results, "1", nil, "leaves another value in items.name", phase: "0001/contract")),
    CompatCase(
      "text that looks the same and has other bytes",
      folder: folder(
        change: "UPDATE items SET name = 'caf' || char(101, 769) WHERE id = 1;",
        down: "UPDATE items SET name = 'caf' || char(233) WHERE id = 1;",
        asks: "-- @query name\nSELECT name FROM items WHERE id = 1;",
        seed: "INSERT INTO items VALUES (1, 'caf' || char(233), 9.5);"),
      finds: .init(.results, "1", "name", "returns other rows")),
    CompatCase(
      "a change that hurts nobody",
      folder: folder(
        change:
          "ALTER TABLE items ADD COLUMN tax REAL NOT NULL DEFAULT 0; CREATE INDEX i ON items (name, price);",
        down: "DROP INDEX i; ALTER TABLE items DROP COLUMN tax;",
        asks: """
          -- @query all
          SELECT name, price FROM items ORDER BY name;
          -- @query add
          -- @with name = 'cup', price = NULL
          -- @with name = 'lamp', price = 1.5
          -- @as new_id = id
          INSERT INTO items (name, price) VALUES (:name, :price) RETURNING id;
          -- @query remove
          -- @with id = :new_id
          DELETE FROM items WHERE id = :id;
          -- @query when
          SELECT datetime('now'), CURRENT_TIMESTAMP, random(), count(*) FROM items;
          -- @query twice
          -- @expect error
          INSERT INTO items (id) VALUES (1);
          """)),
  ]
}

/// What two versions do to each other.
struct CompatPairsTests {
  /// Version 1 knows `full`, version 2 knows `given` and the same email; the expand phase is as told.
  private static func names(
    triggers: String = "", migrate: String = "UPDATE people SET given = full WHERE given IS NULL;",
    old: String, new: String, verify: String = "", accepts: String = "--",
    windows: (expand: String, migrate: String) = (">=1 <2", ">=1 <2")
  ) -> [String: String] {
    [
      "baseline.sql":
        "CREATE TABLE people (id INTEGER PRIMARY KEY, full TEXT NOT NULL DEFAULT '', email TEXT);",
      "0001-a/expand.sql": """
      -- @window shop \(windows.expand)
      \(accepts)
      -- @up
      ALTER TABLE people ADD COLUMN given TEXT;
      \(triggers)
      -- @down
      \(drops(in: triggers))
      ALTER TABLE people DROP COLUMN given;
      """,
      "0001-a/migrate.sql": """
      -- @window shop \(windows.migrate)
      -- @up
      \(migrate)
      -- @down
      UPDATE people SET given = NULL WHERE given IS full;
      \(verify)
      """,
      "apps/shop/1.sql": "-- @query read\nSELECT full, email FROM people ORDER BY id;\n" + old,
      "apps/shop/2.sql": "-- @query read\nSELECT given, email FROM people ORDER BY id;\n" + new,
      "apps/seed.sql": "INSERT INTO people (id, full, email) VALUES (1, 'Ann', 'a@x'), (2, 'Ben', 'b@x');",
    ]
  }

  private static func drops(in triggers: String) -> String {
    triggers.split(separator: "\n").filter { $0.hasPrefix("CREATE TRIGGER ") }
      .map { "DROP TRIGGER \($0.split(separator: " ")[2]);" }.joined(separator: "\n")
  }

  private static let oldToNew = """
    CREATE TRIGGER old_new AFTER UPDATE OF full ON people WHEN NEW.full IS NOT OLD.full AND NEW.full IS NOT NEW.given
    BEGIN UPDATE people SET given = full WHERE id = NEW.id; END;
    CREATE TRIGGER old_new_row AFTER INSERT ON people WHEN NEW.given IS NULL
    BEGIN UPDATE people SET given = full WHERE id = NEW.id; END;
    """
  private static let newToOld = """
    CREATE TRIGGER new_old AFTER UPDATE OF given ON people WHEN NEW.given IS NOT NULL AND NEW.full IS NOT NEW.given
    BEGIN UPDATE people SET full = given WHERE id = NEW.id; END;
    CREATE TRIGGER new_old_row AFTER INSERT ON people WHEN NEW.given IS NOT NULL AND NEW.full IS NOT NEW.given
    BEGIN UPDATE people SET full = given WHERE id = NEW.id; END;
    """
  private static let firstWord = "substr(full, 1, instr(full || ' ', ' ') - 1)"
  private static let oldRename = "-- @query rename\nUPDATE people SET full = 'Old' WHERE id = 1;\n"
  private static let newRename = "-- @query rename\nUPDATE people SET given = 'New' WHERE id = 2;\n"

  @Test("two versions", arguments: pairs)
  func checkPair(_ example: CompatCase) throws { try example.check() }

  @Test("what two threads find is told in the same order every time")
  func order() throws {
    let example = try #require(Self.pairs.last)
    let first = try example.report()
    #expect(first.firstFindings.count > 2)
    for _ in 0..<10 { #expect(try example.report().findings == first.findings) }
  }

  @Test("two versions on a table WITHOUT ROWID", arguments: pairs)
  func checkPairWithoutRowID(_ example: CompatCase) throws { try example.withoutRowID.check() }

  static let pairs = [
    CompatCase(
      "triggers in both directions lose nothing",
      folder: names(
        triggers: oldToNew + "\n" + newToOld,
        old: oldRename
          + "-- @query add\nINSERT INTO people (full, email) VALUES ('Cem', 'c@x');\n-- @query mail\nUPDATE people SET email = 'z@x' WHERE id = 2;",
        new: newRename
          + "-- @query add\nINSERT INTO people (given, email) VALUES ('Dee', 'd@x');\n-- @query same\nUPDATE people SET given = 'Newer' WHERE id = 1;",
        verify: "-- @verify both say the same\nSELECT id FROM people WHERE given IS NOT full;")),
    CompatCase(
      "a sync trigger missing from the old version to the new one",
      folder: names(triggers: newToOld, old: oldRename, new: newRename),
      finds: .init(
        .interleaving, "1", "rename", "writes a value that does not reach people.given", phase: "0001/expand")
    ),
    CompatCase(
      "a sync trigger missing from the new version to the old one",
      folder: names(triggers: oldToNew, old: oldRename, new: newRename),
      finds: .init(
        .interleaving, "2", "rename",
        "writes people.given, whose value differs after the way down and up again",
        phase: "0001/expand")),
    CompatCase(
      "a trigger that computes anew on unrelated updates, over the new version's value",
      folder: names(
        triggers: """
          CREATE TRIGGER new_old AFTER UPDATE OF given ON people
          WHEN NEW.given IS NOT NULL AND NEW.given IS NOT \(firstWord.replacing("full", with: "NEW.full"))
          BEGIN UPDATE people SET full = given WHERE id = NEW.id; END;
          CREATE TRIGGER old_mail AFTER UPDATE OF email ON people
          BEGIN UPDATE people SET given = \(firstWord) WHERE id = NEW.id; END;
          """,
        migrate: "UPDATE people SET given = \(firstWord) WHERE given IS NULL;",
        old: "-- @query mail\nUPDATE people SET email = 'z@x' WHERE id = 2;",
        new: "-- @query rename\nUPDATE people SET given = 'Mary Ann' WHERE id = 2;",
        accepts: "-- @loses people.given: two words are split again"),
      finds: .init(
        .interleaving, "1", "mail",
        "changes people.given, which shop 2 wrote and this statement should not touch")),
    CompatCase(
      "a backfill that runs before the old version's last writes",
      folder: names(old: "-- @query add\nINSERT INTO people (full, email) VALUES ('Cem', 'c@x');", new: ""),
      finds: .init(.interleaving, "1", "add", "leaves NULL in people.given, where shop 2 expects a value"),
      .init(
        .interleaving, "1", "add", "writes a value that does not reach people.given", phase: "0001/expand")),
    CompatCase(
      "an old version that writes NULL where the new one reads NOT NULL",
      folder: names(
        migrate: "UPDATE people SET given = 'somebody';",
        old: "-- @query add\nINSERT INTO people (full, email) VALUES ('Cem', 'c@x');", new: "",
        verify: "-- @verify everybody has a name\nSELECT id FROM people WHERE given IS NULL;"),
      finds: .init(.verify, "1", "add", "breaks the claim 'everybody has a name' of 0001/migrate"),
      .init(.interleaving, "1", "add", "leaves NULL in people.given, where shop 2 expects a value"),
      .init(.interleaving, "1", "add", "writes a value that does not reach people.given")),
    CompatCase(
      "a migrate phase that overwrites what the new version wrote while it was pending",
      folder: names(
        migrate: "UPDATE people SET given = full;",
        old: "-- @query mail\nUPDATE people SET email = 'z@x' WHERE id = 2;", new: newRename,
        windows: (">=1 <2", ">=1 <3")),
      finds: .init(
        .interleaving, "2", "rename", "writes people.given, which is overwritten by 0001/migrate",
        phase: "0001/migrate"),
      .init(.results, "2", "read", "returns other rows", phase: "0001/migrate"),
      .init(
        .interleaving, "2", "rename", "whose value differs after the way down and up again",
        phase: "0001/expand"
      )),
  ]
}

/// What cannot be taken as proof of anything.
struct CompatRefusalTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let files: [String: String]
    let id: MigrationError.ID
    let says: String
    let place: String?

    init(
      _ sentence: String, asks: String, seed: String? = "INSERT INTO items VALUES (1, 'lamp', 9.5);",
      _ id: MigrationError.ID, _ says: String, at place: String? = nil, version: String = "1",
      more: [String: String] = [:]
    ) {
      testDescription = sentence
      var files = CompatCasesTests.folder(
        change: "ALTER TABLE items ADD COLUMN tax;", down: "ALTER TABLE items DROP COLUMN tax;", asks: asks,
        seed: seed ?? "", more: more)
      if seed == nil { files["apps/seed.sql"] = nil }
      if version != "1" { files["apps/shop/\(version).sql"] = files.removeValue(forKey: "apps/shop/1.sql") }
      self.files = files
      self.id = id
      self.says = says
      self.place = place
    }
  }

  @Test("is refused", arguments: refused)
  func refuse(_ row: Case) throws {
    let error = migrationError { try CompatCase(row.testDescription, folder: row.files).report() }
    #expect(error?.id == row.id && error?.message.contains(row.says) == true, "\(error?.golden ?? "nothing")")
    #expect(error?.place?.description == row.place)
    #expect(error?.help.isEmpty == false && error?.standing == .unchanged)
  }

  static let refused = [
    Case(
      "a version whose script touches no table", asks: "-- @query one\nSELECT 1;", .blindQueries,
      "apps/shop/1.sql uses no table", at: "apps/shop/1.sql:2:1"),
    Case(
      "empty data", asks: "-- @query names\nSELECT name FROM items;", seed: "SELECT 1;", .noData,
      "these tables have no rows, so the test would prove nothing: items", at: "apps/shop/1.sql:2:1"),
    Case(
      "no data at all", asks: "-- @query names\nSELECT name FROM items;", seed: nil, .noData,
      "there are no rows"),
    Case(
      "rows that make a table", asks: "-- @query names\nSELECT name FROM items;", seed: "CREATE TABLE t (a);",
      .noData,
      "apps/seed.sql changes the schema", at: "apps/seed.sql:1:1"),
    Case(
      "a statement that never worked", asks: "-- @query names\nSELECT nmae FROM items;", .queryFailed,
      "'names' does not compile on the state it was written for: no such column: nmae",
      at: "apps/shop/1.sql:2:1"),
    Case(
      "a statement that fails where it is at home",
      asks: "-- @query add\nINSERT INTO items (id) VALUES (1);", .queryFailed,
      "'add' fails on the state it was written for: UNIQUE constraint failed", at: "apps/shop/1.sql:2:1"),
    Case(
      "a failure that does not come",
      asks: "-- @query add\n-- @expect error\nINSERT INTO items (id) VALUES (9);",
      .queryFailed, "'add' succeeded", at: "apps/shop/1.sql:3:1"),
    Case(
      "a version that runs on no state that can be reached", asks: "-- @query names\nSELECT name FROM items;",
      .versionNotPromised, "shop 3 is not allowed on any state", at: "apps/shop/3.sql:2:1", version: "3",
      more: [
        "0002-b/expand.sql":
          "-- @window shop >=1 <3\n-- @needs 0009\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;"
      ]),
  ]
}
