import Foundation
import TestDice
import Testing

@testable import PhaseDB

/// What samples make of a watch, without any clock or database.
@Suite("The judgement of a watch")
struct WatchJudgementTests {
  /// Samples of one probe, a letter each: `p` passes, `f` fails, `u` is unknown.
  struct Row: CustomTestStringConvertible, Sendable {
    let samples: String
    let verdict: String
    var rounds = 6
    var settling = 0
    var tolerance = Probe.Tolerance.inARow(3)
    /// The samples of a control, where there is one.
    var control: String?
    var testDescription: String { "\(samples) \(control ?? "")" }
  }

  static let rows: [Row] = [
    Row(samples: "pppppp", verdict: "passed after 6"),
    Row(samples: "ppppp", verdict: "goes on"),
    Row(samples: "fff", verdict: "failed after 3"),
    Row(samples: "ffpffp", verdict: "passed after 6"),
    Row(samples: "ffpfff", verdict: "failed after 6"),
    // Unknown neither counts nor begins anew.
    Row(samples: "fuff", verdict: "failed after 4"),
    Row(samples: "ffuuuf", verdict: "failed after 6"),
    // Half of all, and ten in a row.
    Row(samples: "pupupu", verdict: "unclear after 6"),
    Row(samples: "pppuup", verdict: "passed after 6"),
    Row(samples: "ppuuuuuuuuuu", verdict: "unclear after 12", rounds: 60),
    Row(samples: "ppuuuuuuuuupp", verdict: "goes on", rounds: 60),
    // It does not end on a failure.
    Row(samples: "pppppf", verdict: "goes on"),
    Row(samples: "pppppfp", verdict: "passed after 7"),
    Row(samples: "pppppfff", verdict: "failed after 8"),
    Row(samples: "pppppfuuuuuuuuuu", verdict: "unclear after 16"),
    // While it settles nothing is judged.
    Row(samples: "ffffpppppp", verdict: "passed after 10", settling: 4),
    Row(samples: "fffff", verdict: "goes on", settling: 3),
    Row(samples: "ffffff", verdict: "failed after 6", settling: 3),
    // So many among so many.
    Row(samples: "fpfpf", verdict: "failed after 5", tolerance: .among(3, of: 5)),
    Row(samples: "fppfpp", verdict: "passed after 6", tolerance: .among(3, of: 5)),
    Row(samples: "ffppppf", verdict: "goes on", rounds: 8, tolerance: .among(3, of: 5)),
    Row(samples: "fufuf", verdict: "failed after 5", tolerance: .among(3, of: 3)),
    Row(samples: "f", verdict: "failed after 1", tolerance: .inARow(1)),
    // A control that fails or is blind takes the word from the others.
    Row(samples: "ffff", verdict: "failed after 4", control: "fppp"),
    Row(samples: "ffffff", verdict: "unclear after 10", rounds: 60, control: "ffffffffff"),
    Row(samples: "fff", verdict: "goes on", control: "pfu"),
    Row(samples: "pppppp", verdict: "unclear after 6", control: "fpfpfp"),
  ]

  @Test("gives the verdict of the table, and none before", arguments: rows)
  func table(_ row: Row) {
    let (verdict, judgement) = Self.run(row)
    #expect(verdict == row.verdict)
    #expect(judgement.taken <= max(row.samples.count, row.control?.count ?? 0))
  }

  @Test("goes on from what was written down as if nothing had happened", arguments: rows)
  func written(_ row: Row) throws {
    let direct = Self.run(row)
    let encoded = Self.run(row) { judgement in
      let text = WayDownJSON.text(judgement)
      return WayDownJSON.read(WatchJudgement.self, from: text) ?? WatchJudgement()
    }
    #expect(encoded.verdict == direct.verdict)
    #expect(encoded.judgement == direct.judgement)
  }

