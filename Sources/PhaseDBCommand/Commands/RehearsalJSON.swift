internal import PhaseDB

/// The result of a rehearsal, as `--format json` prints it.
struct RehearsalJSON: Encodable {
  let database: String
  let clean: Bool
  let copyBytes: Int
  let copyMilliseconds: Double
  /// `ledger`, `file`, or null.
  let recorded: String?
  let phases: [PhaseJSON]
  let held: [PlanJSON.HeldJSON]
  let unread: [String: String]

  struct PhaseJSON: Encodable {
    let phase: String
    let verdict: String
    let upMilliseconds: Double?
    let downMilliseconds: Double?
    let holdMilliseconds: Double?
    let rowsUp: Int
    let rowsDown: Int
    let archiveBytes: Int?
    let logBytes: Int?
    let overBudget: [String]
    let emptyTables: [String]
    let losses: [String]
    let failed: FailureJSON?
    let corrections: [TableJSON]
    let afterDown: DifferenceJSON
    let afterSecondUp: DifferenceJSON
    let probes: [ProbeJSON]
    let stubs: [String]
  }

  struct ProbeJSON: Encodable {
    let probe: String
    /// `failed`, `never`, `unknown` or `not-asked`.
    let outcome: String
    /// `probe-never-red` if the probe never failed, else nil.
    let finding: String?
    /// The action after which it failed.
    let after: Prose?
    /// Its reason when it failed, or why nothing is known.
    let reason: Prose?
    let help: Prose?

    init(_ probe: RedProbe) {
      self.probe = probe.title
      finding = probe.isNeverRed ? RedProbe.finding : nil
      help = probe.remedy
      switch probe.outcome {
      case .failed(let after, let reason): (outcome, self.after, self.reason) = ("failed", after, "\(reason)")
      case .never: (outcome, after, reason) = ("never", nil, nil)
      case .unknown(let why): (outcome, after, reason) = ("unknown", nil, why)
      case .notAsked: (outcome, after, reason) = ("not-asked", nil, nil)
      }
    }
  }

  struct FailureJSON: Encodable {
    /// `up`, `down` or `again`.
    let stage: String
    let id: String
    let message: Prose
    let file: String?
    let line: Int?
    let column: Int?
    let details: [Prose]
  }

  struct DifferenceJSON: Encodable {
    let tables: [TableJSON]
    let others: [Prose]
    let notes: [Prose]

    init(_ difference: StateDifference) {
      tables = difference.tables.map(TableJSON.init)
      others = difference.others
      notes = difference.notes
    }
  }

  struct TableJSON: Encodable {
    let table: String
    let rows: Int
    let declaredRows: Int
    let first: [RowJSON]

    init(_ table: TableDifference) {
      self.table = table.table
      rows = table.rows
      declaredRows = table.declaredRows
      first = table.first.map { row in
        RowJSON(
          kind: row.kind.rawValue, key: row.key,
          columns: row.columns.map { ColumnJSON(column: $0.name, before: $0.before, after: $0.after) })
      }
    }
  }

  struct RowJSON: Encodable {
    let kind: String
    let key: String
    let columns: [ColumnJSON]
  }

  struct ColumnJSON: Encodable {
    let column: String
    let before: String?
    let after: String?
  }

  init(_ report: RehearsalReport, record: RehearseCommand.Record) {
    database = report.database
    clean = report.isClean
    copyBytes = report.copyBytes
    copyMilliseconds = report.copyMilliseconds
    switch record {
    case .ledger: recorded = "ledger"
    case .file: recorded = "file"
    case .nowhere: recorded = nil
    }
    phases = report.phases.map(PhaseJSON.init)
    held = report.held.map {
      PlanJSON.HeldJSON(phase: $0.id.description, gates: $0.gates.map(PlanJSON.GateJSON.init))
    }
    unread = report.unread
  }
}

extension RehearsalJSON.PhaseJSON {
  fileprivate init(_ phase: RehearsedPhase) {
    let times = phase.times
    self.init(
      phase: phase.id.description, verdict: RehearsalText.word(of: phase), upMilliseconds: times.up,
      downMilliseconds: times.down, holdMilliseconds: times.hold, rowsUp: times.rowsUp,
      rowsDown: times.rowsDown,
      archiveBytes: times.archiveBytes, logBytes: times.logBytes, overBudget: phase.overBudget,
      emptyTables: phase.emptyTables, losses: phase.losses.map { "\($0.table).\($0.column): \($0.reason)" },
      failed: RehearsalJSON.FailureJSON(phase),
      corrections: phase.corrections.map(RehearsalJSON.TableJSON.init), afterDown: .init(phase.afterDown),
      afterSecondUp: .init(phase.afterSecondUp), probes: phase.probes.map(RehearsalJSON.ProbeJSON.init),
      stubs: phase.stubs)
  }
}

extension RehearsalJSON.FailureJSON {
  fileprivate init?(_ phase: RehearsedPhase) {
    guard let stage = phase.failed, let error = phase.failure else { return nil }
    self.init(
      stage: stage.rawValue, id: error.id.rawValue, message: error.message, file: error.place?.file,
      line: error.place?.line, column: error.place?.column, details: error.details)
  }
}
