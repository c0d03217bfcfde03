/// The versions that are known to be running, and the source of that knowledge.
struct LiveKnowledge: Sendable {
  /// The source of the versions.
  enum Source: Sendable, Hashable {
    /// The applications themselves.
    case checkIns
    /// An operator, whose statement replaces the check-ins.
    case operatorsWord
  }

  let source: Source
  /// Without repetition, in the order in which they were reported.
  let versions: [LiveVersion]
  /// The version that starts now and has not checked in yet; nil when the run is not for a version.
  let starting: LiveVersion?
  /// The check-ins, when they are the source.
  let checkIns: [CheckIn]
  /// The versions that are running already: all but the one that is starting.
  private let running: [LiveVersion]
  /// Whether the operator said that only the named versions run.
  private let isComplete: Bool
  /// The applications that checked in once, and whose check-ins have all ended.
  private let ended: Set<String>

  /// - Parameter isComplete: whether no version runs but these.
  init(toldBy versions: [LiveVersion], isComplete: Bool = false, beside starting: LiveVersion? = nil) {
    (source, checkIns, ended) = (.operatorsWord, [], [])
    self.isComplete = isComplete
    self.starting = starting
    running = versions
    self.versions = versions + [starting].compactMap(\.self)
  }

  /// - Parameter ended: the applications that checked in before.
  init(_ checkIns: [CheckIn], ended: Set<String> = [], beside starting: LiveVersion? = nil) {
    source = .checkIns
    isComplete = false
    self.ended = ended.subtracting(checkIns.map(\.application))
    self.starting = starting
    self.checkIns = checkIns
    var running: [LiveVersion] = []
    for checkIn in checkIns {
      guard let version = checkIn.version.map({ LiveVersion(checkIn.application, $0) }) else { continue }
      if !running.contains(version) { running.append(version) }
    }
    self.running = running
    versions = [starting].compactMap(\.self) + running.filter { $0 != starting }
  }

  func versions(of application: String) -> [LiveVersion] {
    versions.filter { $0.application == application }
  }

  /// The versions of an application that run already.
  func running(of application: String) -> [LiveVersion] {
    running.filter { $0.application == application }
  }

  /// Whether an operator said that no version of an application runs.
  func isToldAbsent(_ application: String) -> Bool { isComplete && running(of: application).isEmpty }

  /// Whether it is known that no version of an application runs.
  func isKnownAbsent(_ application: String) -> Bool {
    isToldAbsent(application) || ended.contains(application)
  }

  /// Check-ins of an application whose version cannot be read, so that it is unknown whether it is inside a window.
  func unreadable(of application: String) -> [CheckIn] {
    checkIns.filter { $0.application == application && $0.version == nil }
  }

  /// `storefront 1.4 is live`, with the instances that said so.
  func sentence(_ live: LiveVersion) -> String {
    let instances = instances(of: live)
    guard !instances.isEmpty else { return "\(live) is live" }
    return "\(live) is live on \(DetailLines.enumeration(instances))"
  }

  /// `web-1, web-2 run 1.4`, or `1.4 is live` if no instance reported it.
  func brief(_ live: LiveVersion) -> String {
    let instances = instances(of: live)
    guard !instances.isEmpty else { return "\(live.version) is live" }
    return "\(DetailLines.enumeration(instances)) \(instances.count == 1 ? "runs" : "run") \(live.version)"
  }

  /// The instances that checked in with a version.
  func instances(of live: LiveVersion) -> [String] {
    checkIns.filter { $0.application == live.application && $0.version == live.version }.map(\.instance)
  }
}

extension DetailLines {
  /// The first few names of a list, and how many more there are.
  package static func enumeration(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ")
    return names.count <= 3 ? shown : "\(shown) and \(names.count - 3) more"
  }
}
