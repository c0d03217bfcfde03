internal import PhaseSQL
internal import PhaseSQLite

/// The queries for one line of `@effects`. They only read, run under the guard of phases, and may have a time limit.
struct EffectQuery {
  let effect: Effect
  private let table: Table
  private let connection: Connection
  /// How long each query may take; nil for as long as it takes.
  private let limit: Duration?

  /// The reason why a query cannot be answered.
  struct Unknown: Error {
    let why: Prose
    /// An error of SQLite about the disk, a lock or a request to stop, and not about the table; nil for other
    /// reasons.
    private(set) var failure: SQLiteError?

    init(why: Prose) { self.why = why }

    init(_ error: SQLiteError) {
      why = "\(error.message)"
      if error.code.isOfSurroundings { failure = error }
    }
  }

  /// - Throws: ``Unknown`` when the table or the column is not there.
  init(_ effect: Effect, within limit: Duration? = nil, on connection: Connection) throws(Unknown) {
    (self.effect, self.limit, self.connection) = (effect, limit, connection)
    let name = SchemaName(effect.table)
    guard let table = try Self.asking({ () throws(SQLiteError) in try Table(name, on: connection) }) else {
      throw Unknown(why: "there is no table \(effect.table)")
    }
    self.table = table
    guard table.column(SchemaName(effect.column)) != nil || isRowID else {
      throw Unknown(why: "\(effect.table) has no column \(effect.column)")
    }
  }

  /// Whether the column is the rowid, by a name that no column has.
  private var isHiddenRowID: Bool {
    !table.isWithoutRowID && table.column(SchemaName(effect.column)) == nil
      && RowKey.rowIDNames.contains(effect.column.folded)
  }

  /// Whether the column is the rowid.
  private var isRowID: Bool {
    isHiddenRowID
      || table.primaryKey?.form == .integer
        && table.primaryKey?.names.first.map { SchemaName($0) } == SchemaName(effect.column)
  }

  private var source: String { "main.\(SQLText.identifier(table.name.spelled))" }
  // Without quotes if no column has the name, because SQLite may take a quoted name for a text.
  private var column: String { isHiddenRowID ? effect.column : SQLText.identifier(effect.column) }
  /// The condition, alone on its lines.
  private var condition: String { effect.condition.map { "(\n\($0)\n)" } ?? "1" }

  /// The names of the columns that ``rows(behind:earlier:each:)`` gives.
  var columns: [String] {
    (isHiddenRowID ? [effect.column] : []) + table.columns.map(\.name.spelled)
  }

  /// The condition that a row is newer; `?1` is the mark.
  private func since(_ mark: Value) -> String { mark.isNull ? "\(column) IS NOT NULL" : "\(column) > ?1" }

  /// The query that counts the rows after a mark. It is used to see how SQLite would find them.
  private var counting: String { "SELECT count(*) FROM \(source) WHERE \(column) > ?1 AND \(condition)" }
}

// MARK: - Asking

extension EffectQuery {
  /// The greatest present value. If rowids are never used again, it is the greatest that ever existed.
  func mark() throws(Unknown) -> Value {
    let greatest = try value("SELECT max(\(column)) FROM \(source)")
    return max(greatest, try counter() ?? .null)
  }

  private func max(_ one: Value, _ other: Value) -> Value {
    guard let counted = other.integer, counted > 0 else { return one }
    guard let found = one.integer else { return one.isNull ? other : one }
    return .integer(Swift.max(found, counted))
  }

  /// What SQLite remembers as the last rowid of the table (sqlite.org/autoinc.html); nil when it does not.
  private func counter() throws(Unknown) -> Value? {
    guard isRowID, table.hasAutoincrement else { return nil }
    return try Self.asking { () throws(SQLiteError) in
      try connection.value(
        "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", .text(table.name.spelled))
    }
  }

  /// The rows up to a mark that do not meet the condition, by their values of the column.
  ///
  /// - Returns: nil when they cannot be followed: the column does not tell rows apart, or there are too many.
  func open(upTo mark: Value, most: Int) throws(Unknown) -> [Value]? {
    guard effect.condition != nil, !mark.isNull else { return [] }
    guard try isUnique() else { return nil }
    var keys: [Value] = []
    try known {
      try run(
        "SELECT \(column) FROM \(source) WHERE \(column) <= ?1 AND NOT coalesce(\(condition), 0) LIMIT \(most + 1)",
        [mark]
      ) { keys.append($0.value(at: 0)) }
    }
    return keys.count > most ? nil : keys
  }

  /// How many rows behind a mark meet the condition, and the least and the greatest value of the column among them.
  func count(behind mark: Value) throws(Unknown) -> (rows: Int, first: Value, last: Value) {
    var found = (rows: 0, first: Value.null, last: Value.null)
    try known {
      try run(
        "SELECT count(*), min(\(column)), max(\(column)) FROM \(source) WHERE \(since(mark)) AND \(condition)",
        mark.isNull ? [] : [mark]
      ) { found = (Int($0.integer(at: 0)), $0.value(at: 1), $0.value(at: 2)) }
    }
    return found
  }

  /// How many newer rows were deleted again; nil when SQLite does not know.
  ///
  /// A rowid that an application skipped counts, too.
  func deleted(behind mark: Value) throws(Unknown) -> Int? {
    guard let last = try counter()?.integer, mark.isNull || mark.integer != nil else { return nil }
    let first = mark.integer ?? 0
    let present = try value(
      "SELECT count(*) FROM \(source) WHERE \(column) > ?1", mark.isNull ? .integer(0) : mark)
    let (came, isTooMany) = last.subtractingReportingOverflow(first)
    guard !isTooMany, let present = present.integer else { return nil }
    return Int(Swift.max(0, came - present))
  }

