import PhaseDB
import Testing

@Suite struct PhaseFileTests {
  static let whole = #"""
    -- Give customers a given and a family name
    -- beside the full one.
    --
    -- Not part of the summary.
    -- @window storefront >=1.4 <2.0
    -- @window "back office" >=3
    -- @residual customer: two mails with the new greeting
    -- @residual support: a macro
    -- @loses customers.full_name: spelling of middle names
    -- @loses "my.table"."a ""b""": no use
    -- @retire customers.full_name
    -- @retire "my.table"."a ""b"""
    -- @retire notes
    -- @soak 12h
    -- @needs 0001-create-shop/expand
    -- @budget up 2s hold 50ms
    -- @allow select-star until storefront 2.1: a report

    -- @up
    ALTER TABLE customers ADD COLUMN given_name TEXT; -- @up is no directive here
    CREATE TRIGGER t AFTER UPDATE OF full_name ON customers
    BEGIN
      -- @down
      UPDATE customers SET given_name = '
    -- @down
    ' WHERE id = NEW.id;
    END;
    /*
    -- @down
    */

    -- @down
    DROP TRIGGER t;
    ALTER TABLE customers DROP COLUMN given_name

    """#

  func read(_ text: String, kind: Phase.Kind = .contract) throws -> Phase {
    try PhaseFile.read(text, file: "m/contract.sql", kind: kind)
  }

  @Test func readsEveryDirective() throws {
    let phase = try read(Self.whole)
    #expect(phase.kind == .contract)
    #expect(phase.summary == "Give customers a given and a family name beside the full one.")
    #expect(
      phase.windows.map { "\($0.application) \($0.range)" } == ["storefront >=1.4 <2.0", "back office >=3"])
    #expect(
      phase.residuals == [
        Residual(.customer, "two mails with the new greeting"), Residual(.support, "a macro"),
      ])
    #expect(
      phase.losses == [
        Loss(table: "customers", column: "full_name", reason: "spelling of middle names"),
        Loss(table: "my.table", column: "a \"b\"", reason: "no use"),
      ])
    #expect(
      phase.retirements == [
        Retirement(table: "customers", column: "full_name"), Retirement(table: "my.table", column: "a \"b\""),
        Retirement(table: "notes"),
      ])
    #expect(phase.soak == .seconds(12 * 3600))
    #expect(phase.needs == ["0001-create-shop/expand"])
    #expect(phase.budget == Budget(up: .seconds(2), hold: .milliseconds(50)))
    #expect(
      phase.allowances == [
        Allowance(
          rule: "select-star", application: "storefront", until: try Version("2.1"), reason: "a report")
      ])
  }

  @Test func directivesInStringsCommentsAndTriggersAreNotTaken() throws {
    let phase = try read(Self.whole)
    #expect(phase.up.text.hasPrefix("ALTER TABLE customers ADD COLUMN"))
    #expect(phase.up.text.contains("WHERE id = NEW.id;\nEND;\n/*\n-- @down\n*/"))
    #expect(phase.down.text == "DROP TRIGGER t;\nALTER TABLE customers DROP COLUMN given_name\n")
  }

  @Test func scriptsKnowWhereTheyStand() throws {
    let phase = try read(Self.whole)
    #expect("\(phase.up.place(at: 0))" == "m/contract.sql:20:1")
    #expect("\(phase.down.place(at: 22))" == "m/contract.sql:34:7")
    #expect(phase.down.place(at: 16).excerpt == "ALTER TABLE customers DROP COLUMN given_name")
  }

  static let short = "-- @window app >=1\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;\n"

  struct Spelling: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String

    init(_ testDescription: String, _ text: String) {
      self.testDescription = testDescription
      self.text = text
    }
  }

  @Test(arguments: [
    Spelling(
      "line ends of Windows", "-- @window app >=1\r\n-- @up\r\nSELECT 1;\r\n-- @down\r\nSELECT 2;\r\n"),
    Spelling("a byte order mark", "\u{FEFF}" + short),
    Spelling("a byte order mark before a summary", "\u{FEFF}-- Summary\n" + short),
    Spelling(
      "no final newline and no last semicolon", "-- @window app >=1\n-- @up\nSELECT 1;\n-- @down\nSELECT 2"),
    Spelling(
      "directives without a space, indented",
      " --@window  app  >= 1\n\t--\t@up\nSELECT 1;\n-- @down\nSELECT 2;"),
    Spelling("down before up", "-- @down\nSELECT 2;\n-- @up\nSELECT 1;\n-- @window app >=1\n"),
    Spelling("a version spelt longer", "-- @window app >=1.0.0+7\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;"),
    Spelling(
      "reformatted SQL", "-- @window app >=1\n-- @up\nSELECT\n  1 -- one\n;\n-- @down\n/* two */ SELECT 2;"),
  ])
  func spellingsOfOnePhaseHaveOneIdentity(_ spelling: Spelling) throws {
    #expect(try read(spelling.text).tokenHash == read(Self.short).tokenHash)
  }

  /// phasedb knows both ways of a retirement, so there may be no SQL to write.
  @Test(arguments: [
    Spelling("without sections", ""),
    Spelling("with an empty up", "-- @up\n"),
    Spelling("with both sections empty", "-- @up\n-- @down\n"),
    Spelling("with comments for SQL", "-- @up\n-- nothing else\n-- @down\n/* it comes back */\n"),
  ])
  func aPhaseThatOnlyRetiresNeedsNoSQL(_ spelling: Spelling) throws {
    let directives = "-- @window app >=1\n-- @retire t.c\n"
    let phase = try read(directives + spelling.text)
    let made = Phase(retiring: Retirement(table: "t", column: "c"), windows: phase.windows)
    #expect(phase.tokenHash == made.tokenHash)
    #expect(phase.up.file == "m/contract.sql")
    for phase in [phase, made] {
      #expect(try read(PhaseFile.render(phase)).tokenHash == phase.tokenHash)
      #expect(phase.up.place(at: 0).line >= 1)
    }
  }

  @Test func aSideWithNothingToDoSaysSoInAComment() throws {
    let text = "-- @window app >=1\n-- @retire t.c\n-- @up\nDROP TRIGGER g;\n-- @down\n"
    #expect(throws: MigrationError.self) { try read(text) }
    let phase = try read(text + "-- The trigger stays away.\n")
    #expect(phase.down.text == "-- The trigger stays away.\n")
    #expect(try read(PhaseFile.render(phase)).tokenHash == phase.tokenHash)
  }

  @Test func noResidualIsNotTheSameAsSilence() throws {
    #expect(try read(Self.short).residuals == nil)
    #expect(try read("-- @residual none\n" + Self.short).residuals == [])
  }

  @Test func aVerifyHoldsOneQuery() throws {
    let phase = try read(
      Self.short + "-- @verify nobody lost their name\nSELECT id\nFROM t;\n-- @verify again: b\nSELECT 3")
    #expect(phase.verifications.map(\.title) == ["nobody lost their name", "again: b"])
    #expect(phase.verifications.map(\.query.text) == ["SELECT id\nFROM t;\n", "SELECT 3"])
    #expect(phase.verifications.map(\.query.firstLine) == [7, 10])
    #expect(phase.down.text == "SELECT 2;\n")
  }

  @Test(arguments: [
    Spelling("before the window", "-- Title\n" + short),
    Spelling(
      "behind the window",
      "-- @window app >=1\n--  Title \n--\n-- More\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;"),
    Spelling("after an empty comment", "--\n-- Title\n\n-- More\n" + short),
    Spelling("not from inside a section", "-- Title\n" + short + "-- More\n"),
  ])
  func theSummaryIsTheFirstParagraphOfComments(_ spelling: Spelling) throws {
    #expect(try read(spelling.text).summary == "Title")
  }

  @Test func anUnknownWordInsideAStatementIsAComment() throws {
    let phase = try read("-- @window app >=1\n-- @up\nSELECT 1,\n-- @author\n2;\n-- @down\nSELECT 2;")
    #expect(phase.up.text == "SELECT 1,\n-- @author\n2;\n")
  }
}
