package import PhaseSQL

/// A common change, for which phasedb can write the phases.
package enum Recipe: Sendable, Hashable {
  case renameColumn(table: SchemaName, column: SchemaName, to: SchemaName)
  case renameTable(SchemaName, to: SchemaName)
  case retype(table: SchemaName, column: SchemaName, to: SchemaName, type: String)
  case split(table: SchemaName, column: SchemaName, into: [SchemaName])
  case merge(table: SchemaName, columns: [SchemaName], into: SchemaName)
  case require(table: SchemaName, column: SchemaName)
  case check(table: SchemaName, condition: String)
  case unique(table: SchemaName, columns: [SchemaName])
  case reference(table: SchemaName, column: SchemaName, parent: SchemaName, key: SchemaName, actions: String)
  case defaultValue(table: SchemaName, column: SchemaName, value: String)
  case loosen(table: SchemaName, column: SchemaName, what: Loosening?)
  case dropColumn(table: SchemaName, column: SchemaName)
  case dropTable(SchemaName)
  case index(table: SchemaName, terms: String, condition: String?)
  case add(table: SchemaName, column: SchemaName, declaration: String)
  case rebuild(SchemaName)
  case move(table: SchemaName, column: SchemaName, to: SchemaName, as: SchemaName, by: MoveKey)

  /// How `move` finds the row that belongs to another one.
  package enum MoveKey: Sendable, Hashable {
    /// Columns that both tables have; one that only one of them has stands for the primary key of the other.
    case names([SchemaName])
    /// A column of the first table and the one of the second that it equals.
    case pair(SchemaName, SchemaName)
  }

  /// The table it changes, as it is called before.
  var table: SchemaName {
    switch self {
    case .renameColumn(let table, _, _), .renameTable(let table, _), .retype(let table, _, _, _),
      .split(let table, _, _), .merge(let table, _, _), .require(let table, _), .check(let table, _),
      .unique(let table, _), .reference(let table, _, _, _, _), .defaultValue(let table, _, _),
      .loosen(let table, _, _), .dropColumn(let table, _), .dropTable(let table), .index(let table, _, _),
      .add(let table, _, _), .rebuild(let table), .move(let table, _, _, _, _):
      table
    }
  }

  /// The tables it changes.
  var tables: [SchemaName] {
    if case .move(let table, _, let target, _, _) = self { [table, target] } else { [table] }
  }

  /// What `loosen` takes away.
  package enum Loosening: String, Sendable, Hashable, CaseIterable {
    case notNull = "not null"
    case check, unique, references
  }

  /// The word that asks for a recipe, and what follows it.
  package enum Name: String, Sendable, Hashable, CaseIterable {
    case renameColumn = "rename-column"
    case renameTable = "rename-table"
    case retype, split, merge
    case require, check, unique, reference
    case defaultValue = "default"
    case loosen
    case dropColumn = "drop-column"
    case dropTable = "drop-table"
    case index, add, rebuild, move

    /// What is written after it.
    package var usage: String {
      switch self {
      case .renameColumn: "T.OLD NEW"
      case .renameTable: "OLD NEW"
      case .retype: "T.OLD NEW TYPE --up EXPR --down EXPR"
      case .split: "T.OLD into A, B --up EXPR, EXPR --down EXPR"
      case .merge: "T.A, T.B into NEW --up EXPR --down EXPR, EXPR"
      case .require: "T.C [--fill EXPR]"
      case .check: "T EXPR"
      case .unique: "T (C, C)"
      case .reference: "T.C P.K [on delete ACTION]"
      case .defaultValue: "T.C EXPR"
      case .loosen: "T.C [not null|check|unique|references]"
      case .dropColumn: "T.C"
      case .dropTable: "T"
      case .index: "T (C, C) [where EXPR]"
      case .add: "T.C TYPE …"
      case .rebuild: "T"
      case .move: "T.C to U.C by KEY"
      }
    }
  }
}

/// A request for a recipe: its words and options.
package struct RecipeRequest: Sendable {
  /// The recipe's name, and what follows it, as the shell split them.
  package var words: [String]
  /// What computes the new columns from the old ones, and the other way round.
  package var up: String?
  package var down: String?
  /// What stands in for NULL.
  package var fill: String?
  /// Whose windows are written; nil when they stay to be written.
  package var release: Release?

  /// The first version of an application that needs the change, and the oldest one that runs until then.
  package struct Release: Sendable, Hashable {
    package let application: String
    /// nil when every older version runs.
    package let from: Version?
    package let to: Version

    /// - Throws: `bad-recipe` when no version is from the first up to the second.
    package init(_ application: String, from: Version?, to: Version) throws(MigrationError) {
      if let from, from >= to {
        throw MigrationError(
          .badRecipe, "--from \(from) is not below --to \(to), so no version runs during the change",
          help: ["--from is the oldest version that still runs, --to the first one that needs the change"])
      }
      (self.application, self.from, self.to) = (application, from, to)
    }
  }

  package init(_ words: [String]) { self.words = words }
}
