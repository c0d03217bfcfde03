/// The result of lint: its findings, and how much it could check.
public struct LintReport: Sendable {
  /// Findings about the folder first, then those of each phase in folder order.
  public private(set) var findings: [Finding]
  /// How many phases were read.
  public let phases: Int
  /// Phases that were not tried on the scratch database because one before them cannot run or be read.
  public let untried: [PhaseID]

  /// Findings that must be corrected.
  public var errors: [Finding] { findings.filter { $0.level == .error } }
  /// Findings that may stay.
  public var warnings: [Finding] { findings.filter { $0.level == .warning } }
  /// Whether every file of the folder could be read.
  public let isReadable: Bool

  /// Adds findings before the present ones.
  package mutating func add(_ findings: [Finding]) { self.findings = findings + self.findings }

  /// Whether nothing was found, not even a warning.
  public var isClean: Bool { findings.isEmpty }

  /// Throws when lint found something, so that a test fails.
  ///
  /// - Throws: `lint-failed`, with a line for each finding.
  public func requireClean() throws(MigrationError) {
    guard let first = findings.first else { return }
    let count: Prose = findings.count == 1 ? "a finding" : "\(findings.count) findings"
    throw MigrationError(
      .lintFailed, "lint has \(count)", at: first.place,
      details: findings.map { finding in
        let place: Prose = finding.place.map { "\($0): " } ?? ""
        return "\(place)\(finding.id): \(finding.message)"
      },
      state: "nothing was run", help: first.remedies)
  }
}
