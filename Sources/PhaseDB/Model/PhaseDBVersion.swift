/// The version of phasedb itself.
public enum PhaseDBVersion {
  /// As `phasedb --version` prints it and the ledger records it.
  public static let current = "0.1.0"
}
