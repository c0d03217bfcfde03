import Testing

@testable import PhaseDB

/// `@watch`, `@probe` and `@red` as files spell them.
@Suite("Watches and probes in a phase file")
struct ProbeFileTests {
  // MARK: - @probe

  struct Form: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let arguments: String
    let probe: Probe

    init(_ testDescription: String, _ arguments: String, _ probe: Probe) {
      (self.testDescription, self.arguments, self.probe) = (testDescription, arguments, probe)
    }
  }

  static let titles: [Form] = [
    Form("a title alone", "orders have names", Probe("orders have names")),
    Form(
      "two spaces before what follows", "errors  at most 5  fails after 2",
      Probe("errors", expecting: .atMost(5), fails: .inARow(2))),
    Form("one space", "errors at most 5", Probe("errors", expecting: .atMost(5))),
    Form("tabs", "errors\t\tat most\t5", Probe("errors", expecting: .atMost(5))),
    Form("at least", "orders  at least 0.5", Probe("orders", expecting: .atLeast(0.5))),
    Form("a number below zero", "balance  at least -12.5", Probe("balance", expecting: .atLeast(-12.5))),
    Form("between", "stock between -1 and 20", Probe("stock", expecting: .between(-1, 20))),
    Form("between one number", "stock  between 3 and 3", Probe("stock", expecting: .between(3, 3))),
    Form("a very large number", "bytes  at most 1e+20", Probe("bytes", expecting: .atMost(1e20))),
    Form("a very small number", "share  at most 0.00001", Probe("share", expecting: .atMost(0.00001))),
    Form(
      "a large number in digits", "bytes  at most 100000000000000000000",
      Probe("bytes", expecting: .atMost(1e20))),
    Form(
      "a share of before", "orders at least 50% of before",
      Probe("orders", expecting: .atLeastOfBefore(percent: 50, floor: nil))),
    Form(
      "a share with a floor", "orders  at least 50% of before, floor 20",
      Probe("orders", expecting: .atLeastOfBefore(percent: 50, floor: 20))),
    Form(
      "a floor without its comma", "errors  at most 150.5% of before floor 20",
      Probe("errors", expecting: .atMostOfBefore(percent: 150.5, floor: 20))),
    Form("some of some", "errors  fails 3 of 5", Probe("errors", fails: .among(3, of: 5))),
    Form("all of some", "errors  fails 5 of 5", Probe("errors", fails: .among(5, of: 5))),
    Form("what is usual, said", "errors  fails after 3", Probe("errors")),
    Form(
      "a missing value that passes", "lag  at most 3 missing passes",
      Probe("lag", expecting: .atMost(3), missing: .passes)),
    Form("a missing value that fails", "lag  missing fails", Probe("lag", missing: .fails)),
    Form("a control", "replication control", Probe("replication", isControl: true)),
    Form(
      "everything, in another order", "x  control missing fails fails 2 of 3 at most 1",
      Probe("x", expecting: .atMost(1), fails: .among(2, of: 3), missing: .fails, isControl: true)),
    Form("a clause for a title", "control", Probe("control")),
    Form("a title of the words of a clause", "at most  at most 5", Probe("at most", expecting: .atMost(5))),
    Form("a title that goes on behind a number", "at most 5 carts wait", Probe("at most 5 carts wait")),
    Form("between without numbers", "stock moves between shops", Probe("stock moves between shops")),
    Form("fails as a verb", "no payment fails", Probe("no payment fails")),
    Form("missing as an adjective", "no missing names", Probe("no missing names")),
    Form("control as an adjective", "the control sums add up", Probe("the control sums add up")),
    Form("in quotes", #""errors" at most 5"#, Probe("errors", expecting: .atMost(5))),
    Form("quotes around what would be a clause", #""errors at most 5""#, Probe("errors at most 5")),
    Form("quotes in quotes", #""the ""x"" of it"  control"#, Probe("the \"x\" of it", isControl: true)),
    Form("quotes inside", #"the "x" of it"#, Probe("the \"x\" of it")),
    Form("spaces in quotes", #""a   b""#, Probe("a b")),
    Form("Unicode", "größe und 名前  at most 5", Probe("größe und 名前", expecting: .atMost(5))),
    Form("a sign of several scalars", "👩‍👩‍👧 e\u{301}", Probe("👩‍👩‍👧 e\u{301}")),
    Form("a colon and dashes", "a: b -- c", Probe("a: b -- c")),
  ]

  @Test("reads a title and what follows it", arguments: titles)
  func readsTitle(_ row: Form) throws {
    // A watch needs something beside controls.
    let other = "-- @probe something else\nSELECT 1 WHERE 0;\n"
    let phase = try Self.read(Self.text(probe: row.arguments) + other)
    let probe = try #require(phase.probes.first)
    #expect(phase.probes.count == 2)
    #expect(
      Probe(
        probe.title, expecting: probe.expectation, fails: probe.tolerance, missing: probe.missing,
        isControl: probe.isControl) == row.probe)
    #expect(probe.query?.text == "SELECT id FROM orders;\n")
    let again = try Self.read(PhaseFile.render(phase))
    #expect(again.tokenHash == phase.tokenHash, "\(PhaseFile.render(phase))")
    #expect(again.probes.map(\.clauses) == [row.probe.clauses, ""])
    #expect(again.probes.map(\.title) == [row.probe.title, "something else"])
    #expect(PhaseFile.render(again) == PhaseFile.render(phase))
  }

  struct Wrong: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let message: String
    /// What the caret stands under.
    let marked: String

    init(_ testDescription: String, _ text: String, _ message: String, at marked: String) {
      (self.testDescription, self.text, self.message, self.marked) = (testDescription, text, message, marked)
    }

    /// A probe with these arguments.
    init(_ testDescription: String, probe: String, _ message: String, at marked: String) {
      self.init(testDescription, ProbeFileTests.text(probe: probe), message, at: marked)
    }

    /// A watch with these arguments.
    init(_ testDescription: String, watch: String, _ message: String, at marked: String) {
      self.init(testDescription, ProbeFileTests.text(watch: watch), message, at: marked)
    }
  }

  static let wrongProbes: [Wrong] = [
    Wrong("no title", probe: "", "@probe has no title", at: "@probe"),
    Wrong("an empty title", probe: "\"\"  control", "the title is empty", at: "\"\"  control"),
    Wrong("a title that is never closed", probe: "\"a", "the title is never closed", at: "\"a"),
    Wrong("an unknown word", probe: "errors  about 5", "'about' is not expected here", at: "about"),
    Wrong(
      "an unknown word at the end", probe: "errors  at most 5 rows", "'rows' is not expected here", at: "rows"
    ),
    Wrong(
      "an unknown word behind quotes", probe: "\"errors\" rows", "'rows' is not expected here", at: "rows"),
    Wrong(
      "a wrong clause behind a whole one", probe: "errors at most 5 fails afer 2",
      "'afer' stands where 'after' or a number is expected", at: "afer"),
    Wrong("two expectations", probe: "errors  at most 5 at least 1", "'at' stands there twice", at: "at"),
    Wrong(
      "two expectations of another kind", probe: "errors  at most 5 between 1 and 2",
      "'between' stands there twice", at: "between"),
    Wrong("control twice", probe: "errors  control control", "'control' stands there twice", at: "control"),
    Wrong(
      "fails twice", probe: "errors  fails after 1 fails 1 of 2", "'fails' stands there twice", at: "fails"),
    Wrong(
      "missing twice", probe: "errors  missing fails missing passes", "'missing' stands there twice",
      at: "missing"),
    Wrong("three of two", probe: "errors  fails 3 of 2", "3 of 2 can never be reached", at: "3"),
    Wrong(
      "three of two after one space", probe: "errors fails 3 of 2", "3 of 2 can never be reached", at: "3"),
    Wrong("of nothing", probe: "errors  fails 3", "'of' is expected at the end", at: "3"),
    Wrong(
      "after nothing", probe: "errors  fails after", "a whole number from 1 to 100 is expected at the end",
      at: "after"),
    Wrong(
      "after no failure", probe: "errors  fails after 0",
      "'0' stands where a whole number from 1 to 100 is expected", at: "0"),
    Wrong(
      "after too many", probe: "errors  fails after 101",
      "'101' stands where a whole number from 1 to 100 is expected", at: "101"),
    Wrong(
      "after a part", probe: "errors fails after 1.5",
      "'1.5' stands where a whole number from 1 to 100 is expected", at: "1.5"),
    Wrong(
      "after digits of another script", probe: "errors  fails after ٣",
      "'٣' stands where a whole number from 1 to 100 is expected", at: "٣"),
    Wrong(
      "neither after nor a number", probe: "errors  fails often",
      "'often' stands where 'after' or a number is expected", at: "often"),
    Wrong("a percentage of nothing", probe: "orders  at least 50%", "'of' is expected at the end", at: "50%"),
    Wrong(
      "a percentage of something else", probe: "orders at least 50% of yesterday",
      "'yesterday' stands where 'before' is expected", at: "yesterday"),
    Wrong(
      "a percentage of zero", probe: "orders  at least 0% of before",
      "'0%' stands where a percentage above 0 is expected", at: "0%"),
    Wrong(
      "a comma without a floor", probe: "orders  at least 50% of before,", "'floor' is expected at the end",
      at: "before,"),
    Wrong(
      "a floor without a number", probe: "orders  at least 50% of before, floor some",
      "'some' stands where a number is expected", at: "some"),
    Wrong(
      "a floor of a plain limit", probe: "orders  at least 50, floor 2",
      "'50,' stands where a number is expected", at: "50,"),
    Wrong("most of nothing", probe: "errors  at most", "a number is expected at the end", at: "most"),
    Wrong(
      "neither most nor least", probe: "errors  at 5", "'5' stands where most or least is expected", at: "5"),
    Wrong(
      "a number in words", probe: "errors  at most five", "'five' stands where a number is expected",
      at: "five"),
    Wrong(
      "a number without an end", probe: "errors  at most 1e999", "'1e999' stands where a number is expected",
      at: "1e999"),
    Wrong(
      "no number at all", probe: "errors  at most nan", "'nan' stands where a number is expected", at: "nan"),
    Wrong(
      "a number with a unit", probe: "time at most 800ms", "'800ms' stands where a number is expected",
      at: "800ms"),
    Wrong("between one", probe: "stock  between 1", "'and' is expected at the end", at: "1"),
    Wrong("between to", probe: "stock between 1 to 2", "'to' stands where 'and' is expected", at: "to"),
    Wrong(
      "between the wrong way round", probe: "stock between 2 and 1", "the first number is above the second",
      at: "between"),
    Wrong(
      "missing unknown", probe: "lag  missing unknown", "'unknown' stands where passes or fails is expected",
      at: "unknown"),
    Wrong("missing nothing", probe: "lag  missing", "passes or fails is expected at the end", at: "missing"),
  ]

  // MARK: - @watch

  static let watches: [(String, Watch)] = [
    ("30m every 30s", Watch(for: .seconds(1800), every: .seconds(30))),
    ("30m every 30s then hold", Watch(for: .seconds(1800), every: .seconds(30))),
    (
      "1h  every 1m settle 5m then reverse",
      Watch(for: .seconds(3600), every: .seconds(60), settle: .seconds(300), then: .reverse)
    ),
    ("10s settle 0s every 10s", Watch(for: .seconds(10), every: .seconds(10))),
    ("500ms every 1.5ms", Watch(for: .milliseconds(500), every: .microseconds(1500))),
  ]

  @Test("reads a watch", arguments: watches)
  func readsWatch(_ text: String, _ watch: Watch) throws {
    let phase = try Self.read(Self.text(watch: text))
    #expect(phase.watch == watch)
    let again = try Self.read(PhaseFile.render(phase))
    #expect(again.watch == watch)
    #expect(again.tokenHash == phase.tokenHash)
  }

  @Test("counts samples, rounded up")
  func rounds() {
    func counts(_ watch: Watch) -> [Int] { [watch.settlingRounds, watch.rounds] }
    #expect(counts(Watch(for: .seconds(1800), every: .seconds(30))) == [0, 60])
    #expect(counts(Watch(for: .seconds(100), every: .seconds(30), settle: .seconds(31))) == [2, 4])
    #expect(counts(Watch(for: .zero, every: .seconds(30))) == [0, 1])
    #expect(counts(Watch(for: .seconds(5), every: .zero)) == [0, 1])
  }

  static let wrongWatches: [Wrong] = [
    Wrong("nothing", watch: "", "@watch does not say how long", at: "@watch"),
    Wrong("no duration", watch: "soon every 30s", "'soon' is not a duration", at: "soon"),
    Wrong("not how often", watch: "30m", "@watch does not say how often", at: "@watch 30m"),
    Wrong("every nothing", watch: "30m every", "'every' is not a duration", at: "every"),
    Wrong("every so often", watch: "30m every often", "'often' is not a duration", at: "often"),
    Wrong("without a pause", watch: "30m every 0s", "a sample every 0s", at: "0s"),
    Wrong(
      "shorter than the first pause", watch: "10s every 30s", "the watch ends before its first sample is due",
      at: "@watch 10s every 30s"),
    Wrong("every twice", watch: "30m every 30s every 1m", "'every' is not expected here", at: "every"),
    Wrong(
      "settle twice", watch: "30m every 30s settle 1s settle 1s", "'settle' is not expected here",
      at: "settle"),
    Wrong(
      "settle behind the end", watch: "30m every 30s then hold settle 1s", "'settle' is not expected here",
      at: "settle"),
    Wrong(
      "then something", watch: "30m every 30s then page", "'hold' or 'reverse' is expected after 'then'",
      at: "page"),
    Wrong(
      "then nothing", watch: "30m every 30s then", "'hold' or 'reverse' is expected after 'then'", at: "then"),
    Wrong(
      "then twice", watch: "30m every 30s then hold then reverse",
      "'hold' or 'reverse' is expected after 'then'", at: "reverse"),
    Wrong("an unknown word", watch: "30m every 30s quietly", "'quietly' is not expected here", at: "quietly"),
    Wrong("below zero", watch: "30m every -1s", "'-1s' is not a duration", at: "-1s"),
    Wrong("a second watch", "-- @watch 30m every 30s\n" + text(), "a second @watch", at: "@watch"),
  ]

  // MARK: - Both, and @red

  static let wrongSections: [Wrong] = [
    Wrong("a probe without a watch", text(watch: nil), "a probe without @watch is never asked", at: "@probe"),
    Wrong("a watch without a probe", text(probe: nil), "@watch has no probe to ask", at: "@watch"),
    Wrong(
      "nothing but controls", probe: "lag  control", "@watch has controls and nothing else to ask",
      at: "@watch"),
    Wrong(
      "two statements", text(query: "SELECT 1; SELECT 2;"), "a second statement under @probe", at: "SELECT 2;"
    ),
    Wrong(
      "a parameter", text(query: "SELECT :now;"), "the parameter :now has no value in a probe", at: ":now"),
    Wrong(
      "a parameter that begins alike", text(query: "SELECT :since2;"),
      "the parameter :since2 has no value in a probe", at: ":since2"),
    Wrong(
      "a parameter by number", text(query: "SELECT ?1;"), "the parameter ?1 has no value in a probe", at: "?1"
    ),
    Wrong(
      "a parameter with another sign", text(query: "SELECT @since, 1;"),
      "the parameter @since has no value in a probe", at: "@since"),
    Wrong(
      "a parameter with a dollar", text(query: "SELECT $since;"),
      "the parameter $since has no value in a probe", at: "$since"),
    Wrong(
      "a second probe of the same title", text() + "-- @probe \"orders  have names\"  at most 5\nSELECT 1;\n",
      "a second probe 'orders have names'", at: "@probe \"orders  have names\"  at most 5"),
    Wrong(
      "red before any probe", "-- @red\nDELETE FROM orders;\n" + text(), "@red stands behind no @probe",
      at: "@red"),
    Wrong(
      "red behind the way up", text(probe: nil) + "-- @red\nDELETE FROM orders;\n",
      "@red stands behind no @probe", at: "@red"),
    Wrong(
      "red of a probe of the settings", text(query: "") + "-- @red\nDELETE FROM orders;\n",
      "@red behind a probe of the settings, which a rehearsal does not ask", at: "@red"),
    Wrong(
      "a second red", text() + "-- @red\nDELETE FROM orders;\n-- @red\nSELECT 1;\n", "a second @red",
      at: "@red"),
    Wrong("red without SQL", text() + "-- @red\n-- nothing\n", "@red has no SQL", at: "@red"),
    Wrong(
      "red with a title", text() + "-- @red too few\nDELETE FROM orders;\n", "@red takes no arguments",
      at: "too few"),
  ]

  @Test(
    "refuses with what is wrong and its place",
    arguments: wrongProbes + wrongWatches + wrongSections)
  func refuses(_ row: Wrong) throws {
    let error = try #require(migrationError { try Self.read(row.text) })
    #expect(error.id == .badDirective)
    #expect(error.message.description == row.message)
    #expect(!error.help.isEmpty)
    let place = try #require(error.place)
    let excerpt = try #require(place.excerpt).unicodeScalars
    let marked = excerpt.dropFirst(place.column - 1).prefix(place.length)
    #expect(String(String.UnicodeScalarView(marked)) == row.marked, "\(error.golden)")
    let ofWindows = "\u{FEFF}" + row.text.replacing("\n", with: "\r\n")
    #expect(migrationError { try Self.read(ofWindows) }?.golden == error.golden)
  }

  @Test("keeps the SQL that makes a probe fail, and gives it its place")
  func red() throws {
    let text =
      Self.text() + "-- @red\nUPDATE orders SET name = NULL;\nDELETE FROM orders;\n"
      + "-- @probe checkout  at most 800\n-- @verify it holds\nSELECT 1 WHERE 0;\n"
    let phase = try Self.read(text)
    #expect(phase.probes.map(\.title) == ["orders have names", "checkout"])
    #expect(phase.probes.map { $0.query == nil } == [false, true])
    #expect(phase.probes[0].red?.text == "UPDATE orders SET name = NULL;\nDELETE FROM orders;\n")
    #expect(phase.probes[0].red?.place(at: 0).line == 11)
    #expect(phase.verifications.count == 1)
    let again = try Self.read(PhaseFile.render(phase))
    #expect(again.tokenHash == phase.tokenHash)
    #expect(again.probes[0].red != nil && again.probes[1].query == nil)
  }

  @Test("takes :since once and again, and where it is no parameter")
  func since() throws {
    let query = "SELECT ':now' FROM orders WHERE at > :since OR at > :since -- :now"
    let phase = try Self.read(Self.text(query: query))
    #expect(phase.probes[0].query?.text.contains(Probe.since) == true)
  }

  // MARK: - Identity

  @Test("counts every word of a watch and of a probe, and their SQL, for the identity")
  func identity() throws {
    let texts = [
      Self.text(), Self.text(watch: "30m every 31s"), Self.text(watch: "30m every 30s then reverse"),
      Self.text(watch: "30m every 30s settle 1m"), Self.text(probe: "orders have name"),
      Self.text(probe: "orders have names  fails after 2"),
      Self.text(probe: "orders have names  fails 2 of 2"),
      Self.text(probe: "orders have names  missing fails"),
      Self.text(probe: "orders have names  at most 0"),
      Self.text(probe: "orders have names  at most 50% of before"),
      Self.text(probe: "orders have names  at most 50% of before, floor 0"),
      Self.text(query: "SELECT id FROM customers;"), Self.text(query: ""),
      Self.text() + "-- @red\nDELETE FROM orders;\n", Self.text() + "-- @red\nDELETE FROM orders WHERE 1;\n",
      Self.text() + "-- @probe lag  control\nSELECT 1 WHERE 0;\n",
    ]
    #expect(Set(try texts.map { try Self.read($0).tokenHash }).count == texts.count)
    let same = [
      Self.text(), Self.text(probe: "\"orders have names\""), Self.text(watch: "1800s every 30s then hold"),
      Self.text(probe: "orders  have names".replacing("  ", with: " ")),
      Self.text(probe: "orders have names  fails after 3"),
      Self.text(query: "SELECT  id -- each\nFROM orders;"),
    ]
    #expect(Set(try same.map { try Self.read($0).tokenHash }).count == 1)
  }

  @Test("changes nothing about phases without a watch")
  func identityWithout() throws {
    let phase = try Self.read(Self.text(watch: nil, probe: nil))
    #expect(phase.tokenHash == Self.hashBeforeWatches)
  }

  /// As phasedb 1 computed it before there were watches.
  private static let hashBeforeWatches = "5e83240623eefb80777ca98dac8d1c95c8ac8cdce56b9ea979ca6256c85178e9"

  // MARK: - Text

  static func text(
    watch: String? = "30m every 30s", probe: String? = "orders have names",
    query: String = "SELECT id FROM orders;"
  ) -> String {
    let watch = watch.map { "-- @watch \($0)\n" } ?? ""
    let probe = probe.map { "-- @probe \($0)\n\(query)\n" } ?? ""
    return
      "-- @window app >=1\n-- @residual none\n\(watch)-- @up\nCREATE TABLE a (b);\n-- @down\nDROP TABLE a;\n\(probe)"
  }

  static func read(_ text: String) throws(MigrationError) -> Phase {
    try PhaseFile.read(text, file: "m/expand.sql", kind: .expand)
  }
}
