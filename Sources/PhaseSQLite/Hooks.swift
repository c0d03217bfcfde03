internal import CSQLite

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A closure that SQLite calls through a pointer.
///
/// A connection keeps it alive until SQLite has another pointer or none.
final class Hook<Call> {
  private let call: Call

  init(_ call: Call) { self.call = call }

  /// What SQLite passes on to ``call(behind:)``.
  var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

  static func call(behind pointer: UnsafeMutableRawPointer?) -> Call? {
    unsafe pointer.map { unsafe Unmanaged<Hook>.fromOpaque($0).takeUnretainedValue().call }
  }
}

/// What SQLite calls while a connection compiles, runs and commits. It has room for one hook of each kind.
struct Hooks {
  typealias Authorizer = Hook<(AuthorizedAction) -> Bool>
  typealias Progress = Hook<() -> Bool>
  typealias Tracer = Hook<(TracedStatement) -> Void>

  var authorizer: Authorizer?
  var progress: Progress?
  var question: (instructions: Int, shouldGoOn: () -> Bool)?
  var tracer: Tracer?
  var rowChanges: RowChanges?
  var log: LogLength?
}

// MARK: - Compiling

/// One thing a statement would do, as SQLite's authorizer reports it while the statement is compiled
/// (sqlite.org/c3ref/c_alter_table.html).
package struct AuthorizedAction: Hashable, Sendable {
  package let code: Code
  /// The two details, whose meaning depends on `code`.
  package let first: String?
  package let second: String?
  package let database: String?
  /// The innermost trigger or view that does it; nil when the statement itself does.
  package let origin: String?

  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let createTable = Code(rawValue: SQLITE_CREATE_TABLE)
    package static let createVirtualTable = Code(rawValue: SQLITE_CREATE_VTABLE)
    package static let pragma = Code(rawValue: SQLITE_PRAGMA)
    package static let transaction = Code(rawValue: SQLITE_TRANSACTION)
    package static let savepoint = Code(rawValue: SQLITE_SAVEPOINT)
    package static let attach = Code(rawValue: SQLITE_ATTACH)
    package static let detach = Code(rawValue: SQLITE_DETACH)
    package static let function = Code(rawValue: SQLITE_FUNCTION)
    package static let alterTable = Code(rawValue: SQLITE_ALTER_TABLE)
    package static let insert = Code(rawValue: SQLITE_INSERT)
    package static let update = Code(rawValue: SQLITE_UPDATE)
    package static let delete = Code(rawValue: SQLITE_DELETE)
    package static let dropTable = Code(rawValue: SQLITE_DROP_TABLE)
    package static let dropView = Code(rawValue: SQLITE_DROP_VIEW)
    package static let dropVirtualTable = Code(rawValue: SQLITE_DROP_VTABLE)
    package static let dropIndex = Code(rawValue: SQLITE_DROP_INDEX)
    package static let analyze = Code(rawValue: SQLITE_ANALYZE)
    package static let reindex = Code(rawValue: SQLITE_REINDEX)
    package static let select = Code(rawValue: SQLITE_SELECT)
    package static let read = Code(rawValue: SQLITE_READ)
  }
}

extension Connection {
  /// Asks `allows` about everything that is compiled from now on; a statement that it refuses fails with SQLITE_AUTH.
  ///
  /// The closure must not use the connection.
  package func setAuthorizer(_ allows: @escaping (AuthorizedAction) -> Bool) {
    let hook = Hooks.Authorizer(allows)
    unsafe sqlite3_set_authorizer(
      handle,
      { context, code, first, second, database, origin in
        guard let allows = unsafe Hooks.Authorizer.call(behind: context) else { return SQLITE_DENY }
        let action = AuthorizedAction(
          code: AuthorizedAction.Code(rawValue: code),
          first: unsafe first.map { unsafe String(cString: $0) },
          second: unsafe second.map { unsafe String(cString: $0) },
          database: unsafe database.map { unsafe String(cString: $0) },
          origin: unsafe origin.map { unsafe String(cString: $0) })
        return allows(action) ? SQLITE_OK : SQLITE_DENY
      }, hook.pointer)
    hooks.authorizer = hook
  }

  package func removeAuthorizer() {
    guard hooks.authorizer != nil else { return }
    unsafe sqlite3_set_authorizer(handle, nil, nil)
    hooks.authorizer = nil
  }
}

// MARK: - Running

