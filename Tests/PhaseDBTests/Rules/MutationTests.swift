import Testing

@testable import PhaseDB

/// Lint tested by damage: the example's phases, with one thing wrong at a time, must not pass.
struct MutationTests {
  /// One way to damage the example, and the rules of which one must notice.
  struct Mutant: Sendable {
    let sentence: String
    let file: String
    let old: String
    let new: String
    /// Which occurrence of `old`, from 1; from the end when it is negative.
    let occurrence: Int
    let catchers: Set<String>

    init(
      _ sentence: String, _ file: String, _ old: String, to new: String = "", at occurrence: Int = 1,
      _ catchers: String...
    ) {
      (self.sentence, self.file, self.old, self.new) = (sentence, file, old, new)
      (self.occurrence, self.catchers) = (occurrence, Set(catchers))
    }

    /// The text with the damage; nil when the place of it is not there.
    func damage(_ text: String) -> String? {
      let parts = text.components(of: old)
      let count = parts.count - 1
      let index = occurrence > 0 ? occurrence : count + 1 + occurrence
      guard (1...max(count, 1)).contains(index), count > 0 else { return nil }
      return parts[..<index].joined(separator: old) + new + parts[index...].joined(separator: old)
    }
  }

  @Test("every damage to the example is caught by a rule that names it")
  func mutants() throws {
    var example = try LintedFiles.example()
    // The oldest one that runs the example.
    example.files["phasedb.json"] = "{ sqlite: '3.37' }"
    #expect(try example.report().text == "")
    let clock = ContinuousClock()
    var lines: [String] = []
    let started = clock.now
    for mutant in Self.all {
      var files = example
      let text = try #require(files.files[mutant.file], "\(mutant.sentence)")
      let damaged = try #require(mutant.damage(text), "\(mutant.sentence)")
      files.files[mutant.file] = damaged
      let start = clock.now
      let found = try Set(files.report().findings.map(\.id)).subtracting([Rule.undetected.rawValue])
      let milliseconds = (clock.now - start) / .milliseconds(1)
      let caught = found.intersection(mutant.catchers).sorted()
      #expect(!caught.isEmpty, "\(mutant.sentence): found \(found.sorted())")
      let others = found.subtracting(caught).sorted()
      let also = others.isEmpty ? "" : " (also \(others.joined(separator: ", ")))"
      lines.append(
        "\(Int(milliseconds.rounded())) ms  \(mutant.sentence)  |  \(caught.joined(separator: ", "))\(also)")
    }
    print(lines.joined(separator: "\n"))
    let average = (clock.now - started) / .milliseconds(1) / Double(Self.all.count)
    print("\(Self.all.count) mutants, \(Int(average.rounded())) ms each")
    #expect(Self.all.count >= 40)
  }
}

extension String {
  /// The text between the occurrences of another.
  fileprivate func components(of separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}

extension MutationTests {
  static let create = "0001-create-shop/expand.sql"
  static let split = "0002-split-customer-name"
  static let cents = "0003-prices-in-cents"
  static let list = "0004-order-status-list"
  static let index = "0005-index-orders-by-customer/expand.sql"
  static let tier = "0006-add-loyalty-tier/expand.sql"

  /// What the migrate of prices says from its first directive on.
  private static let backfill = """
    -- @batch products
    -- @residual none

    -- @up
    UPDATE products SET price_cents = CAST(round(price * 100) AS INTEGER)
    WHERE id BETWEEN :first AND :last AND price_cents IS NULL;

    -- @down
    UPDATE products SET price_cents = NULL WHERE id BETWEEN :first AND :last;
    """

  static let all: [Mutant] = waysDown + waysUp + code + facts + declarations