  static func run(
    _ row: Row, between: (WatchJudgement) -> WatchJudgement = { $0 }
  ) -> (verdict: String, judgement: WatchJudgement) {
    let watch = Watch(
      for: .seconds(row.rounds), every: .seconds(1), settle: .seconds(row.settling), then: .hold)
    var probes = [Probe("it", fails: row.tolerance)]
    if row.control != nil { probes.append(Probe("other", isControl: true)) }
    let other = Array(row.control ?? "")
    let own = Array(row.samples)
    var judgement = WatchJudgement()
    for index in 0..<max(own.count, other.count) {
      judgement = between(judgement)
      var samples = ["it": sample(own[min(index, own.count - 1)])]
      if row.control != nil { samples["other"] = sample(other[min(index, other.count - 1)]) }
      switch judgement.take(samples, of: watch, probes) {
      case .goesOn: continue
      case .passed: return ("passed after \(index + 1)", judgement)
      case .unclear: return ("unclear after \(index + 1)", judgement)
      case .failed: return ("failed after \(index + 1)", judgement)
      }
    }
    return ("goes on", judgement)
  }

  static func sample(_ letter: Character) -> Sample {
    Sample(letter == "p" ? .passes : letter == "f" ? .fails : .unknown)
  }

  // MARK: Random sequences against the words of the specification, counted anew from the whole sequence

  @Test("agrees with a count over the whole sequence, for random sequences")
  func random() {
    var dice = Dice(seed: RoundTripTests.seed)
    for _ in 0..<20_000 {
      let rounds = 1 + dice.below(30)
      let length = 1 + dice.below(10)
      let tolerance: Probe.Tolerance =
        dice.falls(50) ? .inARow(1 + dice.below(4)) : .among(1 + dice.below(length), of: length)
      let weights = [dice.below(10), dice.below(10), dice.below(5)]
      let letters = (0..<45).map { _ -> Character in
        let face = dice.below(weights.reduce(1, +))
        return face < weights[0] ? "p" : face < weights[0] + weights[1] ? "f" : "u"
      }
      let row = Row(
        samples: String(letters), verdict: "", rounds: rounds, settling: dice.below(4), tolerance: tolerance)
      #expect(Self.run(row).verdict == Self.expected(row), "\(row.samples) \(rounds) \(tolerance)")
    }
  }

  /// Says the verdict by looking at every beginning of the sequence as a whole.
  static func expected(_ row: Row) -> String {
    let letters = Array(row.samples)
    for end in 1...letters.count where end > row.settling {
      let judged = letters[row.settling..<end]
      let known = judged.filter { $0 != "u" }
      let isFailed =
        switch row.tolerance {
        case .inARow(let count): known.count >= count && known.suffix(count).allSatisfy { $0 == "f" }
        case .among(let count, let all): known.suffix(all).count { $0 == "f" } >= count
        }
      if isFailed { return "failed after \(end)" }
      if judged.count >= 10, judged.suffix(10).allSatisfy({ $0 == "u" }) { return "unclear after \(end)" }
      guard judged.count >= row.rounds, known.last != "f" else { continue }
      return judged.count { $0 == "u" } * 2 >= judged.count ? "unclear after \(end)" : "passed after \(end)"
    }
    return "goes on"
  }

  // MARK: Expectations

  struct Value: CustomTestStringConvertible, Sendable {
    let expectation: Probe.Expectation
    let value: Double
    var before: Double?
    let outcome: Sample.Outcome
    var testDescription: String { "\(expectation) \(value) \(before ?? .nan)" }
  }

