import Foundation
import Synchronization
import Testing

@testable import PhaseDB

/// Whatever a phase is built from, what it takes away comes back, and what an application wrote stays.
@Suite("Random schemas, rows and phases go up, down and up again")
struct RoundTripTests {
  /// `PHASEDB_ROUND_TRIPS` asks for more cases, `PHASEDB_SEED` for others.
  static let count = ProcessInfo.processInfo.environment["PHASEDB_ROUND_TRIPS"].flatMap(UInt64.init) ?? 100
  static let seed =
    ProcessInfo.processInfo.environment["PHASEDB_SEED"].flatMap(UInt64.init) ?? 20_261_124
  private static let parts: UInt64 = 8

  @Test("with writes in between, nothing is lost and nothing stays", arguments: 0..<parts)
  func roundTrips(_ part: UInt64) throws {
    var counts: [String: Int] = [:]
    for number in stride(from: part, to: Self.count, by: Int(Self.parts)) {
      let example = RoundTripCase(seed: Self.seed &+ number)
      let broken = try example.run()
      #expect(broken == [], "PHASEDB_SEED=\(Self.seed) case \(number): \(example.title)")
      counts["\(example.changes.count) changes", default: 0] += 1
    }
    print("round trips, seed \(Self.seed), part \(part): \(counts.sorted { $0.key < $1.key })")
  }
}
