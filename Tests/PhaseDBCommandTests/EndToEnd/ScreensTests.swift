import Foundation
import Testing

@testable import PhaseDBCommand

/// What a person sees in a terminal of 80 and of 120 columns, held against files in `Screens`.
///
/// With PHASEDB_RECORD=1 the files are written anew; look at every change of them.
@Suite(
  "Screens", .enabled(if: Surroundings.canGiveTerminal, "there is no script(1) to give a terminal"),
  .serialized)
struct ScreensTests {
  /// A command, and the screen that keeps what it prints; without one it only leads to the next.
  struct Act: Sendable {
    let line: String
    let screen: String?
    let code: Int32

    init(_ line: String, _ code: Int32 = 0, screen: String? = nil) {
      (self.line, self.code, self.screen) = (line, code, screen)
    }
  }

  /// A release of the example, until somebody wants it back.
  static let release = [
    Act("lint", screen: "lint"),
    Act("up --to 0001", screen: "up"),
    Act("FILL"),
    Act("checkpoint create before-release", screen: "checkpoint"),
    Act("rehearse", screen: "rehearse"),
    Act("plan --live storefront@1.4", screen: "plan-up"),
    Act("up --live storefront@1.4 -q"),
    Act("check-in storefront@1.4 --instance web-1", screen: "check-in"),
    Act("status", screen: "status"),
    Act("status 0002/contract", screen: "status-held"),
    Act("status 0004/migrate", screen: "status-applied"),
    Act("plan", screen: "plan-held"),
    Act("plan down --to @before-release", screen: "plan-down"),
    Act("log", screen: "log"),
    Act("log 2", screen: "log-entry"),
    Act("verify", screen: "verify"),
    Act("down --to @before-release --live storefront@2.0", 2, screen: "error-held"),
    Act("status 0009", 2, screen: "error-unknown"),
    Act("explain required-column", screen: "explain"),
    Act("up --help", screen: "help"),
  ]

  /// A copy of the example with few rows, in a site of its own.
  private static func example() throws -> Site {
    let site = try Site()
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    try FileManager.default.copyItem(
      atPath: repository.appending(path: "migrations-example").path, toPath: site.path("migrations"))
    try FileManager.default.createSymbolicLink(
      atPath: site.path("make-shop"),
      withDestinationPath: repository.appending(path: "Scripts/lib/make-shop").path)
    return site
  }

  @Test("of a release read well", arguments: [80, 120])
  func release(width: Int) throws {
    let site = try Self.example()
    for act in Self.release {
      guard act.line != "FILL" else {
        #expect(try site.run("./make-shop", "shop.db", "40").code == 0)
        continue
      }
      let outcome = try site.screen(act.line, width: width, showsErrors: act.code > 1)
      #expect(outcome.code == act.code, "\(act.line): \(outcome.summary)")
      guard let screen = act.screen else { continue }
      let lines = Self.steady(outcome.output, at: site)
      try expectScreen("\(screen)-\(width)", lines)
      for line in outcome.output.split(separator: "\n") {
        #expect(String(line).displayWidth <= width, "\(act.line) at \(width): \(line)")
      }
      if screen == "status" {
        #expect(lines.count <= 20, "twelve phases take twenty lines")
      }
    }
  }

  // In 80 columns it depends on the times that were measured whether their column has room.
  @Test("of a watch that failed read well", arguments: [76, 120])
  func watch(width: Int) throws {
    let site = try WatchTests.shop("@watch 400ms every 100ms then hold")
    func show(_ line: String, _ code: Int32 = 0, screen: String? = nil) throws {
      let outcome = try site.screen("\(line) -d shop.db", width: width, showsErrors: true)
      #expect(outcome.code == code, "\(line): \(outcome.summary)")
      if let screen { try expectScreen("\(screen)-\(width)", Self.steady(outcome.output, at: site)) }
    }
    try show("up -q")
    WatchTests.letASampleBeDue()
    try show("watch --once", screen: "watch-once")
    try show("status", screen: "watch-status")
    try site.write("", to: "broken")
    try show("watch", 4, screen: "watch-failed")
    try show("status 0002", screen: "watch-phase")
    try show("watch freeze --for 2h --reason works", screen: "watch-freeze")
  }

