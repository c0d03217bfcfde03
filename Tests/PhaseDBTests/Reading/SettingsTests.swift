import Testing

@testable import PhaseDB

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
    Case(
      "probes, each with what is usual where nothing is set",
      #"{ probes: { checkout: { command: ["curl", "-fsS"] }, 'two words': { command: ["lag"], timeout: "250ms", number: true } } }"#,
      Settings(probes: [
        "checkout": ProbeCommand(["curl", "-fsS"]),
        "two words": ProbeCommand(["lag"], timeout: .milliseconds(250), givesNumber: true),
      ])),
    Case("no probes", "{ probes: {} }", Settings()),
    Case(
      "the same name in two probes", "{ probes: { a: { command: ['x'] }, b: { command: ['x'] } } }",
      Settings(probes: ["a": ProbeCommand(["x"]), "b": ProbeCommand(["x"])])),
    Case(
      "a program with a path is meant from the file's folder, one without is found by PATH",
      #"{ probes: { a: { command: ["bin/a", "bin/b"] }, b: { command: ["/bin/b"] } }, onWatch: ["./tell", "x y"] }"#,
      Settings(
        probes: ["a": ProbeCommand(["DIR/bin/a", "bin/b"]), "b": ProbeCommand(["/bin/b"])],
        onWatch: ["DIR/./tell", "x y"])),
    Case("a file that freezes", "{ freezeFile: 'run/freeze' }", Settings(freezeFile: "DIR/run/freeze")),
  ])
  func reads(_ row: Case) throws {
    let folder = try TemporaryFolder(["phasedb.json": row.text])
    var expected = row.settings
    expected.database = expected.database.map { folder.resolving($0) }
    expected.migrations = expected.migrations.map { folder.resolving($0) }
    expected.freezeFile = expected.freezeFile.map { folder.resolving($0) }
    expected.onWatch = expected.onWatch?.map { folder.resolving($0) }
    expected.probes = expected.probes.mapValues { probe in
      var probe = probe
      probe.command = probe.command.map { folder.resolving($0) }
      return probe
    }
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
      help: the keys are database, migrations, wait, forget, evidence, sqlite, hold, pause, maxBatch, throttle, pauseFile, probes, onWatch, freezeFile, lanes, switchSettle, effectsFolder, functions, ignoreTables, report
      """
    ),
    (
      "{ colour: 1 }",
      """
      DIR/phasedb.json: unknown key 'colour' [bad-settings]
      help: the keys are database, migrations, wait, forget, evidence, sqlite, hold, pause, maxBatch, throttle, pauseFile, probes, onWatch, freezeFile, lanes, switchSettle, effectsFolder, functions, ignoreTables, report
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
      "{ probes: { c: { command: 'curl -fsS' } } }",
      """
      DIR/phasedb.json: 'probes.c.command' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ probes: { c: { command: [] } } }",
      """
      DIR/phasedb.json: 'probes.c.command' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ probes: { c: { command: [''] } } }",
      """
      DIR/phasedb.json: 'probes.c.command' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ probes: { c: { command: ['a', 1] } } }",
      """
      DIR/phasedb.json: 'probes.c.command' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ probes: { c: { timeout: '5s' } } }",
      """
      DIR/phasedb.json: 'probes.c.command' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ onWatch: 'tell' }",
      """
      DIR/phasedb.json: 'onWatch' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ onWatch: [] }",
      """
      DIR/phasedb.json: 'onWatch' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ onWatch: null }",
      """
      DIR/phasedb.json: 'onWatch' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ onWatch: ['a', 'b\\u0000c'] }",
      """
      DIR/phasedb.json: 'onWatch' is not an array of a program and its arguments [bad-settings]
      help: write ["bin/program", "--argument"]; it is run without a shell
      help: for a shell say so: ["sh", "-c", "..."]
      """
    ),
    (
      "{ probes: ['c'] }",
      """
      DIR/phasedb.json: 'probes' is not an object [bad-settings]
      help: write "probes": { "checkout": { "command": ["bin/checkout-probe"] } }
      """
    ),
    (
      "{ probes: 'c' }",
      """
      DIR/phasedb.json: 'probes' is not an object [bad-settings]
      help: write "probes": { "checkout": { "command": ["bin/checkout-probe"] } }
      """
    ),
    (
      "{ probes: null }",
      """
      DIR/phasedb.json: 'probes' is not an object [bad-settings]
      help: write "probes": { "checkout": { "command": ["bin/checkout-probe"] } }
      """
    ),
    (
      "{ probes: { c: ['curl'] } }",
      """
      DIR/phasedb.json: 'probes.c' is not an object [bad-settings]
      help: write { "command": ["bin/c"] }
      """
    ),
    (
      "{ probes: { c: { command: ['a'], number: 1 } } }",
      """
      DIR/phasedb.json: 'probes.c.number' is not true or false [bad-settings]
      help: write it without quotes
      """
    ),
    (
      "{ probes: { c: { command: ['a'], number: 'true' } } }",
      """
      DIR/phasedb.json: 'probes.c.number' is not true or false [bad-settings]
      help: write it without quotes
      """
    ),
    (
      "{ probes: { c: { command: ['a'], number: null } } }",
      """
      DIR/phasedb.json: 'probes.c.number' is not true or false [bad-settings]
      help: write it without quotes
      """
    ),
    (
      "{ probes: { c: { command: ['a'], timeout: 5 } } }",
      """
      DIR/phasedb.json: 'probes.c.timeout' is not a duration [bad-settings]
      help: write for example "5s"
      """
    ),
    (
      "{ probes: { c: { command: ['a'], timeout: 'soon' } } }",
      """
      DIR/phasedb.json: 'probes.c.timeout' is not a duration [bad-settings]
      help: write for example "5s"
      """
    ),
    (
      "{ probes: { c: { command: ['a'], timeout: '0s' } } }",
      """
      DIR/phasedb.json: 'probes.c.timeout' is not a duration [bad-settings]
      help: write for example "5s"
      """
    ),
    (
      "{ probes: { c: { command: ['a'], timeout: null } } }",
      """
      DIR/phasedb.json: 'probes.c.timeout' is not a duration [bad-settings]
      help: write for example "5s"
      """
    ),
    (
      "{ probes: { c: { comand: ['a'] } } }",
      """
      DIR/phasedb.json: unknown key 'probes.c.comand' [bad-settings]
      help: did you mean 'command'?
      help: the keys are command, timeout, number
      """
    ),
    (
      "{ probes: { c: { command: ['a'], shell: true } } }",
      """
      DIR/phasedb.json: unknown key 'probes.c.shell' [bad-settings]
      help: the keys are command, timeout, number
      """
    ),
    (
      "{ freezeFile: '' }",
      """
      DIR/phasedb.json: 'freezeFile' is not the path of a file [bad-settings]
      help: write a text in quotes, or remove the key
      """
    ),
    (
      "{ freezeFile: true }",
      """
      DIR/phasedb.json: 'freezeFile' is not the path of a file [bad-settings]
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

  /// The decoder takes the first of two equal keys, or the last.
  struct Duplicate: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    /// What the message says, and the line and column of the second.
    let message: String
    let second: [Int]

    init(_ testDescription: String, _ text: String, _ message: String, second: [Int]) {
      (self.testDescription, self.text, self.message, self.second) = (testDescription, text, message, second)
    }
  }

  @Test(arguments: [
    Duplicate(
      "two equal keys outside", "{ wait: '1s',\n  'wait': '2s' }",
      "'wait' is set twice, first on line 1 in column 3", second: [2, 3]),
    Duplicate(
      "two probes of one name", "{ probes: { c: { command: ['a'] }, \"c\": { command: ['b'] } } }",
      "'probes.c' is set twice, first on line 1 in column 13", second: [1, 36]),
    Duplicate(
      "two equal keys of one probe",
      "{ probes: { a: {}, c: {\n command: ['a'],\n timeout: '5s',\n command: ['b'] } } }",
      "'probes.c.command' is set twice, first on line 2 in column 2", second: [4, 2]),
    Duplicate(
      "probes twice", "{ probes: { c: { command: ['wait'] } }, wait: '1s', probes: {} }",
      "'probes' is set twice, first on line 1 in column 3", second: [1, 53]),
    Duplicate(
      "a key behind an array of objects", "{ x: [{ a: 1, b: [] }, { a: 1 }], x: 2 }",
      "'x' is set twice, first on line 1 in column 3", second: [1, 35]),
    Duplicate(
      "spelled in two ways", #"{ probes: { "c": {}, '\x63': {} } }"#,
      "'probes.c' is set twice, first on line 1 in column 13", second: [1, 22]),
  ])
  func refusesTheSameKeyTwiceInOneObject(_ row: Duplicate) throws {
    let folder = try TemporaryFolder(["phasedb.json": row.text])
    let error = #expect(throws: MigrationError.self) {
      try Settings.read(path: "\(folder.path)/phasedb.json")
    }
    #expect(error?.message.description == row.message)
    #expect(error?.id == .badSettings)
    #expect(error?.place.map { [$0.line, $0.column] } == row.second)
  }
}
