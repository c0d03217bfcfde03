internal import CSQLite
package import PhaseSQL

/// One connection to one database, for one thread at a time.
///
/// Owns its handle and closes it, unless it was made from a borrowed one.
@safe package final class Connection {
  /// What the connection may do with the file.
  package enum Mode: Hashable, Sendable {
    /// Reads only; the file must exist.
    case readOnly
    /// Reads only, and only a file that no process changes meanwhile: it uses neither locks nor a WAL index, so it
    /// works in a folder that cannot be written (sqlite.org/uri.html#uriimmutable).
    case immutable
    /// Reads and writes; the file must exist.
    case readWrite
    /// Reads and writes; a missing file is made.
    case create
    /// A private database in memory.
    case memory
  }

  let handle: OpaquePointer
  private let isOwner: Bool
  /// The file as it was when it was opened without locks; nil when SQLite keeps it from changing under a reader.
  package var unlocked: UnlockedFile?
  /// Whether the handle is an application's, which may have functions, modules and TEMP objects of its own.
  package var isBorrowed: Bool { !isOwner }
  /// Tables that are left out when the schema is read, and when the database is copied.
  package var ignoredTables = NamePatterns()
  /// How long statements may wait for locks; nil if phasedb has not set it on the handle.
  private var patience: Patience?
  let identity = ConnectionIdentity()

  private enum Patience {
    case milliseconds(Int)
    case until(ContinuousClock.Instant)
  }

  var hooks = Hooks()
  package internal(set) var costLimit: CostLimit?
  /// The stubs that answer for functions of the application; nil on a user's database.
  package internal(set) var stubs: FunctionStubs?

  /// Opens a file. The name is never taken for a URI, so any character may be in it.
  package init(path: String, mode: Mode) throws(SQLiteError) {
    var name = path
    var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    switch mode {
    case .readOnly: flags |= SQLITE_OPEN_READONLY
    case .immutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      // With an empty authority, so that a path which begins with two slashes is not taken for one.
      name = (path.hasPrefix("/") ? "file://" : "file:") + Connection.percentEncoded(path) + "?immutable=1"
    case .readWrite: flags |= SQLITE_OPEN_READWRITE
    case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    case .memory:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY
      name = ":memory:"
    }
    var handle: OpaquePointer?
    let code = unsafe sqlite3_open_v2(name, &handle, flags, nil)
    guard code == SQLITE_OK, let handle = unsafe handle else {
      let error = unsafe SQLiteError(code, on: handle)
      unsafe sqlite3_close_v2(handle)
      throw error
    }
    unsafe self.handle = handle
    isOwner = true
    turn(.fullTextTokenizerFunction, on: false)
  }

  /// Borrows an open handle and does not close it.
  ///
  /// - Parameter handle: a `sqlite3 *` that stays open while this lives, and that no other thread uses.
  @unsafe package init(borrowing handle: OpaquePointer) {
    unsafe self.handle = handle
    isOwner = false
  }

  deinit {
    removeAuthorizer()
    costLimit = nil
    removeProgressHandler()
    if hooks.log != nil { giveBackCheckpoints(every: 1_000) }
    stopTelling()
    stopTracing()
    if isOwner { unsafe sqlite3_close_v2(handle) }
  }

  /// Writes every byte as %XX but letters, digits and a few marks, as a URI needs it.
  private static func percentEncoded(_ path: String) -> String {
    var encoded = ""
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return encoded
  }
}

// MARK: - Running SQL

extension Connection {
  /// Prepares the one statement in `sql`.
  package func prepare(_ sql: String, reused: Bool = false) throws(SQLiteError) -> Statement {
    var reader = ScriptReader(sql, on: self)
    guard let statement = try reader.next(reused: reused) else {
      throw SQLiteError(code: .misuse, message: "there is no statement", sql: sql)
    }
    return statement.take()
  }

  /// Runs a statement to its end and drops its rows.
  package func execute(_ sql: String, _ values: Value...) throws(SQLiteError) {
    var statement = try prepare(sql)
    try statement.run(values)
  }

