import Foundation
import Testing

@testable import PhaseDBCommand

/// Every command that phasedb suggests, pasted as it stands into a copy of the place where it was suggested.
@Suite("Advice")
struct AdviceTests {
  /// A day with everything that makes phasedb suggest something; what fails fails on purpose.
  static let day = [
    "status", "new grow", "lint", "new", "up --to 0009", "plan", "up", "status 7", "log 99", "explain windw",
    "checkpoint create first", "checkpoint create first", "checkpoint list", "rehearse", "plan",
    "down --to 0001/x",
    "up 1", "status", "status --check", "status 0002/contract", "plan --live shop@1.0",
    "up --to 0002/contract",
    "up --to 0002/contract --live shop@1.0", "check-in shop@1.0 --instance web-1", "check-in shop@9.9", "up",
    "up --live shop@2.0", "verify", "plan down", "down --live shop@9.0", "down --dry-run",
    "purge 0002/contract",
    "may-run shop@9.9", "may-run shop@1.0", "may-run shop@1.0 --after 0002/contract", "settle shop@9.9",
    "settle shop@1.6 --dry-run", "goto shop@9.9", "goto 0001 --dry-run", "goto shop@1.2 --dry-run",
    "watch", "watch waive 0001/expand --reason x", "watch freeze --reason x", "status", "watch unfreeze",
    "checkpoint restore nothing", "rehearse down", "down --all --live shop@1.5", "log --check", "adopt",
    "migrate", "rollback", "upp", "down --al", "status --all",
  ]

  @Test("is a command that the command line understands, and that does not fail for a wrong word")
  func works() throws {
    let site = try Site()
    try site.write("{ database: '../shop.db' }", to: "migrations/phasedb.json")
    try site.phase(
      "0001-shop/expand", up: "CREATE TABLE t (id INTEGER PRIMARY KEY, a);\nINSERT INTO t VALUES (1, 'x');",
      down: "DROP TABLE t;", window: "shop >=1.0 <3.0", directives: ["@residual none"])
    try site.phase(
      "0002-drop/contract", up: "ALTER TABLE t DROP COLUMN a;", down: "ALTER TABLE t ADD COLUMN a;",
      window: "shop >=1.5 <3.0", directives: ["@residual none"])
    var seen: Set<String> = []
    for line in Self.day {
      let outcome = try site.phasedb(line)
      if line == "new grow" { try site.remove("migrations/0003-grow") }
      for command in Self.commands(in: outcome.output + outcome.errors) where seen.insert(command).inserted {
        let copy = try Site()
        for name in try FileManager.default.contentsOfDirectory(atPath: site.path("")) {
          try FileManager.default.copyItem(atPath: site.path(name), toPath: copy.path(name))
        }
        let program = try BuiltProgram.path()
        let result = try copy.run("sh", "-c", "'\(program)' \(command)")
        #expect(result.code != 64, "after '\(line)', phasedb \(command): \(result.summary)")
        for id in ["[unknown-phase]", "[unknown-checkpoint]", "[unknown-verb]", "[unknown-word]"] {
          #expect(!result.errors.contains(id), "after '\(line)', phasedb \(command): \(result.summary)")
        }
      }
    }
    #expect(seen.count >= 12, "\(seen.sorted())")
  }

  /// What stands behind `phasedb` up to the end of a line; what has a place for the reader to fill is no command.
  private static func commands(in printed: String) -> [String] {
    printed.split(separator: "\n").compactMap { line in
      guard let start = line.range(of: "phasedb ", options: .backwards) else { return nil }
      let before = line[..<start.lowerBound]
      guard
        before.isEmpty || before.hasSuffix(": ") || before.hasSuffix(" ") && before.allSatisfy(\.isWhitespace)
      else { return nil }
      let command = String(line[start.upperBound...])
      let isOpen = command.contains("...") || command.contains(#/\b[A-Z]{2,}|@CHECKPOINT|@VERSION/#)
      return isOpen || command.isEmpty || command.contains(":") ? nil : command
    }
  }
}
