internal import PhaseSQL
package import PhaseSQLite

/// The functions that the SQL of a phase may call.
///
/// SQLite marks functions that are harmless everywhere as innocuous, and functions that only compute as deterministic
/// (sqlite.org/c3ref/c_deterministic.html). Functions with either mark may be called, and so may the few below that
/// have none.
package struct FunctionList: Sendable {
  private let names: Set<String>
  private let traits: [String: Traits]

  /// What SQLite says of all functions with one name, whatever their number of arguments.
  struct Traits: Sendable {
    let isScalar: Bool
    /// Whether it is an aggregate or a window function, too.
    let combinesRows: Bool
    /// Whether its result as a scalar depends only on its arguments: SQLITE_DETERMINISTIC
    /// (sqlite.org/c3ref/c_deterministic.html). max() and min() are aggregates, too, and those never have the mark.
    let isDeterministic: Bool

    fileprivate init(_ row: ArraySlice<Value>) {
      let flags = row.map { $0.integer ?? 0 }
      (isScalar, combinesRows, isDeterministic) = (flags[0] != 0, flags[1] != 0, flags[2] != 0)
    }

    /// The columns that a query over `pragma_function_list` selects for these traits.
    fileprivate static let columns =
      "max(type = 's'), max(type <> 's'), min(CASE type WHEN 's' THEN flags & 0x800 END)"
  }

  /// The list for the library alone, without functions of an application.
  static let ofLibrary: FunctionList = {
    let connection = try? Connection(path: "", mode: .memory)
    return connection.map { FunctionList(of: $0) } ?? FunctionList(names: [], traits: [:])
  }()

  /// The list for a connection. On a borrowed handle it also has the application's own functions, if they are marked.
  package static func of(_ connection: Connection) -> FunctionList {
    if connection.isBorrowed { return FunctionList(of: connection) }
    guard let stubs = connection.stubs else { return ofLibrary }
    return FunctionList(
      names: ofLibrary.names.union(stubs.all.map(\.name.asciiLowercased)), traits: ofLibrary.traits)
  }

  /// If SQLite cannot list its functions, none may be called.
  init(of connection: Connection) {
    let rows =
      (try? connection.rows(
        """
        SELECT lower(name), min(builtin OR flags & \(Self.marks) <> 0), max(flags & \(Self.marks)), \(Traits.columns)
        FROM pragma_function_list GROUP BY 1
        """)) ?? []
    let marked = rows.filter { $0[1].integer != 0 && $0[2].integer != 0 }.compactMap { $0[0].text }
    let traits = rows.compactMap { row in row[0].text.map { ($0, Traits(row[3...])) } }
    self.init(
      names: Set(marked).union(Self.unmarked).subtracting(Self.harmful),
      traits: Dictionary(traits, uniquingKeysWith: { first, _ in first }))
  }

  private init(names: Set<String>, traits: [String: Traits]) {
    self.names = names
    self.traits = traits
  }

  /// The traits of a function of a connection; nil when there is no such function. The question is a query to SQLite,
  /// which takes longer than most statements of a phase.
  static func traits(
    of function: FoldedName, on connection: Connection
  ) throws(SQLiteError) -> Traits? {
    if !connection.isBorrowed, connection.stubs == nil, let known = ofLibrary.traits[function.text] {
      return known
    }
    let rows = try connection.rows(
      "SELECT \(Traits.columns) FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE GROUP BY lower(name)",
      .text(function.text))
    return rows.first.map { Traits($0[...]) }
  }

  /// Whether SQL that calls these functions may give another result the next time, with the same rows. Chance, the
  /// clock and an application's own functions make it do so. Aggregates do not.
  static func leavesToChance(
    _ functions: Set<FoldedName>, on connection: Connection
  ) throws(SQLiteError) -> Bool {
    for name in functions.sorted() where !name.text.hasPrefix("sqlite_") {
      guard try traits(of: name, on: connection)?.isScalar == true else { continue }
      if try !isConstant(name, on: connection) { return true }
    }
    return false
  }

  /// Whether one of these functions may refuse a value, as json() refuses a text that is no JSON, and abs() the least
  /// integer.
  static func mayRaise(_ functions: Set<FoldedName>) -> Bool {
    !functions.allSatisfy { $0.text.hasPrefix("sqlite_") || takingAnything.contains($0) }
  }

  /// Functions that have a result for every value, and keywords in a DEFAULT that are none.
  private static let takingAnything: Set<FoldedName> = Set(
    """
    avg changes char coalesce count cume_dist current_date current_time current_timestamp date datetime dense_rank false
    first_value glob group_concat hex ifnull iif instr julianday lag last_insert_rowid last_value lead length like
    likelihood likely lower ltrim max min ntile null nullif percent_rank printf quote random rank replace round row_number rtrim
    strftime substr substring time total total_changes trim true typeof unicode unixepoch unlikely upper
    """.split(whereSeparator: \.isWhitespace).map { String($0).folded })

  /// Whether a function's result depends only on its arguments. SQLite also says this of date functions, although
  /// their argument may be 'now'.
  static func isConstant(_ function: FoldedName, on connection: Connection) throws(SQLiteError) -> Bool {
    guard !functionsOfTime.contains(function) else { return false }
    return try traits(of: function, on: connection)?.isDeterministic ?? false
  }

  private static let functionsOfTime: Set<FoldedName> = [
    "date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff",
  ]

  package func allows(_ name: String) -> Bool { names.contains(name.asciiLowercased) }

  /// SQLITE_INNOCUOUS and SQLITE_DETERMINISTIC.
  private static let marks = 0x20_0800

  /// Functions without a mark that only read what they are given, or the table that the query reads.
  static let unmarked: Set<String> = [
    // Of full-text and R-tree tables (sqlite.org/fts5.html, sqlite.org/fts3.html, sqlite.org/rtree.html).
    "bm25", "highlight", "snippet", "match", "matchinfo", "offsets", "optimize", "fts5_source_id",
    "fts5_locale", "fts5_get_locale", "fts5_insttoken", "rtreecheck",
    // Only ALTER TABLE itself calls these, inside SQLite.
    "sqlite_rename_column", "sqlite_rename_table", "sqlite_rename_test", "sqlite_rename_quotefix",
    "sqlite_drop_column", "sqlite_add_constraint", "sqlite_drop_constraint", "sqlite_find_constraint",
    "sqlite_fail",
  ]

  /// Functions that reach code, files, an editor or the application's error log outside the database, whatever their
  /// marks.
  static let harmful: Set<String> = [
    "fts3_tokenizer", "load_extension", "readfile", "writefile", "lsmode", "edit", "zipfile", "sqlite_log",
  ]
}

