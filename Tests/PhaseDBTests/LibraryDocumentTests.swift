import CSQLite
import Foundation
import PhaseDB
import Testing

// What README.md and the pages of the documentation show. DocumentsTests looks for their blocks up to the mark
// below.

func catalog(from bundle: Bundle) throws -> Catalog {
  let folder = bundle.resourceURL?.appending(path: "migrations").path
  return try Catalog(folder: folder ?? "migrations")
}

func notebook() throws -> Catalog {
  guard
    let up = Script("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"),
    let down = Script("DROP TABLE notes"),
    let emptyNotes = Script("SELECT id FROM notes WHERE body = ''")
  else { preconditionFailure("a script has no statement") }
  let create = Phase(
    .expand, windows: try Windows(Window("notebook", VersionRange("<1.0"))), up: up, down: down,
    summary: "Create the notes.", verifications: [Verification("no note is empty", query: emptyNotes)])
  return try Catalog([Migration("0001-create-notes", phases: [create])])
}

func start(_ path: String, with catalog: Catalog) async throws {
  let migrator = try Migrator(database: path, catalog: catalog)
  try await migrator.up(running: "notebook@1.0")
}

func check(_ catalog: Catalog) throws {
  try catalog.lint().requireClean()
  let migrator = try Migrator.inMemory(catalog)
  try migrator.down(to: "@0")
}

func migrate(_ path: String, with catalog: Catalog) throws {
  let options = Options(live: [try LiveVersion("notebook@1.0")])
  let migrator = try Migrator(database: path, catalog: catalog, options: options)
  let plan = try migrator.plan(.upAll)
  for step in plan.steps {
    print(step.id, step.liveAfter["notebook"]?.description ?? "any version")
  }
  for held in plan.held {
    print(held.id, held.gates.map(\.reason))
  }
  try migrator.run(plan) { event in
    if case .committed(let id, _, let times, _) = event {
      print("\(id) took \(times.duration) and changed \(times.rows) rows")
    }
  }
}

func undo(_ migrator: Migrator) async throws {
  for try await event in migrator.down(to: .checkpoint("before-release")) {
    if case .committed(let id, _, let times, _) = event { print(id, "came down in", times.duration) }
  }
}

func open(_ path: String, as version: String, with catalog: Catalog) throws {
  let options = Options(live: [try LiveVersion(version)])
  let migrator = try Migrator(database: path, catalog: catalog, options: options)
  try migrator.settle(for: version)
  try migrator.up(running: version)
}

func takeBack(_ migrator: Migrator, to checkpoint: String) throws -> Bool {
  do throws(MigrationError) {
    try migrator.run(try migrator.plan(.downTo(.checkpoint(checkpoint))))
    return true
  } catch {
    switch (error.id, error.standing) {
    case (.phaseHeld, _): return false
    case (_, .busy): return false
    default: throw error
    }
  }
}

func migrate(borrowing handle: OpaquePointer, with catalog: Catalog) throws -> RunResult {
  let migrator = try unsafe Migrator(borrowing: handle, catalog: catalog)
  return try migrator.run(try migrator.plan(.upAll))
}

func isOn(_ name: String, for subject: String, in database: OpaquePointer) -> Bool {
  var query: OpaquePointer?
  defer { unsafe sqlite3_finalize(query) }
  guard unsafe sqlite3_prepare_v2(database, SwitchQuery.sql, -1, &query, nil) == SQLITE_OK else {
    return false
  }
  let copying = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  unsafe sqlite3_bind_text(query, 1, name, -1, copying)
  unsafe sqlite3_bind_text(query, 2, subject, -1, copying)
  return unsafe sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) == 1
}

// MARK: - End of what is shown

@Suite("The page Library")
struct LibraryDocumentTests {
  @Test("takes the migrations from an application's resources")
  func resources() throws {
    let phase = "-- @window notebook <1.0\n-- @up\nCREATE TABLE notes (id);\n-- @down\nDROP TABLE notes;\n"
    let application = try TemporaryFolder(["migrations/0001-create-notes/expand.sql": phase])
    let bundle = try #require(Bundle(path: application.path))
    #expect(try catalog(from: bundle).phases.map(\.id.description) == ["0001-create-notes/expand"])
  }

