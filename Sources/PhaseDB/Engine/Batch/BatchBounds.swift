internal import PhaseSQL
internal import PhaseSQLite

/// Decides what batches may remove or overwrite without an archive: what the migration itself added, and what the
/// phase's author declares lost.
struct BatchBounds {
  /// The schema before the migration.
  private let before: Schema
  /// The tables of which the phase says that it loses something, folded.
  private let declared: Set<FoldedName>

  init(before: Schema, _ phase: Phase) {
    self.before = before
    declared = Set(phase.losses.map(\.table.folded))
  }

  private func isOld(_ table: FoldedName) -> Bool { before.table(SchemaName(table)) != nil }

  /// Tables with columns from before the migration that SQL overwrites.
  private func overwritten(_ writes: WriteSet) -> Set<FoldedName> {
    Set(
      writes.columns.filter { table, columns in
        columns.contains { before.table(SchemaName(table))?.column(SchemaName($0)) != nil }
      }.keys)
  }

  // MARK: Before the first batch

  /// Why a way up is refused before its first batch; nil when it is allowed. What only rows can show is found later
  /// by `BatchWatch`.
  func objection(to up: BatchPlan, _ back: BatchPlan?, _ table: BatchTable, at script: Script)
    -> MigrationError?
  {
    let name = table.shape.name
    let place = script.place(at: script.firstTokenOffset)
    func taken(
      _ writes: WriteSet, except free: Set<FoldedName>, isWayBack: Bool
    ) -> (table: FoldedName, what: Prose)? {
      let deleted = writes.deletedTables.filter(isOld).map { (table: $0, what: "deletes rows of" as Prose) }
      // `BatchWatch` sees whether a trigger of the way up overwrites a row. A trigger that only copies back what the
      // other side wrote overwrites none.
      let others = overwritten(writes).subtracting([name.key]).filter {
        isWayBack || writes.triggers[$0] == nil
      }.map { (table: $0, what: "overwrites" as Prose) }
      return (deleted + others).filter { !declared.contains($0.table) && !free.contains($0.table) }
        .min { $0.table < $1.table }
    }
    // The way back may delete rows that the phase inserted. `BatchWatch` sees whether it deletes more.
    for (writes, free, isWayBack) in [
      (up.writes, [], false), (back?.writes ?? WriteSet(), up.writes.insertedTables, true),
    ] {
      let keys = Set(table.rowKey.names.map(\.folded))
      if let column = writes.columns[name.key]?.intersection(keys).sorted().first {
        return BatchWatch.unkept(
          "changes \(name).\(column), the key that identifies its rows", writes.triggers[name.key], name,
          isWayBack: isWayBack, loss: SQLName(name.spelled), at: place)
      }
      guard let (taken, what) = taken(writes, except: free, isWayBack: isWayBack) else { continue }
      return BatchWatch.unkept(
        "\(what) \(taken)", writes.triggers[taken], name, isWayBack: isWayBack, loss: SQLName(taken.text),
        at: place)
    }
    return nil
  }

  /// Why SQL is refused if this SQLite library cannot report all its changes. Without the preupdate hook it reports
  /// neither rows that REPLACE removes, nor rows of tables without rowids.
  func blindObjection(to plans: [BatchPlan], _ schema: Schema, at script: Script) -> MigrationError? {
    let written = Set(plans.flatMap(\.writes.rowTables))
    let texts =
      plans.map(\.script.text)
      + schema.objects.filter { written.contains($0.table.folded) }.map(\.sql)
    let replaces = texts.contains { text in SQLWord.all(in: text).contains { $0.is("replace") } }
    let hides = written.contains { schema.table(SchemaName($0)).map { $0.isWithoutRowID } ?? false }
    guard replaces || hides else { return nil }
    return MigrationError(
      .archiveImpossible,
      replaces
        ? "this SQLite library does not report which rows REPLACE deletes, so a batch cannot archive them"
        : "this SQLite library does not report which rows of a table WITHOUT ROWID change, so a batch cannot archive them",
      at: script.place(at: script.firstTokenOffset),
      help: ["use a library built with SQLITE_ENABLE_PREUPDATE_HOOK, or remove -- @batch"])
  }

  // MARK: While a batch runs

  /// What the SQL of a direction, and that of its way back, may change beyond the rows of the batch.
  func licences(
    _ there: BatchPlan, _ back: BatchPlan?, _ direction: Direction
  ) -> (there: BatchWatch.Licence, back: BatchWatch.Licence) {
    guard direction == .down else {
      let writes = back?.writes ?? WriteSet()
      var wayBack = licence(writes, of: there.key)
      wayBack.isWayBack = true
      let mayDelete = wayBack.mayDelete
      wayBack.mayDeleteOwn = { writes.deletedTables.contains($0) || mayDelete($0) }
      return (licence(there.writes, of: there.key), wayBack)
    }
    // What a way down states as UPDATE and DELETE was checked when the phase went up. Rows that it replaces, or
    // changes outside its range, were not.
    let own = there.key.table.folded
    let said = there.writes.deletedTables
    let strict = licence(there.writes, of: there.key)
    let down = BatchWatch.Licence(
      mayUpdate: { $0 != own || strict.mayUpdate($0) },
      mayDelete: { said.contains($0) || strict.mayDelete($0) }, isWayDown: true)
    return (down, BatchWatch.Licence(mayUpdate: { _ in true }, mayDelete: { _ in true }, isWayBack: true))
  }

  private func licence(_ writes: WriteSet, of key: BatchKey) -> BatchWatch.Licence {
    let declared = declared
    let olds = Set(before.objects.filter { $0.key.type == "table" }.map(\.key.name))
    let overwritten = overwritten(writes).union([key.table.folded])
    let isFree = { (table: FoldedName) in declared.contains(table) || !olds.contains(table) }
    return BatchWatch.Licence(
      mayUpdate: { !overwritten.contains($0) || isFree($0) }, mayDelete: isFree,
      isLoss: { declared.contains($0) })
  }
}
