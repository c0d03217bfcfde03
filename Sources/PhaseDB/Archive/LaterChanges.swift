internal import PhaseSQL
internal import PhaseSQLite

/// What became of tables since a phase was applied, through the phases after it: those are reversed first, so what they did
/// is undone before the phase itself is reversed.
struct LaterChanges {
  private let then: Schema
  private let now: Schema
  /// The archives of the later phases by table, the oldest first.
  private let archives: [SchemaName: [Archive]]

  private struct Archive {
    let record: ArchiveRecord
    let content: ArchiveContent
  }

  /// Where the value of a column is that it will have when the later phases are reversed.
  struct Place {
    /// What the column is called now; nil when it is gone.
    let name: SchemaName?
    /// The archive that has it, and by which name.
    let archive: (record: ArchiveRecord, value: String)?
  }

  /// - Parameters:
  ///   - then: the schema after the phase.
  ///   - now: the present schema.
  ///   - later: the archives of the phases after it, in the order in which these were applied.
  /// - Throws: `ledger-damaged` for an archive that cannot be read.
  init(from then: Schema, to now: Schema, _ later: [ArchiveRecord]) throws(MigrationError) {
    self.then = then
    self.now = now
    var archives: [SchemaName: [Archive]] = [:]
    for record in later {
      archives[SchemaName(record.table), default: []].append(
        Archive(record: record, content: try ArchiveContent(record)))
    }
    self.archives = archives
  }

  /// - Parameter key: the columns by which rows are found; archives with another key are of no use, nor are those that have
  ///   no index for theirs.
  /// - Returns: nil when that is unknown.
  func place(of column: SchemaName, in table: SchemaName, by key: [SchemaName]) -> Place? {
    guard let old = then.table(table)?.column(column), let present = now.table(table) else { return nil }
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

  /// Whether columns of a table are what they were, under the same names.
  ///
  /// - Parameter hasAllRows: whether every row has to be there that was.
  func hasLeftAlone(
    _ columns: some Sequence<SchemaName>, of table: SchemaName, hasAllRows: Bool = true
  ) -> Bool {
    guard let old = then.table(table), let present = now.table(table) else { return false }
    return columns.allSatisfy { column in
      let isTaken = (archives[table] ?? []).contains { later in
        hasAllRows && later.content.hasGoneRows
          || later.content.columns.contains { SchemaName($0.name) == column }
      }
      return !isTaken && old.column(column).flatMap { Self.name(of: $0, in: present) } == column
    }
  }

  private static func name(of old: ColumnDefinition, in present: TableDefinition) -> SchemaName? {
    if let new = present.column(old.name) {
      // A constraint that was added or removed changes no value.
      let isSame = new.type.affinity == old.type.affinity && new.isGenerated == old.isGenerated
      return isSame ? new.name : nil
    }
    return present.columns.first { RetiredName($0.name)?.original == old.name }?.name
  }
}