  @Test("of a switch read well", arguments: [80, 120])
  func switches(width: Int) throws {
    let site = try SwitchTests.site(settle: "100ms")
    func show(_ line: String, _ code: Int32 = 0, screen: String? = nil) throws {
      let outcome = try site.screen("\(line) -d shop.db", width: width, showsErrors: true)
      #expect(outcome.code == code, "\(line): \(outcome.summary)")
      if let screen { try expectScreen("\(screen)-\(width)", Self.steady(outcome.output, at: site)) }
      for text in outcome.output.split(separator: "\n") {
        #expect(String(text).displayWidth <= width, "\(line) at \(width): \(text)")
      }
    }
    try show("switch set new-pricing 25% --reason 'no complaints'", screen: "switch-set")
    try show("switch pin new-pricing 4711 on --reason staff")
    try show("switch list", screen: "switch-list")
    try show("switch list new-pricing", screen: "switch-one")
    try show("switch test new-pricing 4711", screen: "switch-test")
    try show("plan down", screen: "switch-plan-down")
    try show("down", screen: "switch-down")
  }

  @Test("stand a terminal of any width, and names of any length", arguments: [20, 80])
  func narrow(width: Int) throws {
    let site = try Site()
    let long = String(repeating: "long-name-", count: 20)
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.phase(
      "0001-\(long)/expand", up: "CREATE TABLE \"\(long)\" (id INTEGER PRIMARY KEY);",
      down: "DROP TABLE \"\(long)\";", window: "\(long) >=1.0 <2.0", directives: ["@residual none"])
    try site.phase(
      "0002-b/contract", up: "DROP TABLE \"\(long)\";",
      down: "CREATE TABLE \"\(long)\" (id INTEGER PRIMARY KEY);", window: "\(long) >=1.5",
      directives: ["@residual support: \(long) \(long)"])
    for line in [
      "lint", "plan", "up --to 0001", "check-in \(long)@1.1 --instance \(long)", "status", "status 0001",
      "plan",
      "plan down", "log", "log 1", "verify", "checkpoint list", "down --to 0009", "help", "up -h",
      "explain window",
    ] {
      let wide = try site.phasedb("\(line.hasPrefix("up --to") ? "status" : line) -d shop.db")
      let outcome = try site.screen("\(line) -d shop.db", width: width, showsErrors: true)
      #expect(line.hasPrefix("up --to") || outcome.code == wide.code, "\(line): \(outcome.summary)")
      #expect(outcome.signal == nil && outcome.code != 70, "\(line): \(outcome.summary)")
      guard width == 80, !["explain window", "help", "up -h"].contains(line) else { continue }
      // Only a word that is longer than the terminal may be broken by it.
      for text in outcome.output.split(separator: "\n") where String(text).displayWidth > width {
        #expect(text.split(separator: " ").contains { $0.count > width / 2 }, "\(line): \(text)")
      }
    }
  }

  /// Lines without what differs from run to run: moments, times, sizes and the machine.
  private static func steady(_ printed: String, at site: Site) -> [String] {
    Golden(printed, at: site).text
      .replacing(#/2:[0-9a-f]{64}/#, with: "HASH")
      .replacing(#/\d{4}-\d\d-\d\d \d\d:\d\d/#, with: "DATE  AND  TIME")
      .replacing(#/ *\b[\d.,]+ (ms|s|bytes|KB|MB)\b/#, with: " N \u{2026}")
      .replacing(#/N … to N …/#, with: "N …").replacing(#/[\d.]+ to N …/#, with: "N …")
      .replacing(#/verdict +up +down +hold/#, with: "verdict up down hold")
      .replacing(#/( N …)+ *(?=\n)/#, with: { "\($0.output.0)".replacing(#/ +/#, with: " ") })
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0.replacing(#/\s+$/#, with: "")) }.reversed().drop(while: \.isEmpty).reversed()
  }

  private func expectScreen(
    _ name: String, _ lines: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Screens/\(name).txt")
    let text = lines.joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["PHASEDB_RECORD"] == "1" {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let kept = try String(contentsOf: file, encoding: .utf8)
    #expect(text == kept, "\(name)", sourceLocation: sourceLocation)
  }
}

extension Site {
  /// Runs the built `phasedb` in a terminal of so many columns, without colours.
  ///
  /// - Parameter showsErrors: whether standard error is on the screen, too; progress is nothing to compare.
  fileprivate func screen(_ line: String, width: Int, showsErrors: Bool) throws -> Outcome {
    let program = try BuiltProgram.path()
    let errors = showsErrors ? "" : "2>/dev/null"
    let command = "stty cols \(width) rows 40 </dev/tty; '\(program)' \(line) \(errors) </dev/null"
    let outcome = try RunningProgram(
      "/usr/bin/env", ["script", "-qec", command, "/dev/null"],
      in: path(""),
      environment: Self.environment.merging(["TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "\(width)"]) { $1 }
    ).outcome()
    return Outcome(
      output: outcome.output.replacing("\r\n", with: "\n"), errors: outcome.errors, code: outcome.code,
      signal: outcome.signal, duration: outcome.duration)
  }
}
