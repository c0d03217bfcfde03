import Foundation
import Testing

/// Something wrong with the migrations, which every command refuses before it looks at the database.
struct BadFiles: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let arrange: @Sendable (Site) throws -> Void
  let error: String

  init(_ name: String, error: String, _ arrange: @escaping @Sendable (Site) throws -> Void) {
    testDescription = name
    self.arrange = arrange
    self.error = error
  }

  /// A second phase file of these bytes.
  init(_ name: String, file: Data, error: String) {
    self.init(name, error: error) { try $0.write(file, to: "migrations/0002-bad/expand.sql") }
  }

  init(_ name: String, file: String, error: String) {
    self.init(name, file: Data(file.utf8), error: error)
  }
}

@Suite("Files that do not load")
struct BadFilesTests {
  @Test(
    "are refused by up and by status, and the database keeps its bytes",
    arguments: [
      BadFiles(
        "a down without SQL",
        file: "-- @window storefront >=1.0\n-- @up\nSELECT 1;\n-- @down\n-- nothing\n",
        error: """
          error: @down has no SQL [missing-down]
            --> migrations/0002-bad/expand.sql:4:4
             |
           4 | -- @down
             |    ^^^^^
            help:  write -- @down and under it the SQL that undoes @up
          """),
      BadFiles(
        "no down", file: "-- @window storefront >=1.0\n-- @up\nSELECT 1;\n",
        error: """
          error: the expand phase has no @down [missing-down]
            --> migrations/0002-bad/expand.sql:1:1
             |
           1 | -- @window storefront >=1.0
             | ^
            help:  write -- @down and under it the SQL that undoes @up
          """),
      BadFiles(
        "no window", file: "-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n",
        error: """
          error: the expand phase has no @window [missing-window]
            --> migrations/0002-bad/expand.sql:1:1
             |
           1 | -- @up
             | ^
            help:  write which versions run both before and after the phase, for example -- @window \
          storefront >=1.4 <2.0
          """),
      BadFiles(
        "a window that no version meets",
        file: "-- @window storefront >=2.0 <1.4\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n",
        error: """
          error: no version satisfies >=2.0 <1.4 [window-invalid]
            --> migrations/0002-bad/expand.sql:1:23
             |
           1 | -- @window storefront >=2.0 <1.4
             |                       ^^^^^^^^^^
            help:  write the lower bound first and a higher one behind it, for example >=1.4 <2.0
          """),
      BadFiles(
        "an unknown directive",
        file: "-- @window storefront >=1.0\n-- @residula none\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n",
        error: """
          error: '@residula' is not a directive [unknown-directive]
            --> migrations/0002-bad/expand.sql:2:4
             |
           2 | -- @residula none
             |    ^^^^^^^^^
            help:  did you mean @residual?
          """),
      BadFiles(
        "a statement without a semicolon before the next section",
        file: "-- @window storefront >=1.0\n-- @up\nSELECT 1\n-- @down\nSELECT 1;\n",
        error: """
          error: the statement has no semicolon before @down on line 4 [incomplete-statement]
            --> migrations/0002-bad/expand.sql:3:1
             |
           3 | SELECT 1
             | ^^^^^^^^
            help:  end the statement on line 3 with ;
          """),
      BadFiles(
        "a string without an end",
        file: "-- @window storefront >=1.0\n-- @up\nSELECT 'one;\n-- @down\nSELECT 1;\n",
        error: """
          error: the string that starts here is never closed [incomplete-statement]
            --> migrations/0002-bad/expand.sql:3:8
             |
           3 | SELECT 'one;
             |        ^
            help:  close it with '
          """),
      BadFiles(
        "a NUL byte",
        file: "-- @window storefront >=1.0\n-- @up\nSELECT 1;\u{0}\n-- @down\nSELECT 1;\n",
        error: """
          error: a NUL byte at byte 44 of the file [invalid-text]
            --> migrations/0002-bad/expand.sql:3:10
             |
           3 | SELECT 1;�
             |          ^
            help:  remove it; SQL in a file is text without NUL
          """),
      BadFiles(
        "invalid UTF-8",
        file: Data("-- @window storefront >=1.0\n-- @up\nSELECT 'caf".utf8) + [0xE9]
          + Data("';\n-- @down\nSELECT 1;\n".utf8),
        error: """
          error: byte 46 of the file is not valid UTF-8 [invalid-text]
            --> migrations/0002-bad/expand.sql:3:12
             |
           3 | SELECT 'caf�';
             |            ^
            help:  save the file as UTF-8
          """),
      BadFiles(
        "an empty file", file: "",
        error: """
          error: the expand phase has no @up [missing-up]
            --> migrations/0002-bad/expand.sql:1:1
             |
           1 |
             | ^
            help:  write -- @up and under it the SQL of the way up
          """),
      BadFiles(
        "a file of 50 MB", file: Data(repeating: UInt8(ascii: "-"), count: 50 << 20),
        error: """
          error: migrations/0002-bad/expand.sql has 50 MB, the limit is 8 MB [file-too-large]
            help:  a phase file holds SQL; load large data with the application or the sqlite3 shell
          """),
      BadFiles(
        "two folders with one number",
        error: """
          error: two folders have the number 1: migrations/0001-first and migrations/0001-other \
          [duplicate-number]
            help:  give the newer one the next free number
          """
      ) { try $0.table("b", in: "0001-other/expand") },
      BadFiles(
        "a folder without phases",
        error: """
          error: migrations/0002-empty has no phase [empty-migration]
            help:  add expand.sql, migrate.sql or contract.sql, or remove the folder
          """
      ) { try $0.makeFolder("migrations/0002-empty") },
      BadFiles(
        "a stray file",
        error: """
          error: the file migrations/notes.txt does not belong among migrations [stray-file]
            help:  move it out of migrations, or put a dot before its name
          """
      ) { try $0.write("remember", to: "migrations/notes.txt") },
      BadFiles(
        "a stray file in a migration",
        error: """
          error: the file migrations/0001-first/extend.sql does not belong in a migration [stray-file]
            help:  did you mean expand.sql?
                   a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
          """
      ) {
        try $0.write("", to: "migrations/0001-first/extend.sql")
      },
      BadFiles(
        "a folder without a number",
        error: """
          error: migrations/second: 'second' is not the name of a migration [invalid-name]
            help:  use a number, a hyphen and a description, for example 0002-split-customer-name
          """
      ) { try $0.table("b", in: "second/expand") },
      BadFiles(
        "a folder in place of a phase file",
        error: """
          error: the folder migrations/0001-first/contract.sql does not belong in a migration [stray-file]
            help:  a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
          """
      ) {
        try $0.makeFolder("migrations/0001-first/contract.sql")
      },
      BadFiles(
        "settings that are no JSON5",
        error: """
          error: migrations/phasedb.json is not JSON5 [bad-settings]
            help:  quote texts, separate members with commas and close every brace; comments are allowed
          """
      ) {
        try $0.write("{ wait: 30 s }", to: "migrations/phasedb.json")
      },
      BadFiles(
        "a setting that does not exist",
        error: """
          error: migrations/phasedb.json: unknown key 'databse' [bad-settings]
            help:  did you mean 'database'?
                   the keys are database, migrations, wait, forget, evidence, sqlite, hold, pause, maxBatch, throttle, pauseFile, probes, onWatch, freezeFile, lanes, switchSettle, effectsFolder, functions, ignoreTables, report
          """
      ) {
        try $0.write("{ databse: 'x.db' }", to: "migrations/phasedb.json")
      },
      BadFiles(
        "no folder",
        error: """
          error: there is no folder migrations [folder-not-found]
            help:  name the folder with --migrations, or create one: phasedb init
          """
      ) { try $0.remove("migrations") },
      BadFiles(
        "a setting that is there twice",
        error: """
          error: 'wait' is set twice, first on line 1 in column 3 [bad-settings]
            --> migrations/phasedb.json:2:2
             |
           2 |  "w\\u0061it": "2s" }
             |  ^^^^^^^^^^^
            help:  remove one of the two
          """
      ) {
        try $0.write("{ wait: '1s', // \"wait\": 1\n \"w\\u0061it\": \"2s\" }", to: "migrations/phasedb.json")
      },
    ])
  func refused(_ row: BadFiles) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.sqlite("CREATE TABLE mine (x); INSERT INTO mine VALUES (1.5), (NULL)")
    try row.arrange(site)
    let before = SiteFiles(of: site)
    for verb in ["up", "plan"] {
      let outcome = try site.phasedb("\(verb) -d shop.db")
      expectFailure(outcome, 2, row.error, at: site)
      #expect(outcome.output.isEmpty)
    }
    #expect(SiteFiles(of: site) == before)
    #expect(try site.phasedb("up -d none.db").code == 2)
    #expect(!site.exists("none.db"))
  }
}

