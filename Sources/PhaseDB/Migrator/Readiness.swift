internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A readiness report: eight questions about releasing changes and taking them back, answered from evidence.
package struct Readiness: Sendable {
  /// How certain an answer is, from best to worst.
  package enum Standing: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Evidence of the present text on the present schema says so.
    case proved
    /// A directive says so, but it was not tested.
    case claimed
    case unknown
    /// Evidence shows the opposite.
    case refuted

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// The phases that a report is about.
  package enum Scope: Sendable, Hashable {
    /// The pending phases; if there are none, all applied phases.
    case open
    case pending, applied
    /// The phases of one migration, named by a phase or a prefix.
    case migration(String)
  }

  /// Where an answer comes from.
  package struct Proof: Sendable, Hashable {
    /// What was done, as in `rehearsed`.
    package let what: Prose
    package let at: Timestamp
    /// How many rows it covered; nil when they were not counted.
    package let rows: Int?
    /// Where the evidence is stored.
    package let place: Prose
  }

  /// What an operator can do to turn an answer into a proof.
  package struct Closing: Sendable, Hashable {
    /// What has to be done by hand first; empty when there is nothing.
    package let before: Prose
    /// Commands, one after the other.
    package var commands: [Prose]
    /// Whether the commands need the database of the report, and not only the folder.
    package var isOnDatabase = true
  }

  /// The answer to one question about one phase, or a part of it.
  package struct Answer: Sendable, Hashable {
    package let phase: PhaseID
    /// The part of the question that it answers, such as `automatic`; nil when the question has one answer.
    package let part: String?
    /// How certain it is; nil where the question does not apply.
    package let standing: Standing?
    /// One sentence without a full stop.
    package let says: Prose
    package let proof: Proof?
    package internal(set) var closing: Closing?
  }

  package struct Question: Sendable, Hashable {
    /// From 1 to 8.
    package let number: Int
    package let text: Prose
    package internal(set) var answers: [Answer]

    /// The weakest standing of its answers; nil when the question does not apply.
    package var standing: Standing? { answers.compactMap(\.standing).max() }
    /// The answers that decide: those with the weakest standing.
    package var deciding: [Answer] { answers.filter { $0.standing == standing } }
  }

  /// A phase of the report, with the facts about it.
  package struct Subject: Sendable {
    package let id: PhaseID
    package let text: Phase
    package let applied: AppliedPhase?
    /// The verdict on its reversal.
    package let word: Reversal.Word
    /// The verdict with its reasons, in one line.
    package let wayBack: Prose
    /// Rows that its reversal does not restore.
    package let lost: [Reversal.AffectedRows]
    package let times: Times
    /// Its archives and retired objects.
    package let kept: [KeptData]
    /// The size of its archives, as a rehearsal measured it; nil when unknown.
    package let archiveForecast: Int?
    package let effects: [EffectCount]
    package let watch: WatchRecord?
    /// How long a contract has to wait; nil when it need not wait.
    package let wait: Wait?
    package let gates: [Gate.Closed]
    package internal(set) var toSafe: TimeToSafe
  }

  /// How long a contract waits for its soak, or for its switch.
  package struct Wait: Sendable, Hashable {
    package let lasts: Duration
    /// When the waiting time began; nil when it has not begun.
    package let since: Timestamp?
    /// When it can go up at the earliest; nil when the waiting time has not begun.
    package var ends: Timestamp? { since?.before(.zero - lasts) }
  }

  /// What was measured, in milliseconds.
  package struct Times: Sendable, Hashable {
    package var up: Double?
    package var hold: Double?
    package var downLeast: Double?
    package var downMost: Double?
    /// Where the time of the way down comes from: `measured`, `scaled` or `rehearsed`.
    package var basis: String?
    /// Limits of `@budget` that are passed: `down took 7 s, and the budget is 5 s`.
    package var overBudget: [Prose] = []
  }

  /// How long a fault caused by the phase would last, by its parts, in milliseconds; nil for unknown parts.
  package struct TimeToSafe: Sendable, Hashable {
    package var detect: Double?
    /// The time to decide; zero where the way back starts automatically.
    package var decide: Double?
    /// The wait after a switch is closed, for requests that saw it open.
    package var close: Double
    package var downLeast: Double?
    package var downMost: Double?

    package var least: Double? { sum(downLeast) }
    package var most: Double? { sum(downMost) }

    private func sum(_ down: Double?) -> Double? {
      guard let detect, let decide, let down else { return nil }
      return detect + decide + close + down
    }
  }

  /// One of the five kinds of recovery.
  package struct Recovery: Sendable, Hashable {
    package let kind: Prose
    package let how: Prose
    package internal(set) var commands: [Prose]
    package let time: Prose
    package let remains: Prose
  }

  /// One of the five things that a team must be able to explain.
  package struct Explanation: Sendable, Hashable {
    package let title: Prose
    package let says: [Prose]
  }

  /// The states on which each version of an application may run.
  package struct Bands: Sendable, Hashable {
    package let application: String
    package let rows: [Row]

    package struct Row: Sendable, Hashable {
      package let version: String
      package let isLive: Bool
      /// For each state, whether the version may run there.
      package let mayRun: [Bool]
    }
  }

  /// The path of the database.
  package let database: String
  package let now: Timestamp
  package let scope: Prose
  package let isThere: Bool
  package let hasLedger: Bool
  package let checkpoint: Checkpoint?
  package let drift: [Prose]
  /// How many rows the database has; nil when counting took too long.
  package let rows: Int?
  /// The summary in one line.
  package let headline: Prose
  /// In the order in which they were applied, or would be.
  package let subjects: [Subject]
  package internal(set) var questions: [Question]
  package internal(set) var recoveries: [Recovery]
  package let explanations: [Explanation]
  /// The phases between the states of the bands. The first state is before the first of them.
  package let states: [PhaseID]
  /// How many of them are applied.
  package let appliedStates: Int
  package let bands: [Bands]
  package let switches: [SwitchRecord]
  /// What is missing from the report because it could not be read.
  package var notes: [Prose]

  /// The same report with complete commands, ready to paste.
  ///
  /// - Parameter complete: adds to a command the options that it needs, with or without those of the database.
  package func completing(_ complete: (_ command: Prose, _ isOnDatabase: Bool) -> Prose) -> Readiness {
    var report = self
    for question in questions.indices {
      for answer in questions[question].answers.indices {
        guard var closing = questions[question].answers[answer].closing else { continue }
        closing.commands = closing.commands.map {
          complete($0, closing.isOnDatabase || $0.hasPrefix("phasedb report"))
        }
        report.questions[question].answers[answer].closing = closing
      }
    }
    for index in recoveries.indices {
      report.recoveries[index].commands = recoveries[index].commands.map { complete($0, true) }
    }
    return report
  }

  /// The questions among those required that are not proved.
  package func unproved(of required: [Int]) -> [Question] {
    questions.filter { required.contains($0.number) && $0.standing.map { $0 != .proved } ?? false }
  }

  /// What each question asks, in order.
  package static let texts: [Prose] = [
    "Can old and new behaviour coexist safely during transition?",
    "Are database changes reversible, or only deployments?",
    "What external side effects continue even if code is reverted?",
    "How quickly would the team detect failure under real traffic?",
    "Is rollback automated, rehearsed, or dependent on heroics?",
    "Can the blast radius be isolated before full cutover?",
    "What customer, compliance or operational effects remain?",
    "Which changes should be phased purely because they are hard to reverse?",
  ]
}

extension Readiness {
  /// What a report should cover, and evidence in addition to that of the ledger.
  package struct Request: Sendable {
    package var scope: Scope
    /// The evidence of compat.
    package var compat: [CompatEvidence]
    /// The file with the evidence; nil when there is none.
    package var file: String?
    /// The folder with the queries of applications; nil when there is none.
    package var folder: String?
    /// The maximum age of evidence; older evidence proves nothing.
    package var maximumAge: Duration

    package init(
      _ scope: Scope = .open, compat: [CompatEvidence] = [], file: String? = nil, folder: String? = nil,
      maximumAge: Duration = .seconds(30 * 86_400)
    ) {
      (self.scope, self.compat, self.file, self.folder, self.maximumAge) = (
        scope, compat, file, folder, maximumAge
      )
    }
  }
}
