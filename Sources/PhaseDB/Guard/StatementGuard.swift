internal import PhaseSQL
internal import PhaseSQLite

/// Decides what the SQL of a phase may do: anything to rows and schema, nothing to transactions, connections or
/// the ledger.
///
/// SQLite's authorizer sees every statement as it is compiled, also inside triggers and views. What SQLite does not
/// report to it is looked for in the tokens before a statement runs, and in the schema afterwards.
final class StatementGuard {
  /// Why a statement may not run, and what to write instead.
  struct Refusal: Hashable, Sendable {
    let what: Prose
    let remedy: Prose
  }

  /// What the authorizer refused last. SQLite only answers "not authorized".
  private(set) var refusal: Refusal?
  /// What the statements write, also from inside triggers.
  private(set) var writes = WriteSet()
  /// What the present statement writes.
  private var statement = WriteSet()

  /// Whether the SQL is that of a phase. A phase must not touch ignored tables; SQL that only reads may read them.
  private let isOfPhase: Bool
  private var ignored = NamePatterns()
  private var functions = FunctionList.ofLibrary
  private var modules = ModuleList.ofLibrary
  /// Whether the statement alters a table of `main`.
  private var isAltering = false

  init(isOfPhase: Bool = false) { self.isOfPhase = isOfPhase }

  /// Watches everything that the connection compiles until `release`.
  func watch(_ connection: Connection) {
    refusal = nil
    ignored = connection.ignoredTables
    functions = .of(connection)
    modules = .of(connection)
    var asked = 0
    connection.setAuthorizer {
      [unowned self, costLimit = connection.costLimit, stubs = connection.stubs] action in
      // Deeply nested views may take minutes to compile, before any step runs.
      asked += 1
      if let costLimit, asked.isMultiple(of: 256), !costLimit.goesOn(after: 0) { return false }
      if action.code == .alterTable, action.first != "temp" { self.isAltering = true }
      guard let refusal = self.refusal(of: action) else {
        if let stubs, action.code == .function, let name = action.second {
          stubs.note(name)
        }
        self.statement.add(action)
        return true
      }
      self.refusal = refusal
      return false
    }
  }

  func release(_ connection: Connection) { connection.removeAuthorizer() }

  /// Ends a statement.
  ///
  /// - Returns: what it wrote.
  func finishStatement() -> WriteSet {
    defer { (statement, isAltering) = (WriteSet(), false) }
    writes.formUnion(statement)
    return statement
  }
}

// MARK: - What the authorizer is told

extension StatementGuard {
  private func refusal(of action: AuthorizedAction) -> Refusal? {
    if TemporarySchema.isTouched(by: action, isAltering: isAltering) { return Self.temporary }
    switch action.code {
    case .transaction, .savepoint:
      // SQLite reports SAVEPOINT as BEGIN, and ROLLBACK TO as ROLLBACK.
      let operation = action.first ?? "transaction control"
      let isBegun = action.code == .savepoint && operation == "BEGIN"
      return Refusal(
        what: "\(isBegun ? "SAVEPOINT" : operation) inside a phase",
        remedy: "remove it: phasedb runs the phase in a transaction of its own")
    case .attach, .detach:
      return Refusal(
        what: "ATTACH, DETACH or VACUUM inside a phase",
        remedy: "remove it: a phase works on one database, and VACUUM is run outside phasedb")
    case .pragma:
      let name = (action.first ?? "").asciiLowercased
      guard Self.readingPragmas.contains(name) || (action.second == nil && Self.valuePragmas.contains(name))
      else {
        return Refusal(
          what: "PRAGMA \(name) inside a phase",
          remedy: "remove it: set it where the application opens the database")
      }
    case .function:
      let name = action.second ?? ""
      if !Schema.isLedgerName(name), !functions.allows(name) { return Self.refusal(ofFunction: name) }
    case .createVirtualTable:
      if let module = action.second, !ModuleList.allows(module: module) {
        return Self.refusal(ofModule: module)
      }
    case .read:
      if let table = action.first, modules.refuses(table: table) { return Self.refusal(ofModule: table) }
    // `ANALYZE` and `REINDEX` cannot skip the ledger, and do it no harm.
    case .analyze, .reindex: return nil
    default: break
    }
    if isOfPhase, let refusal = refusal(ofTableLeftOut: action) { return refusal }
    // A trigger that holds a lane is compiled together with the statement that fires it. It only reads what its
    // condition needs.
    let origin = action.origin.flatMap { $0.folded.hasPrefix(LaneTrigger.prefix) ? nil : $0 }
    let names = [action.first, action.second, origin].compactMap { $0 }
    // `SELECT *` reads a retired column like any other. A statement that names one is refused by its tokens.
    if action.code == .read, let column = action.second, RetiredName(SchemaName(column)) != nil,
      !Schema.isLedgerName(action.first ?? "")
    {
      return nil
    }
    if let name = names.first(where: Schema.isLedgerName) {
      return Refusal(
        what: "the use of \(name), which belongs to phasedb,", remedy: "give the object another name")
    }
    return nil
  }

  /// Refuses to change an ignored table: such a change could not be compared or undone. The application's own
  /// triggers and views may use it.
  private func refusal(ofTableLeftOut action: AuthorizedAction) -> Refusal? {
    guard action.origin == nil, action.code != .function, action.code != .pragma else { return nil }
    for name in [action.first, action.second] {
      guard let name, let reason = Schema.reasonToLeaveOut(name.folded, ignored), isTable(name, in: action)
      else { continue }
      return Refusal(
        what: "the use of table \(name)",
        remedy:
          "leave it to its owner, or change it outside phasedb: \(reason), so its rows and its declaration could not be given back"
      )
    }
    return nil
  }

