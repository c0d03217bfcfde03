/// What became of tables since a phase was applied, through the phases after it: those are reversed first, so what they did
/// will not be there when it is the phase's turn.
struct Aftermath {
  private let then: Schema
  private let now: Schema
  /// What the later phases took, by table.
  private let taken: [SchemaName: [ArchiveContent]]

  /// - Parameters:
  ///   - then: the schema after the phase.
  ///   - now: the present schema.
  ///   - later: the archives of the phases after it.
  /// - Throws: `ledger-damaged` for an archive that cannot be read.
  init(from then: Schema, to now: Schema, _ later: [ArchiveRecord]) throws(MigrationError) {
    self.then = then
    self.now = now
    var taken: [SchemaName: [ArchiveContent]] = [:]
    for record in later { taken[SchemaName(record.table), default: []].append(try ArchiveContent(record)) }
    self.taken = taken
  }

  /// What a column is called now; nil when the later phases changed it, or its values.
  func name(of column: SchemaName, in table: SchemaName) -> SchemaName? {
    guard let old = then.table(table)?.column(column), let present = now.table(table) else { return nil }
    let archives = taken[table] ?? []
    guard
      !archives.contains(where: { $0.hasGoneRows || $0.columns.contains { SchemaName($0.name) == column } })
    else { return nil }
    if let new = present.column(column) { return new == old ? new.name : nil }
    return present.columns.first { RetiredName($0.name)?.original == column }?.name
  }

  /// Whether columns of a table are what they were, under the same names.
  func hasLeftAlone(_ columns: some Sequence<SchemaName>, of table: SchemaName) -> Bool {
    columns.allSatisfy { name(of: $0, in: table) == $0 }
  }
}
