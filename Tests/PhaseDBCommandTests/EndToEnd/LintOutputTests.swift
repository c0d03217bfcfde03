import Foundation
import PhaseDB
import Testing

/// What lint prints for other programs, from the built binary on a folder with findings of several kinds.
@Suite("Findings for other programs")
struct LintOutputTests {
  /// An error with a place, a warning without one line of SQL to blame, and a file that cannot be read.
  private static func site(readable: Bool) throws -> Site {
    let site = try Site()
    try site.write(
      """
      -- Make it, 100% sure, in two: lines.
      -- @window app >=1
      -- @up
      CREATE TABLE t (a);
      -- @down
      SELECT 1;
      """, to: "migrations/0001-first/expand.sql")
    try site.write(
      """
      -- @window app >=1
      -- @up
      UPDATE t SET a = 1;
      -- @down
      UPDATE t SET a = NULL;
      """, to: "migrations/0001-first/migrate.sql")
    if !readable { try site.write("-- @windw app >=1\n", to: "migrations/0002-second/expand.sql") }
    return site
  }

  @Test("as SARIF 2.1.0 have what its schema requires", arguments: [true, false])
  func sarif(readable: Bool) throws {
    let site = try Self.site(readable: readable)
    let outcome = try site.phasedb("lint --format sarif")
    #expect(outcome.code == 1 && outcome.errors.isEmpty, "\(outcome.summary)")
    let log = try JSONDecoder().decode(Log.self, from: Data(outcome.output.utf8))
    #expect(log.version == "2.1.0")
    #expect(log.schema.contains("sarif-2.1.0"))
    let run = try #require(log.runs.first)
    let driver = run.tool.driver
    #expect(log.runs.count == 1 && driver.name == "phasedb")
    #expect(Set(driver.rules.map(\.id)).count == driver.rules.count, "the id of a rule is unique")
    #expect(driver.rules.allSatisfy { !$0.shortDescription.text.isEmpty })
    #expect(Set(driver.rules.map(\.id)).isSuperset(of: Rule.allCases.map(\.rawValue)))
    let expected =
      readable ? ["down-not-inverse", "not-replayable", "undeclared-residual"] : ["unknown-directive"]
    #expect(Set(run.results.map(\.ruleId)).isSuperset(of: expected), "\(outcome.output)")
    for result in run.results {
      #expect(driver.rules.indices.contains(result.ruleIndex))
      #expect(driver.rules[result.ruleIndex].id == result.ruleId)
      #expect(["none", "note", "warning", "error"].contains(result.level))
      #expect(!result.message.text.isEmpty)
      let place = try #require(result.locations.first).physicalLocation
      #expect(
        site.exists(place.artifactLocation.uri),
        "the reference leads to the file: \(place.artifactLocation.uri)")
      #expect(place.region.startLine >= 1 && place.region.startColumn >= 1)
      #expect(place.region.endColumn > place.region.startColumn)
    }
  }

  @Test("as annotations of GitHub are one command a line, with nothing that would end it early")
  func github() throws {
    let site = try Self.site(readable: true)
    let outcome = try site.phasedb("lint --format github")
    #expect(outcome.code == 1 && outcome.errors.isEmpty, "\(outcome.summary)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count >= 3)
    let form =
      #/::(error|warning) file=migrations/0001-first/[a-z]+\.sql,line=\d+,col=\d+,endColumn=\d+,title=[a-z-]+::.+/#
    for line in lines { #expect(line.wholeMatch(of: form) != nil, "\(line)") }
    #expect(
      lines.contains {
        $0.hasPrefix("::error") && $0.contains("title=down-not-inverse::") && $0.contains("%0A")
      })
    #expect(lines.contains { $0.hasPrefix("::warning") && $0.contains("title=undeclared-residual::") })
  }

  private struct Log: Decodable {
    let version: String
    let schema: String
    let runs: [Run]

    enum CodingKeys: String, CodingKey {
      case version, runs
      case schema = "$schema"
    }
  }

  private struct Run: Decodable {
    let tool: Tool
    let results: [Result]
  }

  private struct Tool: Decodable { let driver: Driver }

  private struct Driver: Decodable {
    let name: String
    let rules: [Descriptor]
  }

  private struct Descriptor: Decodable {
    let id: String
    let shortDescription: Message
  }

  private struct Message: Decodable { let text: String }

  private struct Result: Decodable {
    let ruleId: String
    let ruleIndex: Int
    let level: String
    let message: Message
    let locations: [Location]
  }

  private struct Location: Decodable { let physicalLocation: PhysicalLocation }

  private struct PhysicalLocation: Decodable {
    let artifactLocation: ArtifactLocation
    let region: Region
  }

  private struct ArtifactLocation: Decodable { let uri: String }

  private struct Region: Decodable {
    let startLine: Int
    let startColumn: Int
    let endColumn: Int
  }
}
