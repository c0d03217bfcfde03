import Foundation
import PhaseSQL
import Testing

@testable import PhaseDB

/// What lint finds in a folder whose second migration is the one in question.
struct FactCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let base: String
  let kind: String
  let directives: String
  let up: String
  let down: String
  fileprivate(set) var rules: Set<String>

  init(
    _ sentence: String, _ kind: String = "expand", from base: String, up: String, down: String,
    directives: String = "", finds rules: String...
  ) {
    (testDescription, self.base, self.kind, self.up, self.down) = (sentence, base, kind, up, down)
    self.directives = directives
    self.rules = Set(rules)
  }

  /// The file of the migration in question.
  var text: String {
    "-- @window app >=1.0\n-- @residual none\n\(directives)\n-- @up\n\(up)\n-- @down\n\(down)\n"
  }

  func report(sqlite: Version? = nil) throws -> LintReport {
    let folder = try TemporaryFolder([
      "0001-base/expand.sql": "-- @window app >=1.0\n-- @up\n\(base)\n-- @down\n\(Self.drops(base))\n",
      "0002-next/\(kind).sql": text,
    ])
    return try withExtendedLifetime(folder) { try Linter(folder: folder.path, sqlite: sqlite).report() }
  }

  /// Tables, views and virtual tables in turn, last first.
  private static func drops(_ sql: String) -> String {
    sql.matches(of: #/CREATE (?:VIRTUAL )?(TABLE|VIEW) (\w+)/#).reversed().map {
      "DROP \($0.output.1) \($0.output.2);"
    }
    .joined(separator: "\n")
  }
}

/// Rules that ask what changed in the schema.
@Suite("Rules on schema facts")
struct FactRulesTests {
  @Test(
    "find what they are for and nothing else",
    arguments: requiredColumns + tightenings + retypes + rebuilds + intentions + contracts)
  func rules(_ test: FactCase) throws {
    let report = try test.report()
    let ids = Set(report.findings.map(\.id)).subtracting([Rule.undetected.rawValue])
    #expect(ids == test.rules, "\(report.findings.map { "\($0.id): \($0.message) \($0.details)" })")
    for finding in report.findings {
      #expect(finding.place?.file.hasSuffix("0002-next/\(test.kind).sql") == true)
      #expect(!finding.remedies.isEmpty)
    }
  }

