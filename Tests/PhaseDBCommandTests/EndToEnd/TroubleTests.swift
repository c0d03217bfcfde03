import Foundation
import Testing

/// How a database keeps its journal.
enum JournalMode: String, CaseIterable, CustomTestStringConvertible, Sendable {
  case delete, wal
  var testDescription: String { "journal mode \(rawValue)" }
}

extension Site {
  /// Fills a table with rows in each of several phases, slowly enough to be met half way.
  static func busy(_ mode: JournalMode, phases: Int = 4, rows: Int = 20_000) throws -> Site {
    let site = try Site()
    try site.sqlite("PRAGMA journal_mode = \(mode); CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")
    for number in 1...phases {
      try site.phase(
        "000\(number)-fill/expand",
        up: """
          CREATE TABLE t\(number) (id INTEGER PRIMARY KEY, x);
          INSERT INTO t\(number)
            WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            SELECT i, hex(randomblob(20)) FROM n;
          """, down: "DROP TABLE t\(number);",
        directives: [
          "@verify all of it is there\nSELECT count(*) FROM t\(number) HAVING count(*) <> \(rows);"
        ])
    }
    return site
  }

  /// Ledger and schema say the same, and the file is whole.
  ///
  /// - Returns: how many phases are applied.
  @discardableResult
  func expectSound(_ comment: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
    // Before the shell, so that it is phasedb that finds what was left half done.
    let verify = try phasedb("verify -d shop.db")
    #expect(verify.code == 0, "\(comment): \(verify.summary)", sourceLocation: sourceLocation)
    let lines = try sqlite(
      """
      PRAGMA integrity_check;
      SELECT count(*) FROM sqlite_schema WHERE name GLOB 't[0-9]';
      SELECT count(*) FROM sqlite_schema WHERE name = 'phasedb_phase';
      """
    ).split(separator: "\n")
    try #require(lines.count == 3, "\(comment): \(lines)", sourceLocation: sourceLocation)
    #expect(lines[0] == "'ok'", "\(comment)", sourceLocation: sourceLocation)
    let phases = lines[2] == "1" ? try sqlite("SELECT count(*) FROM phasedb_phase") : "0\n"
    #expect("\(lines[1])\n" == phases, "\(comment)", sourceLocation: sourceLocation)
    return Int(lines[1]) ?? -1
  }
}

/// How much is tried: by `PHASEDB_FAULTS=all` ten times what every run of the tests can afford.
enum Effort {
  static let factor = ProcessInfo.processInfo.environment["PHASEDB_FAULTS"] == "all" ? 10 : 1

  /// By `PHASEDB_SEED=NUMBER` what an earlier run tried, else something new.
  static let seed =
    ProcessInfo.processInfo.environment["PHASEDB_SEED"].flatMap { UInt64($0) }
    ?? UInt64.random(in: 0...UInt64(UInt32.max))
}

@Suite("Runs at the same time")
struct TogetherTests {
  struct Race: Sendable, CustomTestStringConvertible {
    let runners: Int
    let mode: JournalMode
    var testDescription: String { "\(runners) runners, \(mode.testDescription)" }
  }

  static let races = JournalMode.allCases.flatMap { mode in
    [2, 4, 8].map { Race(runners: $0, mode: mode) }
  }

  @Test("up: everybody ends well, and every phase goes up once", arguments: races)
  func up(race: Race) throws {
    for round in 1...8 * Effort.factor {
      let site = try Site.busy(race.mode, rows: 50)
      let runs = try (0..<race.runners).map { _ in try site.start(["up", "-d", "shop.db"]) }
      for run in runs {
        let outcome = run.outcome()
        #expect(outcome.code == 0, "round \(round): \(outcome.summary)")
      }
      try site.expectSound("round \(round)")
      let log = try site.sqlite(
        "SELECT subject, count(*) FROM phasedb_log WHERE action = 'up' GROUP BY 1 ORDER BY 1")
      #expect(log == (1...4).map { "'000\($0)-fill/expand',1\n" }.joined(), "round \(round)")
    }
  }

  @Test("up and down: whoever wins, ledger and schema agree", arguments: JournalMode.allCases)
  func mixed(mode: JournalMode) throws {
    let site = try Site.busy(mode, rows: 50)
    let lines = ["up -d shop.db", "down 2 -d shop.db", "up 1 -d shop.db", "down --all -d shop.db"]
    for round in 1...10 * Effort.factor {
      let runs = try lines.map { try site.start($0.split(separator: " ").map(String.init)) }
      for (line, run) in zip(lines, runs) {
        let outcome = run.outcome()
        #expect([0, 2, 3, 4, 5].contains(outcome.code), "round \(round), \(line): \(outcome.summary)")
        #expect(outcome.signal == nil && (outcome.code == 0) == !outcome.errors.contains("error:"))
      }
      try site.expectSound("round \(round)")
      #expect(try site.phasedb("log --check -d shop.db").code == 0)
    }
  }
}
