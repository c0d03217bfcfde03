import FaultVFS
import Foundation
import PhaseDB
import Testing

/// The phases by which a small shop is migrated all the way up and all the way down.
enum Lifecycle: Sendable {
  /// Each phase in one transaction.
  case short
  /// With a migrate phase in batches, a column that is retired, and columns that are dropped.
  case long

  /// What an application made before phasedb came, and phasedb makes where nothing is.
  static let shop = """
    CREATE TABLE customers (
      id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE, phone TEXT, born TEXT);
    CREATE TABLE orders (
      id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
      price REAL NOT NULL, remark TEXT);
    INSERT INTO customers WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      SELECT i, 'Given' || i || ' Family' || i * 7, 'c' || i || '@example.org', nullif(i % 7, 0), 1900 + i FROM n;
    INSERT INTO orders WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60)
      SELECT i, 1 + i % 40, i * 1.25, 'remark ' || i FROM n;
    """

  /// A phase file: its name without the ending, and its text after the window.
  private typealias File = (id: String, text: String)

  private static let first: [File] = [
    (
      "0001-add-notes/expand",
      """
      -- @up
      CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), text TEXT);
      CREATE INDEX notes_by_order ON notes (order_id);
      -- @down
      DROP TABLE notes;
      """
    ),
    (
      "0002-split-name/expand",
      """
      -- @up
      ALTER TABLE customers ADD COLUMN given_name TEXT;
      \(trigger)
      -- @down
      DROP TRIGGER customers_split;
      ALTER TABLE customers DROP COLUMN given_name;
      """
    ),
  ]

  private static let trigger = """
    CREATE TRIGGER customers_split AFTER UPDATE OF full_name ON customers BEGIN
      UPDATE customers SET given_name = substr(NEW.full_name, 1, instr(NEW.full_name, ' ') - 1)
      WHERE id = NEW.id;
    END;
    """

  /// In one transaction, or in as many as there are batches.
  private static func migrate(_ batch: String, _ range: String) -> File {
    (
      "0002-split-name/migrate",
      """
      \(batch)
      -- @up
      UPDATE customers SET given_name = substr(full_name, 1, instr(full_name, ' ') - 1) \(range);
      -- @down
      UPDATE customers SET given_name = NULL \(range);
      -- @verify everybody has a given name
      SELECT id FROM customers WHERE given_name IS NULL;
      """
    )
  }

  private static let rebuild: File = (
    "0002-split-name/contract",
    """
    -- @up
    DROP TRIGGER customers_split;
    CREATE TABLE rebuilt (
      id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE, phone TEXT, born TEXT, given_name TEXT NOT NULL);
    INSERT INTO rebuilt SELECT * FROM customers;
    DROP TABLE customers;
    ALTER TABLE rebuilt RENAME TO customers;
    -- @down
    CREATE TABLE rebuilt (
      id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT UNIQUE, phone TEXT, born TEXT, given_name TEXT);
    INSERT INTO rebuilt SELECT * FROM customers;
    DROP TABLE customers;
    ALTER TABLE rebuilt RENAME TO customers;
    \(trigger)
    -- @verify every order has its customer
    SELECT id FROM orders WHERE customer_id NOT IN (SELECT id FROM customers);
    """
  )

  private static let removals: [File] = [
    ("0003-retire-remark/contract", "-- @retire orders.remark"),
    (
      "0004-drop-phone/contract",
      """
      -- @up
      ALTER TABLE customers DROP COLUMN phone;
      ALTER TABLE customers DROP COLUMN born;
      -- @down
      ALTER TABLE customers ADD COLUMN phone TEXT;
      ALTER TABLE customers ADD COLUMN born TEXT;
      """
    ),
  ]

  /// The prefix up to which the first run of the way up goes.
  static let firstStop = "0001"

  /// In how many batches the long one migrates 40 rows.
  static let rowsInBatch = 15

  func catalog() throws -> Catalog {
    try (self == .short ? Self.shortCatalog : Self.longCatalog).get()
  }

  private static let shortCatalog = read(first + [migrate("", ""), rebuild])
  private static let longCatalog = read(
    first + [migrate("-- @batch customers by id", "WHERE id BETWEEN :first AND :last"), rebuild] + removals)

  private static func read(_ files: [File]) -> Result<Catalog, any Error> {
    Result {
      let folder = try MemoryFolder()
      try folder.write(shop, to: "baseline.sql")
      for (id, text) in files { try folder.write("-- @window shop >=1.0\n\(text)\n", to: "\(id).sql") }
      return try Catalog(folder: folder.path)
    }
  }
}

extension Event {
  /// Whether it tells of a commit.
  var tellsOfCommit: Bool {
    switch self {
    case .committed, .batchCommitted, .batching: true
    default: false
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
  let lifecycle: Lifecycle
  var path: String { "\(folder.path)/shop.db" }

  /// Makes the database as an application left it.
  func found() throws {
    let handle = unsafe try lentHandle()
    defer { _ = unsafe sqlite3_close(handle) }
    for sql in ["PRAGMA journal_mode = \(journal)", Lifecycle.shop] { try unsafe Self.run(sql, handle) }
  }

  func options() throws -> Options {
    Options(
      wait: .zero, live: [try LiveVersion("shop@1.5")], overridden: [.evidence], reason: "a test",
      // Batches of one size, however slow the machine is.
      pacing: Options.Pacing(hold: .seconds(60), pause: .zero, maximumRows: Lifecycle.rowsInBatch)
    ).by(Self.runner) { Timestamp(text: "2026-01-31T12:00:00.000Z") }
  }

  private static let runner = Runner.current

  /// Hands the body a migrator as the mode has it.
  @discardableResult
  func open<Result>(
    _ access: Migrator.Access = .creating, _ body: (Migrator) throws -> Result
  ) throws -> Result {
    let catalog = try lifecycle.catalog()
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
