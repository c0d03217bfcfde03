/// What one look at a probe showed.
package struct Sample: Sendable, Hashable {
  package enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
    case passes, fails
    /// The sample is skipped: it is not a failure, and does not end a row of failures.
    case unknown
  }

  package let outcome: Outcome
  /// The number that was found, or how many rows; nil when there was none.
  package let value: Double?
  /// Why it fails or is unknown, as the end of a sentence; empty when it passes.
  package let reason: String

  package init(_ outcome: Outcome, value: Double? = nil, reason: String = "") {
    (self.outcome, self.value, self.reason) = (outcome, value, reason)
  }
}

/// The progress of a watch, and its verdict. It uses no clock: only samples count.
package struct WatchJudgement: Sendable, Hashable, Codable {
  /// What the samples of one probe were so far.
  struct Count: Sendable, Hashable, Codable {
    /// For the last known samples, whether each failed; as many as the probe looks at.
    var recent: [Bool] = []
    /// How many in a row were unknown.
    var blind = 0
    /// How many were unknown.
    var unknown = 0
  }

  package enum Verdict: Sendable, Hashable {
    case goesOn
    case passed
    /// The watch saw too little.
    case unclear(probe: String, why: String)
    case failed(probe: String)
  }

  /// This many unknown samples in a row end a watch.
  static let mostUnknownInARow = 10

  /// Samples that were taken while the phase settled.
  private(set) var settling = 0
  /// Samples that were judged.
  package private(set) var rounds = 0
  /// By the titles of the probes; controls are not counted.
  private var counts: [String: Count] = [:]
  /// How many samples did not count because of a control, and the last such control.
  private var disturbed = 0
  private var disturbance = ""
  /// What the failed probe showed after the phase came down.
  private(set) var afterwards: [Sample.Outcome] = []
  /// The samples after the switch was closed; nil when no switch was closed.
  private(set) var containment: Containment?
  /// All samples that were taken.
  var taken: Int { settling + rounds + afterwards.count + (containment?.taken ?? 0) }

  /// The samples after a switch was closed.
  struct Containment: Sendable, Hashable, Codable {
    /// How many are still to be taken before one is judged.
    var settling: Int
    var taken = 0
    /// How many in a row passed, and how many failed at all.
    var passes = 0
    var failures = 0
    /// How many in a row were unknown.
    var blind = 0
  }

  package init() {}

  /// Takes one sample of each probe.
  ///
  /// - Parameter samples: by the titles of the probes; a missing one counts as unknown.
  package mutating func take(_ samples: [String: Sample], of watch: Watch, _ probes: [Probe]) -> Verdict {
    guard settling >= watch.settlingRounds else {
      settling += 1
      return .goesOn
    }
    rounds += 1
    // While a control fails, something else is wrong, and the other probes say nothing about the phase.
    let control = probes.first { $0.isControl && samples[$0.title]?.outcome != .passes }
    if let control { (disturbed, disturbance) = (disturbed + 1, control.title) }
    let judged = probes.filter { !$0.isControl }
    for probe in judged {
      let outcome = control != nil ? .unknown : samples[probe.title]?.outcome ?? .unknown
      counts[probe.title, default: Count()].take(outcome, span: probe.span)
    }
    for probe in judged where counts[probe.title]?.fails(probe.tolerance) == true {
      return .failed(probe: probe.title)
    }
    for probe in judged where counts[probe.title]?.blind ?? 0 >= Self.mostUnknownInARow {
      return .unclear(
        probe: probe.title, why: "\(Self.mostUnknownInARow) samples in a row are unknown\(blame)")
    }
    // A watch does not end while a failure may be beginning.
    guard rounds >= watch.rounds, judged.allSatisfy({ counts[$0.title]?.recent.last != true }) else {
      return .goesOn
    }
    for probe in judged {
      let unknown = counts[probe.title]?.unknown ?? 0
      guard unknown * 2 < rounds else {
        return .unclear(probe: probe.title, why: "\(unknown) of \(rounds) samples are unknown\(blame)")
      }
    }
    return .passed
  }

  private var blame: String {
    disturbed == 0 ? "" : ", \(disturbed) of all because the control '\(disturbance)' did not pass"
  }

  /// Starts to judge whether closing a switch helped.
  ///
  /// - Parameter settling: how many samples are not judged first, because some users may still have the switch on.
  package mutating func beginContainment(settling: Int) { containment = Containment(settling: settling) }

  /// Takes one sample of each probe after the switch was closed.
  ///
  /// - Returns: true once every probe passed as many times in a row as the failed one may fail; false once a probe
  ///   failed that often, or too many samples in a row were unknown; nil while neither is decided.
  package mutating func takeContained(
    _ samples: [String: Sample], of probes: [Probe], after failed: String
  ) -> Bool? {
    guard var present = containment else { return false }
    defer { containment = present }
    present.taken += 1
    guard present.settling == 0 else {
      present.settling -= 1
      return nil
    }
    let isDisturbed = probes.contains { $0.isControl && samples[$0.title]?.outcome != .passes }
    let outcomes = probes.filter { !$0.isControl }.map { samples[$0.title]?.outcome ?? .unknown }
    let limit = probes.first { $0.title == failed }?.failures ?? 1
    if isDisturbed || (!outcomes.contains(.fails) && outcomes.contains(.unknown)) {
      present.blind += 1
      return present.blind >= Self.mostUnknownInARow ? false : nil
    }
    present.blind = 0
    if outcomes.contains(.fails) {
      present.passes = 0
      present.failures += 1
      return present.failures >= limit ? false : nil
    }
    present.passes += 1
    return present.passes >= limit ? true : nil
  }

  /// Takes a sample of the probe that failed, after the phase came down.
  ///
  /// - Returns: whether the way back helped; nil while that is not decided.
  package mutating func takeAfterwards(_ outcome: Sample.Outcome, of probe: Probe) -> Bool? {
    afterwards.append(outcome)
    guard afterwards.count >= probe.failures else { return nil }
    return afterwards.contains { $0 != .fails }
  }
}

extension WatchJudgement.Count {
  fileprivate mutating func take(_ outcome: Sample.Outcome, span: Int) {
    guard outcome != .unknown else {
      blind += 1
      unknown += 1
      return
    }
    blind = 0
    recent.append(outcome == .fails)
    recent.removeFirst(max(0, recent.count - span))
  }

  fileprivate func fails(_ tolerance: Probe.Tolerance) -> Bool {
    switch tolerance {
    case .inARow(let count): recent.count >= count && recent.suffix(count).allSatisfy(\.self)
    case .among(let count, _): recent.count(where: \.self) >= count
    }
  }
}
