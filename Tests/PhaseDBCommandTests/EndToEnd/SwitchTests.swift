import Foundation
import Testing

@testable import PhaseDBCommand

/// `phasedb switch` and what `down` and `watch` do with switches, by the built program.
@Suite("Switches from the command line")
struct SwitchTests {
  /// A shop whose second migration makes a switch; the probe `checkout` fails as long as there is a file `broken`.
  static func site(
    name: String = "new-pricing", settle: String = "0ms", watch: String = "1h every 100ms",
    failures: Int = 2
  ) throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-shop/expand", up: "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT);",
      down: "DROP TABLE orders;")
    try site.write(
      #"{ "switchSettle": "\#(settle)", "probes": { "checkout": { "command": ["sh", "-c", "test ! -e broken"] } } }"#,
      to: "phasedb.json")
    try site.expect(0, "up -d shop.db")
    _ = try site.sqlite("INSERT INTO orders (total) VALUES (5), (7), (9)")
    try site.phase(
      "0002-price/expand", up: "ALTER TABLE orders ADD COLUMN price INT;",
      down: "ALTER TABLE orders DROP COLUMN price;\n-- @probe checkout  fails after \(failures)",
      directives: [#"@switch "\#(name)""#, "@watch \(watch)"])
    try site.expect(0, "up -d shop.db --live storefront@1.5")
    return site
  }

  @Test("set, list, test, pin, close and log say what happened, in words and in JSON")
  func ordinaryDay() throws {
    let site = try Self.site()
    #expect(try site.expect(0, "switch list -d shop.db").output.contains("new-pricing     0 %"))
    let set = try site.expect(0, "switch set new-pricing 25% --reason calm -d shop.db")
    #expect(set.output.hasPrefix("'new-pricing' is on for 25 %, before for 0 %\n"))
    #expect(
      try site.expect(0, "switch set new-pricing 25% --reason calm -d shop.db").output.hasPrefix(
        "nothing to change: 'new-pricing' is at 25 %\n"))
    try site.expect(0, "switch pin new-pricing 4711 on --reason staff -d shop.db")
    try site.expect(0, "switch pin new-pricing 4712 off -d shop.db")
    let tested = try site.expect(0, "switch test new-pricing 4711 4712 4713 -d shop.db").output
    #expect(tested.contains("4711     on      pinned on\n4712     off     pinned off\n4713     o"))
    let json = try site.json("switch test new-pricing 4711 4713 -d shop.db --format json")
    let answers = try #require(json["answers"] as? [[String: Any]])
    #expect(answers.map { $0["subject"] as? String } == ["4711", "4713"])
    #expect(answers[0]["on"] as? Bool == true && answers[0]["pinned"] as? Bool == true)
    let bucket = try #require(answers[1]["bucket"] as? Int)
    #expect((answers[1]["on"] as? Bool) == (bucket < 2_500))
    let one = try #require(
      try site.json("switch list new-pricing -d shop.db --format json")["switches"] as? [[String: Any]])
    #expect(one[0]["percent"] as? Double == 25 && (one[0]["pins"] as? [Any])?.count == 2)
    #expect(
      try site.expect(0, "status -d shop.db").output.contains(
        "switch    new-pricing: 25 %, 1 pinned on, 1 pinned off"))
    try site.expect(0, "switch unpin new-pricing 4712 -d shop.db")
    let closed = try site.expect(0, "switch close new-pricing -d shop.db")
    #expect(closed.output.hasPrefix("closed 'new-pricing', which was at 25 %, 1 pinned on\n"))
    let log = try site.expect(0, "log --check -d shop.db").output
    for line in [
      "new-pricing  made by 0002/expand", "new-pricing  0 % to 25 %: calm",
      "new-pricing  pinned on: 4711, staff",
      "new-pricing  pinned off: 4712", "new-pricing  unpinned: 4712",
      "new-pricing  closed at 25 %, no longer pinned on: 4711", "the hash chain is intact",
    ] {
      #expect(log.contains(line), "\(line) in \(log)")
    }
  }

  @Test("a name with quotes, spaces and other letters is a name everywhere")
  func hostileName() throws {
    let name = "new 'price' “ü”"
    let site = try Self.site(name: name)
    for words in [
      ["switch", "set", name, "100%", "--reason", "it's on"], ["switch", "pin", name, "O'Brien", "off"],
      ["switch", "test", name, "O'Brien", "日本"], ["switch", "list", name],
    ] {
      let outcome = try site.start(words + ["-d", "shop.db"]).outcome()
      #expect(outcome.code == 0, "\(outcome.summary)")
    }
    let sql = try site.start(["switch", "sql", name]).outcome().output
    try site.write(".parameter init\n.parameter set :subject \"'日本'\"\n\(sql)", to: "ask.sql")
    #expect(try site.run("sqlite3", "-batch", "shop.db", ".read ask.sql").output == "1\n")
    let names = try site.expect(0, "completions names switch -d shop.db").output
    #expect(names == "\(name)\n")
  }

  @Test(
    "an exposure that is none is refused with why, and nothing is changed",
    arguments: [
      ("101%", "'101%' is more than 100 %"), ("-1", "'-1' is less than 0 %"),
      ("-1%", "'-1%' is less than 0 %"), ("12.345%", "'12.345%' has more than two decimals"),
      ("25", "'25' has no percent sign: write 25% or 0.5%"), ("many%", "'many%' is not a number"),
    ])
  func refused(_ word: String, _ why: String) throws {
    let site = try Site()
    let outcome = try site.phasedb("switch set new-pricing \(word) --reason x -d shop.db")
    #expect(outcome.code == 64)
    #expect(
      outcome.errors.contains("N% takes a number from 0% to 100%, and \(why)"), "\(outcome.errors)")
  }

  @Test("lines that are wrong are refused before anything is opened")
  func usage() throws {
    let site = try Site()
    for line in [
      "switch", "switch set new-pricing 25% -d shop.db", "switch set new-pricing --reason x",
      "switch pin new-pricing 1 maybe", "switch pin new-pricing 1", "switch test new-pricing",
      "switch ramp new-pricing 1%,10%", "switch ramp new-pricing 1%,10% every",
      "switch ramp new-pricing 1% every 0s", "switch ramp new-pricing 30m",
      "switch ramp new-pricing 10%,1% every 30m", "switch ramp new-pricing 0%,1% every 30m",
      "switch ramp new-pricing 1%,,2% every 30m", "switch ramp new-pricing 1%,101% every 30m",
      "switch close", "switch close a b",
    ] {
      try site.expect(64, line)
    }
    try site.expect(2, "switch close s -d none.db")
  }

  @Test(
    "close works with a broken folder, broken settings, a lease of somebody else and a schema that has drifted"
  )
  func closeAlways() throws {
    let site = try Self.site()
    try site.expect(0, "switch set new-pricing 50% --reason x -d shop.db")
    try site.write("this is no phase", to: "migrations/0002-price/expand.sql")
    try site.write("{ nonsense", to: "phasedb.json")
    _ = try site.sqlite(
      """
      CREATE TABLE theirs (a);
      INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')
      """)
    #expect(try site.phasedb("switch set new-pricing 60% --reason x -d shop.db --wait 0ms").code == 5)
    let closed = try site.expect(0, "switch close new-pricing -d shop.db --wait 0ms")
    #expect(closed.output.hasPrefix("closed 'new-pricing', which was at 50 %"))
    #expect(try site.sqlite("SELECT exposure FROM phasedb_switch") == "0\n")
    #expect(
      try site.expect(0, "switch close new-pricing -d shop.db").output.hasPrefix(
        "nothing to change: 'new-pricing' is at 0 %"))
  }

  @Test("plan down says what it closes and how long it waits, down does so, and once closed nobody waits")
  func down() throws {
    let site = try Self.site(settle: "1s")
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    let plan = try site.expect(0, "plan down -d shop.db").output
    #expect(
      Self.words(plan).contains(
        "first: close the switch 'new-pricing', which is at 25 %, and wait 1.0 s before 0002/expand"))
    let json = try site.json("plan down -d shop.db --format json")
    let closing = try #require((json["closing"] as? [[String: Any]])?.first)
    #expect(
      closing["phase"] as? String == "0002-price/expand" && closing["waitMilliseconds"] as? Double == 1_000)
    let down = try site.expect(0, "down -d shop.db")
    #expect(
      down.output.contains(
        "closed   'new-pricing'; waiting 1.0 s before 0002/expand comes down"))
    #expect(down.duration >= .seconds(1))
    try site.expect(0, "up -d shop.db --live storefront@1.5")
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    let told = try site.expect(0, "down -d shop.db --format json").errors
    #expect(told.contains(#""event":"switches-closed""#) && told.contains(#""switches":["new-pricing"]"#))
  }

  private static func words(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  @Test("a restore says in words and in JSON which switches become others")
  func restored() throws {
    let site = try Self.site()
    try site.makeFolder("snapshots")
    try site.expect(0, "switch set new-pricing 50% --reason x -d shop.db")
    try site.expect(0, "switch pin new-pricing 4711 on -d shop.db")
    try site.expect(0, "checkpoint create before --snapshot snapshots -d shop.db")
    try site.expect(0, "switch close new-pricing -d shop.db")
    let told = try site.expect(2, "checkpoint restore before -d shop.db").errors
    #expect(!told.contains("has not changed") && told.contains("switch new-pricing: 0 % becomes 50 %"))
    #expect(told.contains("switch new-pricing: again pinned on: 4711"))
    let outcome = try site.expect(0, "checkpoint restore before --confirm before -d shop.db --format json")
    #expect(try JSONSchema.output.problems(in: outcome.output) == [], "\(outcome.output)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let lost = try #require((json["lost"] as? [String: Any])?["switches"] as? [[String: Any]])
    #expect(lost.count == 1 && lost[0]["percentBefore"] as? Double == 0)
    #expect(lost[0]["percentAfter"] as? Double == 50)
    #expect((lost[0]["pinsBack"] as? [[String: Any]])?.first?["subject"] as? String == "4711")
  }

  @Test("a way down that finds its switch closed a moment ago says that it waits, and closes nothing")
  func closedEarlier() throws {
    let site = try Self.site(settle: "3s")
    try site.expect(0, "switch set new-pricing 50% --reason x -d shop.db")
    try site.expect(0, "switch close new-pricing -d shop.db")
    let plan = try site.json("plan down -d shop.db --format json")
    let closing = try #require((plan["closing"] as? [[String: Any]])?.first)
    let wait = try #require(closing["waitMilliseconds"] as? Double)
    #expect((closing["switches"] as? [String])?.isEmpty == true && wait == wait.rounded())
    let down = try site.expect(0, "down -d shop.db").output
    #expect(!down.contains("closed   ") && down.contains("because its switch was closed a moment ago"))
  }

  @Test("stopped while it waits, the switch is closed, the phase is up, and the exit code is 4")
  func interrupted() throws {
    let site = try Self.site(settle: "10m")
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    let run = try site.start(["down", "-d", "shop.db"])
    #expect(run.reaches { run.output.contains("closed   'new-pricing'") })
    run.send(SIGINT)
    let outcome = run.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(outcome.errors.contains("the switch 'new-pricing' was closed before and stays closed"))
    #expect(outcome.duration < .seconds(60))
    #expect(try site.sqlite("SELECT exposure FROM phasedb_switch") == "0\n")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_lease") == "0\n")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_phase") == "2\n")
  }

  @Test("killed at any moment of a way down, nothing is down while the switch is open", arguments: 0..<16)
  func killed(_ number: Int) throws {
    let site = try Self.site(settle: "60ms")
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    let run = try site.start(["down", "-d", "shop.db"])
    if number % 4 == 3 {
      #expect(run.reaches { run.output.contains("closed   'new-pricing'") })
    }
    _ = run.hasEnded(within: .milliseconds(number * 12))
    run.send(SIGKILL)
    _ = run.outcome()
    let state = try site.sqlite(
      """
      SELECT coalesce((SELECT exposure FROM phasedb_switch), 'none') || ' ' || (SELECT count(*) FROM phasedb_phase)
        || ' ' || (SELECT count(*) FROM pragma_table_info('orders') WHERE name = 'price')
      """)
    #expect(["'2500 2 1'\n", "'0 2 1'\n", "'none 1 0'\n"].contains(state), "\(state)")
    try site.expect(0, state == "'none 1 0'\n" ? "status -d shop.db" : "down -d shop.db")
    let log = try site.json("log --check -d shop.db --format json")
    let entries = try #require(log["entries"] as? [[String: Any]])
    let closed = try #require(
      entries.firstIndex { ($0["detail"] as? String)?.hasPrefix("closed at 25 %") == true })
    let down = try #require(entries.firstIndex { $0["action"] as? String == "down" })
    #expect(closed < down)
    #expect((log["broken"] as? [Any])?.isEmpty == true)
  }

  @Test("a watch closes the switch of its phase and stops there when the probe passes again")
  func contained() throws {
    let site = try Self.site()
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    try site.write("", to: "broken")
    let run = try site.start(["watch", "-d", "shop.db"])
    #expect(run.reaches { run.output.contains("failed, switch closed") })
    try site.remove("broken")
    let outcome = run.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(
      outcome.output.contains(
        "contained 0002-price/expand: 'checkout' failed: exit code 1; the switch 'new-pricing' was closed, and every probe passes again"
      ))
    #expect(try site.sqlite("SELECT exposure FROM phasedb_switch") == "0\n")
    #expect(try site.expect(1, "status --check -d shop.db").output.contains("is contained"))
    try site.expect(0, "watch waive 0002 --reason seen -d shop.db")
  }

  @Test("killed between closing and verdict, the next watch goes on to the same one", arguments: 0..<3)
  func containedKilled(_ number: Int) throws {
    // More failures than one run between two kills can see.
    let site = try Self.site(failures: 12)
    try site.expect(0, "switch set new-pricing 25% --reason x -d shop.db")
    try site.write("", to: "broken")
    for attempt in 0..<40 {
      let run = try site.start(["watch", "-d", "shop.db"])
      _ = run.hasEnded(within: .milliseconds(150 + number * 13 + attempt * 15))
      run.send(SIGKILL)
      _ = run.outcome()
      if try site.sqlite("SELECT verdict FROM phasedb_watch") != "'watching'\n" { break }
    }
    try #require(
      try site.sqlite("SELECT verdict, (SELECT exposure FROM phasedb_switch) FROM phasedb_watch")
        == "'containing',0\n")
    try site.remove("broken")
    #expect(try site.phasedb("watch -d shop.db").code == 4)
    #expect(try site.sqlite("SELECT verdict FROM phasedb_watch") == "'contained'\n")
    #expect(
      try site.expect(0, "log --check -d shop.db").output.components(separatedBy: "closed at 25 %").count == 2
    )
  }

  @Test("a ramp raises step by step, goes on after SIGKILL, and closes the switch when a probe fails")
  func ramp() throws {
    let site = try Self.site()
    let good = try site.expect(0, "switch ramp new-pricing 1%,10% every 250ms -d shop.db")
    #expect(good.output.contains("raised 'new-pricing' to 1 %, step 1 of 2, judged for 250 ms"))
    #expect(good.output.contains("passed 'new-pricing': at 10 %"))
    let run = try site.start(["switch", "ramp", "new-pricing", "50%,100%", "every", "1h", "-d", "shop.db"])
    #expect(run.reaches { run.output.contains("raised") })
    let second = try site.phasedb("switch ramp new-pricing -d shop.db --wait 0ms")
    #expect(second.code == 5, "\(second.summary)")
    run.send(SIGKILL)
    _ = run.outcome()
    #expect(
      try site.expect(0, "switch list new-pricing -d shop.db").output.contains("ramp      step 1 of 2, since")
    )
    Thread.sleep(forTimeInterval: 0.15)
    let once = try site.expect(0, "switch ramp new-pricing --once -d shop.db --format json")
    #expect(once.errors.contains(#""event":"ramp-sample""#), "\(once.summary)")
    try site.write("", to: "broken")
    let bad = try site.expect(3, "switch ramp new-pricing -d shop.db")
    #expect(bad.output.contains("failed and closed 'new-pricing': 'checkout' failed at 50 %: exit code 1"))
    #expect(try site.sqlite("SELECT exposure FROM phasedb_switch") == "0\n")
    try site.remove("broken")
    let stopped = try site.start(["switch", "ramp", "new-pricing", "5%", "every", "1h", "-d", "shop.db"])
    #expect(stopped.reaches { stopped.output.contains("raised") })
    stopped.send(SIGINT)
    let outcome = stopped.outcome()
    #expect(outcome.code == 4, "\(outcome.summary)")
    #expect(outcome.errors.contains("go on: phasedb switch ramp new-pricing -d shop.db"))
  }

  @Test("a contract is held until its switch is fully on, in the words of plan, status and the error")
  func gate() throws {
    let site = try Self.site()
    try site.phase(
      "0002-price/contract", up: "SELECT 1;", down: "SELECT 1;",
      directives: ["@switch new-pricing full for 1s", "@residual none"])
    let held = try site.expect(
      0, "plan -d shop.db --live storefront@1.5 --override evidence,watch --reason x"
    ).output
    #expect(
      Self.words(held).contains(
        "0002/contract switch: the switch 'new-pricing' must have been on for everybody for 1s, and is at 0 %"
      ))
    try site.expect(0, "switch set new-pricing 100% --reason x -d shop.db")
    Thread.sleep(forTimeInterval: 1.1)
    try site.expect(0, "up -d shop.db --live storefront@1.5 --override evidence,watch --reason x")
    let closed = try site.expect(0, "switch close new-pricing -d shop.db")
    #expect(
      Self.words(closed.errors).contains(
        "note: 0002/contract is applied, which took away what whoever is off needs"))
  }
}

extension Site {
  fileprivate func json(_ line: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(expect(0, line).output.utf8)) as? [String: Any])
  }
}
