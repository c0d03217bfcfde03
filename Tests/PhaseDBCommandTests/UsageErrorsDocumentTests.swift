import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("The documents of the command line")
struct UsageErrorsDocumentTests {
  private func text(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  @Test("list every usage error, in the order of the source")
  func errors() throws {
    let errors = try text("Sources/PhaseDB/PhaseDB.docc/Errors.md")
    let section = try #require(errors.components(separatedBy: "## The command line").last)
    let entries = section.matches(of: #/\n### `([a-z-]+)`/#).map { String($0.output.1) }
    #expect(entries == UsageError.ID.allCases.map(\.rawValue))
  }

  @Test("name every command in Commands, and no other")
  func verbs() throws {
    let page = try text("Sources/PhaseDB/PhaseDB.docc/Commands.md")
    let section = try #require(
      page.components(separatedBy: "\n## The commands\n").last?.components(separatedBy: "\n## ")[0])
    let cells = section.matches(of: #/\n\| `([^`]+)` \|/#).map { String($0.output.1) }
    let names = cells.map {
      $0.prefix { $0.isLowercase || " -".contains($0) }.trimmingCharacters(in: .whitespaces)
    }
    #expect(Set(names) == Set(Verb.table.map(\.name)))
    #expect(names.count == Verb.table.count)
  }

  @Test("give every exit code in Commands, and no other")
  func exitCodes() throws {
    let rows = try text("Sources/PhaseDB/PhaseDB.docc/Commands.md").matches(of: #/\n\| (\d+) \|/#).compactMap
    { Int32($0.output.1) }
    #expect(rows == ExitCode.allCases.map(\.rawValue))
  }

  @Test(
    "show commands that the command line understands",
    arguments: [
      "README.md", "Sources/PhaseDB/PhaseDB.docc/CI.md", "Sources/PhaseDB/PhaseDB.docc/Operating.md",
      "Sources/PhaseDB/PhaseDB.docc/StartHere.md", "Sources/PhaseDB/PhaseDB.docc/StartWithYourDatabase.md",
      "Sources/PhaseDB/PhaseDB.docc/Audit.md", "Sources/PhaseDB/PhaseDB.docc/Import.md",
      "Sources/PhaseDB/PhaseDB.docc/Report.md",
    ])
  func commands(path: String) throws {
    let blocks = try text(path).components(separatedBy: "\n```").filter {
      $0.hasPrefix("sh\n") || $0.hasPrefix("console\n")
    }
    let lines = blocks.flatMap { $0.matches(of: #/\n(?:\$ )?phasedb (.+)/#).map { String($0.output.1) } }
    #expect(lines.count >= 3)
    for line in lines {
      // What a shell takes away before phasedb sees the line.
      let words = Self.words(line.split(separator: #/ (#|>) /#)[0].description)
      #expect(throws: Never.self, "phasedb \(line)") { try ArgumentParser.parse(words) }
    }
  }

  /// The words of a command line with double quotes, as a shell takes them apart.
  private static func words(_ line: String) -> [String] {
    line.components(separatedBy: CharacterSet(charactersIn: "\"'")).enumerated().flatMap { index, part in
      index.isMultiple(of: 2) ? part.split(separator: " ").map(String.init) : [part]
    }
  }
}
