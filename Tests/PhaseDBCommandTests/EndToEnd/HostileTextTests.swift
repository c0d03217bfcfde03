import Foundation
import Testing

/// Text from everywhere, drawn to do harm, through every command and format of the built binary.
@Suite("Hostile text")
struct HostileTextTests {
  static let seeds = Array(UInt64(1)...6)

  /// What commands printed, as far as it is wrong.
  private struct Trial {
    let site: Site
    let environment: [String: String]
    private(set) var defects: [String] = []
    /// The verb and format of everything that was printed on a standard output with exit code 1: with findings.
    private(set) var reports: Set<String> = []
    /// Every string of every JSON document so far.
    private(set) var strings: [String] = []

    init(_ site: Site, environment: [String: String] = [:]) {
      self.site = site
      self.environment = environment
    }

    /// Runs a command and looks at both of its streams.
    mutating func run(_ words: String..., form: PrintedText.Form = .text) throws {
      try run(words, as: form)
    }

    /// The same as text and as JSON.
    mutating func both(_ words: String...) throws {
      for form in [PrintedText.Form.text, .json] { try run(words, as: form) }
    }

    private mutating func run(_ words: [String], as form: PrintedText.Form) throws {
      let format = form == .text ? [] : ["--format", form.rawValue]
      let command = words.firstIndex(of: "--") ?? words.count
      let arguments = words[..<command] + format + words[command...]
      let outcome = try site.start(Array(arguments), environment: environment).outcome()
      // A refused command prints nothing on its standard output, whatever the format. Notes are text beside JSON, too.
      let errors = form == .json ? PrintedText.strings(ofJSON: outcome.errors) : nil
      let found =
        (outcome.output.isEmpty ? [] : PrintedText.defects(outcome.output, as: form))
        + PrintedText.defects(outcome.errors, as: errors == nil ? .text : .json)
      defects += found.map { "\(words.prefix(2)) as \(form): \($0)" }
      if let signal = outcome.signal { defects.append("\(words): ended by signal \(signal)") }
      if outcome.code == 1, !outcome.output.isEmpty {
        reports.insert("\(words[0]) \(form)\(words.contains("--") ? " of a command" : "")")
      }
      guard form == .json else { return }
      strings += (PrintedText.strings(ofJSON: outcome.output) ?? []) + (errors ?? [])
    }

    // Scalar by scalar: a mark at its beginning makes one Character of what stands before it.
    func told(_ text: String) -> Bool { strings.contains { $0.unicodeScalars.contains(text.unicodeScalars) } }
  }

