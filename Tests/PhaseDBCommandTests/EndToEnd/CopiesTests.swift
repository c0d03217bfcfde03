import Foundation
import Testing

/// A shop in which every command that copies the database has something to do, with a temporary folder of its own.
extension Site {
  static func copying(_ mode: JournalMode, rows: Int = 600) throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-first/expand", up: "CREATE TABLE items (id INTEGER PRIMARY KEY, text TEXT, n INT);",
      down: "DROP TABLE items;", window: "storefront >=1.0 <1.4")
    try site.table("later", in: "0002-second/expand")
    try site.phase(
      "0003-third/migrate", up: "UPDATE items SET n = n + 1 WHERE id BETWEEN :first AND :last;",
      down: "UPDATE items SET n = n - 1 WHERE id BETWEEN :first AND :last;",
      directives: ["@batch items", "@residual none"])
    try site.write(
      "-- @query count\nSELECT count(*) FROM items;\n", to: "migrations/apps/storefront/1.4.0.sql")
    for folder in ["snapshots", "elsewhere", "tmp"] { try site.makeFolder(folder) }
    try #require(site.phasedb("up 1 -d shop.db").code == 0)
    try site.sqlite(
      """
      PRAGMA journal_mode = \(mode);
      INSERT INTO items SELECT value, hex(randomblob(200)), value FROM generate_series(1, \(rows));
      """)
    try #require(site.phasedb("checkpoint create safe --snapshot snapshots -d shop.db").code == 0)
    try site.sqlite("UPDATE items SET text = 'changed' WHERE id < 100")
    return site
  }

  var ownTemporary: [String: String] { ["TMPDIR": path("tmp")] }

  /// Copies that are no snapshot with a name.
  func copies() -> [String] {
    ["", "snapshots/", "elsewhere/", "tmp/"].flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? [])
        .filter { $0.contains("phasedb-") || $0.hasSuffix(".partial") }.map { folder + $0 }
    }
  }

  /// The processes that were started with its temporary folder.
  func processes() -> [String] {
    let mark = Data("TMPDIR=\(path("tmp"))\0".utf8)
    return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { name in
      guard let process = Int32(name), process != getpid() else { return false }
      return FileManager.default.contents(atPath: "/proc/\(name)/environ")?.firstRange(of: mark) != nil
    }
  }

  /// Runs a later command again until a condition holds, a hundred times at most.
  func soon(_ condition: () -> Bool) throws -> Bool {
    for _ in 0..<100 {
      if condition() { return true }
      _ = try phasedb("version", environment: ownTemporary)
    }
    return condition()
  }
}

/// A command that copies the database, to be ended at any moment.
struct Copying: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let words: [String]
  /// How it is repeated.
  var again: [String]
  /// Whether it may have done all of it before it was ended, so that a repetition is told so.
  var isDone: @Sendable (Site) throws -> Bool = { _ in false }

  init(
    _ line: String, then words: [String] = [], again: [String]? = nil,
    isDone: @escaping @Sendable (Site) throws -> Bool = { _ in false }
  ) {
    let command = line.split(separator: " ").map(String.init)
    testDescription = line
    self.words = command + words
    self.again = command + (again ?? words)
    self.isDone = isDone
  }

  /// Ignores requests to end, and leaves behind a child that does so too and one in a session of its own.
  private static let stubborn = """
    trap '' TERM INT HUP QUIT
    (trap '' TERM; sleep 300) &
    setsid sleep 300 &
    touch "$TMPDIR/../started"
    sqlite3 "$PHASEDB_DATABASE" 'CREATE TABLE IF NOT EXISTS x (x); BEGIN; INSERT INTO x VALUES (1); SELECT 1' > /dev/null
    sleep 300
    """

  static let all = [
    Copying("rehearse -d shop.db"),
    Copying("rehearse -d shop.db --copy-to elsewhere"),
    Copying("compat -d shop.db"),
    Copying(
      "compat --app storefront@1.4 --logs tmp/logs -d shop.db --", then: ["sh", "-c", stubborn],
      again: ["sh", "-c", "sqlite3 \"$PHASEDB_DATABASE\" 'SELECT 1'"]),
    Copying("checkpoint create big --snapshot snapshots -d shop.db") {
      try $0.sqlite("SELECT count(*) FROM phasedb_checkpoint WHERE name = 'big'") == "1\n"
    },
    Copying("checkpoint restore safe --confirm safe -d shop.db"),
    Copying("up --snapshot snapshots -d shop.db --max-batch 50"),
  ]
}

