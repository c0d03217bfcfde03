internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// How ready changes are to be released and to be taken back: eight questions, answered from evidence.
package struct Readiness: Sendable {
  /// How an answer is known, from best to worst.
  package enum Standing: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Evidence of the present text on the present schema says so.
    case proved
    /// A directive says so, and nothing tested it.
    case claimed
    case unknown
    /// Evidence says that it is not so.
    case refuted

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// Which phases are meant.
  package enum Scope: Sendable, Hashable {
    /// Those that are pending; all that are applied when none is.
    case open
    case pending, applied
    /// Those of the migration that a phase or a prefix names.
    case migration(String)
  }

  /// Where an answer comes from.
  package struct Proof: Sendable, Hashable {
    /// What was done, as in `rehearsed`.
    package let what: Prose
    package let at: Timestamp
    /// On how many rows; nil where that was not counted.
    package let rows: Int?
    /// Where it is written.
    package let place: Prose
  }

  /// What turns an answer into a proof.
  package struct Closing: Sendable, Hashable {
    /// What has to be done by hand before; empty when nothing has.
    package let before: Prose
    /// Commands, one after the other.
    package var commands: [Prose]
    /// Whether they are for the database that the report is about, and not only for the folder.
    package var isOnDatabase = true
  }

  /// The answer to one question about one phase, or a part of it.
  package struct Answer: Sendable, Hashable {
    package let phase: PhaseID
    /// Of a question with several answers, which one: `automatic`.
    package let part: String?
    /// Nil where the question does not arise.
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

    /// The weakest of its answers; nil when there is nothing to ask about.
    package var standing: Standing? { answers.compactMap(\.standing).max() }
    /// The answers that decide: those with the weakest standing.
    package var deciding: [Answer] { answers.filter { $0.standing == standing } }
  }

  /// A phase with what is known about it.
  package struct Subject: Sendable {
    package let id: PhaseID
    package let text: Phase
    package let applied: AppliedPhase?
    /// What reversing it would give back.
    package let word: Reversal.Word
    /// The same with its reasons, in one line.
    package let wayBack: Prose
    /// Rows that do not come back.
    package let lost: [Reversal.AffectedRows]
    package let times: Times
    /// What is kept of it until it is purged.
    package let kept: [KeptData]
    /// How much its archives would take, as a rehearsal measured; nil when unknown.
    package let archiveForecast: Int?
    package let effects: [EffectCount]
    package let watch: WatchRecord?
    /// How long a contract waits; nil when it need not.
    package let wait: Wait?
    package let gates: [Gate.Closed]
    package internal(set) var toSafe: TimeToSafe
  }

  /// How long a contract waits for its soak, or for its switch.
  package struct Wait: Sendable, Hashable {
    package let lasts: Duration
    /// Since when that counts; nil while it does not.
    package let since: Timestamp?
    /// When it can go up at the earliest; nil while that is open.
    package var ends: Timestamp? { since?.before(.zero - lasts) }
  }

  /// What was measured, in milliseconds.
  package struct Times: Sendable, Hashable {
    package var up: Double?
    package var hold: Double?
    package var downLeast: Double?
    package var downMost: Double?
    /// How the time of the way down is known: `measured`, `scaled` or `rehearsed`.
    package var basis: String?
    /// Limits of `@budget` that are passed: `down took 7 s, and the budget is 5 s`.
    package var overBudget: [Prose] = []
  }

  /// How long a fault lasts that the phase causes, in milliseconds; nil for what is not known.
  package struct TimeToSafe: Sendable, Hashable {
    package var detect: Double?
    /// Zero where the way back begins by itself.
    package var decide: Double?
    /// Until whoever asked a switch before it was closed is done.
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

  /// One of the five things that everybody must be able to explain.
  package struct Explanation: Sendable, Hashable {
    package let title: Prose
    package let says: [Prose]
  }

  /// On which states the versions of an application may run.
  package struct Bands: Sendable, Hashable {
    package let application: String
    package let rows: [Row]

    package struct Row: Sendable, Hashable {
      package let version: String
      package let isLive: Bool
      /// For each state, whether it may run there.
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
  /// The one line to read.
  package let headline: Prose
  /// In the order in which they were applied, or would be.
  package let subjects: [Subject]
  package internal(set) var questions: [Question]
  package internal(set) var recoveries: [Recovery]
  package let explanations: [Explanation]
  /// The phases whose states the bands have: the first state is before the first of them.
  package let states: [PhaseID]
  /// How many of them are applied.
  package let appliedStates: Int
  package let bands: [Bands]
  package let switches: [SwitchRecord]
  /// What could not be read, and is missing here.
  package var notes: [Prose]

  /// The same with commands that can be typed as they stand.
  ///
  /// - Parameter complete: adds to a command the options that it needs, with those of the database or without.
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
  /// What a report is to be about, and the evidence beside that of the ledger.
  package struct Request: Sendable {
    package var scope: Scope
    /// What compat showed.
    package var compat: [CompatEvidence]
    /// The file with the evidence; nil when there is none.
    package var file: String?
    /// The folder with the queries of applications; nil when there is none.
    package var folder: String?
    /// Older evidence proves nothing.
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
