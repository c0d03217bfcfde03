import PhaseDB
import Testing

@Suite struct SettingsTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let settings: Settings

    init(_ testDescription: String, _ text: String, _ settings: Settings) {
      self.testDescription = testDescription
      self.text = text
      self.settings = settings
    }
  }

  @Test(arguments: [
    Case("nothing set", "{}", Settings()),
    Case(
      "comments, bare keys, single quotes and a last comma", "// c\n{ wait: '90s', }",
      Settings(wait: .seconds(90))),
    Case("a time to forget check-ins after", "{ forget: '3m' }", Settings(forget: .seconds(180))),
    Case("a byte order mark", "\u{FEFF}{}", Settings()),
    Case(
      "relative paths are meant from the file's folder", #"{"database": "a.db", "migrations": "../m"}"#,
      Settings(database: "DIR/a.db", migrations: "DIR/../m")),
    Case("an absolute path", "{ database: '/var/a.db' }", Settings(database: "/var/a.db")),
    Case(
      "a relative path behind a scheme", "{ database: 'sqlite:a.db' }", Settings(database: "sqlite:DIR/a.db")),
    Case(
      "an absolute path behind a scheme", "{ database: 'file:///a.db' }", Settings(database: "file:///a.db")),
    Case("a database in memory", "{ database: ':memory:' }", Settings(database: ":memory:")),
  ])
  func reads(_ row: Case) throws {
    let folder = try TemporaryFolder(["phasedb.json": row.text])
    var expected = row.settings
    expected.database = expected.database.map { folder.resolving($0) }
    expected.migrations = expected.migrations.map { folder.resolving($0) }
    #expect(try Settings.read(path: "\(folder.path)/phasedb.json") == expected)
  }

  @Test func aMissingFileSetsNothing() throws {
    let folder = try TemporaryFolder([:])
    #expect(try Settings.read(path: "\(folder.path)/phasedb.json") == Settings())
  }

  @Test(arguments: [
    (
      "{ databse: 'x' }",
      """
      DIR/phasedb.json: unknown key 'databse' [bad-settings]
      help: did you mean 'database'?
      help: the keys are database, migrations, wait, forget, evidence, sqlite, hold, pause, maxBatch, throttle, pauseFile
      """
    ),
    (
      "{ colour: 1 }",
      """
      DIR/phasedb.json: unknown key 'colour' [bad-settings]
      help: the keys are database, migrations, wait, forget, evidence, sqlite, hold, pause, maxBatch, throttle, pauseFile
      """
    ),
    (
      "{ wait: 30 }",
      """
      DIR/phasedb.json: 'wait' is not a duration such as "30s" [bad-settings]
      help: write a text in quotes, or remove the key
      """
    ),
    (
      "{ wait: 'soon' }",
      """
      DIR/phasedb.json: 'wait' is "soon", which is not a duration [bad-settings]
      help: write a number and one of ms, s, m, h, d, for example "30s"
      """
    ),
    (
      "{ database: null }",
      """
      DIR/phasedb.json: 'database' is not the path of a database [bad-settings]
      help: write a text in quotes, or remove the key
      """
    ),
    (
      "{ migrations: '' }",
      """
      DIR/phasedb.json: 'migrations' is not the path of a folder [bad-settings]
      help: write a text in quotes, or remove the key
      """
    ),
    (
      "[]",
      """
      DIR/phasedb.json: the outermost value is not an object [bad-settings]
      help: write { database: "app.db" }
      """
    ),
    (
      "{ database 'x' }",
      """
      DIR/phasedb.json is not JSON5 [bad-settings]
      help: quote texts, separate members with commas and close every brace; comments are allowed
      """
    ),
    (
      "",
      """
      DIR/phasedb.json is not JSON5 [bad-settings]
      help: quote texts, separate members with commas and close every brace; comments are allowed
      """
    ),
  ])
  func refusesWithTheKeyAndTheRemedy(_ text: String, _ golden: String) throws {
    let folder = try TemporaryFolder(["phasedb.json": text])
    let error = #expect(throws: MigrationError.self) {
      try Settings.read(path: "\(folder.path)/phasedb.json")
    }
    #expect(error?.golden == folder.resolving(golden))
  }
}
