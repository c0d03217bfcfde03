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
  /// The version that brings the schema up for itself, and has not checked in yet; nil for any other run.
  let starting: LiveVersion?
  /// The check-ins, when they are the source.
  let checkIns: [CheckIn]

  init(toldBy versions: [LiveVersion], beside starting: LiveVersion? = nil) {
    (source, checkIns) = (.operatorsWord, [])
    self.starting = starting
    self.versions = versions + [starting].compactMap(\.self)
  }

  init(_ checkIns: [CheckIn], beside starting: LiveVersion? = nil) {
    source = .checkIns
    self.starting = starting
    self.checkIns = checkIns
    var versions = [starting].compactMap(\.self)
    for checkIn in checkIns {
      guard let version = checkIn.version.map({ LiveVersion(checkIn.application, $0) }) else { continue }
      if !versions.contains(version) { versions.append(version) }
    }
    self.versions = versions
  }

  func versions(of application: String) -> [LiveVersion] {
    versions.filter { $0.application == application }
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