  /// Runs every statement of a script.
  ///
  /// - Parameter parameters: values by the names of parameters; every statement names all of them.
  package func execute(
    script: String, binding parameters: KeyValuePairs<String, Value> = [:]
  ) throws(SQLiteError) {
    var reader = ScriptReader(script, on: self)
    while let next = try reader.next() {
      var statement = next.take()
      for (name, value) in parameters { try statement.bind(value, to: name) }
      while try statement.step() {}
    }
  }

  /// Ends the statements that virtual tables keep open on their own tables after a write in a transaction. While one is
  /// open, no table can be dropped and no function redefined. They end it at a savepoint (`nodeBlobReset` in
  /// ext/rtree/rtree.c, `sqlite3Fts5StorageSync` in ext/fts5/fts5_storage.c).
  package func endStatementsOfModules() throws(SQLiteError) {
    guard !isAutocommit else { return }
    try execute("SAVEPOINT phasedb_modules")
    try execute("RELEASE phasedb_modules")
  }

  /// The first column of the first row, nil when there is no row.
  package func value(_ sql: String, _ values: Value...) throws(SQLiteError) -> Value? {
    var statement = try prepare(sql)
    try statement.bind(values)
    return try statement.step() ? statement.value(at: 0) : nil
  }

  /// Every row, as values.
  package func rows(_ sql: String, _ values: Value...) throws(SQLiteError) -> [[Value]] {
    var statement = try prepare(sql)
    try statement.bind(values)
    var rows: [[Value]] = []
    while try statement.step() {
      rows.append((0..<statement.columnCount).map { statement.value(at: $0) })
    }
    return rows
  }

  /// Opens a transaction.
  package func begin(_ kind: Transaction.Kind = .immediate) throws(SQLiteError) -> Transaction {
    try Transaction(on: self, kind)
  }

  /// Drops tables, also beside virtual tables that were written in the same transaction.
  package func drop(_ tables: String...) throws(SQLiteError) {
    try endStatementsOfModules()
    for table in tables { try execute("DROP TABLE IF EXISTS \(table)") }
  }

  /// Undoes what was done since a savepoint, and ends it (sqlite.org/lang_savepoint.html).
  package func undo(since savepoint: String) throws(SQLiteError) {
    try execute("ROLLBACK TO \(savepoint)")
    try execute("RELEASE \(savepoint)")
  }

  /// Compiles a statement and does not run it.
  package func queryPlan(of sql: String) throws(SQLiteError) -> [QueryPlanLine] {
    try rows("EXPLAIN QUERY PLAN \(sql)").map(QueryPlanLine.init)
  }
}

// MARK: - State

extension Connection {
  /// False while a transaction is open (sqlite.org/c3ref/get_autocommit.html).
  package var isAutocommit: Bool { unsafe sqlite3_get_autocommit(handle) != 0 }

  /// Rows changed by the last INSERT, UPDATE or DELETE.
  package var changes: Int { Int(unsafe sqlite3_changes64(handle)) }

  /// Rows changed since the connection was opened, triggers and cascades included.
  package var totalChanges: Int { Int(unsafe sqlite3_total_changes64(handle)) }