  /// Which of the rows that did not meet the condition meet it now.
  func met(among keys: [Value]) throws(Unknown) -> [Value] {
    guard !keys.isEmpty else { return [] }
    var met: [Value] = []
    try known {
      try run("SELECT 1 FROM \(source) WHERE \(column) = ?1 AND \(condition)", each: keys) { key, _ in
        met.append(key)
      }
    }
    return met
  }

  /// Every row that is counted, earlier ones first.
  ///
  /// - Parameters:
  ///   - earlier: the values of the column of rows before the mark.
  ///   - each: gets whether the row is an earlier one, and its values in the order of ``columns``.
  func rows(
    behind mark: Value, earlier: [Value], each: (_ isEarlier: Bool, [Value]) throws -> Void
  ) throws {
    let list = columns.map { isHiddenRowID && $0 == effect.column ? $0 : SQLText.identifier($0) }
      .joined(separator: ", ")
    let indices = columns.indices
    if !earlier.isEmpty {
      try run("SELECT \(list) FROM \(source) WHERE \(column) = ?1 AND \(condition)", each: earlier) {
        _, row in
        try each(true, indices.map { row.value(at: $0) })
      }
    }
    try run(
      "SELECT \(list) FROM \(source) WHERE \(since(mark)) AND \(condition) ORDER BY \(column)",
      mark.isNull ? [] : [mark]
    ) { row in try each(false, indices.map { row.value(at: $0) }) }
  }

  private func value(_ sql: String, _ values: Value...) throws(Unknown) -> Value {
    var found = Value.null
    try known { try run(sql, values) { found = $0.value(at: 0) } }
    return found
  }

  private func run(
    _ sql: String, _ values: [Value], row: (borrowing Statement) throws -> Void
  ) throws {
    try guarded {
      var statement = try connection.prepare(sql)
      try statement.bind(values)
      while try statement.step() { try row(statement) }
    }
  }

  private func run(
    _ sql: String, each keys: [Value], row: (Value, borrowing Statement) throws -> Void
  ) throws {
    try guarded {
      var statement = try connection.prepare(sql)
      for key in keys {
        try statement.bind(key, at: 1)
        while try statement.step() { try row(key, statement) }
        statement.reset()
      }
    }
  }

  /// Runs a body under the guard and within the limit. What SQLite says becomes ``Unknown``.
  ///
  /// - Returns: what its last statement does.
  @discardableResult
  private func guarded(_ body: () throws -> Void) throws -> WriteSet {
    let guarding = StatementGuard()
    guarding.watch(connection)
    defer { guarding.release(connection) }
    do {
      if let limit {
        try connection.limited(to: CostLimit(.reading(within: limit)), body)
      } else {
        try connection.spending(body)
      }
      return guarding.finishStatement()
    } catch let error as SQLiteError {
      if let refusal = guarding.refusal { throw Unknown(why: "\(refusal.what) is not allowed") }
      if error.code == .tooCostly, let limit {
        throw Unknown(why: "counting takes longer than \(DurationText.print(limit))")
      }
      throw Unknown(error)
    }
  }

  /// A body that throws nothing else.
  private func known<Result>(_ body: () throws -> Result) throws(Unknown) -> Result {
    do {
      return try body()
    } catch let error as Unknown {
      throw error
    } catch {
      throw Unknown(why: "\(error)")
    }
  }

  private static func asking<Result>(_ body: () throws(SQLiteError) -> Result) throws(Unknown) -> Result {
    do throws(SQLiteError) {
      return try body()
    } catch {
      throw Unknown(error)
    }
  }
}

// MARK: - What lint asks

extension EffectQuery {
  /// Compiles what is counted, and reads nothing.
  func compile() throws(Unknown) {
    let functions = try known { try guarded { _ = try connection.prepare(counting) }.functions }
    guard let changing = functions.first(where: Self.changing.contains) else { return }
    throw Unknown(why: "\(changing)() gives another count each time")
  }

  /// Functions that depend on chance or on the connection, so that the same rows may count differently.
  private static let changing: Set<FoldedName> = [
    "random", "randomblob", "changes", "total_changes", "last_insert_rowid",
  ]

  /// Whether SQLite reads the whole table to count the rows behind a mark.
  func isScan() throws(Unknown) -> Bool {
    try Self.asking { () throws(SQLiteError) in
      try connection.queryPlan(of: counting).first { $0.isOutermost && $0.access != nil }?.access == .scan
    }
  }

  /// Why the column does not grow with every row; nil when nothing speaks against it.
  var disorder: Prose? {
    guard let found = table.column(SchemaName(effect.column)) else { return nil }
    if found.keyPosition > 0, !isRowID, !found.type.contains("int") {
      return "the key \(effect.column) of \(effect.table) need not grow with every row"
    }
    // The rowid is never NULL, whatever its column declares.
    guard found.mayBeNull, !isRowID else { return nil }
    return "\(effect.column) of \(effect.table) may be NULL, and such rows are never counted"
  }

  /// Whether no two rows have the same value of the column.
  private func isUnique() throws(Unknown) -> Bool {
    if isRowID { return true }
    return try Self.asking { () throws(SQLiteError) in
      let name = SchemaName(effect.column)
      let indexes = try connection.rows(
        """
        SELECT i.name FROM pragma_index_list(?1, 'main') AS i WHERE i."unique" AND NOT i.partial
        """, .text(table.name.spelled))
      for index in indexes {
        let columns = try connection.rows(
          "SELECT name FROM pragma_index_info(?1, 'main')", index[0])
        if columns.count == 1, let only = columns[0][0].text, SchemaName(only) == name { return true }
      }
      return false
    }
  }
}
