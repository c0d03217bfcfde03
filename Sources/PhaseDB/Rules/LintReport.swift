/// What lint found.
public struct LintReport: Sendable {
  /// Phase by phase in folder order, those about the folder first.
  public let findings: [Finding]
  /// How many phases were read.
  public let phases: Int
  /// Phases that were not tried on the scratch database because one before them cannot run or be read.
  public let untried: [PhaseID]

  public var errors: [Finding] { findings.filter { $0.level == .error } }
  public var warnings: [Finding] { findings.filter { $0.level == .warning } }
  public var isClean: Bool { findings.isEmpty }
}