  /// Changed pages that SQLite has written from its full cache within transactions, since the connection was opened
  /// (sqlite.org/c3ref/c_dbstatus_options.html, SQLITE_DBSTATUS_CACHE_SPILL).
  package var spilledPages: Int {
    var (present, highest): (Int32, Int32) = (0, 0)
    _ = unsafe sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_SPILL, &present, &highest, 0)
    return Int(present)
  }

  /// A number that changes when another connection commits (sqlite.org/pragma.html#pragma_data_version).
  package var dataVersion: Int64? {
    get throws(SQLiteError) { try value("PRAGMA main.data_version")?.integer }
  }

  package var lastInsertRowID: Int64 {
    get { unsafe sqlite3_last_insert_rowid(handle) }
    set { unsafe sqlite3_set_last_insert_rowid(handle, newValue) }
  }

  /// The path of the main database, empty when it is in memory.
  package var path: String {
    unsafe sqlite3_db_filename(handle, "main").map { unsafe String(cString: $0) } ?? ""
  }

  /// Whether the open file of the main database was deleted, moved or replaced, so that its path now leads to another
  /// file or to none.
  package var isMoved: Bool {
    var isMoved: Int32 = 0
    let code = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &isMoved)
    return code == SQLITE_OK && isMoved != 0
  }

  package var isReadOnly: Bool { unsafe sqlite3_db_readonly(handle, "main") == 1 }

  /// How long a statement waits for another connection's lock before it fails with SQLITE_BUSY.
  package func setBusyTimeout(milliseconds: Int) {
    patience = .milliseconds(milliseconds)
    waitForLocks()
  }

  /// The moment until which all statements together wait for locks of other connections.
  package func setBusyDeadline(_ deadline: ContinuousClock.Instant) {
    patience = .until(deadline)
    waitForLocks()
  }

  /// Waits for locks as last set.
  func waitForLocks() {
    switch patience {
    case nil: break
    case .milliseconds(let milliseconds): unsafe sqlite3_busy_timeout(handle, Int32(clamping: milliseconds))
    case .until(let deadline):
      let left = deadline - ContinuousClock.now
      let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000
      unsafe sqlite3_busy_timeout(handle, Int32(clamping: max(0, milliseconds)))
    }
  }

  /// Waits for no lock while the write lock is held. With a rollback journal SQLite asks for the exclusive lock each
  /// time its cache is full, waits for readers as long as it may, and then continues without the lock.
  func waitForNothing() {
    if patience != nil { unsafe sqlite3_busy_timeout(handle, 0) }
  }

  /// A setting of the connection (sqlite.org/c3ref/c_dbconfig_defensive.html).
  package enum Switch: CaseIterable, Sendable {
    case foreignKeys, triggers, views, loadExtension, defensive, writableSchema, legacyAlterTable
    case doubleQuotedStringsInDML, doubleQuotedStringsInDDL, trustedSchema
    /// Whether SQL may hand over a pointer to code (sqlite.org/fts3.html#custom_application_defined_tokenizers).
    case fullTextTokenizerFunction

    var operation: Int32 {
      switch self {
      case .foreignKeys: SQLITE_DBCONFIG_ENABLE_FKEY
      case .triggers: SQLITE_DBCONFIG_ENABLE_TRIGGER
      case .views: SQLITE_DBCONFIG_ENABLE_VIEW
      case .loadExtension: SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION
      case .defensive: SQLITE_DBCONFIG_DEFENSIVE
      case .writableSchema: SQLITE_DBCONFIG_WRITABLE_SCHEMA
      case .legacyAlterTable: SQLITE_DBCONFIG_LEGACY_ALTER_TABLE
      case .doubleQuotedStringsInDML: SQLITE_DBCONFIG_DQS_DML
      case .doubleQuotedStringsInDDL: SQLITE_DBCONFIG_DQS_DDL
      case .trustedSchema: SQLITE_DBCONFIG_TRUSTED_SCHEMA
      case .fullTextTokenizerFunction: SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER
      }
    }
  }

  /// Whether a setting is on.
  package func isOn(_ setting: Switch) -> Bool {
    var result: Int32 = 0
    unsafe phasedb_db_config_flag(handle, setting.operation, -1, &result)
    return result != 0
  }

  /// Turns a setting on or off, and returns the setting afterwards: SQLite may have refused the change.
  @discardableResult
  package func turn(_ setting: Switch, on: Bool) -> Bool {
    var result: Int32 = 0
    unsafe phasedb_db_config_flag(handle, setting.operation, on ? 1 : 0, &result)
    return result != 0
  }
}

// MARK: - Reading without locks

