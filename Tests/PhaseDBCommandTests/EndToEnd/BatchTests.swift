import Foundation
import Testing

@testable import PhaseDBCommand

extension Site {
  /// A table whose rows are counted up by one in batches, so that what is done twice or left out shows.
  static func counting(_ mode: JournalMode, rows: Int, wide: Int = 0, verify: String? = nil) throws -> Site {
    let site = try Site()
    try site.sqlite(
      """
      PRAGMA journal_mode = \(mode);
      CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, w INTEGER NOT NULL DEFAULT 0, filler TEXT);
      INSERT INTO t (id, n, filler)
        WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < \(rows))
        SELECT x, x, hex(randomblob(\(wide) / 2)) FROM i;
      """)
    try site.phase(
      "0001-count/migrate", up: "UPDATE t SET n = n + 1 WHERE id BETWEEN :first AND :last;",
      down: "UPDATE t SET n = n - 1 WHERE id BETWEEN :first AND :last;",
      directives: ["@batch t"] + (verify.map { ["@verify it holds\n\($0);"] } ?? []))
    return site
  }

  /// An application that writes what it is told, line by line, and waits for the lock as long as it takes.
  func application() throws -> RunningProgram {
    let program = try RunningProgram(
      "/usr/bin/env", ["sqlite3", "-batch", "-bail", "shop.db"], in: path(""), environment: Self.environment,
      takesInput: true)
    try program.type(".timeout 60000")
    return program
  }

  /// How many rows are counted up once, and how many there are.
  func counted() throws -> String {
    try sqlite("SELECT count(*), sum(n = id + 1), sum(n = id) FROM t").trimmingCharacters(in: .newlines)
  }

  func batchStatus() throws -> String { try phasedb("status -d shop.db").output }
}

@Suite("Batches that end in the middle")
struct KilledBatchTests {
  @Test(
    "by a kill at any moment: every row is changed once, no write of the application is lost",
    arguments: JournalMode.allCases)
  func killed(mode: JournalMode) throws {
    var seed = Effort.seed &+ (mode == .wal ? 1 : 0)
    let first = seed
    let (rows, count) = (20_000, 150)
    let site = try Site.counting(mode, rows: rows)
    let application = try site.application()
    var (run, killed, writes, direction) = (0, 0, 0, "up")
    // A run that is over before its kill comes counts for nothing.
    while killed < count, run < 4 * count {
      run += 1
      // Every number of 64 bits in turn (Knuth's MMIX); the high bits are the random ones.
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let started = try site.start([direction, "-d", "shop.db", "--max-batch", "150"])
      for _ in 0..<3 {
        writes += 1
        try application.type("UPDATE t SET w = w + 1 WHERE id = \(1 + Int(seed >> 40) % rows);")
      }
      if !started.hasEnded(within: .microseconds(5_000 + Int(seed >> 48))) { started.send(SIGKILL) }
      let outcome = started.outcome()
      #expect(outcome.code == 0 || outcome.signal == SIGKILL, "seed \(first), run \(run): \(outcome.summary)")
      if outcome.signal == SIGKILL { killed += 1 } else { direction = direction == "up" ? "down" : "up" }
    }
    try application.closeInput()
    #expect(application.outcome().code == 0, "\(application.errors)")
    let rest = try site.phasedb("up -d shop.db")
    #expect(rest.code == 0, "seed \(first): \(rest.summary)")
    #expect(try site.counted() == "\(rows),\(rows),0", "seed \(first)")
    #expect(try site.sqlite("SELECT sum(w) FROM t") == "\(writes)\n")
    #expect(try site.sqlite("PRAGMA integrity_check") == "'ok'\n")
    #expect(try site.phasedb("verify -d shop.db").code == 0)
    #expect(try site.phasedb("log --check -d shop.db").code == 0)
    #expect(killed == count, "seed \(first): of \(run) runs too few were killed before their end")
    print("killed \(killed) of \(run) batched runs in \(mode.testDescription), seed \(first)")
  }

