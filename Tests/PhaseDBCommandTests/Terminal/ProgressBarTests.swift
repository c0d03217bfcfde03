import Testing

@testable import PhaseDB
@testable import PhaseDBCommand

/// What the bar says at each width, from numbers alone.
@Suite("The progress bar")
struct ProgressBarTests {
  static func progress(_ fraction: Double?, remaining: Duration? = nil) -> Event.BatchProgress {
    Event.BatchProgress(
      rows: 1_234_567, fraction: fraction, rowsPerSecond: 412_345.6, batchSize: 4_000,
      hold: Event.BatchProgress.Hold(last: 9.8, median: 9.6, p99: 14), pauseMilliseconds: 10,
      remaining: remaining)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let width: Int
    let fraction: Double?
    let remaining: Duration?
    let line: String
  }

  @Test(
    "fits its terminal",
    arguments: [
      Case(
        testDescription: "with room for everything", width: 120, fraction: 0.5, remaining: .seconds(75),
        line:
          "0002/migrate up  ██████████░░░░░░░░░░  50 %  1,234,567 rows  412,345 rows/s  hold 9.8 ms  pause 10 ms  1 min 15 s left"
      ),
      Case(
        testDescription: "before it knows how long", width: 100, fraction: 0.25, remaining: nil,
        line:
          "0002/migrate up  ████░░░░░░░░░░░░░░  25 %  1,234,567 rows  412,345 rows/s  hold 9.8 ms  estimating"
      ),
      Case(
        testDescription: "on a narrow terminal", width: 50, fraction: 0.999_99, remaining: .seconds(1),
        line: "0002/migrate up  ██████████░  99.9 %  1.0 s left"),
      Case(
        testDescription: "where nobody knows how far it is", width: 100, fraction: nil, remaining: nil,
        line: "0002/migrate up  1,234,567 rows  412,345 rows/s  hold 9.8 ms  pause 10 ms  estimating"),
    ])
  func fits(row: Case) throws {
    let line = ProgressBar.line(
      try PhaseID("0002-split/migrate"), .up, Self.progress(row.fraction, remaining: row.remaining),
      width: row.width, paint: .none
    ).description
    #expect(line == row.line)
    #expect(line.count < row.width)
  }
}
