internal import PhaseSQL
internal import PhaseSQLite

/// The baseline that would replace phases.
package struct Squash: Sendable {
  /// The last of the phases, in folder order.
  package let target: PhaseID
  /// All phases that it replaces, in folder order.
  package let phases: [PhaseID]
  /// The content of the new `baseline.sql`.
  package let baseline: String
  /// How many rows the phases insert into an empty database. The baseline inserts them instead.
  package let rows: Int
  /// Virtual tables whose content is not in the baseline.
  package let leftOut: [String]
}

/// Puts phases into the baseline, and records that it replaces them.
struct Squashing: MigratorWork {
  let migrator: Migrator

  func squash(to name: String) throws(MigrationError) -> Squash {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try planning.undrifted()
      guard knowledge.ledger != nil else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger, so no phase is applied there",
          state: "nothing was changed",
          help: ["start tracking the database: phasedb adopt"])
      }
      let target = try PhaseID.find(name, among: catalog.phases.map(\.id))
      let planner = try planning.planner(knowledge)
      if let underWay = planner.underWay { throw underWay.inProgress("nothing can be squashed") }
      try planner.folder.refuseEdited()
      try planner.folder.refuseRenumbered()
      let part = catalog.phases.filter { $0.id <= target }
      try refuseOthersBetween(part.map(\.id), target, knowledge)
      return try draft(part, target, knowledge)
    }
  }

  private func refused(_ why: Prose, _ help: [Prose]) -> MigrationError {
    MigrationError(.squashRefused, why, state: "nothing was changed", help: help)
  }

  /// Refuses a part that is not applied as a whole, or with phases of others between.
  private func refuseOthersBetween(
    _ part: [PhaseID], _ target: PhaseID, _ knowledge: Knowledge
  ) throws(MigrationError) {
    let sequences = Dictionary(
      knowledge.applied.map { ($0.id, $0.sequence) }, uniquingKeysWith: { first, _ in first })
    if let missing = part.first(where: { sequences[$0] == nil }) {
      throw refused(
        "\(missing) is not applied, so the database does not have what the baseline would say",
        ["apply it first: phasedb up --to \(target.short)"])
    }
    let last = part.compactMap { sequences[$0] }.max() ?? 0
    let between = knowledge.applied.filter { $0.sequence < last && $0.id > target && !$0.isSquashed }
    guard let first = between.first, let highest = between.map(\.id).max() else { return }
    throw refused(
      "\(first.id) was applied before phases up to \(target), and comes after them in the folder",
      ["squash it, too: phasedb squash --to \(highest.short)"])
  }

  private func draft(
    _ part: [(id: PhaseID, phase: Phase)], _ target: PhaseID, _ knowledge: Knowledge
  ) throws(MigrationError) -> Squash {
    for (id, _) in part {
      let kept = try PurgeRun(id.description, catalog, knowledge, on: connection).listing().items
      guard kept.contains(where: { $0.isRetired }) else { continue }
      throw refused(
        "what \(id) retired is still in the database, and a baseline does not have it",
        ["destroy it if it is no longer needed: phasedb purge \(id.short)"])
    }
    let scratch = try Scratch(baseline: catalog.baseline, terms: options.scratchTerms)
    for (id, phase) in part { try scratch.run(id, phase, .up) }
    try lifting("dropping what was retired") { () in
      for (id, phase) in part { try RetiredObjects(of: id, phase).drop(on: scratch.connection) }
    }
    let known = Set((catalog.baseline?.squashed ?? []).map(\.id))
    let squashed =
      (catalog.baseline?.squashed ?? []).filter { line in !part.contains { $0.id == line.id } }
      + part.filter { !known.contains($0.id) }.map { SquashedPhase($0.id, $0.phase.tokenHash) }
    let draft = try BaselineDraft(
      scratch.connection, try lifting("reading the schema") { () in try Schema(of: scratch.connection) })
    let content = try lifting("reading the rows") { () in
      try BaselineRows(of: scratch.connection, draft.objects)
    }
    let text = draft.text(squashed: squashed, rows: content.statements) ?? ""
    try refuseOtherSchema(text, part, knowledge)
    return Squash(
      target: target, phases: part.map(\.id), baseline: text, rows: content.rows, leftOut: content.leftOut)
  }

  /// Checks that the new baseline and the applied phases after it lead to the present schema.
  private func refuseOtherSchema(
    _ text: String, _ part: [(id: PhaseID, phase: Phase)], _ knowledge: Knowledge
  ) throws(MigrationError) {
    let scratch = try Scratch(
      baseline: Script(text, file: "baseline.sql"), terms: options.scratchTerms)
    for applied in knowledge.applied where !part.contains(where: { $0.id == applied.id }) {
      guard let phase = catalog[applied.id] else { continue }
      try scratch.run(applied.id, phase, .up)
    }
    guard scratch.schema.digest != knowledge.schema.digest else { return }
    throw MigrationError(
      .squashRefused, "the phases of the folder do not lead to the schema of \(database)",
      details: SchemaDifference(from: scratch.schema, to: knowledge.schema).lines,
      state: "nothing was changed",
      help: ["write the difference as a migration, and apply it everywhere"])
  }

  /// - Parameter phases: nil for what the baseline stands for and the ledger does not know yet.
  func record(_ phases: [PhaseID]?) throws(MigrationError) {
    try writing("committing the squash") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else { return }
      try refuseLease(ledger)
      if let phases {
        try mark(phases, knowledge, ledger)
      } else {
        try mark(try unrecorded(knowledge), knowledge, ledger)
      }
    }
  }

  private func mark(_ phases: [PhaseID], _ knowledge: Knowledge, _ ledger: Ledger) throws(MigrationError) {
    let all = Set(phases)
    guard let last = knowledge.applied.last(where: { all.contains($0.id) }), !last.isSquashed else { return }
    let (runner, time) = (options.runner, options.now())
    try lifting("writing the ledger") { () in
      try ledger.upgraded(by: runner, at: time).squash.record(
        upTo: last, count: knowledge.applied.count { $0.sequence <= last.sequence }, by: runner, at: time)
    }
  }

  /// The phases that the baseline replaces according to the folder, but not yet according to the ledger.
  ///
  /// - Throws: `squash-incomplete` when the database has only some of these phases.
  func unrecorded(_ knowledge: Knowledge) throws(MigrationError) -> [PhaseID] {
    let squashed = catalog.baseline?.squashed ?? []
    guard !squashed.isEmpty, let ledger = knowledge.ledger else { return [] }
    let before = try lifting("reading the ledger") { () in try ledger.squash.before() }
    let applied = Dictionary(knowledge.applied.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let later = squashed.filter { !before.contains($0) }
    guard let target = squashed.last?.id, !later.isEmpty else { return [] }
    func incomplete(_ why: Prose) -> MigrationError {
      MigrationError(
        .squashIncomplete, "baseline.sql of \(catalog.origin) stands for phases up to \(target), and \(why)",
        state: "nothing was changed",
        help: [
          "bring the database to \(target.short) first (phasedb up --to \(target.short) --migrations FORMER --database \(ShellWord(database)))",
          "FORMER is the folder from before the squash: in the history of the repository, or .squashed-… beside the baseline",
        ])
    }
    for phase in later {
      guard let there = applied[phase.id] else { throw incomplete("\(phase.id) is not applied here") }
      guard there.tokenHash == phase.tokenHash else {
        throw incomplete("\(phase.id) was applied here with another text")
      }
    }
    return later.contains { applied[$0.id]?.isSquashed == false } ? later.map(\.id) : []
  }
}

