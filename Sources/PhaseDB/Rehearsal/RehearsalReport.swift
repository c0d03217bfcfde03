/// What a rehearsal showed.
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

  /// True when every phase came back, or lost only what it declares, within its budget, and each of its probes that could
  /// be tried was seen to fail.
  public var isClean: Bool { phases.allSatisfy(\.isClean) }
  /// What to record: nothing of a phase in which a stub answered for a function of the application.
  package var evidence: [Evidence] { phases.filter(\.stubs.isEmpty).map(\.evidence) }
}

/// What a rehearsal showed of one phase.
package struct RehearsedPhase: Sendable {
  /// A part of the round trip.
  package enum Stage: String, Sendable, Hashable, CaseIterable {
    case up, down
    /// The second way up.
    case again
  }

  package let id: PhaseID
  /// Where the SQL of the way down alone gives unchanged rows other values than they had. The archive puts
  /// them right, so it is no loss here; rows that change after the phase will get what the SQL gives them.
  package let corrections: [TableDifference]
  /// How the database differed from what it had been, after the phase came down.
  package let afterDown: StateDifference
  /// How it differed from what the first way up had made of it, after the second.
  package let afterSecondUp: StateDifference
  /// The part that failed and how, nil when every part ran.
  package let failed: Stage?
  package let failure: MigrationError?
  /// Limits of `@budget` that were passed, one line each.
  package let overBudget: [String]
  /// Losses that the author declared.
  package let losses: [Loss]
  /// Tables that the phase touches and that had no rows, so that they prove nothing.
  package let emptyTables: [String]
  /// What was seen of its probes between its way up and its way down; empty when the way up failed.
  package let probes: [RedProbe]
  /// Functions of the application for which a stub answered, so that rows or constraints may be others on the database.
  package let stubs: [String]
  package let evidence: Evidence

  package var verdict: Evidence.Verdict { evidence.verdict }
  package var times: RehearsedTimes { evidence.times }
  /// Whether it came back, or lost only what it declares, within its budget and without a stub.
  package var cameBack: Bool { verdict.isProof && overBudget.isEmpty && stubs.isEmpty }
  /// Whether it also has no probe that never failed.
  package var isClean: Bool { cameBack && !probes.contains(where: \.isNeverRed) }
}

/// How two states of a database differ in what they hold.
package struct StateDifference: Sendable, Hashable {
  /// Tables whose rows differ.
  package internal(set) var tables: [TableDifference] = []
  /// What differs beside the rows, one line each.
  package internal(set) var others: [Prose] = []
  /// What differs and is no loss, one line each.
  package internal(set) var notes: [Prose] = []

  package var isEmpty: Bool { tables.isEmpty && others.isEmpty }
  /// True when nothing differs but what is declared.
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
