import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Rules.md, whose examples are complete folders.
@Suite("The page of rules")
struct RulesDocumentTests {
  /// Rules that only a database decides.
  private static let withoutExamples: Set<Rule> = [.editedAfterApply, .outOfOrder]

  @Test("has a section for every rule, and no other")
  func sections() throws {
    #expect(
      try Document("Rules").sections.flatMap(\.entries).sorted() == Rule.allCases.map(\.rawValue).sorted())
  }

  @Test("tells of every rule its level and its reason", arguments: Rule.allCases)
  func prose(rule: Rule) throws {
    let text = try Document("Rules").text
    let section = try #require(text.components(separatedBy: "### `\(rule.rawValue)`\n").dropFirst().first)
      .components(separatedBy: "\n#")[0]
    let normalized = Document.normalized(section)
    #expect(normalized.hasPrefix(rule.level.rawValue.capitalized + ". "))
    #expect(normalized.contains(rule.reason.description))
    #expect(normalized.contains("Remedy: "))
  }

  @Test("shows a folder that each rule finds and one that none finds", arguments: Rule.allCases)
  func examples(rule: Rule) throws {
    let examples = try Examples(rule)
    guard !Self.withoutExamples.contains(rule) else {
      #expect(examples.bad.isEmpty && examples.good.isEmpty)
      return
    }
    #expect(!examples.bad.isEmpty && !examples.good.isEmpty)
    #expect(try examples.findings(in: examples.bad) == examples.expected)
    #expect(try examples.findings(in: examples.good) == [])
  }
}

private struct Examples {
  /// Texts by path.
  private(set) var bad: [String: String] = [:]
  private(set) var good: [String: String] = [:]
  private var base: [String: String] = [:]
  private let rule: Rule

  init(_ rule: Rule) throws {
    self.rule = rule
    for block in try Document("Rules").blocks where block.info == "sql" {
      let mark = try #require(
        block.before.wholeMatch(of: #/<!-- (bad|good|base): (\S+\.sql) -->/#), "line \(block.line)")
      let path = String(mark.output.2)
      switch mark.output.1 {
      case "base": base[path] = block.text
      case "bad": if block.entry == rule.rawValue { bad[path] = block.text }
      default: if block.entry == rule.rawValue { good[path] = block.text }
      }
    }
  }

  var expected: Set<String> {
    switch rule {
    // An exception that has expired does not hide what it was for.
    case .expiredAllow: [rule.rawValue, Rule.requiredColumn.rawValue]
    // Only an expand archives nothing, and it may not retype for other reasons, too.
    case .lossyRetype: [rule.rawValue, Rule.expandNotAdditive.rawValue, Rule.tightenedEarly.rawValue]
    default: [rule.rawValue]
    }
  }

  func findings(in files: [String: String]) throws -> Set<String> {
    let folder = try TemporaryFolder(base.merging(files) { $1 })
    let report = try withExtendedLifetime(folder) {
      try Linter(
        folder: folder.path, sqlite: rule == .needsNewerSQLite ? Version("3.35") : nil,
        terms: ScratchTerms(functions: rule == .applicationFunction ? [FunctionStub("normalize")] : [])
      ).report()
    }
    // The other examples make no point of how somebody would notice.
    return Set(report.findings.map(\.id)).subtracting(rule == .undetected ? [] : [Rule.undetected.rawValue])
  }
}
