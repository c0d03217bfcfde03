import PhaseSQL
import PhaseSQLite
import Testing

/// Every row that a statement changes is told, whatever changes it.
@Suite("Changes of rows")
struct RowChangesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    let told: [String]
    /// Without the pre-update hook, where that tells less.
    var withoutHook: [String]?
  }

  static let cases = [
    Case(
      testDescription: "insert, update and delete",
      sql: "INSERT INTO t VALUES (7, 'x'); UPDATE t SET n = 'y' WHERE id = 7; DELETE FROM t WHERE id = 7",
      told: ["insert 7", "update 7", "delete 7"]),
    Case(
      testDescription: "a rowid that moves", sql: "UPDATE t SET id = 9 WHERE id = 1", told: ["update 1 to 9"],
      withoutHook: ["update 9"]),
    Case(
      testDescription: "a row that REPLACE takes away by its key",
      sql: "INSERT OR REPLACE INTO t VALUES (1, 'z')",
      told: ["delete 1", "insert 1"], withoutHook: ["insert 1"]),
    Case(
      testDescription: "a row that a column's own conflict clause takes away",
      sql: "UPDATE t SET n = 'a' WHERE id = 2",
      told: ["delete 1", "update 2"], withoutHook: ["update 2"]),
    Case(
      testDescription: "a table without rowids",
      sql: "INSERT INTO w VALUES ('k', 1); UPDATE w SET v = 2; DELETE FROM w",
      told: ["insert w A", "update w A", "delete w A"], withoutHook: []),
    Case(
      testDescription: "every row of a DELETE without a condition", sql: "DELETE FROM t",
      told: ["delete 1", "delete 2"], withoutHook: []),
    Case(
      testDescription: "what a trigger does to another table", sql: "INSERT INTO o VALUES (5)",
      told: ["insert o 5", "update 2"]),
  ]

  @Test("are told, by", arguments: cases, [true, false])
  func told(row: Case, everyChange: Bool) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(
      script: """
        CREATE TABLE t (id INTEGER PRIMARY KEY, n UNIQUE ON CONFLICT REPLACE);
        CREATE TABLE w (k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID;
        CREATE TABLE o (k INTEGER PRIMARY KEY);
        CREATE TRIGGER tr AFTER INSERT ON o BEGIN UPDATE t SET n = n || '.' WHERE id = 2; END;
        INSERT INTO t VALUES (1, 'a'), (2, 'b');
        """)
    var told: [String] = []
    var keys: [RowIdentity] = []
    let changes = RowChanges(
      table: "t", keys: ["w": [0]],
      observeMain: { operation, old, new in
        let isMoved = operation == .update && old != new
        told.append("\(operation) \(operation == .insert ? new : old)\(isMoved ? " to \(new)" : "")")
      },
      observe: { change in
        switch change.row {
        case .rowID(let number): told.append("\(change.operation) \(change.table) \(number)")
        case .key:
          if !keys.contains(change.row) { keys.append(change.row) }
          let letter = ["A", "B", "C"][keys.firstIndex(of: change.row) ?? 2]
          told.append("\(change.operation) \(change.table) \(letter)")
        }
      })
    connection.startTelling(changes, everyChange: everyChange && Connection.tellsEveryChange)
    try connection.execute(script: row.sql)
    connection.stopTelling()
    try connection.execute("INSERT INTO o VALUES (6)")
    #expect(told == (everyChange && Connection.tellsEveryChange ? row.told : row.withoutHook ?? row.told))
  }
}