  /// Whether a name of an action is one of a table, and not one of a column or a database.
  private func isTable(_ name: String, in action: AuthorizedAction) -> Bool {
    switch action.code {
    case .read, .update, .insert, .delete, .createTable, .dropTable, .createVirtualTable, .dropVirtualTable:
      name == action.first
    default: name == action.second
    }
  }

  private static func refusal(ofFunction name: String) -> Refusal {
    let isHarmful = FunctionList.harmful.contains(name.asciiLowercased)
    return Refusal(
      what: "the function \(name) inside a phase",
      remedy: isHarmful
        ? "remove it: it reaches out of the database"
        : "remove it, or register it as SQLITE_DETERMINISTIC or SQLITE_INNOCUOUS if it only computes a value")
  }

  private static func refusal(ofModule name: String) -> Refusal {
    Refusal(
      what: "the module \(name) inside a phase",
      remedy: "remove it: phases use full-text and R-tree tables, JSON, generate_series and dbstat")
  }

  private static let temporary = Refusal(
    what: "a TEMP object inside a phase",
    remedy:
      "make an ordinary table and drop it in the same phase, or use WITH: a TEMP object can hide one of main")

  /// Pragmas that only read, with or without an argument (sqlite.org/pragma.html).
  private static let readingPragmas: Set<String> = [
    "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list",
    "foreign_key_check", "integrity_check", "quick_check", "collation_list", "function_list", "module_list",
    "pragma_list", "compile_options", "database_list",
  ]

  /// Pragmas that read without a value and write with one.
  private static let valuePragmas: Set<String> = [
    "user_version", "application_id", "encoding", "page_size", "page_count", "freelist_count",
    "schema_version",
    "data_version", "foreign_keys", "recursive_triggers",
  ]
}

// MARK: - What the authorizer is not told

extension StatementGuard {
  /// Looks for what SQLite compiles without asking the authorizer: VACUUM, and conflict clauses that end the
  /// transaction around them (sqlite.org/lang_conflict.html).
  ///
  /// - Returns: the refusal and its UTF-8 range in `sql`.
  static func refusal(ofTokensIn sql: Substring.UTF8View) -> (Refusal, Range<Int>)? {
    let bytes = Array(sql)
    let text = String(decoding: bytes, as: UTF8.self)
    let tokens = SQLTokens(text).filter { !$0.kind.isTrivia }
    func word(_ index: Int) -> String {
      guard tokens.indices.contains(index), tokens[index].kind == .word || tokens[index].kind == .punctuation
      else {
        return ""
      }
      return String(decoding: bytes[tokens[index].range], as: UTF8.self).asciiLowercased
    }
    let mayBeRetired = text.asciiLowercased.contains(RetiredName.prefix)
    for token in tokens where mayBeRetired && [.word, .quotedIdentifier, .string].contains(token.kind) {
      guard let name = SchemaName(token.kind, bytes[token.range]), name.key.hasPrefix(RetiredName.prefix)
      else { continue }
      return (
        Refusal(
          what: "the use of \(name), which was retired,",
          remedy: "leave it alone: the down of its phase restores it, and purge destroys it"), token.range
      )
    }
    if word(0) == "vacuum", let first = tokens.first {
      return (
        Refusal(what: "VACUUM inside a phase", remedy: "remove it: VACUUM is run outside phasedb"),
        first.range
      )
    }
    for index in tokens.indices where word(index) == "rollback" {
      let before = word(index - 1)
      let isRaise = before == "(" && word(index - 2) == "raise"
      guard before == "or" || before == "conflict" || isRaise else { continue }
      let start = tokens[isRaise ? index - 2 : index - 1].range.lowerBound
      return (
        Refusal(
          what: "a conflict clause that ends the phase's transaction",
          remedy: "write ABORT instead of ROLLBACK: it undoes the statement and leaves the transaction open"),
        start..<tokens[index].range.upperBound
      )
    }
    return nil
  }

  /// Refuses a rename to a name that is outside the schema, which the authorizer is not told of.
  static func refuseLeftOut(from before: Schema, to after: Schema, at place: Place) throws(MigrationError) {
    guard let name = after.tablesLeftOut.subtracting(before.tablesLeftOut).sorted().first else { return }
    throw MigrationError(
      .forbiddenStatement, "a table that is named \(name) is not allowed", at: place,
      help: [
        "give it another name: a table of this name belongs to another tool, or ignoreTables in the settings leaves it out of the schema"
      ])
  }

  /// Finds uses of the ledger that the authorizer does not see: a rename to one of its names, or the body of a view or
  /// trigger, which is compiled only when it is used.
  static func trespass(_ changes: [SchemaChange], from before: Schema, to after: Schema) -> Prose? {
    if let name = after.ledgerNames.subtracting(before.ledgerNames).sorted().first {
      return "'\(name)' begins with phasedb_, which is reserved for the ledger"
    }
    if let name = before.ledgerNames.subtracting(after.ledgerNames).sorted().first {
      return "'\(name)' of the ledger is gone"
    }
    for object in changes.filter({ $0.kind == .added }).map(\.object) {
      if let (name, _) = Schema.ledgerName(in: object.sql) {
        return "\(object.title) uses \(name), which belongs to phasedb"
      }
    }
    return nil
  }
}
