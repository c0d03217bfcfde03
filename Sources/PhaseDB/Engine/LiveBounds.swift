/// A version of an application that is live although the schema, as it is, is not for it.
package struct LiveMisfit: Sendable, Hashable {
  package let live: LiveVersion
  /// The instances that checked in with it; empty when an operator named it.
  package let instances: [String]
  /// The versions that may be live.
  package let mayBeLive: StateInterval
  /// The phases whose windows exclude it, one sentence each.
  package let causes: [Prose]
  /// What ends it, most useful first.
  package let remedies: [Prose]

  /// `app 1.0 is live on web-1 and may not run on this schema, which is for app >=2.0`.
  package var message: Prose {
    let place: Prose = instances.isEmpty ? "" : " on \(DetailLines.enumeration(instances))"
    return "\(live) is live\(place) and may not run \(schema)"
  }

  var schema: Prose {
    mayBeLive.isEmpty
      ? "on this schema, which is for \(mayBeLive) of \(live.application)"
      : "on this schema, which is for \(live.application) \(mayBeLive)"
  }
}

/// Which versions may be live on the schema as it is, and which phases say so.
struct LiveBounds {
  private let applied: [AppliedPhase]
  private let pending: [(id: PhaseID, phase: Phase)]
  let intervals: [String: StateInterval]

  /// - Parameter underWay: windows of the phase that is half done. Who runs meanwhile must be able to run before it and
  ///   after it.
  init(_ applied: [AppliedPhase], _ catalog: Catalog, underWay: Windows?) {
    let done = Set(applied.map(\.id))
    self.applied = applied
    pending = catalog.phases.filter { !done.contains($0.id) }
    intervals = LiveIntervals.of(
      applied: applied.map(\.windows) + (underWay.map { [$0] } ?? []),
      pending: pending.map(\.phase.windows) + (underWay.map { [$0] } ?? []))
  }

  /// Those of the live versions that may not run now, in the order in which they were told.
  func misfits(_ live: LiveKnowledge) -> [LiveMisfit] {
    live.versions.compactMap { misfit(of: $0, on: live.instances(of: $0)) }
  }

  /// Why a version may not run now, nil when it may.
  func misfit(of live: LiveVersion, on instances: [String] = []) -> LiveMisfit? {
    let application = live.application
    guard let interval = intervals[application] else { return nil }
    let isTooOld = VersionRange(from: interval.lower, to: nil)?.isUndercut(by: live.version) ?? false
    let isTooNew = VersionRange(from: nil, to: interval.upper)?.isExceeded(by: live.version) ?? false
    guard isTooOld || isTooNew else { return nil }
    var causes: [Prose] = []
    var help: [Prose] = []
    if isTooOld,
      let index = applied.firstIndex(where: { $0.windows[application]?.lower == interval.lower }),
      let window = applied[index].windows[application]
    {
      let phase = applied[index]
      causes.append("\(phase.id) is applied, and its window is \(window)")
      help.append("start \(application) \(interval.range ?? window)")
      let below = index == 0 ? 0 : applied[index - 1].sequence
      help.append("or reverse \(phase.id.short); see the plan first: phasedb plan down --to @\(below)")
    }
    if isTooNew,
      let phase = pending.first(where: { $0.phase.windows[application]?.upper == interval.upper }),
      let window = phase.phase.windows[application]
    {
      causes.append("\(phase.id) is not applied, and its window is \(window)")
      help.append("apply it first: phasedb up --to \(phase.id.short)")
    }
    return LiveMisfit(
      live: live, instances: instances, mayBeLive: interval, causes: causes, remedies: help)
  }

  /// Things that keep a live version from being judged, one sentence each: a check-in whose version is none, and an
  /// application that no window names.
  func unjudged(_ live: LiveKnowledge) -> [Prose] {
    let known = intervals.keys.sorted()
    let unreadable: [Prose] = known.flatMap { live.unreadable(of: $0) }.map {
      "\($0) is not counted as live: '\($0.versionText)' is not a version"
    }
    var unnamed: [Prose] = []
    for application in live.versions.map(\.application) where intervals[application] == nil {
      let meant: Prose = Suggestion.nearest(to: application, in: known).map { "; did you mean \($0)?" } ?? ""
      let sentence: Prose = "no window names \(application), so nothing restricts it\(meant)"
      if !unnamed.contains(sentence) { unnamed.append(sentence) }
    }
    return unreadable + unnamed
  }
}
