extension Planner {
  /// The phases that may go up, with the one that is under way before all others: on a database that is half-way through
  /// it nothing else may run.
  ///
  /// - Throws: `batch-edited`; `phase-in-progress` when the folder does not have it, or it comes after the target.
  func withUnderWay(
    _ candidates: [(id: PhaseID, phase: Phase)], target: PhaseID?
  ) throws(MigrationError) -> [(id: PhaseID, phase: Phase)] {
    guard let underWay else { return candidates }
    if let target, underWay.id > target { throw underWay.inProgress("\(target.short) cannot be gone up to") }
    let isRecorded = applied.contains { $0.id == underWay.id }
    // One that was coming down has its text from the ledger, as its way down had.
    guard let phase = isRecorded ? underWay.phase : catalog[underWay.id] else {
      throw underWay.inProgress("this folder does not have \(underWay.id), and nothing can go up")
    }
    try underWay.refuseResume(of: underWay.id, phase, .up)
    return [(underWay.id, phase)] + candidates.filter { $0.id != underWay.id }
  }

  /// The phase that is under way upwards, which comes down before all that are applied.
  var halfApplied: (id: PhaseID, phase: Phase)? {
    guard let underWay, !applied.contains(where: { $0.id == underWay.id }) else { return nil }
    return (underWay.id, underWay.phase)
  }

  /// What an operator should know of it.
  var underWayNote: Prose? {
    underWay.map { record in
      let percent = record.fraction.map { ", \(PercentText.text($0))" } ?? ""
      return
        "\(record.id.short) is under way \(record.direction.rawValue) (\(DetailLines.rows(record.rows))\(percent)): it goes on from there, before anything else"
    }
  }
}
