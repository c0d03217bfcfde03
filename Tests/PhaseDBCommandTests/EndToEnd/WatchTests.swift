import Foundation
import Testing

@testable import PhaseDBCommand

/// `up --watch` and `watch`, by the built program with real commands as probes.
@Suite("Watching from the command line")
struct WatchTests {
  /// A shop with a table and three orders, and a phase that is watched. The probe `checkout` fails as long as there is a
  /// file `broken`.
  static func shop(
    _ watch: String = "@watch 400ms every 100ms then reverse",
    probe: String = "@probe checkout  fails after 2",
    command: String = #"["sh", "-c", "test ! -e broken"]"#, more: String = "", rehearsed: Bool = true
  ) throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-shop/expand", up: "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT);",
      down: "DROP TABLE orders;")
    try site.expect(0, "up -d shop.db")
    _ = try site.sqlite("INSERT INTO orders (total) VALUES (5), (7), (9)")
    try site.write(
      """
      -- @window storefront >=1.0 <2.0
      -- \(watch)
      -- @up
      ALTER TABLE orders ADD COLUMN customer TEXT;
      -- @down
      ALTER TABLE orders DROP COLUMN customer;
      -- \(probe)
      """, to: "migrations/0002-name/expand.sql")
    try site.write(
      "{ \"probes\": { \"checkout\": { \"command\": \(command)\(more) } } }", to: "phasedb.json")
    if rehearsed { try site.expect(0, "rehearse -d shop.db") }
    return site
  }

  /// Until the time between two samples is over.
  static func letASampleBeDue() { Thread.sleep(forTimeInterval: 0.15) }

  @Test("a good release passes and a bad one comes back: exit codes, words, the log and the documents")
  func goodAndBad() throws {
    let good = try Self.shop()
    let passed = try good.expect(0, "up --watch -d shop.db")
    #expect(passed.output.contains("passed 0002-name/expand: 4 samples"))
    #expect(passed.output.contains("next: phasedb verify -d shop.db"))
    try good.expect(0, "status --check -d shop.db")

    let bad = try Self.shop()
    // It breaks with the first sample after the phase.
    try bad.write("", to: "later")
    let run = try bad.start(["up", "--watch", "-d", "shop.db"])
    #expect(run.reaches { run.output.contains("applied") })
    try bad.write("", to: "broken")
    let outcome = run.outcome()
    #expect(outcome.code == 3, "\(outcome.summary)")
    #expect(outcome.output.contains("failed, reversing 0002-name/expand: 'checkout' failed: exit code 1"))
    #expect(outcome.output.contains("REVERSED, AND IT DID NOT HELP: 0002-name/expand"))
    #expect(outcome.errors.contains("watching 0002/expand, after the way back: 'checkout' fails"))
    let log = try bad.expect(0, "log --check -d shop.db").output
    #expect(log.contains("reversed-no-help: 'checkout' failed"))
    let held = try bad.expect(0, "up -d shop.db").output
    #expect(held.contains("0002/expand reversed: this text came down by itself"))
    try bad.expect(2, "up --to 0002 -d shop.db")
  }

  @Test("plain up begins the watch, --once takes what is due, and freeze, waive and unfreeze are heard")
  func decisions() throws {
    let site = try Self.shop("@watch 400ms every 100ms then hold")
    let up = try site.expect(0, "up -d shop.db")
    #expect(up.output.contains("next: phasedb watch -d shop.db"))
    try site.expect(0, "status --check -d shop.db")
    Self.letASampleBeDue()
    try site.expect(0, "watch --once -d shop.db")
    #expect(
      try site.expect(0, "status -d shop.db").output.contains(
        "watch     0002/expand: watching, sample 1 of 4"))
    let frozen = try site.run(
      BuiltProgram.path(), "watch", "freeze", "--for", "2h", "--reason", "network works", "-d", "shop.db")
    #expect(frozen.code == 0)
    #expect(
      try site.expect(0, "status -d shop.db").output.contains("frozen    watches were frozen by operator@"))
    try site.write("", to: "broken")
    let failed = try site.expect(4, "watch -d shop.db")
    try site.expect(1, "status --check -d shop.db")
    let wayBack = "next: decide whether 0002/expand stays, then: phasedb down -d shop.db"
    #expect(failed.output.contains(wayBack))
    #expect(try site.expect(0, "status -d shop.db").output.contains(wayBack))
    try site.expect(0, "watch waive 0002 --reason seen -d shop.db")
    try site.expect(0, "watch unfreeze -d shop.db")
    try site.expect(0, "status --check -d shop.db")
    try site.expect(2, "watch waive 0002 --reason seen -d shop.db")
    for line in [
      "watch waive -d shop.db", "watch waive 0002 -d shop.db", "watch freeze -d shop.db",
      "watch --reason x -d shop.db", "watch unfreeze --for 2h -d shop.db", "watch 0002 -d shop.db",
      "watch freeze 0002 --reason x -d shop.db",
    ] {
      try site.expect(64, line)
    }
  }

  @Test(
    "a command that does not answer makes a sample unknown, whatever it does",
    arguments: [
      (#"["sh", "-c", "exit 7"]"#, "", "exit code 7"),
      (#"["sh", "-c", "kill -9 $$"]"#, "", "it was ended by signal 9"),
      (#"["no-such-program"]"#, "", "no-such-program cannot be run: No such file or directory"),
      (#"["./phasedb.json"]"#, "", "phasedb.json cannot be run: Permission denied"),
      (#"["sleep", "60"]"#, #", "timeout": "100ms""#, "it took longer than 100ms"),
      (#"["sh", "-c", "sleep 60 & sleep 60 & exit 7"]"#, "", "exit code 7"),
      (
        #"["sh", "-c", "yes | head -c 1000000000; exit 3"]"#, #", "timeout": "30s""#, "exit code 3: y"
      ),
      (#"["echo", "many"]"#, #", "number": true"#, "its last line is no number: many"),
      (#"["true"]"#, #", "number": true"#, "there is no value"),
      (#"["echo", "nan"]"#, #", "number": true"#, "its last line is no number: nan"),
      (#"["printf", "1\\n\\033[2Jx"]"#, #", "number": true"#, "its last line is no number: "),
    ] as [(String, String, String)])
  func badCommands(_ command: String, _ more: String, _ reason: String) throws {
    let expectation = more.contains("number") ? "at most 800" : "fails after 2"
    let site = try Self.shop(
      probe: "@probe checkout  \(expectation)", command: command, more: more, rehearsed: false)
    try site.expect(0, "up -d shop.db")
    Self.letASampleBeDue()
    let outcome = try site.expect(0, "watch --once -d shop.db --format json")
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    #expect(outcome.errors.contains("unknown"))
    #expect(!outcome.errors.unicodeScalars.contains("\u{1B}"))
  }

  @Test("a number is the last line, and its reason says what was expected")
  func numbers() throws {
    let site = try Self.shop(
      probe: "@probe checkout  at most 800  fails after 1", command: #"["sh", "-c", "echo ms; cat ms"]"#,
      more: #", "number": true"#)
    try site.write("799.5\n\n", to: "ms")
    try site.expect(0, "up -d shop.db")
    try site.expect(0, "watch --once -d shop.db")
    try site.write("912\n", to: "ms")
    let outcome = try site.expect(3, "watch -d shop.db")
    #expect(outcome.output.contains("'checkout' failed: 912 is not at most 800"))
  }

  @Test("onWatch gets each verdict as JSON, and its failure changes nothing")
  func told() throws {
    let site = try Self.shop()
    try site.write(
      #"{ "probes": { "checkout": { "command": ["true"] } }, "onWatch": ["sh", "-c", "cat >> told; exit 3"] }"#,
      to: "phasedb.json")
    let outcome = try site.expect(0, "up --watch -d shop.db")
    #expect(outcome.errors.contains("note: onWatch: sh did not end well"))
    let told = try String(contentsOfFile: site.path("told"), encoding: .utf8)
    #expect(told.hasPrefix(#"{"beat":"#) && told.contains(#""verdict":"passed""#) && told.hasSuffix("\n"))
    #expect(told.split(separator: "\n").count == 1)
  }

  @Test("killed at any moment, the next one comes to the same verdict and reverses once", arguments: 0..<3)
  func killed(_ number: Int) throws {
    let site = try Self.shop("@watch 2s every 30ms then reverse", probe: "@probe checkout  fails after 4")
    try site.expect(0, "up -d shop.db")
    try site.write("", to: "broken")
    for attempt in 0..<10 {
      let run = try site.start(["watch", "-d", "shop.db"])
      if run.hasEnded(within: .milliseconds(20 + (number * 37 + attempt * 53) % 180)) { break }
      run.send(SIGKILL)
      _ = run.outcome()
    }
    let last = try site.phasedb("watch -d shop.db")
    #expect([0, 3].contains(last.code), "\(last.summary)")
    let log = try site.expect(0, "log --check -d shop.db").output
    #expect(log.components(separatedBy: " down ").count == 2, "\(log)")
    #expect(log.contains("reversed-no-help"), "\(log)")
    let rows = try site.sqlite("SELECT group_concat(total) FROM orders; PRAGMA integrity_check")
    #expect(rows == "'5,7,9'\n'ok'\n")
  }

  @Test("what another operator takes down while up --watch goes on stays down")
  func takenDown() throws {
    let site = try Self.shop("@watch 1h every 100ms")
    let run = try site.start(["up", "--watch", "-d", "shop.db"])
    #expect(run.reaches { run.errors.contains("sample 1") })
    try site.expect(0, "down -d shop.db")
    let outcome = run.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(outcome.errors.contains("was taken down by somebody else while this run watched [ledger-moved]"))
    #expect(try site.sqlite("SELECT group_concat(phase) FROM phasedb_phase") == "'0001-shop/expand'\n")
  }

  @Test("a second watcher gets exit code 5, and a stopped one says how to go on")
  func two() throws {
    let site = try Self.shop("@watch 1h every 100ms")
    try site.expect(0, "up -d shop.db")
    let first = try site.start(["watch", "-d", "shop.db"])
    #expect(first.reaches { first.errors.contains("sample 1") })
    let second = try site.phasedb("watch -d shop.db --wait 500ms")
    #expect(second.code == 5, "\(second.summary)")
    #expect(second.errors.contains("watches already [watch-held]"))
    first.send(SIGINT)
    let outcome = first.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(outcome.errors.contains("go on: phasedb watch -d shop.db"))
    try site.expect(0, "watch --once -d shop.db")
  }
}
