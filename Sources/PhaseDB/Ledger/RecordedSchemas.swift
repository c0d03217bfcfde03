internal import PhaseSQL
internal import PhaseSQLite

/// The digests of objects that were part of the recorded schemas and are ignored now.
struct IgnoredDigests {
  private var sums: [(sequence: Int64, sum: SchemaDigest)] = []

  mutating func add(_ digest: SchemaDigest, isAdded: Bool, at sequence: Int64) {
    var sum = sums.last?.sum ?? .empty
    if isAdded { sum += digest } else { sum -= digest }
    sums.append((sequence, sum))
  }

  /// The sum after the phase of a sequence number; all of it for nil.
  func sum(after sequence: Int64?) -> SchemaDigest {
    guard let sequence else { return sums.last?.sum ?? .empty }
    return sums.last { $0.sequence <= sequence }?.sum ?? .empty
  }
}

/// The schemas of a ledger: the table `phasedb_schema`, which has what each phase changed.
struct RecordedSchemas: LedgerTable {
  let ledger: Ledger

  /// Records what a schema lost and gained. Call it inside a transaction.
  func record(_ changes: [SchemaChange], sequence: Int64) throws(SQLiteError) {
    guard !changes.isEmpty else { return }
    var insert = try connection.prepare("INSERT INTO phasedb_schema VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    for change in changes {
      try insert.run([
        .integer(sequence), .text(change.kind.rawValue), .text(change.object.key.type),
        .text(change.object.name),
        .text(change.object.table), .text(change.object.sql),
      ])
    }
  }

  /// True when a change from outside was accepted after the phase with a sequence number.
  func hasChanges(after sequence: Int64) throws(SQLiteError) -> Bool {
    try connection.value("SELECT max(sequence) FROM phasedb_schema")?.integer ?? 0 > sequence
  }

  /// The part of the ledger's digests that comes from tables which the settings ignore now, by the sequence number
  /// since which they are included. These tables were part of the schema when the digests were recorded.
  func digestsOfIgnored() throws(SQLiteError) -> IgnoredDigests {
    guard !connection.ignoredTables.isEmpty else { return IgnoredDigests() }
    var rows = try connection.prepare(
      "SELECT change, type, name, tbl_name, sql, sequence FROM phasedb_schema ORDER BY sequence")
    var digests = IgnoredDigests()
    while try rows.step() {
      guard connection.ignoredTables.match(rows.text(at: 3).folded) else { continue }
      let object = SchemaObject(
        type: rows.text(at: 1), name: rows.text(at: 2), table: rows.text(at: 3), sql: rows.text(at: 4))
      guard object.isIgnored(by: connection.ignoredTables) else { continue }
      digests.add(
        object.digest, isAdded: rows.text(at: 0) == SchemaChange.Kind.added.rawValue,
        at: rows.integer(at: 5))
    }
    return digests
  }

  /// Whether the phase with a sequence number, or a later one, removed or changed objects.
  func hasLostObjects(since sequence: Int64) throws(SQLiteError) -> Bool {
    try connection.value(
      "SELECT 1 FROM phasedb_schema WHERE sequence >= ?1 AND change = ?2 LIMIT 1", .integer(sequence),
      .text(SchemaChange.Kind.removed.rawValue)) != nil
  }

  /// Whether a table that existed after the phase with a sequence number was dropped since. A table that one phase
  /// dropped and made again was rebuilt, and does not count.
  func hasDropped(_ table: String, since sequence: Int64) throws(SQLiteError) -> Bool {
    try connection.value(
      """
      SELECT 1 FROM phasedb_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND sequence > ?2
      GROUP BY sequence HAVING sum(change = ?3) = 0 LIMIT 1
      """, .text(table), .integer(sequence), .text(SchemaChange.Kind.added.rawValue)) != nil
  }

  /// The sequence numbers under which changes from outside are recorded.
  func driftSequences() throws(SQLiteError) -> [Int64] {
    try connection.rows(
      """
      SELECT DISTINCT sequence FROM phasedb_schema
      WHERE sequence <> 0 AND sequence NOT IN (SELECT sequence FROM phasedb_phase) ORDER BY sequence
      """
    ).compactMap { $0[0].integer }
  }

  /// The recorded schema after the phase with a sequence number; 0 for the schema with which the ledger began.
  ///
  /// The ledger keeps only what each phase changed, so that it grows with the changes and not with the schema; this
  /// adds up the changes.
  func schema(after sequence: Int64) throws(SQLiteError) -> Schema {
    var rows = try connection.prepare(
      """
      SELECT change, type, name, tbl_name, sql FROM phasedb_schema WHERE sequence <= ?1
      ORDER BY sequence, change DESC
      """)
    try rows.bind([.integer(sequence)])
    var objects: [SchemaObject.Key: SchemaObject] = [:]
    while try rows.step() {
      let object = SchemaObject(
        type: rows.text(at: 1), name: rows.text(at: 2), table: rows.text(at: 3), sql: rows.text(at: 4))
      objects[object.key] = rows.text(at: 0) == SchemaChange.Kind.added.rawValue ? object : nil
    }
    return Schema(objects.values.filter { !$0.isIgnored(by: connection.ignoredTables) })
  }

  /// The recorded schema before the last applied phase.
  ///
  /// - Parameter present: the present schema, from which the phase's changes are subtracted, so that its other objects
  ///   need not be read and parsed again. If that does not lead to the recorded schema, all changes are added up.
  func schema(before applied: AppliedPhase, from present: Schema) throws(SQLiteError) -> Schema {
    var objects = Dictionary(present.objects.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    var rows = try connection.prepare(
      """
      SELECT change, type, name, tbl_name, sql FROM phasedb_schema WHERE sequence >= ?1
      ORDER BY sequence DESC, change
      """)
    try rows.bind([.integer(applied.sequence)])
    while try rows.step() {
      let object = SchemaObject(
        type: rows.text(at: 1), name: rows.text(at: 2), table: rows.text(at: 3), sql: rows.text(at: 4))
      objects[object.key] = rows.text(at: 0) == SchemaChange.Kind.added.rawValue ? nil : object
    }
    let former = Schema(objects.values.filter { !$0.isIgnored(by: connection.ignoredTables) })
    return former.digest == applied.schemaBefore ? former : try schema(after: applied.sequence - 1)
  }
}
