import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

/// The report as pages, from a migrator whose clock stands still.
@Suite("The report as a page")
struct ReportPageTests {
  private static func readiness(_ site: Site, now: String, scope: Readiness.Scope = .open) throws -> Readiness
  {
    let folder = site.path("migrations")
    let options = Options().by(.current) { Timestamp(text: now) }
    let migrator = try Migrator(
      database: site.path("shop.db"), catalog: try Catalog(folder: folder), access: .reading, options: options
    )
    return try migrator.readiness(Readiness.Request(scope, folder: folder))
  }

  private static func pages(_ readiness: Readiness) throws -> [String: String] {
    [
      "html": PageTests.text(ReportPage(readiness).page, "html"),
      "markdown": PageTests.text(ReportPage(readiness).page, "markdown"),
      "json": try JSONText.text(command: "report", ReportJSON(readiness, nil)).description,
    ]
  }

  @Test("is the same for one ledger and one moment")
  func deterministic() throws {
    let site = try EffectsTests.shop()
    let one = try Self.pages(try Self.readiness(site, now: "2026-12-01T12:00:00.000Z"))
    for _ in 0..<3 {
      #expect(try Self.pages(try Self.readiness(site, now: "2026-12-01T12:00:00.000Z")) == one)
    }
    let later = try Self.pages(try Self.readiness(site, now: "2026-12-02T12:00:00.000Z"))
    for (form, text) in later { #expect(text != one[form], "\(form) says when it was asked") }
  }

  @Test("shows pictures, counts and sources", arguments: ["html", "markdown"])
  func content(_ form: String) throws {
    let site = try EffectsTests.shop()
    let page = try #require(try Self.pages(try Self.readiness(site, now: "2026-12-01T12:00:00.000Z"))[form])
    for title in [
      "Time to safe", "Which versions may run on which state", "Time line", "Up, down and the longest hold",
    ] {
      #expect(page.contains(title), "\(title)")
    }
    #expect(page.contains("customer: 2 rows of outbox, mails with the new price"))
    for question in Readiness.texts { #expect(page.contains(question.description)) }
    for kind in [
      "Code reversal", "State recovery", "Workflow containment", "Customer impact", "Downstream recon",
    ] {
      #expect(page.contains(kind))
    }
    let figures = page.components(separatedBy: form == "html" ? "<figcaption>" : "\n### ").count - 1
    #expect(figures >= 4)
    #expect(
      page.components(separatedBy: "Source: ").count - 1 >= 4, "each picture says where its numbers come from"
    )
    if form == "html" { #expect(PageTests.defects(ofHTML: page) == []) }
  }

  @Test("of 100 phases is below 300 kB, and its Markdown below 65,000 characters")
  func size() throws {
    let site = try Site()
    for number in 1...100 {
      let digits = String(repeating: "0", count: 4 - String(number).count) + String(number)
      try site.phase(
        "\(digits)-table-\(number)-with-quite-a-long-name/expand",
        up: "CREATE TABLE t\(number) (id INTEGER PRIMARY KEY, text TEXT);", down: "DROP TABLE t\(number);",
        directives: [
          "@residual customer: what table \(number) caused", "@watch 30m every 30s settle 1m then reverse",
          "@probe table \(number) is well",
        ])
    }
    let migrator = try Migrator(
      database: site.path("shop.db"), catalog: try Catalog(folder: site.path("migrations")))
    for scope in [Readiness.Scope.pending, .applied] {
      if scope == .applied { try migrator.run(migrator.plan(.upAll)) }
      let pages = try Self.pages(try Self.readiness(site, now: "2026-12-01T12:00:00.000Z", scope: scope))
      let sizes = pages.mapValues(\.utf8.count)
      #expect(try #require(sizes["html"]) < 300_000)
      #expect(try #require(sizes["markdown"]) < 65_000)
      #expect(PageTests.defects(ofHTML: try #require(pages["html"])) == [])
    }
  }

  @Test("shows hostile words of phases, probes and lanes as words", arguments: 0..<6)
  func hostile(_ seed: Int) throws {
    var dice = HostileText(seed: UInt64(seed + 500))
    func word() -> String {
      dice.text(without: ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{B}", "\u{C}", "\u{0}"])
    }
    let site = try Site()
    try site.write(
      """
      -- \(word())
      -- @window shop >=1.0 <2.0
      -- @residual customer: x\(word())
      -- @up
      CREATE TABLE t (id INTEGER PRIMARY KEY, a);
      -- @down
      DROP TABLE t;
      -- @verify x\(word())
      SELECT 1 WHERE 0;

      """, to: "migrations/0001-shop/expand.sql")
    guard (try? Catalog(folder: site.path("migrations"))) != nil else { return }
    let readiness = try Self.readiness(site, now: "2026-12-01T12:00:00.000Z")
    let pages = try Self.pages(readiness)
    #expect(PageTests.defects(ofHTML: try #require(pages["html"])) == [])
    #expect(PageTests.defects(ofMarkdown: try #require(pages["markdown"])) == [])
    #expect(PrintedText.defects(try #require(pages["json"]), as: .json) == [])
  }
}
