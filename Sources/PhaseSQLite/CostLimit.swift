internal import CSQLite

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A limit for the cost of SQL that only answers a question. Anybody may have written it.
///
/// It counts steps of SQLite's virtual machine and processor time, because one step may take long. What one script does
/// not use is left for the next, up to the limit of one script. Time in which other processes run does not count, so a
/// loaded machine makes no difference.
package final class CostLimit {
  package struct Limits: Sendable {
    /// Of one script.
    package var steps: Int
    package var time: Duration
    /// Of all scripts together.
    package var total: Duration
    /// Time that each statement adds to its script's: a long script of short statements does not cost too much.
    package var timeForStatement: Duration
    /// Bytes of one value, unless a statement is longer; nil for SQLite's own limit.
    package var valueBytes: Int?
    /// Pages of the database; nil for SQLite's own limit.
    package var pages: Int?

    package init(
      steps: Int, time: Duration, total: Duration, timeForStatement: Duration, valueBytes: Int?, pages: Int?
    ) {
      self.steps = steps
      self.time = time
      self.total = total
      self.timeForStatement = timeForStatement
      self.valueBytes = valueBytes
      self.pages = pages
    }

    /// For databases in memory that phasedb alone fills.
    package static let scratch = Limits(
      steps: 500_000_000, time: .seconds(5), total: .seconds(20), timeForStatement: .milliseconds(2),
      valueBytes: 1_000_000, pages: 65_536)

    /// For scratch databases on which another tool's scripts run.
    package static func audit(_ time: Duration, total: Duration = .seconds(120)) -> Limits {
      Limits(
        steps: 500_000_000, time: time, total: total, timeForStatement: .milliseconds(2),
        valueBytes: 20_000_000, pages: 32_768)
    }

    /// For copies of a real database: more time for more rows, and room for a rebuild of every table.
    package static func copy(bytes: Int) -> Limits {
      let time = Duration.seconds(30) + .milliseconds(500) * Double(bytes >> 20)
      return Limits(
        steps: .max, time: time, total: .seconds(1_000_000_000), timeForStatement: .milliseconds(2),
        valueBytes: nil,
        pages: 65_536 + bytes / 128)
    }

    /// For one query on a real database.
    package static func reading(within time: Duration) -> Limits {
      Limits(
        steps: .max, time: time, total: time, timeForStatement: .zero, valueBytes: nil, pages: nil)
    }

    /// For a real database, or a copy of one, that is read as a whole more than once.
    package static func database(bytes: Int64) -> Limits {
      let time = Duration.seconds(20) + .milliseconds(500) * Double(bytes >> 20)
      return Limits(
        steps: .max, time: time, total: .seconds(1_000_000_000), timeForStatement: .zero, valueBytes: nil,
        pages: nil)
    }
  }

  /// What ran out.
  package enum Overrun: Hashable, Sendable {
    case steps(Int), time(Duration), value(bytes: Int), database(bytes: Int)

    /// A sentence, as in "it took more than 10 s of processor time".
    package var sentence: String {
      switch self {
      case .steps(let count): "it took more than \(count) steps of SQLite's virtual machine"
      case .time(let time):
        if time < .seconds(1) {
          "it took more than \(time.components.attoseconds / 1_000_000_000_000_000) ms of processor time"
        } else {
          "it took more than \(time.components.seconds) s of processor time"
        }
      case .value(let bytes): "it made a value of more than \(bytes) bytes"
      case .database(let bytes): "it made a database in memory of more than \(bytes >> 20) MB"
      }
    }
  }

  package let limits: Limits
  /// What ran out in the running script.
  private var overrun: Overrun?
  private var left: Duration
  private var script: (steps: Int, time: Duration, began: Duration, given: Duration, most: Duration)?

  package init(_ limits: Limits) {
    self.limits = limits
    left = limits.total
  }

  /// Counts what a body runs. Nested in another body, it counts as part of that.
  package func spend<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard script == nil else { return try body() }
    let began = Self.processorTime
    let most = max(min(limits.time, left), .milliseconds(20))
    script = (limits.steps, most, began, .zero, most)
    defer {
      left -= max(.zero, Self.processorTime - began - (script?.given ?? .zero))
      (script, overrun) = (nil, nil)
    }
    return try body()
  }

  /// Gives a script time for its next statement, but no more than a single statement may take.
  package func beginStatement() {
    guard var script else { return }
    let used = Self.processorTime - script.began
    let time = max(script.time, min(script.time + limits.timeForStatement, used + script.most))
    script.given += time - script.time
    script.time = time
    self.script = script
  }

  /// Whether what runs may go on.
  ///
  /// - Parameter steps: the steps since the last question.
  package func goesOn(after steps: Int) -> Bool {
    guard var script, overrun == nil else { return script == nil }
    script.steps -= steps
    self.script = script
    if script.steps < 0 { overrun = .steps(limits.steps) }
    if Self.processorTime - script.began > script.time { overrun = .time(script.time - script.given) }
    return overrun == nil
  }

  /// What ran out, when that caused an error; nil when the limit has nothing to do with it.
  func overrun(_ code: ResultCode, of connection: Connection) -> Overrun? {
    switch code.primary {
    case .interrupt, .auth: return overrun
    case .tooBig where script != nil:
      return limits.valueBytes.map { _ in .value(bytes: connection.valueBytes) }
    case .full where script != nil: return limits.pages.map { .database(bytes: $0 * 4_096) }
    default: return nil
    }
  }

  /// Of this thread.
  private static var processorTime: Duration {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
