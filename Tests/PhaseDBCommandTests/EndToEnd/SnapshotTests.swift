import Foundation
import Testing

/// A shop of two phases, the first of which is applied, with a folder for snapshots.
extension Site {
  static func withSnapshots(_ mode: JournalMode = .delete) throws -> Site {
    let site = try Site()
    try site.table("mine", in: "0001-first/expand")
    try site.table("later", in: "0002-second/expand")
    try site.makeFolder("snapshots")
    try #require(site.phasedb("up 1 -d shop.db").code == 0)
    try site.sqlite("PRAGMA journal_mode = \(mode)")
    return site
  }

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
  }

  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder)).sorted()
  }
}

@Suite("Snapshots")
struct SnapshotTests {
  @Test("are whole, checked and as private as the database", arguments: JournalMode.allCases)
  func create(mode: JournalMode) throws {
    let site = try Site.withSnapshots(mode)
    // A writer that stays, so that what it committed is in the write-ahead log alone.
    let writer = try RunningProgram(
      "/usr/bin/env", ["sqlite3", "-batch", "shop.db"], in: site.path(""), environment: Site.environment,
      takesInput: true)
    try writer.type("INSERT INTO mine VALUES (2, 'two');")
    try writer.type(".system touch written")
    try #require(writer.reaches { site.exists("written") })
    #expect(site.exists("shop.db-wal") == (mode == .wal))
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: site.path("shop.db"))

    let create = try site.phasedb("checkpoint create safe --snapshot snapshots -d shop.db")
    #expect(create.code == 0 && create.errors.isEmpty, "\(create.summary)")
    #expect(create.output.contains("snapshot /") && create.output.contains("snapshots/shop@safe.db"))
    try writer.closeInput()
    _ = writer.outcome()
    #expect(try site.names(in: "snapshots") == ["shop@safe.db", "shop@safe.db.sha256"])
    #expect(try site.mode("snapshots/shop@safe.db") == 0o640)
    #expect(try site.run("sh", "-c", "cd snapshots && sha256sum -c shop@safe.db.sha256").code == 0)
    let copy = try DatabaseContents(of: site, database: "snapshots/shop@safe.db")
    let original = try DatabaseContents(of: site)
    #expect(copy.schema == original.schema && copy.rows == original.rows)
    #expect(
      try site.sqlite(
        "SELECT text FROM mine; PRAGMA integrity_check; PRAGMA journal_mode", on: "snapshots/shop@safe.db")
        == "'one'\n'two'\n'ok'\n'delete'\n")
    #expect(try site.names(in: "snapshots").count == 2, "reading it leaves nothing beside it")
    let list = try site.phasedb("checkpoint list -d shop.db")
    #expect(
      list.output.contains("@safe") && list.output.contains("snapshots/shop@safe.db"), "\(list.summary)")
  }

  @Test(
    "say what would be lost, and take the database back when that is confirmed",
    arguments: JournalMode.allCases)
  func restore(mode: JournalMode) throws {
    let site = try Site.withSnapshots(mode)
    #expect(try site.phasedb("checkpoint create safe --snapshot snapshots -d shop.db").code == 0)
    let before = try DatabaseContents(of: site)
    #expect(try site.phasedb("up -d shop.db").code == 0)
    try site.sqlite("UPDATE mine SET text = 'changed'; INSERT INTO mine VALUES (2, 'two'), (3, 'three')")
    let present = SiteFiles(of: site)
    expectFailure(
      try site.phasedb("checkpoint restore safe -d shop.db"), 2,
      """
      error: restoring the snapshot safe undoes everything since it was made [restore-unconfirmed]
          later: 1 row added, another declaration since
          mine: 2 rows added, 1 row changed since
          0002-second/expand is not applied any more
        state: nothing was changed
        help:  stop the applications that use the database, then confirm: --confirm safe
               to keep what was written since, reverse the phases instead: phasedb plan down -d shop.db
      """, at: site)
    #expect(try site.phasedb("checkpoint restore safe --confirm saef -d shop.db").code == 2)
    #expect(SiteFiles(of: site) == present)

    let restore = try site.phasedb("checkpoint restore safe --confirm safe -d shop.db")
    #expect(restore.code == 0 && restore.errors.isEmpty, "\(restore.summary)")
    #expect(restore.output.contains("  undone: mine: 2 rows added, 1 row changed since\n"))
    #expect(try DatabaseContents(of: site).rows == before.rows)
    #expect(try DatabaseContents(of: site).schema == before.schema)
    #expect(try site.sqlite("PRAGMA journal_mode") == "'\(mode.rawValue)'\n")
    for line in ["verify", "log --check", "up"] {
      #expect(try site.phasedb("\(line) -d shop.db").code == 0, "\(line)")
    }
    #expect(try site.names(in: "").filter { $0.hasPrefix(".") } == [])
  }

  @Test("a reader that is open sees the database as it was, and the next one as it is again")
  func readers() throws {
    let site = try Site.withSnapshots(.wal)
    #expect(try site.phasedb("checkpoint create safe --snapshot snapshots -d shop.db").code == 0)
    try site.sqlite("INSERT INTO mine VALUES (2, 'two')")
    let reader = try RunningProgram(
      "/usr/bin/env", ["sqlite3", "-batch", "shop.db"], in: site.path(""), environment: Site.environment,
      takesInput: true)
    try reader.type("BEGIN; SELECT count(*) FROM mine;")
    try reader.type(".system touch reading")
    try #require(reader.reaches { site.exists("reading") })
    #expect(try site.phasedb("checkpoint restore safe --confirm safe -d shop.db").code == 0)
    try reader.type("SELECT count(*) FROM mine; COMMIT; SELECT count(*) FROM mine;")
    try reader.closeInput()
    #expect(reader.outcome().output == "2\n2\n1\n")
  }

  @Test("up makes one before it begins")
  func up() throws {
    let site = try Site.withSnapshots()
    let up = try site.phasedb("up --snapshot snapshots -d shop.db")
    #expect(up.code == 0, "\(up.summary)")
    let said = try #require(up.output.firstRange(of: "shop@before-0002-expand.db"))
    let done = try #require(up.output.firstRange(of: "applied  0002-second/expand"))
    #expect(said.lowerBound < done.lowerBound && up.output.contains("checkpoint @before-0002-expand"))
    #expect(
      try site.phasedb("up --snapshot snapshots -d shop.db").code == 0, "nothing to do, nothing to copy")
    #expect(try site.names(in: "snapshots").count == 2)
    #expect(try site.phasedb("up --dry-run --snapshot snapshots -d shop.db").code == 0)
    #expect(
      try site.phasedb("checkpoint restore before-0002-expand --confirm before-0002-expand -d shop.db").code
        == 0)
    #expect(try site.phasedb("status -d shop.db").output.contains("1 applied, 1 pending"))
    let json = try site.phasedb("up --snapshot snapshots -d shop.db --format json")
    #expect(json.code == 0 && json.output.contains("shop@before-0002-expand-2.db"), "\(json.summary)")
  }
}

