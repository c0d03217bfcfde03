internal import PhaseSQL
internal import PhaseSQLite

/// The result of running the way down of an applied phase on a database without rows.
struct DownTrial: Sendable {
  enum Outcome: String, Sendable, Codable {
    /// It only removes what the phase added. The rows do not matter.
    case plain
    /// It runs, but the rows may matter.
    case runs
    /// It runs, and writes to columns that exist before and after it.
    case overwrites
    /// It does not run, or leads to another schema.
    case blocked
    /// Nothing could be tried.
    case untried
  }

  var outcome: Outcome
  /// Why it is blocked or untried.
  var reason: Prose?
  var details: [Prose] = []

  init(_ outcome: Outcome, reason: Prose? = nil, details: [Prose] = []) {
    (self.outcome, self.reason, self.details) = (outcome, reason, details)
  }

  /// - Parameters:
  ///   - present: the schema from which it leads.
  ///   - former: the schema before the phase. Nil when changes from outside were accepted since, because then it need
  ///     not lead there.
  ///   - hasClaims: whether claims of earlier phases are checked after it.
  ///   - costLimit: the limit for its SQL. It is needed because any program that can write the database can change
  ///     the SQL in the ledger.
  init(
    _ id: PhaseID, _ phase: Phase, from present: Schema, to former: Schema?, hasClaims: Bool,
    _ costLimit: CostLimit
  ) {
    let trial: TransitionTrial
    do throws(MigrationError) {
      trial = try TransitionTrial(id, phase, .down, on: present, costLimit)
    } catch {
      // If an object of the schema cannot be made, its module or collation belongs to the application. That does not
      // mean that the way back fails.
      let isOfSQL = error.id != .tooCostly && error.place != nil || error.id == .retirementBlocked
      self.init(isOfSQL ? .blocked : .untried, reason: error.message, details: error.details)
      return
    }
    if let former, let misfits = Self.misfits(of: trial, on: present, to: former) {
      self.init(
        .blocked, reason: "it does not lead back to the schema before the phase", details: misfits)
      return
    }
    self.init(trial.there, phase, from: present, to: former, hasClaims: hasClaims)
  }

  /// The same for a way back whose effect is known, and that leads back.
  ///
  /// - Parameters:
  ///   - back: what its SQL does.
  ///   - former: the schema before the phase; nil when it does not lead there.
  init(_ back: ScriptTrace, _ phase: Phase, from present: Schema, to former: Schema?, hasClaims: Bool) {
    guard back.overwritten(present, former).isEmpty else {
      self.init(.overwrites)
      return
    }
    let gains = back.tables.contains { table in
      table.outcome != nil && (table.origin == nil || table.gainsRows || table.hasNewColumns)
    }
    let isHeld = SQLTokens.identifiers(in: phase.down.text).contains("unique")
    let isPlain =
      !gains && !isHeld && !hasClaims && former != nil && phase.retirements.isEmpty && !back.mayRaise
    self.init(isPlain ? .plain : .runs)
  }

  /// How the resulting schema differs from the one before the phase, one line each; nil when it does not differ.
  private static func misfits(
    of trial: TransitionTrial, on present: Schema, to former: Schema
  ) -> [Prose]? {
    var left = Array(trial.schema(from: present).objects)
    if Schema(left).digest == former.digest { return nil }
    // phasedb itself corrects the order of columns.
    let reordered = SchemaDifference(from: Schema(left), to: former).changed.filter {
      TableRebuild(of: $0.before, as: $0.after) != nil
    }
    left = left.map { object in reordered.first { $0.before.key == object.key }?.after ?? object }
    let difference = SchemaDifference(from: former, to: Schema(left))
    return difference.isEmpty ? nil : difference.lines
  }
}

extension TransitionTrial {
  /// The schema after the way down.
  func schema(from present: Schema) -> Schema {
    let touched = Set(began.map(\.key))
    return Schema(present.objects.filter { !touched.contains($0.key) } + Array(left.objects))
  }
}

// MARK: - In the ledger

extension DownTrial {
  private struct Report: Codable {
    let reason: String?
    let details: [String]
  }

  /// Reads the result from the ledger; nil for a row that cannot be read.
  init?(_ record: WayDownRecord) {
    guard let outcome = Outcome(rawValue: record.verdict) else { return nil }
    guard outcome == .blocked else {
      self.init(outcome)
      return
    }
    guard let report = WayDownJSON.read(Report.self, from: record.report) else { return nil }
    self.init(
      outcome, reason: report.reason.map { Prose($0) }, details: report.details.map { Prose($0) })
  }

  /// What a result is about: a schema and a text. The text in the ledger may have been changed since.
  static func subject(_ phase: AppliedPhase, _ schema: SchemaDigest) -> String {
    "\(schema.text) \(phase.tokenHash)"
  }

  /// The result as a row for the ledger.
  func record(of phase: AppliedPhase, from schema: SchemaDigest, at time: Timestamp) -> WayDownRecord {
    let report = Report(reason: reason?.raw, details: details.map(\.raw))
    return WayDownRecord(
      sequence: phase.sequence, means: .scratch, schema: Self.subject(phase, schema), at: time,
      verdict: outcome.rawValue,
      report: outcome == .blocked ? WayDownJSON.text(report) : "{}")
  }
}
