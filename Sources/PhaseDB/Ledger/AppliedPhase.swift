internal import PhaseSQL
internal import PhaseSQLite

/// An applied phase in the ledger.
package struct AppliedPhase: Sendable, Hashable {
  package let id: PhaseID
  /// The number of its checkpoint: it rises with each checkpoint and is never used again.
  package let sequence: Int64
  /// Identifies the text that was applied.
  package let tokenHash: String
  package let windows: Windows
  package let appliedAt: Timestamp
  package let who: String
  package let host: String
  /// How long its transaction took, in milliseconds.
  package let milliseconds: Double
  let schemaBefore: SchemaDigest
  let schemaAfter: SchemaDigest
  /// Whether the baseline of the folder replaces it, so that it cannot come down.
  package var isSquashed = false
}

/// What the ledger keeps of a phase's text.
struct RecordedText {
  let declarations: String
  let up: String
  let down: String

  /// Whether it is the text of a phase to the byte, so that both have the same identity.
  func isText(of phase: Phase) -> Bool {
    phase.up.text == up && phase.down.text == down && phase.declarations == declarations
  }

  /// Tells phases of a folder whose text is the one that the ledger has what their identity is, so that it need not be
  /// worked out.
  ///
  /// - Parameter texts: those of the applied phases, in their order.
  static func recognize(_ applied: [AppliedPhase], by texts: [RecordedText], in catalog: Catalog) {
    let known = Dictionary(
      zip(applied, texts).map { ($0.id, (hash: $0.tokenHash, text: $1)) },
      uniquingKeysWith: { first, _ in first })
    for (id, phase) in catalog.phases {
      if let known = known[id], known.text.isText(of: phase) { phase.identity.take(known.hash) }
    }
  }
}

/// The applied phases of a ledger: the table `phasedb_phase`.
struct AppliedPhases: LedgerTable {
  let ledger: Ledger

  /// Every applied phase, in the order in which they were applied.
  ///
  /// - Throws: `ledger-damaged` for a row that cannot be read.
  func all() throws(MigrationError) -> [AppliedPhase] {
    try lifting("reading the ledger") {
      var rows = try connection.prepare(
        """
        SELECT sequence, phase, token_hash, windows, applied_at, who, host, duration_ms, schema_before, schema_after
        FROM phasedb_phase ORDER BY sequence
        """)
      var applied: [AppliedPhase] = []
      let ignored = try ledger.schemas.digestsOfIgnored()
      let floor = try ledger.squash.floor()
      // Most phases have the same windows, so each text is parsed once.
      var known: [String: Windows] = [:]
      while try rows.step() {
        let sequence = rows.integer(at: 0)
        let windowText = rows.text(at: 3)
        if known[windowText] == nil { known[windowText] = Windows(ledgerText: windowText) }
        guard let id = try? PhaseID(rows.text(at: 1)), let windows = known[windowText],
          var before = SchemaDigest(rows.text(at: 8)), var after = SchemaDigest(rows.text(at: 9))
        else { throw Ledger.damaged("row \(sequence) of phasedb_phase cannot be read") }
        before -= ignored.sum(after: sequence - 1)
        after -= ignored.sum(after: sequence)
        applied.append(
          AppliedPhase(
            id: id, sequence: sequence, tokenHash: rows.text(at: 2), windows: windows,
            appliedAt: Timestamp(text: rows.text(at: 4)), who: rows.text(at: 5), host: rows.text(at: 6),
            milliseconds: rows.value(at: 7).number ?? 0,
            schemaBefore: before, schemaAfter: after, isSquashed: sequence <= floor))
      }
      return applied
    }
  }

  /// The text of an applied phase, from which it can be reversed without its file.
  ///
  /// - Throws: `ledger-damaged` when the text is no phase, or not the one that was applied.
  func text(of applied: AppliedPhase) throws(MigrationError) -> Phase {
    try lifting("reading the ledger") {
      var row = try connection.prepare(
        "SELECT declarations, up_sql, down_sql FROM phasedb_phase WHERE sequence = ?1")
      try row.bind([.integer(applied.sequence)])
      guard try row.step() else { throw Ledger.damaged("\(applied.id) is not in phasedb_phase any more") }
      let text = PhaseFile.assemble(
        declarations: row.text(at: 0), up: row.text(at: 1), down: row.text(at: 2), kind: applied.id.kind)
      guard let phase = try? PhaseFile.read(text, file: "ledger:\(applied.id)", kind: applied.id.kind),
        phase.tokenHash == applied.tokenHash
      else {
        throw Ledger.damaged("the text of \(applied.id) in phasedb_phase was changed after it was applied")
      }
      return phase
    }
  }

  /// The text of every applied phase, in the order in which they were applied.
  func texts() throws(SQLiteError) -> [RecordedText] {
    var rows = try connection.prepare(
      "SELECT declarations, up_sql, down_sql FROM phasedb_phase ORDER BY sequence")
    var texts: [RecordedText] = []
    while try rows.step() {
      texts.append(RecordedText(declarations: rows.text(at: 0), up: rows.text(at: 1), down: rows.text(at: 2)))
    }
    return texts
  }

  /// The claims of earlier phases of the same migration, which apply again after a phase came down.
  func claims(
    before phase: AppliedPhase, among applied: [AppliedPhase]
  ) throws(MigrationError) -> [Verification] {
    try claims(of: phase.id.migration, among: applied.filter { $0.sequence < phase.sequence })
  }

