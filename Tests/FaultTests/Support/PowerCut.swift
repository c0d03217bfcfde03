import FaultVFS
import PhaseDB
import TestDice
import Testing

/// Cuts the power after every operation of a recording, and looks at what it leaves.
struct PowerCut {
  /// What was tried and found.
  struct Tally {
    /// Images that were built and judged, and how many of them were not the same as an earlier one.
    var images = 0
    var distinct = 0
    /// Images that were handed to the front door, which looked at them and went on to the end.
    var finished = 0
    /// What was wrong, one sentence for each cut.
    var failures: [String] = []
  }

  let recording: Recording
  var dice: Dice
  /// How many random parts, and how many torn ones, for each operation.
  let rounds: Int
  /// How many images of a hundred go to the front door, besides the first one of each state.
  let percentFinished: UInt64
  let honesty: Disk.Honesty
  private(set) var tally = Tally()
  /// What is known of an image by its hash: after how many commits it stands, or what is wrong with it.
  private var known: [UInt64: Verdict] = [:]
  private var finishedStates: Set<Int> = []
  private let opened: MemoryFolder

  private enum Verdict {
    case stands(after: Int)
    case broken(String)
  }

  init(
    _ recording: Recording, seed: UInt64, rounds: Int, percentFinished: UInt64,
    on honesty: Disk.Honesty = .honest
  ) throws {
    self.recording = recording
    dice = Dice(seed: seed)
    self.rounds = rounds
    self.percentFinished = percentFinished
    self.honesty = honesty
    opened = try MemoryFolder()
  }

  mutating func run() throws {
    var disk = recording.disk
    disk.honesty = honesty
    var acknowledged = 0
    for (number, operation) in recording.operations.enumerated() {
      if case .acknowledged(let count) = operation { acknowledged = count }
      guard disk.apply(operation) else { continue }
      for rest in Disk.Rest.allCases {
        for _ in 0..<(rest == .some || rest == .torn ? rounds : 1) {
          let image = disk.image(rest, &dice)
          tally.images += 1
          let place = "operation \(number + 1), \(rest), after \(acknowledged) commits"
          switch try verdict(on: image, at: place) {
          case .broken(let trouble): tally.failures.append("\(place): \(trouble)")
          case .stands(let count):
            if count < acknowledged || count > acknowledged + 1 {
              tally.failures.append("\(place): the database stands after \(count)")
            }
          }
        }
      }
    }
  }

  private mutating func verdict(on image: Image, at place: String) throws -> Verdict {
    let hash = image.hash
    if let verdict = known[hash] { return verdict }
    tally.distinct += 1
    try image.write(to: opened)
    let contents = unsafe fault_examine("\(opened.path)/shop.db")
    let verdict = judge(contents)
    known[hash] = verdict
    guard case .stands(let count) = verdict, honesty == .honest else { return verdict }
    let isNew = finishedStates.insert(count).inserted
    if isNew || dice.falls(percentFinished) {
      try image.write(to: opened)
      tally.finished += 1
      if let trouble = finish(after: count) { tally.failures.append("\(place): \(trouble)") }
    }
    return verdict
  }

  /// The database holds, to the last value of the ledger, what it held after one of the commits.
  private func judge(_ contents: fault_contents) -> Verdict {
    guard contents.code == SQLITE_OK else { return .broken(contents.sentence) }
    guard contents.violations == 0 else { return .broken("rows without their parent") }
    guard let count = recording.contents.firstIndex(where: { $0.everything == contents.everything })
    else {
      return .broken("a state that no commit made")
    }
    return .stands(after: count)
  }

  /// The front door, which is the first to open the image, says where it stands and goes on to the end.
  private func finish(after count: Int) -> String? {
    let shop = Shop(folder: opened, journal: recording.journal, lifecycle: recording.lifecycle)
    let isUp = count < recording.ups
    let applied = recording.applied[count]
    do {
      if let trouble = try shop.open(.reading, { try trouble(with: $0, applied: applied) }) { return trouble }
      try shop.open { try $0.run(try $0.plan(isUp ? .upAll : .downAll)) }
      let end = isUp ? recording.applied[recording.ups] : 0
      if let trouble = try shop.open(.reading, { try trouble(with: $0, applied: end) }) { return trouble }
      let contents = unsafe fault_examine(shop.path)
      let expected = recording.contents[isUp ? recording.ups : recording.contents.count - 1].users
      return contents.code == SQLITE_OK && contents.users == expected
        ? nil : "another schema or other rows at the end of the way \(isUp ? "up" : "down")"
    } catch let error as MigrationError {
      return "\(error) \(error.details)"
    } catch {
      return "\(error)"
    }
  }

  private func trouble(with migrator: Migrator, applied: Int) throws -> String? {
    let status = try migrator.status()
    guard status.applied.count == applied, !status.hasDrifted else {
      return "status has \(status.applied.count) phases applied, not \(applied)"
    }
    let broken = try migrator.verify().checks.filter { $0.outcome == .broken }
    return broken.isEmpty ? nil : "verify: \(broken.map { "\($0.title) \($0.details)" })"
  }
}
