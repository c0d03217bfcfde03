/// For each application, the versions that may be live on a state.
package struct LiveIntervals {
  private var lower: [String: VersionRange.Bound] = [:]
  private var upper: [String: VersionRange.Bound] = [:]
  private var applications: Set<String> = []

  /// The versions of an application; nil for one that no window names.
  subscript(application: String) -> StateInterval? {
    applications.contains(application)
      ? StateInterval(lower: lower[application], upper: upper[application]) : nil
  }

  /// Shuts out the versions below the windows of an applied phase.
  mutating func apply(_ windows: Windows) {
    for window in windows {
      applications.insert(window.application)
      if let bound = window.range.lower, bound.replacesLower(lower[window.application]) {
        lower[window.application] = bound
      }
    }
  }

  /// Shuts out the versions above the windows of a pending phase.
  mutating func await(_ windows: Windows) {
    for window in windows {
      applications.insert(window.application)
      if let bound = window.range.upper, bound.replacesUpper(upper[window.application]) {
        upper[window.application] = bound
      }
    }
  }

  private var intervals: [String: StateInterval] {
    Dictionary(
      uniqueKeysWithValues: applications.map { ($0, StateInterval(lower: lower[$0], upper: upper[$0])) })
  }

  /// The intervals of one state.
  package static func of(
    applied: some Sequence<Windows>, pending: some Sequence<Windows>
  ) -> [String: StateInterval] {
    var state = LiveIntervals()
    for windows in applied { state.apply(windows) }
    for windows in pending { state.await(windows) }
    return state.intervals
  }

  /// The intervals after each step of a way up.
  ///
  /// Each phase can only make a bound tighter. So the bounds of applied phases are collected from the front and those
  /// of pending phases from the back, and each phase is read once.
  ///
  /// - Parameters:
  ///   - applied: windows of what is applied before the first step.
  ///   - steps: windows of the steps, in order.
  ///   - pending: windows of what stays pending after the last step.
  static func alongUp(
    applied: some Sequence<Windows>, steps: [Windows], pending: some Sequence<Windows>
  ) -> [[String: StateInterval]] {
    var state = LiveIntervals()
    for windows in pending { state.await(windows) }
    var fromTheBack: [LiveIntervals] = []
    for windows in steps.reversed() {
      fromTheBack.append(state)
      state.await(windows)
    }
    var fromTheFront = LiveIntervals()
    for windows in applied { fromTheFront.apply(windows) }
    return zip(steps, fromTheBack.reversed()).map { windows, pending in
      fromTheFront.apply(windows)
      var state = pending
      state.lower = fromTheFront.lower
      state.applications.formUnion(fromTheFront.applications)
      return state.intervals
    }
  }
}