  private static func name(_ text: String) -> String { "\"\(doubled("\"", in: text))\"" }

  private static func doubled(_ mark: Unicode.Scalar, in text: String) -> String {
    text.unicodeScalars.map { $0 == mark ? "\(mark)\(mark)" : String($0) }.joined()
  }

  /// A text as a value, with bytes behind it that are no UTF-8, and NUL, unless it is whole.
  private static func value(_ text: String, isWhole: Bool = false) -> String {
    let bytes = Array(text.utf8) + (isWhole ? [] : [0x00, 0xFF, 0xED, 0xA0, 0x80])
    return "CAST(x'\(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())' AS TEXT)"
  }

  private static func run(_ sql: String, on site: Site) throws {
    // As an argument: from a file the shell reads lines, and ends them in its own way.
    try site.sqlite(sql)
  }

  @Test("of a database neither acts nor gets lost", arguments: seeds)
  func database(seed: UInt64) throws {
    var hostile = HostileText(seed: seed)
    let site = try Site()
    try site.write(#"{evidence: "none"}"#, to: "migrations/phasedb.json")
    try site.phase(
      "0001-a/expand", up: "CREATE TABLE t (id INTEGER PRIMARY KEY, x);", down: "DROP TABLE t;",
      window: "app >=1.0", directives: ["@residual none"])
    try site.phase(
      "0002-b/migrate", up: "UPDATE t SET x = x || '!';",
      down: "UPDATE t SET x = substr(x, 1, length(x) - 1);",
      window: "app >=1.0", directives: ["@residual none"])
    try site.write("-- @query all\nSELECT * FROM t;\n", to: "migrations/apps/app/1.0.sql")
    var trial = Trial(site)
    try trial.run("up", "--to", "0001", "-d", "shop.db")
    let (table, column, trigger, index, row) = (
      hostile.text(), hostile.text(), hostile.text(), hostile.text(), hostile.text()
    )
    let (named, col) = (Self.name(table), Self.name(column))
    try Self.run(
      """
      CREATE TABLE \(named) (\(col) UNIQUE REFERENCES \(Self.name("no" + table)), y CHECK (y <> \(col)));
      CREATE INDEX \(Self.name(index)) ON \(named) (\(col) DESC, y);
      CREATE TRIGGER \(Self.name(trigger)) AFTER INSERT ON \(named) BEGIN DELETE FROM t WHERE x = 0; END;
      CREATE VIEW \(Self.name("v" + table)) AS SELECT \(col), y, \(Self.name("f" + column))(y) FROM \(named);
      INSERT INTO \(named) VALUES (\(Self.value(row)), 1);
      INSERT INTO t VALUES (1, \(Self.value(row))), (2, \(Self.value(row, isWhole: true)));
      """, on: site)
    for command in ["status", "plan", "up", "verify", "rehearse"] { try trial.both(command, "-d", "shop.db") }
    #expect(
      [table, index, trigger].map(trial.told) == [true, true, true], "a schema that drifted is told exactly")
    try trial.both("init", "--from", "shop.db", "-m", "began")
    let reason = hostile.text()
    try trial.run("up", "-d", "shop.db", "--override", "drift", "--reason", reason, "--dry-run")
    try trial.run("up", "-d", "shop.db", "--override", "drift", "--reason", reason, "--to", "0001")
    try trial.both("log", "-d", "shop.db")
    #expect([trial.told(reason)] == [true])

    // The rows that break a claim, and rows that do not come back.
    try site.phase(
      "0002-b/migrate", up: "UPDATE t SET x = x || '!';", down: "SELECT 1;", window: "app >=1.0",
      directives: ["@residual none"])
    try trial.both("rehearse", "-d", "shop.db")
    try site.write(
      "-- @window app >=1.0\n-- @up\nUPDATE t SET x = x;\n-- @down\nSELECT 1;\n-- @verify none\nSELECT x, * FROM t, \(named);\n",
      to: "migrations/0002-b/migrate.sql")
    for command in ["rehearse", "up", "verify"] { try trial.both(command, "-d", "shop.db") }
    #expect([trial.told(Self.doubled("'", in: row))] == [true], "a value is told exactly")

    // What people and machines are called.
    let (instance, application, note) = (hostile.text(), hostile.text(without: ["@"]), hostile.text())
    try trial.both("check-in", "\(application)@1.0", "--instance", instance, "-d", "shop.db")
    try trial.both("checkpoint", "create", "--note", note, "named", "-d", "shop.db")
    try trial.both("checkpoint", "create", hostile.text(), "-d", "shop.db")
    try trial.both("checkpoint", "list", "-d", "shop.db")
    #expect([instance, note].map(trial.told) == [true, true])
    try site.remove("migrations/0002-b")
    try Self.run(
      """
      UPDATE phasedb_log SET detail = \(Self.value(hostile.text())), who = \(Self.value(hostile.text()));
      UPDATE phasedb_log SET subject = \(Self.value(hostile.text())), host = \(Self.value(hostile.text()));
      UPDATE phasedb_phase SET who = \(Self.value(hostile.text())), host = \(Self.value(hostile.text()));
      """, on: site)
    for command in ["log", "verify", "status", "down", "plan"] { try trial.both(command, "-d", "shop.db") }
    try trial.both("log", "--check", "-d", "shop.db")
    #expect(trial.defects == [])
  }

  @Test("of files neither acts nor breaks a report", arguments: seeds)
  func files(seed: UInt64) throws {
    var hostile = HostileText(seed: seed)
    let site = try Site()
    func word() -> String { hostile.text(without: ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\0"]) }
    func pathPart() -> String {
      String(hostile.text(without: ["/", "\0", "n"]).unicodeScalars.prefix(60)) + "p"
    }
    let (table, column) = (hostile.text(without: ["\r"]), hostile.text(without: ["\r"]))
    let (named, col) = (Self.name(table), Self.name(column))
    try site.write(
      """
      -- \(word())
      -- @window app >=1.0
      -- @residual customer: \(word())
      -- @up
      CREATE TABLE \(named) (id INTEGER PRIMARY KEY, \(col));
      CREATE TABLE t (id INTEGER PRIMARY KEY, a);
      INSERT INTO t VALUES (1, 'a');
      -- @down
      DROP TABLE t;
      """, to: "migrations/0001-a/expand.sql")
    try site.write(
      """
      -- \(word())
      -- @window app >=2.0
      -- @loses t.a: \(word())
      -- @up
      INSERT INTO \(named) SELECT * FROM t;
      UPDATE \(named) SET \(col) = 1;
      ALTER TABLE \(named) DROP COLUMN \(col);
      ALTER TABLE t DROP COLUMN a;
      -- @down
      ALTER TABLE \(named) ADD COLUMN \(col);
      -- @verify \(word())
      SELECT \(Self.name("gone" + column)) FROM \(named);
      """, to: "migrations/0002-b/contract.sql")
    var trial = Trial(site)
    for form in [PrintedText.Form.text, .json, .github, .sarif] { try trial.run("lint", form: form) }
    #expect([trial.told(table)] == [true], "a finding tells a name exactly")
    try trial.both("compat", "--list")
    try trial.both("up", "-d", "shop.db", "--live", "app@1.0")
    try trial.both("plan", "down", "-d", "shop.db")

    #expect(trial.reports.isSuperset(of: ["lint text", "lint json", "lint github", "lint sarif"]))
    // Names of files and folders, and what stands in those that cannot be read.
    let folder = pathPart()
    try site.write("-- @\(word()) x\n", to: "\(folder)/0001-a/expand.sql")
    for form in [PrintedText.Form.text, .json, .github, .sarif] {
      try trial.run("lint", "-m", folder, form: form)
    }
    try site.write("SELECT 1", to: "\(folder)/\(pathPart())")
    try site.write("SELECT 1", to: "\(folder)/0001-a/\(pathPart()).sql")
    try site.makeFolder("\(folder)/0002-\(pathPart())")
    for form in [PrintedText.Form.text, .json, .github, .sarif] {
      try trial.run("lint", "-m", folder, form: form)
    }
    try site.write("-- @window \(word()) \(word())\n-- @up\n-- @down\n", to: "\(folder)/0001-a/expand.sql")
    try trial.both("lint", "-m", folder)
    try trial.both("status", "-m", folder, "-d", pathPart())
    try trial.both("new", word(), "-m", folder)
    for settings in [
      "{\"\(word())\": 1}", "{wait: \"\(word())\"}", "{\"sqlite\": \"\(word())\"",
      "{database: \"\(word())\"}", word(),
    ] {
      try site.write(settings, to: "\(folder)/phasedb.json")
      try trial.both("status", "-m", folder)
    }
    #expect(trial.defects == [])
  }

  @Test("of applications and their rows breaks no report of what they meet", arguments: seeds)
  func applications(seed: UInt64) throws {
    var hostile = HostileText(seed: seed)
    let site = try Site()
    func line() -> String { hostile.text(without: ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\0"]) }
    let table = Self.name(hostile.text(without: ["\r"]))
    let (raw, row) = (hostile.text(without: ["\r"]), hostile.text())
    let column = Self.name(raw)
    let application =
      "v" + String(line().unicodeScalars.filter { !"/\"".unicodeScalars.contains($0) }.prefix(40))
    func phase(_ id: String, _ up: String, _ down: String, _ window: String) throws {
      try site.write(
        """
        -- \(line())
        -- @window \"\(application)\" \(window)
        -- @window app \(window)
        -- @residual none
        -- @up
        \(up)
        -- @down
        \(down)
        """, to: "migrations/\(id).sql")
    }
    try phase(
      "0001-a/expand", "CREATE TABLE \(table) (id INTEGER PRIMARY KEY, \(column), x);",
      "DROP TABLE \(table);",
      ">=0 <1")
    try phase(
      "0002-b/migrate", "UPDATE \(table) SET \(column) = \(column) || '::error::x';", "SELECT 1;", ">=0 <2")
    let renamed = Self.name("new" + raw)
    try phase(
      "0003-c/contract", "ALTER TABLE \(table) RENAME COLUMN x TO \(renamed);",
      "ALTER TABLE \(table) RENAME COLUMN \(renamed) TO x;", ">=0 <2")
    try site.write(
      "INSERT INTO \(table) VALUES (1, \(Self.value(row)), 2), (2, \(Self.value(row, isWhole: true)), 2);",
      to: "migrations/apps/seed.sql")
    for name in ["app", application] {
      try site.write(
        """
        -- @query \(line())
        SELECT * FROM \(table);
        -- @query \(line())
        SELECT x, \(column) FROM \(table);
        """, to: "migrations/apps/\(name)/1.0.sql")
    }
    var trial = Trial(site)
    let command =
      "printf %s \(ShellText.quoted(line())); sqlite3 \"$PHASEDB_DATABASE\" 'SELECT 1 FROM sqlite_schema'; case $PHASEDB_STATE in *expand*) exit 0;; *) exit 3;; esac"
    for form in [PrintedText.Form.text, .json, .github, .junit, .markdown] {
      try trial.run("compat", form: form)
      try trial.run("compat", "--app", "\(application)@1.0", "--", "sh", "-c", command, form: form)
    }
    try trial.both("compat", "--list")
    let reports = ["text", "json", "github", "junit", "markdown"].map { "compat \($0)" }
    #expect(trial.reports == Set(reports + reports.map { "\($0) of a command" }))
    #expect([trial.told(Self.doubled("'", in: row)), trial.told(application)] == [true, true])
    #expect(trial.defects == [])
  }

  @Test("of a command line and its surroundings does not act", arguments: seeds)
  func arguments(seed: UInt64) throws {
    var hostile = HostileText(seed: seed)
    let site = try BadDatabasesTests.shop()
    func word() -> String { hostile.text(without: ["\0"]) }
    var trial = Trial(
      site, environment: ["USER": word(), "LOGNAME": word(), "COLUMNS": word(), "TERM": word()])
    for _ in 0..<3 {
      try trial.run(word())
      try trial.run("up", "--\(word())")
      try trial.run("checkpoint", word())
      try trial.run("up", word(), "-d", "shop.db")
      try trial.run("status", "--color", word())
      try trial.run("status", "--format", word())
      try trial.run("status", "--wait", word(), "-d", "shop.db")
      try trial.run("help", word())
      try trial.run("completions", word())
      try trial.both("status", "-d", word())
      try trial.both("status", "-d", "file:\(word())")
      try trial.both("status", "-m", word(), "-d", "shop.db")
      try trial.both("up", "--to", word(), "-d", "shop.db")
      try trial.both("down", "--to", "@\(word())", "-d", "shop.db")
      try trial.both("plan", "--live", word(), "-d", "shop.db")
      try trial.both("check-in", "\(word())@\(word())", "-d", "shop.db")
      try trial.both("may-run", "storefront@\(word())", "-d", "shop.db")
      try trial.both("checkpoint", "restore", word(), "--confirm", word(), "-d", "shop.db")
      try trial.both("purge", word(), "-d", "shop.db")
      try trial.both("rehearse", "--evidence", word(), "--copy-to", word(), "-d", "shop.db")
      try trial.both("compat", "--app", word(), "-d", "shop.db")
      try trial.both("compat", "--app", "storefront@1.0", "-d", "shop.db", "--import-log", word())
      try trial.run("compat", "--app", "storefront@1.0", "-d", "shop.db", "--", word())
    }
    try trial.both("log", "-d", "shop.db")
    var surroundings = Trial(site, environment: ["PHASEDB_DATABASE": word(), "USER": word()])
    try surroundings.both("status")
    surroundings = Trial(site, environment: ["DATABASE_URL": "postgres://\(word())"])
    try surroundings.both("status")
    #expect(trial.defects + surroundings.defects == [])
  }

  @Test(
    "is noticed when it is printed raw",
    arguments: [
      ("a\u{1B}[31mred", .text), ("a\u{9B}31m", .json), ("a\rb", .github), ("a\tb", .markdown),
      ("a\u{7F}", .text), ("a\u{85}b", .sarif), ("a\u{2028}b", .json), ("a\u{202E}b", .text),
      ("a\u{200B}b", .text), ("a\u{E0041}b", .junit), ("e" + String(repeating: "\u{301}", count: 60), .text),
      (String(repeating: "n", count: 5_000), .text), ("row\n::error file=x::owned", .text),
      ("  ::warning::w", .text), ("::error owned::x", .github), ("x ##[error]y", .text),
      ("##vso[task.complete]", .json), ("{\"a\": \"b\nc\"}", .json), ("{\"a\": \"\"b\"}", .sarif),
      ("<a>x ]]> & y</a>", .junit), ("<a b=\"c\"d\"/>", .junit),
      ("| a | b |\n|---|---|\n| x | y | z |", .markdown),
      ("| a |\n|---|\n| x|\u{301} |", .markdown), ("a <b>", .markdown), ("a &amp; b", .markdown),
      ("ask @team", .markdown), ("see #17", .markdown), ("see https://x.example", .markdown),
      ("see www.x.example", .markdown), ("a ` b", .markdown), ("$x$", .markdown),
    ] as [(String, PrintedText.Form)])
  func control(printed: String, form: PrintedText.Form) {
    #expect(!PrintedText.defects(printed, as: form).isEmpty)
  }
}

enum ShellText {
  static func quoted(_ word: String) -> String {
    "'\(word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined())'"
  }
}
