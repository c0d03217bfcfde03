internal import PhaseDB

/// A report as `--format json` prints it: the facts, each with its source.
struct ReportJSON: Encodable {
  let database: String
  let exists: Bool
  let ledger: Bool
  let askedAt: String
  let scope: Prose
  let checkpoint: Int64
  let rows: Int?
  let headline: Prose
  let drift: [Prose]
  let notes: [Prose]
  let questions: [QuestionJSON]
  let subjects: [SubjectJSON]
  let recoveries: [RecoveryJSON]
  let explanations: [ExplanationJSON]
  let bands: [BandJSON]
  let switches: [SwitchJSON]
  /// Of `--check`; nil without it.
  let check: CheckJSON?

  struct QuestionJSON: Encodable {
    let number: Int
    let question: Prose
    /// Null when nothing is in scope.
    let standing: String?
    let answers: [AnswerJSON]
  }

  struct AnswerJSON: Encodable {
    let phase: String
    let part: String?
    let standing: String?
    let says: Prose
    let proof: ProofJSON?
    let closing: ClosingJSON?
  }

  struct ProofJSON: Encodable {
    let what: Prose
    let at: String
    let rows: Int?
    let place: Prose
  }

  struct ClosingJSON: Encodable {
    let before: Prose
    let commands: [Prose]
  }

  struct SubjectJSON: Encodable {
    let phase: String
    let kind: String
    let appliedAt: String?
    let verdict: String
    let wayBack: Prose
    let upMilliseconds: Double?
    let holdMilliseconds: Double?
    let downLeastMilliseconds: Double?
    let downMostMilliseconds: Double?
    let downBasis: String?
    let overBudget: [Prose]
    let kept: [KeptJSON]
    let archiveForecastBytes: Int?
    let effects: [EffectJSON]
    let earliest: String?
    let timeToSafe: TimeToSafeJSON
  }

  struct TimeToSafeJSON: Encodable {
    let detectMilliseconds: Double?
    let decideMilliseconds: Double?
    let closeMilliseconds: Double
    let leastMilliseconds: Double?
    let mostMilliseconds: Double?
  }

  struct RecoveryJSON: Encodable {
    let kind: Prose
    let how: Prose
    let commands: [Prose]
    let time: Prose
    let remains: Prose
  }

  struct ExplanationJSON: Encodable {
    let title: Prose
    let says: [Prose]
  }

  struct BandJSON: Encodable {
    let application: String
    let appVersion: String
    let live: Bool
    /// The phases after which it may run; an empty text is the state before the first.
    let states: [String]
  }

  struct CheckJSON: Encodable {
    let required: [Int]
    let passes: Bool
    let unproved: [Int]
  }

  init(_ readiness: Readiness, _ check: ReportCheck?) {
    database = readiness.database
    exists = readiness.isThere
    ledger = readiness.hasLedger
    askedAt = readiness.now.text
    scope = readiness.scope
    checkpoint = readiness.checkpoint?.sequence ?? 0
    rows = readiness.rows
    headline = readiness.headline
    drift = readiness.drift
    notes = readiness.notes
    questions = readiness.questions.map { question in
      QuestionJSON(
        number: question.number, question: question.text, standing: question.standing?.rawValue,
        answers: question.answers.map { answer in
          AnswerJSON(
            phase: answer.phase.description, part: answer.part, standing: answer.standing?.rawValue,
            says: answer.says,
            proof: answer.proof.map {
              ProofJSON(what: $0.what, at: $0.at.text, rows: $0.rows, place: $0.place)
            },
            closing: answer.closing.map { ClosingJSON(before: $0.before, commands: $0.commands) })
        })
    }
    subjects = readiness.subjects.map(SubjectJSON.init)
    recoveries = readiness.recoveries.map {
      RecoveryJSON(kind: $0.kind, how: $0.how, commands: $0.commands, time: $0.time, remains: $0.remains)
    }
    explanations = readiness.explanations.map { ExplanationJSON(title: $0.title, says: $0.says) }
    let states = [""] + readiness.states.map(\.description)
    bands = readiness.bands.flatMap { band in
      band.rows.map { row in
        BandJSON(
          application: band.application, appVersion: row.version, live: row.isLive,
          states: zip(states, row.mayRun).filter(\.1).map(\.0))
      }
    }
    switches = readiness.switches.map { SwitchJSON($0) }
    self.check = check.map {
      CheckJSON(required: $0.required, passes: $0.passes, unproved: $0.unproved.map(\.number))
    }
  }
}

extension ReportJSON.SubjectJSON {
  fileprivate init(_ subject: Readiness.Subject) {
    (phase, kind) = (subject.id.description, subject.id.kind.rawValue)
    appliedAt = subject.applied?.appliedAt.text
    (verdict, wayBack) = (subject.word.rawValue, subject.wayBack)
    let times = subject.times
    (upMilliseconds, holdMilliseconds) = (times.up, times.hold)
    (downLeastMilliseconds, downMostMilliseconds) = (times.downLeast, times.downMost)
    (downBasis, overBudget) = (times.basis, times.overBudget)
    kept = subject.kept.map(KeptJSON.init)
    archiveForecastBytes = subject.archiveForecast
    effects = subject.effects.map { EffectJSON($0) }
    earliest = subject.wait?.ends?.text
    let safe = subject.toSafe
    timeToSafe = ReportJSON.TimeToSafeJSON(
      detectMilliseconds: safe.detect, decideMilliseconds: safe.decide, closeMilliseconds: safe.close,
      leastMilliseconds: safe.least, mostMilliseconds: safe.most)
  }
}
