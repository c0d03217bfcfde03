import PhaseDB
import Testing

@Suite struct PhaseIdentityTests {
  static let text = """
    -- @window app >=1 <2
    -- @residual customer: a mail
    -- @loses t.a: why
    -- @needs 0001
    -- @budget up 2s
    -- @soak 7d
    -- @allow rule until app 3: why
    -- @up
    ALTER TABLE t DROP COLUMN a;
    -- @down
    ALTER TABLE t ADD COLUMN a;
    -- @verify title
    SELECT 1;
    """

  static func hash(_ text: String) throws -> String {
    try PhaseFile.read(text, file: "contract.sql", kind: .contract).tokenHash
  }

  @Test(arguments: [
    (">=1 <2", ">=1 <=2"), ("app >=1", "api >=1"), ("customer: a mail", "support: a mail"),
    ("a mail", "mails"),
    ("t.a: why", "t.b: why"), ("0001", "0002"), ("up 2s", "down 2s"), ("7d", "8d"),
    ("until app 3", "until app 4"),
    ("DROP COLUMN a;", "drop COLUMN a;"), ("DROP COLUMN a;", "DROP COLUMN \"a\";"),
    ("ADD COLUMN a;", "ADD COLUMN a;\nSELECT 1;"),
    ("title", "other"), ("SELECT 1", "SELECT 2"), ("-- @needs 0001\n", ""),
  ])
  func countsEverythingThatMeansSomething(_ part: String, _ change: String) throws {
    let parts = Self.text.split(separator: part, omittingEmptySubsequences: false)
    #expect(parts.count == 2)
    #expect(try Self.hash(parts.joined(separator: change)) != Self.hash(Self.text))
  }

  @Test(arguments: [
    (">=1 <2", "<2.0   >= 1.0"), ("-- @up", "-- A comment\n-- @up"),
    ("DROP COLUMN a;", "DROP /* x */\n COLUMN a ;"),
    ("up 2s", "up 2000ms"), ("7d", "168h"), ("a mail", "a   mail"), ("ADD COLUMN a;", "ADD COLUMN a;;"),
  ])
  func doesNotCountHowItIsWritten(_ part: String, _ change: String) throws {
    let parts = Self.text.split(separator: part, omittingEmptySubsequences: false)
    #expect(parts.count == 2)
    #expect(try Self.hash(parts.joined(separator: change)) == Self.hash(Self.text))
  }

  @Test func theOrderOfWindowsDoesNotCount() throws {
    let body = "-- @up\nSELECT 1;\n-- @down\nSELECT 2;"
    #expect(
      try Self.hash("-- @window a >=1\n-- @window b >=2\n" + body)
        == Self.hash("-- @window b >=2\n-- @window a >=1\n" + body))
  }

  @Test func theKindCounts() throws {
    let text = "-- @window a >=1\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;"
    let hashes = try Phase.Kind.allCases.map { try PhaseFile.read(text, file: "f", kind: $0).tokenHash }
    #expect(Set(hashes).count == 3)
  }

  /// Hashes stand in ledgers: a change here makes every applied phase look edited.
  @Test func staysTheSameAcrossReleases() throws {
    let hash = try Self.hash(Self.text)
    #expect(hash == "620bd591bd5177ca21770add99892d98447fd948234918084f315d2a58e9c3cf")
  }
}
