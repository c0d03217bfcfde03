/// How long a phase is watched once it is up, and what happens when one of its probes fails.
package struct Watch: Sendable, Hashable {
  /// What follows a failure.
  package enum Consequence: String, Sendable, Hashable, CaseIterable {
    /// A person decides.
    case hold
    /// The phase comes down automatically, if that restores everything.
    case reverse
  }

  /// How long samples are judged. That gives `duration / every` samples, rounded up; time without samples does not
  /// count.
  package let duration: Duration
  /// The time between two samples.
  package let every: Duration
  /// How long samples are taken before that without being judged, while caches fill and clients reconnect.
  package let settle: Duration
  /// What follows a failure.
  package let then: Consequence

  /// - Parameters:
  ///   - duration: from `every` on.
  ///   - every: more than zero.
  ///   - settle: zero unless given.
  ///   - then: a person decides unless this says otherwise.
  package init(
    for duration: Duration, every: Duration, settle: Duration = .zero, then: Consequence = .hold
  ) {
    (self.duration, self.every, self.settle, self.then) = (duration, every, settle, then)
  }
}

extension Watch {
  /// How many samples are judged.
  package var rounds: Int { max(1, Self.count(duration, every)) }
  /// How many samples are taken before them.
  package var settlingRounds: Int { Self.count(settle, every) }

  private static func count(_ whole: Duration, _ part: Duration) -> Int {
    guard part > .zero else { return 0 }
    return Int((whole / part).rounded(.up))
  }

  /// The arguments of `@watch`.
  package var text: String {
    let settling = settle == .zero ? "" : " settle \(DurationText.print(settle))"
    return
      "\(DurationText.print(duration)) every \(DurationText.print(every))\(settling) then \(then.rawValue)"
  }
}

/// A measurement that is repeated while a phase is watched.
package struct Probe: Sendable, Hashable {
  /// What the value of a probe has to be.
  package enum Expectation: Sendable, Hashable {
    /// A SELECT must return no row: each row is a violation. A probe of the settings must say that nothing is wrong.
    case nothingWrong
    /// At most so much.
    case atMost(Double)
    /// At least so much.
    case atLeast(Double)
    /// From the first to the second, both included.
    case between(Double, Double)
    /// At most this percentage of the value before the phase; unknown where that value was below the floor.
    case atMostOfBefore(percent: Double, floor: Double?)
    /// At least this percentage of the value before the phase; unknown where that value was below the floor.
    case atLeastOfBefore(percent: Double, floor: Double?)
  }

  /// How many failing samples make the watch fail. Unknown samples are skipped: they do not count, and do not reset
  /// the count.
  package enum Tolerance: Sendable, Hashable {
    /// After this many failures in a row.
    case inARow(Int)
    /// After this many failures among the last samples; `of` says how many samples are looked at. Unknown samples are
    /// skipped.
    case among(Int, of: Int)
  }

  /// What it means when there is no value: no row, or NULL.
  package enum Missing: String, Sendable, Hashable, CaseIterable {
    /// The sample passes.
    case passes
    /// The sample fails.
    case fails
    /// Nothing is known.
    case unknown
  }

  /// What it looks at, in a few words. Without a query it is the name of a probe of the settings.
  package let title: String
  /// One SELECT, which may use `:since`, the moment at which the phase went up, as `2026-01-31 12:00:00` in UTC.
  package let query: Script?
  /// What it expects.
  package let expectation: Expectation
  /// When it fails.
  package let tolerance: Tolerance
  /// What a missing value means.
  package let missing: Missing
  /// Whether it is a control: it measures something that the phase cannot have caused. While a control fails, the
  /// watch judges nothing.
  package let isControl: Bool
  /// SQL that makes the probe fail on a copy, so that a rehearsal can show that it is able to fail.
  package let red: Script?

  /// A probe with a SELECT of its own, or, without one, of the settings.
  package init(
    _ title: String, query: Script? = nil, expecting expectation: Expectation = .nothingWrong,
    fails tolerance: Tolerance = .inARow(3), missing: Missing = .unknown, isControl: Bool = false,
    red: Script? = nil
  ) {
    (self.title, self.query, self.expectation) = (title, query, expectation)
    (self.tolerance, self.missing, self.isControl, self.red) = (tolerance, missing, isControl, red)
  }
}

extension Probe {
  /// The parameter that stands for the moment at which the phase went up.
  package static let since = ":since"