@Suite("Copies of a database")
struct CopiesTests {
  static let signals = [SIGKILL, SIGTERM, SIGKILL, SIGINT, SIGKILL, SIGHUP, SIGKILL, SIGQUIT]

  @Test(
    "are gone after the next command, with everything that was started, whatever ended the command at whatever moment",
    arguments: Copying.all, JournalMode.allCases)
  func ended(_ row: Copying, mode: JournalMode) throws {
    let isChild = row.words.contains("sh")
    let origin = try Site.copying(mode)
    let whole = try Site.copy(of: origin)
    let time = try whole.start(row.again, environment: whole.ownTemporary).outcome()
    try #require(time.code == 0, "\(time.summary)")
    var (left, started) = (0, 0)
    // Where a copy is there most of the time some kill must meet it, or nothing was shown.
    let mustMeet = isChild || row.words.first == "rehearse"
    for seed in 0..<40 * Effort.factor where seed < 4 * Effort.factor || mustMeet && left == 0 {
      let site = try Site.copy(of: origin)
      let program = try site.start(row.words, environment: site.ownTemporary)
      // A child that does not end by itself leaves time for its own moments.
      let share = Double((seed &* 7_919 + 31) % 97) / 97
      let moment = isChild && seed % 2 == 0 ? .seconds(10) : time.duration * share
      if isChild, seed % 2 == 0 {
        #expect(program.reaches { site.exists("started") })
      } else {
        _ = program.hasEnded(within: moment)
      }
      let signal = Self.signals[(seed + (mode == .wal ? 4 : 0)) % Self.signals.count]
      program.send(signal)
      _ = program.outcome()
      left += site.copies().isEmpty ? 0 : 1
      started += site.exists("started") ? 1 : 0

      let title = "seed \(seed), signal \(signal)"
      #expect(try site.phasedb("status -d shop.db", environment: site.ownTemporary).code == 0, "\(title)")
      #expect(try site.soon { site.processes().isEmpty }, "\(title): \(site.processes())")
      #expect(try site.soon { site.copies().isEmpty }, "\(title): \(site.copies())")
      #expect(try site.sqlite("PRAGMA integrity_check") == "'ok'\n", "\(title)")
      #expect(try site.hasNoStraySnapshot(), "\(title)")
      let isDone = try row.isDone(site)
      let again = try site.start(row.again, environment: site.ownTemporary).outcome()
      #expect(
        isDone ? again.errors.contains("[checkpoint-exists]") : again.code == 0, "\(title): \(again.summary)")
      #expect(try site.hasNoStraySnapshot(), "\(title)")
    }
    #expect(left > 0 || !mustMeet)
    #expect(started > 0 || !isChild)
  }

  @Test("are left alone while their owner lives, also by commands that copy themselves")
  func live() throws {
    let site = try Site.copying(.wal)
    let program = try site.start(
      [
        "compat", "--app", "storefront@1.4", "--logs", "tmp/logs", "-d", "shop.db", "--", "sh", "-c",
        "touch started; while ! test -e finish; do sleep 0.01; done; sqlite3 \"$PHASEDB_DATABASE\" 'SELECT 1'",
      ], environment: site.ownTemporary)
    #expect(program.reaches { site.exists("started") })
    let copies = site.copies()
    #expect(copies.count == 1)
    for line in ["version", "status -d shop.db", "rehearse -d shop.db", "compat -d shop.db", "up -d shop.db"]
    {
      #expect(try site.phasedb(line, environment: site.ownTemporary).code == 0, "\(line)")
      #expect(site.copies() == copies, "\(line)")
    }
    try site.write("", to: "finish")
    let outcome = program.outcome()
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(site.copies().isEmpty && site.processes().isEmpty)
  }

  @Test("a command behind -- ends when phasedb and the keeper are killed at once, and the copy is removed")
  func killedWithKeeper() throws {
    let site = try Site.copying(.wal)
    let program = try site.start(
      [
        "compat", "--app", "storefront@1.4", "--logs", "tmp/logs", "-d", "shop.db", "--", "sh", "-c",
        "trap '' TERM INT HUP; touch started; exec sleep 300",
      ], environment: site.ownTemporary)
    #expect(program.reaches { site.exists("started") })
    let keepers = site.processes().filter {
      FileManager.default.contents(atPath: "/proc/\($0)/cmdline")?.starts(
        with: Data("phasedb-child-keeper".utf8)) == true
    }
    let keeper = try #require(keepers.first.flatMap { pid_t($0) })
    #expect(site.copies().count == 1)
    // A keeper that is stopped does nothing before it is killed, too.
    kill(keeper, SIGSTOP)
    program.send(SIGKILL)
    kill(keeper, SIGKILL)
    _ = program.outcome()
    #expect(try site.soon { site.processes().isEmpty }, "\(site.processes())")
    #expect(try site.soon { site.copies().isEmpty }, "\(site.copies())")
  }

  @Test("a command behind -- takes with it what it left running")
  func background() throws {
    let site = try Site.copying(.delete)
    let outcome = try site.start(
      [
        "compat", "--app", "storefront@1.4", "--logs", "tmp/logs", "-d", "shop.db", "--", "sh", "-c",
        "cat $PHASEDB_DATABASE >/dev/null; touch started; sleep 300 & setsid sh -c 'trap \"\" TERM; sleep 300; true' & exit 0",
      ], environment: site.ownTemporary
    ).outcome()
    #expect(outcome.code == 0 && site.exists("started"), "\(outcome.summary)")
    #expect(site.processes().isEmpty && site.copies().isEmpty)
  }

  static let ends: [(words: [String], trouble: String)] = [
    (["false"], "exit code 1"), (["sh", "-c", "exit 77"], "exit code 77"),
    (["sh", "-c", "kill -SEGV $$"], "ended by signal 11"),
    (["sh", "-c", "kill -KILL $$"], "ended by signal 9"),
    (["sh", "-c", "trap '' TERM; sleep 300"], "took longer than its time limit"),
  ]

  @Test("the end of a command is told as it was", arguments: ends.indices)
  func told(_ index: Int) throws {
    let site = try Site.copying(.delete)
    let row = Self.ends[index]
    let outcome = try site.start(
      [
        "compat", "--app", "storefront@1.4", "--logs", "tmp/logs", "--time-limit",
        row.words.last?.contains("sleep") == true ? "300ms" : "1m", "-d", "shop.db", "--",
      ]
        + row.words, environment: site.ownTemporary
    ).outcome()
    #expect(
      outcome.code == 2 && outcome.errors.contains(": \(row.trouble) [query-failed]"), "\(outcome.summary)")
  }

  @Test("a command that cannot be started is said so", arguments: ["nowhere", "./migrations", "shop.db"])
  func notStarted(_ word: String) throws {
    let site = try Site.copying(.delete)
    let outcome = try site.phasedb(
      "compat --app storefront@1.4 --logs tmp/logs -d shop.db -- \(word)", environment: site.ownTemporary)
    #expect(
      outcome.code == 2 && outcome.errors.hasPrefix("error: cannot run \(word): "), "\(outcome.summary)")
  }
}

