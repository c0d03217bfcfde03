import PhaseDB
import Testing

@Suite struct StateIntervalTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let applied: [String]
    let pending: [String]
    let interval: String

    init(_ testDescription: String, applied: [String], pending: [String], _ interval: String) {
      self.testDescription = testDescription
      self.applied = applied
      self.pending = pending
      self.interval = interval
    }
  }

  static let cases = [
    Case(
      "a lower bound of pending phases and an upper one of applied phases", applied: ["<9"], pending: [">=1"],
      "any version"),
    Case("pending phases bound it from above", applied: [], pending: ["<3", ">=1 <2", "<2.5"], "<2"),
    Case("applied phases bound it from below", applied: [">=1", ">=1.4 <2", "<9"], pending: [], ">=1.4"),
    Case(
      "the upper bounds of applied phases and the lower ones of pending phases do not count",
      applied: [">=1 <2"], pending: [">=5 <6"], ">=1 <6"),
    Case(
      "between equal bounds the exclusive one is larger", applied: [">=1", ">1"], pending: ["<=2", "<2"],
      ">1 <2"),
    Case("one version", applied: [">=2"], pending: ["<=2"], "=2"),
    Case(
      "a contradiction names both bounds", applied: [">=2.0"], pending: [">=1 <1.4"],
      "no version (>=2.0 <1.4)"),
    Case(
      "an application that stopped runs in the later versions", applied: ["offline 2"], pending: [], ">=2"),
    Case("one that has not yet, in the earlier ones", applied: [], pending: ["offline 2"], "<2"),
    Case(
      "between two stops for one version none runs", applied: ["offline 2"], pending: ["offline 2.0"],
      "no version (offline 2)"),
    Case(
      "between stops for two versions those between run", applied: ["offline 2"], pending: ["offline 3"],
      ">=2 <3"),
    Case(
      "a bound that says the same takes nothing from a stop", applied: [">=2", "offline 2"],
      pending: ["<2", "offline 2"], "no version (offline 2)"),
    Case(
      "a stop on one side alone is a contradiction", applied: ["offline 2"], pending: ["<2"],
      "no version (>=2 <2)"),
    Case("bounds that only touch contradict", applied: [">=2"], pending: ["<2"], "no version (>=2 <2)"),
  ]

  private func interval(applied: [String], pending: [String]) throws -> StateInterval {
    func windows(_ ranges: [String]) throws -> [Windows] {
      try ranges.map { try Windows(Window("app", VersionRange($0))) }
    }
    return try #require(
      try LiveIntervals.of(applied: windows(applied), pending: windows(pending))["app"])
  }

  @Test(arguments: cases) func followsFromTheWindowsOnBothSides(_ row: Case) throws {
    let interval = try interval(applied: row.applied, pending: row.pending)
    #expect(interval.description == row.interval)
    #expect(interval.isEmpty == row.interval.hasPrefix("no version"))
    #expect(interval.isEmpty == (interval.range == nil))
  }

  @Test func anEmptyIntervalContainsNothingAndKeepsItsBounds() throws {
    let interval = try interval(applied: [">=2"], pending: ["<1"])
    #expect(try !interval.contains(Version("2")))
    #expect(try interval.lower == VersionRange.Bound(Version("2"), isInclusive: true))
    #expect(try interval.upper == VersionRange.Bound(Version("1"), isInclusive: false))
  }
}
