/// The result of a rehearsal: what came back when phases went up and down on a copy.
public struct RehearsalReport: Sendable {
  /// The path of the database that was copied.
  public let database: String
  /// How many bytes were copied.
  public let copyBytes: Int
  package let copyMilliseconds: Double
  /// How long the copy took.
  public var copyTime: Duration { .milliseconds(copyMilliseconds) }
  /// In the order in which they were rehearsed.
  package let phases: [RehearsedPhase]
  /// Pending phases that cannot be rehearsed, such as one that needs a phase that does not exist.
  public let held: [Plan.Held]
  /// Virtual tables that could not be compared, each with the reason.
  public let unread: [String: String]
  /// Whether the database has a ledger to record evidence in.
  public let hasLedger: Bool

  /// Whether all is well: every phase came back or lost only what it declares, stayed within its budget, and has no
  /// probe that cannot fail.
  public var isClean: Bool { phases.allSatisfy(\.isClean) }
  /// What to record. A phase for which stubs answered proves nothing, so it is left out.
  package var evidence: [Evidence] { phases.filter(\.stubs.isEmpty).map(\.evidence) }
}

/// The result of rehearsing one phase.
package struct RehearsedPhase: Sendable {
  /// A part of the round trip.
  package enum Stage: String, Sendable, Hashable, CaseIterable {
    case up, down
    /// The second way up.
    case again
  }

  package let id: PhaseID
  /// Rows to which the SQL of the way down alone gives other values than they had. The archive corrects them, so this
  /// is not a loss. But rows that change after the phase will get the values of the SQL.
  package let corrections: [TableDifference]
  /// How the copy after the way down differed from the copy before the phase.
  package let afterDown: StateDifference
  /// How the copy after the second way up differed from the copy after the first.
  package let afterSecondUp: StateDifference
  /// The part that failed and how, nil when every part ran.
  package let failed: Stage?
  package let failure: MigrationError?
  /// Limits of `@budget` that were passed, one line each.
  package let overBudget: [String]
  /// Losses that the author declared.
  package let losses: [Loss]
  /// Tables that the phase touches and that had no rows. They prove nothing.
  package let emptyTables: [String]
  /// What its probes did between its way up and its way down; empty when the way up failed.
  package let probes: [RedProbe]
  /// Functions of the application for which a stub answered. On the database itself, rows or constraints may be
  /// different.
  package let stubs: [String]
  package let evidence: Evidence

  package var verdict: Evidence.Verdict { evidence.verdict }
  package var times: RehearsedTimes { evidence.times }
  /// Whether it came back, or lost only what it declares, within its budget and without a stub.
  package var cameBack: Bool { verdict.isProof && overBudget.isEmpty && stubs.isEmpty }
  /// Whether it came back, and each of its probes is able to fail.
  package var isClean: Bool { cameBack && !probes.contains(where: \.isNeverRed) }
}

/// How two states of a database differ in what they hold.
package struct StateDifference: Sendable, Hashable {
  /// Tables whose rows differ.
  package internal(set) var tables: [TableDifference] = []
  /// Other differences, one line each.
  package internal(set) var others: [Prose] = []
  /// Differences that are not losses, one line each.
  package internal(set) var notes: [Prose] = []

  package var isEmpty: Bool { tables.isEmpty && others.isEmpty }
  /// Whether every difference is declared.
  package var isDeclared: Bool { tables.allSatisfy(\.isDeclared) && others.isEmpty }
}

/// What happens while phases are rehearsed, in the order in which it happens.
package enum RehearsalEvent: Sendable {
  /// So many bytes are about to be copied.
  case copying(bytes: Int)
  case copied(bytes: Int, milliseconds: Double)
  /// A phase is about to be rehearsed; it is `number` of `count`, counted from 1.
  case began(PhaseID, number: Int, count: Int)
  /// A phase that comes before the one to rehearse was applied to the copy.
  case prepared(PhaseID, milliseconds: Double)
  /// The rows of the copy were read.
  case digested(PhaseID, rows: Int, milliseconds: Double)
  case ran(PhaseID, RehearsedPhase.Stage, RunResult.Times)
  case finished(RehearsedPhase)
}