  @Test(
    "by a request to stop: after the batch, with exit code 4 and the way on", arguments: [SIGINT, SIGTERM])
  func stopped(signal: Int32) throws {
    let site = try Site.counting(.wal, rows: 20_000)
    let up = try site.start(["up", "-d", "shop.db", "--max-batch", "100", "--pause", "20ms"])
    #expect(up.reaches { (try? site.counted().hasSuffix(",0,20000")) == false })
    up.send(signal)
    let outcome = up.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(outcome.errors.contains("error: stopped on request [interrupted]"))
    #expect(
      outcome.errors.contains(
        "help:  continue with: phasedb up -d shop.db\n         or undo it with: phasedb down -d shop.db"))
    let status = try site.batchStatus()
    #expect(status.contains("half done 0001-count/migrate going up: "), "\(status)")
    #expect(status.contains("paused (interrupted)"))
    #expect(try site.phasedb("status --check -d shop.db").code == 1)
    #expect(try site.phasedb("plan -d shop.db").output.contains("0001/migrate is under way up"))
    #expect(try site.phasedb("checkpoint create here -d shop.db").errors.contains("[phase-in-progress]"))
    #expect(try site.phasedb("verify -d shop.db").code == 0)
    let down = try site.phasedb("down -d shop.db")
    #expect(down.code == 0, "\(down.summary)")
    #expect(try site.counted() == "20000,0,20000")
  }

  @Test("because a claim does not hold: taken back, exit code 3")
  func claim() throws {
    let site = try Site.counting(.wal, rows: 5_000, verify: "SELECT id FROM t WHERE n = 77")
    let up = try site.phasedb("up -d shop.db")
    #expect(up.code == 3, "\(up.summary)")
    #expect(up.errors.contains("every batch of 0001/migrate was undone"))
    #expect(try site.counted() == "5000,0,5000")
    #expect(try site.phasedb("status -d shop.db").output.contains("pending"))
  }
}

@Suite("Batches beside others")
struct BatchesBesideOthersTests {
  @Test("end although rows come and go at full speed")
  func churn() throws {
    let site = try Site.counting(.wal, rows: 30_000)
    let application = try site.application()
    try application.type(
      """
      .timeout 60000
      CREATE TABLE IF NOT EXISTS noise (x);
      """)
    let up = try site.start([
      "up", "-d", "shop.db", "--max-batch", "500", "--override", "drift", "--reason", "noise",
    ])
    var next = 30_001
    while !up.hasEnded(within: .microseconds(200)), next < 200_000 {
      try application.type(
        "INSERT INTO t (id, n) VALUES (\(next), \(next) + 1); DELETE FROM t WHERE id = \(next) - 5;")
      next += 1
    }
    let outcome = up.outcome()
    try application.closeInput()
    _ = application.outcome()
    #expect(outcome.code == 0 || outcome.errors.contains("[schema-drift]"), "\(outcome.summary)")
    let rest = try site.phasedb("up -d shop.db --override drift --reason noise")
    #expect(rest.code == 0, "\(rest.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM t WHERE id <= 30000 AND n <> id + 1") == "0\n")
  }

  @Test("pause while a reader pins the write-ahead log, and go on when it leaves")
  func pinned() throws {
    let site = try Site.counting(.wal, rows: 60_000, wide: 3_000)
    let reader = try site.application()
    try reader.type("BEGIN; SELECT count(*) FROM t WHERE id < 10;")
    #expect(reader.reaches { reader.output.contains("9") })
    let up = try site.start(["up", "-d", "shop.db", "--wait", "60s"])
    let paused = up.reaches { up.errors.contains("pauses (wal-pinned-by-reader)") }
    #expect(paused, "\(up.output)\(up.errors)")
    #expect(try site.batchStatus().contains("paused (wal-pinned-by-reader): an open reader keeps"))
    try reader.type("COMMIT;")
    try reader.closeInput()
    let outcome = up.outcome()
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(outcome.errors.contains("0001/migrate continues"))
    // It pauses above 64 MB.
    #expect(outcome.errors.contains(#/keeps (6[4-9]|[7-9]\d) MB/#), "\(outcome.summary)")
    #expect(try site.counted() == "60000,60000,0")
  }

