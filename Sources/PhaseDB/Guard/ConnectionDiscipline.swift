package import PhaseSQLite

/// The settings of a connection that runs phases, and those it had before.
///
/// Foreign-key enforcement must be off before BEGIN: inside a transaction the pragma does nothing, and DROP TABLE of a
/// parent would then delete or null its children (sqlite.org/lang_altertable.html#otheralter, step 1;
/// sqlite.org/pragma.html#pragma_foreign_keys). Each value is read back, because SQLite silently ignores settings that
/// it was built without.
package struct ConnectionDiscipline: ~Copyable {
  private let connection: Connection
  private let switches: [(setting: Connection.Switch, was: Bool)]
  private let durability: DurableCommits
  /// In milliseconds. With a busy callback of the application this is 0, and SQLite cannot restore the callback.
  private let busyTimeout: Int
  /// Whether the schema can be distrusted without breaking its triggers.
  private let distrusts: Bool

  private static let wanted: [(setting: Connection.Switch, on: Bool)] = [
    (.foreignKeys, false), (.triggers, true), (.views, true), (.loadExtension, false), (.defensive, true),
    (.writableSchema, false), (.legacyAlterTable, false), (.doubleQuotedStringsInDML, false),
    (.doubleQuotedStringsInDDL, false), (.trustedSchema, false), (.fullTextTokenizerFunction, false),
  ]

  private init(_ connection: Connection, _ durability: consuming DurableCommits, busyTimeout: Int) {
    self.connection = connection
    self.durability = durability
    self.busyTimeout = busyTimeout
    switches = Self.wanted.map { (setting: $0.setting, was: connection.isOn($0.setting)) }
    distrusts = FullTextTrust.isNeedless
  }

  /// Puts the settings in force until the returned value goes out of scope.
  ///
  /// - Throws: `transaction-open` when a transaction is open, `sqlite-failed` when a setting does not take.
  package static func begin(on connection: Connection) throws(MigrationError) -> ConnectionDiscipline {
    guard connection.isAutocommit else { throw .transactionOpen }
    let busyTimeout = try busyTimeout(of: connection)
    let durability = try DurableCommits(on: connection)
    let discipline = ConnectionDiscipline(connection, durability, busyTimeout: busyTimeout)
    try discipline.enforce()
    return discipline
  }

  private borrowing func enforce() throws(MigrationError) {
    for (setting, on) in Self.wanted
    where (setting != .trustedSchema || distrusts) && connection.turn(setting, on: on) != on {
      throw MigrationError(.sqliteFailed, "SQLite does not turn \("\(setting)") \(on ? "on" : "off")")
    }
  }

  /// Runs a body with the settings in force.
  package borrowing func whileInForce<Result>(
    _ body: () throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    try body()
  }

  /// How long a statement waits for a lock now, in milliseconds (sqlite.org/pragma.html#pragma_busy_timeout).
  static func busyTimeout(of connection: Connection) throws(MigrationError) -> Int {
    try lifting("reading PRAGMA busy_timeout") { () in
      Int(try connection.value("PRAGMA busy_timeout")?.integer ?? 0)
    }
  }

  deinit {
    for (setting, was) in switches { connection.turn(setting, on: was) }
    connection.setBusyTimeout(milliseconds: busyTimeout)
  }
}

/// Whether triggers may write full-text tables on a connection that distrusts its schema.
///
/// SQLite 3.40 refuses it ("unsafe use of virtual table") because its FTS5 does not declare itself innocuous; 3.54 does
/// not. An application whose triggers maintain a full-text index must be able to migrate, so if the library refuses,
/// the schema is trusted as in the application.
enum FullTextTrust {
  /// It is tried once, because the version number does not tell how a library was built.
  static let isNeedless: Bool = {
    guard let scratch = try? Connection(path: "", mode: .memory) else { return true }
    scratch.turn(.trustedSchema, on: false)
    // A library without FTS5 cannot refuse it.
    guard (try? scratch.execute(script: "CREATE TABLE t (a); CREATE VIRTUAL TABLE f USING fts5 (a)")) != nil
    else {
      return true
    }
    let write =
      "CREATE TRIGGER w AFTER INSERT ON t BEGIN INSERT INTO f VALUES (NEW.a); END; INSERT INTO t VALUES (1)"
    return (try? scratch.execute(script: write)) != nil
  }()
}

/// Makes commits survive a power cut, as long as this value lives.
///
/// In WAL mode that needs FULL: with NORMAL, a commit does not sync the log. With a rollback journal that is deleted it
/// needs EXTRA: the deletion of the journal is the commit, FULL does not sync the folder afterwards, and a journal that
/// reappears after a cut rolls the transaction back (sqlite.org/pragma.html#pragma_synchronous).
struct DurableCommits: ~Copyable {
  private let connection: Connection
  private let level: Int64

  private static let extra: Int64 = 3

  /// - Throws: `sqlite-failed` when the setting does not take.
  init(on connection: Connection) throws(MigrationError) {
    let level = try lifting("reading PRAGMA synchronous") { () in
      try connection.value("PRAGMA main.synchronous")?.integer ?? Self.extra
    }
    try lifting("setting PRAGMA synchronous") { () in
      if level < Self.extra { try connection.execute("PRAGMA main.synchronous = EXTRA") }
      guard try connection.value("PRAGMA main.synchronous")?.integer ?? 0 >= Self.extra else {
        throw MigrationError(.sqliteFailed, "SQLite does not set synchronous to EXTRA")
      }
    }
    self.connection = connection
    self.level = level
  }

  /// Runs a body whose commits are durable.
  borrowing func whileInForce<Result>(
    _ body: () throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    try body()
  }

  deinit {
    if level < Self.extra { try? connection.execute("PRAGMA main.synchronous = \(level)") }
  }
}
