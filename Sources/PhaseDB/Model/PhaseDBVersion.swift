internal import PhaseSQL
internal import PhaseSQLite

/// The versions of phasedb and of SQLite.
package enum PhaseDBVersion {
  /// As `phasedb --version` prints it and the ledger records it.
  package static let current = "0.1.0"

  /// The SQLite library this process runs with.
  package static var sqlite: String { SQLiteVersion.running.description }
}