extension Site {
  /// Another site with the same files.
  static func copy(of origin: Site) throws -> Site {
    let site = try Site()
    try FileManager.default.removeItem(at: site.folder)
    try FileManager.default.copyItem(at: origin.folder, to: site.folder)
    // The snapshot is known by its path.
    try site.sqlite(
      "UPDATE phasedb_snapshot SET path = replace(path, '\(origin.path(""))', '\(site.path(""))')")
    return site
  }

  /// Whether exactly those snapshots have a file that the ledger knows of, each with its checksum.
  fileprivate func hasNoStraySnapshot() throws -> Bool {
    let known = try sqlite("SELECT checkpoint FROM phasedb_snapshot").split(separator: "\n").map {
      "shop@\($0.dropFirst().dropLast()).db"
    }
    let check = try run("sh", "-c", "cd snapshots && sha256sum --quiet -c *.sha256")
    return try names(in: "snapshots") == known.flatMap { [$0, "\($0).sha256"] }.sorted() && check.code == 0
  }
}

// MARK: - Snapshots of a run in batches

extension Site {
  /// Whether a batch was committed; false while its lock is held.
  fileprivate var isInBatches: Bool {
    let rows = try? run("sqlite3", "-readonly", "shop.db", "SELECT rows > 0 FROM phasedb_batch")
    return rows?.output == "1\n"
  }
}