  private static let waysDown = [
    Mutant("a table is missing from the first down", create, "DROP TABLE customers;\n", "down-not-inverse"),
    Mutant("a view is missing from the first down", create, "DROP VIEW order_totals;\n", "down-not-inverse"),
    Mutant(
      "the search table is missing from the first down", create, "DROP TABLE products_search;\n",
      "down-not-inverse"),
    Mutant(
      "a trigger is missing from a down", "\(split)/expand.sql", "DROP TRIGGER customers_join_name;\n",
      "down-not-inverse"),
    Mutant(
      "a column is missing from a down", "\(split)/expand.sql",
      "ALTER TABLE customers DROP COLUMN given_name;",
      to: "SELECT 1;", "down-not-inverse"),
    Mutant(
      "a wrong column in a down", "\(split)/expand.sql", "DROP COLUMN given_name",
      to: "DROP COLUMN full_name", "down-not-inverse"),
    Mutant(
      "a misspelt column in a down", "\(split)/migrate.sql", "SET given_name = NULL",
      to: "SET givn_name = NULL", "down-not-inverse"),
    Mutant(
      "a misspelt table in a down", "\(cents)/migrate.sql", "UPDATE products SET price_cents = NULL WHERE",
      to: "UPDATE product SET price_cents = NULL WHERE", "down-not-inverse"),
    Mutant(
      "a CHECK forgotten in a rebuild", "\(cents)/contract.sql", " CHECK (price >= 0)", "down-not-inverse"),
    Mutant(
      "a collation forgotten in a rebuild", "\(cents)/contract.sql",
      "sku TEXT NOT NULL UNIQUE COLLATE NOCASE", to: "sku TEXT NOT NULL UNIQUE", "down-not-inverse"),
    Mutant(
      "STRICT forgotten in a rebuild", "\(cents)/contract.sql", ") STRICT;", to: ");", "down-not-inverse"),
    Mutant(
      "a default forgotten in a rebuild", "\(cents)/contract.sql", "price REAL NOT NULL DEFAULT 0",
      to: "price REAL NOT NULL", "down-not-inverse"),
    Mutant(
      "another type in a rebuild", "\(cents)/contract.sql", "price REAL", to: "price INTEGER",
      "down-not-inverse"),
    Mutant(
      "ON DELETE forgotten in a rebuild down", "\(list)/contract.sql", " ON DELETE CASCADE", at: 2,
      "down-not-inverse"),
    Mutant(
      "AUTOINCREMENT forgotten in a rebuild down", "\(list)/contract.sql", " AUTOINCREMENT", at: -1,
      "down-not-inverse"),
    Mutant(
      "an index forgotten after a rebuild down", "\(list)/contract.sql",
      "CREATE INDEX orders_by_status ON orders (status, placed_at DESC);\n", "down-not-inverse"),
    Mutant(
      "DESC forgotten after a rebuild down", "\(list)/contract.sql",
      "orders_by_day ON orders (placed_at DESC)", to: "orders_by_day ON orders (placed_at)", at: 2,
      "down-not-inverse"),
    Mutant(
      "a trigger forgotten after a rebuild down", "\(cents)/contract.sql",
      "CREATE TRIGGER products_search_insert AFTER INSERT ON products\nBEGIN\n  INSERT INTO products_search (rowid, name, description) VALUES (NEW.id, NEW.name, NEW.description);\nEND;\n",
      "down-not-inverse"),
    Mutant(
      "a view forgotten after a rebuild down", "\(cents)/contract.sql",
      "CREATE VIEW order_totals AS\nSELECT order_lines.order_id, sum(order_lines.quantity * products.price) AS total\nFROM order_lines JOIN products ON products.id = order_lines.product_id\nGROUP BY order_lines.order_id;\n",
      "down-not-inverse"),
    Mutant(
      "a view that stands in the way of the RENAME of a rebuild", "\(cents)/contract.sql",
      "DROP VIEW order_totals_in_cents;\n", "down-not-inverse"),
    Mutant(
      "the rename of a rebuild goes elsewhere", "\(cents)/contract.sql", "RENAME TO products;",
      to: "RENAME TO product;", "down-not-inverse"),
    Mutant(
      "a trigger of a retired column forgotten in a down", "\(split)/contract.sql",
      "CREATE TRIGGER customers_split_new_name AFTER INSERT ON customers\nWHEN NEW.given_name IS NULL",
      to: "CREATE TRIGGER customers_split_new_name AFTER INSERT ON customers\nWHEN NEW.full_name IS NULL",
      "down-not-inverse"),
    Mutant(
      "a down that adds a retired column", "\(split)/contract.sql", "-- @down\n",
      to: "-- @down\nALTER TABLE customers ADD COLUMN full_name TEXT;\n", "down-not-inverse"),
    Mutant(
      "COMMIT in a down", index, "DROP INDEX orders_by_customer;",
      to: "DROP INDEX orders_by_customer;\nCOMMIT;", "down-not-inverse", "forbidden-statement"),
  ]

