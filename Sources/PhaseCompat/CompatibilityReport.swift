public import PhaseDB

/// Which versions of which applications work on which states.
public struct CompatibilityReport: Sendable {
  /// What became of a version on a state.
  public enum Outcome: String, Sendable, Hashable, CaseIterable {
    case works
    case broken
    /// The windows do not say that the version runs there.
    case notPromised = "not-promised"
  }

  /// A version whose queries were run, and what shows that they can fail.
  public struct Subject: Sendable, Hashable {
    public let application: String
    public let version: Version
    /// The state that everything else was compared with, by its place in ``CompatibilityReport/states``.
    public let home: Int
    /// How many statements it has.
    public let queries: Int
    /// The column that was taken away to see whether it shows: `customers.full_name`.
    public let mutation: String
    /// How many statements noticed.
    public let noticed: Int
  }

  /// In the order in which `up` passes them, each with contracts as they can be held.
  public let states: [CompatibilityState]
  /// By application and version.
  public let subjects: [Subject]
  /// For each state, what became of each subject.
  public let outcomes: [[Outcome]]
  /// For each state, what was found of each subject.
  public let findings: [[[CompatibilityFinding]]]

  /// Everything that was found, each trouble once: on the first state where it shows.
  public var firstFindings: [(state: Int, finding: CompatibilityFinding)] {
    var first: [(state: Int, finding: CompatibilityFinding)] = []
    for (state, row) in findings.enumerated() {
      for finding in row.joined() where !first.contains(where: { $0.finding.isSame(as: finding) }) {
        first.append((state, finding))
      }
    }
    return first
  }

  /// The states on which a trouble shows.
  public func states(of finding: CompatibilityFinding) -> [CompatibilityState] {
    zip(states, findings).filter { $1.joined().contains { $0.isSame(as: finding) } }.map(\.0)
  }

  /// What was found on the same states in two ways.
  ///
  /// - Throws: `ledger-moved` when the states are not the same.
  func with(_ other: CompatibilityReport) throws(MigrationError) -> CompatibilityReport {
    guard states == other.states else {
      throw MigrationError(
        .ledgerMoved, "another runner changed what is applied while the database was copied",
        help: ["go on with the same command"])
    }
    let findings = zip(findings, other.findings).map { zip($0, $1).map { $0 + $1 } }
    let outcomes = zip(outcomes, other.outcomes).map { one, two in
      zip(one, two).map { $0 == .broken ? $0 : $1 }
    }
    return CompatibilityReport(states: states, subjects: subjects, outcomes: outcomes, findings: findings)
  }

  /// Whether everything that the windows promise holds.
  public var isClean: Bool { outcomes.joined().allSatisfy { $0 != .broken } }
}