extension CopiesTests {
  @Test(
    "an up that stopped in a batch goes on with the snapshot that it made", arguments: JournalMode.allCases)
  func resumed(mode: JournalMode) throws {
    let site = try Site.copying(mode)
    let line = "up --snapshot snapshots -d shop.db --max-batch 20 --pause 20ms"
    let program = try site.start(line.split(separator: " ").map(String.init))
    #expect(program.reaches { site.isInBatches })
    program.send(SIGINT)
    let outcome = program.outcome()
    try #require(outcome.code == 4 && outcome.errors.contains("[interrupted]"), "\(outcome.summary)")
    let files = try site.names(in: "snapshots")
    #expect(files.contains("shop@before-0002-expand.db"))
    let again = try site.phasedb("up --snapshot snapshots -d shop.db")
    #expect(again.code == 0 && again.output.contains("checkpoint @before-0002-expand\n"), "\(again.summary)")
    #expect(try site.names(in: "snapshots") == files)
    let name = "before-0002-expand"
    #expect(try site.phasedb("checkpoint restore \(name) --confirm \(name) -d shop.db").code == 0)
    #expect(try site.sqlite("SELECT count(*) FROM items WHERE n = id") == "600\n")
  }

  @Test("an up that stopped in a batch without a snapshot says that none can be made now")
  func notResumed() throws {
    let site = try Site.copying(.delete)
    let program = try site.start(["up", "-d", "shop.db", "--max-batch", "20", "--pause", "20ms"])
    #expect(program.reaches { site.isInBatches })
    program.send(SIGINT)
    try #require(program.outcome().code == 4)
    let outcome = try site.phasedb("up -q --snapshot snapshots -d shop.db")
    expectFailure(
      outcome, 2,
      """
      error: 0003-third/migrate is half done on its way up, and no snapshot was made before its first batch [phase-in-progress]
        state: nothing was changed
        help:  continue without a snapshot: phasedb up -d shop.db
               or undo the phase first: phasedb down -d shop.db
               then start again: phasedb up --snapshot DIR -d shop.db
      """, at: site)
    #expect(try site.phasedb("up -d shop.db").code == 0)
  }
}

// MARK: - What a command prints

extension CopiesTests {
  /// Something where a command's output should go.
  struct Obstacle: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// What the message calls it; nil when it is no obstacle.
    let refusal: String?
    let arrange: @Sendable (Site) throws -> Void
  }

  static let log = "compat-logs/0001-expand.txt"
  static let obstacles = [
    Obstacle(testDescription: "a file of an earlier run", refusal: nil) { try $0.write("old", to: log) },
    Obstacle(testDescription: "another name of a file", refusal: nil) {
      _ = try $0.run("ln", "precious", log)
    },
    Obstacle(testDescription: "a link to a file", refusal: "\(log): it is a symbolic link") {
      _ = try $0.run("ln", "-s", "../precious", log)
    },
    Obstacle(testDescription: "a link to nothing", refusal: "\(log): it is a symbolic link") {
      _ = try $0.run("ln", "-s", "../new", log)
    },
    Obstacle(testDescription: "a folder", refusal: "\(log): it is a folder") { try $0.makeFolder(log) },
    Obstacle(testDescription: "a pipe", refusal: "\(log): it is not a file") {
      _ = try $0.run("mkfifo", log)
    },
    Obstacle(testDescription: "a link for the folder", refusal: "compat-logs: it is a symbolic link") {
      try $0.remove("compat-logs")
      _ = try $0.run("ln", "-s", "elsewhere", "compat-logs")
    },
    Obstacle(testDescription: "a file for the folder", refusal: "compat-logs: Not a directory") {
      try $0.remove("compat-logs")
      try $0.write("precious", to: "compat-logs")
    },
  ]

  @Test("the output of a command goes into a new file, and through no link", arguments: obstacles)
  func logs(_ row: Obstacle) throws {
    let site = try Site.copying(.delete)
    try site.write("precious", to: "precious")
    try site.makeFolder("compat-logs")
    try row.arrange(site)
    for logs in ["compat-logs", "compat-logs/"] {
      let outcome = try site.start(
        [
          "compat", "--app", "storefront@1.4", "-d", "shop.db", "--logs", logs, "--", "sh", "-c",
          "cat $PHASEDB_DATABASE >/dev/null; touch ran; echo child",
        ], environment: site.ownTemporary
      ).outcome()
      if let refusal = row.refusal {
        #expect(
          outcome.code == 2 && outcome.errors.contains("cannot go to \(refusal) [output-failed]"),
          "\(outcome.summary)")
        #expect(!site.exists("ran") && site.copies().isEmpty)
      } else {
        #expect(outcome.code == 0, "\(outcome.summary)")
        #expect(try String(contentsOfFile: site.path(Self.log), encoding: .utf8) == "child\n")
        #expect(try site.mode(Self.log) == 0o600)
      }
    }
    #expect(try String(contentsOfFile: site.path("precious"), encoding: .utf8) == "precious")
    #expect(try !site.exists("new") && site.names(in: "elsewhere") == [])
  }
}

