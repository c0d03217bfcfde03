internal import PhaseSQLite

/// The way down of an applied phase, tried where there are no rows.
struct DownTrial: Sendable {
  enum Outcome: String, Sendable, Codable {
    /// It takes back what was added, and no row of any other table has a say in it.
    case plain
    /// It runs; which rows it meets may matter.
    case runs
    /// It runs, and writes to columns that are there before and after it.
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
  var help: [Prose] = []

  private init(_ outcome: Outcome, _ error: MigrationError? = nil, help: [Prose] = []) {
    self.outcome = outcome
    reason = error?.message
    details = error?.details ?? []
    self.help = help
  }

  init(_ outcome: Outcome, reason: Prose?, details: [Prose], help: [Prose]) {
    (self.outcome, self.reason, self.details, self.help) = (outcome, reason, details, help)
  }

  /// - Parameters:
  ///   - present: the schema from which it leads.
  ///   - former: the schema before the phase; nil when changes from outside were accepted since, so that it need not lead
  ///     there.
  ///   - hasClaims: whether claims of earlier phases are checked after it.
  init(
    _ id: PhaseID, _ phase: Phase, from present: Schema, to former: Schema?, hasClaims: Bool,
    _ trials: TransitionTrials
  ) {
    let trial: TransitionTrial
    do throws(MigrationError) {
      trial = try trials.trial(id, phase, .down, on: present)
    } catch {
      // Objects that cannot be made say nothing of the way back: their module or collation is the application's own.
      let isOfSQL = error.place != nil || error.id == .retirementBlocked
      self.init(isOfSQL ? .blocked : .untried, error, help: isOfSQL ? WayOut.forward : [])
      return
    }
    if let former, let misfits = Self.misfits(of: trial, on: present, to: former) {
      self.init(
        .blocked,
        MigrationError(
          .downNotInverse, "the down of \(id) does not lead back to the schema before it", details: misfits),
        help: WayOut.forward)
      return
    }
    let trace = trial.there
    if trace.overwrites(present) {
      self.init(.overwrites)
    } else {
      let gains = trace.tables.contains { table in
        table.outcome != nil && (table.origin == nil || table.gainsRows || table.hasNewColumns)
      }
      let isHeld = (former ?? Schema()).changes(since: present).contains {
        $0.kind == .added && $0.object.key.type == "index"
      }
      let isPlain = !gains && !isHeld && !hasClaims && former != nil && phase.retirements.isEmpty
      self.init(isPlain ? .plain : .runs)
    }
  }

  /// How what it leaves differs from the schema before the phase, one line each; nil when it does not.
  private static func misfits(
    of trial: TransitionTrial, on present: Schema, to former: Schema
  ) -> [Prose]? {
    let touched = Set(trial.began.map(\.key))
    var left = present.objects.filter { !touched.contains($0.key) } + Array(trial.left.objects)
    if Schema(left).digest == former.digest { return nil }
    // What differs in the order of columns alone is put right by phasedb itself.
    let reordered = SchemaDifference(from: Schema(left), to: former).changed.filter {
      TableRebuild(of: $0.before, as: $0.after) != nil
    }
    left = left.map { object in reordered.first { $0.before.key == object.key }?.after ?? object }
    let difference = SchemaDifference(from: former, to: Schema(left))
    return difference.isEmpty ? nil : difference.lines
  }
}

extension ScriptTrace {
  /// Whether the script may change values or rows of a table that is there before and after it.
  fileprivate func overwrites(_ present: Schema) -> Bool {
    tables.contains { table in
      guard let outcome = table.outcome else { return false }
      if table.losesRows || table.isRowIDUpdated { return true }
      guard table.origin == nil else {
        return table.columns.contains { $0.isUpdated && $0.origin != nil && $0.outcome != nil }
      }
      guard let old = present.table(outcome) else { return false }
      return table.columns.contains { column in
        guard let name = column.outcome, old.column(name) != nil, !column.isGenerated else { return false }
        return column.isUpdated || column.handedFrom == nil
      }
    }
  }
}

// MARK: - In the ledger

extension DownTrial {
  private struct Report: Codable {
    let reason: String?
    let details: [String]
    let help: [String]
  }

  /// As the ledger keeps it; nil for a row that cannot be read.
  init?(_ record: WayDownRecord) {
    guard let outcome = Outcome(rawValue: record.verdict) else { return nil }
    guard outcome == .blocked else {
      self.init(outcome, reason: nil, details: [], help: [])
      return
    }
    guard let report = WayDownJSON.read(Report.self, from: record.report) else { return nil }
    self.init(
      outcome, reason: report.reason.map { Prose($0) }, details: report.details.map { Prose($0) },
      help: report.help.map { Prose($0) })
  }

  var report: String {
    outcome == .blocked ? WayDownJSON.text(
        Report(reason: reason?.raw, details: details.map(\.raw), help: help.map(\.raw))) : "{}"
  }
}
