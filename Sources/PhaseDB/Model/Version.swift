/// A version of an application: dotted numbers with an optional pre-release, ordered as in SemVer (semver.org). A build
/// number, `4711`, is one, and so is a date, `2026.11.27`.
///
/// `1.4`, `1.4.0` and `1.4+build.7` are the same version; `1.4-rc.1` comes before `1.4`.
public struct Version: Sendable {
  private let text: String
  /// The numbers without trailing zeros, so that 1.4 and 1.4.0 are equal.
  private let numbers: [UInt64]
  private let preRelease: [Identifier]

  private enum Identifier: Hashable {
    case number(UInt64)
    case word(String)
  }

  /// Reads a version.
  ///
  /// - Parameter text: one or more numbers of up to 18 digits with dots between them, then optionally `-` and
  ///   dotted identifiers (the pre-release), then optionally `+` and dotted identifiers, which do not count.
  /// - Throws: `version-invalid` for anything else.
  public init(_ text: String) throws(MigrationError) {
    // By bytes: a folder has hundreds of windows.
    let sign = text.utf8.firstIndex { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") } ?? text.endIndex
    let plus = text.utf8[sign...].firstIndex(of: UInt8(ascii: "+")) ?? text.endIndex
    guard let numbers = Self.numbers(text[..<sign]), let identifiers = Self.identifiers(text[sign..<plus]),
      Self.identifiers(text[plus...]) != nil
    else {
      throw MigrationError(.versionInvalid, "'\(text)' is not a version", help: [Self.remedy(text)])
    }
    self.text = text
    self.numbers = numbers
    self.preRelease = identifiers
  }

  private static func remedy(_ text: String) -> Prose {
    if (7...64).contains(text.utf8.count), text.contains(where: \.isLetter),
      text.allSatisfy({ $0.isASCII && $0.isHexDigit })
    {
      return
        "a commit hash does not say which of two builds is newer: use a number that grows with each build, such as 4711, or its date, such as 2026.11.27"
    }
    return text.first == "v" || text.first == "V"
      ? "write it without the letter, for example 1.4"
      : "write numbers with dots between them, for example 1.4, 2.0.1 or 2.0-rc.1"
  }

  private static func numbers(_ text: Substring) -> [UInt64]? {
    var numbers: [UInt64] = []
    for part in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard let number = number(Substring(part)) else { return nil }
      numbers.append(number)
    }
    while numbers.count > 1, numbers.last == 0 { numbers.removeLast() }
    return numbers
  }

  /// Eighteen digits always fit, so no version can overflow.
  private static func number(_ text: Substring) -> UInt64? {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    return text.utf8.count <= 18 && text.utf8.allSatisfy { digits ~= $0 } ? UInt64(text) : nil
  }

  /// The identifiers after the first character of `text`; none when `text` is empty.
  private static func identifiers(_ text: Substring) -> [Identifier]? {
    if text.isEmpty { return [] }
    var identifiers: [Identifier] = []
    for part in Substring(text.utf8.dropFirst()).split(separator: ".", omittingEmptySubsequences: false) {
      if let number = number(part) {
        identifiers.append(.number(number))
      } else if !part.isEmpty, !part.allSatisfy(\.isASCIIDigit),
        part.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
      {
        identifiers.append(.word(String(part)))
      } else {
        return nil
      }
    }
    return identifiers
  }

  /// One spelling for all equal versions, for the identity of phases.
  var canonical: String {
    let core = numbers.map(String.init).joined(separator: ".")
    let identifiers = preRelease.map { identifier in
      switch identifier {
      case .number(let number): String(number)
      case .word(let word): word
      }
    }
    return identifiers.isEmpty ? core : core + "-" + identifiers.joined(separator: ".")
  }
}

extension Version: Hashable, Comparable {
  public static func == (left: Version, right: Version) -> Bool {
    left.numbers == right.numbers && left.preRelease == right.preRelease
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(numbers)
    hasher.combine(preRelease)
  }

  public static func < (left: Version, right: Version) -> Bool {
    if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
    if left.preRelease.isEmpty || right.preRelease.isEmpty {
      return !left.preRelease.isEmpty && right.preRelease.isEmpty
    }
    return left.preRelease.lexicographicallyPrecedes(right.preRelease) { one, other in
      switch (one, other) {
      case (.number(let one), .number(let other)): one < other
      case (.word(let one), .word(let other)): one < other
      case (.number, .word): true
      case (.word, .number): false
      }
    }
  }
}

extension Version: CustomStringConvertible {
  /// The version as it was written.
  public var description: String { text }
}
