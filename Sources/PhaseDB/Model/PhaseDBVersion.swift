internal import PhaseSQL
internal import PhaseSQLite

/// The versions of phasedb itself and of what it stands on.
public enum PhaseDBVersion {
  /// As `phasedb --version` prints it and the ledger records it.
  public static let current = "0.1.0"

  /// The SQLite library this process runs with.
  public static var sqlite: String { SQLiteVersion.running.description }
}
