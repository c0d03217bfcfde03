internal import PhaseSQL
internal import PhaseSQLite

/// What a restore of a snapshot would undo: everything that happened since it was made.
package struct RestoreLosses: Sendable, Hashable {
  /// The tables in which something is different now.
  package let tables: [Table]
  /// Phases that went up since, and are not applied afterwards.
  package let applied: [PhaseID]
  /// Phases that came down since, and are applied afterwards.
  package let reversed: [PhaseID]
  /// Checkpoints that were named since, and are gone afterwards.
  package let checkpoints: [String]
  /// Switches that are on for other subjects afterwards.
  package let switches: [SwitchLoss]

  package struct Table: Sendable, Hashable {
    package let name: String
    /// Rows added since, which are removed.
    package let added: Int
    /// Rows with other values now, in columns that also existed then.
    package let changed: Int
    /// Rows deleted since, which come back.
    package let gone: Int
    /// Whether the table itself, or one of its columns, was added or removed since.
    package let isOther: Bool
  }

  /// How a restore changes a switch.
  package struct SwitchLoss: Sendable, Hashable {
    package let name: String
    /// Its exposure now; nil when there is no such switch now.
    package let before: Exposure?
    /// Its exposure afterwards; nil when there is no such switch then.
    package let after: Exposure?
    /// Pins that were removed since, and come back.
    package let pinsBack: [SwitchMember]
    /// Pins that were set since, and are removed.
    package let pinsGone: [SwitchMember]
  }

  package var isEmpty: Bool {
    tables.isEmpty && applied.isEmpty && reversed.isEmpty && checkpoints.isEmpty && switches.isEmpty
  }

  /// One sentence for each.
  package var lines: [Prose] {
    tables.map(\.sentence) + applied.map { "\($0) is not applied any more" }
      + reversed.map { "\($0) is applied again" } + checkpoints.map { "checkpoint @\($0) is forgotten" }
      + switches.flatMap(\.lines)
  }
}

extension RestoreLosses.Table {
  fileprivate var sentence: Prose {
    let counts = [(added, "added"), (changed, "changed"), (gone, "deleted")].filter { $0.0 > 0 }
    let changes: [Prose] =
      counts.map { "\(DetailLines.rows($0.0)) \($0.1)" } + (isOther ? ["another declaration"] : [])
    return "\(name): \(changes.joined(separator: ", ")) since"
  }
}

extension RestoreLosses.SwitchLoss {
  /// - Returns: nil when the switch is on for the same subjects before and after.
  fileprivate init?(_ name: String, from then: Ledger?, to now: Ledger?) throws(SQLiteError) {
    self.name = name
    before = try now?.switches.named(name)?.exposure
    after = try then?.switches.named(name)?.exposure
    let (old, new) = (try then?.switches.members(of: name) ?? [], try now?.switches.members(of: name) ?? [])
    pinsBack = old.filter { pin in !new.contains { $0.isSame(as: pin) } }
    pinsGone = new.filter { pin in !old.contains { $0.isSame(as: pin) } }
    guard before != after || !pinsBack.isEmpty || !pinsGone.isEmpty else { return nil }
  }

  fileprivate var lines: [Prose] {
    var lines: [Prose] = []
    switch (before, after) {
    case (let before?, let after?) where before != after:
      lines.append("switch \(name): \(before) becomes \(after)")
    case (nil, let after?): lines.append("switch \(name) is there again, at \(after)")
    case (let before?, nil): lines.append("switch \(name), which is at \(before), is not there any more")
    default: break
    }
    for (pins, what) in [(pinsBack, "again"), (pinsGone, "no longer")] as [([SwitchMember], Prose)] {
      for isOn in [true, false] {
        let subjects = pins.filter { $0.isOn == isOn }.map(\.subject)
        guard !subjects.isEmpty else { continue }
        lines.append("switch \(name): \(what) pinned \(isOn ? "on" : "off"): \(SwitchMember.list(subjects))")
      }
    }
    return lines
  }
}

