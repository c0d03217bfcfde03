internal import PhaseSQLite

/// The old values of what batches overwrite, kept in the transaction of each batch and put back by those of the way back.
struct BatchArchive {
  init(of record: BatchRecord, _ key: BatchKey, on connection: Connection) throws(MigrationError) {}

  /// Before the SQL of a batch.
  func capture(_ keys: ClosedKeys, on connection: Connection) throws(MigrationError) {}

  /// After the SQL of a batch.
  func settle(_ keys: ClosedKeys, on connection: Connection) throws(MigrationError) {}

  /// In the last transaction.
  func finish(_ record: BatchRecord, on connection: Connection) throws(MigrationError) {}
}