  @Test("call a retyped column lost exactly where the archive does not keep it", arguments: retypes)
  func archived(_ test: FactCase) throws {
    let report = try test.report()
    let file = "0002-next/\(test.kind).sql"
    let phase = try PhaseFile.read(test.text, file: file, kind: try #require(Phase.Kind(rawValue: test.kind)))
    let id = try PhaseID("0002-next/\(test.kind)")
    let scratch = try Scratch(baseline: Script(test.base, file: "baseline.sql"))
    let before = scratch.schema
    // An expand gets no archive, whatever it takes.
    var isKept = false
    if test.kind != "expand",
      let archivePlans = try? ArchivePlan.all(
        in: TransitionTrial(id, phase, .up, on: before), on: scratch.connection)
    {
      isKept = archivePlans.contains { archivePlan in
        archivePlan.values.contains { $0.name == "code" || $0.name == "b" }
      }
    }
    if report.findings.contains(where: { $0.id == "lossy-retype" }) { #expect(!isKept) }
    let after = try { () throws(MigrationError) in
      try scratch.run(id, phase, .up)
      return scratch.schema
    }()
    let isRetyped = SchemaDifference(from: before, to: after).facts.contains {
      if case .columnRetyped(_, _, let old, let new) = $0 { old.affinity != new.affinity } else { false }
    }
    if isRetyped, !isKept, phase.losses.isEmpty, !test.testDescription.contains("without a type"),
      !test.testDescription.contains("generated")
    {
      #expect(report.findings.contains { $0.id == "lossy-retype" })
    }
  }

  @Test("find nothing in the example")
  func example() throws {
    let report = try Linter(
      folder: Document.root.appending(path: "migrations-example").path, sqlite: Version("3.37")
    ).report()
    #expect(report.findings.map(\.message) == [])
  }

  @Test(
    "ask for a newer SQLite only where one is promised",
    arguments: [
      (nil, []),
      ("3.35", ["STRICT needs SQLite 3.37.0, and the settings promise 3.35.0"]),
      ("3.36.9", ["STRICT needs SQLite 3.37.0, and the settings promise 3.36.9"]),
      ("3.37", []),
    ] as [(String?, [Prose])])
  func newerSQLite(_ promised: String?, _ messages: [Prose]) throws {
    let test = FactCase(
      "", from: "CREATE TABLE t (a);", up: "CREATE TABLE u (a INTEGER) STRICT;", down: "DROP TABLE u;")
    let report = try test.report(sqlite: promised.map { try Version($0) })
    #expect(report.findings.map(\.message) == messages)
    #expect(report.findings.allSatisfy { $0.place?.line == 5 && $0.place?.column == 28 })
  }

  @Test("look for newer SQL on the way down, too")
  func newerDown() throws {
    let test = FactCase(
      "", from: "CREATE TABLE t (a); CREATE TABLE u (a);", up: "INSERT INTO t VALUES (1);",
      down: "DELETE FROM t WHERE a IS NOT DISTINCT FROM 1;")
    let report = try test.report(sqlite: Version("3.38"))
    let newer = report.findings.filter { $0.id == "needs-newer-sqlite" }
    #expect(newer.map(\.place?.line) == [7])
  }

  @Test("stand at the statement that does it, also when it has another name there")
  func places() throws {
    let test = FactCase(
      "", from: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);",
      up: """
        CREATE TABLE u (id INTEGER PRIMARY KEY,
          a INTEGER);
        INSERT INTO u SELECT id, a FROM t;
        DROP TABLE t;
        ALTER TABLE u RENAME TO t;
        """, down: "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);")
    let finding = try #require(try test.report().findings.first { $0.id == "lossy-retype" })
    #expect(finding.id == "lossy-retype")
    #expect(finding.place?.line == 6)
    #expect(finding.place?.column == 3)
    #expect(finding.remedies.contains("or accept it: -- @loses t.a: why the old values are not needed"))
  }

  @Test("give the lost object's SQL as the remedy")
  func remedy() throws {
    let test = try #require(Self.rebuilds.first { $0.testDescription.contains("partial index") })
    let finding = try #require(try test.report().findings.first)
    #expect(finding.message == "table t is rebuilt and loses index i on t")
    #expect(finding.remedies.first == "after the rename: CREATE INDEX i ON t (a) WHERE a > 0;")
  }
}

// MARK: - Columns

extension FactRulesTests {
  private static let people = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, code TEXT);"
  private static let dropAge = "ALTER TABLE people DROP COLUMN age;"

  static let requiredColumns = [
    FactCase(
      "a NOT NULL column without a default passes on an empty table and fails every old insert", from: people,
      up: "ALTER TABLE people ADD COLUMN age INTEGER NOT NULL;", down: dropAge, finds: "required-column"),
    FactCase(
      "DEFAULT NULL is no default", from: people,
      up: "ALTER TABLE people ADD COLUMN age INTEGER NOT NULL DEFAULT NULL;", down: dropAge,
      finds: "required-column"),
    FactCase(
      "NOT NULL with a default is filled in for the old version", from: people,
      up: "ALTER TABLE people ADD COLUMN age INTEGER NOT NULL DEFAULT 0;", down: dropAge),
    FactCase(
      "a column that may be NULL may be left out", from: people,
      up: "ALTER TABLE people ADD COLUMN age INTEGER;", down: dropAge),
    FactCase(
      "a generated column is never left out", from: people,
      up: "ALTER TABLE people ADD COLUMN age INTEGER NOT NULL AS (length(coalesce(name, '')));", down: dropAge
    ),
    FactCase(
      "a new table may require what it likes", from: people,
      up: "CREATE TABLE pets (name TEXT NOT NULL, owner INTEGER NOT NULL);", down: "DROP TABLE pets;"),
  ]

