/// A live version of an application that may not run on the present schema.
package struct LiveMisfit: Sendable, Hashable {
  package let live: LiveVersion
  /// The instances that checked in with it; empty when an operator named it.
  package let instances: [String]
  /// Whether it is not running yet, but starting now.
  var isStarting = false
  /// Whether it needs a pending phase.
  package let needsPendingPhase: Bool
  /// The versions that may be live.
  package let mayBeLive: StateInterval
  /// The phases whose windows exclude it, one sentence each.
  package let causes: [Prose]
  /// Remedies, most useful first.
  package let remedies: [Prose]

  /// `app 1.0 is live on web-1 and may not run on this schema, which is for app >=2.0`.
  package var message: Prose {
    guard !isStarting else { return "\(live) may not run \(schema)" }
    let place: Prose = instances.isEmpty ? "" : " on \(DetailLines.enumeration(instances))"
    return "\(live) is live\(place) and may not run \(schema)"
  }

  var schema: Prose { "on this schema, which is for \(range)" }

  /// The versions that may run on the schema: `app >=2.0`.
  var range: Prose {
    mayBeLive.isEmpty ? "\(mayBeLive) of \(live.application)" : "\(live.application) \(mayBeLive)"
  }
}

/// Works out which versions may be live on a schema, and which phases set the bounds.
struct LiveBounds {
  /// A phase that is applied or pending in a state.
  struct Entry {
    let id: PhaseID
    let windows: Windows
    /// The checkpoint below it, when it is applied.
    var below: Int64?
  }

  private let applied: [Entry]
  private let pending: [Entry]
  /// Whether this is the present state of the database.
  private let isPresent: Bool
  let intervals: [String: StateInterval]

  /// - Parameter isPresent: whether this is the present state of the database, and not a future one.
  init(applied: [Entry], pending: [Entry], isPresent: Bool = false) {
    (self.applied, self.pending, self.isPresent) = (applied, pending, isPresent)
    intervals = LiveIntervals.of(applied: applied.map(\.windows), pending: pending.map(\.windows))
  }

  /// The present state of the database.
  ///
  /// - Parameter underWay: the half-done phase. Versions that run meanwhile must be able to run both before and after
  ///   it.
  init(_ applied: [AppliedPhase], _ catalog: Catalog, underWay: BatchRecord?) {
    let done = Set(applied.map(\.id))
    let half = underWay.map { Entry(id: $0.id, windows: $0.phase.windows) }
    let pending = Renumbered.pending(in: catalog, beside: applied).filter { $0.id != half?.id }
    self.init(
      applied: Entry.all(applied) + (half.map { done.contains($0.id) ? [] : [$0] } ?? []),
      pending: (half.map { [$0] } ?? []) + pending.map { Entry(id: $0.id, windows: $0.phase.windows) },
      isPresent: true)
  }

  /// The live versions that may not run now, in the order in which they were reported.
  func misfits(_ live: LiveKnowledge) -> [LiveMisfit] {
    live.versions.compactMap {
      misfit(of: $0, on: live.instances(of: $0), isStarting: $0 == live.starting)
    }
  }

  /// The applied phase that sets the lowest version of an application, and the pending one that sets the highest.
  func phases(of application: String) -> (lowest: PhaseID?, highest: PhaseID?) {
    (lowest(of: application)?.id, highest(of: application)?.id)
  }

  private func lowest(of application: String) -> Entry? {
    guard let bound = intervals[application]?.lower else { return nil }
    return applied.first { $0.windows[application]?.lower == bound }
  }

  private func highest(of application: String) -> Entry? {
    guard let bound = intervals[application]?.upper else { return nil }
    return pending.first { $0.windows[application]?.upper == bound }
  }

  /// Why a version may not run, nil when it may.
  func misfit(
    of live: LiveVersion, on instances: [String] = [], isStarting: Bool = false
  ) -> LiveMisfit? {
    let application = live.application
    guard let interval = intervals[application] else { return nil }
    let isTooOld = VersionRange(from: interval.lower, to: nil)?.isUndercut(by: live.version) ?? false
    let isTooNew = VersionRange(from: nil, to: interval.upper)?.isExceeded(by: live.version) ?? false
    guard isTooOld || isTooNew else { return nil }
    let then: Prose = isPresent ? "" : " then"
    var causes: [Prose] = []
    var help: [Prose] = []
    if isTooOld, let phase = lowest(of: application), let window = phase.windows[application] {
      let state: Prose = isPresent && phase.below == nil ? "half done" : "applied"
      causes.append("\(phase.id) is \(state)\(then), and its window is \(window)")
      if !interval.isOffline {
        help.append(
          "start \(application) \(interval.range ?? (window.isOffline ? window.withoutUpper : window))")
      }
      if isPresent {
        // A half-done phase comes down before all others.
        let way: Prose = phase.below.map { " --to @\($0)" } ?? ""
        help.append(
          "\(help.isEmpty ? "" : "or ")reverse \(phase.id.short); see the plan first: phasedb plan down\(way)"
        )
      }
    }
    if isTooNew, let phase = highest(of: application), let window = phase.windows[application] {
      causes.append("\(phase.id) is not applied\(then), and its window is \(window)")
      let whileStopped: Prose = window.isOffline ? ", while \(application) is stopped" : ""
      let stopped: Prose = window.isOffline ? " --live none" : ""
      help.append(
        isPresent
          ? "apply it first\(whileStopped): phasedb up --to \(phase.id.short)\(stopped)"
          : "apply it, too\(whileStopped); see the plan first: phasedb plan up --to \(phase.id.short)\(stopped)"
      )
    }
    return LiveMisfit(
      live: live, instances: instances, isStarting: isStarting, needsPendingPhase: isTooNew,
      mayBeLive: interval, causes: causes,
      remedies: help)
  }

  /// Why a live version cannot be judged, one sentence each: a check-in with an invalid version, or an application that
  /// no window names.
  func unjudged(_ live: LiveKnowledge) -> [Prose] {
    let unreadable: [Prose] = intervals.keys.sorted().flatMap { live.unreadable(of: $0) }.map {
      "\($0) is not counted as live: '\($0.versionText)' is not a version"
    }
    var unnamed: [Prose] = []
    for application in live.versions.map(\.application) {
      guard let sentence = unrestricted(application), !unnamed.contains(sentence) else { continue }
      unnamed.append(sentence)
    }
    return unreadable + unnamed
  }

  /// Says that no window names an application, and which one was probably meant; nil when one does.
  func unrestricted(_ application: String) -> Prose? {
    guard intervals[application] == nil else { return nil }
    let known = intervals.keys.sorted()
    let meant: Prose = Suggestion.nearest(to: application, in: known).map { "; did you mean \($0)?" } ?? ""
    return "no window names \(application), so nothing restricts it\(meant)"
  }
}

extension LiveBounds.Entry {
  static func all(_ applied: [AppliedPhase]) -> [Self] {
    zip(applied, [0] + applied.map(\.sequence)).map { Self(id: $0.id, windows: $0.windows, below: $1) }
  }
}
