import Foundation
import Testing

@testable import PhaseDB

/// Whatever the SQL of a batched phase says, and whatever is written between.
@Suite("Random batched phases, sensible and wrong")
struct BatchDifferentialTests {
  /// `PHASEDB_BATCH_TRIPS` asks for more cases, `PHASEDB_SEED` for others.
  static let count = ProcessInfo.processInfo.environment["PHASEDB_BATCH_TRIPS"].flatMap(UInt64.init) ?? 160
  static let seed = ProcessInfo.processInfo.environment["PHASEDB_SEED"].flatMap(UInt64.init) ?? 20_261_127
  private static let parts: UInt64 = 4

  @Test("come back as SQLite alone says, or are refused with nothing done", arguments: 0..<parts)
  func comeBack(_ part: UInt64) throws {
    var counts: [BatchDifferential.Outcome: Int] = [:]
    for number in stride(from: part, to: Self.count, by: Int(Self.parts)) {
      let example = BatchDifferential(seed: Self.seed &+ number)
      let (broken, outcome) = try example.run()
      #expect(broken == [], "PHASEDB_SEED=\(Self.seed) case \(number): \(example.title)")
      counts[outcome, default: 0] += 1
    }
    let shown = BatchDifferential.Outcome.allCases.map { "\($0) \(counts[$0] ?? 0)" }
    print("batched phases, seed \(Self.seed), part \(part): \(shown.joined(separator: ", "))")
    // Else the cases would show little.
    #expect(Double((counts[.quiet] ?? 0) + (counts[.busy] ?? 0)) > Double(Self.count / Self.parts) * 0.5)
  }

  @Test("and the judge sees a row that is not what it was")
  func control() throws {
    var seen = 0
    for number in 0..<UInt64(60) {
      let example = BatchDifferential(seed: Self.seed &+ number)
      let (_, outcome) = try example.run()
      guard outcome == .quiet, !example.rows.filter({ $0.contains(" INTO t ") }).isEmpty else { continue }
      #expect(
        try example.run(
          spoil: "UPDATE t SET s = 'spoilt' WHERE \(example.key) = (SELECT min(\(example.key)) FROM t)"
        ).broken != [])
      seen += 1
    }
    #expect(seen > 5)
  }
}