  static let retypes = [
    FactCase(
      "the archive of a contract keeps '007', of which INTEGER and back makes '7'", "contract", from: people,
      up: copying("people", "id INTEGER PRIMARY KEY, name TEXT, code INTEGER"),
      down: copying("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT")),
    FactCase(
      "and where a contract copies no rows at all", "contract", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code INTEGER"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT")),
    FactCase(
      "and where a column is dropped and added under its old name with another type", "contract",
      from: people,
      up: "ALTER TABLE people DROP COLUMN code; ALTER TABLE people ADD COLUMN code REAL;",
      down: "ALTER TABLE people DROP COLUMN code; ALTER TABLE people ADD COLUMN code TEXT;"),
    FactCase(
      "nothing keeps it where rows have nothing to be known by", "contract",
      from: "CREATE TABLE k (rowid, _rowid_, oid, code TEXT);",
      up: "ALTER TABLE k DROP COLUMN code; ALTER TABLE k ADD COLUMN code REAL;",
      down: "ALTER TABLE k DROP COLUMN code; ALTER TABLE k ADD COLUMN code TEXT;", finds: "lossy-retype"),
    FactCase(
      "an expand that retypes breaks three promises", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code INTEGER"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT"), finds: "lossy-retype",
      "tightened-early", "expand-not-additive"),
    FactCase(
      "a loss that is declared is accepted", "contract", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code INTEGER"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT"),
      directives: "-- @loses People.CODE: nobody looks at leading zeros"),
    FactCase(
      "another word for the same affinity changes no value", "contract", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code VARCHAR(20)"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT")),
    FactCase(
      "a column without a type keeps every value as it is", "contract", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT")),
    FactCase(
      "a generated column has nothing to lose", "contract", from: "CREATE TABLE t (a TEXT, b TEXT AS (a));",
      up: "ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN b INTEGER AS (a);",
      down: "ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN b TEXT AS (a);"),
  ]

  /// Builds the table of people anew and copies its rows.
  private static func copying(_ table: String, _ columns: String) -> String {
    """
    CREATE TABLE rebuilt (\(columns));
    INSERT INTO rebuilt (id, name, code) SELECT id, name, code FROM \(table);
    DROP TABLE \(table);
    ALTER TABLE rebuilt RENAME TO \(table);
    """
  }

  /// Builds a table anew and copies no rows, which no rule here looks at.
  static func rebuild(_ table: String, _ columns: String, _ after: String = "", options: String = "")
    -> String
  {
    """
    CREATE TABLE rebuilt (\(columns)) \(options);
    DROP TABLE \(table);
    ALTER TABLE rebuilt RENAME TO \(table);
    \(after)
    """
  }
}

// MARK: - Tightening

