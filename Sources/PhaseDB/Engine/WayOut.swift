internal import PhaseSQL
internal import PhaseSQLite

/// Advice for an operator when a phase does not come down. The SQL of an applied phase is in the ledger and cannot
/// change. So either rows have to change, or there is another way.
enum WayOut {
  /// For SQL that cannot lead back, whatever the rows are.
  static let forward: [Prose] = [
    "write a new migration instead: the SQL in the ledger cannot be changed",
    "or restore a snapshot made before: phasedb checkpoint list",
  ]

  /// For rows that do not fit the former schema.
  static let rows: Prose = "change or delete the rows that do not fit; list them: phasedb rehearse down"

  /// For rows that are known.
  ///
  /// - Parameters:
  ///   - table: as it is typed.
  ///   - condition: finds one of them.
  static func change(in table: String, _ condition: String) -> Prose {
    "change or delete these rows, for example: DELETE FROM \(whole: table) WHERE \(whole: condition)"
  }

  /// Adds this advice to the failure of a way down.
  ///
  /// - Parameters:
  ///   - runsWithoutRows: whether its SQL runs on a database without rows.
  ///   - isCopy: whether it failed on a copy, where nothing follows.
  static func advising(
    on failure: MigrationError, runsWithoutRows: Bool, isCopy: Bool
  ) -> MigrationError {
    var error = failure
    let next: [Prose] = isCopy ? [] : ["then run: phasedb down"]
    switch error.id {
    case .statementFailed where runsWithoutRows, .transactionEnded where runsWithoutRows:
      error.help = [rows] + next
    case .statementFailed, .forbiddenStatement, .transactionEnded: error.help = forward
    case .downNotInverse where error.place != nil: error.help = forward
    case .verifyFailed:
      error.help =
        ["change or delete the rows that break the claim, which is in force again after the way down"] + next
    case .foreignKeysViolated where error.details.isEmpty:
      error.help = [
        "restore the missing parents; list the rows without one: phasedb verify"
      ]
    default: break
    }
    return error
  }
}
