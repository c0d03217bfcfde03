import Foundation
import GRDB
import PhaseDB

/// What the page Library says of a handle of GRDB's.
@main
struct Check {
  static func main() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "phasedb-grdb-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }

    // A queue of its own, closed before the application opens another.
    let path = folder.appending(path: "notes.db").path
    let lent = try DatabaseQueue(path: path)
    try migrate(lent)
    try lent.close()
    try await expect(
      observes(try DatabaseQueue(path: path)), "a queue that is opened afterwards observes changes")

    // A queue that goes on: whether GRDB still sees changes is what the page warns of.
    let kept = try DatabaseQueue(path: folder.appending(path: "kept.db").path)
    try migrate(kept)
    try await print("a queue that goes on observes changes:", observes(kept))
    print("GRDB and phasedb work on one handle")
  }

  static func migrate(_ queue: DatabaseQueue) throws {
    let catalog = try catalog()
    try queue.writeWithoutTransaction { database in
      guard let handle = database.sqliteConnection else { throw Failure("GRDB has no handle") }
      let migrator = try unsafe Migrator(borrowing: handle, catalog: catalog)
      try expect(migrator.up().done.count == 1, "the phase goes up")
    }
    try queue.write { database in
      try database.execute(sql: "INSERT INTO notes (body) VALUES ('first')")
    }
  }

  /// Whether an observation is told of a write, within a second.
  static func observes(_ queue: DatabaseQueue) async throws -> Bool {
    let counts = ValueObservation.tracking { try Int.fetchOne($0, sql: "SELECT count(*) FROM notes") ?? 0 }
      .values(in: queue)
    let watching = Task {
      for try await count in counts where count == 2 { return true }
      return false
    }
    try await Task.sleep(for: .milliseconds(200))
    try await queue.write { try $0.execute(sql: "INSERT INTO notes (body) VALUES ('second')") }
    Task {
      try await Task.sleep(for: .seconds(1))
      watching.cancel()
    }
    return (try? await watching.value) ?? false
  }

  static func catalog() throws -> Catalog {
    guard let up = Script("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)"),
      let down = Script("DROP TABLE notes")
    else { throw Failure("a script has no statement") }
    let create = Phase(
      .expand, windows: try Windows(Window("notebook", VersionRange("<2.0"))), up: up, down: down)
    return try Catalog([Migration("0001-notes", phases: [create])])
  }

  static func expect(_ holds: Bool, _ what: String) throws {
    guard holds else { throw Failure("this does not hold: \(what)") }
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
