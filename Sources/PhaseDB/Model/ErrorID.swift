extension MigrationError {
  /// The stable name of an error. Errors.md has an entry for every case; a test compares the two lists.
  public enum ID: String, Sendable, Hashable, CaseIterable {
    // Reading a folder and its files.
    case folderNotFound = "folder-not-found"
    case folderUnreadable = "folder-unreadable"
    case fileUnreadable = "file-unreadable"
    case fileTooLarge = "file-too-large"
    case invalidText = "invalid-text"
    case strayFile = "stray-file"
    case invalidName = "invalid-name"
    case duplicateNumber = "duplicate-number"
    case emptyMigration = "empty-migration"
    case missingUp = "missing-up"
    case missingDown = "missing-down"
    case missingWindow = "missing-window"
    case windowInvalid = "window-invalid"
    case versionInvalid = "version-invalid"
    case unknownDirective = "unknown-directive"
    case badDirective = "bad-directive"
    case unsupportedDirective = "unsupported-directive"
    case incompleteStatement = "incomplete-statement"
    case badSettings = "bad-settings"

    // Finding what the user named.
    case unknownPhase = "unknown-phase"
    case ambiguousPhase = "ambiguous-phase"
    case unknownCheckpoint = "unknown-checkpoint"
    case checkpointExists = "checkpoint-exists"
    case checkpointGone = "checkpoint-gone"
    case alreadyExists = "already-exists"

    // The database and its ledger.
    case noDatabase = "no-database"
    case reasonMissing = "reason-missing"
    case databaseNotFound = "database-not-found"
    case databaseUnreadable = "database-unreadable"
    case databaseReadOnly = "database-read-only"
    case notADatabase = "not-a-database"
    case databaseDamaged = "database-damaged"
    case databaseBusy = "database-busy"
    case databaseFull = "database-full"
    case sqliteTooOld = "sqlite-too-old"
    case sqliteFailed = "sqlite-failed"
    case transactionOpen = "transaction-open"
    case ledgerMissing = "ledger-missing"
    case ledgerExists = "ledger-exists"
    case ledgerTooNew = "ledger-too-new"
    case ledgerDamaged = "ledger-damaged"
    case ledgerMoved = "ledger-moved"
    case leaseHeld = "lease-held"

    // Planning and running.
    case editedAfterApply = "edited-after-apply"
    case outOfOrder = "out-of-order"
    case schemaDrift = "schema-drift"
    case phaseHeld = "phase-held"
    case versionNotLive = "version-not-live"
    case notApplied = "not-applied"
    case statementFailed = "statement-failed"
    case forbiddenStatement = "forbidden-statement"
    case transactionEnded = "transaction-ended"
    case ledgerTouched = "ledger-touched"
    case foreignKeysViolated = "foreign-keys-violated"
    case verifyFailed = "verify-failed"
    case verifyInvalid = "verify-invalid"
    case expandNotAdditive = "expand-not-additive"
    case migrateChangesSchema = "migrate-changes-schema"
    case downNotInverse = "down-not-inverse"

    // Rehearsing.
    case alreadyApplied = "already-applied"
    case rehearsalOnEmpty = "rehearsal-on-empty"
    case rehearsalCopyFailed = "rehearsal-copy-failed"
    case rehearsalFailed = "rehearsal-failed"
    case evidenceInvalid = "evidence-invalid"
    case evidenceOtherPhase = "evidence-other-phase"
    case evidenceOtherSchema = "evidence-other-schema"

    // Ending.
    case interrupted = "interrupted"
    case outputFailed = "output-failed"
  }
}
