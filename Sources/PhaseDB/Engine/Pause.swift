#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Sleeps while waiting for another connection or runner.
enum Pause {
  /// Between two attempts to get the lock or the lease: 50 ms, half of SQLite's own longest step.
  static func briefly() { usleep(50_000) }

  /// Between two batches.
  static func sleep(milliseconds: Double) { usleep(UInt32(max(0, milliseconds) * 1_000)) }

  /// The time until a deadline, in whole milliseconds; 0 once it has passed.
  static func milliseconds(until deadline: ContinuousClock.Instant) -> Int {
    Int(max(0, (deadline - ContinuousClock.now).milliseconds))
  }
}
