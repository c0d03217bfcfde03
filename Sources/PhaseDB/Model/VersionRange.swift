/// A range of versions, as in `>=1.4 <2.0`. Only an `offline` range is empty: the application stops for the phase,
/// and `offline 2.0` says that 2.0 is the first version to run after it.
///
/// Pre-releases count only by their order: `2.0-rc.1` comes before `2.0`, so it is inside `<2.0`.
public struct VersionRange: Sendable, Hashable {
  /// One end of a range.
  package struct Bound: Sendable, Hashable {
    package let version: Version
    /// Whether `version` itself belongs to the range.
    package let isInclusive: Bool
    /// Whether it belongs to an `offline` range.
    let isOffline: Bool

    package init(_ version: Version, isInclusive: Bool, isOffline: Bool = false) {
      self.version = version
      self.isInclusive = isInclusive
      self.isOffline = isOffline
    }
  }

  /// Nil when there is no lowest version.
  package let lower: Bound?
  /// Nil when there is no highest version.
  package let upper: Bound?

  /// An empty range, for a phase for which the application stops: versions below `version` run before the phase, that
  /// one and later ones after it.
  public static func offline(_ version: Version) -> VersionRange {
    VersionRange(
      lower: Bound(version, isInclusive: true, isOffline: true),
      upper: Bound(version, isInclusive: false, isOffline: true))
  }

  /// The first version that runs after the phase, if the application stops for it; otherwise nil.
  package var offlineVersion: Version? {
    guard let lower, let upper, lower.isOffline, upper.isOffline, lower.version == upper.version else {
      return nil
    }
    return lower.version
  }

  /// Whether the application stops for the phase, so that no version runs both before and after it.
  public var isOffline: Bool { offlineVersion != nil }

  /// Every version.
  static let all = VersionRange(lower: nil, upper: nil)

  private init(lower: Bound?, upper: Bound?) {
    self.lower = lower
    self.upper = upper
  }

  /// The versions between two bounds, nil when there are none.
  init?(from lower: Bound?, to upper: Bound?) {
    if let lower, let upper {
      let isPoint = lower.version == upper.version && lower.isInclusive && upper.isInclusive
      guard lower.version < upper.version || isPoint else { return nil }
    }
    self.init(lower: lower, upper: upper)
  }

  /// Reads comparators with spaces between them, of which a version must meet all; or `offline` and one version.
  ///
  /// - Parameter text: one or more of `>=`, `>`, `<`, `<=`, `=`, each with a version; or `offline 2.0`.
  /// - Throws: `window-invalid` when the text is not that or no version satisfies it, `version-invalid` when
  ///   what follows a comparator is no version.
  public init(_ text: String) throws(MigrationError) {
    if let version = try Self.versionBehindOffline(text) {
      self = .offline(version)
      return
    }
    var lower: Bound?
    var upper: Bound?
    for (comparator, version) in try Self.comparators(text) {
      let bound = Bound(version, isInclusive: comparator != ">" && comparator != "<")
      if comparator != "<", comparator != "<=", bound.isTighterLower(than: lower) { lower = bound }
      if comparator != ">", comparator != ">=", bound.isTighterUpper(than: upper) { upper = bound }
    }
    guard let range = VersionRange(from: lower, to: upper) else {
      throw MigrationError(
        .windowInvalid, "no version satisfies \(text.split(separator: " ").joined(separator: " "))",
        help: ["write the lower bound first and a higher one behind it, for example >=1.4 <2.0"])
    }
    self = range
  }

  /// Whether a version is within both bounds.
  public func contains(_ version: Version) -> Bool {
    !isUndercut(by: version) && !isExceeded(by: version)
  }

  /// Whether a version is older than every one in the range.
  package func isUndercut(by version: Version) -> Bool {
    guard let lower else { return false }
    return version < lower.version || (version == lower.version && !lower.isInclusive)
  }

  /// Whether a version is newer than every one in the range.
  package func isExceeded(by version: Version) -> Bool {
    guard let upper else { return false }
    return version > upper.version || (version == upper.version && !upper.isInclusive)
  }

  /// The same range without a highest version: `>=1.6` of `>=1.6 <2.1`.
  var withoutUpper: VersionRange { VersionRange(lower: lower, upper: nil) }

  /// The same range without a lowest version: `<2.1` of `>=1.6 <2.1`.
  var withoutLower: VersionRange { VersionRange(lower: nil, upper: upper) }
}

extension VersionRange.Bound {
  /// Whether, as a lower bound, this one is higher: it keeps out a version that `other` lets in.
  package func isTighterLower(than other: VersionRange.Bound?) -> Bool {
    guard let other else { return true }
    if version == other.version { return !isInclusive && other.isInclusive }
    return version > other.version
  }

  /// Whether, as an upper bound, this one is lower: it keeps out a version that `other` lets in.
  package func isTighterUpper(than other: VersionRange.Bound?) -> Bool {
    guard let other else { return true }
    if version == other.version { return !isInclusive && other.isInclusive }
    return version < other.version
  }
}

