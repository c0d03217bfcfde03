import PhaseDB
import PhaseSQLite
import Testing

@testable import PhaseAudit

/// What becomes of a folder of golang-migrate, of which the database has the first migration.
struct ImportCase: Sendable, CustomTestStringConvertible {
  let title: String
  /// Texts of the second migration and of later ones, up and down.
  let migrations: [(up: String, down: String?)]
  /// Kind and statements of each phase, up and down; without a way down, why.
  let phases: [String]
  var leftOut: [String] = []
  var decide: [String] = []

  init(
    _ title: String, _ up: String, down: String?, _ phases: String..., leftOut: [String] = [],
    decide: [String] = []
  ) {
    self.init(title, [(up, down)], phases, leftOut: leftOut, decide: decide)
  }

  init(
    _ title: String, _ migrations: [(up: String, down: String?)], _ phases: [String], leftOut: [String] = [],
    decide: [String] = []
  ) {
    (self.title, self.migrations, self.phases) = (title, migrations, phases)
    (self.leftOut, self.decide) = (leftOut, decide)
  }

  var testDescription: String { title }

  static let history =
    "CREATE TABLE birds (id INTEGER PRIMARY KEY, name TEXT NOT NULL, seen TEXT); CREATE INDEX by_name ON birds (name);"

  func folder() throws -> FolderOnDisk {
    var files = ["1_birds.up.sql": Self.history]
    for (index, migration) in migrations.enumerated() {
      files["\(index + 2)_change.up.sql"] = migration.up
      files["\(index + 2)_change.down.sql"] = migration.down
    }
    return try FolderOnDisk(files)
  }
}

struct ImportPlanTests {
  /// The plan for a database that has the first migration.
  static func plan(_ row: ImportCase, window: String? = "shop >=1") throws -> (FolderOnDisk, ImportPlan) {
    let disk = try row.folder()
    let path = disk.path + "/shop.db"
    let connection = try Connection(path: path, mode: .create)
    try connection.execute(
      script: ImportCase.history
        + "CREATE TABLE schema_migrations (version uint64,dirty bool); INSERT INTO schema_migrations VALUES (1, false)"
    )
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let plan = try ImportPlan(
      folder, database: path, naming: ImportPlan.Naming(window: window), wait: .seconds(1))
    return (disk, plan)
  }

