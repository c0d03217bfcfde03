import PhaseDB
import Testing

@Suite struct VersionTests {
  /// Groups of equal versions in ascending order.
  static let order = [
    ["0-0", "0.0-00"], ["0-a"], ["0", "0.0.0", "00"], ["0.0.1"], ["0.9"], ["0.10"],
    ["1.0.0-1"], ["1.0.0-2"], ["1-10", "1.0.0-10"], ["1.0.0-A"], ["1.0.0-alpha", "1-alpha+b"], ["1-alpha.1"],
    ["1-alpha.beta"], ["1-beta"], ["1-beta.2"], ["1-beta.11"], ["1-rc.1", "1.0-rc.1+x"], ["1-rc-1"],
    ["1", "1.0", "1.0.0", "1.0.0.0", "1+build.7", "01"], ["1.0.0.1"], ["1.4-rc.1"], ["1.4", "1.4.0"],
    ["1.4.0.1"], ["2024.1.5", "2024.01.05"], ["2026.9.30"], ["2026.11.27"], ["2026.11.27.2"], ["4711"],
    ["10000"], ["999999999999999999.999999999999999999"],
  ]

  @Test func versionsAreOrderedAsInSemVer() throws {
    let groups = try Self.order.map { try $0.map(Version.init) }
    for (index, group) in groups.enumerated() {
      for version in group {
        #expect(group.allSatisfy { $0 == version && !($0 < version) && $0.hashValue == version.hashValue })
        for later in groups[(index + 1)...].joined() {
          #expect(version < later && !(later < version) && version != later, "\(version) < \(later)")
        }
      }
    }
  }

  @Test(arguments: ["1.4", "1.4.0", "2.0-rc.1+build", "007"]) func isPrintedAsWritten(_ text: String) throws {
    #expect(try Version(text).description == text)
  }

  @Test(arguments: [
    "", ".", "1.", ".1", "1..2", "1.x", "a", "-1", "1-", "1-.a", "1-a..b", "1+", "1-ä", "1 ", " 1", "1_0",
    "١",
    "1234567890123456789", "1-1234567890123456789", "1.4,2", "*",
  ])
  func refusesWhatIsNoVersion(_ text: String) {
    let error = #expect(throws: MigrationError.self) { try Version(text) }
    #expect(error?.id == .versionInvalid)
    #expect(error?.message == "'\(text)' is not a version")
    #expect(error?.help == ["write numbers with dots between them, for example 1.4, 2.0.1 or 2.0-rc.1"])
  }

  @Test(arguments: ["e83c516", "E83C5163316F89BFBDE7D9AB23CA2E25604AF290", "1234567890abcdef", "0a1b2c3"])
  func aCommitHashIsToldWhatToUse(_ text: String) {
    let error = #expect(throws: MigrationError.self) { try Version(text) }
    #expect(error?.id == .versionInvalid)
    #expect(error?.help.first?.contains("a number that grows with each build, such as 4711") == true)
  }

  @Test(arguments: ["4711", "2026.11.27", "20261127", "1234567", "123456789012345678"])
  func buildNumbersAndDatesAreVersions(_ text: String) throws {
    let version = try Version(text)
    #expect(version.description == text)
    #expect(try LiveVersion("app@\(text)").version == version)
    #expect(try VersionRange(">=\(text)").contains(version))
  }

  @Test func aLetterBeforeTheNumberHasItsOwnRemedy() {
    let error = #expect(throws: MigrationError.self) { try Version("v1.4") }
    #expect(error?.help == ["write it without the letter, for example 1.4"])
  }
}
