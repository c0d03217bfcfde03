import Foundation
import Testing

/// A JSON object of which only some keys are looked at.
private struct Printed: Decodable {
  let version: Int
  let command: String
  let keys: Set<String>

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    version = try container.decode(Int.self, forKey: Key(stringValue: "version"))
    command = try container.decode(String.self, forKey: Key(stringValue: "command"))
    keys = Set(container.allKeys.map(\.stringValue)).subtracting(["version", "command"])
  }
}

@Suite("What goes to standard output and standard error")
struct OutputContractTests {
  struct JSONCase: Sendable, CustomTestStringConvertible {
    let line: String
    let keys: Set<String>
    let code: Int32
    /// What is said on standard error besides.
    let note: String?
    var testDescription: String { line }

    init(_ line: String, _ code: Int32 = 0, note: String? = nil, keys: String...) {
      self.line = line
      self.note = note
      self.keys = Set(keys)
      self.code = code
    }
  }

  @Test(
    "is one JSON object with the documented keys, when asked for",
    arguments: [
      JSONCase("init -m other", keys: "files"),
      JSONCase("new second", keys: "files"),
      JSONCase("init -m third --from empty.db", keys: "files", "leftAlone", "broken"),
      JSONCase(
        "plan", keys: "database", "direction", "fresh", "baseline", "steps", "held", "drift", "checkIns",
        "overridden", "notes", "liveOutside"),
      JSONCase(
        "plan down --override window --reason fire", keys: "database", "direction", "fresh", "baseline",
        "steps",
        "held", "drift", "checkIns", "overridden", "reason", "notes", "liveOutside"),
      JSONCase("up --dry-run", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("up", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("down --all", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase(
        "status", keys: "database", "exists", "ledger", "checkpoint", "pending", "drift", "gates", "live",
        "checkIns", "phases", "concerns", "notes", "unread", "watches", "lanes", "switches"),
      JSONCase(
        "status --check", 1, keys: "database", "exists", "ledger", "checkpoint", "pending", "drift", "gates",
        "live", "checkIns", "phases", "concerns", "notes", "unread", "watches", "lanes", "switches"),
      JSONCase("switch list", keys: "switches"),
      JSONCase("switch sql", keys: "sql"),
      JSONCase("check-in storefront@1.2", keys: "checkIn", "known", "mayBeLive"),
      JSONCase("check-in other@1.2", note: "no window names other", keys: "checkIn", "known"),
      JSONCase(
        "may-run storefront@1.2", keys: "database", "application", "appVersion", "allowed", "bounds"),
      JSONCase(
        "may-run storefront@0.2", 2, note: "version-not-live", keys: "database", "application", "appVersion",
        "allowed", "bounds"),
      JSONCase("settle storefront@1.2", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("settle storefront@0.2 --dry-run", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("goto storefront@1.2", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("goto @0 --dry-run", keys: "plan", "dryRun", "done", "skipped"),
      JSONCase("verify", keys: "database", "clean", "checks"),
      JSONCase(
        "checkpoint create here", keys: "name", "number", "phase", "at", "who", "host", "note", "reachable"),
      JSONCase(
        "checkpoint create kept --snapshot .", keys: "name", "number", "phase", "at", "who", "host", "note",
        "reachable", "snapshot"),
      JSONCase("checkpoint list", keys: "checkpoints"),
      JSONCase("lint", keys: "phases", "errors", "warnings", "untried", "findings"),
      JSONCase("log", keys: "entries"),
      JSONCase("log --check", keys: "entries", "broken"),
    ])
  func json(row: JSONCase) throws {
    let site = try BadDatabasesTests.shop()
    try site.sqlite("VACUUM", on: "empty.db")
    let needsNoDatabase = row.line.hasPrefix("init") || row.line.hasPrefix("new") || row.line == "lint"
    let outcome = try site.phasedb("\(row.line) --format json\(needsNoDatabase ? "" : " -d shop.db")")
    #expect(outcome.code == row.code, "\(outcome.summary)")
    #expect(row.note.map(outcome.errors.contains) ?? outcome.errors.isEmpty, "\(outcome.summary)")
    #expect(try JSONSchema.output.problems(in: outcome.output) == [], "\(outcome.output)")
    for line in outcome.errors.split(separator: "\n") {
      #expect(try JSONSchema.errors.problems(in: String(line)) == [], "\(line)")
    }
    let printed = try JSONDecoder().decode(Printed.self, from: Data(outcome.output.utf8))
    let verb = row.line.split(separator: " ").prefix { !$0.hasPrefix("-") }
    #expect(printed.version == 1)
    #expect(verb.joined(separator: " ").hasPrefix(printed.command))
    #expect(printed.keys == row.keys)
  }

  @Test("has the run that failed in the status, as described, until the next run")
  func lastStop() throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.phase("0002-bad/expand", up: "SELECT nothing FROM a;", down: "SELECT 1;")
    #expect(try site.phasedb("up -q -d shop.db").code == 4)
    let stopped = try site.phasedb("status -d shop.db --format json")
    #expect(try JSONSchema.output.problems(in: stopped.output) == [], "\(stopped.output)")
    let keys = [
      #""direction" : "up""#, #""error" : "statement-failed""#, #""exitCode" : 4"#, #""line" : 3"#,
      #""phase" : "0002-bad\/expand""#, #""standing" : "part-way""#,
    ]
    let block = stopped.output.split(separator: #""lastStop" : {"#).last?.split(separator: "}").first ?? ""
    for key in keys {
      #expect(block.contains(key) || block.contains(key.replacing("\\/", with: "/")), "\(block)")
    }
    #expect(try site.phasedb("down -q -d shop.db").code == 0)
    #expect(try !site.phasedb("status -d shop.db --format json").output.contains("lastStop"))
  }

  @Test("is an error as JSON on standard error, when asked for")
  func jsonError() throws {
    let outcome = try BadDatabasesTests.shop().phasedb("up --to 0009 -d shop.db --format json")
    #expect(outcome.code == 2 && outcome.output.isEmpty)
    let printed = try JSONDecoder().decode(Printed.self, from: Data(outcome.errors.utf8))
    #expect(printed.keys == ["error"] && printed.command == "up")
    #expect(try JSONSchema.errors.problems(in: outcome.errors) == [])
    #expect(try JSONSchema.errors.problems(in: #"{"command":"up","version":1}"#) != [], "a control")
    #expect(try JSONSchema.output.problems(in: outcome.errors) != [], "a control")
    #expect(
      outcome.errors.contains(#""id":"unknown-phase""#) && outcome.errors.contains(#""exitCode":2"#))
  }

  struct UsageCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let error: String

    init(_ line: String, _ error: String) {
      testDescription = line
      self.error = error
    }
  }

  @Test(
    "is a suggestion, with exit code 64, when the command line is wrong",
    arguments: [
      UsageCase(
        "upp",
        """
        error: unknown verb 'upp' [unknown-verb]
          help:  did you mean 'up'?
                 see: phasedb help
        """),
      UsageCase(
        "up --dryrun",
        """
        error: unknown option '--dryrun' [unknown-option]
          help:  did you mean '--dry-run'?
                 see: phasedb help up
        """),
      UsageCase(
        "plan sideways",
        """
        error: direction takes one of up, down, not 'sideways' [bad-choice]
          help:  see: phasedb help plan
        """),
    ])
  func usage(row: UsageCase) throws {
    let site = try Site()
    let outcome = try site.phasedb(row.testDescription)
    expectFailure(outcome, 64, row.error, at: site)
    #expect(outcome.output.isEmpty)
  }

  @Test(
    "ends quietly when the reader has gone",
    arguments: [
      "log", "status", "plan", "log --format json", "verify", "help", "completions bash",
    ])
  func closedPipe(line: String) throws {
    let isAbout = line == "help" || line.hasPrefix("completions")
    let outcome = try BadDatabasesTests.shop().phasedb(
      isAbout ? line : "\(line) -d shop.db", output: .closedPipe)
    #expect(outcome.code == 0 && outcome.signal == nil && outcome.errors.isEmpty, "\(outcome.summary)")
  }

  @Test("does not keep up from applying everything when the reader has gone")
  func closedPipeUp() throws {
    let site = try BadDatabasesTests.shop()
    let outcome = try site.phasedb("up -d shop.db --live storefront@1.6", output: .closedPipe)
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_phase") == "3\n")
  }

  struct LostCase: Sendable, CustomTestStringConvertible {
    let line: String
    let code: Int32
    let error: String
    var testDescription: String { line }
  }

  @Test(
    "is an error when it cannot be written, which says what was done all the same",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"),
    arguments: [
      LostCase(
        line: "status", code: 2,
        error: """
          error: the output could not be written: No space left on device [output-failed]
            help:  make room where the output goes
          """),
      LostCase(
        line: "up", code: 4,
        error: """
          error: the output could not be written: No space left on device [output-failed]
            state: the command is done, and its work is recorded
            help:  see what is applied: phasedb status -d shop.db
          """),
    ])
  func fullDevice(row: LostCase) throws {
    let site = try BadDatabasesTests.shop()
    let outcome = try site.phasedb("\(row.line) -d shop.db --live storefront@1.6", output: .file("/dev/full"))
    expectFailure(outcome, row.code, row.error, at: site)
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_phase") == (row.code == 2 ? "1\n" : "3\n"))
  }

  struct ColourCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let options: String
    let environment: [String: String]
    let isColoured: Bool
  }

  @Test(
    "is coloured on a terminal, unless the user says otherwise",
    .enabled(if: Surroundings.canGiveTerminal, "there is no script(1) to give a terminal"),
    arguments: [
      ColourCase(testDescription: "a terminal", options: "", environment: [:], isColoured: true),
      ColourCase(testDescription: "NO_COLOR", options: "", environment: ["NO_COLOR": "1"], isColoured: false),
      ColourCase(testDescription: "TERM=dumb", options: "", environment: ["TERM": "dumb"], isColoured: false),
      ColourCase(
        testDescription: "--color never", options: "--color never", environment: [:], isColoured: false),
    ])
  func colour(row: ColourCase) throws {
    let site = try BadDatabasesTests.shop()
    let program = try BuiltProgram.path()
    let commands =
      "'\(program)' status -d shop.db \(row.options); '\(program)' up --to 0009 -d shop.db \(row.options)"
    let environment = ["TERM": "xterm"].merging(row.environment) { $1 }
    let outcome = try RunningProgram(
      "/usr/bin/env", ["script", "-qec", commands, "/dev/null"], in: site.path(""),
      environment: Site.environment.merging(environment) { $1 }
    ).outcome()
    #expect(outcome.output.contains("0001/expand") && outcome.output.contains("unknown-phase"))
    #expect(outcome.output.contains("\u{1B}[32mapplied\u{1B}[0m") == row.isColoured)
    #expect(outcome.output.contains("\u{1B}[1;31merror:\u{1B}[0m") == row.isColoured)
    #expect(outcome.output.contains("\u{1B}") == row.isColoured)
  }

  @Test("is coloured elsewhere only when asked")
  func always() throws {
    let site = try BadDatabasesTests.shop()
    #expect(try site.phasedb("status -d shop.db --color always").output.contains("\u{1B}["))
    #expect(try !site.phasedb("status -d shop.db").output.contains("\u{1B}["))
  }
}
