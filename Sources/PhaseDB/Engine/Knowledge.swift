package import PhaseSQLite

/// What a run or command knows about the ledger and the schema of a database, and two marks that tell whether this is
/// still valid.
///
/// SQLite counts schema changes in the file, and the ledger counts its own in the log. While neither count changes,
/// nothing is read again, so the cost of a step depends only on what it touches.
package struct Knowledge {
  package var ledger: Ledger?
  /// In the order in which they were applied.
  package var applied: [AppliedPhase]
  package var schema: Schema
  /// The digest that the schema should have: the one of the last checkpoint, or of accepted drift since then.
  var expectedDigest: SchemaDigest
  /// Objects of the ledger that were changed from outside.
  private(set) var ledgerDrift = LedgerDrift()
  private var marks: Marks
  /// Whether the schema was not read, but assumed to be the one of the last checkpoint.
  private let isGlance: Bool

  private struct Marks: Equatable {
    var head: Int64
    var schemaVersion: Int64
  }

  /// Reads everything in one transaction.
  ///
  /// - Throws: `ledger-too-new`, `ledger-damaged`, and what SQLite says while reading.
  package init(of connection: Connection, known: Schema? = nil) throws(MigrationError) {
    self = try reading(connection) { () throws(MigrationError) in
      try Knowledge(from: connection, known: known)
    }
  }

  /// Reads the ledger, and the schema only when SQLite has counted a change of it since the ledger was last written.
  ///
  /// For commands that only report the state of the database.
  static func glancing(at connection: Connection) throws(MigrationError) -> Knowledge {
    try reading(connection) { () throws(MigrationError) in
      try Knowledge(from: connection, known: nil, isGlance: true)
    }
  }

  private init(from connection: Connection, known: Schema?, isGlance: Bool = false) throws(MigrationError) {
    let presence = try lifting("reading the ledger") { () in try Ledger.presence(in: connection) }
    let isGlance = try lifting("reading the ledger") { () in
      try isGlance && presence.isReadable && Ledger(connection: connection).hasSameSchemaVersion()
    }
    self.isGlance = isGlance
    let schema = try lifting("reading the schema") { () in
      isGlance ? Schema() : try Schema(of: connection, known: known)
    }
    switch presence {
    case .absent:
      ledger = nil
      applied = []
      expectedDigest = schema.digest
    case .present(let format, let tool):
      guard format <= LedgerFormat.current else {
        throw MigrationError(
          .ledgerTooNew,
          "the ledger has format \(format), written by phasedb \(tool); this is phasedb \(PhaseDBVersion.current), which knows format \(LedgerFormat.current)",
          state: "nothing was changed", help: ["install phasedb \(tool) or newer"])
      }
      let ledger = Ledger(connection: connection, format: format)
      self.ledger = ledger
      applied = try ledger.phases.all()
      let initial = try lifting("reading the ledger") { () in try ledger.initialSchemaDigest() }
      guard let digest = applied.last?.schemaAfter ?? initial else {
        throw Ledger.damaged("phasedb_meta lacks the schema with which the ledger began")
      }
      let last = applied.last?.sequence ?? 0
      expectedDigest = try lifting("reading the ledger") { () in
        try ledger.schemas.hasChanges(after: last) ? try ledger.schemas.schema(after: .max).digest : digest
      }
    }
    self.schema = schema
    marks = try Self.marks(of: connection, ledger)
    if let ledger, !isGlance { ledgerDrift = try Self.drift(of: ledger, in: schema) }
  }

  /// How the present objects differ from those of a ledger of this format.
  private static func drift(of ledger: Ledger, in schema: Schema) throws(MigrationError) -> LedgerDrift {
    let archives = try ledger.archives.all()
    return try lifting("looking at the ledger's objects") { () in
      let connection = ledger.connection
      let temporary = connection.isBorrowed ? try TemporarySchema.objects(of: connection) : []
      return LedgerObjects(format: ledger.format, archives: archives).drift(in: schema, temporary: temporary)
    }
  }

  private static func marks(of connection: Connection, _ ledger: Ledger?) throws(MigrationError) -> Marks {
    try lifting("reading the ledger") { () in
      Marks(
        head: try ledger?.head() ?? 0,
        schemaVersion: try connection.schemaVersion)
    }
  }

  /// Reads again whatever the marks say has changed. Call it inside a transaction.
  mutating func refresh(on connection: Connection) throws(MigrationError) {
    let present = try Self.marks(of: connection, ledger)
    if present.head != marks.head || present.schemaVersion != marks.schemaVersion || ledger == nil {
      self = try Knowledge(of: connection, known: schema)
    }
    marks = try Self.marks(of: connection, ledger)
  }

  /// Takes over the changes that this run is about to commit. Call it inside its transaction.
  mutating func settle(on connection: Connection) throws(MigrationError) {
    marks = try Self.marks(of: connection, ledger)
  }

  /// The present schema. It is read here if only a glance was taken before.
  func presentSchema(on connection: Connection) throws(SQLiteError) -> Schema {
    isGlance ? try Schema(of: connection) : schema
  }

  /// Whether the schema is the one of the last checkpoint.
  var isInPlace: Bool { isGlance || schema.digest == expectedDigest }

  /// Refuses to write while objects from outside among the ledger's tables could influence the result.
  ///
  /// - Throws: `ledger-touched`.
  func refuseLedgerDrift() throws(MigrationError) {
    guard ledgerDrift.isEmpty else { throw ledgerDrift.error }
  }

  /// The schema that the ledger says there should be.
  func recordedSchema() throws(MigrationError) -> Schema {
    guard let ledger else { return schema }
    return try lifting("reading the ledger") { () in try ledger.schemas.schema(after: .max) }
  }

  /// Whether there is no table, so that no application can depend on it.
  var isFresh: Bool { isGlance ? expectedDigest == .empty : schema.isEmpty }

  /// How the schema differs from what the ledger says, one line each.
  func driftLines() throws(MigrationError) -> [Prose] {
    isInPlace ? [] : SchemaDifference(from: try recordedSchema(), to: schema).lines
  }

  /// - Parameter isGate: whether the drift gate may be overridden here.
  func driftError(isGate: Bool = true) throws(MigrationError) -> MigrationError {
    MigrationError(
      .schemaDrift, "the schema differs from the one in the ledger \(checkpointText)",
      details: try driftLines(),
      state: "nothing was changed",
      help: [
        "undo the change that was made outside phasedb, or write it as a migration",
        "run all checks: phasedb verify",
      ] + (isGate ? [Gate.drift.overriding] : []))
  }

  /// The state of the database for an operator.
  var checkpointText: String {
    guard let last = applied.last else { return "before the first phase" }
    return "at checkpoint \(last.sequence) (\(last.id.short))"
  }
}

/// Runs a body that reads, in the open transaction or in one of its own.
///
/// Without a transaction every statement sees the database at its own moment. If another runner commits between two
/// of them, the schema that one reads would not fit the ledger that the next one reads.
package func reading<Result>(
  _ connection: Connection, _ body: () throws(MigrationError) -> Result
) throws(MigrationError) -> Result {
  guard connection.isAutocommit else { return try body() }
  let transaction = try lifting("starting to read") { () in try connection.begin(.deferred) }
  let result = try connection.spending(body)
  if let file = connection.unlocked, !file.isUnchanged {
    throw MigrationError(
      .databaseBusy, "another process opened \(file.path) while it was read without locks",
      help: ["run the command again"], standing: .busy)
  }
  do { try transaction.rollBack() } catch { throw MigrationError(error, while: "ending to read") }
  return result
}