extension FactRulesTests {
  static let tightenings = [
    FactCase(
      "a column gains a UNIQUE index while the old app uses INSERT OR REPLACE", from: people,
      up: "CREATE UNIQUE INDEX people_code ON people (code);", down: "DROP INDEX people_code;",
      finds: "tightened-early"),
    FactCase(
      "in a contract a UNIQUE index is what is expected", "contract", from: people,
      up: "CREATE UNIQUE INDEX people_code ON people (code);", down: "DROP INDEX people_code;"),
    FactCase(
      "an index that is not UNIQUE refuses nothing", from: people,
      up: "CREATE INDEX people_code ON people (code);", down: "DROP INDEX people_code;"),
    FactCase(
      "old versions leave a new column NULL, and NULLs are not in each other's way", from: people,
      up: "ALTER TABLE people ADD COLUMN age; CREATE UNIQUE INDEX i ON people (code, age);",
      down: "DROP INDEX i; \(dropAge)"),
    FactCase(
      "but its default is the same in all their rows", from: people,
      up: "ALTER TABLE people ADD COLUMN age DEFAULT 0; CREATE UNIQUE INDEX i ON people (age);",
      down: "DROP INDEX i; \(dropAge)", finds: "tightened-early"),
    FactCase(
      "and a generated one is unique when what it is made of is", from: people,
      up: "ALTER TABLE people ADD COLUMN age AS (lower(code)); CREATE UNIQUE INDEX i ON people (age);",
      down: "DROP INDEX i; \(dropAge)", finds: "tightened-early"),
    FactCase(
      "a partial UNIQUE index holds all their rows when its condition is on what they leave NULL",
      from: people,
      up: "ALTER TABLE people ADD COLUMN age; CREATE UNIQUE INDEX i ON people (code) WHERE age IS NULL;",
      down: "DROP INDEX i; \(dropAge)", finds: "tightened-early"),
    FactCase(
      "and none when it is on what they do not leave", from: people,
      up: "ALTER TABLE people ADD COLUMN age; CREATE UNIQUE INDEX i ON people (code) WHERE age IS NOT NULL;",
      down: "DROP INDEX i; \(dropAge)"),
    FactCase(
      "what is unique stays so with a column more", from: "CREATE TABLE t (a UNIQUE, b);",
      up: "CREATE UNIQUE INDEX i ON t (a, b);", down: "DROP INDEX i;"),
    FactCase(
      "NOCASE takes two values for one", from: "CREATE TABLE t (a UNIQUE, b);",
      up: "CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE);", down: "DROP INDEX i;", finds: "tightened-early"),
    FactCase(
      "a table gains a CHECK", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT, CHECK (length(code) = 3)"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT"), finds: "tightened-early"),
    FactCase(
      "a new column's CHECK against an old one does not hinder who leaves it NULL", from: people,
      up: "ALTER TABLE people ADD COLUMN nick CHECK (nick IS NULL OR nick <> name);",
      down: "ALTER TABLE people DROP COLUMN nick;"),
    FactCase(
      "unless it restricts the old one", from: people,
      up: "ALTER TABLE people ADD COLUMN nick CHECK (nick IS NOT NULL OR length(name) > 3);",
      down: "ALTER TABLE people DROP COLUMN nick;", finds: "tightened-early"),
    FactCase(
      "a new column's CHECK refuses its own default", from: people,
      up: "ALTER TABLE people ADD COLUMN nick DEFAULT 'none' CHECK (nick <> 'none');",
      down: "ALTER TABLE people DROP COLUMN nick;", finds: "tightened-early"),
    FactCase(
      "a new column's CHECK takes its own default", from: people,
      up: "ALTER TABLE people ADD COLUMN nick DEFAULT 'none' CHECK (nick IN ('none', 'some'));",
      down: "ALTER TABLE people DROP COLUMN nick;"),
    FactCase(
      "a table becomes STRICT", from: "CREATE TABLE t (a TEXT);",
      up: rebuild("t", "a TEXT", options: "STRICT"),
      down: rebuild("t", "a TEXT"), finds: "tightened-early"),
    FactCase(
      "a column gains NOT NULL", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', code TEXT"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT"), finds: "tightened-early",
      "expand-not-additive"),
    FactCase(
      "a column gains a collation", from: people,
      up: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, code TEXT"),
      down: rebuild("people", "id INTEGER PRIMARY KEY, name TEXT, code TEXT"), finds: "tightened-early",
      "expand-not-additive"),
    FactCase(
      "an old column gains a foreign key",
      from: "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INTEGER);",
      up: rebuild("t", "a INTEGER REFERENCES p (id)"), down: rebuild("t", "a INTEGER"),
      finds: "tightened-early"),
    FactCase(
      "a new column with a foreign key is nobody's",
      from: "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a);",
      up: "ALTER TABLE t ADD COLUMN b REFERENCES p (id);", down: "ALTER TABLE t DROP COLUMN b;"),
  ]
}

// MARK: - Rebuilding

extension FactRulesTests {
  /// A contract that builds t anew and adds nothing but loses what is not said again.
  private static func lost(
    _ sentence: String, _ before: String, _ after: String, with objects: String = "", keeping: String = "",
    options: String = "", newOptions: String = "", before first: String = "", finds rules: String...
  ) -> FactCase {
    lost(
      sentence, before, after, with: objects, keeping: keeping, options: options, newOptions: newOptions,
      before: first, rules: rules)
  }

  private static func lost(
    _ sentence: String, _ before: String, _ after: String, with objects: String = "", keeping: String = "",
    options: String = "", newOptions: String = "", before first: String = "", rules: [String]
  ) -> FactCase {
    var test = FactCase(
      sentence, "contract",
      from: "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (\(before)) \(options); \(objects)",
      up: first + rebuild("t", after, keeping, options: newOptions),
      down: rebuild("t", before, objects, options: options))
    test.rules = Set(rules)
    return test
  }

