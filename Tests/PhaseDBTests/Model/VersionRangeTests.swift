import PhaseDB
import Testing

@Suite struct VersionRangeTests {
  @Test(arguments: [
    (">=1.4 <2.0", ">=1.4 <2.0"), ("<2.0 >=1.4", ">=1.4 <2.0"), (">= 1.4   < 2.0", ">=1.4 <2.0"),
    (" >=1.4<2.0\t", ">=1.4 <2.0"), (">1 >=1", ">1"), (">=1 >2 >=1.5", ">2"), ("<3 <=3", "<3"),
    ("=1.4", "=1.4"), ("=1.4 >=1", "=1.4"), (">=1.4 <=1.4.0", "=1.4"), ("<=2", "<=2"),
    (">=1.4-rc.1 <2.0+x", ">=1.4-rc.1 <2.0+x"), ("offline 2.0", "offline 2.0"),
    ("  OFFLINE\t4711 ", "offline 4711"),
  ])
  func comparatorsMeetInOneInterval(_ text: String, _ description: String) throws {
    #expect(try VersionRange(text).description == description)
  }

  @Test(arguments: [
    (">=1.4 <2.0", ["1.4", "1.4.0", "1.9.9", "2.0-rc.1"], ["1.3.9", "1.4-rc.1", "2.0", "2.0.0"]),
    (">1.4 <=2.0", ["1.4.0.1", "2.0"], ["1.4", "2.0.1"]),
    ("=1.4", ["1.4", "1.4.0"], ["1.4.1", "1.4-a"]),
    ("<2", ["0-0", "1"], ["2"]),
    ("offline 2.0", [], ["0", "1.9.9", "2.0-rc.1", "2.0", "3"]),
  ])
  func contains(_ text: String, _ inside: [String], _ outside: [String]) throws {
    let range = try VersionRange(text)
    #expect(try inside.allSatisfy { range.contains(try Version($0)) })
    #expect(try !outside.contains { range.contains(try Version($0)) })
  }

  @Test(arguments: [
    (">=2.0 <1.4", "no version satisfies >=2.0 <1.4"), (">1.4 <1.4", "no version satisfies >1.4 <1.4"),
    (">=1.4   <1.4.0", "no version satisfies >=1.4 <1.4.0"), ("=1 =2", "no version satisfies =1 =2"),
    (">1 <=1", "no version satisfies >1 <=1"), ("", "there is no range of versions"),
    ("  ", "there is no range of versions"),
    ("==1.4", "'==' is not a comparator"), ("1.4", "'1.4' is not a comparator"),
    ("=>1.4", "'=>' is not a comparator"), ("^1.4", "'^1.4' is not a comparator"),
    (">=1.4 || <1", "'||' is not a comparator"), (">=1.4 2.0", "'2.0' is not a comparator"),
    (">=", "there is no version after '>='"), (">=1 < ", "there is no version after '<'"),
    ("<>1", "'<>' is not a comparator"), ("offline", "there is no version after 'offline'"),
    ("offline >=2.0", "'offline' takes one version and no comparator"),
    ("offline 1.4 2.0", "'offline' takes one version and no comparator"),
    (">=1.4 offline 2.0", "'offline' is not a comparator"),
  ])
  func refusesWhatIsNoInterval(_ text: String, _ message: String) {
    let error = #expect(throws: MigrationError.self) { try VersionRange(text) }
    #expect(error?.id == .windowInvalid)
    #expect(error?.message.description == message)
    #expect(error?.help.isEmpty == false)
  }

  @Test(arguments: [
    ("ofline 2.0", "did you mean offline?"), ("==1.4", "write = once: =1.4"), ("=>1.4", "write >=1.4"),
    ("=<2", "write <=2"),
    ("1.4", "write >=1.4 for that version and later ones, =1.4 for it alone"),
  ])
  func slipsHaveTheirOwnRemedy(_ text: String, _ help: String) {
    let error = #expect(throws: MigrationError.self) { try VersionRange(text) }
    #expect(error?.help.map(\.description) == [help])
  }

  @Test func aWrongVersionIsNamedAsSuch() {
    let error = #expect(throws: MigrationError.self) { try VersionRange(">=1.4,<2.0") }
    #expect(error?.id == .versionInvalid)
    #expect(error?.message == "'1.4,' is not a version")
  }
}
