import PhaseSQLite
import Testing

@testable import PhaseDB

/// A phase up and down again, with what an application wrote in between, and the rows that must be there then.
struct RoundTrip: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let before: String
  let kind: Phase.Kind
  let up: String
  let down: String
  let since: String
  let expected: [String: [String]]

  /// - Parameters:
  ///   - before: schema and rows.
  ///   - since: what an application does between up and down.
  ///   - expected: rows by table, as `Snapshot` writes them, of the tables that are not as before.
  init(
    _ sentence: String, _ before: String, _ kind: Phase.Kind = .contract, up: String, down: String,
    since: String = "", after expected: [String: [String]] = [:]
  ) {
    testDescription = sentence
    self.before = before
    self.kind = kind
    self.up = up
    self.down = down
    self.since = since
    self.expected = expected
  }

  func catalog() throws -> Catalog {
    try PhaseDBTests.catalog(["0001-a": [phase(kind, up, down: down)]])
  }

  /// Goes there and back.
  func check() throws {
    let database = try TemporaryDatabase(before)
    let rows = try #require(try database.snapshot()).rows
    let catalog = try catalog()
    try database.run(.upAll, catalog)
    try database.run(since)
    try database.run(.down(1), catalog)
    let after = try #require(try database.snapshot())
    #expect(after.rows == rows.merging(expected) { $1 }, "\(after)\n\(after.ledger)")
    #expect(database.integrity() == "ok")
  }
}
