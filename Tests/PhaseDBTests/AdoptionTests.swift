import PhaseSQLite
import Testing

@testable import PhaseDB

/// Databases that were there before their ledger.
struct AdoptionTests {
  static let baseline = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"

  static func shop(baseline: String? = AdoptionTests.baseline) throws -> Catalog {
    try catalog(
      [
        "0001-author": [
          phase(.expand, "ALTER TABLE notes ADD author", down: "ALTER TABLE notes DROP author"),
          phase(
            .migrate, "UPDATE notes SET author = 'nobody'", down: "UPDATE notes SET author = NULL",
            verify: [("every note has an author", "SELECT id FROM notes WHERE author IS NULL")]),
        ],
        "0002-index": [
          phase(.expand, "CREATE INDEX by_author ON notes (author)", down: "DROP INDEX by_author")
        ],
      ], baseline: baseline)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    let phase: String?
    let adopted: [String]
    let id: MigrationError.ID?
    let details: [Prose]
    let help: Prose?

    init(
      _ sentence: String, _ sql: String, at phase: String? = nil, _ adopted: [String] = [],
      refused id: MigrationError.ID? = nil, _ details: [Prose] = [], help: Prose? = nil
    ) {
      (testDescription, self.sql, self.phase, self.adopted) = (sentence, sql, phase, adopted)
      (self.id, self.details, self.help) = (id, details, help)
    }
  }

  /// The same schema, spelled by somebody else.
  static let spelled = "create table \"notes\" (\n  id integer primary key, -- the key\n  [text] TEXT);"
  static let row = "INSERT INTO notes (text) VALUES ('one');"
  static let author = "ALTER TABLE notes ADD COLUMN author;"

  static let cases = [
    Case("at the baseline", spelled),
    Case("at a phase", spelled + author, at: "0001/expand", ["0001/expand"]),
    Case(
      "at the last phase, whose number is enough",
      spelled + author + row + "UPDATE notes SET author = 'me'; CREATE INDEX by_author ON notes(author)",
      at: "2", ["0001/expand", "0001/migrate", "0002/expand"]),
    Case(
      "beside the books of other tools",
      spelled
        + "CREATE TABLE schema_migrations (version); CREATE UNIQUE INDEX unique_schema_migrations ON schema_migrations (version)"
    ),
    Case(
      "with another schema than the baseline's", "CREATE TABLE notes (id INTEGER PRIMARY KEY, text)",
      refused: .schemaDrift,
      [
        "~ table notes", "    column notes.text changes its type from TEXT to no type",
      ], help: "make baseline.sql match the schema before the first phase, or change the database"),
    Case(
      "at the baseline, when it is at a phase",
      spelled + author + row + "UPDATE notes SET author = 'me'; CREATE INDEX by_author ON notes (author)",
      refused: .schemaDrift,
      [
        "+ index by_author", "~ table notes", "    table notes gains column author",
      ],
      help: "it is the schema after 0002-index/expand: phasedb adopt --at 0002/expand"),
    Case(
      "at the baseline, when two phases fit", spelled + author, refused: .schemaDrift,
      [
        "~ table notes", "    table notes gains column author",
      ],
      help:
        "it is the schema after 0001-author/migrate: phasedb adopt --at 0001/migrate"
    ),
    Case(
      "at a phase, when it is at the baseline", spelled, at: "0002", refused: .schemaDrift,
      [
        "- index by_author", "~ table notes", "    table notes loses column author",
      ],
      help: "it is the schema before the first phase: phasedb adopt"),
    Case(
      "at a phase whose rows are not done", spelled + author + row, at: "0001/migrate",
      refused: .verifyFailed, ["id = 1"],
      help: "adopt at an earlier phase, and apply the rest: phasedb up"),
    Case("at a phase that is not there", spelled, at: "0009", refused: .unknownPhase),
    Case(
      "when it is empty", "", refused: .schemaDrift, ["- table notes"],
      help: "the database is empty; apply the migrations instead: phasedb up"),
    Case(
      "with something that is named like a ledger", spelled + "CREATE TABLE phasedb_notes (a)",
      refused: .ledgerTouched, ["table phasedb_notes"]),
  ]