/// A database file that is read without locks, and must not change while it is read.
package struct UnlockedFile: Sendable {
  package let path: String
  private let mark: FileReading.Mark

  /// Nil when there is no such file, or when somebody has it open in WAL mode: then its log or its index is beside it
  /// (sqlite.org/walformat.html). It does not look for locks: that would need a descriptor, and closing it would drop
  /// the locks of other connections of this process (sqlite.org/howtocorrupt.html, 2.2).
  package init?(_ path: String) {
    guard let mark = FileReading.mark(of: path), !FileReading.exists(path + "-wal"),
      !FileReading.exists(path + "-shm")
    else { return nil }
    (self.path, self.mark) = (path, mark)
  }

  /// Whether it was neither written nor opened since.
  package var isUnchanged: Bool { UnlockedFile(path).map { $0.mark == mark } ?? false }
}

extension Connection {
  /// Whether the file is in WAL mode, as its header says it.
  package var isInWALMode: Bool { unsafe phasedb_format_version(handle) == 2 }
}

// MARK: - What the header of the file says

extension Connection {
  package var pageSize: Int64 {
    get throws(SQLiteError) { try value("PRAGMA main.page_size")?.integer ?? 4_096 }
  }

  package var pageCount: Int64 {
    get throws(SQLiteError) { try value("PRAGMA main.page_count")?.integer ?? 0 }
  }

  /// How many bytes a copy of the database takes.
  package var contentBytes: Int { get throws(SQLiteError) { Int(try pageCount * pageSize) } }

  /// A counter that every change of the schema raises (sqlite.org/pragma.html#pragma_schema_version).
  package var schemaVersion: Int64 {
    get throws(SQLiteError) { try value("PRAGMA main.schema_version")?.integer ?? 0 }
  }
}

// MARK: - What SQL may cost

extension Connection {
  /// The longest value that a statement may make, and the longest statement.
  var valueBytes: Int { Int(unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, -1)) }

  /// Raises a limit of values to the length of SQL that is about to run.
  package func makeRoom(forSQLOf bytes: Int) {
    guard let least = costLimit?.limits.valueBytes else { return }
    unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Int32(clamping: max(valueBytes, least + 2 * bytes)))
  }

  /// Limits what a body's SQL may cost, on a connection without a limit of its own.
  package func limited<Result, Failure: Error>(
    to costLimit: CostLimit, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = self.costLimit
    self.costLimit = costLimit
    installProgressHandler()
    defer {
      self.costLimit = before
      installProgressHandler()
    }
    return try costLimit.spend(body)
  }

  /// Limits what the SQL that runs on the connection may cost.
  package func limit(to costLimit: CostLimit) throws(SQLiteError) {
    self.costLimit = costLimit
    installProgressHandler()
    if let bytes = costLimit.limits.valueBytes {
      unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Int32(clamping: bytes))
    }
    if let pages = costLimit.limits.pages { try execute("PRAGMA main.max_page_count = \(pages)") }
  }

  /// Runs a body within the connection's limit, if there is one.
  package func spending<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    guard let costLimit else { return try body() }
    return try costLimit.spend(body)
  }

  /// Runs a body that only compiles, within the connection's limit. While SQLite compiles, it calls only the
  /// authorizer.
  package func spendingWhileCompiling<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let costLimit else { return try body() }
    var asked = 0
    setAuthorizer { _ in
      asked += 1
      return !asked.isMultiple(of: 64) || costLimit.goesOn(after: 0)
    }
    defer { removeAuthorizer() }
    return try costLimit.spend(body)
  }
}

// MARK: - Copying

