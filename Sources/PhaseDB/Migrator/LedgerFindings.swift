internal import PhaseSQLite

extension Migrator {
  /// Findings from comparing the ledger with the catalog: phases edited after they were applied, and new migrations
  /// that sort before applied ones. Reads only.
  public func ledgerFindings() throws(MigrationError) -> [Finding] {
    try connection.reading { () throws(MigrationError) in
      let planner = try planner(Knowledge(of: connection))
      return (try planner.folder.edited() + planner.folder.outOfOrder()).map { Finding($0, in: nil) }
    }
  }
}
