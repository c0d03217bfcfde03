internal import PhaseSQLite

/// What one phase did on the scratch database: up, down and up again.
struct PhaseTrial {
  let id: PhaseID
  let phase: Phase
  let before: Schema
  let after: Schema
  /// From `before` to `after`.
  let changes: [SchemaChange]
  /// The same, as what it means.
  let difference: SchemaDifference
  /// What the up SQL writes, also from inside triggers.
  let writes: WriteSet
  /// What its way back did, on the part of the schema that it can touch.
  let reversal: ReversalTrial
  /// The scratch database, in the state after the phase. What a rule changes there it must undo.
  let connection: Connection
}

/// A rule that judges a phase by what it did on the scratch database.
protocol TrialRule {
  /// What the rule objects to; none when the phase is as it should be.
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding]
}

/// What is known of the folder that the phases come from.
struct LintedFolder {
  let catalog: Catalog
  /// The oldest SQLite that must be able to run the phases; nil when nobody declared one.
  let oldestSQLite: SQLiteVersion?
  /// What versions of applications ask the database, from `apps/`.
  let corpus: [Script]
}
