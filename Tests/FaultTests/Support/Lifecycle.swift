import FaultVFS
import Foundation
import PhaseDB
import Testing

/// A small shop that is migrated all the way up and all the way down.
enum Lifecycle {
  static let catalog = Result { () throws(MigrationError) in try readCatalog() }

  /// What an application made before phasedb came, and phasedb makes where nothing is.
  static let shop = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (
      id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
      price REAL NOT NULL);
    INSERT INTO customers WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      SELECT i, 'Given' || i || ' Family' || i * 7, 'c' || i || '@example.org' FROM n;
    INSERT INTO orders WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60)
      SELECT i, 1 + i % 40, i * 1.25 FROM n;
    """

  /// The phases, and the SQL of each way.
  private static let phases: KeyValuePairs<String, (up: String, down: String, more: String)> = [
    "0001-add-notes/expand": (
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), text TEXT);
      CREATE INDEX notes_by_order ON notes (order_id);
      """,
      "DROP TABLE notes;", ""
    ),
    "0002-split-name/expand": (
      """
      ALTER TABLE customers ADD COLUMN given_name TEXT;
      CREATE TRIGGER customers_split AFTER UPDATE OF full_name ON customers BEGIN
        UPDATE customers SET given_name = substr(NEW.full_name, 1, instr(NEW.full_name, ' ') - 1)
        WHERE id = NEW.id;
      END;
      """,
      "DROP TRIGGER customers_split; ALTER TABLE customers DROP COLUMN given_name;", ""
    ),
    "0002-split-name/migrate": (
      "UPDATE customers SET given_name = substr(full_name, 1, instr(full_name, ' ') - 1);",
      "UPDATE customers SET given_name = NULL;",
      "-- @verify everybody has a given name\nSELECT id FROM customers WHERE given_name IS NULL;"
    ),
    "0002-split-name/contract": (
      """
      DROP TRIGGER customers_split;
      CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE, given_name TEXT NOT NULL);
      INSERT INTO rebuilt SELECT * FROM customers;
      DROP TABLE customers;
      ALTER TABLE rebuilt RENAME TO customers;
      """,
      """
      CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE, given_name TEXT);
      INSERT INTO rebuilt SELECT * FROM customers;
      DROP TABLE customers;
      ALTER TABLE rebuilt RENAME TO customers;
      CREATE TRIGGER customers_split AFTER UPDATE OF full_name ON customers BEGIN
        UPDATE customers SET given_name = substr(NEW.full_name, 1, instr(NEW.full_name, ' ') - 1)
        WHERE id = NEW.id;
      END;
      """,
      "-- @verify every order has its customer\nSELECT id FROM orders WHERE customer_id NOT IN (SELECT id FROM customers);"
    ),
  ]

  /// The prefix up to which the first run of the way up goes.
  static let firstStop = "0001"

  private static func readCatalog() throws(MigrationError) -> Catalog {
    do {
      let folder = try MemoryFolder()
      try folder.write(shop, to: "baseline.sql")
      for (id, phase) in phases {
        let text = "-- @window shop >=1.0\n-- @up\n\(phase.up)\n-- @down\n\(phase.down)\n\(phase.more)\n"
        try folder.write(text, to: "\(id).sql")
      }
      return try Catalog(folder: folder.path)
    } catch let error as MigrationError {
      throw error
    } catch {
      throw MigrationError(.fileUnreadable, "\(error)")
    }
  }
}

/// How a database keeps its journal, and who opened it.
///
/// WAL is kept in the file. The other modes are of the connection, so those that are not the default are an
/// application's, which lends its handle.
enum Journal: String, CaseIterable, Sendable {
  case delete, truncate, persist, wal
  var isLent: Bool { self == .truncate || self == .persist }
}

/// A database of the lifecycle in a folder, as an operator or an application opens it.
struct Shop {
  let folder: MemoryFolder
  let journal: Journal
  var path: String { "\(folder.path)/shop.db" }

  /// Makes the database as an application left it.
  func found() throws {
    let handle = unsafe try lentHandle()
    defer { _ = unsafe sqlite3_close(handle) }
    for sql in ["PRAGMA journal_mode = \(journal)", Lifecycle.shop] { try unsafe Self.run(sql, handle) }
  }

  func options() throws -> Options {
    Options(
      wait: .zero, live: [try LiveVersion("shop@1.5")], runner: Self.runner,
      now: { Timestamp(text: "2026-01-31T12:00:00.000Z") })
  }

  private static let runner = Runner.current

  /// Hands the body a migrator as the mode has it.
  @discardableResult
  func open<Result>(
    _ access: Migrator.Access = .creating, _ body: (Migrator) throws -> Result
  ) throws -> Result {
    let catalog = try Lifecycle.catalog.get()
    guard journal.isLent, access != .reading else {
      return try body(try Migrator(database: path, catalog: catalog, access: access, options: options()))
    }
    let handle = unsafe try lentHandle()
    defer { _ = unsafe sqlite3_close(handle) }
    try unsafe Self.run("PRAGMA journal_mode = \(journal)", handle)
    return try body(try unsafe Migrator(borrowing: handle, catalog: catalog, options: options()))
  }

  private func lentHandle() throws -> OpaquePointer {
    var handle: OpaquePointer?
    let code = unsafe sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    guard code == SQLITE_OK, let handle = unsafe handle else {
      unsafe sqlite3_close(handle)
      throw LentHandleFailure(code: code)
    }
    return unsafe handle
  }

  private static func run(_ sql: String, _ handle: OpaquePointer) throws {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw LentHandleFailure(code: code) }
  }
}

/// SQLite failed where an application would have noticed, before it lent its handle.
struct LentHandleFailure: Error {
  let code: Int32
}