  @Test(
    "a pending migration becomes phases of the kind that its change of the schema shows", arguments: cases)
  func kinds(_ row: ImportCase) throws {
    let (_, plan) = try Self.plan(row)
    #expect(plan.history == 1)
    let phases = plan.pending.flatMap { migration in
      migration.phases.map { phase -> String in
        let name = "\(migration.folder)/\(phase.kind.rawValue)"
        if let open = phase.open { return "\(name): \(open)" }
        guard let read = try? PhaseFile.read(phase.text, file: "x", kind: phase.kind) else {
          return "\(name): unreadable"
        }
        let count = { (script: Script) in SQLSplitter.statements(in: script.text).count }
        let needs = read.needs.isEmpty ? "" : ", needs \(read.needs.joined(separator: ", "))"
        return
          "\(name): up \(count(read.up)), down \(count(read.down) == 0 ? "archive" : "\(count(read.down))")\(needs)"
      }
    }
    #expect(phases == row.phases)
    #expect(plan.leftOut.map { "\($0.version): \($0.statement ?? "all"): \($0.reason)" } == row.leftOut)
    #expect(
      plan.pending.flatMap { $0.notes + [$0.failure].compactMap(\.self) }.map(\.description) == row.decide)
  }

  @Test("what was written goes up on the baseline and comes back", arguments: cases)
  func trips(_ row: ImportCase) throws {
    let (_, plan) = try Self.plan(row)
    guard plan.pending.allSatisfy({ $0.failure == nil && $0.phases.allSatisfy { $0.open == nil } }) else {
      return
    }
    let migrations = try plan.pending.map { pending in
      try Migration(
        pending.folder,
        phases: try pending.phases.map { try PhaseFile.read($0.text, file: "x", kind: $0.kind) })
    }
    let catalog = try Catalog(migrations, baseline: Script(try #require(plan.baseline)))
    let findings = try catalog.lint().findings.map(\.id)
    #expect(Set(findings).isSubset(of: accepted), "\(findings)")
  }

  /// What only a person can decide.
  private let accepted: Set<String> = [
    "undeclared-residual", "undetected", "unbounded-write", "schema-phase-writes-rows", "contract-creates",
    "rebuild-collateral", "backfill-gap", "tightened-early",
  ]

  @Test("without a window the phase asks for one")
  func window() throws {
    let (_, plan) = try Self.plan(Self.cases[0], window: nil)
    let error = #expect(throws: MigrationError.self) {
      try PhaseFile.read(plan.pending[0].phases[0].text, file: "x", kind: .expand)
    }
    #expect(error?.id == .missingWindow)
  }

  @Test("names of folders are plain, and numbers go on")
  func names() throws {
    let disk = try FolderOnDisk([
      "1_Ähm -- 2; DROP.up.sql": "CREATE TABLE a (x);", "2_2024_01_01.up.sql": "CREATE TABLE b (x);",
    ])
    let database = disk.path + "/empty.db"
    try Connection(path: database, mode: .create).execute(script: "PRAGMA user_version = 1")
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let plan = try ImportPlan(
      folder, database: database, naming: ImportPlan.Naming(after: 41), wait: .seconds(1))
    #expect(plan.pending.map(\.folder.text) == ["0042-ähm-2-drop", "0043-2024-01-01"])
    #expect(plan.baseline == nil && plan.history == 0)
    let named = try ImportPlan(
      folder, database: database, naming: ImportPlan.Naming(name: "New Shop"), wait: .seconds(1))
    #expect(named.pending.map(\.folder.text) == ["0001-new-shop-ähm-2-drop", "0002-new-shop-2024-01-01"])
  }

  @Test("without a database all is history, its rows are named, and nothing outside is touched")
  func history() throws {
    let disk = try FolderOnDisk([
      "1_a.up.sql": "CREATE TABLE a (x); INSERT INTO a VALUES (1), (2); PRAGMA foreign_keys = OFF;",
      "2_b.up.sql": "BEGIN; CREATE TABLE b (x); COMMIT;",
    ])
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let plan = try ImportPlan(folder, database: nil, naming: ImportPlan.Naming(), wait: .seconds(1))
    #expect(plan.history == 2 && plan.pending.isEmpty && plan.leftOut.isEmpty)
    #expect(plan.baseline?.contains("CREATE TABLE a (x);\n\nCREATE TABLE b (x);") == true)
    #expect(
      plan.notes.map(\.description) == [
        "the history also writes rows, which baseline.sql has not: a (2 rows). A new database begins without them"
      ])
    let birds = try FolderOnDisk(["1-a.up.sql": "CREATE TABLE a (x);"])
    #expect(
      try ImportPlan(
        ToolFolder.read(birds.path, tool: .maragudkMigrate), database: nil, naming: ImportPlan.Naming(),
        wait: .seconds(1)
      ).notes.map(\.description) == [
        "a database also has the table migrations of maragudk-migrate, which baseline.sql has not: name the database to take it along"
      ])
    for statement in ["ATTACH '\(disk.path)/x.db' AS x", "VACUUM INTO '\(disk.path)/x.db'"] {
      let hostile = try FolderOnDisk(["1_a.up.sql": "SELECT 1;\n\(statement);"])
      let read = try ToolFolder.read(
        hostile.path, tool: .golangMigrate, options: ReaderOptions(noTransaction: true))
      let error = #expect(throws: MigrationError.self) {
        try ImportPlan(read, database: nil, naming: ImportPlan.Naming(), wait: .seconds(1))
      }
      #expect(error?.id == .importRefused && error?.place?.line == 2)
      #expect(!FileReading.exists(disk.path + "/x.db"))
    }
  }

  @Test("what an earlier import took over is left out, whatever came since")
  func again() throws {
    let disk = try FolderOnDisk([
      "1_a.up.sql": "CREATE TABLE a (x);", "2_b.up.sql": "CREATE TABLE b (x);",
      "3_c.up.sql": "ALTER TABLE b ADD COLUMN y; VACUUM;",
    ])
    let database = disk.path + "/empty.db"
    try Connection(path: database, mode: .create).execute(script: "PRAGMA user_version = 1")
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let first = try ImportPlan(folder, database: database, naming: ImportPlan.Naming(), wait: .seconds(1))
    #expect(first.pending.map(\.version) == ["1", "2", "3"])
    var present: [String: String] = [:]
    for migration in first.pending.prefix(2) {
      for phase in migration.phases {
        present["phases/\(migration.folder)/\(phase.kind.rawValue).sql"] = phase.text
      }
    }
    let second = try ImportPlan(
      folder, database: database, naming: ImportPlan.Naming(after: 2), present: present, wait: .seconds(1))
    #expect(second.pending.map(\.folder.text) == ["0003-c"])
    #expect(second.pending.map(\.failure) == [nil])
    #expect(
      second.notes.map(\.description) == [
        "a was taken over before: phases/0001-a/expand.sql",
        "b was taken over before: phases/0002-b/expand.sql",
      ])
    for phase in first.pending[2].phases { present["phases/0003-c/\(phase.kind.rawValue).sql"] = phase.text }
    let third = try ImportPlan(
      folder, database: database, naming: ImportPlan.Naming(after: 3), present: present, wait: .seconds(1))
    #expect(third.pending.isEmpty && third.leftOut.isEmpty)
  }

  @Test("a function of the application gets a stand-in where one is asked for")
  func stubs() throws {
    let disk = try FolderOnDisk([
      "1_a.up.sql": "CREATE TABLE a (x); CREATE INDEX i ON a (slug(x));",
      "2_b.up.sql": "CREATE TABLE b (x CHECK (slug(x) <> ''));", "2_b.down.sql": "DROP TABLE b;",
    ])
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let error = #expect(throws: MigrationError.self) {
      try ImportPlan(folder, database: nil, naming: ImportPlan.Naming(), wait: .seconds(1))
    }
    #expect(error?.help.last?.contains("--stub FUNCTION") == true)
    let plan = try ImportPlan(
      folder, database: nil, naming: ImportPlan.Naming(), stubs: ["slug"], wait: .seconds(1))
    #expect(plan.baseline?.contains("slug") == true)
    let path = disk.path + "/empty.db"
    try Connection(path: path, mode: .create).execute(script: "PRAGMA user_version = 1")
    let pending = try ImportPlan(
      folder, database: path, naming: ImportPlan.Naming(), stubs: ["slug"], wait: .seconds(1))
    #expect(
      pending.pending.flatMap(\.phases).map(\.open) == [nil, nil]
        || pending.pending.map(\.failure) == [nil, nil])
  }

  @Test(
    "a database whose state is not clear is refused",
    arguments: [
      ("CREATE TABLE a (x)", "has tables, and no record of golang-migrate"),
      (
        "CREATE TABLE schema_migrations (version, dirty); INSERT INTO schema_migrations VALUES (2, 1)",
        "golang-migrate stopped half way at 2"
      ),
      ("CREATE TABLE schema_migrations (version)", "the table schema_migrations has no column dirty"),
    ])
  func unclear(_ sql: String, _ message: String) throws {
    let disk = try FolderOnDisk(["1_a.up.sql": "CREATE TABLE a (x);"])
    try Connection(path: disk.path + "/a.db", mode: .create).execute(script: sql)
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    let error = #expect(throws: MigrationError.self) {
      try ImportPlan(folder, database: disk.path + "/a.db", naming: ImportPlan.Naming(), wait: .seconds(1))
    }
    #expect(error?.message.description.contains(message) == true, "\(error?.message.description ?? "")")
  }

  @Test("phases never go into the folder of the other tool, nor around it")
  func places() throws {
    let disk = try FolderOnDisk(["db/migrations/1_a.sql": ""])
    try disk.link("link", to: "db/migrations")
    let source = disk.path + "/db/migrations"
    for target in [
      source, source + "/", source + "/phases", disk.path + "/link", disk.path + "/link/new",
      disk.path + "/db",
    ] {
      #expect(throws: MigrationError.self, "\(target)") {
        try ImportPlan.refuse(writing: target, into: source)
      }
    }
    for target in ["/db/phases", "/phases/new", "/db/migrations-new"] {
      try ImportPlan.refuse(writing: disk.path + target, into: source)
    }
  }

  static let cases: [ImportCase] = [
    ImportCase(
      "what only adds is an expand", "CREATE TABLE nests (x); ALTER TABLE birds ADD COLUMN ring TEXT;",
      down: "ALTER TABLE birds DROP COLUMN ring; DROP TABLE nests;", "0001-change/expand: up 2, down 2"),
    ImportCase(
      "what loosens is one, too",
      "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT, seen TEXT); INSERT INTO n SELECT * FROM birds; DROP TABLE birds; ALTER TABLE n RENAME TO birds; CREATE INDEX by_name ON birds (name);",
      down:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT NOT NULL, seen TEXT); INSERT INTO n SELECT * FROM birds; DROP TABLE birds; ALTER TABLE n RENAME TO birds; CREATE INDEX by_name ON birds (name);",
      "0001-change/expand: up 5, down 5"),
    ImportCase(
      "what removes is a contract", "ALTER TABLE birds DROP COLUMN seen;",
      down: "ALTER TABLE birds ADD COLUMN seen TEXT;",
      "0001-change/contract: up 1, down 1"),
    ImportCase(
      "a rebuild is one phase",
      "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO n SELECT id, name FROM birds; DROP TABLE birds; ALTER TABLE n RENAME TO birds;",
      down: nil, "0001-change/contract: the folder has no way down for it"),
    ImportCase(
      "rows alone are a migrate", "UPDATE birds SET name = upper(name);",
      down: "UPDATE birds SET name = lower(name);",
      "0001-change/migrate: up 1, down 1"),
    ImportCase(
      "rows that are overwritten come back from the archive",
      "UPDATE birds SET name = upper(name); DELETE FROM birds WHERE seen IS NULL;",
      down: "-- nothing\n", "0001-change/migrate: up 2, down archive"),
    ImportCase(
      "rows that are added do not", "INSERT INTO birds VALUES (1, 'kea', NULL);", down: "",
      "0001-change/migrate: its way down has no statement for this"),
    ImportCase(
      "columns and then their values are two phases",
      "-- ring\nALTER TABLE birds ADD COLUMN ring TEXT; UPDATE birds SET ring = 'r' || id;",
      down: "UPDATE birds SET name = name; ALTER TABLE birds DROP COLUMN ring;",
      "0001-change/expand: up 1, down 1",
      "0001-change/migrate: up 1, down 1"),
    ImportCase(
      "new, filled, and then the old removed are three",
      "ALTER TABLE birds ADD COLUMN ring TEXT; UPDATE birds SET ring = seen; DROP INDEX by_name;",
      down:
        "CREATE INDEX by_name ON birds (name); UPDATE birds SET seen = ring; ALTER TABLE birds DROP COLUMN ring;",
      "0001-change/expand: up 1, down 1", "0001-change/migrate: up 1, down 1",
      "0001-change/contract: up 1, down 1"),
    ImportCase(
      "in another order they stay together",
      "UPDATE birds SET seen = 'x'; ALTER TABLE birds ADD COLUMN ring TEXT;",
      down: "ALTER TABLE birds DROP COLUMN ring;", "0001-change/expand: up 2, down 1",
      decide: [
        "it changes the schema, and rows of birds: decide whether the rows can move to a migrate phase"
      ]),
    ImportCase(
      "rows of a table that is new belong to it", "CREATE TABLE kinds (x); INSERT INTO kinds VALUES ('kea');",
      down: "DROP TABLE kinds;", "0001-change/expand: up 2, down 1"),
    ImportCase(
      "a way down that leads elsewhere is a draft", "ALTER TABLE birds DROP COLUMN seen;",
      down: "ALTER TABLE birds ADD COLUMN seen INTEGER;",
      "0001-change/contract: its way down leads to another schema: column birds.seen changes its type from TEXT to INTEGER"
    ),
    ImportCase(
      "so is one that does not run", "CREATE TABLE nests (x);", down: "DROP TABLE nest;",
      "0001-change/expand: its way down does not run: no such table: nest"),
    ImportCase(
      "transactions are left out, and so is what no phase can hold",
      "PRAGMA foreign_keys = OFF;\nBEGIN;\nCREATE TABLE nests (x);\nCOMMIT;\nVACUUM;\nPRAGMA journal_mode = WAL;",
      down: "DROP TABLE nests;", "0001-change/expand: up 1, down 1",
      leftOut: [
        "2: PRAGMA foreign_keys = OFF;: phasedb switches enforcement off while a phase runs, and checks the keys afterwards",
        "2: VACUUM;: run it outside phasedb",
        "2: PRAGMA journal_mode = WAL;: set it where the application opens the database",
      ]),
    ImportCase(
      "one without any other statement is left out as a whole", "ATTACH 'x.db' AS x;", down: nil,
      leftOut: [
        "2: ATTACH 'x.db' AS x;: a phase works on one database",
        "2: all: its way up has no statement that a phase can hold",
      ]),
    ImportCase(
      "what does not run here is written as it is", "UPDATE birds SET name = fold(name);",
      down: "UPDATE birds SET name = name;", "0001-change/expand: up 1, down 1",
      decide: ["no such function: fold"]),
    ImportCase(
      "comments that look like directives are none",
      "-- @down here\n/* x */ CREATE TABLE nests (x -- @up\n) -- @end",
      down: "DROP TABLE nests", "0001-change/expand: up 1, down 1"),
    ImportCase(
      "what comes after a contract needs it",
      [
        ("ALTER TABLE birds DROP COLUMN seen;", "ALTER TABLE birds ADD COLUMN seen TEXT;"),
        ("CREATE TABLE nests (x);", "DROP TABLE nests;"),
        ("ALTER TABLE birds ADD COLUMN ring TEXT;", "ALTER TABLE birds DROP COLUMN ring;"),
      ],
      [
        "0001-change/contract: up 1, down 1", "0002-change/expand: up 1, down 1",
        "0003-change/expand: up 1, down 1, needs 0001-change/contract",
      ]),
  ]
}
