internal import PhaseSQL
package import PhaseSQLite

/// Drops the triggers that hold lanes for the time of a transaction, and makes them again. Otherwise they would stop
/// the phase's own SQL, too.
struct LiftedLanes {
  /// Each with its SQL.
  private let triggers: [(name: String, sql: String)]

  /// Drops the triggers. Call it inside a transaction.
  ///
  /// - Returns: nil when there is none.
  init?(_ schema: Schema, on connection: Connection) throws(SQLiteError) {
    let held = schema.laneTriggers
    guard !held.isEmpty else { return nil }
    triggers = held.map { ($0.name, $0.sql) }
    for (name, _) in triggers { try connection.execute("DROP TRIGGER main.\(SQLText.identifier(name))") }
  }

  /// Makes the triggers again, in the same transaction.
  ///
  /// - Parameter moments: until when some of them hold from now on, in seconds since 1970; the others hold as long as before.
  /// - Returns: those that cannot be made again, because their table or a column of it is gone, and why.
  func putBack(
    until moments: [String: Int64], on connection: Connection
  ) throws(SQLiteError) -> [String: String] {
    var gone: [String: String] = [:]
    for (name, sql) in triggers {
      let renewed = moments[name].flatMap { LaneTrigger.renewed(sql, until: $0) } ?? sql
      if let why = try LaneTriggers(on: connection).make(renewed) { gone[name] = why }
    }
    return gone
  }
}

/// The triggers of a database that hold lanes.
package struct LaneTriggers {
  private let connection: Connection

  package init(on connection: Connection) { self.connection = connection }

  /// Makes a trigger that holds a lane, and compiles a statement that fires it: SQLite looks at the columns of a trigger only
  /// when it fires, and that would be in a worker.
  ///
  /// - Returns: why it cannot be made, when its table or a column is not there; nothing has changed then.
  func make(_ sql: String) throws(SQLiteError) -> String? {
    try connection.execute("SAVEPOINT phasedb_lane")
    var why: String?
    do throws(SQLiteError) {
      try connection.execute(sql)
      if let trial = try trial(ofTrigger: sql) { _ = try connection.prepare(trial) }
    } catch {
      guard error.code.primary == .error else {
        // The caller's transaction ends with the error.
        throw error
      }
      why = error.message
      try connection.execute("ROLLBACK TO phasedb_lane")
    }
    try connection.execute("RELEASE phasedb_lane")
    return why
  }

  private func trial(ofTrigger sql: String) throws(SQLiteError) -> String? {
    guard let trigger = TriggerDefinition(sql) else { return nil }
    let table = SQLText.identifier(trigger.table.spelled)
    switch trigger.event {
    case .insert: return "INSERT INTO \(table) DEFAULT VALUES"
    case .delete: return "DELETE FROM \(table)"
    case .update(let named):
      var columns = named.map(\.spelled)
      if columns.isEmpty {
        columns = try Table.columns(of: trigger.table, on: connection).filter { !$0.isGenerated }
          .map(\.name.spelled)
      }
      let sets = columns.map { "\(SQLText.identifier($0)) = \(SQLText.identifier($0))" }
      return "UPDATE \(table) SET \(sets.joined(separator: ", "))"
    }
  }

  /// The SQL of the trigger that holds a lane; nil when there is none.
  func sql(of name: String) throws(SQLiteError) -> String? {
    try connection.value(
      "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1 COLLATE NOCASE", .text(name))?
      .text.flatMap { LaneTrigger.isOne($0) ? $0 : nil }
  }

  /// Makes a trigger hold until another moment, in seconds since 1970. A trigger that is gone, or no longer holds, is
  /// not changed. Call it inside a transaction.
  func renew(_ name: String, until moment: Int64, now: Int64) throws(SQLiteError) -> Bool {
    guard let sql = try sql(of: name), let present = LaneTrigger.moment(in: sql), present > now,
      let renewed = LaneTrigger.renewed(sql, until: moment)
    else { return false }
    try connection.execute("DROP TRIGGER main.\(SQLText.identifier(name))")
    try connection.execute(renewed)
    return true
  }

  /// Removes the triggers that hold lanes from a copy: no worker claims jobs there, and no run releases lanes.
  package func drop() throws(SQLiteError) {
    let found = try connection.rows(
      "SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND substr(lower(name), 1, 13) = ?1",
      .text(LaneTrigger.prefix))
    for name in found.compactMap({ $0[0].text }) where try sql(of: name) != nil {
      try connection.execute("DROP TRIGGER main.\(SQLText.identifier(name))")
    }
  }
}
