import Foundation
import PhaseCompat
import PhaseDB

/// The calls that an application is likely to make, each of which must compile, and do what it says.
@main
struct Notebook {
  static func main() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "phasedb-call-sites-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "notes.db").path
    try testSuite()
    try await server(path)
    try application(path)
    try await operatorsTool(path)
    try rehearsal(path)
    try compatibility(path)
    try versions(folder.path)
    print("the call sites do what they say")
  }

  /// A server at start-up.
  static func server(_ path: String) async throws {
    let migrator = try Migrator(database: path, catalog: catalog())
    let result = try await migrator.up(running: "notebook@1.0")
    try expect(result.done.map(\.id.description) == ["0001-notes/expand", "0002-title/expand"], "up")
    try migrator.createCheckpoint("before-release", note: "all is well")
  }

  /// An application at launch.
  static func application(_ path: String) throws {
    let migrator = try Migrator(database: path, catalog: catalog(), options: Options(wait: .seconds(5)))
    if try !migrator.isUpToDate { try migrator.up() }
    let status = try migrator.status()
    try expect(status.pending.isEmpty && !status.hasDrifted, "status")
    try expect(migrator.verify().isClean, "verify")
  }

  /// A test suite.
  static func testSuite() throws {
    try catalog().lint().requireClean()
    let migrator = try Migrator.inMemory(catalog())
    try expect(migrator.isUpToDate, "in memory")
    try migrator.down(to: .checkpoint("0"))
    try expect(!migrator.isUpToDate, "down in memory")
  }

  /// A tool of an operator, which shows what happens.
  static func operatorsTool(_ path: String) async throws {
    let options = Options().overriding([.window], because: "the release is undone")
    let migrator = try Migrator(database: path, catalog: catalog(), options: options)
    for step in try migrator.plan(.downTo("0001")).steps { print("down:", step.id) }
    try await migrator.down(to: .phase("0001")) { event in show(event) }
    let task = Task {
      let migrator = try Migrator(database: path, catalog: catalog())
      return try await migrator.up { event in show(event) }
    }
    try await expect(task.value.done.count == 1, "up again")
    for try await event in migrator.down(to: .phase("0001")) { show(event) }
    try expect(!migrator.isUpToDate, "down in a loop")
    for try await event in migrator.up() { show(event) }
    try expect(migrator.isUpToDate, "up in a loop")
    do {
      try await migrator.down(to: .checkpoint("nowhere"))
    } catch {
      try expect(error.id == .unknownCheckpoint && error.standing == .unchanged, "\(error)")
    }
  }

  static func show(_ event: Event) {
    switch event {
    case .committed(let id, let direction, let times, _):
      print(id, direction, "took", times.duration, "and held the lock for", times.hold)
    case .batchCommitted(_, _, let progress):
      print(progress.rows, "rows,", progress.fraction ?? 0, "then a rest of", progress.pause)
    default: break
    }
  }

  /// A pipeline.
  static func rehearsal(_ path: String) throws {
    let migrator = try Migrator(database: path, catalog: catalog(), access: .reading)
    let report = try migrator.rehearse()
    try expect(report.isClean && report.held.isEmpty, "nothing is left to rehearse")
  }

  /// A pipeline that runs the queries of an application's versions on every state.
  static func compatibility(_ path: String) throws {
    let check = { (folder: String) throws(MigrationError) in
      try CompatibilityCheck(folder: folder).report().isClean
    }
    do {
      _ = try check(path + "-nowhere")
    } catch {
      try expect(error.id == .folderNotFound, "\(error)")
    }
  }

  static func versions(_ folder: String) throws {
    let range = try VersionRange(">=1.0 <2.0")
    try expect(range.contains(try Version("1.4")), "versions")
    try expect(LiveVersion("notebook@1.4").application == "notebook", "live versions")
  }

  static func catalog() throws -> Catalog {
    try Catalog([
      Migration(
        "0001-notes",
        phases: [
          phase(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)", "DROP TABLE notes", "<2.0")
        ]),
      Migration(
        "0002-title",
        phases: [
          phase("ALTER TABLE notes ADD COLUMN title TEXT", "ALTER TABLE notes DROP COLUMN title", ">=0.1")
        ]),
    ])
  }

  static func phase(_ up: String, _ down: String, _ range: String) throws -> Phase {
    guard let up = Script(up), let down = Script(down) else { throw Failure("a script has no statement") }
    return Phase(
      .expand, windows: try Windows(Window("notebook", VersionRange(range))), up: up, down: down,
      summary: "Keep notes.")
  }

  static func expect(_ condition: Bool, _ what: String) throws {
    guard condition else { throw Failure("this does not hold: \(what)") }
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
