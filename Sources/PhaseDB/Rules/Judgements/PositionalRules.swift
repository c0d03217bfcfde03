internal import PhaseSQL
internal import PhaseSQLite

/// No SQL may write a table by position if its columns change.
enum PositionalInsert: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    PositionalRule(trial, folder).findings(.positionalInsert, .insert)
  }
}

/// No SQL may read a table by position if its columns change.
enum SelectStar: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    PositionalRule(trial, folder).findings(.selectStar, .star)
  }
}

/// The common part of both rules: which tables changed, and which SQL depends on the number or order of their
/// columns.
private struct PositionalRule {
  private let trial: PhaseTrial
  private let folder: LintedFolder

  init(_ trial: PhaseTrial, _ folder: LintedFolder) {
    self.trial = trial
    self.folder = folder
  }

  func findings(_ rule: Rule, _ kind: PositionalUse.Kind) -> [Finding] {
    trial.difference.changed.lazy.filter { $0.before.key.type == "table" }.flatMap { pair -> [Finding] in
      let table = pair.before.key.name
      let entries = folder.positional[table].filter { $0.use.kind == kind && concerns($0.source) }
      let code = trial.code.users(of: table).filter { object in
        !trial.difference.added.contains { $0.key == object.key }
          && PositionalUse.all(in: object.sql).contains { $0.kind == kind && $0.table == table }
      }
      guard !entries.isEmpty || !code.isEmpty,
        let change = ColumnChange(from: pair.before, to: pair.after)
      else { return [] }
      return entries.map { finding(rule, kind, change, $0) } + code.map { finding(rule, kind, change, $0) }
    }
  }

  /// Whether SQL that depends on the columns runs both before and after the phase.
  private func concerns(_ source: PositionalIndex.Source) -> Bool {
    switch source {
    case .application(let name?, let version?):
      trial.phase.windows[name]?.contains(version) ?? true
    case .application: true
    case .phase(let id, let direction, let needs):
      // The phase's own SQL, and phases that may go up while the contract waits.
      id == trial.id
        || (trial.id.kind == .contract && id.kind != .contract && direction == .up
          && id.migration > trial.id.migration && !needs.contains(where: trial.id.isNamed(by:)))
    }
  }

  private func finding(
    _ rule: Rule, _ kind: PositionalUse.Kind, _ change: ColumnChange, _ entry: PositionalIndex.Entry
  ) -> Finding {
    let isApplication = if case .application = entry.source { true } else { false }
    return Finding(
      rule, level: isApplication ? .error : .warning, in: trial.id,
      "\(what(kind)) relies on column positions of \(change.name), which \(trial.id.short) changes",
      at: entry.place, details: change.lines, remedies: remedies(kind, change))
  }

  private func finding(
    _ rule: Rule, _ kind: PositionalUse.Kind, _ change: ColumnChange, _ object: SchemaObject
  ) -> Finding {
    let script = trial.phase.up
    let statement = trial.statements.first {
      !$0.writes.alteredTables.union($0.writes.droppedTables).isDisjoint(with: [change.name.folded])
    }
    return Finding(
      rule, level: .warning, in: trial.id,
      "\(what(kind)) in \(object.title) relies on column positions of \(change.name), which the phase changes",
      at: statement?.place(in: script) ?? script.place(at: script.firstTokenOffset), details: change.lines,
      remedies: remedies(kind, change))
  }

  private func what(_ kind: PositionalUse.Kind) -> String { kind == .insert ? "an INSERT" : "a SELECT *" }

  private func remedies(_ kind: PositionalUse.Kind, _ change: ColumnChange) -> [Prose] {
    let columns = change.kept.map { "\(SQLName($0.text))" }.joined(separator: ", ")
    return switch kind {
    case .insert: ["name the columns: INSERT INTO \(SQLName(change.name)) (\(columns)) …"]
    case .star, .innerStar: ["name the columns: SELECT \(columns) FROM \(SQLName(change.name)) …"]
    }
  }
}

/// How the number or the order of a table's columns changed.
private struct ColumnChange {
  let name: String
  let before: [FoldedName]
  let after: [FoldedName]

  /// Nil when no column was added, removed or moved: a column that was only renamed or redefined keeps its number.
  init?(from old: SchemaObject, to new: SchemaObject) {
    guard let before = TableDefinition(old.sql), let after = TableDefinition(new.sql), before.virtual == nil,
      after.virtual == nil
    else { return nil }
    name = new.name
    self.before = before.columns.map(\.name.key)
    self.after = after.columns.map(\.name.key)
    let moved = self.before.enumerated().contains { index, column in
      self.after.firstIndex(of: column).map { $0 != index } ?? false
    }
    guard moved || self.before.count != self.after.count else { return nil }
    lines = DetailLines.first(
      TableComparison(before, after).facts.filter { fact in
        switch fact {
        case .columnAdded, .columnRemoved, .columnMoved: true
        default: false
        }
      }.flatMap(\.sentences))
  }

  /// The columns that are there before and after.
  var kept: [FoldedName] { before.filter(after.contains) }

  /// Which columns came, went or moved.
  private(set) var lines: [Prose] = []
}