  static let rebuilds = [
    lost(
      "an index is lost in a rebuild", "a, b", "a, b", with: "CREATE INDEX i ON t (a);",
      finds: "rebuild-collateral"),
    lost(
      "an index that is made again is not", "a, b", "a, b", with: "CREATE INDEX i ON t (a);",
      keeping: "CREATE INDEX i ON t (a);"),
    lost(
      "nor one that is made under another name", "a, b", "a, b", with: "CREATE INDEX i ON t (a);",
      keeping: "CREATE INDEX j ON t (a);"),
    lost(
      "nor one that the phase drops by name", "a, b", "a, b", with: "CREATE INDEX i ON t (a);",
      before: "DROP INDEX i;\n"),
    lost("nor one on a column that goes", "a, b", "a", with: "CREATE INDEX i ON t (a, b);"),
    lost(
      "a partial index is lost in a rebuild", "a, b", "a, b", with: "CREATE INDEX i ON t (a) WHERE a > 0;",
      finds: "rebuild-collateral"),
    lost(
      "an index that is made again without its WHERE is declared otherwise", "a, b", "a, b",
      with: "CREATE INDEX i ON t (a) WHERE a > 0;", keeping: "CREATE INDEX i ON t (a);"),
    lost(
      "and so is one without DESC", "a, b", "a, b", with: "CREATE INDEX i ON t (a, b DESC);",
      keeping: "CREATE INDEX i ON t (a, b);"),
    FactCase(
      "an expand that loses the WHERE of an index by a rebuild does not mean it", "expand",
      from: "CREATE TABLE t (a, b); CREATE INDEX i ON t (a) WHERE a > 0;",
      up: rebuild("t", "a, b, c", "CREATE INDEX i ON t (a);"),
      down: rebuild("t", "a, b", "CREATE INDEX i ON t (a) WHERE a > 0;"),
      finds: "rebuild-collateral", "expand-not-additive"),
    FactCase(
      "an expand that gains a column by a rebuild does not mean the CHECK that it loses", "expand",
      from: "CREATE TABLE t (a CHECK (a > 0), b);", up: rebuild("t", "a, b, c"),
      down: rebuild("t", "a CHECK (a > 0), b"), finds: "rebuild-collateral"),
    lost(
      "a trigger is lost in a rebuild", "a, b", "a, b",
      with: "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;", finds: "rebuild-collateral"),
    lost(
      "a trigger that the phase drops by name is not", "a, b", "a, b",
      with: "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;", before: "DROP TRIGGER g;\n"),
    lost(
      "nor one about a column that goes", "a, b", "a",
      with: "CREATE TRIGGER g AFTER UPDATE OF b ON t BEGIN DELETE FROM p; END;"),
    lost(
      "an index is made again under its name after it was dropped by name", "a, b", "a, b",
      with: "CREATE INDEX i ON t (a) WHERE a > 0;", keeping: "CREATE INDEX i ON t (a);",
      before: "DROP INDEX i;\n"),
    lost(
      "an index that begins with the same columns does its work", "a, b", "a, b",
      with: "CREATE INDEX i ON t (a);", keeping: "CREATE INDEX j ON t (a, b);"),
    lost(
      "but not that of a unique one", "a, b", "a, b", with: "CREATE UNIQUE INDEX i ON t (a);",
      keeping: "CREATE UNIQUE INDEX j ON t (a, b);", finds: "rebuild-collateral"),
    lost(
      "nor one that begins with others", "a, b", "a, b", with: "CREATE INDEX i ON t (a);",
      keeping: "CREATE INDEX j ON t (b, a);", finds: "rebuild-collateral"),
    lost(
      "a trigger that is made under another name is not lost", "a, b", "a, b",
      with: "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;",
      keeping: "CREATE TRIGGER h AFTER INSERT ON t BEGIN DELETE FROM p; END;"),
    lost(
      "one that does something else is no stand-in", "a, b", "a, b",
      with: "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;",
      keeping:
        "CREATE TRIGGER h BEFORE INSERT ON t WHEN NEW.a IS NULL BEGIN SELECT RAISE(ABORT, 'no a'); END;",
      finds: "rebuild-collateral"),
    FactCase(
      "a trigger that writes a table that goes cannot stay", "contract",
      from:
        "CREATE TABLE p (id); CREATE TABLE t (a, b); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;",
      up: "DROP TABLE p; \(rebuild("t", "a, b"))",
      down:
        "CREATE TABLE p (id); \(rebuild("t", "a, b", "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM p; END;"))"
    ),
    lost("a CHECK that another on the column replaces is not", "a CHECK (a > 0), b", "a CHECK (a > 1), b"),
    lost("nor one on a column that goes", "a, b, CHECK (a > b)", "a"),
    lost(
      "a UNIQUE that becomes an index is not", "a UNIQUE, b", "a, b",
      keeping: "CREATE UNIQUE INDEX i ON t (a);"),
    lost(
      "a COLLATE says nothing of numbers", "a TEXT COLLATE NOCASE, b", "a INTEGER, b"),
    lost(
      "AUTOINCREMENT goes with the key that it counts", "id INTEGER PRIMARY KEY AUTOINCREMENT, a",
      "id TEXT PRIMARY KEY, a"),
    FactCase(
      "a foreign key goes with its parent", "contract",
      from: "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a REFERENCES p, b);",
      up: "\(rebuild("t", "a, c"))DROP TABLE p;",
      down: "CREATE TABLE p (id INTEGER PRIMARY KEY); \(rebuild("t", "a REFERENCES p, b"))",
      finds: "contract-creates"),
    lost(
      "a rebuild without the counter gives ids out twice", "id INTEGER PRIMARY KEY AUTOINCREMENT, a",
      "id INTEGER PRIMARY KEY AUTOINCREMENT", finds: "rebuild-collateral"),
    FactCase(
      "a rebuild that copies the counter does not", "contract", from: counted,
      up: recount("id INTEGER PRIMARY KEY AUTOINCREMENT"),
      down: recount("id INTEGER PRIMARY KEY AUTOINCREMENT, a")),
    FactCase(
      "the way down must copy it, too", "contract", from: counted, up: "ALTER TABLE t DROP COLUMN a;",
      down: rebuild("t", "id INTEGER PRIMARY KEY AUTOINCREMENT, a"), finds: "rebuild-collateral"),
    FactCase(
      "the old table is renamed away first and takes its index along", "contract",
      from: "CREATE TABLE t (a, b); CREATE INDEX i ON t (a);",
      up: "ALTER TABLE t RENAME TO old; CREATE TABLE t (a, b); DROP TABLE old;",
      down: rebuild("t", "a, b", "CREATE INDEX i ON t (a);"), finds: "rebuild-collateral"),
    FactCase(
      "a table that is dropped for good loses nothing that matters", "contract",
      from: "CREATE TABLE p (a); CREATE TABLE t (a); CREATE INDEX i ON t (a);", up: "DROP TABLE t;",
      down: "CREATE TABLE t (a); CREATE INDEX i ON t (a);"),
  ]