  private static let waysUp = [
    Mutant(
      "an expand that drops a view", "\(cents)/expand.sql", "-- @up\n",
      to: "-- @up\nDROP VIEW orders_per_day;\n", "expand-not-additive"),
    Mutant(
      "an expand that drops a column", index, "-- @up\n",
      to: "-- @up\nALTER TABLE customers DROP COLUMN joined_on;\n", "expand-not-additive"),
    Mutant(
      "a column renamed in up only", tier, "-- @up\n",
      to: "-- @up\nALTER TABLE customers RENAME joined_on TO since;\n", "expand-not-additive"),
    Mutant(
      "a table renamed in up only", "\(list)/contract.sql", "-- @up\n",
      to: "-- @up\nALTER TABLE products RENAME TO goods;\n", "down-not-inverse"),
    Mutant(
      "an UPDATE in an expand", "\(split)/expand.sql", "-- @up\n",
      to: "-- @up\nUPDATE customers SET full_name = trim(full_name);\n", "schema-phase-writes-rows"),
    Mutant(
      "the backfill moved into the expand", "\(cents)/expand.sql", "INTEGER;\n",
      to: "INTEGER;\nUPDATE products SET price_cents = 1;\n", "schema-phase-writes-rows"),
    Mutant(
      "a DELETE in a contract", "\(split)/contract.sql", "DROP TRIGGER customers_join_name;",
      to: "DELETE FROM customers WHERE full_name = '';\nDROP TRIGGER customers_join_name;",
      "schema-phase-writes-rows"),
    Mutant(
      "an INSERT in an expand", tier, "-- @up\n",
      to: "-- @up\nINSERT INTO customers (joined_on) VALUES ('');\n", "schema-phase-writes-rows"),
    Mutant(
      "a CREATE TABLE in a migrate", "\(cents)/migrate.sql", "-- @up\n",
      to: "-- @up\nCREATE TABLE done (a);\n", "batch-parameters"),
    Mutant(
      "an index made in a migrate", "\(list)/migrate.sql", "-- @up\n",
      to: "-- @up\nCREATE INDEX orders_by_note ON orders (status_note);\n", "batch-parameters"),
    Mutant(
      "a COMMIT inside", "\(split)/migrate.sql", "-- @up\n", to: "-- @up\nCOMMIT;\n", "batch-parameters"),
    Mutant(
      "a PRAGMA inside", "\(list)/contract.sql", "-- @up\n", to: "-- @up\nPRAGMA foreign_keys = OFF;\n",
      "forbidden-statement"),
    Mutant(
      "a CREATE INDEX in a migrate without batches", "\(cents)/migrate.sql", backfill,
      to: """
        -- @residual none

        -- @up
        CREATE INDEX products_by_price ON products (price);

        -- @down
        DROP INDEX products_by_price;
        """, "migrate-changes-schema"),
    Mutant(
      "a backfill in one transaction", "\(cents)/migrate.sql", backfill,
      to: """
        -- @residual none

        -- @up
        UPDATE products SET price_cents = CAST(round(price * 100) AS INTEGER) WHERE price_cents IS NULL;

        -- @down
        UPDATE products SET price_cents = NULL;
        """, "unbounded-write"),
    Mutant(
      "a batch that reads the whole table", "\(split)/migrate.sql", "id BETWEEN", to: "+id BETWEEN",
      "batch-not-keyed"),
    Mutant(
      "a way down that reads the whole table with every batch", "\(list)/migrate.sql", "id BETWEEN",
      to: "+id BETWEEN", at: -1, "batch-not-keyed"),
    Mutant(
      "a batch that another index is asked for", "\(list)/migrate.sql", "+state", to: "state",
      "batch-not-keyed"),
    Mutant(
      "batches by a column without an index", "\(split)/migrate.sql", "-- @batch customers",
      to: "-- @batch customers by full_name", "batch-not-keyed"),
    Mutant(
      "a batch that moves its own keys", "\(cents)/migrate.sql", "SET price_cents = CAST",
      to: "SET id = id + 1, price_cents = CAST", "batch-not-keyed"),
    Mutant(
      "batches of a table that is not there", "\(split)/migrate.sql", "-- @batch customers",
      to: "-- @batch customer", "batch-not-keyed"),
    Mutant(
      "parameters without batches", "\(split)/migrate.sql", "-- @batch customers\n", "batch-parameters"),
    Mutant(
      "a batch without an upper end", "\(split)/migrate.sql", "id BETWEEN :first AND :last",
      to: "id >= :first", "batch-parameters"),
    Mutant(
      "OR ROLLBACK inside", "\(split)/migrate.sql", "UPDATE customers", to: "UPDATE OR ROLLBACK customers",
      "forbidden-statement"),
    Mutant(
      "a misspelt column in a backfill", "\(cents)/migrate.sql", "round(price * 100)",
      to: "round(prise * 100)", "statement-failed"),
    Mutant(
      "IF EXISTS hides a misspelt name in a down", index, "DROP INDEX orders_by_customer",
      to: "DROP INDEX IF EXISTS orders_by_custmer", "down-not-inverse"),
    Mutant(
      "an ALTER in a contract that the later phase repeats", "\(split)/contract.sql",
      "DROP TRIGGER customers_join_name;",
      to: "DROP TRIGGER customers_join_name;\nALTER TABLE customers ADD COLUMN loyalty_tier TEXT;",
      "down-not-inverse", "statement-failed"),
    Mutant(
      "a contract that a later phase must not pass, without its @needs", index,
      "-- @needs 0004-order-status-list/contract\n", "order-matters"),
  ]

