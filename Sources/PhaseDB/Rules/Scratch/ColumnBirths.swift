internal import PhaseSQL
internal import PhaseSQLite

/// Remembers which phases of a folder added columns to existing tables. Versions from before such a phase do not know
/// the column.
struct ColumnBirths {
  struct Birth {
    let phase: PhaseID
    /// The table as it was before the phase.
    let before: SchemaObject
  }

  private var tables: [FoldedName: [SchemaName: Birth]] = [:]

  /// Adds the changes of a phase.
  mutating func follow(_ difference: SchemaDifference, in phase: PhaseID) {
    for object in difference.removed + difference.added where object.key.type == "table" {
      tables[object.key.name] = nil
    }
    for pair in difference.changed where pair.before.key.type == "table" {
      guard let before = TableDefinition(pair.before.sql), let after = TableDefinition(pair.after.sql) else {
        continue
      }
      let (old, new) = (Set(before.columns.map(\.name)), Set(after.columns.map(\.name)))
      let table = pair.before.key.name
      for gone in old.subtracting(new) { tables[table]?[gone] = nil }
      for born in new.subtracting(old) {
        tables[table, default: [:]][born] = Birth(phase: phase, before: pair.before)
      }
    }
  }

  /// The columns added to a table later, by the phase that added them.
  func columns(of table: FoldedName) -> [(birth: Birth, columns: Set<SchemaName>)] {
    let byPhase = Dictionary(grouping: tables[table] ?? [:], by: \.value.phase)
    return byPhase.sorted { $0.key < $1.key }.compactMap { _, columns in
      columns.first.map { ($0.value, Set(columns.map(\.key))) }
    }
  }
}
