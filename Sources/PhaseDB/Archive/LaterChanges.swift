internal import PhaseSQL
internal import PhaseSQLite

/// Follows tables through the phases that were applied after a phase. Those phases are reversed first, so their
/// changes are undone before the phase itself is reversed.
struct LaterChanges {
  private let then: Schema
  private let now: Schema
  /// The archives of the later phases by table, the oldest first.
  private let archives: [SchemaName: [Archive]]
  private let writes: Writes

  /// What later phases wrote and no archive tells row by row: their ways back give it back by their SQL.
  struct Writes {
    private(set) var columns: [SchemaName: Set<SchemaName>] = [:]
    /// Tables of which anything may have been written.
    private(set) var whole: Set<SchemaName> = []
    /// Tables whose rows have other rowids.
    private(set) var renumbered: Set<SchemaName> = []

    /// - Parameters:
    ///   - up: what the way up of a later phase did; nil when that is unknown.
    ///   - kept: its archives.
    ///   - tables: the tables that it may have touched, folded.
    mutating func add(
      _ up: ScriptTrace?, _ kept: [ArchiveRecord], isBatched: Bool, touching tables: Set<FoldedName>
    ) throws(MigrationError) {
      guard let up else {
        whole.formUnion(tables.map { SchemaName($0) })
        renumbered = whole
        return
      }
      for table in up.tables {
        guard let name = table.origin else { continue }
        var told: Set<SchemaName> = []
        for archive in kept where SchemaName(archive.table) == name && !isBatched {
          let content = try ArchiveContent(archive)
          guard content.isSupplement != true, content.successor != nil else { continue }
          told.formUnion(content.columns.map { SchemaName($0.name) })
        }
        let new = table.outcome == nil ? up.table(to: name) : nil
        let written = table.columns.compactMap { column -> SchemaName? in
          guard let old = column.origin, !column.isGenerated else { return nil }
          if let new {
            return new.column(to: old)?.handedFrom == .init(table: name, column: old) ? nil : old
          }
          return column.isUpdated ? old : nil
        }
        columns[name, default: []].formUnion(Set(written).subtracting(told))
        if table.isRowIDUpdated || new.map({ $0.rowIDsFrom != name }) ?? false { renumbered.insert(name) }
      }
    }

    /// Whether the archived rows of a table still have the keys by which their archive knows them.
    func hasKeptKeys(of content: ArchiveContent) -> Bool {
      guard let successor = content.successor else { return false }
      let table = SchemaName(successor.table)
      return content.key.form == .rowID
        ? !renumbered.contains(table) : !successor.key.contains { has(SchemaName($0), of: table) }
    }

    fileprivate func has(_ column: SchemaName, of table: SchemaName) -> Bool {
      whole.contains(table) || columns[table]?.contains(column) == true
    }
  }

  private struct Archive {
    let record: ArchiveRecord
    let content: ArchiveContent
  }

  /// Where to find the value that a column will have when the later phases are reversed.
  struct Place {
    /// The present name of the column; nil when it is gone.
    let name: SchemaName?
    /// The archive that has the value, and the column there.
    let archive: (record: ArchiveRecord, value: String)?
  }

  /// - Parameters:
  ///   - then: the schema after the phase.
  ///   - now: the present schema.
  ///   - later: the archives of the phases after it, in the order in which these were applied.
  ///   - writes: what these wrote beside.
  /// - Throws: `ledger-damaged` for an archive that cannot be read.
  init(from then: Schema, to now: Schema, _ later: [ArchiveRecord], _ writes: Writes) throws(MigrationError) {
    self.writes = writes
    self.then = then
    self.now = now
    var archives: [SchemaName: [Archive]] = [:]
    for record in later {
      archives[SchemaName(record.table), default: []].append(
        Archive(record: record, content: try ArchiveContent(record)))
    }
    self.archives = archives
  }

  /// - Parameter key: the columns by which rows are found. Archives with another key cannot be used, and neither can
  ///   archives without an index for their key.
  /// - Returns: nil when it is unknown.
  func place(of column: SchemaName, in table: SchemaName, by key: [SchemaName]) -> Place? {
    guard let old = then.table(table)?.column(column), let present = now.table(table),
      !writes.has(column, of: table)
    else { return nil }
    let name = Self.name(of: old, in: present)
    for later in archives[table] ?? [] {
      guard let index = later.content.columns.firstIndex(where: { SchemaName($0.name) == column }) else {
        if later.content.hasGoneRows, !key.contains(column) { return nil }
        continue
      }
      let archive = ArchiveTable(later.record, later.content)
      guard archive.isNumberKeyed, later.content.key.names.map({ SchemaName($0) }) == key else { return nil }
      return Place(name: name, archive: (later.record, archive.values[index]))
    }
    return name.map { Place(name: $0, archive: nil) }
  }

  /// Whether rows of a table have other rowids than they will have when the later phases are reversed.
  func hasRenumbered(_ table: SchemaName) -> Bool { writes.renumbered.contains(table) }

  /// Whether it is unknown, for rows of a table, what later phases wrote to them.
  func hasWritten(_ table: SchemaName) -> Bool {
    writes.whole.contains(table) || writes.renumbered.contains(table)
      || writes.columns[table]?.isEmpty == false
  }

  /// Whether a table and its rows are as they were then, as far as later phases are concerned.
  func hasLeftAlone(_ table: SchemaName) -> Bool {
    guard let old = then.table(table) else { return false }
    return old.columns.count == now.table(table)?.columns.count
      && hasLeftAlone(old.columns.map(\.name), of: table)
  }

  /// Whether columns of a table have not changed, and have the same names.
  ///
  /// - Parameter hasAllRows: whether no row may be missing, either.
  func hasLeftAlone(
    _ columns: some Sequence<SchemaName>, of table: SchemaName, hasAllRows: Bool = true
  ) -> Bool {
    guard let old = then.table(table), let present = now.table(table) else { return false }
    return columns.allSatisfy { column in
      let isTaken = (archives[table] ?? []).contains { later in
        hasAllRows && later.content.hasGoneRows
          || later.content.columns.contains { SchemaName($0.name) == column }
      }
      return !isTaken && !writes.has(column, of: table)
        && old.column(column).flatMap { Self.name(of: $0, in: present) } == column
    }
  }

  private static func name(of old: ColumnDefinition, in present: TableDefinition) -> SchemaName? {
    if let new = present.column(old.name) {
      // Adding or removing a constraint changes no value.
      let isSame = new.type.affinity == old.type.affinity && new.isGenerated == old.isGenerated
      return isSame ? new.name : nil
    }
    return present.columns.first { RetiredName($0.name)?.original == old.name }?.name
  }
}

extension LaterChanges.Writes {
  /// What the phases after one wrote to a table.
  init(
    to table: String, after phase: AppliedPhase, among applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) {
    self.init()
    for later in applied where later.sequence > phase.sequence {
      let text = try ledger.phases.text(of: later)
      guard SQLTokens.identifiers(in: text.up.text).contains(table.folded) else { continue }
      let before = try lifting("reading the ledger") { () in
        try ledger.schemas.schema(after: later.sequence - 1)
      }
      let trial = try? TransitionTrial(later.id, text, .up, on: before, CostLimit(.scratch))
      try add(trial?.there, [], isBatched: text.batching != nil, touching: [table.folded])
    }
  }
}
