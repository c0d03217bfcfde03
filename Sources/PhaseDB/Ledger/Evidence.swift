/// What a rehearsal showed of one phase: that it goes up, comes down and goes up again on a copy of a database, and
/// which rows were not what they had been.
///
/// It holds for the phase's tokens and for the schema the phase was rehearsed on, and for nothing else.
public struct Evidence: Sendable, Hashable {
  /// What came of it.
  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// Schema and rows came back, up and down and up again.
    case exact
    /// What did not come back was declared by `@loses`.
    case declared
    /// Rows did not come back, and nobody declared it.
    case lossy
    /// A direction did not run, or broke what it claims.
    case failed

    /// Whether it opens the gate.
    public var isProof: Bool { self == .exact || self == .declared }
  }

  public let phase: PhaseID
  /// The identity of the phase's text.
  public let tokenHash: String
  public let verdict: Verdict
  public let at: Timestamp
  public let who: String
  public let host: String
  /// The versions that rehearsed it.
  public let phasedb: String
  public let sqlite: String
  public let times: RehearsedTimes
  /// The tables it was rehearsed on.
  public var tables: [RehearsedTable] { EvidenceJSON.tables(tableText) }
  /// The same as the ledger keeps it. Few ask, and to take apart what hundreds of phases showed takes time.
  let tableText: String
  /// The schema it was rehearsed on, and the one it led to; nil when it led to none.
  let schemaBefore: SchemaDigest
  let schemaAfter: SchemaDigest?
}

/// What a rehearsal measured, in milliseconds and bytes; nil for what did not run.
public struct RehearsedTimes: Sendable, Hashable {
  /// The slower of the two ways up.
  public var up: Double?
  public var down: Double?
  /// The longest time the write lock was held.
  public var hold: Double?
  /// Rows that the SQL of the way up, and of the way down, changed.
  public var rowsUp = 0
  public var rowsDown = 0
  /// What the archive of the phase takes; nil where this SQLite cannot tell.
  public var archiveBytes: Int?
  /// What the way up wrote to the write-ahead log.
  public var logBytes: Int?
}

/// A table of a rehearsal: how many rows it had, and how many of them were not what they had been.
public struct RehearsedTable: Sendable, Hashable {
  public let table: String
  public let rows: Int
  public let differing: Int
  /// How many of the differing rows differ only where a loss is declared.
  public let declared: Int
}