  private static let code = [
    Mutant(
      "the trigger that splits the names of new rows is gone", "\(split)/expand.sql",
      "CREATE TRIGGER customers_split_new_name AFTER INSERT ON customers\nWHEN NEW.given_name IS NULL",
      to: "CREATE TRIGGER customers_split_new_name AFTER DELETE ON customers\nWHEN OLD.given_name IS NULL",
      "backfill-gap", "dangling-code"),
    Mutant(
      "the trigger that counts new prices counts changed ones", "\(cents)/expand.sql",
      "products_count_new_price AFTER INSERT ON", to: "products_count_new_price AFTER UPDATE OF sku ON",
      "backfill-gap"),
    Mutant(
      "the trigger that lists new states fills another column", "\(list)/expand.sql",
      "  SET state = iif", to: "  SET revision = iif", "backfill-gap"),
    Mutant(
      "a trigger that writes a misspelt column", "\(list)/expand.sql", "SET status_note = NULL WHERE",
      to: "SET status_notes = NULL WHERE", "dangling-code"),
    Mutant(
      "a trigger that looks at a misspelt column", "\(split)/expand.sql", "WHEN NEW.given_name IS NULL",
      to: "WHEN NEW.givn_name IS NULL", "dangling-code"),
    Mutant(
      "a trigger on UPDATE OF a misspelt column", "\(split)/expand.sql", "UPDATE OF given_name, family_name",
      to: "UPDATE OF given_name, familyname", "dangling-code"),
    Mutant(
      "a view of a misspelt column", "\(cents)/expand.sql", "products.price_cents) AS total_cents",
      to: "products.price_cent) AS total_cents", "dangling-code"),
    Mutant(
      "a contract that leaves the view of the dropped column", "\(cents)/contract.sql",
      "DROP VIEW order_totals;\n", "statement-failed", "dangling-code"),
    Mutant(
      "a contract that leaves a trigger of the dropped column", "\(cents)/contract.sql",
      "DROP TRIGGER products_price_cents;\n", "statement-failed", "dangling-code"),
    Mutant(
      "a contract that leaves a trigger of the retired column", "\(split)/contract.sql",
      "DROP TRIGGER customers_join_new_name;\n", "retirement-refused"),
    Mutant(
      "a view of SELECT * over a table of which a column is retired", create, "-- @down\n",
      to: "CREATE VIEW everybody AS SELECT * FROM customers;\n-- @down\nDROP VIEW everybody;\n",
      "retirement-refused"),
    Mutant(
      "a view of SELECT * that a retirement which waits comes upon", "\(cents)/expand.sql", "-- @down\n",
      to: "CREATE VIEW everybody AS SELECT * FROM customers;\n-- @down\nDROP VIEW everybody;\n",
      "order-matters"),
    Mutant(
      "a contract that leaves a trigger on the dropped column", "\(cents)/contract.sql",
      "DROP TRIGGER products_count_price;\n", "statement-failed", "dangling-code"),
    Mutant(
      "a trigger after a rebuild that writes the dropped column", "\(list)/contract.sql",
      "UPDATE orders SET revision = revision + 1 WHERE id = NEW.order_id;",
      to: "UPDATE orders SET status = 'new' WHERE id = NEW.order_id;", "dangling-code"),
    Mutant(
      "a view after a rebuild that reads the dropped column", "\(list)/contract.sql",
      "SELECT date(placed_at) AS day, count(*)", to: "SELECT status AS day, count(*)", "dangling-code"),
    Mutant(
      "a rebuild that copies by SELECT *", "\(list)/contract.sql",
      "SELECT id, customer_id, placed_at, revision, state, status_note FROM orders;",
      to: "SELECT * FROM (SELECT * FROM orders);", "select-star", "statement-failed"),
    Mutant(
      "a view of SELECT * over a table whose columns change", create,
      "SELECT date(placed_at) AS day, count(*) AS orders FROM orders GROUP BY date(placed_at);",
      to: "SELECT * FROM orders;", "select-star"),
    Mutant(
      "a trigger that inserts by position into a table that grows", create,
      "  UPDATE orders SET revision = revision + 1 WHERE id = NEW.order_id;",
      to: "  INSERT INTO customers VALUES (NULL, '', NULL, '');", "positional-insert"),
    Mutant(
      "a misspelt column in the rows that keep a contract from running", "\(split)/contract.sql",
      "SELECT id FROM customers WHERE full_name IS NOT given_name || coalesce(' ' || family_name, '');\nDROP",
      to: "SELECT id FROM customers WHERE fullname = '';\nDROP", "statement-failed"),
    Mutant(
      "a claim that is misspelt", "\(cents)/contract.sql",
      "SELECT id FROM products WHERE price_cents IS NULL",
      to: "SELECT id FROM products WHERE price_sents IS NULL", "verify-invalid"),
    Mutant(
      "a claim that changes rows", "\(cents)/contract.sql",
      "SELECT id FROM products WHERE price_cents IS NULL",
      to: "DELETE FROM products WHERE price_cents IS NULL", "verify-invalid"),
  ]