  @Test("a database is adopted, or refused with the difference and left as it is,", arguments: cases)
  func adopts(_ example: Case) throws {
    let database = try TemporaryDatabase(example.sql)
    try database.run("PRAGMA user_version = 7")
    let before = try #require(try database.snapshot())
    let migrator = try database.migrator(Self.shop(), access: .writing)
    var adoption: Adoption?
    let error = migrationError { adoption = try migrator.adoption(at: example.phase) }
    #expect(error?.id == example.id, "\(String(describing: error))")
    if let error {
      #expect(error.details == example.details)
      #expect(error.standing == .unchanged)
      if let help = example.help { #expect(error.help.first == help) }
      #expect(try database.snapshot() == before)
      return
    }
    #expect(adoption?.phases.map(\.short) == example.adopted)
    #expect(adoption?.checkpoint?.phase?.short == example.adopted.last)
    #expect(try before.isSame(as: database.snapshot()))
    #expect(try database.applied() == example.adopted)
    #expect(try migrator.verify().isClean)
    #expect(migrationError { try migrator.adopt() }?.id == .ledgerExists)
  }

  @Test("what was adopted comes down and goes up like any other phase, and the log says how it came")
  func reversible() throws {
    let database = try TemporaryDatabase(Self.spelled + Self.author + Self.row)
    try database.migrator(Self.shop()).adopt(at: "0001/expand")
    #expect(try database.run(.upAll, Self.shop()) == ["0001/migrate", "0002/expand"])
    #expect(try database.run(.downAll, Self.shop()) == ["0002/expand", "0001/migrate", "0001/expand"])
    #expect(
      try database.log() == [
        "begin ", "adopt 0001-author/expand", "up 0001-author/migrate", "up 0002-index/expand",
        "down 0002-index/expand", "down 0001-author/migrate", "down 0001-author/expand",
      ])
    #expect(try database.migrator(Self.shop()).verify().isClean)
    #expect(try database.migrator(Self.shop()).plan(.upAll).steps.count == 3)
  }

  @Test("at the baseline, the log has one entry")
  func atTheBaseline() throws {
    let database = try TemporaryDatabase(Self.spelled)
    let adoption = try database.migrator(Self.shop()).adoption()
    #expect(adoption.phases.isEmpty && adoption.checkpoint == nil)
    #expect(try database.log() == ["begin ", "adopt "])
  }

  @Test("without a baseline the help says how to write one")
  func withoutBaseline() throws {
    let database = try TemporaryDatabase("CREATE TABLE notes (a)")
    let catalog = try catalog(["0001-a": [table("a")]])
    let error = migrationError { try database.migrator(catalog).adopt() }
    #expect(error?.message.hasSuffix("is not an empty one") == true)
    #expect(
      error?.help == [
        "write the schema before the first phase to baseline.sql: phasedb init --from \(ShellWord(database.path))"
      ]
    )
  }

  @Test("the books of other tools are named")
  func otherTools() throws {
    let database = try TemporaryDatabase(Self.spelled + "CREATE TABLE Alembic_Version (version_num)")
    let adoption = try database.migrator(Self.shop()).adoption()
    #expect(adoption.otherTools == [OtherTool(table: "Alembic_Version", tool: "Alembic")])
  }

  @Test("a folder that does not run is refused at its place")
  func brokenFolder() throws {
    let database = try TemporaryDatabase(Self.spelled)
    let catalog = try catalog(
      ["0001-a": [phase(.expand, "CREATE TABLE a (a);\nINSERT INTO nowhere VALUES (1)", down: "SELECT 1")]],
      baseline: Self.baseline)
    let error = try #require(migrationError { try database.migrator(catalog).adopt(at: "0001") })
    #expect(error.id == .statementFailed && error.standing == .unchanged)
    #expect(error.place?.line == 2)
    #expect(error.state == "nothing was changed")
    #expect(throws: Never.self) { try database.migrator(catalog).adopt() }
  }

  @Test(
    "what other tools keep is no schema of ours: it may come, go and change",
    arguments: [
      "alembic_version", "django_migrations", "schema_migrations", "ar_internal_metadata", "d1_migrations",
      "__diesel_schema_migrations", "_sqlx_migrations", "flyway_schema_history", "goose_db_version",
      "knex_migrations", "_prisma_migrations", "__EFMigrationsHistory", "grdb_migrations",
    ])
  func otherTools(_ name: String) throws {
    let database = try TemporaryDatabase("CREATE TABLE \(name) (version); INSERT INTO \(name) VALUES (1)")
    let catalog = try tables(2)
    let plan = try database.migrator(catalog).plan(.up(1))
    #expect(plan.isFresh, "nobody's table but a tool's")
    try database.run(.up(1), catalog)
    try database.run("CREATE INDEX \(name)_index ON \(name) (version); ALTER TABLE \(name) ADD COLUMN more")
    #expect(try database.run(.up(1), catalog) == ["0002/expand"])
    try database.run(.downAll, catalog)
    try database.run("DROP TABLE \(name)")
    #expect(try database.run(.upAll, catalog).count == 2)
    #expect(try database.migrator(catalog).verify().isClean)
  }
}