extension SwitchMember {
  /// SQLite compares bytes. Swift would treat two encodings of the same letter as equal.
  fileprivate func isSame(as other: SwitchMember) -> Bool {
    isOn == other.isOn && subject.utf8.elementsEqual(other.subject.utf8)
  }
}

extension RestoreLosses {
  /// - Parameters:
  ///   - snapshot: the content to be restored.
  ///   - present: the present content, in a read transaction.
  ///   - checkpoint: the name of the snapshot's checkpoint, which exists afterwards, too.
  ///   - shouldGoOn: asked from time to time; false ends the comparison.
  init(
    from snapshot: Connection, to present: Connection, of checkpoint: String?,
    shouldGoOn: @escaping () -> Bool
  ) throws(MigrationError) {
    let (then, now) = (try Knowledge(of: snapshot), try Knowledge(of: present))
    let (old, new) = (then.applied.map(\.mark), now.applied.map(\.mark))
    applied = now.applied.filter { !old.contains($0.mark) }.map(\.id)
    reversed = then.applied.filter { !new.contains($0.mark) }.map(\.id)
    let known = try then.checkpointNames() + (checkpoint.map { [$0] } ?? [])
    checkpoints = try now.checkpointNames().filter { !known.contains($0) }
    switches = try lifting("reading the switches") { () in
      let (old, new) = (try then.ledger?.switches.all() ?? [], try now.ledger?.switches.all() ?? [])
      let gone = old.map(\.name).filter { name in
        !new.contains { $0.name.utf8.elementsEqual(name.utf8) }
      }
      return try (new.map(\.name) + gone).compactMap { name throws(SQLiteError) in
        try SwitchLoss(name, from: then.ledger, to: now.ledger)
      }
    }
    snapshot.setProgressHandler(every: 1_000, shouldGoOn)
    present.setProgressHandler(every: 1_000, shouldGoOn)
    defer {
      snapshot.removeProgressHandler()
      present.removeProgressHandler()
    }
    tables = try lifting("comparing the snapshot with the database") { () in
      try Self.tables(snapshot, then.schema, present, now.schema)
    }
  }

  private static func tables(
    _ snapshot: Connection, _ before: Schema, _ present: Connection, _ after: Schema
  ) throws -> [Table] {
    let then = try DatabaseDigest(of: snapshot, schema: before)
    let now = try DatabaseDigest(of: present, schema: after)
    let names = Set((then.tables + now.tables).map { SchemaName($0.table) })
    return try names.sorted { $0.key < $1.key }.compactMap { name in
      let (old, new) = (then.table(name.spelled), now.table(name.spelled))
      guard let old, let new else {
        return Table(
          name: name.spelled, added: new?.rows ?? 0, changed: 0, gone: old?.rows ?? 0, isOther: true)
      }
      let objects = (before.object("table", name), after.object("table", name))
      let isOther = objects.0?.digest != objects.1?.digest
      guard old != new || isOther, let one = objects.0, let other = objects.1 else { return nil }
      let difference = try RowComparison(
        before: snapshot, after: present, declared: try unshared(name, snapshot, present), limit: 0
      ).difference(of: one, and: other)
      return Table(
        name: name.spelled, added: difference.born,
        changed: difference.rows - difference.declaredRows - difference.born - difference.lost,
        gone: difference.lost, isOther: isOther)
    }
  }

  /// Columns that only one of the two has, in which every row differs.
  private static func unshared(
    _ table: SchemaName, _ snapshot: Connection, _ present: Connection
  ) throws(SQLiteError) -> Set<FoldedName> {
    func columns(_ connection: Connection) throws(SQLiteError) -> Set<FoldedName> {
      Set(try PhaseDB.Table.columnNames(of: table, on: connection).map(\.key))
    }
    return try columns(snapshot).symmetricDifference(columns(present))
  }
}

extension AppliedPhase {
  /// Identifies one application of a phase.
  fileprivate var mark: String { "\(sequence) \(id)" }
}

extension Knowledge {
  fileprivate func checkpointNames() throws(MigrationError) -> [String] {
    try lifting("reading the ledger") { () in
      try ledger?.checkpoints.named(applied: []).compactMap(\.name) ?? []
    }
  }
}
