internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Watches what another tool's SQL does on a scratch database, and refuses what would touch anything outside it.
///
/// Unlike `StatementGuard`, which lets a phase of phasedb do only what can be taken back, it lets a script do what it may
/// do under its own tool: transactions, TEMP tables, most pragmas and VACUUM.
final class ReplayGuard {
  /// Tables of `main` whose rows were written, or that were dropped or altered.
  private(set) var touched: Set<FoldedName> = []
  /// Tables with rows that an UPDATE or a DELETE reached.
  private(set) var rewritten: Set<FoldedName> = []
  /// Tables that were dropped, each with the statement that did.
  private(set) var dropped: [(table: FoldedName, statement: Int)] = []
  /// Whether the counters of AUTOINCREMENT were written.
  private(set) var writesCounters = false
  /// Statements with a PRAGMA foreign_keys inside a transaction.
  private(set) var inertPragmas: [Int] = []
  /// Pragmas that were set and stay set on the connection.
  private(set) var settings: Set<String> = []
  /// Whether a statement was refused, and why.
  private(set) var refusal: Prose?
  /// Where the present statement begins in its script.
  var statement = 0
  /// Whether the present statement is a VACUUM, which attaches a database of its own.
  var isVacuum = false
  /// Whether a transaction is open.
  var isInTransaction = false

  func begin() {
    touched = []
    rewritten = []
    dropped = []
    writesCounters = false
    inertPragmas = []
    settings = []
    refusal = nil
  }

  func allows(_ action: AuthorizedAction) -> Bool {
    guard let refusal = refusal(of: action) else {
      note(action)
      return true
    }
    self.refusal = refusal
    return false
  }

  private func note(_ action: AuthorizedAction) {
    switch action.code {
    case .insert, .update, .delete:
      if action.first == "sqlite_sequence" { writesCounters = true }
      guard action.database != "temp", let table = action.first, !table.hasPrefix("sqlite_") else { return }
      touched.insert(table.folded)
      if action.code != .insert { rewritten.insert(table.folded) }
    case .dropTable, .dropVirtualTable:
      guard action.database != "temp", let table = action.first else { return }
      touched.insert(table.folded)
      dropped.append((table.folded, statement))
    case .alterTable:
      guard action.first != "temp", let table = action.second else { return }
      touched.insert(table.folded)
    case .pragma:
      guard let name = action.first?.asciiLowercased, action.second != nil else { return }
      settings.insert(name)
      if name == "foreign_keys", isInTransaction { inertPragmas.append(statement) }
    default: break
    }
  }

  private func refusal(of action: AuthorizedAction) -> Prose? {
    switch action.code {
    case .attach where !(isVacuum && action.first?.isEmpty ?? true):
      return "it attaches another database, which an audit does not do"
    case .function where Self.reachesOut.contains((action.second ?? "").asciiLowercased):
      return "it calls \(action.second ?? ""), which reaches out of the database"
    case .pragma:
      let name = (action.first ?? "").asciiLowercased
      guard action.second != nil, !Self.pragmas.contains(name) else { return nil }
      return "it sets PRAGMA \(name), which an audit does not do"
    default: return nil
    }
  }

  private static let reachesOut: Set<String> = [
    "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer",
  ]

  /// Pragmas whose value does no harm on a private database (sqlite.org/pragma.html). Not among them: `writable_schema`,
  /// those that set a limit, and those of the whole process.
  private static let pragmas: Set<String> = [
    "analysis_limit", "application_id", "auto_vacuum", "automatic_index", "busy_timeout", "cache_size",
    "cache_spill", "case_sensitive_like", "cell_size_check", "checkpoint_fullfsync", "collation_list",
    "count_changes", "defer_foreign_keys", "encoding", "foreign_key_check", "foreign_key_list",
    "foreign_keys",
    "full_column_names", "fullfsync", "ignore_check_constraints", "incremental_vacuum", "index_info",
    "index_list", "index_xinfo", "integrity_check", "journal_mode", "journal_size_limit",
    "legacy_alter_table", "legacy_file_format", "locking_mode", "mmap_size", "optimize", "page_size",
    "query_only", "quick_check", "read_uncommitted", "recursive_triggers", "reverse_unordered_selects",
    "secure_delete", "short_column_names", "synchronous", "table_info", "table_list", "table_xinfo",
    "temp_store", "threads", "user_version", "wal_autocheckpoint", "wal_checkpoint",
  ]
}
