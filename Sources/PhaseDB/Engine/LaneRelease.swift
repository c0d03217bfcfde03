internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Connection {
  /// Releases a lane that a run or an operator held, unless a watch or an operator still needs it.
  ///
  /// - Parameters:
  ///   - runner: whose lane it must be; nil for any.
  ///   - why: the reason of an operator; empty for a run.
  /// - Returns: whether it is open now; nil when it no longer belonged to the runner.
  func letGo(
    _ access: LaneAccess, by runner: Runner, at time: Timestamp, wait: Duration, why: String, of format: Int?,
    whoever: Bool = false
  ) throws(MigrationError) -> Bool? {
    setBusyDeadline(.now + wait)
    // A lane in another file, or held by functions, is released before the ledger says so. If the process ends in
    // between, a later command does it again.
    let before = try lifting("reading the ledger") { () in
      try claimant(of: access.name, by: runner, at: time, format, whoever)
    }
    guard let before else { return nil }
    if !access.isBeside {
      if let moment = before.moment { _ = try access.renew(until: moment) } else { try access.release() }
    }
    return try lifting("letting lane \(access.name) go") { () in
      let transaction = try begin(.immediate)
      guard let present = try claimant(of: access.name, by: runner, at: time, format, whoever) else {
        return nil
      }
      let ledger = Ledger(connection: self)
      var row = present.row
      row.phase = ""
      row.since = time
      if let moment = present.moment {
        if access.isBeside {
          _ = try LaneTriggers(on: self).renew(access.triggerName, until: moment, now: LaneAccess.now)
        }
        try ledger.lanes.record(row)
      } else {
        if access.isBeside { try access.dropTrigger(on: self) }
        (row.state, row.watch, row.byHand, row.reason) = (.open, nil, nil, "")
        try ledger.lanes.record(row)
        try ledger.log(
          .lane, subject: access.name, detail: why.isEmpty ? "open" : "open: \(why)", by: runner, at: time)
      }
      try transaction.commit()
      return present.moment == nil
    }
  }

  /// The record of a lane that may be released, and until when a watch or an operator still needs it, in seconds
  /// since 1970.
  private func claimant(
    of name: String, by runner: Runner, at time: Timestamp, _ format: Int?, _ whoever: Bool
  ) throws -> (row: LaneRecord, moment: Int64?)? {
    guard let format else { return nil }
    let ledger = Ledger(connection: self, format: format)
    guard let row = try ledger.lanes.named(name), whoever || row.holder == runner else { return nil }
    guard !whoever else { return (row, nil) }
    let watch = try row.watch.flatMap { id in try ledger.watches.all().first { $0.id == id } }
    let ends = [
      watch?.keepsLanes == true ? row.until : nil, row.isHeldByHand(at: time) ? row.byHand : nil,
    ].compactMap { $0?.date?.timeIntervalSince1970 }
    return (row, ends.max().map { Int64($0.rounded(.up)) })
  }
}
