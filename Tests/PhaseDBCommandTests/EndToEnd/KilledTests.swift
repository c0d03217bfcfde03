import Foundation
import Testing

@Suite("Runs that end in the middle")
struct KilledTests {
  struct Killing: Sendable, CustomTestStringConvertible {
    let mode: JournalMode
    /// Tells the rows of one mode apart, which run at the same time.
    let part: UInt64
    var testDescription: String { "\(mode.testDescription), part \(part)" }
  }

  static let killings = JournalMode.allCases.flatMap { mode in
    (1...2).map { Killing(mode: mode, part: $0) }
  }

  @Test("by a kill, up or down, leave whole phases, and the next run goes on", arguments: killings)
  func killed(row: Killing) throws {
    var seed = Effort.seed &+ row.part
    let first = seed
    let site = try Site.busy(row.mode, rows: 2_000)
    let began = ContinuousClock.now
    #expect(try site.phasedb("up -d shop.db").code == 0)
    let whole = ContinuousClock.now - began
    let count = 20 * Effort.factor
    var (run, interrupted) = (0, 0)
    var stands: [Int: Int] = [:]
    var applied = 4
    // A run that is over before its kill comes counts for nothing.
    while interrupted < count, run < 4 * count {
      run += 1
      // Every number of 64 bits in turn (Knuth's MMIX); the high bits are the random ones.
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let microseconds = Int(whole / .microseconds(1)) * Int(seed >> 48) / (1 << 16)
      let comment = "seed \(first), run \(run), killed after \(microseconds) µs"
      let isUp = applied == 0 || applied < 4 && !run.isMultiple(of: 3)
      let line = isUp ? ["up", "-d", "shop.db"] : ["down", "--all", "-d", "shop.db"]
      let program = try site.start(line)
      if !program.hasEnded(within: .microseconds(microseconds)) { program.send(SIGKILL) }
      let outcome = program.outcome()
      #expect(outcome.code == 0 || outcome.signal == SIGKILL, "\(comment): \(outcome.summary)")
      if outcome.signal == SIGKILL { interrupted += 1 }
      let before = applied
      applied = try site.expectSound(comment)
      #expect(isUp ? applied >= before : applied <= before, "\(comment)")
      #expect(outcome.signal == SIGKILL || applied == (isUp ? 4 : 0), "\(comment): \(outcome.summary)")
      stands[applied, default: 0] += 1
    }
    let rest = try site.phasedb("up -d shop.db")
    #expect(rest.code == 0, "seed \(first): \(rest.summary)")
    #expect(try site.expectSound("seed \(first)") == 4)
    #expect(interrupted == count, "seed \(first): of \(run) runs too few were killed before their end")
    print(
      "killed \(interrupted) of \(run) runs in \(row.testDescription), ending after 0 to 4 phases: "
        + "\((0...4).map { stands[$0, default: 0] }), seed \(first), \(ContinuousClock.now - began)")
  }

  struct StopCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let signal: Int32
    /// How many phases are done before the one that is stopped.
    let done: Int
    let code: Int32
    let error: String
  }

  @Test(
    "by a request to stop undo the phase that runs, and say where they stand",
    arguments: [
      StopCase(
        testDescription: "an interrupt in the first phase", signal: SIGINT, done: 0, code: 3,
        error: """
          error: running SQL: stopped on request [interrupted]
            --> migrations/0001-endless/expand.sql:4:1
             |
           4 | INSERT INTO endless
             | ^^^^^^
            state: 0001/expand was rolled back; the database is before the first phase
            help:  run the same command again
          """),
      StopCase(
        testDescription: "a request to end after one phase", signal: SIGTERM, done: 1, code: 4,
        error: """
          error: running SQL: stopped on request [interrupted]
            --> migrations/0002-endless/expand.sql:4:1
             |
           4 | INSERT INTO endless
             | ^^^^^^
            state: 0002/expand was rolled back; the database is at checkpoint 2 (0001/expand)
            help:  run the same command again
          """),
    ])
  func stopped(row: StopCase) throws {
    let site = try Site()
    // Without rows, as where a phase is tried first, it ends at once.
    try site.sqlite("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")
    if row.done == 1 { try site.table("a", in: "0001-first/expand") }
    try site.phase(
      "000\(row.done + 1)-endless/expand",
      up: """
        CREATE TABLE endless (x);
        INSERT INTO endless
          WITH RECURSIVE n (i) AS (SELECT x FROM mine UNION ALL SELECT 1 FROM n) SELECT i FROM n WHERE i > 1;
        """, down: "DROP TABLE endless;")
    let up = try site.start(["up", "-d", "shop.db"])
    let isRunning = up.reaches {
      site.exists("shop.db-journal") && (row.done == 0 || up.output.contains("applied  0001"))
    }
    #expect(isRunning, "\(up.output)\(up.errors)")
    up.send(row.signal)
    expectFailure(up.outcome(), row.code, row.error, at: site)
    let tables = try DatabaseContents(of: site)
    #expect(!tables.schema.contains("endless"))
    #expect(tables.ledger.isEmpty == (row.done == 0))
    #expect(try site.phasedb("verify -d shop.db").code == 0)
  }
}