  @Test("pause when the disk is nearly full, and lose nothing", .enabled(if: Surroundings.canMount))
  func disk() throws {
    let site = try Site.counting(.wal, rows: 20_000, wide: 400)
    try site.mount("disk", kilobytes: 48_000)
    try FileManager.default.moveItem(atPath: site.path("shop.db"), toPath: site.path("disk/shop.db"))
    // By a program of its own: one that another test starts meanwhile could inherit our descriptor, and keep the room.
    _ = try site.run("dd", "if=/dev/zero", "of=disk/ballast", "bs=1000000", "count=34")
    let up = try site.phasedb("up -d disk/shop.db --wait 1s")
    #expect(up.code == 4 || up.code == 3, "\(up.summary)")
    #expect(up.errors.contains("(disk-low)"), "\(up.summary)")
    try site.remove("disk/ballast")
    let rest = try site.phasedb("up -d disk/shop.db")
    #expect(rest.code == 0, "\(rest.summary)")
    #expect(
      try site.sqlite("SELECT count(*), sum(n = id + 1) FROM t", on: "disk/shop.db") == "20000,20000\n")
  }

  @Test("of one runner make another wait, or end with exit code 5 and say who holds them")
  func runners() throws {
    let site = try Site.counting(.wal, rows: 20_000)
    let first = try site.start(["up", "-d", "shop.db", "--max-batch", "100", "--pause", "10ms"])
    #expect(first.reaches { (try? site.counted().hasSuffix(",0,20000")) == false })
    let hasty = try site.phasedb("up -d shop.db --wait 50ms")
    #expect(
      hasty.code == 5 && hasty.errors.contains("has been running 'up of 0001/migrate' since"),
      "\(hasty.summary)")
    let patient = try site.phasedb("up -d shop.db --wait 60s")
    #expect(patient.code == 0, "\(patient.summary)")
    #expect(first.outcome().code == 0)
    #expect(try site.counted() == "20000,20000,0")
  }

  @Test("keep to the hold where rows are ten times as wide")
  func wide() throws {
    let site = try Site.counting(.wal, rows: 20_000, wide: 100)
    try site.sqlite("UPDATE t SET filler = hex(randomblob(2000)) WHERE id > 10000")
    let up = try site.phasedb("up -d shop.db")
    #expect(up.code == 0, "\(up.summary)")
    #expect(try site.counted() == "20000,20000,0")
  }
}

@Suite("The progress of batches")
struct BatchProgressOutputTests {
  @Test("is a bar on a terminal, taken away at the end", .enabled(if: Surroundings.canGiveTerminal))
  func terminal() throws {
    let site = try Site.counting(.wal, rows: 20_000)
    let program = try BuiltProgram.path()
    let outcome = try site.run(
      "script", "-qec", "'\(program)' up -d shop.db --max-batch 200 --pause 5ms", "/dev/null")
    #expect(outcome.output.contains("0001/migrate up  "), "\(outcome.output)")
    #expect(outcome.output.contains("rows/s  hold "))
    #expect(outcome.output.contains("estimating") || outcome.output.contains(" left"))
    #expect(outcome.output.contains("\r\u{1B}[K"))
    #expect(outcome.output.contains("applied"))
  }

  @Test("is events for a program, one a line")
  func events() throws {
    let site = try Site.counting(.wal, rows: 5_000)
    let up = try site.phasedb("up -d shop.db --format json")
    #expect(up.code == 0, "\(up.summary)")
    let line = try #require(up.errors.split(separator: "\n").first)
    let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(event["event"] as? String == "progress" && event["phase"] as? String == "0001-count/migrate")
    #expect(event["command"] as? String == "up" && event["version"] as? Int == 1)
    let progress = try #require(event["progress"] as? [String: Any])
    #expect(progress["rows"] as? Int == 0)
  }

  @Test("is nothing for who wants quiet, and nothing for a short run that nobody watches")
  func quiet() throws {
    let site = try Site.counting(.wal, rows: 2_000)
    #expect(try site.phasedb("up -d shop.db").errors.contains("0001/migrate up:") == false)
    #expect(try site.phasedb("down -q -d shop.db").errors == "")
  }
}
