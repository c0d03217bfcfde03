import CSQLite
import PhaseCompat
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What an application asks, heard on its own handle.
struct QueryRecorderTests {
  @Test("is written down once, with its values, and read back the same")
  func record() throws {
    var opened: OpaquePointer?
    try #require(unsafe sqlite3_open(":memory:", &opened) == SQLITE_OK)
    let handle = unsafe try #require(opened)
    defer { unsafe sqlite3_close(handle) }
    let application = unsafe Connection(borrowing: handle)
    try application.execute(
      "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, picture BLOB)")
    try application.execute(
      "CREATE TRIGGER t AFTER INSERT ON items BEGIN UPDATE items SET price = 1 WHERE price IS NULL; END")
    let recorder = unsafe QueryRecorder(borrowing: handle)
    let insert = "INSERT INTO items (name, price, picture) VALUES (:name, ?2, @picture)"
    let rows: [[Value]] = [
      ["it's\ntwo; lines", .real(-1.5), .blob([0, 255])], [.null, .null, .null],
      [.rawText(.utf8([0x30, 0xC3, 0x27])), .real(2), .blob([])],
      ["one too many", .real(3), .null],
    ]
    try application.execute("BEGIN")
    for row in rows {
      var statement = try application.prepare(insert)
      try statement.bind(row)
      _ = try statement.step()
    }
    try application.execute("COMMIT")
    for _ in 0..<2 { _ = try application.rows("SELECT name FROM items WHERE id = ?", 1) }
    _ = try application.rows("SELECT count(*) FROM items")
    recorder.stop()
    try application.execute("DELETE FROM items")
    let script = recorder.script()
    let read = try ApplicationFile.read(script, file: "q.sql", application: "shop", version: try Version("1"))
    #expect(read.queries.map(\.title) == ["insert items", "select items", "select items (2)"], "\(script)")
    #expect(read.queries[0].rows == rows.prefix(3).map { $0.map { .value($0) } }, "\(script)")
    #expect(read.queries[1].rows == [[.value(1)]])
  }
}