extension Connection {
  /// Copies this database over another by SQLite's backup API, as it is at one moment (sqlite.org/backup.html).
  ///
  /// A copy in small steps starts over whenever another process writes, and may never end. So this reads all pages in
  /// one transaction: its own, or the one that is open. It copies in steps, and reports progress between them, where
  /// the caller can end it.
  ///
  /// - Parameters:
  ///   - target: its content is replaced.
  ///   - progress: gets the bytes copied so far and the bytes of the whole; false ends the copy with SQLITE_INTERRUPT.
  package func backUp(
    to target: Connection, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(SQLiteError) {
    target.ignoredTables = ignoredTables
    guard isAutocommit else { return try copy(to: target, progress) }
    let transaction = try begin(.deferred)
    try copy(to: target, progress)
    try transaction.rollBack()
  }

  private func copy(to target: Connection, _ progress: (Int, Int) -> Bool) throws(SQLiteError) {
    // A deferred transaction begins with the first read.
    let pageSize = Int(try self.pageSize)
    _ = try value("SELECT count(*) FROM main.sqlite_schema")
    guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
      throw unsafe SQLiteError(SQLITE_ERROR, on: target.handle)
    }
    let pages = Int32(clamping: max(1, (16 << 20) / pageSize))
    var stepped = SQLITE_OK
    while stepped == SQLITE_OK {
      stepped = unsafe sqlite3_backup_step(backup, pages)
      let total = Int(unsafe sqlite3_backup_pagecount(backup))
      let rest = Int(unsafe sqlite3_backup_remaining(backup))
      if stepped == SQLITE_OK, !progress((total - rest) * pageSize, total * pageSize) {
        stepped = SQLITE_INTERRUPT
      }
    }
    let finished = unsafe sqlite3_backup_finish(backup)
    guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
      let code = stepped == SQLITE_DONE ? finished : stepped
      throw SQLiteError(
        code: ResultCode(rawValue: code), message: unsafe String(cString: sqlite3_errstr(code)))
    }
  }
}

/// A line of how SQLite finds the rows of a statement (sqlite.org/eqp.html): `SEARCH t USING INDEX i (a=?)`, before SQLite
/// 3.36 `SCAN TABLE t AS a`. Names stand in it without quotes.
package struct QueryPlanLine: Sendable {
  package enum Access: Sendable {
    /// A whole table is read.
    case scan
    /// Rows are looked up.
    case search
  }

  package let text: String
  /// Whether the line is at the outermost level of the plan.
  package let isOutermost: Bool
  /// nil for a line that names no table.
  package let access: Access?
  /// The table, or its alias if SQLite names only that.
  package let table: String
  /// Its alias, if SQLite names both.
  package let alias: String?
  /// The index that is read, if it has a name.
  package let index: String?

  init(_ row: [Value]) {
    text = row[3].text ?? ""
    isOutermost = row[1] == 0
    let access: Access? = text.hasPrefix("SCAN ") ? .scan : text.hasPrefix("SEARCH ") ? .search : nil
    self.access = access
    // A name may have spaces: it ends where one of these begins.
    func name(in rest: Substring) -> (String, rest: Substring) {
      let ends = [" AS ", " USING ", " VIRTUAL TABLE INDEX "].compactMap {
        rest.firstRange(of: $0)?.lowerBound
      }
      let end = ends.min() ?? rest.endIndex
      return (String(rest[..<end]), rest[end...])
    }
    var rest = access == nil ? "" : text[...].drop { $0 != " " }.dropFirst()
    if rest.hasSuffix(Self.ofOuterJoin) { rest = rest.dropLast(Self.ofOuterJoin.count) }
    // SQLite names the schema of a table if the statement does.
    for prefix in ["TABLE ", "main."] where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
    (table, rest) = name(in: rest)
    if rest.hasPrefix(" AS ") {
      let (alias, after) = name(in: rest.dropFirst(4))
      (self.alias, rest) = (alias, after)
    } else {
      alias = nil
    }
    // What is looked up stands in parentheses at the end. An index that SQLite makes for one query has no name.
    let terms = rest.hasSuffix(")") ? rest.ranges(of: " (").last : nil
    let used = terms.map { rest[..<$0.lowerBound] } ?? rest
    index =
      used.hasPrefix(" USING ") ? used.firstRange(of: " INDEX ").map { String(used[$0.upperBound...]) } : nil
  }

  /// What ends the line of a table that an outer join reads.
  private static let ofOuterJoin = " LEFT-JOIN"
}
