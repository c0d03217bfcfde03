import Testing

@testable import PhaseDB

/// Constraints that a way back restores, and rows that have come to break them: in a large database, where nothing is tried
/// on a copy before it is asked for.
@Suite("A constraint that a way back restores")
struct RestoredConstraintsTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let phases: [(Phase.Kind, up: String, down: String)]
    /// What makes rows that the former schema refuses, and what an operator does about them.
    let breaks: String
    let mends: String
    /// Whether the rows that break it are found without a copy.
    var isAsked = false

    init(
      _ sentence: String, _ before: String, _ phases: (Phase.Kind, up: String, down: String)...,
      breaks: String, mends: String, isAsked: Bool = false
    ) {
      testDescription = sentence
      (self.before, self.phases, self.breaks, self.mends) = (before, phases, breaks, mends)
      self.isAsked = isAsked
    }
  }

  private static func rebuilt(_ definition: String) -> String {
    "CREATE TABLE n (\(definition)); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
  }

  static let cases = [
    Case(
      "a reference, and a child without a parent",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, p"),
        down: rebuilt("id INTEGER PRIMARY KEY, p REFERENCES p")
      ), breaks: "INSERT INTO t VALUES (2, 9)", mends: "INSERT INTO p VALUES (9)"),
    Case(
      "a reference, and a parent that was deleted",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, p"),
        down: rebuilt("id INTEGER PRIMARY KEY, p REFERENCES p")
      ), breaks: "DELETE FROM p", mends: "INSERT INTO p VALUES (1)"),
    Case(
      "a CHECK of a column that has another name",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a CHECK (a > 0)); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, b"),
        down: rebuilt("id INTEGER PRIMARY KEY, a CHECK (a > 0)")
      ), breaks: "INSERT INTO t VALUES (2, -1)", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "an index that is unique by an expression",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE UNIQUE INDEX u ON t (lower(a)); INSERT INTO t VALUES (1, 'x')",
      (.contract, up: "DROP INDEX u", down: "CREATE UNIQUE INDEX u ON t (lower(a))"),
      breaks: "INSERT INTO t VALUES (2, 'X')", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "an index of an expression that some values do not have",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE INDEX u ON t (json_extract(a, '$.n')); INSERT INTO t VALUES (1, '{}')",
      (.contract, up: "DROP INDEX u", down: "CREATE INDEX u ON t (json_extract(a, '$.n'))"),
      breaks: "INSERT INTO t VALUES (2, 'none')", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "a partial index of columns that have other names",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX u ON t (a) WHERE b > 0; INSERT INTO t VALUES (1, 'x', 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, c, d"),
        down: rebuilt("id INTEGER PRIMARY KEY, a, b") + "; CREATE UNIQUE INDEX u ON t (a) WHERE b > 0"
      ), breaks: "INSERT INTO t VALUES (2, 'x', 1)", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "the type of a STRICT column, and a text that only begins with a number",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER) STRICT; INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, a"),
        down: rebuilt("id INTEGER PRIMARY KEY, a INTEGER").replacing("); INSERT", with: ") STRICT; INSERT")
      ), breaks: "INSERT INTO t VALUES (2, '1x')",
      mends: "DELETE FROM t WHERE id = 2", isAsked: true),
  ]

  @Test("is not called exact once rows may break it, nor blocked once they no longer do:", arguments: cases)
  func words(_ row: Case) throws {
    let database = try TemporaryDatabase(row.before)
    let catalog = try catalog([
      "0001-a": try row.phases.map { try phase($0.0, $0.up, down: $0.down) }
    ])
    try database.run(.upAll, catalog)
    var large = Options.test
    large.mostBytesCopied = 0
    func word(_ options: Options) throws -> Reversal.Word? {
      try database.migrator(catalog, options).reversals().values.first?.word
    }
    func rehearse() throws {
      let migrator = try database.migrator(catalog, large)
      try migrator.record(try migrator.rehearseDown(.downAll))
    }
    #expect(try word(large) == .exact)
    try database.run(row.breaks)
    #expect(try [word(large), word(.test)] == [row.isAsked ? .blocked : .expected, .blocked])
    try rehearse()
    #expect(try word(large) == .blocked)
    try database.run(row.mends)
    #expect(try word(large) != .blocked)
    try rehearse()
    #expect(try [word(large), word(.test)] == [.exact, .exact])
    // What was seen holds no longer than the rows that decided.
    try database.run(row.breaks.replacing("(2, 9)", with: "(3, 8)"))
    let after = try word(large)
    #expect(after == .expected || after == .blocked)
  }

  @Test("what a rehearsal saw lost stays lossy when other rows change")
  func lossy() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'Ab')")
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET a = upper(a)", down: "UPDATE t SET a = lower(a)")]
    ])
    try database.run(.upAll, catalog)
    try database.run("INSERT INTO t VALUES (3, 'Qq')")
    let migrator = try database.migrator(catalog)
    try migrator.record(try migrator.rehearseDown(.downAll))
    for write in ["", "INSERT INTO t VALUES (4, 'x')"] {
      try database.run(write)
      let told = try database.reversals()["0001-a/migrate"]?.first
      #expect(told?.hasPrefix("lossy t.a 1: ") == true, "\(told ?? "")")
    }
  }
}
