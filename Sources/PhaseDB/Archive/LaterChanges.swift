internal import PhaseSQL
internal import PhaseSQLite

/// Follows tables through the phases that were applied after a phase. Those phases are reversed first, so their
/// changes are undone before the phase itself is reversed.
struct LaterChanges {
  private let then: Schema
  private let now: Schema
  /// The archives of the later phases by table, the oldest first.
  private let archives: [SchemaName: [Archive]]

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

  /// - Parameter key: the columns by which rows are found. Archives with another key cannot be used, and neither can
  ///   archives without an index for their key.
  /// - Returns: nil when it is unknown.
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
      return !isTaken && old.column(column).flatMap { Self.name(of: $0, in: present) } == column
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
