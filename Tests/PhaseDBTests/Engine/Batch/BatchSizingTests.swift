import Testing

@testable import PhaseDB

/// How large batches are and how long the run rests, from measured holds alone.
@Suite("The size of batches")
struct BatchSizingTests {
  /// A table that takes a fixed time for each row and for each commit.
  private func sizes(
    _ sizing: inout BatchSizing, batches: Int, perRow: Double, commit: Double = 0.1
  ) -> [Int] {
    (0..<batches).map { _ in
      let size = sizing.size
      sizing.committed(rows: size, milliseconds: Double(size) * perRow + commit, committing: commit)
      return size
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let hold: Duration
    let perRow: Double
    /// Where the size settles.
    let settles: ClosedRange<Int>
    var commit = 0.1
    var most = 100_000
    var isAlone = true
  }

  @Test(
    "the size settles where a batch holds the lock as long as it should",
    arguments: [
      Case(
        testDescription: "500 rows a millisecond", hold: .milliseconds(10), perRow: 0.002,
        settles: 4_800...5_100),
      Case(
        testDescription: "half the hold, half the rows", hold: .milliseconds(5), perRow: 0.002,
        settles: 2_350...2_600),
      Case(
        testDescription: "beside somebody who writes, a quarter of the hold is for slower batches",
        hold: .milliseconds(10), perRow: 0.002, settles: 3_600...3_800, isAlone: false),
      Case(
        testDescription: "never more than 100,000 rows", hold: .milliseconds(500), perRow: 0.0001,
        settles: 100_000...100_000),
      Case(
        testDescription: "never more than was asked for", hold: .milliseconds(10), perRow: 0.002,
        settles: 300...300, most: 300),
      Case(testDescription: "never less than 10 rows", hold: .milliseconds(10), perRow: 50, settles: 10...10),
      Case(
        testDescription: "fewer than 10 when that is the most", hold: .milliseconds(10), perRow: 0.002,
        settles: 4...4, most: 4),
      Case(
        testDescription: "a disk that takes longer to commit than the hold is given as long to work",
        hold: .milliseconds(10), perRow: 0.01, settles: 1_900...2_100, commit: 20),
    ])
  func settles(row: Case) {
    var sizing = BatchSizing(Options.Pacing(hold: row.hold, maximumRows: row.most))
    sizing.isAlone = row.isAlone
    let sizes = sizes(&sizing, batches: 80, perRow: row.perRow, commit: row.commit)
    #expect(row.settles.contains(sizes.last ?? 0), "\(sizes)")
  }

  @Test("the size grows by half at most")
  func growth() {
    var sizing = BatchSizing(Options.Pacing())
    let sizes = sizes(&sizing, batches: 30, perRow: 0.0001)
    for (before, after) in zip(sizes, sizes.dropFirst()) {
      #expect(Double(after) <= Double(before) * 1.5 + 1)
    }
    #expect(sizes[0] == 500)
  }

  @Test("one slow batch counts for a quarter")
  func average() {
    var sizing = BatchSizing(Options.Pacing())
    _ = sizes(&sizing, batches: 60, perRow: 0.002, commit: 0)
    let before = sizing.size
    sizing.committed(rows: before, milliseconds: Double(before) * 0.004, committing: 0)
    #expect(abs(Double(sizing.size) / Double(before) - 0.875) < 0.01)
  }

  @Test("a batch that is stopped at its deadline is tried again with a tenth of its rows, down to one")
  func deadline() {
    var sizing = BatchSizing(Options.Pacing())
    _ = sizes(&sizing, batches: 60, perRow: 0.002)
    #expect(sizing.deadline == .milliseconds(50))
    var size = sizing.size
    for _ in 0..<6 {
      sizing.overran(rows: size)
      #expect(sizing.size == max(1, size / 10))
      size = sizing.size
    }
    #expect(size == 1)
    sizing.committed(rows: 1, milliseconds: 30, committing: 0.1)
    #expect(sizing.size == 10)
  }

  @Test("the phase's own limit of the hold goes before a longer one")
  func limit() {
    #expect(BatchSizing(Options.Pacing(), limit: .milliseconds(4)).deadline == .milliseconds(20))
    #expect(BatchSizing(Options.Pacing(), limit: .milliseconds(400)).deadline == .milliseconds(50))
  }

  @Test("the rest is as long as the hold and never under 2 ms; 1 ms when nobody else writes")
  func rest() {
    var sizing = BatchSizing(Options.Pacing())
    #expect(sizing.pause(after: 12) == 12)
    #expect(sizing.pause(after: 0.5) == 2)
    sizing.isAlone = true
    #expect(sizing.pause(after: 12) == 1)
    var patient = BatchSizing(Options.Pacing(pause: .milliseconds(30)))
    #expect(patient.pause(after: 12) == 30)
    #expect(patient.pause(after: 50) == 50)
    patient.isAlone = true
    #expect(patient.pause(after: 12) == 30)
  }

  @Test("the histogram knows its quantiles to a tenth, however many batches there were")
  func histogram() {
    var holds = HoldHistogram()
    #expect(holds.quantile(0.5) == 0)
    for step in 1...10_000 { holds.add(Double(step) / 100) }
    #expect(abs(holds.quantile(0.5) / 50 - 1) < 0.1)
    #expect(abs(holds.quantile(0.99) / 99 - 1) < 0.1)
    #expect(holds.last == 100)
  }
}
