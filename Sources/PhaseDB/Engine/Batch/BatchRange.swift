internal import PhaseSQLite

/// The rows of one batch.
struct BatchRange: Sendable, Hashable {
  let keys: ClosedKeys
  /// How many rows it had when it was found.
  let rows: Int
}

/// Finds the batches of a table, in the order of its key.
struct BatchSearch {
  let key: BatchKey
  let connection: Connection

  /// The first and the last key; nil when there is no row.
  func ends() throws(SQLiteError) -> ClosedKeys? {
    let (key, table) = (key.sql, key.tableSQL)
    guard
      let first = try connection.value(
        "SELECT \(key) FROM \(table) WHERE \(key) IS NOT NULL ORDER BY \(key) LIMIT 1"),
      let last = try connection.value("SELECT \(key) FROM \(table) ORDER BY \(key) DESC LIMIT 1")
    else { return nil }
    return ClosedKeys(first: first, last: last)
  }

  /// Whether some row has no key, so that no batch would include it.
  func hasRowsWithoutKey() throws(SQLiteError) -> Bool {
    try connection.value("SELECT 1 FROM \(key.tableSQL) WHERE \(key.sql) IS NULL LIMIT 1") != nil
  }

  /// The next rows of a way; nil at its end.
  ///
  /// It reads outside the write transaction, because that may take longer than the batch. If rows are added or
  /// deleted before the batch runs, the batch has the rows that exist then.
  func next(of record: BatchRecord, size: Int) throws(SQLiteError) -> BatchRange? {
    guard let ends = record.ends else { return nil }
    let (key, table) = (key.sql, key.tableSQL)
    let limits: String
    let order: String
    switch (record.direction, record.cursor) {
    case (.up, .bottom): (limits, order) = ("\(key) >= ?2 AND \(key) <= ?3", "ASC")
    case (.up, .before): (limits, order) = ("\(key) >= ?1 AND \(key) <= ?3", "ASC")
    case (.up, .after): (limits, order) = ("\(key) > ?1 AND \(key) <= ?3", "ASC")
    case (.down, .bottom): return nil
    case (.down, .before): (limits, order) = ("\(key) < ?1 AND \(key) >= ?2", "DESC")
    case (.down, .after): (limits, order) = ("\(key) <= ?1 AND \(key) >= ?2", "DESC")
    }
    let way = "FROM \(table) WHERE \(limits) ORDER BY \(key) \(order)"
    let values: [Value] = [record.cursor.value ?? .null, ends.first, ends.last]
    // To skip rows with OFFSET costs a third of counting them.
    var step = try connection.prepare("SELECT \(key) \(way) LIMIT 1 OFFSET ?4")
    func find(_ offset: Int) throws(SQLiteError) -> Value? {
      try step.bind(values + [.integer(Int64(offset))])
      defer { step.reset() }
      return try step.step() ? step.value(at: 0) : nil
    }
    guard let start = try find(0) else { return nil }
    // If many rows share the last value, the range includes all of them.
    if let end = try find(size - 1) {
      let isUp = record.direction == .up
      return BatchRange(keys: ClosedKeys(first: isUp ? start : end, last: isUp ? end : start), rows: size)
    }
    var rest = try connection.prepare(
      "SELECT min(k), max(k), count(*) FROM (SELECT \(key) AS k \(way) LIMIT ?4)")
    try rest.bind(values + [.integer(Int64(size))])
    guard try rest.step(), rest.integer(at: 2) > 0 else { return nil }
    return BatchRange(
      keys: ClosedKeys(first: rest.value(at: 0), last: rest.value(at: 1)), rows: Int(rest.integer(at: 2)))
  }

  /// How many rows there are in all. It is needed for keys whose values do not show how far the run is.
  ///
  /// It counts in parts, so that no read takes long: with a rollback journal a reader blocks writers, and in WAL mode
  /// it keeps the log from being emptied.
  func count(_ ends: ClosedKeys, _ shouldGoOn: () -> Bool) throws(SQLiteError) -> Int? {
    let (key, table) = (key.sql, key.tableSQL)
    var part = try connection.prepare(
      "SELECT max(k), count(*) FROM (SELECT \(key) AS k FROM \(table) WHERE \(key) > ?1 AND \(key) <= ?2 ORDER BY \(key) LIMIT 20000)",
      reused: true)
    var total = 1
    var after = ends.first
    while shouldGoOn() {
      try part.bind([after, ends.last])
      guard try part.step(), part.integer(at: 1) > 0 else { return total }
      total += Int(part.integer(at: 1))
      after = part.value(at: 0)
      part.reset()
    }
    return nil
  }
}