  /// One clause of a table, and what the table is without it.
  private static let clauses: [(clause: String, with: String, without: String, options: String)] = [
    ("a CHECK", "a CHECK (a > 0)", "a", ""),
    ("a COLLATE", "a TEXT COLLATE NOCASE", "a TEXT", ""),
    ("an ON DELETE", "a REFERENCES p ON DELETE CASCADE", "a REFERENCES p", ""),
    ("an ON UPDATE", "a REFERENCES p ON UPDATE SET NULL", "a REFERENCES p", ""),
    ("a DEFERRABLE", "a REFERENCES p DEFERRABLE INITIALLY DEFERRED", "a REFERENCES p", ""),
    ("a foreign key", "a REFERENCES p", "a", ""),
    ("a UNIQUE", "a UNIQUE", "a", ""),
    ("STRICT", "a TEXT", "a TEXT", "STRICT"),
    ("WITHOUT ROWID", "a TEXT NOT NULL PRIMARY KEY", "a TEXT NOT NULL PRIMARY KEY", "WITHOUT ROWID"),
    ("GENERATED", "x TEXT, a AS (x) STORED", "x TEXT, a", ""),
    ("ON CONFLICT", "a UNIQUE ON CONFLICT REPLACE", "a UNIQUE", ""),
    ("AUTOINCREMENT", "a INTEGER PRIMARY KEY AUTOINCREMENT", "a INTEGER PRIMARY KEY", ""),
  ]

