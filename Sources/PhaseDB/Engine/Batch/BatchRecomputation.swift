internal import PhaseSQLite

/// What the SQL of the way back makes of a row, where that can be told beforehand: a value that it computes again exactly
/// as it is needs no archive.
///
/// It can be told of one UPDATE that makes its values of columns of the same row which this direction leaves alone or sets
/// to NULL, by functions that always give the same, and that no trigger follows.
struct BatchRecomputation {
  private let shape: TableShape
  /// What this direction overwrites.
  private let columns: [SchemaName]
  /// The table as the SQL of the way back calls it.
  let alias: String
  /// What the way back gives each of the columns, and which rows it reaches, as SQL about the row before this direction.
  private let values: [String]
  private let condition: String
  /// Whether that is every row of a batch.
  private let reachesAll: Bool
  /// Which rows this direction reaches, when the above count on what it leaves there.
  private let reached: String?

  /// - Parameters:
  ///   - wayBack: the SQL of the way back.
  ///   - plan: the SQL of this direction, and the key of the batches.
  ///   - written: every column of the table that this direction writes, folded.
  /// - Returns: nil when it cannot be told.
  init?(
    of wayBack: Script, after plan: BatchPlan, _ shape: TableShape, columns: [SchemaName],
    written: Set<FoldedName>,
    on connection: Connection
  ) throws(SQLiteError) {
    guard let update = SingleUpdate(wayBack.text, of: shape.name),
      !columns.isEmpty, columns.allSatisfy({ update.values[$0] != nil })
    else { return nil }
    self.shape = shape
    self.columns = columns
    alias = update.alias
    let given = columns.compactMap { update.values[$0] }
    let own = SingleUpdate(plan.script.text, of: shape.name)
    let emptied = Set((own?.values ?? [:]).filter { $0.value.asciiLowercased == "null" }.keys)
    values = given.map { SingleUpdate.replacing(emptied, by: "NULL", in: $0) }
    condition = SingleUpdate.replacing(emptied, by: "NULL", in: update.condition)
    reachesAll = SingleUpdate.isRange(condition, of: plan.key)
    reached = given == values && update.condition == condition ? nil : own?.condition
    guard try isRepeatable(without: written, on: connection), try !firesTriggers(wayBack, on: connection)
    else {
      return nil
    }
    if reached != nil, try firesTriggers(plan.script, on: connection) { return nil }
  }

  /// The condition that the way back gives a row the values that it has now. The ends of a batch are the parameters 1 and
  /// 2.
  var isSame: String {
    let same = zip(columns, values).map { column, value in
      let present = "\(alias).\(SQLText.identifier(column.spelled))"
      // The plus takes away the affinity that a column in the value has, so that comparing converts what assigning would
      // (sqlite.org/datatype3.html#type_conversions_prior_to_comparison).
      let given = "+(\(value))"
      let isSame = "\(present) IS \(given) COLLATE BINARY"
      return convertsNothing(column) ? "\(isSame) AND typeof(\(present)) = typeof(\(given))" : isSame
    }
    let conditions = [reached, reachesAll ? nil : condition].compactMap(\.self).map { "coalesce((\($0)), 0)" }
    return (conditions + same).joined(separator: " AND ")
  }

  /// Whether a value stays of its type in a column, so that 1 is not 1.0.
  private func convertsNothing(_ column: SchemaName) -> Bool {
    let type = shape.column(column)?.type ?? ""
    return type.isEmpty || type == "any" || Affinity(declared: type) == .blob
  }
}

// MARK: - What can be told

extension BatchRecomputation {
  /// Whether the same row has the same values whenever they are computed.
  private func isRepeatable(without written: Set<FoldedName>, on connection: Connection) throws(SQLiteError)
    -> Bool
  {
    let wanted = values + [condition]
    // A subquery of the same table would read like the row itself.
    let asked = wanted + [reached].compactMap(\.self)
    guard !asked.contains(where: { SQLWord.all(in: $0).contains { $0.is("select") } }) else { return false }
    let place = "main.\(SQLText.identifier(shape.name.spelled)) AS \(alias)"
    guard let counted = try uses("SELECT \(wanted.joined(separator: ", ")) FROM \(place)", on: connection),
      let all = try uses("SELECT \(asked.joined(separator: ", ")) FROM \(place)", on: connection)
    else { return false }
    let unfit = written.union(shape.columns.filter(\.isGenerated).map(\.name.key))
    // `IN table` reads another table without a SELECT.
    guard counted.tables.isSubset(of: [shape.name]), counted.columns.isDisjoint(with: unfit) else {
      return false
    }
    for function in all.functions where try !isConstant(function, on: connection) { return false }
    return true
  }

  /// What a query uses, names of columns and functions folded; nil when it cannot be compiled.
  private func uses(
    _ query: String, on connection: Connection
  ) throws(SQLiteError) -> (tables: Set<SchemaName>, columns: Set<FoldedName>, functions: Set<FoldedName>)? {
    var (columns, functions): (Set<FoldedName>, Set<FoldedName>) = ([], [])
    var tables: Set<SchemaName> = []
    connection.setAuthorizer { action in
      switch action.code {
      case .read:
        tables.insert(SchemaName(action.first ?? ""))
        columns.insert((action.second ?? "").folded)
      case .function: functions.insert((action.second ?? "").folded)
      default: break
      }
      return true
    }
    defer { connection.removeAuthorizer() }
    do throws(SQLiteError) {
      _ = try connection.prepare(query)
    } catch {
      guard error.code.primary == .error else { throw error }
      return nil
    }
    return (tables, columns, functions)
  }

  /// Whether a function gives the same for the same arguments: SQLite counts those of time among them, whose argument may
  /// be 'now'.
  private func isConstant(_ function: FoldedName, on connection: Connection) throws(SQLiteError) -> Bool {
    guard !Self.ofTime.contains(function) else { return false }
    // SQLITE_DETERMINISTIC (sqlite.org/c3ref/c_deterministic.html).
    return try connection.value(
      "SELECT min(flags & 0x800) FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE", .text(function)
    )?.integer == 0x800
  }

  private static let ofTime: Set<FoldedName> = [
    "date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff",
  ]

  /// Whether a trigger or the action of a foreign key runs with the SQL: SQLite compiles each into a program of its own
  /// (sqlite.org/opcode.html#Program).
  private func firesTriggers(_ script: Script, on connection: Connection) throws(SQLiteError) -> Bool {
    try connection.rows("EXPLAIN \(script.text)").contains { $0[1].text == "Program" }
  }
}
