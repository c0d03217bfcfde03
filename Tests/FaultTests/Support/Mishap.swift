import FaultVFS
import PhaseDB
import Testing

/// Something that an operator does, during which one call after the other fails.
struct Mishap {
  enum Act: String, CaseIterable, Sendable {
    case up, down, read, checkpoint
  }

  let recording: Recording
  let act: Act
  let failure: Failure
  /// Whether all calls after the one that failed fail, too.
  let stays: Bool
  private let folder: MemoryFolder
  private let shop: Shop
  private let before: Image

  init(_ recording: Recording, _ act: Act, _ failure: Failure, stays: Bool) throws {
    self.recording = recording
    self.act = act
    self.failure = failure
    self.stays = stays
    folder = try MemoryFolder()
    shop = Shop(folder: folder, journal: recording.journal, lifecycle: recording.lifecycle)
    before = act == .up ? Image(files: recording.before) : try recording.image(after: recording.ups)
  }

  /// How many commits the database has had before the act.
  private var start: Int { act == .up ? 0 : recording.ups }
  /// How many it has had when nothing fails.
  private var end: Int {
    switch act {
    case .up: recording.ups
    case .down: 2 * recording.ups
    case .read, .checkpoint: start
    }
  }

  /// What came of one attempt.
  struct Attempt {
    /// False when there were fewer calls than that.
    let hasFailed: Bool
    /// Whether the log tells of it.
    let isLogged: Bool
    /// What is not as it must be.
    let troubles: [String]
  }

  /// Lets the call with a number, counted from 1, fail.
  func attempt(failingAt number: Int) throws -> Attempt {
    try before.write(to: folder)
    var troubles: [String] = []
    var commits = 0
    var error: MigrationError?
    var isPlanned = false
    let watch = try #require(Watch(folder))
    let hasFailed = try watch.failing(failure, at: number, stays: stays) {
      do {
        try shop.open(act == .read ? .reading : .creating) { migrator in
          if let trouble = try self.act(with: migrator, isPlanned: &isPlanned, commits: &commits) {
            troubles.append(trouble)
          }
        }
      } catch let thrown as MigrationError {
        error = thrown
      } catch is LentHandleFailure {
        // The application itself would have seen it.
      }
    }
    if let error { troubles += defects(of: error, isRunning: isPlanned, commits: commits) }
    var isLogged = false
    troubles += try laterChanges(commits: commits, error, isLogged: &isLogged)
    return Attempt(hasFailed: hasFailed, isLogged: isLogged, troubles: troubles)
  }

  /// The numbers of the calls with which the commits of a whole run were over.
  func callsAtCommits() throws -> [Int] {
    try before.write(to: folder)
    var calls: [Int] = []
    let watch = try #require(Watch(folder))
    _ = try watch.failing(failure, at: .max, stays: false) {
      _ = try shop.open { migrator in
        try migrator.run(try migrator.plan(act == .up ? .upAll : .downAll)) {
          if case .committed = $0 { calls.append(watch.calls) }
        }
      }
    }
    return calls
  }

  private func act(
    with migrator: Migrator, isPlanned: inout Bool, commits: inout Int
  ) throws -> String? {
    switch act {
    case .up, .down:
      let plan = try migrator.plan(act == .up ? .upAll : .downAll)
      isPlanned = true
      var count = 0
      defer { commits = count }
      try migrator.run(plan) { if case .committed = $0 { count += 1 } }
      return count == recording.ups ? nil : "the run ended well after \(count) commits"
    case .read:
      let status = try migrator.status()
      let isRight = status.applied.count == start && status.pending.isEmpty && !status.hasDrifted
      if !isRight { return "status: \(status.applied.count) applied, \(status.pending.count) pending" }
      let report = try migrator.verify()
      return report.isClean && report.checks.count > 4 ? nil : "verify: \(report.checks)"
    case .checkpoint:
      isPlanned = true
      _ = try migrator.createCheckpoint("release")
      return nil
    }
  }

  private func defects(of error: MigrationError, isRunning: Bool, commits: Int) -> [String] {
    var defects: [String] = []
    if error.help.isEmpty { defects.append("no remedy: \(error)") }
    if isRunning, error.state == nil { defects.append("no state: \(error)") }
    if (error.standing == .partWay) != (commits > 0 || error.isUncertain) {
      defects.append("standing \(error.standing) after \(commits) commits: \(error)")
    }
    if [.ledgerDamaged, .notADatabase, .databaseDamaged, .schemaDrift, .ledgerTooNew].contains(error.id) {
      defects.append("the database is blamed: \(error)")
    }
    return defects
  }

  /// What the log says of a run that failed is what its error says.
  private func defect(of stop: RunStop, _ status: Status, _ error: MigrationError?) -> String? {
    let isApplied = status.applied.contains { $0.id == stop.phase }
    let isRight = stop.error == error?.id && stop.standing == error?.standing && isApplied == (act == .down)
    return isRight ? nil : "the log tells of \(stop), and the error was \(error.map { "\($0)" } ?? "none")"
  }

  /// What the database holds is what was reported, and a second try does the rest.
  private func laterChanges(
    commits: Int, _ error: MigrationError?, isLogged: inout Bool
  ) throws -> [String] {
    let contents = unsafe fault_examine(shop.path)
    guard contents.code == SQLITE_OK else { return ["afterwards: \(contents.sentence)"] }
    do {
      // Not everything: how long a phase took is in the ledger.
      let status = try shop.open(.reading) { try $0.status() }
      let applied = status.applied.count
      isLogged = status.lastStop != nil
      if let stop = status.lastStop, let trouble = defect(of: stop, status, error) { return [trouble] }
      let stands = act == .down ? recording.ups - applied : applied
      let reported = act == .down ? commits : start + commits
      // Of a commit that failed when nothing could be read any more, the error says that nobody knows.
      let possible = error?.isUncertain == true ? [reported, reported + 1] : [reported]
      let index = start + commits + stands - reported
      if !possible.contains(stands) || contents.users != recording.contents[index].users {
        return [
          "\(commits) commits were reported, and \(applied) phases are applied: \(error.map { "\($0)" } ?? "no error")"
        ]
      }
      switch act {
      case .up, .down:
        try shop.open { try $0.run(try $0.plan(act == .up ? .upAll : .downAll)) }
      case .read: break
      case .checkpoint:
        try shop.open { migrator in
          let isThere = try migrator.checkpoints().contains { $0.name == "release" }
          if !isThere { _ = try migrator.createCheckpoint("release") }
        }
      }
      let isClean = try shop.open(.reading) { try $0.verify().isClean }
      let after = unsafe fault_examine(shop.path)
      let isRight = after.code == SQLITE_OK && after.users == recording.contents[end].users && isClean
      return isRight ? [] : ["the second try ends elsewhere"]
    } catch {
      return ["the second try fails: \(error)"]
    }
  }
}

extension MigrationError {
  fileprivate var isUncertain: Bool { state?.contains("it is unknown whether") == true }
}
