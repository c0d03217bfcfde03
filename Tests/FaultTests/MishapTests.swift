import FaultVFS
import Testing

@Suite("A call that fails")
struct MishapTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let failure: Failure
    let journal: Journal
    /// Of how many calls one is made to fail, unless all are asked for; which one, the seed says.
    let stride: Int
    var testDescription: String { "\(failure.rawValue), \(journal) journal" }
  }

  static let rows =
    [Journal.delete, .wal].flatMap { journal in
      [(Failure.ioError, 47), (.diskFull, 29), (.busy, 11), (.noMemory, 19_997)].map { failure, stride in
        Row(failure: failure, journal: journal, stride: stride)
      }
    } + [
      Row(failure: .ioError, journal: .persist, stride: 127),
      Row(failure: .ioError, journal: .truncate, stride: 127),
    ]

  @Test(
    "ends in an error with state and remedy, leaves what was reported, and a second try does the rest",
    arguments: rows)
  func fails(row: Row) throws {
    try #require(fault_has_memory() == 1, "SQLite was used before its allocator could be replaced")
    let began = ContinuousClock.now
    let recording = try Recording(row.journal)
    var (attempts, logged) = (0, 0)
    var troubles: [String: String] = [:]
    for act in Mishap.Act.allCases {
      // A lock of WAL mode that stays is waited for ten seconds each time, whatever the time to wait is.
      for stays in row.failure == .busy && row.journal == .wal ? [false] : [false, true] {
        let mishap = try Mishap(recording, act, row.failure, stays: stays)
        let stride = Effort.isAll ? 1 : row.stride
        var number = 1 + Int(Effort.seed % UInt64(stride))
        while case let attempt = try mishap.attempt(failingAt: number), attempt.hasFailed {
          attempts += 1
          if attempt.isLogged { logged += 1 }
          for trouble in attempt.troubles where troubles[trouble] == nil {
            troubles[trouble] = "\(act), call \(number)\(stays ? " and all after it" : "")"
          }
          number += stride
        }
      }
    }
    print(
      "failing calls, \(row.testDescription): \(attempts) attempts, \(logged) in the log, \(troubles.count) troubles, "
        + "seed \(Effort.seed), \(ContinuousClock.now - began)")
    let list = troubles.map { "\($0.value): \($0.key)" }.sorted().prefix(25).joined(separator: "\n")
    #expect(troubles.isEmpty, "seed \(Effort.seed):\n\(list)")
    #expect(attempts > 0)
    switch row.failure {
    case .ioError, .diskFull: #expect(logged > 0)
    // Somebody else's lock is no failure of a run.
    case .busy: #expect(logged == 0)
    case .noMemory: break
    }
  }

  @Test("around a commit is never taken for what it is not", arguments: Journal.allCases)
  func commits(journal: Journal) throws {
    let recording = try Recording(journal)
    var attempts = 0
    for act in [Mishap.Act.up, .down] {
      let mishap = try Mishap(recording, act, .ioError, stays: true)
      for calls in try mishap.callsAtCommits() {
        for number in calls - 4...calls + 2 {
          attempts += 1
          let troubles = try mishap.attempt(failingAt: number).troubles
          #expect(troubles.isEmpty, "\(act), call \(number) and all after it")
        }
      }
    }
    #expect(attempts == 2 * recording.ups * 7)
  }
}
