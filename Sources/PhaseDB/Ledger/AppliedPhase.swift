/// A phase that is applied, as the ledger knows it.
public struct AppliedPhase: Sendable, Hashable {
  public let id: PhaseID
  /// The number of its checkpoint: higher for every later one, never given out twice.
  public let sequence: Int64
  /// Identifies the text that was applied.
  public let tokenHash: String
  public let windows: Windows
  public let appliedAt: Timestamp
  public let who: String
  public let host: String
  /// How long its transaction took, in milliseconds.
  public let milliseconds: Double
  let schemaBefore: SchemaDigest
  let schemaAfter: SchemaDigest
}