/// Something odd in a phase file that means nothing.
struct OddFile: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let file: String

  init(_ name: String, file: String) {
    testDescription = name
    self.file = file
  }
}

@Suite("Files that look odd")
struct OddFilesTests {
  @Test(
    "mean what SQLite reads in them",
    arguments: [
      OddFile(
        "a directive inside a string",
        file: """
          -- @window storefront >=1.0
          -- @up
          CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT DEFAULT '
          -- @down
          ');
          INSERT INTO notes VALUES (1, 'written');
          -- @down
          DROP TABLE notes;
          """),
      OddFile(
        "a directive inside a block comment",
        file: """
          -- @window storefront >=1.0
          /*
          -- @nonsense
          -- @down
          */
          -- @up
          CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
          INSERT INTO notes VALUES (1, 'written');
          -- @down
          DROP TABLE notes;
          """),
      OddFile(
        "a directive inside a trigger",
        file: """
          -- @window storefront >=1.0
          -- @up
          CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
          CREATE TRIGGER filled AFTER INSERT ON notes BEGIN
            -- @down
            -- @nonsense
            UPDATE notes SET text = CASE WHEN NEW.text = ';' THEN 'written' END WHERE id = NEW.id;
          END;
          INSERT INTO notes VALUES (1, ';');
          -- @down
          DROP TABLE notes;
          """),
      OddFile(
        "CRLF at the ends of lines",
        file: """
          -- @window storefront >=1.0
          -- @up
          CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
          INSERT INTO notes VALUES (1, 'written');
          -- @down
          DROP TABLE notes;

          """.replacing("\n", with: "\r\n")),
      OddFile(
        "a byte order mark, and no line end at the end",
        file:
          "\u{FEFF}-- @window storefront >=1.0\n-- @up\nCREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);"
          + "INSERT INTO notes VALUES (1, 'written');\n-- @down\nDROP TABLE notes;"),
    ])
  func accepted(_ row: OddFile) throws {
    let site = try Site()
    try site.write(row.file, to: "migrations/0001-odd/expand.sql")
    let up = try site.phasedb("up -d shop.db")
    #expect(up.code == 0 && up.errors.isEmpty, "\(up.summary)")
    #expect(try site.sqlite("SELECT id, text FROM notes") == "1,'written'\n")
    #expect(try site.phasedb("verify -d shop.db").code == 0)
    #expect(try site.phasedb("down -d shop.db").code == 0)
    #expect(try DatabaseContents(of: site).schema.isEmpty)
  }
}
