import PhaseDB
import Testing

@Suite("A power cut at any moment")
struct PowerCutTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let journal: Journal
    var lifecycle = Lifecycle.short
    var isNew = false
    var testDescription: String {
      "\(journal) journal, \(lifecycle) lifecycle, \(isNew ? "a new file" : "an application's file")"
    }
  }

  static let rows =
    Journal.allCases.map { Row(journal: $0, lifecycle: .long) }
    + [Row(journal: .delete, isNew: true), Row(journal: .wal)]

  @Test("leaves whole phases, loses no commit that was reported, and the rest can be done", arguments: rows)
  func cut(row: Row) throws {
    let began = ContinuousClock.now
    let recording = try Recording(row.journal, row.lifecycle, isNew: row.isNew)
    try #require(recording.contents.count == recording.applied.count && recording.applied.last == 0)
    var cut = try PowerCut(
      recording, seed: Effort.seed, rounds: Effort.isAll ? 20 : 1, percentFinished: Effort.isAll ? 100 : 1)
    try cut.run()
    let tally = cut.tally
    print(
      """
      power cuts, \(row.testDescription): \(recording.operations.count) operations, \(tally.images) images, \
      \(tally.distinct) of them distinct, \(tally.finished) finished by the front door, \
      \(tally.failures.count) failures, seed \(Effort.seed), \(ContinuousClock.now - began)
      """)
    #expect(
      tally.failures.isEmpty, "seed \(Effort.seed): \(tally.failures.prefix(10).joined(separator: "\n"))")
    #expect(tally.images >= 2_000)
  }

  /// What a disk must lose that does not do what it says, or this harness would notice nothing.
  struct Control: Sendable, CustomTestStringConvertible {
    let journal: Journal
    let disk: Disk.Honesty
    let damages: Bool
    var testDescription: String { "\(journal) journal, a disk that \(disk)" }
  }

  static let controls =
    Journal.allCases.map { Control(journal: $0, disk: .forgetsEverything, damages: true) }
    // The only commit that is a file's going away.
    + [Control(journal: .delete, disk: .forgetsNames, damages: false)]

  @Test("is noticed by this harness on a disk that answers too early", arguments: controls)
  func control(row: Control) throws {
    var cut = try PowerCut(
      Recording(row.journal), seed: Effort.seed, rounds: 1, percentFinished: 0, on: row.disk)
    try cut.run()
    let lost = cut.tally.failures.filter { $0.contains("the database stands after") }
    #expect(!lost.isEmpty, "no commit is lost")
    #expect(!row.damages || lost.count < cut.tally.failures.count, "nothing is damaged")
    print(
      "power cuts, \(row.testDescription): \(cut.tally.images) images, \(lost.count) with a lost commit, "
        + "\(cut.tally.failures.count - lost.count) damaged")
  }
}
