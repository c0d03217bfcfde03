/// The data of the main database at one moment. Two are equal only if no connection, this one included, has written in
/// between.
package struct DataState: Equatable, Sendable {
  private let connection: ConnectionIdentity
  private let counters: [Int64?]

  /// The present one. Ask outside a transaction that writes, unless that is committed.
  ///
  /// - Returns: nil for a handle of an application, which may take back what it wrote before.
  package init?(of connection: Connection) throws(SQLiteError) {
    guard !connection.isBorrowed else { return nil }
    self.connection = connection.identity
    // The first counter tells of other connections (sqlite.org/pragma.html#pragma_data_version), the second of the rows
    // that this one changes, and the third also of tables that it drops and of VACUUM.
    counters = [
      try connection.dataVersion, Int64(connection.totalChanges), try connection.schemaVersion,
    ]
  }

  package static func == (left: DataState, right: DataState) -> Bool {
    left.connection === right.connection && left.counters == right.counters
  }
}

/// Tells one connection from all others, also from those that are closed.
final class ConnectionIdentity: Sendable {}