  private static let declarations = [
    Mutant(
      "a lower bound that falls along the migration", "\(split)/migrate.sql", ">=1.0", to: ">=0.9",
      "window-invalid"),
    Mutant(
      "a contract with a lower bound below its expand", "\(cents)/contract.sql", ">=1.8", to: ">=0.8",
      "window-invalid"),
    Mutant(
      "an expand that shuts out versions", "\(list)/expand.sql", ">=1.0 <2.0", to: ">=1.7 <2.0",
      "window-invalid"),
    Mutant(
      "an upper bound below what the contract before it needs", index, ">=1.0", to: ">=1.0 <1.9",
      "window-invalid"),
    Mutant("an empty window", tier, ">=1.0 <2.1", to: ">=2.1 <1.0", "window-invalid"),
    Mutant("no window", tier, "-- @window storefront >=1.0 <2.1\n", "missing-window"),
    Mutant("no down", index, "-- @down\nDROP INDEX orders_by_customer;\n", "missing-down"),
    Mutant(
      "nothing said of what remains after a migrate", "\(split)/migrate.sql", "-- @residual none\n",
      "undeclared-residual"),
    Mutant(
      "nothing said of what remains after a contract", "\(cents)/contract.sql",
      "-- @residual downstream: reports that were exported in cents stay in cents\n", "undeclared-residual"),
    Mutant(
      "a retired column that is misspelt", "\(split)/contract.sql", "@retire customers.full_name",
      to: "@retire customers.fullname", "retirement-refused"),
    Mutant(
      "a retired column that an insert cannot do without", create, "full_name TEXT NOT NULL DEFAULT ''",
      to: "full_name TEXT NOT NULL", "retirement-refused"),
    Mutant(
      "a retired column that children reference", create, "id INTEGER PRIMARY KEY AUTOINCREMENT,\n",
      to: "id INTEGER PRIMARY KEY AUTOINCREMENT,\n  called TEXT REFERENCES customers (full_name),\n",
      "retirement-refused"),
    Mutant(
      "a retirement in an expand", tier, "-- @up", to: "-- @retire customers.email\n\n-- @up", "bad-directive"
    ),
    Mutant("a misspelt directive", index, "-- @needs", to: "-- @neds", "unknown-directive"),
    Mutant(
      "an exception for nothing", tier, "-- @residual",
      to: "-- @allow select-star until storefront 3.0: later\n-- @residual", "unused-allow"),
    Mutant(
      "an exception past its version", tier, "-- @residual",
      to: "-- @allow select-star until storefront 1.5: later\n-- @residual", "expired-allow"),
  ]
}