/// Drops the columns and tables that a phase retired.
struct RetiredObjects {
  private let id: PhaseID
  private let phase: Phase

  init(of id: PhaseID, _ phase: Phase) { (self.id, self.phase) = (id, phase) }

  func drop(on connection: Connection) throws(SQLiteError) {
    for retirement in phase.retirements {
      let name = RetiredName(SchemaName(retirement.column ?? retirement.table), by: id.migration).name
      let quoted = SQLText.identifier(name.spelled)
      guard retirement.column != nil else {
        try connection.execute("DROP TABLE IF EXISTS main.\(quoted)")
        continue
      }
      let table = SchemaName(retirement.table)
      guard try Table.columns(of: table, on: connection).contains(where: { $0.name == name }) else {
        continue
      }
      for index in try Schema(of: connection).indexes(on: table) where index.mentions(name) {
        try connection.execute("DROP INDEX main.\(SQLText.identifier(index.name.spelled))")
      }
      try connection.execute("ALTER TABLE main.\(SQLText.identifier(table.spelled)) DROP COLUMN \(quoted)")
    }
  }
}

/// The rows that phases insert into an empty database, as statements.
private struct BaselineRows {
  private(set) var statements: [String] = []
  private(set) var rows = 0
  private(set) var leftOut: [String] = []

  init(of connection: Connection, _ objects: [SchemaObject]) throws(SQLiteError) {
    for object in objects where object.key.type == "table" {
      let name = SQLText.identifier(object.name)
      guard !object.isVirtual else {
        // Without its module the content cannot be read.
        let first = try? connection.rows("SELECT 1 FROM main.\(name) LIMIT 1")
        if first?.isEmpty == false { leftOut.append(object.name) }
        continue
      }
      let columns = try Table.columns(of: SchemaName(object.name), on: connection).filter { !$0.isGenerated }
      let names = columns.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
      let found = try connection.rows("SELECT \(names) FROM main.\(name)")
      guard !found.isEmpty else { continue }
      rows += found.count
      statements += found.map { row in
        let values = columns.indices.map { row[$0].description }.joined(separator: ", ")
        return "INSERT INTO \(name) (\(names)) VALUES (\(values));"
      }
    }
  }
}