// MARK: - Trouble

extension SnapshotTests {
  static let refusals = [
    Refusal(
      "a folder that is not there", "checkpoint create x --snapshot nowhere -d shop.db",
      error: """
        error: the folder nowhere for the snapshot cannot be used: No such file or directory [snapshot-failed]
          state: nothing was changed
          help:  name an existing folder that you may write: --snapshot DIR
        """),
    Refusal(
      "a file for a folder", "checkpoint create x --snapshot shop.db -d shop.db",
      error: """
        error: the folder shop.db for the snapshot cannot be used: Not a directory [snapshot-failed]
          state: nothing was changed
          help:  name an existing folder that you may write: --snapshot DIR
        """),
    Refusal(
      "a name that has a snapshot", "checkpoint create safe --snapshot snapshots -d shop.db",
      error: """
        error: there is a checkpoint @safe already [checkpoint-exists]
          state: nothing was changed
          help:  choose another name; list them: phasedb checkpoint list -d shop.db
        """),
    Refusal(
      "a file in the way", "checkpoint create x --snapshot snapshots -d shop.db",
      error: """
        error: SITE/snapshots/shop@x.db exists already [already-exists]
          state: nothing was changed
          help:  give the checkpoint another name, or move the file away
        """
    ) { try $0.write("mine", to: "snapshots/shop@x.db") },
    Refusal(
      "a checkpoint without a snapshot", "checkpoint restore plain --confirm plain -d shop.db",
      error: """
        error: checkpoint @plain has no snapshot [snapshot-missing]
          state: nothing was changed
          help:  reverse the phases instead: phasedb down --to @plain -d shop.db
                 next time, make one: phasedb checkpoint create NAME --snapshot DIR -d shop.db
        """
    ) { try #require($0.phasedb("checkpoint create plain -d shop.db").code == 0) },
    Refusal(
      "a checkpoint that is not there", "checkpoint restore saef --confirm saef -d shop.db",
      error: """
        error: there is no checkpoint @saef, and no file of that name [unknown-checkpoint]
          state: nothing was changed
          help:  did you mean @safe?
        """),
    Refusal(
      "a snapshot that is gone", "checkpoint restore safe --confirm safe -d shop.db",
      error: """
        error: the snapshot of @safe, SITE/snapshots/shop@safe.db cannot be read: No such file or directory [snapshot-missing]
          state: nothing was changed
          help:  list the snapshots: phasedb checkpoint list -d shop.db
        """
    ) { try $0.remove("snapshots/shop@safe.db") },
    Refusal(
      "a snapshot without its checksum", "checkpoint restore snapshots/shop@safe.db -d shop.db",
      error: """
        error: the checksum of snapshots/shop@safe.db, SITE/snapshots/shop@safe.db.sha256 cannot be read: No such file or directory [snapshot-missing]
          state: nothing was changed
          help:  list the snapshots: phasedb checkpoint list -d shop.db
        """
    ) { try $0.remove("snapshots/shop@safe.db.sha256") },
  ]

  /// A site with the snapshot @safe and a row that came later.
  private func site(_ arrange: (Site) throws -> Void) throws -> Site {
    let site = try Site.withSnapshots()
    try #require(site.phasedb("checkpoint create safe --snapshot snapshots -d shop.db").code == 0)
    try site.sqlite("INSERT INTO mine VALUES (2, 'two')")
    try arrange(site)
    return site
  }

  @Test("are refused, and nothing is changed", arguments: refusals)
  func refused(_ row: Refusal) throws {
    let site = try site(row.arrange)
    let before = SiteFiles(of: site)
    expectFailure(try site.phasedb(row.line), 2, row.error, at: site)
    #expect(SiteFiles(of: site) == before)
  }

  static let damages: [(String, @Sendable (Data) -> Data)] = [
    ("a snapshot that lost its end", { $0.prefix($0.count / 2) }),
    ("a snapshot with a page too many", { $0 + Data(count: 4_096) }),
    ("an empty snapshot", { _ in Data() }),
    (
      "a snapshot with one bit changed",
      { data in
        var data = data
        data[data.startIndex + data.count - 5] ^= 1
        return data
      }
    ),
  ]

  @Test("that are not the file that was made are refused, by name and by path", arguments: 0..<4)
  func altered(_ index: Int) throws {
    let (title, damage) = Self.damages[index]
    let site = try site { site in
      let whole = try Data(contentsOf: site.folder.appending(path: "snapshots/shop@safe.db"))
      try site.write(damage(whole), to: "snapshots/shop@safe.db")
    }
    let before = SiteFiles(of: site)
    for name in ["safe", "snapshots/shop@safe.db"] {
      let restore = try site.phasedb("checkpoint restore \(name) --confirm \(name) -d shop.db")
      #expect(restore.code == 2, "\(title): \(restore.summary)")
      #expect(restore.errors.contains("[snapshot-altered]"), "\(title): \(restore.summary)")
    }
    #expect(SiteFiles(of: site) == before)
  }

  @Test("of another database are refused")
  func foreign() throws {
    let other = try Site.withSnapshots()
    #expect(try other.phasedb("checkpoint create safe --snapshot snapshots -d shop.db").code == 0)
    let site = try Site.withSnapshots()
    let before = SiteFiles(of: site)
    let path = other.path("snapshots/shop@safe.db")
    let restore = try site.phasedb("checkpoint restore \(path) --confirm \(path) -d shop.db")
    #expect(restore.code == 2 && restore.errors.contains("[snapshot-foreign]"), "\(restore.summary)")
    #expect(SiteFiles(of: site) == before)
  }

  @Test(
    "that find no room leave nothing behind",
    .enabled(if: Surroundings.canMount, "no file system can be mounted"))
  func fullDisk() throws {
    let site = try site {
      try $0.sqlite("INSERT INTO mine SELECT value + 9, hex(randomblob(50)) FROM generate_series(1, 2000)")
    }
    try site.mount("disk", kilobytes: 64)
    let create = try site.phasedb("checkpoint create big --snapshot disk -d shop.db")
    #expect(create.code == 2 && create.errors.contains("[snapshot-failed]"), "\(create.summary)")
    #expect(create.errors.contains("it needs ") && create.errors.contains(" KB are free"))
    #expect(try site.names(in: "disk") == [])
    #expect(!(try site.phasedb("checkpoint list -d shop.db").output.contains("@big")))
  }

  @Test(
    "cannot be restored where there is no room beside the database",
    .enabled(if: Surroundings.canMount, "no file system can be mounted"))
  func fullDiskOnTheWayBack() throws {
    let site = try Site()
    try site.table("mine", in: "0001-first/expand")
    try site.makeFolder("snapshots")
    try site.mount("disk", kilobytes: 352)
    try #require(site.phasedb("up -d disk/shop.db").code == 0)
    try #require(site.phasedb("checkpoint create safe --snapshot snapshots -d disk/shop.db").code == 0)
    try site.sqlite("INSERT INTO mine VALUES (2, 'two')", on: "disk/shop.db")
    let before = try DatabaseContents(of: site, database: "disk/shop.db")
    _ = try site.run("sh", "-c", "head -c 1000000 /dev/zero > disk/filler")
    let restore = try site.phasedb("checkpoint restore safe --confirm safe -d disk/shop.db")
    #expect(restore.code == 2 && restore.errors.contains("[snapshot-failed]"), "\(restore.summary)")
    #expect(try DatabaseContents(of: site, database: "disk/shop.db") == before)
    #expect(try site.names(in: "disk").filter { $0.hasPrefix(".") } == [])
    // Room for the copy, and none for the journal of what it replaces.
    try site.remove("disk/filler")
    let halfWay = try site.phasedb("checkpoint restore safe --confirm safe -d disk/shop.db")
    #expect(halfWay.code == 2 && halfWay.errors.contains("[database-full]"), "\(halfWay.summary)")
    #expect(try DatabaseContents(of: site, database: "disk/shop.db") == before)
    #expect(try site.sqlite("PRAGMA integrity_check", on: "disk/shop.db") == "'ok'\n")
    #expect(try site.names(in: "disk") == ["shop.db"])
  }

  @Test(
    "wait for whoever holds the database, and give up with 5",
    arguments: ["checkpoint create x --snapshot snapshots", "checkpoint restore safe --confirm safe"])
  func busy(_ line: String) throws {
    let site = try site { _ in }
    let before = SiteFiles(of: site)
    let holder = try site.holdLock()
    let outcome = try site.phasedb("\(line) -d shop.db --wait 100ms")
    #expect(outcome.code == 5 && outcome.errors.contains("[database-busy]"), "\(outcome.summary)")
    try holder.closeInput()
    _ = holder.outcome()
    #expect(SiteFiles(of: site) == before)
  }

  @Test(
    "that are stopped leave nothing behind, by an interrupt and by a kill",
    arguments: [SIGINT, SIGTERM, SIGKILL])
  func stopped(_ signal: Int32) throws {
    let site = try site { site in
      try site.sqlite(
        "INSERT INTO mine SELECT value + 9, hex(randomblob(500)) FROM generate_series(1, 20000)")
    }
    let before = try DatabaseContents(of: site)
    let create = try site.start(["checkpoint", "create", "big", "--snapshot", "snapshots", "-d", "shop.db"])
    let hasBegun = create.reaches {
      (try? site.names(in: "snapshots").contains { $0.hasPrefix(".phasedb-copy-") }) ?? false
    }
    #expect(hasBegun)
    create.send(signal)
    let outcome = create.outcome()
    #expect(
      try site.names(in: "snapshots").filter { !$0.hasPrefix(".") } == [
        "shop@safe.db", "shop@safe.db.sha256",
      ])
    #expect(try DatabaseContents(of: site) == before)
    guard signal != SIGKILL else { return }
    #expect(outcome.code == 2 && outcome.errors.contains("[interrupted]"), "\(outcome.summary)")
    #expect(try site.names(in: "snapshots").count == 2)
    let again = try site.phasedb("checkpoint create big --snapshot snapshots -d shop.db")
    #expect(again.code == 0, "\(again.summary)")
  }
}