  /// How many known samples it takes to decide.
  package var span: Int {
    switch tolerance {
    case .inARow(let count): count
    case .among(_, let count): count
    }
  }

  /// How many failures make it fail.
  package var failures: Int {
    switch tolerance {
    case .inARow(let count), .among(let count, _): count
    }
  }

  /// Whether it expects a number, and what comes before the phase is needed to judge it.
  package var wantsNumber: Bool { expectation != .nothingWrong }
  package var isRelative: Bool {
    switch expectation {
    case .atMostOfBefore, .atLeastOfBefore: true
    case .nothingWrong, .atMost, .atLeast, .between: false
    }
  }

  /// The arguments of `@probe` after the title; empty when all of them have their defaults.
  var clauses: String {
    var clauses: [String] = []
    switch expectation {
    case .nothingWrong: break
    case .atMost(let limit): clauses.append("at most \(Self.text(limit))")
    case .atLeast(let limit): clauses.append("at least \(Self.text(limit))")
    case .between(let low, let high): clauses.append("between \(Self.text(low)) and \(Self.text(high))")
    case .atMostOfBefore(let percent, let floor):
      clauses.append("at most \(Self.text(percent))% of before\(Self.text(floor: floor))")
    case .atLeastOfBefore(let percent, let floor):
      clauses.append("at least \(Self.text(percent))% of before\(Self.text(floor: floor))")
    }
    switch tolerance {
    case .inARow(3): break
    case .inARow(let count): clauses.append("fails after \(count)")
    case .among(let count, let all): clauses.append("fails \(count) of \(all)")
    }
    if missing != .unknown { clauses.append("missing \(missing.rawValue)") }
    if isControl { clauses.append("control") }
    return clauses.joined(separator: " ")
  }

  private static func text(floor: Double?) -> String { floor.map { ", floor \(text($0))" } ?? "" }

  /// A number as a directive spells it.
  package static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? String(number)
  }
}

// MARK: - What a number says

extension Probe {
  /// Judges a number.
  ///
  /// - Parameter before: what it was before the phase; nil when that is unknown.
  package func sample(of value: Double, before: Double?) -> Sample {
    switch expectation {
    case .nothingWrong: return Sample(.passes, value: value)
    case .atMost(let limit): return sample(of: value, fails: value > limit)
    case .atLeast(let limit): return sample(of: value, fails: value < limit)
    case .between(let low, let high): return sample(of: value, fails: value < low || value > high)
    case .atMostOfBefore(let percent, let floor):
      return sample(of: value, percent, floor, of: before) { $0 > $1 }
    case .atLeastOfBefore(let percent, let floor):
      return sample(of: value, percent, floor, of: before) { $0 < $1 }
    }
  }

  private func sample(of value: Double, fails: Bool, beside: String = "") -> Sample {
    guard fails else { return Sample(.passes, value: value) }
    return Sample(.fails, value: value, reason: "\(Self.text(value)) is not \(expectationText)\(beside)")
  }

  /// Compares a number with the one before the phase, and allows for chance. A count varies by its square root (a
  /// Poisson process), and a difference of three times that is rare.
  private func sample(
    of value: Double, _ percent: Double, _ floor: Double?, of before: Double?,
    isOutside: (Double, Double) -> Bool
  ) -> Sample {
    guard let before else {
      return Sample(.unknown, value: value, reason: "what it was before the phase is not known")
    }
    if let floor, before < floor {
      return Sample(
        .unknown, value: value, reason: "before the phase it was \(Self.text(before)), below the floor")
    }
    let isRare = abs(before - value) > 3 * abs(before).squareRoot()
    return sample(
      of: value, fails: isRare && isOutside(value, before * percent / 100),
      beside: ", which was \(Self.text(before))")
  }

  /// As in `at most 800`.
  private var expectationText: String {
    Probe(title, expecting: expectation, fails: .inARow(3)).clauses
  }

  /// The median of the samples before the phase; nil when fewer than three of them had a value.
  package static func baseline(of samples: [Sample]) -> Double? {
    let values = samples.compactMap(\.value).sorted()
    return values.count < 3 ? nil : values[values.count / 2]
  }
}

extension Probe {
  /// What a probe answers.
  package enum Reply: Sendable, Hashable {
    /// Nothing is wrong.
    case passes
    /// Something is wrong: what, as the end of a sentence.
    case fails(String)
    /// The value, for a probe that expects one.
    case number(Double)
    /// There is no value.
    case missing
    /// It cannot be told: why, as the end of a sentence.
    case unknown(String)
  }
}
