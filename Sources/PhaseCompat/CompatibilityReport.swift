public import PhaseDB

extension CompatibilityCheck {
  /// The result of a check: which versions of applications work on which states.
  public struct Report: Sendable {
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
      /// The state that all others were compared with, by its index in ``Report/states``.
      package let home: Int
      /// How many statements it has.
      package let queries: Int
      /// The column that was removed to see whether a query fails: `customers.full_name`.
      package let mutation: String
      /// How many statements noticed that.
      package let noticed: Int
    }

    /// A statement whose result proves nothing on some state.
    package struct Unproved: Sendable, Hashable {
      package let application: String
      package let version: Version
      package let query: String
      /// The functions of the application that it needs.
      package let functions: [String]
      /// Whether it was skipped, because the copy lacks them; else stubs answered.
      package let isSkipped: Bool
    }

    /// In the order in which `up` passes them, with each way in which contracts can be held.
    package let states: [CompatibilityState]
    /// For each state, a description of the database there.
    let grounds: [StateGround]
    /// By application and version.
    package let subjects: [Subject]
    /// For each state, the result of each subject.
    package let outcomes: [[Outcome]]
    /// For each state, what was found of each subject.
    package let findingsByState: [[[Finding]]]
    /// Statements that need functions of the application.
    package var unproved: [Unproved] = []
    /// Functions of the application for which stubs answered while phases ran. In the real database the rows may
    /// differ.
    package var stubsOfPhases: [String] = []

    /// Every finding once, however many states it appears on.
    public var findings: [Finding] { firstFindings.map(\.finding) }

    /// Every finding once, with the first state where it appears, by its index in ``states``.
    package var firstFindings: [(state: Int, finding: Finding)] {
      var first: [(state: Int, finding: Finding)] = []
      for (state, row) in findingsByState.enumerated() {
        for finding in row.joined() where !first.contains(where: { $0.finding.isSame(as: finding) }) {
          first.append((state, finding))
        }
      }
      return first
    }

    /// The states on which a finding appears.
    package func states(of finding: Finding) -> [CompatibilityState] {
      zip(states, findingsByState).filter { $1.joined().contains { $0.isSame(as: finding) } }.map(\.0)
    }

    /// Combines two reports on the same states.
    ///
    /// - Throws: `ledger-moved` when the states are not the same.
    func with(_ other: Report) throws(MigrationError) -> Report {
      guard states == other.states else {
        throw MigrationError(
          .ledgerMoved, "another runner applied or reversed phases while the database was copied",
          help: ["run the same command again"])
      }
      let findings = zip(findingsByState, other.findingsByState).map { zip($0, $1).map { $0 + $1 } }
      let outcomes = zip(outcomes, other.outcomes).map { one, two in
        zip(one, two).map { $0 == .broken ? $0 : $1 }
      }
      return Report(
        states: states, grounds: grounds, subjects: subjects, outcomes: outcomes, findingsByState: findings,
        unproved: unproved + other.unproved.filter { !unproved.contains($0) },
        stubsOfPhases: Set(stubsOfPhases).union(other.stubsOfPhases).sorted())
    }

    /// Whether every version works on every state where the windows let it be live.
    public var isClean: Bool { outcomes.joined().allSatisfy { $0 != .broken } }
  }

  /// A difference that a version of an application sees between a state and the one for which it was written.
  public struct Finding: Sendable, Hashable {
    /// The check that found it.
    package enum Check: String, Sendable, Hashable, CaseIterable {
      /// The statement was compiled.
      case compiling
      /// The script was run, and its results were compared.
      case results
      /// The claims of the phases were checked after the script.
      case verify
      /// Two versions wrote in turn, and the schema went down and up.
      case interleaving
      /// The query plans of SQLite were compared; this gives only a warning.
      case plan
    }

    package let check: Check
    /// The application.
    public let application: String
    /// Its version.
    public let version: Version
    /// The name of the statement; nil when it is not about one.
    public let query: String?
    /// What is wrong, in one sentence without a full stop.
    public let message: Prose
    /// Parameters, rows before and after: one line each.
    public let details: [Prose]
    /// Where the statement is written.
    public let place: Place?
    /// The phase after which it appeared first; nil when no phase caused it.
    public internal(set) var phase: PhaseID?
    /// The line of that phase's window, or its beginning.
    package internal(set) var phasePlace: Place?

    /// Whether it is a warning: the query only takes longer.
    public var isWarning: Bool { check == .plan }

    /// Whether it is the same finding on another state, whatever its rows are.
    func isSame(as other: Finding) -> Bool {
      check == other.check && application == other.application && version == other.version
        && query == other.query && message == other.message
    }
  }
}