  @Test(
    "judges a number",
    arguments: [
      Value(expectation: .atMost(800), value: 800, outcome: .passes),
      Value(expectation: .atMost(800), value: 800.5, outcome: .fails),
      Value(expectation: .atLeast(-1), value: -1, outcome: .passes),
      Value(expectation: .atLeast(-1), value: -1.1, outcome: .fails),
      Value(expectation: .between(2, 3), value: 2, outcome: .passes),
      Value(expectation: .between(2, 3), value: 3.1, outcome: .fails),
      // 100 ± 30 is chance; half of 100 is not.
      Value(expectation: .atLeastOfBefore(percent: 90, floor: nil), value: 71, before: 100, outcome: .passes),
      Value(expectation: .atLeastOfBefore(percent: 90, floor: nil), value: 69, before: 100, outcome: .fails),
      Value(expectation: .atLeastOfBefore(percent: 50, floor: nil), value: 51, before: 100, outcome: .passes),
      Value(expectation: .atLeastOfBefore(percent: 50, floor: nil), value: 49, before: 100, outcome: .fails),
      Value(expectation: .atLeastOfBefore(percent: 50, floor: 20), value: 0, before: 19, outcome: .unknown),
      Value(expectation: .atLeastOfBefore(percent: 50, floor: 20), value: 0, before: 20, outcome: .fails),
      Value(expectation: .atLeastOfBefore(percent: 50, floor: nil), value: 0, outcome: .unknown),
      Value(expectation: .atMostOfBefore(percent: 200, floor: nil), value: 201, before: 100, outcome: .fails),
      Value(
        expectation: .atMostOfBefore(percent: 120, floor: nil), value: 125, before: 100, outcome: .passes),
      Value(expectation: .atMostOfBefore(percent: 120, floor: nil), value: 0, before: 0, outcome: .passes),
    ])
  func numbers(_ row: Value) {
    let probe = Probe("it", expecting: row.expectation)
    let sample = probe.sample(of: row.value, before: row.before)
    #expect(sample.outcome == row.outcome)
    #expect(sample.reason.isEmpty == (row.outcome == .passes))
  }

  @Test("compares with the middle of at least three values before the phase")
  func baseline() {
    func samples(_ values: [Double?]) -> [Sample] {
      values.map { Sample($0 == nil ? .unknown : .passes, value: $0) }
    }
    #expect(Probe.baseline(of: samples([5, 1, 900, 3, 2])) == 3)
    #expect(Probe.baseline(of: samples([5, nil, 900, nil, 2])) == 5)
    #expect(Probe.baseline(of: samples([5, nil, nil, nil, 2])) == nil)
  }

  // MARK: How often chance and a real fault reverse

  /// A thousand watches of 60 samples, by the code itself: how many of a hundred fail where nothing is wrong, and how many
  /// do not where a fault makes four of five samples fail from the tenth on.
  @Test("the page says how often a watch is wrong, as the code itself shows it")
  func simulation() throws {
    let page = try Document("Watching").text
    var dice = Dice(seed: 20_261_124)
    for noise: UInt64 in [0, 1, 5, 10] {
      var cells: [String] = []
      for (words, tolerance) in [
        ("fails after 1", Probe.Tolerance.inARow(1)), ("fails after 3", .inARow(3)),
        ("fails 4 of 60", .among(4, of: 60)),
      ] {
        let isFalse = Self.share(of: tolerance, &dice) { dice, _ in dice.falls(noise) }
        let isMissed =
          1_000
          - Self.share(of: tolerance, &dice) { dice, round in
            dice.falls(round < 10 ? noise : 80)
          }
        #expect(words != "fails after 3" || isFalse <= 60 && isMissed <= 5, "the usual rule is a good one")
        cells.append("\(Self.percent(isFalse)), \(Self.percent(isMissed))")
      }
      let line = "| \(noise) % | \(cells.joined(separator: " | ")) |"
      #expect(page.contains(line), "Watching lacks: \(line)")
    }
  }

  private static func share(
    of tolerance: Probe.Tolerance, _ dice: inout Dice, fails: (inout Dice, Int) -> Bool
  ) -> Int {
    (0..<1_000).count { _ in
      let samples = (0..<90).map { fails(&dice, $0) ? "f" as Character : "p" }
      let row = Row(samples: String(samples), verdict: "", rounds: 60, tolerance: tolerance)
      return run(row).verdict.hasPrefix("failed")
    }
  }

  private static func percent(_ count: Int) -> String {
    count.isMultiple(of: 10) ? "\(count / 10) %" : "\(count / 10).\(count % 10) %"
  }
}