extension Connection {
  /// Asks a question repeatedly while statements run; after a no, the statement fails with SQLITE_INTERRUPT and the
  /// open transaction is rolled back (sqlite.org/c3ref/progress_handler.html).
  ///
  /// - Parameter instructions: how many instructions of SQLite's virtual machine lie between two questions.
  package func setProgressHandler(every instructions: Int, _ shouldGoOn: @escaping () -> Bool) {
    hooks.question = (instructions, shouldGoOn)
    installProgressHandler()
  }

  package func removeProgressHandler() {
    hooks.question = nil
    installProgressHandler()
  }

  /// SQLite has room for one handler, so it asks both the question and the cost limit, if there is one.
  func installProgressHandler() {
    guard hooks.question != nil || costLimit != nil else {
      if hooks.progress != nil { unsafe sqlite3_progress_handler(handle, 0, nil, nil) }
      hooks.progress = nil
      return
    }
    let (instructions, question) = (hooks.question?.instructions ?? 1_000, hooks.question?.shouldGoOn)
    let hook = Hooks.Progress { [costLimit] in
      costLimit?.goesOn(after: instructions) ?? true && question?() ?? true
    }
    unsafe sqlite3_progress_handler(
      handle, Int32(clamping: instructions),
      { context in
        guard let shouldGoOn = unsafe Hooks.Progress.call(behind: context) else { return 1 }
        return shouldGoOn() ? 0 : 1
      }, hook.pointer)
    hooks.progress = hook
  }
}

/// A statement that began to run.
package struct TracedStatement: Sendable {
  /// As it was prepared.
  package let sql: String
  /// The SQL with the values of its parameters in it, byte for byte; nil when there was not enough memory. A text with
  /// a NUL ends there.
  package let expanded: [UInt8]?
}

extension Connection {
  /// Reports every statement that begins to run, except those inside triggers (sqlite.org/c3ref/trace_v2.html). A
  /// connection has one tracer: this replaces the previous one.
  ///
  /// - Parameter observe: must not use the connection.
  package func trace(_ observe: @escaping (TracedStatement) -> Void) {
    let hook = Hooks.Tracer(observe)
    unsafe sqlite3_trace_v2(
      handle, UInt32(SQLITE_TRACE_STMT),
      { _, context, statement, text in
        guard let observe = unsafe Hooks.Tracer.call(behind: context), let statement = unsafe statement else {
          return 0
        }
        // For a trigger that starts, the text is a comment with its name.
        if let text = unsafe text?.assumingMemoryBound(to: CChar.self), unsafe text[0] == 0x2D,
          unsafe text[1] == 0x2D
        {
          return 0
        }
        let handle = OpaquePointer(statement)
        guard let sql = unsafe sqlite3_sql(handle) else { return 0 }
        let expanded = unsafe sqlite3_expanded_sql(handle)
        defer { unsafe sqlite3_free(expanded) }
        observe(
          TracedStatement(
            sql: unsafe String(cString: sql),
            expanded: unsafe expanded.map { text in
              unsafe UnsafeRawBufferPointer(start: text, count: strlen(text)).map(\.self)
            }))
        return 0
      }, hook.pointer)
    hooks.tracer = hook
  }

  package func stopTracing() {
    guard hooks.tracer != nil else { return }
    unsafe sqlite3_trace_v2(handle, 0, nil, nil)
    hooks.tracer = nil
  }
}

// MARK: - Changing rows

extension Connection {
  /// Whether the library reports every row, also those that REPLACE removes and those of tables without rowids
  /// (sqlite.org/c3ref/preupdate_blobwrite.html).
  package static let tellsEveryChange: Bool = {
    guard let scratch = try? Connection(path: "", mode: .memory) else { return false }
    return unsafe phasedb_preupdate_hook(scratch.handle, nil, nil) == 1
  }()

  /// Reports every row of the main database that is changed by a statement prepared from now on.
  ///
  /// - Parameter everyChange: false uses the update hook (sqlite.org/c3ref/update_hook.html), as a library without the
  ///   pre-update hook always does. It leaves out rows that REPLACE removes, rows of WITHOUT ROWID tables, and those of a
  ///   DELETE without a condition.
  package func startTelling(_ changes: RowChanges, everyChange: Bool = Connection.tellsEveryChange) {
    stopTelling()
    hooks.rowChanges = changes
    let context = unsafe Unmanaged.passUnretained(changes).toOpaque()
    if everyChange {
      _ = unsafe phasedb_preupdate_hook(
        handle,
        { context, connection, code, database, table, old, new in
          guard let context = unsafe context, let database = unsafe database, let table = unsafe table,
            unsafe isMain(database)
          else { return }
          let changes = unsafe Unmanaged<RowChanges>.fromOpaque(context).takeUnretainedValue()
          unsafe changes.tell(code, table, old, new, connection)
        }, context)
    } else {
      unsafe sqlite3_update_hook(
        handle,
        { context, code, database, table, row in
          guard let context = unsafe context, let database = unsafe database, let table = unsafe table,
            unsafe isMain(database)
          else { return }
          let changes = unsafe Unmanaged<RowChanges>.fromOpaque(context).takeUnretainedValue()
          unsafe changes.tell(code, table, row, row, nil)
        }, context)
    }
  }

