internal import PhaseSQLite

/// What the SQL of the way back makes of a row, where that can be told beforehand: a value that it computes again exactly
/// as it is needs no archive.
///
/// It can be told of one UPDATE that makes its values of columns of the same row which this direction leaves alone, by
/// functions that always give the same, and that no trigger follows.
struct BatchRecomputation {
  private let update: SingleUpdate
  private let shape: TableShape
  /// What this direction overwrites.
  private let columns: [SchemaName]

  /// - Parameters:
  ///   - script: the SQL of the way back.
  ///   - written: every column of the table that this direction writes, folded.
  /// - Returns: nil when it cannot be told.
  init?(
    _ script: Script, of shape: TableShape, columns: [SchemaName], written: Set<String>,
    on connection: Connection
  ) throws(SQLiteError) {
    guard let update = SingleUpdate(script.text, of: shape.name),
      !columns.isEmpty, columns.allSatisfy({ update.values[$0] != nil })
    else { return nil }
    self.update = update
    self.shape = shape
    self.columns = columns
    guard try isRepeatable(without: written, on: connection), try !firesTriggers(script, on: connection)
    else { return nil }
  }

  /// The table as the SQL calls it.
  var alias: String { update.alias }

  /// The condition that the way back gives a row the values that it has now. The ends of a batch are the parameters 1 and
  /// 2.
  var isSame: String {
    let values = columns.map { column in
      let present = "\(alias).\(SQLText.identifier(column.spelled))"
      // The plus takes away the affinity that a column in the value has, so that comparing converts what assigning would
      // (sqlite.org/datatype3.html#type_conversions_prior_to_comparison).
      let given = "+(\(update.values[column] ?? "NULL"))"
      let isSame = "\(present) IS \(given) COLLATE BINARY"
      return convertsNothing(column) ? "\(isSame) AND typeof(\(present)) = typeof(\(given))" : isSame
    }
    return (["coalesce((\(update.condition)), 0)"] + values).joined(separator: " AND ")
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
  private func isRepeatable(without written: Set<String>, on connection: Connection) throws(SQLiteError)
    -> Bool
  {
    var read: [(table: SchemaName, column: String)] = []
    var functions: Set<String> = []
    var readsRows = false
    connection.setAuthorizer { action in
      switch action.code {
      case .read:
        read.append((SchemaName(action.first ?? ""), (action.second ?? "").asciiLowercased))
        if action.origin != nil { readsRows = true }
      case .function: functions.insert((action.second ?? "").asciiLowercased)
      default: break
      }
      return true
    }
    defer { connection.removeAuthorizer() }
    let wanted = columns.compactMap { update.values[$0] } + [update.condition]
    // A subquery of the same table would read like the row itself.
    guard !wanted.contains(where: { SQLWord.all(in: $0).contains { $0.is("select") } }) else { return false }
    do throws(SQLiteError) {
      _ = try connection.prepare(
        "SELECT \(wanted.joined(separator: ", ")) FROM main.\(SQLText.identifier(shape.name.spelled)) AS \(alias)"
      )
    } catch {
      guard error.code.primary == .error else { throw error }
      return false
    }
    connection.removeAuthorizer()
    let unfit = written.union(shape.columns.filter(\.isGenerated).map(\.name.key))
    guard !readsRows, read.allSatisfy({ $0.table == shape.name && !unfit.contains($0.column) }) else {
      return false
    }
    for function in functions where try !isConstant(function, on: connection) { return false }
    return true
  }

  /// Whether a function gives the same for the same arguments: SQLite counts those of time among them, whose argument may
  /// be 'now'.
  private func isConstant(_ function: String, on connection: Connection) throws(SQLiteError) -> Bool {
    guard !Self.ofTime.contains(function) else { return false }
    // SQLITE_DETERMINISTIC (sqlite.org/c3ref/c_deterministic.html).
    return try connection.value(
      "SELECT min(flags & 0x800) FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE", .text(function)
    )?.integer == 0x800
  }

  private static let ofTime: Set<String> = [
    "date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff",
  ]

  /// Whether a trigger or the action of a foreign key runs with the SQL: SQLite compiles each into a program of its own
  /// (sqlite.org/opcode.html#Program).
  private func firesTriggers(_ script: Script, on connection: Connection) throws(SQLiteError) -> Bool {
    try connection.rows("EXPLAIN \(script.text)").contains { $0[1].text == "Program" }
  }
}
