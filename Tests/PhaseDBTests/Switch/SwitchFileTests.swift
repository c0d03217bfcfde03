import Testing

@testable import PhaseDB

/// `@switch` as files spell it, and exposures as command lines do.
@Suite("Switches in a phase file")
struct SwitchFileTests {
  static func text(_ line: String) -> String {
    "-- @window app >=1.0\n-- \(line)\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n"
  }

  struct Form: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let line: String
    let kind: Phase.Kind
    let expected: Switch

    init(_ line: String, _ kind: Phase.Kind, _ expected: Switch) {
      (testDescription, self.line, self.kind, self.expected) = (line, line, kind, expected)
    }
  }

  static let forms = [
    Form("@switch new-pricing", .expand, Switch("new-pricing")),
    Form(#"@switch "new pricing""#, .expand, Switch("new pricing")),
    Form(#"@switch "she said ""now""""#, .expand, Switch(#"she said "now""#)),
    Form("@switch it's", .expand, Switch("it's")),
    Form("@switch 新料金", .expand, Switch("新料金")),
    Form("@switch 🙂", .expand, Switch("🙂")),
    Form(#"@switch full"#, .expand, Switch("full")),
    Form("@switch new-pricing full for 7d", .contract, Switch("new-pricing", fullFor: .seconds(604_800))),
    Form(#"@switch "full for" full for 0s"#, .contract, Switch("full for", fullFor: .zero)),
  ]

  @Test("are read, written, and read again as the same", arguments: forms)
  func read(_ form: Form) throws {
    let phase = try PhaseFile.read(Self.text(form.line), file: "x.sql", kind: form.kind)
    #expect(phase.switches == [form.expected])
    let again = try PhaseFile.read(PhaseFile.render(phase), file: "x.sql", kind: form.kind)
    #expect(again.switches == phase.switches && again.tokenHash == phase.tokenHash)
    let bare = try PhaseFile.read(Self.text("@needs 0001"), file: "x.sql", kind: form.kind)
    #expect(bare.tokenHash != phase.tokenHash)
  }

  struct Mistake: CustomTestStringConvertible, Sendable {
    let line: String
    let kind: Phase.Kind
    let message: String
    let help: String
    var testDescription: String { "\(kind.rawValue): \(line)" }
  }

  static let mistakes = [
    Mistake(
      line: "@switch", kind: .expand, message: "@switch names no switch",
      help: "write @switch NAME, for example -- @switch new-pricing"),
    Mistake(
      line: #"@switch "open"#, kind: .expand, message: "@switch names no switch",
      help: "write @switch NAME, for example -- @switch new-pricing"),
    Mistake(
      line: "@switch a", kind: .migrate, message: "@switch in a phase of kind migrate",
      help:
        "the expand of the migration makes the switch, and its contract may wait for it: move the line there"),
    Mistake(
      line: "@switch a full for 7d", kind: .expand,
      message: "an expand makes its switches, and cannot wait for them",
      help: "write @switch a, and let the contract wait: -- @switch NAME full for 7d"),
    Mistake(
      line: "@switch a", kind: .contract,
      message: "@switch of a contract does not say for how long the switch must be fully on",
      help: "write @switch NAME full for DURATION, for example -- @switch new-pricing full for 7d"),
    Mistake(
      line: "@switch a on for 7d", kind: .contract, message: "'full' is expected here",
      help: "write @switch NAME full for DURATION, for example -- @switch new-pricing full for 7d"),
    Mistake(
      line: "@switch a full 7d", kind: .contract, message: "'for' is expected here",
      help: "write @switch NAME full for DURATION, for example -- @switch new-pricing full for 7d"),
    Mistake(
      line: "@switch a full for 7d 8d", kind: .contract, message: "'8d' is not expected here",
      help: "write @switch NAME full for DURATION, for example -- @switch new-pricing full for 7d"),
    Mistake(
      line: "@switch a\n-- @switch a", kind: .expand, message: "a second @switch a",
      help: "keep one of the two"),
    Mistake(
      line: "@switch a\u{1}b", kind: .expand, message: "the name of a switch has no control characters",
      help: "write @switch NAME, for example -- @switch new-pricing"),
  ]

  @Test("name place and remedy where they are wrong", arguments: mistakes)
  func refuse(_ mistake: Mistake) {
    let error = migrationError {
      try PhaseFile.read(Self.text(mistake.line), file: "x.sql", kind: mistake.kind)
    }
    #expect(error?.id == .badDirective)
    #expect(error?.message.description == mistake.message)
    #expect(error?.help.map(\.description) == [mistake.help])
    #expect(error?.place?.line == (mistake.line.contains("\n") ? 3 : 2))
  }

  @Test("a duration that is none says so")
  func duration() {
    let error = migrationError {
      try PhaseFile.read(Self.text("@switch a full for ever"), file: "x.sql", kind: .contract)
    }
    #expect(error?.message == "'ever' is not a duration")
  }

  static let exposures: [(String, Int?)] = [
    ("0%", 0), ("25%", 2_500), ("100%", 10_000), ("0.5%", 50), ("12.34%", 1_234), ("0.01%", 1),
    ("99.99%", 9_999),
    ("25 %", 2_500), ("1.50%", 150), ("1.500%", 150), ("100.00%", 10_000), ("101%", nil), ("100.01%", nil),
    ("-1", nil), ("-1%", nil), ("-0.5%", nil), ("12.345%", nil), ("25", nil), ("", nil), ("%", nil),
    (".5%", nil),
    ("5.%", nil), ("1.2.3%", nil), ("1e1%", nil), ("+5%", nil), ("٥%", nil), ("99999999999999999999%", nil),
    ("nan%", nil), ("0x10%", nil), ("5%%", nil), ("5 0%", nil),
  ]

  @Test("an exposure is a number of percent with two decimals at most", arguments: exposures)
  func exposure(_ text: String, _ hundredths: Int?) {
    let read = try? Exposure(text)
    #expect(read?.hundredths == hundredths)
    if let read { #expect((try? Exposure(read.word)) == read) }
  }

  @Test("an exposure that is none says why")
  func unreadable() {
    func why(_ text: String) -> String? {
      do { _ = try Exposure(text) } catch { return error.why.description }
      return nil
    }
    #expect(why("101%") == "is more than 100 %")
    #expect(why("-1") == "is less than 0 %")
    #expect(why("12.345%") == "has more than two decimals: the smallest step is 0.01%")
    #expect(why("25") == "has no percent sign: write 25% or 0.5%")
    #expect(why("many%") == "is not a number: write 25% or 0.5%")
  }
}