extension VersionRange.Bound {
  /// Whether it is the same bound, and also says that the application stops.
  private func adds(to other: VersionRange.Bound?) -> Bool {
    guard let other else { return false }
    return isOffline && !other.isOffline && version == other.version && isInclusive == other.isInclusive
  }

  /// Whether a state keeps this lower bound instead of `other`.
  func replacesLower(_ other: VersionRange.Bound?) -> Bool { isTighterLower(than: other) || adds(to: other) }

  /// Whether a state keeps this upper bound instead of `other`.
  func replacesUpper(_ other: VersionRange.Bound?) -> Bool { isTighterUpper(than: other) || adds(to: other) }

  /// The bound without the mark that the application stops.
  var plain: VersionRange.Bound { VersionRange.Bound(version, isInclusive: isInclusive) }
}

extension VersionRange: CustomStringConvertible {
  /// The range with each bound once, lower first: `>=1.4 <2.0`, or `=1.4` when it is one version.
  public var description: String { spelled { $0.description } }

  /// One spelling for all equal ranges, for the identity of phases.
  var canonical: String { spelled(\.canonical) }

  private func spelled(_ spelling: (Version) -> String) -> String {
    if let offlineVersion { return "\(Self.offlineWord) \(spelling(offlineVersion))" }
    if let lower, lower == upper { return "=\(spelling(lower.version))" }
    let parts = [
      lower.map { ($0.isInclusive ? ">=" : ">") + spelling($0.version) },
      upper.map { ($0.isInclusive ? "<=" : "<") + spelling($0.version) },
    ]
    let text = parts.compactMap(\.self).joined(separator: " ")
    return text.isEmpty ? "any version" : text
  }
}

extension VersionRange {
  private static let offlineWord = "offline"

  /// Nil when the text does not begin with `offline`.
  private static func versionBehindOffline(_ text: String) throws(MigrationError) -> Version? {
    // By bytes: a folder has hundreds of windows.
    guard let first = text.utf8.first(where: { $0 > 0x20 }), first | 0x20 == UInt8(ascii: "o") else {
      return nil
    }
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.first?.lowercased() == offlineWord else { return nil }
    guard words.count == 2, words[1].utf8.first?.isComparator == false else {
      throw MigrationError(
        .windowInvalid,
        words.count == 1
          ? "there is no version after 'offline'" : "'offline' takes one version and no comparator",
        help: ["write the first version that runs after the phase, for example offline 2.0"])
    }
    return try Version(String(words[1]))
  }

  private static func comparators(_ text: String) throws(MigrationError) -> [(String, Version)] {
    var result: [(String, Version)] = []
    // By bytes: a folder has hundreds of windows.
    var rest = text.utf8[...].drop(while: \.isBlank)
    while !rest.isEmpty {
      let comparator = String(Substring(rest.prefix(while: \.isComparator)))
      guard [">=", ">", "<", "<=", "="].contains(comparator) else {
        throw malformed(Substring(rest), comparator: comparator)
      }
      rest = rest.dropFirst(comparator.utf8.count).drop(while: \.isBlank)
      let version = rest.prefix { !$0.isBlank && !$0.isComparator }
      guard !version.isEmpty else {
        throw MigrationError(
          .windowInvalid, "there is no version after '\(comparator)'",
          help: ["write one, for example \(comparator)1.4"])
      }
      result.append((comparator, try Version(String(Substring(version)))))
      rest = rest.dropFirst(version.count).drop(while: \.isBlank)
    }
    guard !result.isEmpty else {
      throw MigrationError(
        .windowInvalid, "there is no range of versions", help: ["write one, for example >=1.4 <2.0"])
    }
    return result
  }

  private static func malformed(_ rest: Substring, comparator: String) -> MigrationError {
    let word = rest.dropFirst(comparator.count).prefix { !$0.isWhitespace }
    let help: Prose
    switch comparator {
    case "==": help = "write = once: =\(word)"
    case "=>", "=<": help = "write \(comparator.last ?? "=")=\(word)"
    case "" where rest.first?.isASCIIDigit == true:
      help = "write >=\(word) for that version and later ones, =\(word) for it alone"
    case "" where ["any", "all", "*"].contains(word): help = "for every version, write >=0"
    case "" where Suggestion.nearest(to: String(word), in: [offlineWord]) != nil:
      help = "did you mean offline?"
    default: help = "write comparators (>= > < <= =) with spaces between them, for example >=1.4 <2.0"
    }
    let wrong = comparator.isEmpty ? word : comparator[...]
    return MigrationError(.windowInvalid, "'\(wrong)' is not a comparator", help: [help])
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { " \t\r\n".utf8.contains(self) }
  fileprivate var isComparator: Bool { "<>=".utf8.contains(self) }
}
