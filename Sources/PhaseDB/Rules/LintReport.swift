/// What lint found.
public struct LintReport: Sendable {
  /// Phase by phase in folder order, those about the folder first.
  public private(set) var findings: [Finding]
  /// How many phases were read.
  public let phases: Int
  /// Phases that were not tried on the scratch database because one before them cannot run or be read.
  public let untried: [PhaseID]

  public var errors: [Finding] { findings.filter { $0.level == .error } }
  public var warnings: [Finding] { findings.filter { $0.level == .warning } }
  /// Whether every file of the folder could be read.
  public let isReadable: Bool

  /// Puts further findings before those that are there.
  public mutating func add(_ findings: [Finding]) { self.findings = findings + self.findings }

  public var isClean: Bool { findings.isEmpty }
}
