internal import PhaseSQL
internal import PhaseSQLite

/// The result of one phase on the scratch database: up, down and up again.
struct PhaseTrial {
  let id: PhaseID
  let phase: Phase
  let before: Schema
  /// Which phases added columns to existing tables.
  let births: ColumnBirths
  let after: Schema
  /// From `before` to `after`.
  let changes: [SchemaChange]
  /// The meaning of the changes.
  let difference: SchemaDifference
  /// The facts of `difference`; most rules use these.
  let facts: [SchemaFact]
  /// What the up SQL writes, also from inside triggers.
  let writes: WriteSet
  /// The same, statement by statement of the up SQL.
  let statements: [StatementEffect]
  /// The views and triggers of the schema after the phase.
  let code: SchemaCode
  /// Views and triggers that compiled before the phase, or were not there, and do not compile after it.
  let brokenCode: [SchemaCode.Failure]
  /// Why claims of the phase cannot be checked after it.
  let invalidClaims: [MigrationError]
  /// The result of its way back, on the part of the schema that the phase can touch.
  let reversal: ReversalTrial
  /// The scratch database, in the state after the phase. A rule must undo its changes there.
  let connection: Connection
  /// The functions that only the application has.
  var functions: [FunctionStub] { connection.stubs?.all ?? [] }
}

/// A rule that judges a phase by what it did on the scratch database.
protocol TrialRule {
  /// The rule's findings; none when the phase is in order.
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding]
}

/// The folder that lint checks, and what all rules need to know about it.
struct LintedFolder {
  let catalog: Catalog
  /// The oldest SQLite that must be able to run the phases; nil when none is declared.
  let oldestSQLite: SQLiteVersion?
  /// Where the SQL of phases and applications depends on the columns of a table.
  let positional: PositionalIndex
  let terms: ScratchTerms

  /// Gets every script before it runs on a scratch database.
  let observe: (Script) -> Void

  /// - Parameter corpus: the queries of applications, from `apps/`.
  init(
    catalog: Catalog, oldestSQLite: SQLiteVersion?, corpus: [Script], terms: ScratchTerms = ScratchTerms(),
    observe: @escaping (Script) -> Void = { _ in }
  ) {
    self.terms = terms
    self.observe = observe
    self.catalog = catalog
    self.oldestSQLite = oldestSQLite
    positional = PositionalIndex(catalog, corpus: corpus)
  }
}

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