  /// The claims of phases of a migration.
  func claims(
    of migration: MigrationName, among applied: [AppliedPhase]
  ) throws(MigrationError) -> [Verification] {
    var claims: [Verification] = []
    for phase in applied where phase.id.migration == migration {
      claims += try text(of: phase).verifications
    }
    return claims
  }

  /// Refuses a phase that could not be reversed later, because its text in the ledger would not give the same phase.
  /// This happens only to phases made in Swift, for instance with an unclosed string.
  static func refuseUnreadable(_ id: PhaseID, _ phase: Phase) throws(MigrationError) {
    let file = "ledger:\(id)"
    let restored = try PhaseFile.read(PhaseFile.render(phase), file: file, kind: phase.kind)
    guard restored.tokenHash != phase.tokenHash else { return }
    throw MigrationError(
      .incompleteStatement, "the SQL of \(id) could not be read back from the ledger unchanged",
      at: phase.up.place(at: 0), help: ["close every string, comment and trigger in its up, down and @verify"]
    )
  }

  /// Records that a phase went up, or was already in the database. Call it inside the phase's own transaction.
  ///
  /// - Returns: what was recorded.
  func record(
    _ id: PhaseID, _ phase: Phase, changes: [SchemaChange], before: SchemaDigest, after: SchemaDigest,
    milliseconds: Double, as action: LogEntry.Action = .up, by runner: Runner, at time: Timestamp
  ) throws(SQLiteError) -> AppliedPhase {
    let hash = phase.tokenHash
    // The digest includes ignored tables, because the settings may change.
    let ignored = try ledger.schemas.digestsOfIgnored().sum(after: nil)
    var (recordedBefore, recordedAfter) = (before, after)
    recordedBefore += ignored
    recordedAfter += ignored
    let sequence = try ledger.log(
      action, subject: id.description, detail: "phase \(hash)", by: runner, at: time)
    try connection.execute(
      "INSERT INTO phasedb_phase VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
      .integer(sequence), .text(id.description), .text(hash), .text(phase.windows.ledgerText),
      .text(phase.declarations), .text(phase.up.text), .text(phase.down.text), .text(recordedBefore.text),
      .text(recordedAfter.text), .text(time.text), .text(runner.user), .text(runner.host),
      .real(milliseconds),
      .text(PhaseDBVersion.current), .text(SQLiteVersion.running.description))
    try ledger.schemas.record(changes, sequence: sequence)
    try ledger.switches.apply(phase, id, by: runner, at: time)
    return AppliedPhase(
      id: id, sequence: sequence, tokenHash: hash, windows: phase.windows, appliedAt: time, who: runner.user,
      host: runner.host, milliseconds: milliseconds, schemaBefore: before, schemaAfter: after)
  }

  /// Records that a phase came down. Call it inside the phase's own transaction.
  ///
  /// - Parameters:
  ///   - drift: how the schema now differs from the one before the phase, because of changes from outside that were
  ///     accepted after it went up.
  ///   - milliseconds: how long it took.
  /// - Returns: the id of the log's row.
  @discardableResult
  func erase(
    _ applied: AppliedPhase, leaving drift: [SchemaChange], milliseconds: Double, by runner: Runner,
    at time: Timestamp
  ) throws(SQLiteError) -> Int64 {
    let entry = try ledger.log(
      .down, subject: applied.id.description,
      detail:
        "phase \(applied.tokenHash), applied as \(applied.sequence), \(Int(milliseconds.rounded(.up))) ms",
      by: runner, at: time)
    try connection.execute("DELETE FROM phasedb_phase WHERE sequence = ?1", .integer(applied.sequence))
    try connection.execute("DELETE FROM phasedb_way_down WHERE sequence = ?1", .integer(applied.sequence))
    try ledger.roundTrips.forget(of: applied.sequence)
    try ledger.watches.end(applied.sequence)
    try ledger.effects.forget(of: applied.id)
    // Changes that were accepted later were recorded after the phase. What is left of them is recorded again.
    try connection.execute("DELETE FROM phasedb_schema WHERE sequence >= ?1", .integer(applied.sequence))
    try ledger.schemas.record(drift, sequence: entry)
    return entry
  }

}

extension Windows {
  /// One line for each window: the application, in double quotes when it is not one word, and the range.
  fileprivate var ledgerText: String {
    map { window in
      let name = window.application
      let isWord = !name.isEmpty && !name.contains { $0.isWhitespace || $0 == "\"" }
      return "\(isWord ? name : SQLText.identifier(name)) \(window.range)"
    }.joined(separator: "\n")
  }

  fileprivate init?(ledgerText: String) {
    var windows: [Window] = []
    var rest = ledgerText[...]
    while !rest.isEmpty {
      guard let name = rest.takeName() else { return nil }
      let line = rest.prefix { $0 != "\n" }
      guard let range = try? VersionRange(String(line)) else { return nil }
      rest = rest[line.endIndex...].dropFirst()
      windows.append(Window(name, range))
    }
    guard let first = windows.first, let all = try? Windows(first, Array(windows.dropFirst())) else {
      return nil
    }
    self = all
  }
}

extension Substring {
  /// Removes a name from the front: up to a space, or in double quotes with its quotes doubled.
  fileprivate mutating func takeName() -> String? {
    guard first == "\"" else {
      let name = prefix { $0 != " " }
      self = self[name.endIndex...]
      return name.isEmpty ? nil : String(name)
    }
    var name = ""
    removeFirst()
    while let character = popFirst() {
      guard character == "\"" else {
        name.append(character)
        continue
      }
      guard first == "\"" else { return name }
      name.append(removeFirst())
    }
    return nil
  }
}
