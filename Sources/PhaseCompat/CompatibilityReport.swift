package import PhaseDB

/// Which versions of which applications work on which states.
public struct CompatibilityReport: Sendable {
  /// The result of a version on a state.
  package enum Outcome: String, Sendable, Hashable, CaseIterable {
    case works
    case broken
    /// The windows do not say that the version runs there.
    case notPromised = "not-promised"
  }

  /// A version whose queries were run, and the proof that they can fail.
  package struct Subject: Sendable, Hashable {
    package let application: String
    package let version: Version
    /// The state that all others were compared with, by its index in ``CompatibilityReport/states``.
    package let home: Int
    /// How many statements it has.
    package let queries: Int
    /// The column that was removed to see whether a query fails: `customers.full_name`.
    package let mutation: String
    /// How many statements noticed that.
    package let noticed: Int
  }

  /// In the order in which `up` passes them, with each way in which contracts can be held.
  package let states: [CompatibilityState]
  /// For each state, what the database was there.
  let grounds: [StateGround]
  /// By application and version.
  package let subjects: [Subject]
  /// For each state, the result of each subject.
  package let outcomes: [[Outcome]]
  /// For each state, what was found of each subject.
  public let findings: [[[CompatibilityFinding]]]

  /// Every finding once, on the first state where it appears.
  public var firstFindings: [(state: Int, finding: CompatibilityFinding)] {
    var first: [(state: Int, finding: CompatibilityFinding)] = []
    for (state, row) in findings.enumerated() {
      for finding in row.joined() where !first.contains(where: { $0.finding.isSame(as: finding) }) {
        first.append((state, finding))
      }
    }
    return first
  }

  /// The states on which a finding appears.
  package func states(of finding: CompatibilityFinding) -> [CompatibilityState] {
    zip(states, findings).filter { $1.joined().contains { $0.isSame(as: finding) } }.map(\.0)
  }

  /// Combines two reports on the same states.
  ///
  /// - Throws: `ledger-moved` when the states are not the same.
  func with(_ other: CompatibilityReport) throws(MigrationError) -> CompatibilityReport {
    guard states == other.states else {
      throw MigrationError(
        .ledgerMoved, "another runner applied or reversed phases while the database was copied",
        help: ["run the same command again"])
    }
    let findings = zip(findings, other.findings).map { zip($0, $1).map { $0 + $1 } }
    let outcomes = zip(outcomes, other.outcomes).map { one, two in
      zip(one, two).map { $0 == .broken ? $0 : $1 }
    }
    return CompatibilityReport(
      states: states, grounds: grounds, subjects: subjects, outcomes: outcomes, findings: findings)
  }

  /// Whether every version works on every state where the windows let it be live.
  public var isClean: Bool { outcomes.joined().allSatisfy { $0 != .broken } }
}
