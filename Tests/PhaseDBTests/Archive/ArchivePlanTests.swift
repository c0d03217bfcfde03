import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What a transition is found to take away, before any row was touched.
struct ArchivePlanTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let schema: String
    let up: String
    let down: String
    let takes: [String]

    /// - Parameter takes: one line for each table, as `ArchivePlan.line` writes it.
    init(_ sentence: String, _ schema: String, up: String, down: String, takes: [String]) {
      testDescription = sentence
      self.schema = schema
      self.up = up
      self.down = down
      self.takes = takes
    }
  }

  static let cases = [
    Case(
      "a dropped column is copied before", "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
      up: "ALTER TABLE t DROP a", down: "ALTER TABLE t ADD a",
      takes: ["t by id: columns a!, rows go on in t by id"]),
    Case(
      "a column that the way back computes is not tracked",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", up: "UPDATE t SET a = b",
      down: "UPDATE t SET a = upper(b)", takes: ["t by id: difference a, rows go on in t by id"]),
    Case(
      "a column that stays and is not computed is tracked", "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
      up: "UPDATE t SET a = b", down: "SELECT 1", takes: ["t by id: difference a~, rows go on in t by id"]),
    Case(
      "what only adds takes nothing", "CREATE TABLE t (a)", up: "ALTER TABLE t ADD b",
      down: "ALTER TABLE t DROP b", takes: []),
    Case(
      "a renamed table and its renamed columns lose nothing", "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
      up: "ALTER TABLE t RENAME a TO b; ALTER TABLE t RENAME TO u",
      down: "ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME b TO a", takes: []),
    Case(
      "a column dropped after renames is found under its first name",
      "CREATE TABLE t (a, b, c, PRIMARY KEY (b, a))",
      up:
        "ALTER TABLE t RENAME c TO d; ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME b TO e; ALTER TABLE u DROP d",
      down: "ALTER TABLE u RENAME e TO b; ALTER TABLE u RENAME TO t; ALTER TABLE t ADD c",
      takes: ["t by b, a: columns c!, rows go on in u by e, a"]),
    Case(
      "a dropped table that comes back empty is copied by rowid", "CREATE TABLE t (k TEXT PRIMARY KEY, a)",
      up: "DROP TABLE t", down: "CREATE TABLE t (k TEXT PRIMARY KEY, a)",
      takes: ["t by rowid: rows k!, a!"]),
    Case(
      "a dropped table that is filled from one with its key goes on there",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (id INTEGER PRIMARY KEY, b)",
      up: "DROP TABLE t",
      down: "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t SELECT id, b FROM u",
      takes: ["t by id: difference a!, rows go on in u by id"]),
    Case(
      "a dropped table that is filled from two is kept whole, with both to look at",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (id, b); CREATE TABLE v (id, c)",
      up: "DROP TABLE t",
      down:
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t SELECT u.id, c FROM u JOIN v USING (id)",
      takes: ["t by id: rows a!, made again from u, v"]),
    Case(
      "a rebuilt table goes on under its name", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b)",
      up: """
        CREATE TABLE n (id INTEGER PRIMARY KEY, a INTEGER, c);
        INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t
        """,
      down: """
        CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b);
        INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t
        """, takes: ["t by id: difference a~, b!, rows go on in t by id"]),
    Case(
      "a key that is retyped is kept, too", "CREATE TABLE t (k TEXT PRIMARY KEY)",
      up:
        "CREATE TABLE n (k INTEGER PRIMARY KEY); INSERT INTO n SELECT k FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down:
        "CREATE TABLE n (k TEXT PRIMARY KEY); INSERT INTO n SELECT k FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      takes: ["t by k: difference k~, rows go on in t by k"]),
    Case(
      "a table that a trigger updates is one that the phase updates",
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (id INTEGER PRIMARY KEY, b);
      CREATE TRIGGER r AFTER UPDATE ON t BEGIN UPDATE u SET b = NEW.a WHERE id = NEW.id; END
      """, up: "UPDATE t SET a = 1", down: "UPDATE t SET a = 2",
      takes: [
        "t by id: difference a, rows go on in t by id, made again from u",
        "u by id: difference b, rows go on in u by id, made again from t",
      ]),
    Case(
      "a table that is inserted into loses nothing", "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
      up: "INSERT INTO t VALUES (1, replace('a', 'b', 'c'))", down: "SELECT 1", takes: []),
    Case(
      "a table that is inserted into with REPLACE may lose rows",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
      up: "REPLACE INTO t VALUES (1, 2)", down: "SELECT 1",
      takes: ["t by id: difference a~, rows go on in t by id"]),
    Case(
      "so may one whose own conflict clause says it",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT REPLACE, b)", up: "UPDATE t SET a = 1",
      down: "SELECT 1", takes: ["t by id: difference a~, b~, rows go on in t by id"]),
    Case(
      "where the key is written the rowid leads to the row", "CREATE TABLE t (k TEXT PRIMARY KEY, a)",
      up: "UPDATE t SET k = upper(k)", down: "SELECT 1",
      takes: ["t by rowid: difference k~, rows go on in t by rowid"]),
    Case(
      "where the rowid is written nothing does", "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
      up: "UPDATE t SET id = id + 1", down: "UPDATE t SET id = id - 1",
      takes: ["t by id: rows a, made again from t of a moved table"]),
    Case(
      "generated columns are never kept",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b AS (a), c AS (a) STORED)",
      up: "ALTER TABLE t DROP b", down: "ALTER TABLE t ADD b AS (a)", takes: []),
    Case(
      "a column computed from another table is looked at together with it",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (t, b)", up: "ALTER TABLE t DROP a",
      down: "ALTER TABLE t ADD a; UPDATE t SET a = (SELECT b FROM u WHERE u.t = t.id)",
      takes: ["t by id: columns a!, rows go on in t by id, made again from u"]),
  ]

  @Test("a transition takes away", arguments: cases)
  func archivePlan(_ row: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: row.schema)
    let phase = try phase(.contract, row.up, down: row.down)
    let trial = try TransitionTrial(PhaseID("0001-a/contract"), phase, .up, on: Schema(of: connection))
    #expect(try ArchivePlan.all(in: trial, on: connection).map(\.line).sorted() == row.takes)
  }

  @Test("a table whose rows have no name is not touched")
  func nameless() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "CREATE TABLE t (rowid, oid, _rowid_, a)")
    let trial = try TransitionTrial(
      PhaseID("0001-a/contract"), phase(.contract, "ALTER TABLE t DROP a", down: "ALTER TABLE t ADD a"), .up,
      on: Schema(of: connection))
    #expect(migrationError { try ArchivePlan.all(in: trial, on: connection) }?.id == .archiveImpossible)
  }
}

extension ArchivePlan {
  /// `t by id: difference a, b!, rows go on in u by id`; a column with `!` is gone afterwards, one with `~` is tracked.
  fileprivate var line: String {
    let columns = values.map { $0.name.spelled + ($0.after == nil ? "!" : $0.isTracked ? "~" : "") }
    var line =
      "\(table.name) by \(key.names.joined(separator: ", ")): \(method) \(columns.joined(separator: ", "))"
    if let successor { line += ", rows go on in \(successor.table) by \(successor.key.list)" }
    if !sources.isEmpty { line += ", made again from \(sources.list)" }
    if isMoved { line += " of a moved table" }
    return line
  }
}
