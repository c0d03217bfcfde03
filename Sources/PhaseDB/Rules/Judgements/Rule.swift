/// A rule of lint. The raw value is its stable id; Rules.md has an entry for each.
package enum Rule: String, Sendable, Hashable, CaseIterable {
  // Decided by the text.
  case windowInvalid = "window-invalid"
  case undeclaredResidual = "undeclared-residual"
  case unusedAllow = "unused-allow"
  case expiredAllow = "expired-allow"
  case watchTooShort = "watch-too-short"
  case undetected
  case switchUnknown = "switch-unknown"
  case switchTaken = "switch-taken"
  case switchUnguarded = "switch-unguarded"

  // Decided by the ledger of a database.
  case editedAfterApply = "edited-after-apply"
  case outOfOrder = "out-of-order"

  // Decided on the scratch database.
  case forbiddenStatement = "forbidden-statement"
  case downNotInverse = "down-not-inverse"
  case notReplayable = "not-replayable"
  case expandNotAdditive = "expand-not-additive"
  case migrateChangesSchema = "migrate-changes-schema"
  case schemaPhaseWritesRows = "schema-phase-writes-rows"
  case contractCreates = "contract-creates"
  case orderMatters = "order-matters"
  case requiredColumn = "required-column"
  case tightenedEarly = "tightened-early"
  case lossyRetype = "lossy-retype"
  case backfillGap = "backfill-gap"
  case unboundedWrite = "unbounded-write"
  case batchNotKeyed = "batch-not-keyed"
  case positionalInsert = "positional-insert"
  case selectStar = "select-star"
  case danglingCode = "dangling-code"
  case rebuildCollateral = "rebuild-collateral"
  case needsNewerSQLite = "needs-newer-sqlite"
  case applicationFunction = "application-function"
  case watchCannotReverse = "watch-cannot-reverse"
  case probeWrites = "probe-writes"
  case probeInvalid = "probe-invalid"
  case queueNotHeld = "queue-not-held"
  case archiveInsufficient = "archive-insufficient"
  case effectsInvalid = "effects-invalid"
  case effectsUnordered = "effects-unordered"
  case effectsSlow = "effects-slow"

  /// The level of its findings, unless a finding has its own.
  package var level: Finding.Level {
    switch self {
    case .undeclaredResidual, .contractCreates, .positionalInsert, .selectStar, .unboundedWrite,
      .watchTooShort,
      .undetected, .applicationFunction, .watchCannotReverse, .queueNotHeld, .switchUnguarded,
      .effectsUnordered, .effectsSlow:
      .warning
    default: .error
    }
  }

  /// Why it matters, in one sentence with its full stop.
  package var reason: Prose {
    switch self {
    case .windowInvalid: "Between two phases, no version of the application could run."
    case .undeclaredResidual:
      "Whoever reverses the phase must know what down does not undo."
    case .unusedAllow:
      "An unused @allow would hide the next finding of its rule."
    case .expiredAllow: "An exception must not outlive the version it was made for."
    case .editedAfterApply: "Databases that have the phase ran another text than those that will get it."
    case .outOfOrder: "Databases that are ahead would run it in an order that was never tested."
    case .forbiddenStatement: "The phase could no longer be undone as a whole."
    case .downNotInverse: "After down, the application runs on a schema that it was never written for."
    case .notReplayable: "After down, the phase goes up again later and must lead to the same schema."
    case .expandNotAdditive: "The running version still uses what the phase removes or changes."
    case .migrateChangesSchema:
      "A migrate phase runs beside the application, which must not meet a changing schema."
    case .schemaPhaseWritesRows:
      "A schema phase rewrites rows in one transaction, without batches or pauses."
    case .contractCreates: "What a contract adds was not there while old and new versions ran side by side."
    case .orderMatters: "The contract may wait for weeks, and the schema would depend on when it runs."
    case .requiredColumn: "Every insert of a version that does not know the column fails."
    case .tightenedEarly: "Writes that the running version makes would start to fail."
    case .lossyRetype: "Values that the new type cannot hold are lost, even when the old type comes back."
    case .backfillGap: "Rows that the old version writes after the backfill stay empty."
    case .unboundedWrite: "While one transaction changes every row, no version of the application can write."
    case .batchNotKeyed:
      "A batch that does not find its rows by the key reads the whole table or never ends."
    case .positionalInsert:
      "A statement that relies on column positions writes to the wrong columns when they change."
    case .selectStar: "A reader that relies on column positions reads the wrong columns when they change."
    case .danglingCode: "The next statement that uses it fails, although nothing failed when the phase ran."
    case .rebuildCollateral:
      "DROP TABLE removes them without an error, and nothing fails until they are needed."
    case .watchTooShort: "A watch with few samples passes phases that do harm."
    case .undetected: "When the phase does harm, only its users notice."
    case .switchUnknown: "A contract that waits for a switch that nobody makes never goes up."
    case .switchTaken: "The second phase would be on at once for those for whom the first one is."
    case .switchUnguarded: "Whoever is still off needs what the contract takes away."
    case .watchCannotReverse: "The phase stays when a probe fails, although its author wants it to come down."
    case .probeWrites: "A probe is asked again and again on the real database, and must leave no trace there."
    case .probeInvalid:
      "A probe that cannot be asked is unknown in every sample, so that the watch is unclear."
    case .queueNotHeld: "A job that runs meanwhile meets two schemas, and its worker may fail."
    case .archiveInsufficient: "What the phase adds would still be there after down."
    case .effectsInvalid: "The phase would not go up, because nothing could be counted."
    case .effectsUnordered: "Rows that came since would be missing in the count, and in the list for support."
    case .effectsSlow: "Each status and each plan of a way down would read the whole table."
    case .applicationFunction:
      "The database gets no stub: phasedb's own connection lacks the function, and the statement fails there."
    case .needsNewerSQLite: "The phase fails on the oldest SQLite that the settings promise to support."
    }
  }
}
