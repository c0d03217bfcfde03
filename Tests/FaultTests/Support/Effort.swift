import Foundation

/// How much is tried.
enum Effort {
  /// By `PHASEDB_FAULTS=all` everything, else as much as every run of the tests can afford.
  static let isAll = ProcessInfo.processInfo.environment["PHASEDB_FAULTS"] == "all"

  /// How much of the processor's time one input may take: a sanitizer's own is a multiple of the program's.
  static let limit: Duration =
    ProcessInfo.processInfo.environment["PHASEDB_SANITIZER"] == nil ? .seconds(1) : .seconds(20)

  /// By `PHASEDB_SEED=NUMBER` what an earlier run tried, else something new.
  static let seed =
    ProcessInfo.processInfo.environment["PHASEDB_SEED"].flatMap { UInt64($0) }
    ?? UInt64.random(in: 0...UInt64(UInt32.max))
}
