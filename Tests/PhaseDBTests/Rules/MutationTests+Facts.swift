extension MutationTests {
  /// Damage that only a comparison of the tables before and after shows: every statement runs, on an empty database.
  static let facts = additions + tightenings + rebuilds + promises

  private static let additions = [
    Mutant(
      "a new NOT NULL column loses its default", tier, " DEFAULT 'none'", "required-column"),
    Mutant(
      "the state is NOT NULL from the beginning", "\(list)/expand.sql", "COLUMN state TEXT;",
      to: "COLUMN state TEXT NOT NULL;", "required-column"),
    Mutant(
      "the given name is NOT NULL with the default NULL", "\(split)/expand.sql", "given_name TEXT;",
      to: "given_name TEXT NOT NULL DEFAULT NULL;", "required-column"),
    Mutant(
      "a contract that makes a table", "\(split)/contract.sql", "DROP TRIGGER customers_join_name;",
      to: "CREATE TABLE nicknames (customer_id INTEGER);\nDROP TRIGGER customers_join_name;",
      "contract-creates"),
    Mutant(
      "a contract that adds a column to another table", "\(cents)/contract.sql", "DROP VIEW order_totals;",
      to: "ALTER TABLE customers ADD COLUMN currency TEXT;\nDROP VIEW order_totals;", "contract-creates"),
    Mutant(
      "a contract that makes an index on another table", "\(cents)/contract.sql", "DROP VIEW order_totals;",
      to: "CREATE INDEX customers_by_day ON customers (joined_on);\nDROP VIEW order_totals;",
      "contract-creates"),
    Mutant(
      "a contract that makes a view", "\(list)/contract.sql", "-- @down",
      to: "CREATE VIEW orders_paid AS SELECT id FROM orders WHERE state = 'paid';\n\n-- @down",
      "contract-creates"),
  ]

  private static let tightenings = [
    Mutant(
      "an index that is made UNIQUE", index, "CREATE INDEX", to: "CREATE UNIQUE INDEX", "tightened-early"),
    Mutant(
      "a default that its own CHECK refuses", tier, "('none', 'silver', 'gold')", to: "('silver', 'gold')",
      "tightened-early"),
    Mutant(
      "a CHECK of a new column that looks at an old one", "\(cents)/expand.sql", "price_cents INTEGER;",
      to: "price_cents INTEGER CHECK (price > 0);", "tightened-early"),
  ]

  private static let rebuilds = [
    Mutant(
      "an index is forgotten after a rebuild", "\(list)/contract.sql",
      "CREATE INDEX orders_by_day ON orders (placed_at DESC);\n", "rebuild-collateral"),
    Mutant(
      "a trigger is forgotten after a rebuild", "\(list)/contract.sql",
      """
      CREATE TRIGGER orders_outdate_note AFTER UPDATE OF state ON orders
      WHEN NEW.state IS NOT OLD.state AND NEW.status_note IS NOT NULL AND NEW.status_note IS OLD.status_note
      BEGIN
        UPDATE orders SET status_note = NULL WHERE id = NEW.id;
      END;

      """, "rebuild-collateral"),
    Mutant(
      "AUTOINCREMENT is forgotten in a rebuild", "\(list)/contract.sql", "KEY AUTOINCREMENT",
      to: "KEY", "rebuild-collateral"),
    Mutant(
      "the counter is forgotten on the way up", "\(list)/contract.sql", counter, "rebuild-collateral"),
    Mutant(
      "the counter is forgotten on the way down", "\(list)/contract.sql", counter, at: 2,
      "rebuild-collateral"),
  ]

  private static let counter = """
    INSERT INTO sqlite_sequence (name, seq) \
    SELECT 'orders_rebuilt', seq FROM sqlite_sequence WHERE name = 'orders';

    """

  private static let promises = [
    Mutant(
      "the settings promise a SQLite without STRICT", "phasedb.json", "3.37", to: "3.36",
      "needs-newer-sqlite"),
    Mutant(
      "a claim in words that came later", "\(split)/migrate.sql", "full_name IS NOT given_name",
      to: "full_name IS DISTINCT FROM given_name", "needs-newer-sqlite"),
    Mutant(
      "a trigger that calls a function that came later", "\(cents)/expand.sql",
      "SET price_cents = CAST(round(price * 100) AS INTEGER)",
      to: "SET price_cents = CAST(format('%.0f', price * 100) AS INTEGER)", "needs-newer-sqlite"),
  ]
}
