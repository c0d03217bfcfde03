import Testing

@testable import PhaseDB

/// `@effects` as files spell it.
@Suite("Effects in a phase file")
struct EffectFileTests {
  struct Form: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let arguments: String
    let effect: Effect

    init(_ testDescription: String, _ arguments: String, _ effect: Effect) {
      (self.testDescription, self.arguments, self.effect) = (testDescription, arguments, effect)
    }
  }

  static let forms: [Form] = [
    Form("a table alone", "mails by id: customer: mails", Effect("mails", by: "id", .customer, "mails")),
    Form(
      "a condition", "outbox by id where sent_at IS NOT NULL: customer: mails with the new price",
      Effect("outbox", by: "id", where: "sent_at IS NOT NULL", .customer, "mails with the new price")),
    Form(
      "no spaces around the colons", "outbox by id where sent_at:support:a",
      Effect("outbox", by: "id", where: "sent_at", .support, "a")),
    Form(
      "spaces and tabs", "outbox\tby  id   where  sent_at  :\tworkflow :  a b  ",
      Effect("outbox", by: "id", where: "sent_at", .workflow, "a b")),
    Form(
      "names in quotes", #""out box: ""x""" by "by" where "where" = 1: downstream: a"#,
      Effect("out box: \"x\"", by: "by", where: "\"where\" = 1", .downstream, "a")),
    Form(
      "names of other letters", "größe by 名前: compliance: ü",
      Effect("größe", by: "名前", .compliance, "ü")),
    Form(
      "colons in a text, in brackets and in a comment",
      "t by id where a = 'x: customer: y' OR [b:c] = \"d:e\" /* : */ OR `f:g`: customer: z",
      Effect(
        "t", by: "id", where: "a = 'x: customer: y' OR [b:c] = \"d:e\" /* : */ OR `f:g`", .customer, "z")),
    Form(
      "parentheses, a cast and JSON",
      "t by id where (a -> '$.x') IN (SELECT 1) AND CAST(b AS TEXT) = ')': customer: z",
      Effect("t", by: "id", where: "(a -> '$.x') IN (SELECT 1) AND CAST(b AS TEXT) = ')'", .customer, "z")),
    Form(
      "a text that looks like a line of its own",
      "t by id: customer: where a: customer: b; -- @residual none",
      Effect("t", by: "id", .customer, "where a: customer: b; -- @residual none")),
    Form(
      "a quote in the text", "t by id where a: customer: the customer's mail",
      Effect("t", by: "id", where: "a", .customer, "the customer's mail")),
    Form(
      "words of the directive for names", "by by where: customer: a",
      Effect("by", by: "where", .customer, "a")),
  ]

  private static func read(_ lines: String) throws(MigrationError) -> Phase {
    try PhaseFile.read(
      "-- @window app >=1.0\n\(lines)\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n", file: "x/expand.sql",
      kind: .expand)
  }

  @Test("reads what it says, and what is written of it reads the same", arguments: forms)
  func reads(_ form: Form) throws {
    let phase = try Self.read("-- @effects \(form.arguments)")
    #expect(phase.effects == [form.effect])
    #expect(phase.residualStatement == .declared)
    let again = try PhaseFile.read(PhaseFile.render(phase), file: "ledger:x", kind: .expand)
    #expect(again.effects == phase.effects)
    #expect(again.tokenHash == phase.tokenHash)
  }

  @Test("keeps the order of several, beside @residual")
  func several() throws {
    let phase = try Self.read(
      "-- @effects a by id: customer: x\n-- @residual support: y\n-- @effects a by id: support: x")
    #expect(phase.effects.map(\.audience) == [.customer, .support])
    #expect(phase.residuals?.count == 1)
  }

  @Test(
    "is part of what makes a phase that phase, and white space in a condition is not",
    arguments: [
      ("t by id where a=1: customer: x", "t by id where a  =  1: customer: x", true),
      ("t by id where a = 1: customer: x", "t by id where a = 2: customer: x", false),
      ("t by id: customer: x", "t by id where 1: customer: x", false),
      ("t by id: customer: x", "t by id: support: x", false),
      ("t by id: customer: x", "t by no: customer: x", false),
      ("t by id: customer: x", "u by id: customer: x", false),
      ("t by id: customer: x", "t by id: customer: y", false),
    ])
  func identity(_ one: String, _ other: String, _ areSame: Bool) throws {
    let (one, other) = (try Self.read("-- @effects \(one)"), try Self.read("-- @effects \(other)"))
    #expect((one.tokenHash == other.tokenHash) == areSame)
    #expect(try Self.read("").tokenHash != one.tokenHash)
  }

  @Test("does not change the identity of phases without it")
  func unchanged() throws {
    let phase = Phase(
      .expand, windows: try Windows(Window("app", VersionRange(">=1.0"))),
      up: try #require(Script("SELECT 1")),
      down: try #require(Script("SELECT 1")))
    #expect(try Self.read("").tokenHash == phase.tokenHash)
  }

  @Test(
    "refuses what it cannot count, at the place of the mistake, with a form to follow",
    arguments: [
      ("", 4, "@effects names no table"),
      ("outbox", 4, "'by' and a column are expected"),
      ("outbox id: customer: x", 20, "'by' and a column are expected"),
      ("outbox by: customer: x", 20, "'by' and a column are expected"),
      ("outbox by id", 4, "does not say whom it concerns"),
      ("outbox by id sent_at: customer: x", 26, "'sent_at' is not expected here"),
      ("outbox by id where: customer: x", 26, "the condition is empty"),
      ("outbox by id where a = 1", 4, "a colon and the audience are expected"),
      ("outbox by id where (a: customer: x", 32, "never closed"),
      ("outbox by id where a) OR (b: customer: x", 33, "never opened"),
      ("outbox by id where a; DROP TABLE b: customer: x", 33, "without a semicolon"),
      ("outbox by id where a = ?1: customer: x", 36, "the parameter ?1 has no value"),
      ("outbox by id where a = :since: customer: x", 37, "'since' is not an audience"),
      ("outbox by id where a = @x: customer: x", 36, "the parameter @x has no value"),
      ("outbox by id where a = 'x: customer: x", 36, "is no SQL"),
      ("outbox by id where a -- b: customer: x", 34, "hides the end of the condition"),
      ("outbox by id: custmer: x", 27, "'custmer' is not an audience"),
      ("outbox by id: nobody: x", 27, "'nobody' is not an audience"),
      ("outbox by id: none", 27, "'none' is not an audience"),
      ("outbox by id: customer", 4, "does not say what remains"),
      ("outbox by id: customer:", 4, "does not say what remains"),
      (#"outbox by "id: customer: x"#, 20, "'by' and a column are expected"),
    ])
  func refuses(_ arguments: String, _ column: Int, _ message: String) throws {
    let error = try #require(migrationError { try Self.read("-- @effects \(arguments)") })
    #expect(error.id == .badDirective)
    #expect(error.message.contains(message), "\(error)")
    #expect(error.place?.line == 2)
    #expect(error.place?.column == column, "\(error)")
    #expect(!error.help.isEmpty)
  }

  @Test(
    "contradicts a word that nothing remains, and itself",
    arguments: [
      ("-- @residual none\n-- @effects t by id: customer: x", "beside @residual none"),
      ("-- @effects t by id: customer: x\n-- @residual none", "beside @effects"),
      ("-- @effects t by id: customer: x\n-- @effects t by id: customer: x", "counts the same"),
    ])
  func contradicts(_ lines: String, _ message: String) throws {
    let error = try #require(migrationError { try Self.read(lines) })
    #expect(error.message.contains(message))
    #expect(error.place?.line == 3)
  }

  @Test("knows the audience compliance, and suggests it")
  func compliance() throws {
    #expect(try Self.read("-- @residual compliance: copies").residuals == [Residual(.compliance, "copies")])
    let error = migrationError { try Self.read("-- @residual complience: copies") }
    #expect(error?.help == ["did you mean compliance?"])
  }
}