  /// A contract means what it declares otherwise, alone and beside something else. The counter goes with AUTOINCREMENT,
  /// and is no declaration.
  static let intentions = clauses.flatMap { clause, with, without, options in
    let finds = clause == "AUTOINCREMENT" ? ["rebuild-collateral"] : []
    return [
      lost("\(clause) alone is what a contract is for", with, without, options: options),
      lost(
        "\(clause) goes with a column", "\(with), gone TEXT", without, options: options, rules: finds),
      lost(
        "\(clause) goes where another column becomes NOT NULL", "\(with), b TEXT",
        "\(without), b TEXT NOT NULL",
        options: options, rules: finds),
      lost(
        "\(clause) goes beside a CHECK", "\(with), b TEXT CHECK (b <> '')", "\(without), b TEXT",
        options: options, rules: finds),
    ]
  }

  private static let counted = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a);"

  private static func recount(_ columns: String) -> String {
    """
    CREATE TABLE rebuilt (\(columns));
    INSERT INTO rebuilt (id) SELECT id FROM t;
    DELETE FROM sqlite_sequence WHERE name = 'rebuilt';
    INSERT INTO sqlite_sequence (name, seq) SELECT 'rebuilt', seq FROM sqlite_sequence WHERE name = 't';
    DROP TABLE t;
    ALTER TABLE rebuilt RENAME TO t;
    """
  }
}

// MARK: - Contracts

extension FactRulesTests {
  static let contracts = [
    FactCase(
      "a contract adds a column", "contract", from: people, up: "ALTER TABLE people ADD COLUMN age INTEGER;",
      down: dropAge, finds: "contract-creates"),
    FactCase(
      "a contract adds a table", "contract", from: people, up: "CREATE TABLE pets (name);",
      down: "DROP TABLE pets;",
      finds: "contract-creates"),
    FactCase(
      "a contract adds a view", "contract", from: people, up: "CREATE VIEW names AS SELECT name FROM people;",
      down: "DROP VIEW names;", finds: "contract-creates"),
    FactCase(
      "a contract adds an index to a table that it leaves alone", "contract", from: people,
      up: "CREATE INDEX i ON people (code);", down: "DROP INDEX i;", finds: "contract-creates"),
    FactCase(
      "a contract adds a trigger that writes", "contract", from: people,
      up: "CREATE TRIGGER g AFTER INSERT ON people BEGIN DELETE FROM people WHERE name IS NULL; END;",
      down: "DROP TRIGGER g;", finds: "contract-creates"),
    FactCase(
      "a trigger that refuses rows is how a contract tightens", "contract", from: people,
      up:
        "CREATE TRIGGER g BEFORE INSERT ON people WHEN NEW.name IS NULL BEGIN SELECT RAISE(ABORT, 'no name'); END;",
      down: "DROP TRIGGER g;"),
    FactCase(
      "an index in the place of another is no addition", "contract",
      from: people + "CREATE INDEX i ON people (code);",
      up: "DROP INDEX i; CREATE INDEX j ON people (code, name);",
      down: "DROP INDEX j; CREATE INDEX i ON people (code);"),
    FactCase(
      "a view in the place of a table is no addition", "contract",
      from: people + "CREATE TABLE names (name);",
      up: "DROP TABLE names; CREATE VIEW names AS SELECT name FROM people;",
      down: "DROP VIEW names; CREATE TABLE names (name);"),
    FactCase(
      "a table under another name was there", "contract", from: people,
      up: "ALTER TABLE people RENAME TO persons;",
      down: "ALTER TABLE persons RENAME TO people;"),
    FactCase(
      "a column under another name was there", "contract", from: people,
      up: "ALTER TABLE people RENAME COLUMN code TO tag;",
      down: "ALTER TABLE people RENAME COLUMN tag TO code;"),
    FactCase(
      "an expand may add all of it", from: people,
      up: "CREATE TABLE pets (name); CREATE INDEX i ON people (code);", down: "DROP INDEX i; DROP TABLE pets;"
    ),
  ]
}