  @Test("opens the database in a newer version, then in the former one, which knows less")
  func goingBack() throws {
    let path = try TemporaryFolder([:])
    let folder = path.path
    let former = try notebook()
    guard let up = Script("ALTER TABLE notes RENAME COLUMN body TO text"),
      let down = Script("ALTER TABLE notes RENAME COLUMN text TO body")
    else { preconditionFailure("a script has no statement") }
    let contract = Phase(
      .contract, windows: try Windows(Window("notebook", VersionRange(">=2.0"))), up: up, down: down)
    let newer = try Catalog(
      former.migrations + [Migration(MigrationName("0002-rename-body"), phases: [contract])])
    for (version, catalog) in [("notebook@2.0", newer), ("notebook@1.0", former), ("notebook@2.0", newer)] {
      try open(folder + "/notes.db", as: version, with: catalog)
    }
    let status = try Migrator(database: folder + "/notes.db", catalog: newer, access: .reading).status()
    #expect(status.applied.count == 1, "without evidence the contract is held on a database in use")
  }

  @Test("runs migrations made in Swift on a path, and says that nothing is left to do")
  func path() throws {
    let folder = try TemporaryFolder([:])
    let path = folder.path + "/notes.db"
    try migrate(path, with: notebook())
    let status = try Migrator(database: path, catalog: notebook(), access: .reading).status()
    #expect(status.applied.map(\.id.description) == ["0001-create-notes/expand"])
    #expect(status.pending.isEmpty)
  }

  @Test("starts a server, and checks migrations in memory")
  func calls() async throws {
    let folder = try TemporaryFolder([:])
    let path = folder.path + "/notes.db"
    try await start(path, with: notebook())
    let status = try Migrator(database: path, catalog: notebook(), access: .reading).status()
    #expect(status.checkIns.map(\.versionText) == ["1.0"])
    #expect(status.pending.isEmpty)
    try check(notebook())
  }

  @Test(
    "takes a phase back unless a live version needs it",
    arguments: [(nil, true), ("notebook@0.9", true), ("notebook@1.0", false)] as [(String?, Bool)])
  func archivePlan(live: String?, isTaken: Bool) throws {
    let folder = try TemporaryFolder([:])
    let path = folder.path + "/notes.db"
    try migrate(path, with: notebook())
    let versions = try live.map { [try LiveVersion($0)] } ?? []
    let migrator = try Migrator(database: path, catalog: notebook(), options: Options(live: versions))
    #expect(try takeBack(migrator, to: "0") == isTaken)
    #expect(try migrator.status().applied.isEmpty == isTaken)
    #expect(throws: MigrationError.self) { try takeBack(migrator, to: "nowhere") }
  }

  @Test("gives a borrowed handle back with its settings as they were")
  func borrowing() throws {
    let connection = try RawConnection()
    let settings = [
      ("foreign_keys", 1), ("trusted_schema", 1), ("synchronous", 1), ("busy_timeout", 1234),
    ]
    for (name, value) in settings { try connection.set(name, to: value) }
    let result = try unsafe migrate(borrowing: connection.handle, with: notebook())
    #expect(result.done.map(\.id.description) == ["0001-create-notes/expand"])
    try unsafe Migrator(borrowing: connection.handle, catalog: notebook()).createCheckpoint("created")
    for (name, value) in settings { #expect(try connection.value(of: name) == value, "\(name)") }
    #expect(throws: Never.self) { try connection.run("INSERT INTO notes (body) VALUES ('mine')") }
  }
}

/// A handle as an application has one, opened and closed by its own means.
@safe private final class RawConnection {
  let handle: OpaquePointer

  init() throws {
    var opened: OpaquePointer?
    unsafe sqlite3_open(":memory:", &opened)
    unsafe handle = try #require(unsafe opened)
  }

  deinit { unsafe sqlite3_close(handle) }

  func run(_ sql: String) throws {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    try #require(code == SQLITE_OK, "\(sql)")
  }

  func set(_ pragma: String, to value: Int) throws { try run("PRAGMA \(pragma) = \(value)") }

  func value(of pragma: String) throws -> Int {
    var statement: OpaquePointer?
    unsafe sqlite3_prepare_v2(handle, "PRAGMA \(pragma)", -1, &statement, nil)
    defer { unsafe sqlite3_finalize(statement) }
    try #require(unsafe sqlite3_step(statement) == SQLITE_ROW, "\(pragma)")
    return Int(unsafe sqlite3_column_int(statement, 0))
  }
}
