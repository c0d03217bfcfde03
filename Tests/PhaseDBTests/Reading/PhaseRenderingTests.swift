import PhaseDB
import Testing

@Suite struct PhaseRenderingTests {
  static func phase(
    _ kind: Phase.Kind = .contract, windows: String = ">=1.4 <2.0", application: String = "storefront",
    up: String = "SELECT 1;", down: String = "SELECT 2;", summary: String = "",
    verify: [(title: String, query: String)] = [], residuals: [Residual]? = nil, losses: [Loss] = [],
    retirements: [Retirement] = [], soak: Duration? = nil, needs: [String] = [], budget: Budget? = nil,
    allowances: [Allowance] = [], watch: Watch? = nil, probes: [Probe] = []
  ) throws -> Phase {
    try Phase(
      kind, windows: Windows(Window(application, VersionRange(windows))), up: #require(Script(up)),
      down: #require(Script(down)), summary: summary,
      verifications: verify.map { try Verification($0.title, query: #require(Script($0.query))) },
      residuals: residuals, losses: losses, retirements: retirements, soak: soak, needs: needs,
      budget: budget, allowances: allowances, watch: watch, probes: probes)
  }

  static let halfAnHour = Watch(for: .seconds(1800), every: .seconds(30))

  static func cases() throws -> [(String, Phase)] {
    [
      ("the least", try phase()),
      ("everything", try PhaseFile.read(PhaseFileTests.whole, file: "f", kind: .contract)),
      ("one version", try phase(windows: "=1.4-rc.1")),
      ("names that need quotes", try phase(application: "back \"office\": >", needs: ["0001-a.b"])),
      ("an application without a name", try phase(application: "")),
      (
        "no last semicolons",
        try phase(up: "SELECT 1", down: "SELECT 2 -- end", verify: [("a", "SELECT 3 /* x")])
      ),
      ("many last semicolons", try phase(up: "SELECT 1;; ;", down: ";SELECT 2;")),
      ("an open comment", try phase(up: "SELECT 1; /* open", down: "SELECT 2 /* open")),
      (
        "comments that look like directives",
        try phase(
          up: "-- @down\nSELECT 1;\n  --@up\nSELECT 2 -- @x\n-- @up\n;",
          down: "CREATE TRIGGER t BEGIN\n-- @up\nSELECT 1;\nEND;", summary: "@up\nnow")
      ),
      ("line ends of Windows", try phase(up: "SELECT 1;\r\nSELECT 2;\r\n", down: "\r\nSELECT 2;")),
      (
        "texts of several lines",
        try phase(verify: [("two\n-- @up\nlines", "SELECT 1")], residuals: [Residual(.support, "a\r\n b")])
      ),
      (
        "empty texts",
        try phase(
          verify: [("", "SELECT 1")], residuals: [Residual(.workflow, "")],
          losses: [Loss(table: "", column: " ", reason: "")])
      ),
      ("nothing remains", try phase(residuals: [])),
      ("a column that is retired", try phase(retirements: [Retirement(table: "t", column: "c")])),
      ("a table that is retired", try phase(retirements: [Retirement(table: "t")])),
      (
        "names that hold a point",
        try phase(retirements: [Retirement(table: "t.c"), Retirement(table: "a \"b\"", column: "d.e")])
      ),
      (
        "nothing but a retirement",
        Phase(retiring: Retirement(table: "t"), windows: try Windows(Window("app", VersionRange(">=1"))))
      ),
      ("a residual called none", try phase(residuals: [Residual(.customer, "none")])),
      ("a soak of milliseconds", try phase(soak: .milliseconds(1500))),
      ("a negative soak", try phase(soak: .seconds(-5))),
      ("a soak where none counts", try phase(.expand, soak: .seconds(5))),
      ("a budget without limits", try phase(budget: Budget())),
      ("a budget of a microsecond", try phase(budget: Budget(hold: .microseconds(1)))),
      (
        "text outside ASCII",
        try phase(up: "SELECT 'größe 名';", summary: "Größe", residuals: [Residual(.customer, "naïve\u{A0}ü")])
      ),
      (
        "a watch with a probe of the settings",
        try phase(watch: halfAnHour, probes: [Probe("checkout", expecting: .atMost(800))])
      ),
      (
        "a watch that reverses",
        try phase(
          watch: Watch(
            for: .seconds(3600), every: .milliseconds(1500), settle: .seconds(60), then: .reverse),
          probes: [
            Probe("rows", query: Script("SELECT 1 WHERE 0"), red: Script("DELETE FROM t;; ")),
            Probe("lag", query: Script("SELECT 1;"), expecting: .between(-0.5, 1e300), isControl: true),
          ])
      ),
      (
        "titles of probes that look like clauses",
        try phase(
          watch: halfAnHour,
          probes: [
            "at most 5", "x at most 5", "x fails 3 of 2", "control", "x control", "x missing fails",
            "x between 1 and 2", "\"x\" y", "\"", "x  y", "a\nb", "", "größe", "x fails 3",
            "x at least 5%",
          ].map { Probe($0) }
            + [Probe("x at most 6", expecting: .atMost(7)), Probe("control  control", isControl: true)])
      ),
      (
        "an allowance",
        try phase(allowances: [
          Allowance(rule: "r", application: "a b", until: Version("1.0-x+b"), reason: "a: b")
        ])
      ),
    ]
  }

  @Test func aRenderedPhaseReadsAsTheSamePhase() throws {
    for (name, phase) in try Self.cases() {
      let text = PhaseFile.render(phase)
      let again = try PhaseFile.read(text, file: "f", kind: phase.kind)
      #expect(again.tokenHash == phase.tokenHash, "\(name)\n\(text)")
      #expect(PhaseFile.render(again) == text, "rendering again changes nothing: \(name)")
    }
  }

  @Test func onlyWhatDoesNotCountLeavesTheIdentityAlone() throws {
    let hashes = try Self.cases().map { ($0.0, $0.1.tokenHash) }
    let byHash = Dictionary(grouping: hashes, by: \.1).values.map { $0.map(\.0) }
    #expect(
      byHash.filter { $0.count > 1 } == [["the least", "an open comment", "a budget without limits"]])
  }

  @Test func theTextIsWhatAPersonWouldWrite() throws {
    let phase = try Self.phase(
      summary: "Drop the full name", verify: [("nobody lost their name", "SELECT id FROM t WHERE n IS NULL")],
      residuals: [Residual(.customer, "one mail")], soak: .seconds(7 * 86_400))
    #expect(
      PhaseFile.render(phase) == """
        -- Drop the full name
        --
        -- @window storefront >=1.4 <2.0
        -- @residual customer: one mail
        -- @soak 7d
        -- @verify nobody lost their name
        SELECT id FROM t WHERE n IS NULL
        ;
        -- @up
        SELECT 1;
        -- @down
        SELECT 2;

        """)
  }
}