  package func stopTelling() {
    guard hooks.rowChanges != nil else { return }
    _ = unsafe phasedb_preupdate_hook(handle, nil, nil)
    unsafe sqlite3_update_hook(handle, nil, nil)
    hooks.rowChanges = nil
  }
}

private func isMain(_ name: UnsafePointer<CChar>) -> Bool {
  unsafe name[0] == 0x6d && name[1] == 0x61 && name[2] == 0x69 && name[3] == 0x6e && name[4] == 0
}

// MARK: - Committing

/// How full the write-ahead log is (sqlite.org/wal.html).
package struct WriteAheadLog: Hashable, Sendable {
  /// Pages in it.
  package let pages: Int
  /// Pages of the log that have been copied into the database.
  package let checkpointed: Int

  /// Pages that could not be copied into the database, because a reader still needs the pages that they replace.
  package var pinned: Int { max(0, pages - checkpointed) }
}

/// Pages in the write-ahead log after the last commit; 0 in another journal mode.
final class LogLength {
  var pages = 0
}

extension Connection {
  /// Switches off the automatic checkpoint of this connection, and counts the length of the log instead. SQLite makes a
  /// checkpoint after a commit, when the write lock is free again, so it must not count as time in which the lock was
  /// held (sqlite.org/c3ref/wal_hook.html).
  package func takeOverCheckpoints() {
    giveBackCheckpoints(every: 0)
    let log = LogLength()
    unsafe sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        if let context = unsafe context {
          unsafe Unmanaged<LogLength>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
        }
        return SQLITE_OK
      }, Unmanaged.passUnretained(log).toOpaque())
    hooks.log = log
  }

  /// Switches the automatic checkpoint on again, for a log of so many pages.
  package func giveBackCheckpoints(every pages: Int) {
    unsafe sqlite3_wal_autocheckpoint(handle, Int32(clamping: pages))
    hooks.log = nil
  }

  /// Pages in the log after the last commit, since checkpoints were taken over.
  package var pagesInLog: Int { hooks.log?.pages ?? 0 }

  /// Copies the log into the database as far as readers allow, without waiting.
  ///
  /// - Parameter restarts: also lets the log start over when all of it is copied, if that needs no waiting.
  /// - Returns: nil in another journal mode.
  package func checkpoint(restarting restarts: Bool = false) throws(SQLiteError) -> WriteAheadLog? {
    let mode = restarts ? "RESTART" : "PASSIVE"
    let row = try rows("PRAGMA main.wal_checkpoint(\(mode))").first ?? []
    guard row.count == 3, let pages = row[1].integer, let done = row[2].integer, pages >= 0 else {
      return nil
    }
    return WriteAheadLog(pages: Int(pages), checkpointed: Int(done))
  }
}

// MARK: - Functions

extension Connection {
  /// Gives SQL a function whose result depends only on its arguments (sqlite.org/c3ref/create_function.html).
  ///
  /// - Parameters:
  ///   - argumentCount: how many arguments it takes, -1 for any number.
  ///   - isForSchema: also lets views, triggers, constraints and indexes use it, so it must be harmless.
  package func define(
    _ name: String, argumentCount: Int, isForSchema: Bool = false, _ body: @escaping ([Value]) -> Value
  ) throws(SQLiteError) {
    let code = unsafe sqlite3_create_function_v2(
      handle, name, Int32(clamping: argumentCount),
      SQLITE_UTF8 | SQLITE_DETERMINISTIC | (isForSchema ? SQLITE_INNOCUOUS : SQLITE_DIRECTONLY),
      Unmanaged.passRetained(Hook(body)).toOpaque(),
      { context, count, arguments in
        guard let context = unsafe context,
          let body = unsafe Hook<([Value]) -> Value>.call(behind: sqlite3_user_data(context))
        else { return }
        let values = (0..<Int(count)).map { unsafe Value(arguments?[$0]) }
        unsafe body(values).give(to: context)
      }, nil, nil,
      { user in
        if let user = unsafe user { unsafe Unmanaged<Hook<([Value]) -> Value>>.fromOpaque(user).release() }
      })
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code, on: handle) }
  }
}
