/// One interval of versions, as in `>=1.4 <2.0`. It is never empty.
///
/// Pre-releases count only by their order: `2.0-rc.1` comes before `2.0`, so it is inside `<2.0`.
public struct VersionRange: Sendable, Hashable {
  /// One end of a range.
  package struct Bound: Sendable, Hashable {
    package let version: Version
    /// Whether `version` itself belongs to the range.
    package let isInclusive: Bool

    package init(_ version: Version, isInclusive: Bool) {
      self.version = version
      self.isInclusive = isInclusive
    }
  }

  /// Nil when there is no lowest version.
  package let lower: Bound?
  /// Nil when there is no highest version.
  package let upper: Bound?

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

  /// Reads comparators with spaces between them; a version must meet all of them.
  ///
  /// - Parameter text: one or more of `>=`, `>`, `<`, `<=`, `=`, each with a version.
  /// - Throws: `window-invalid` when the text is not that or no version satisfies it, `version-invalid` when
  ///   what follows a comparator is no version.
  public init(_ text: String) throws(MigrationError) {
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
  public func isUndercut(by version: Version) -> Bool {
    guard let lower else { return false }
    return version < lower.version || (version == lower.version && !lower.isInclusive)
  }

  /// Whether a version is newer than every one in the range.
  public func isExceeded(by version: Version) -> Bool {
    guard let upper else { return false }
    return version > upper.version || (version == upper.version && !upper.isInclusive)
  }

  /// The same range without a highest version: `>=1.6` of `>=1.6 <2.1`.
  var withoutUpper: VersionRange { VersionRange(lower: lower, upper: nil) }

  /// The versions that are in both ranges, nil when there are none.
  public func intersection(_ other: VersionRange) -> VersionRange? {
    let lower = other.lower?.isTighterLower(than: lower) == true ? other.lower : lower
    let upper = other.upper?.isTighterUpper(than: upper) == true ? other.upper : upper
    return VersionRange(from: lower, to: upper)
  }
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

extension VersionRange: CustomStringConvertible {
  /// The range with each bound once, lower first: `>=1.4 <2.0`, or `=1.4` when it is one version.
  public var description: String { spelled { $0.description } }

  /// One spelling for all equal ranges, for the identity of phases.
  var canonical: String { spelled(\.canonical) }

  private func spelled(_ spelling: (Version) -> String) -> String {
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
  private static func comparators(_ text: String) throws(MigrationError) -> [(String, Version)] {
    var result: [(String, Version)] = []
    // By bytes: a folder has hundreds of windows.
    var rest = text.utf8[...].drop(while: \.isBlank)
    while !rest.isEmpty {
      let comparator = String(Substring(rest.prefix(while: \.isComparator)))
      guard [">=", ">", "<", "<=", "="].contains(comparator) else {
        throw malformed(text, rest: Substring(rest), comparator: comparator)
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

  private static func malformed(_ text: String, rest: Substring, comparator: String) -> MigrationError {
    let word = rest.dropFirst(comparator.count).prefix { !$0.isWhitespace }
    let help: Prose
    switch comparator {
    case "==": help = "write = once: =\(word)"
    case "=>", "=<": help = "write \(comparator.last ?? "=")=\(word)"
    case "" where rest.first?.isASCIIDigit == true:
      help = "write >=\(word) for that version and later ones, =\(word) for it alone"
    case "" where ["any", "all", "*"].contains(word): help = "for every version, write >=0"
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