// MARK: - Databases in WAL mode that cannot be written

extension CopiesTests {
  /// A command that reads.
  static let readers = [
    "status", "verify", "log", "plan", "plan down", "checkpoint list", "compat",
    "rehearse --copy-to elsewhere --evidence evidence.json",
  ]

  /// A folder `closed` with a database in WAL mode.
  private func closed(_ arrange: (Site) throws -> Void = { _ in }) throws -> Site {
    let site = try Site.copying(.wal)
    try site.makeFolder("closed")
    try site.sqlite(".backup closed/shop.db")
    try site.sqlite("PRAGMA journal_mode = WAL", on: "closed/shop.db")
    try arrange(site)
    return site
  }

  @Test(
    "a database in WAL mode is read where nothing can be written, and nothing is left beside it",
    .enabled(if: Surroundings.canProtect), arguments: readers, ["closed", "closed/shop.db"])
  func unwritable(_ line: String, _ what: String) throws {
    let site = try closed()
    site.protect(what)
    let outcome = try site.phasedb("\(line) -d closed/shop.db", environment: site.ownTemporary)
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(try site.names(in: "closed") == ["shop.db"])
    let up = try site.phasedb("up -d closed/shop.db")
    #expect(up.code == 2 && up.errors.contains("[database-read-only]"), "\(up.summary)")
  }

  @Test(
    "nor on a file system that is mounted for reading alone",
    .enabled(if: Surroundings.canMountReadOnly, "no file system can be mounted"), arguments: readers)
  func mounted(_ line: String) throws {
    let site = try closed()
    try site.mountReadOnly("closed")
    let outcome = try site.phasedb("\(line) -d closed/shop.db", environment: site.ownTemporary)
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(try site.names(in: "closed") == ["shop.db"])
    let up = try site.phasedb("up -d closed/shop.db")
    #expect(up.code == 2 && up.errors.contains("[database-read-only]"), "\(up.summary)")
  }

  @Test(
    "a log without its index, in a folder that cannot be written, is said",
    .enabled(if: Surroundings.canProtect))
  func withoutIndex() throws {
    let site = try closed { site in
      _ = try site.run(
        "sqlite3", "closed/shop.db", "INSERT INTO items VALUES (9999, 'last', 9999)",
        ".system cp closed/shop.db-wal log")
      try FileManager.default.moveItem(atPath: site.path("log"), toPath: site.path("closed/shop.db-wal"))
    }
    site.protect("closed")
    let folder = URL(filePath: site.path("closed")).resolvingSymlinksInPath().path
    for line in Self.readers where !line.hasPrefix("rehearse") {
      let outcome = try site.phasedb("\(line) -d closed/shop.db", environment: site.ownTemporary)
      #expect(
        outcome.code == 2
          && outcome.errors.contains(
            "shop.db has a write-ahead log without its index \(folder)/shop.db-shm, which cannot be made: \(folder) cannot be written [database-read-only]"
          ), "\(outcome.summary)")
    }
  }
}
