/// Computes how many rows the next batch has, and how long the run rests before it.
///
/// The size follows the time for which the write lock is held, because that is what other applications notice.
/// SQLite's busy handler polls and is not a queue (sqlite.org/c3ref/busy_handler.html). So the rest is at least as
/// long as the hold: otherwise a waiting application would miss the free moments again and again, however small the
/// batches are.
struct BatchSizing: Sendable {
  private let pacing: Options.Pacing
  /// Rows of the next batch.
  private(set) var size: Int
  /// Rows per millisecond of holding the lock. The average weighs the former rate three times and the last batch
  /// once.
  private var rate: Double?
  /// How long each of the last commits took, in milliseconds.
  private var commits: [Double] = []
  /// How long a batch may hold the lock, in milliseconds, without being called slow.
  private let target: Double

  /// The part of `target` that a batch should take; the rest is a reserve for slower batches. A waiting connection
  /// also asks only after 1, 3, 8 and 18 ms (`sqliteDefaultBusyCallback` in src/main.c at sqlite.org/src), so a lock
  /// held for 10 ms costs it 18 ms, and one held for 7.5 ms costs 8 ms.
  private static let usual = 0.75

  /// Whether no other connection has written for a while.
  var isAlone = false

  /// The least size of a batch.
  private static let least = 10
  private static let first = 500

  /// - Parameter limit: the phase's own limit for the hold, nil when it has none.
  init(_ pacing: Options.Pacing, limit: Duration? = nil) {
    self.pacing = pacing
    target = max(0.5, min(pacing.hold, limit ?? pacing.hold).milliseconds)
    size = min(Self.first, pacing.maximumRows)
  }

  /// How long most batches hold the lock, in milliseconds. If the disk takes longer than that to commit, smaller
  /// batches would only make more commits, so half of the hold is work. The shortest commit counts, because a single
  /// one may have waited for something else, as the first ones do while the log grows.
  private var hold: Double { max(isAlone ? target : Self.usual * target, 2 * (commits.min() ?? 0)) }

  /// How long a batch may run before it is stopped, rolled back and tried again with fewer rows.
  var deadline: Duration { .milliseconds(5 * max(target, hold)) }

  /// Adds the measurements of a batch.
  ///
  /// - Parameters:
  ///   - milliseconds: how long it held the lock.
  ///   - committing: how much of that its commit took.
  mutating func committed(rows: Int, milliseconds: Double, committing: Double) {
    commits = commits.suffix(7) + [committing]
    let shown = Double(max(1, rows)) / max(0.01, milliseconds)
    let rate = rate.map { (3 * $0 + shown) / 4 } ?? shown
    self.rate = rate
    let wanted = min(rate * hold, Double(size) * 1.5 + 1, Double(max(1, pacing.maximumRows)))
    size = max(min(Self.least, pacing.maximumRows), Int(wanted))
  }

  /// Notes that a batch was stopped at its deadline.
  mutating func overran(rows: Int) {
    size = max(1, rows / 10)
    rate = min(rate ?? .infinity, Double(size) / hold)
  }

  /// How long to rest after a batch, in milliseconds.
  func pause(after milliseconds: Double) -> Double {
    if isAlone { return pacing.pause?.milliseconds ?? 1 }
    return max(pacing.pause?.milliseconds ?? 2, milliseconds)
  }
}

/// How long batches held the lock: counts in steps of a twelfth of a doubling, so its size does not grow with the
/// number of batches.
struct HoldHistogram: Sendable {
  private var counts = [Int](repeating: 0, count: 400)
  private var total = 0
  private(set) var last = 0.0

  mutating func add(_ milliseconds: Double) {
    last = milliseconds
    total += 1
    counts[Self.step(of: milliseconds)] += 1
  }

  /// The time, in milliseconds, below which a given part of the batches stayed; 0 before the first.
  func quantile(_ part: Double) -> Double {
    var left = Int((Double(total) * part).rounded(.up))
    guard left > 0 else { return 0 }
    for (step, count) in counts.enumerated() {
      left -= count
      if left <= 0 { return Self.smallest * Self.power(step) }
    }
    return last
  }

  private static let smallest = 0.001

  private static func power(_ step: Int) -> Double {
    var value = 1.0
    for _ in 0..<(step / 12) { value *= 2 }
    for _ in 0..<(step % 12) { value *= 1.059_463_094_359_295 }
    return value
  }

  private static func step(of milliseconds: Double) -> Int {
    var step = 0
    var rest = milliseconds / smallest
    while rest >= 2, step < 380 {
      rest /= 2
      step += 12
    }
    while rest > 1, step < 399 {
      rest /= 1.059_463_094_359_295
      step += 1
    }
    return step
  }
}