/// The modules of virtual tables that the SQL of a phase may use: full-text and R-tree indexes, JSON, series of
/// numbers and the sizes of tables.
package struct ModuleList: Sendable {
  /// Modules of the connection that may not be used.
  private let refused: Set<String>

  static let ofLibrary: ModuleList = {
    let connection = try? Connection(path: "", mode: .memory)
    return connection.map { ModuleList(of: $0) } ?? ModuleList(refused: [])
  }()

  package static func of(_ connection: Connection) -> ModuleList {
    connection.isBorrowed ? ModuleList(of: connection) : ofLibrary
  }

  init(of connection: Connection) {
    // A query reads a table of that name, if there is one, and not the module.
    let rows = try? connection.rows(
      "SELECT lower(name) FROM pragma_module_list EXCEPT SELECT lower(name) FROM main.sqlite_schema")
    let names = (rows ?? []).compactMap { $0[0].text }
    self.init(refused: Set(names.filter { !Self.allows(module: $0) }))
  }

  private init(refused: Set<String>) { self.refused = refused }

  /// Whether a virtual table of a module may be made. `pragma_…` is judged by its PRAGMA.
  package static func allows(module name: String) -> Bool {
    let name = name.asciiLowercased
    return allowed.contains(name) || name.hasPrefix("pragma_")
  }

  /// Whether a table is a module that must not be read.
  package func refuses(table name: String) -> Bool { refused.contains(name.asciiLowercased) }

  static let allowed: Set<String> = [
    "fts3", "fts4", "fts5", "fts4aux", "fts5vocab", "fts3tokenize", "rtree", "rtree_i32", "geopoly",
    "json_each", "json_tree", "jsonb_each", "jsonb_tree", "generate_series", "dbstat",
  ]
}
