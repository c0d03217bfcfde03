import PhaseDB
import Testing

@testable import PhaseAudit

/// What a reader makes of a small folder of its tool. A migration is written as one line: version and name, then how many
/// statements go up and down and whether the tool wraps them, or why it cannot be judged.
struct ReaderCase: Sendable, CustomTestStringConvertible {
  let title: String
  let tool: MigrationTool
  let files: [String: String]
  var options = ReaderOptions()
  let migrations: [String]
  var remarks: [String] = []

  init(
    _ title: String, _ tool: MigrationTool, _ files: [String: String],
    options: ReaderOptions = ReaderOptions(),
    _ migrations: [String], remarks: [String] = []
  ) {
    (self.title, self.tool, self.files) = (title, tool, files)
    (self.options, self.migrations, self.remarks) = (options, migrations, remarks)
  }

  var testDescription: String { "\(tool.rawValue): \(title)" }

  static func line(_ migration: ToolMigration) -> String {
    let script = { (script: ToolScript?) in
      script.map { "\($0.statements.count)\($0.wrapping == .transaction ? "" : " unwrapped")" } ?? "none"
    }
    return
      "\(migration.version) \(migration.name): up \(script(migration.up)), down \(script(migration.down))"
      + (migration.isRepeatable ? ", again" : "") + (migration.obstacle.map { ", but \($0)" } ?? "")
  }
}

struct ReaderTests {
  @Test("a reader finds what its tool would run, in its order", arguments: cases)
  func reading(_ row: ReaderCase) throws {
    let disk = try FolderOnDisk(row.files)
    let folder = try ToolFolder.read(disk.path, tool: row.tool, options: row.options)
    #expect(folder.migrations.map { disk.generic(ReaderCase.line($0)) } == row.migrations)
    #expect(folder.remarks.map { disk.generic($0.message.description) } == row.remarks)
  }

  @Test("each statement is a part of the text, and the first line is its own", arguments: cases)
  func statements(_ row: ReaderCase) throws {
    let disk = try FolderOnDisk(row.files)
    for migration in try ToolFolder.read(disk.path, tool: row.tool, options: row.options).migrations {
      for script in [migration.up, migration.down].compactMap(\.self) {
        let bytes = Array(script.text.utf8)
        var end = 0
        for statement in script.statements {
          #expect(statement.lowerBound >= end && statement.upperBound <= bytes.count && !statement.isEmpty)
          end = statement.upperBound
        }
        guard row.options.set.isEmpty, row.options.replace.isEmpty, row.tool != .nodeSQLite else { continue }
        let file = try #require(row.files[String(script.file.dropFirst(disk.path.count + 1))])
        let lines = Array(file.utf8).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let rest = lines.dropFirst(script.firstLine - 1).joined(separator: [UInt8(ascii: "\n")])
        #expect(rest.starts(with: script.text.utf8))
      }
    }
  }

  static let cases: [ReaderCase] = diesel + numbered + goose + dbmate + prefixed + sqitch + others

  static let diesel: [ReaderCase] = [
    ReaderCase(
      "a folder each, by version as text, and hyphens are no part of it", .diesel,
      [
        "2024-01-02-000000_b/up.sql": "CREATE TABLE b(x); CREATE TABLE c(x);",
        "2024-01-02-000000_b/down.sql": "DROP TABLE b;",
        "2024-01-01-000000_a/up.sql": "CREATE TABLE a(x);", ".hidden/up.sql": "?", "README.md": "",
        "empty/": "",
      ],
      [
        "20240101000000 2024-01-01-000000_a: up 1, down none",
        "20240102000000 2024-01-02-000000_b: up 2, down 1",
      ]),
    ReaderCase(
      "metadata.toml without the key means no transaction", .diesel,
      [
        "1_a/up.sql": "SELECT 1;", "1_a/metadata.toml": "# nothing\n", "2_b/up.sql": "SELECT 1;",
        "2_b/metadata.toml": "run_in_transaction = false # why", "3_c/up.sql": "SELECT 1;",
        "3_c/metadata.toml": "run_in_transaction = true", "4_d/up.sql": "SELECT 1;",
        "4_d/metadata.toml": "no toml",
      ],
      [
        "1 1_a: up 1 unwrapped, down none", "2 2_b: up 1 unwrapped, down none", "3 3_c: up 1, down none",
        "4 4_d: up 1, down none",
      ]),
    ReaderCase(
      "an empty way down is not a missing one, and a folder without up.sql is refused", .diesel,
      ["1_a/up.sql": "SELECT 1;", "1_a/down.sql": "-- nothing\n;", "2_b/down.sql": "SELECT 1;"],
      ["1 1_a: up 1, down 0"], remarks: ["DIR/2_b has no up.sql: diesel refuses the folder"]),
    ReaderCase(
      "two folders of one version", .diesel, ["1_a/up.sql": "SELECT 1;", "1_b/up.sql": "SELECT 1;"],
      ["1 1_a: up 1, down none", "1 1_b: up 1, down none"],
      remarks: [
        "DIR/1_a/up.sql and DIR/1_b/up.sql have the version 1: diesel takes one of them and leaves out the other"
      ]),
  ]

  static let numbered: [ReaderCase] = [
    ReaderCase(
      "by number, and what does not match is passed over", .golangMigrate,
      [
        "10_c.up.sql": "SELECT 1;", "9_b.up.sql": "SELECT 1; SELECT 2;", "9_b.down.sql": "SELECT 1;",
        "001_a.up.down.sql": "SELECT 1;", "x_d.up.sql": "?", "11-e.up.sql": "?", "12_f.sql": "?",
      ],
      ["1 a.up: up none, down 1", "9 b: up 2, down 1", "10 c: up 1, down none"]),
    ReaderCase(
      "a copy beside the file, and a number of forty digits", .golangMigrate,
      [
        "1_a.up.sql": "SELECT 1;", "1_a.up.sql.bak": "SELECT 1;",
        "1234567890123456789012345678901234567890_b.up.sql": "SELECT 1;",
      ],
      ["1 a: up 1, down none"],
      remarks: [
        "golang-migrate passes over DIR/1234567890123456789012345678901234567890_b.up.sql: its number does not fit into 64 bits",
        "DIR/1_a.up.sql and DIR/1_a.up.sql.bak have the same number: golang-migrate refuses the folder",
      ]),
    ReaderCase(
      "x-no-tx-wrap is an option, and a trigger is one statement", .golangMigrate,
      ["1_a.up.sql": "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END; SELECT ';';"],
      options: ReaderOptions(noTransaction: true), ["1 a: up 2 unwrapped, down none"]),
    ReaderCase(
      "the order of whole names, and numbers repeat", .maragudkMigrate,
      [
        "1-b.up.sql": "SELECT 1;", "1-a.up.sql": "SELECT 1;", "1-a.down.sql": "SELECT 1;",
        "10.up.sql": "SELECT 1;",
        "9.up.sql": "SELECT 1;", "1-a-z.up.sql": "SELECT 1;", "x.up.sql.bak": "?", "a b.up.sql": "?",
      ],
      [
        "1-a-z 1-a-z: up 1, down none", "1-a 1-a: up 1, down 1", "1-b 1-b: up 1, down none",
        "10 10: up 1, down none",
        "9 9: up 1, down none",
      ]),
    ReaderCase(
      "one file or two, and the first bytes say that there is no transaction", .sqlx,
      [
        "2_two_words.up.sql": "SELECT 1;", "2_two_words.down.sql": "-- no-transaction\nSELECT 1;",
        "10_b.sql": "-- no-transaction\nSELECT 1; SELECT 2;", "11_c.sql": "\n-- no-transaction\nSELECT 1;",
        "12.sql": "?",
        "x_d.sql": "?",
      ],
      [
        "2 two words: up 1, down 1 unwrapped", "10 b: up 2 unwrapped, down none", "11 c: up 1, down none",
      ], remarks: ["DIR/x_d.sql does not begin with a number: sqlx refuses the folder"]),
    ReaderCase(
      "the same number twice", .sqlx, ["1_a.sql": "SELECT 1;", "01_b.sql": "SELECT 1;"],
      ["1 b: up 1, down none", "1 a: up 1, down none"],
      remarks: ["DIR/01_b.sql and DIR/1_a.sql have the version 1: sqlx cannot record both"]),
    ReaderCase(
      "by number, recorded by file name", .d1,
      ["0010_b.sql": "SELECT 1;", "0009_a.sql": "SELECT 1; SELECT 2", "note.txt": ""],
      ["0009_a.sql 0009_a: up 2, down none", "0010_b.sql 0010_b: up 1, down none"]),
  ]

  static let goose: [ReaderCase] = [
    ReaderCase(
      "a statement ends at a line that ends with a semicolon", .goose,
      [
        "1_a.sql":
          "-- +goose Up\n-- about\nCREATE TABLE a(x); -- it is\nSELECT 1; SELECT 2;\nSELECT\n  3;\n-- +goose Down\nDROP TABLE a;\n"
      ],
      ["1 a: up 4, down 1"]),
    ReaderCase(
      "a trigger that is not between StatementBegin and StatementEnd is cut", .goose,
      [
        "1_a.sql":
          "-- +goose Up\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\n-- +goose StatementBegin\nCREATE TRIGGER u AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\n-- +goose StatementEnd\n"
      ],
      ["1 a: up 3, down none"]),
    ReaderCase(
      "no transaction, said anywhere, and Go between", .goose,
      [
        "2_b.go": "package x",
        "1_a.sql": "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose NO TRANSACTION\nSELECT 1;\n",
        "main.go": "package x", "3_c_test.go": "", "nothing.sql": "",
      ],
      [
        "1 a: up 1 unwrapped, down 1 unwrapped", "2 b: up none, down none, but it is written in Go",
      ],
      remarks: ["DIR/nothing.sql does not begin with a number and an underscore: goose refuses the folder"]),
    ReaderCase(
      "a semicolon is missing, an annotation is misspelt, SQL comes first", .goose,
      [
        "1_a.sql": "-- +goose Up\nSELECT 1\n", "2_b.sql": "-- +goose Upp\n",
        "3_c.sql": "SELECT 1;\n-- +goose Up\n",
        "4_d.sql": "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n",
        "5_e.sql": "  -- +goose Up\nSELECT 1;\n",
        "6_f.sql": "",
      ],
      [
        "1 a: up none, down none, but goose does not read line 2: no line before it ends the statement with a semicolon",
        "2 b: up none, down none, but goose does not read line 1: it is no annotation: -- +goose Upp",
        "3 c: up none, down none, but goose does not read line 1: there is SQL before +goose Up",
        "4 d: up none, down none, but goose does not read line 3: there is no +goose StatementEnd",
        "5 e: up none, down none, but goose does not read line 1: it is no annotation: -- +goose Up",
        "6 f: up none, down none, but goose does not read line 1: there is no +goose Up",
      ]),
    ReaderCase(
      "a semicolon before a comment in a string does not end the statement for goose", .goose,
      ["1_a.sql": "-- +goose Up\nSELECT '\n a; -- b\n';\n"], ["1 a: up 2, down none"]),
    ReaderCase(
      "ENVSUB with a value", .goose,
      [
        "1_a.sql":
          "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${NAME:-x}', '$WHO';\n-- +goose ENVSUB OFF\nSELECT '$NO';\n"
      ],
      options: ReaderOptions(set: ["WHO": "Ada"]), ["1 a: up 2, down none"]),
    ReaderCase(
      "ENVSUB without a value", .goose, ["1_a.sql": "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '$WHO';\n"],
      [
        "1 a: up none, down none, but goose does not read line 3: the variable WHO has no value: use --set WHO=VALUE"
      ]),
    ReaderCase(
      "CRLF, and a number twice", .goose,
      ["1_a.sql": "-- +goose Up\r\nSELECT 1;\r\nSELECT 2;\r\n", "01_b.sql": "-- +goose Up\n"],
      ["1 b: up 0, down none", "1 a: up 2, down none"],
      remarks: ["DIR/01_b.sql and DIR/1_a.sql have the version 1: goose refuses the folder"]),
  ]

  static let dbmate: [ReaderCase] = [
    ReaderCase(
      "two sections, by name as text, and a version without a name", .dbmate,
      [
        "9_b.sql": "-- migrate:up\nSELECT 1; SELECT 2;\n-- migrate:down\nSELECT 3;\n",
        "10_a.sql": "-- first\n--migrate:up transaction:false\nSELECT 1;\n-- migrate:down\n", "x.sql": "?",
        "11.sql": "-- migrate:up\n-- migrate:down\n",
      ],
      ["10 a: up 1 unwrapped, down 0", "11 : up 0, down 0", "9 b: up 2, down 1"]),
    ReaderCase(
      "repeated sections", .dbmate,
      [
        "1_a.sql":
          "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 3;\n-- migrate:down transaction:false\nSELECT 4;\n"
      ],
      ["1 a: up 2, down 2 unwrapped"]),
    ReaderCase(
      "a section in a string is one, too", .dbmate,
      ["1_a.sql": "-- migrate:up\nSELECT '\n-- migrate:down\n';\n"], ["1 a: up 1, down 1"]),
    ReaderCase(
      "what dbmate refuses", .dbmate,
      [
        "1_a.sql": "SELECT 1;", "2_b.sql": "-- migrate:up\nSELECT 1;",
        "3_c.sql": "-- migrate:down\n-- migrate:up\n",
        "4_d.sql": "SELECT 1;\n-- migrate:up\n-- migrate:down\n",
        "5_e.sql": "-- migrate:up\n-- migrate:down\n-- migrate:down\n",
      ],
      [
        "1 a: up none, down none, but it has no migrate:up, which dbmate asks for",
        "2 b: up none, down none, but its migrate:up has no migrate:down, which dbmate asks for",
        "3 c: up none, down none, but its migrate:down stands before its migrate:up: dbmate refuses it",
        "4 d: up none, down none, but it has SQL before its migrate:up: dbmate refuses it",
        "5 e: up none, down none, but it has two migrate:down in a row: dbmate refuses it",
      ]),
  ]

  static let prefixed: [ReaderCase] = [
    ReaderCase(
      "U comes late and is no way back, and Rust is code", .refinery,
      [
        "V10__b.sql": "SELECT 1;", "sub/V9__a.sql": "SELECT 1; SELECT 2;", "U3__late.sql": "SELECT 1;",
        "V11__c.rs": "",
        "mod.rs": "", "V1_no.sql": "",
      ],
      [
        "3 late: up 1, down none", "9 a: up 2, down none", "10 b: up 1, down none",
        "11 c: up none, down none, but it is written in Rust",
      ],
      remarks: [
        "DIR/U3__late.sql is no way back: refinery applies it whenever it finds it missing",
        "refinery passes over DIR/V1_no.sql, whose name it does not know",
      ]),
    ReaderCase(
      "a version with a dot, and one too large", .refinery,
      ["V1.2__a.sql": "SELECT 1;", "V99999999999__b.sql": "SELECT 1;", "V1__c.sql": "SELECT 1;"],
      ["1 c: up 1, down none"],
      remarks: [
        "DIR/V1.2__a.sql: 1.2 is no whole number of 32 bits: refinery refuses the folder",
        "DIR/V99999999999__b.sql: 99999999999 is no whole number of 32 bits: refinery refuses the folder",
      ]),
    ReaderCase(
      "versions by their parts, undo, repeatable ones last, a baseline left out", .flyway,
      [
        "V1.10__ten.sql": "SELECT 1;", "V1_9__nine.sql": "SELECT 1; SELECT 2;", "U1.9__nine.sql": "SELECT 3;",
        "R__view_b.sql": "SELECT 1;", "R__view_a.sql": "SELECT 1;", "B1.9__base.sql": "SELECT 1;",
        "sub/V2__two_words.SQL": "SELECT 1;", "beforeMigrate.sql": "SELECT 1;",
        "V1234567890123456789012345678901234567890__far.sql": "SELECT 1;",
      ],
      [
        "1.9 nine: up 2, down 1", "1.10 ten: up 1, down none", "2 two words: up 1, down none",
        "1234567890123456789012345678901234567890 far: up 1, down none",
        "view a view a: up 1, down none, again",
        "view b view b: up 1, down none, again",
      ],
      remarks: [
        "DIR/beforeMigrate.sql is no migration by its name: Flyway runs it, if at all, around others",
        "DIR/B1.9__base.sql was left out: in a new database Flyway runs it instead of what is before it",
      ]),
    ReaderCase(
      "1 and 1.0 are one version", .flyway, ["V1__a.sql": "SELECT 1;", "U1.0__a.sql": "SELECT 1;"],
      ["1 a: up 1, down 1"]),
    ReaderCase(
      "placeholders have values, in any case", .flyway,
      [
        "V1__a.sql": "SELECT '${WHO}', '${who}';", "V2__b.sql": "SELECT '${other}';",
        "V3__c.sql": "SELECT '${';",
      ],
      options: ReaderOptions(set: ["Who": "Ada"]),
      [
        "1 a: up 1, down none",
        "2 b: up none, down none, but the placeholder other has no value: use --set other=VALUE",
        "3 c: up 1, down none",
      ]),
    ReaderCase(
      "what .sql.conf says, and what a pragma does", .flyway,
      [
        "V1__a.sql": "SELECT '${x}';",
        "V1__a.sql.conf": "placeholderReplacement=false\nexecuteInTransaction=false",
        "V2__b.sql": "PRAGMA foreign_keys = OFF; SELECT 1;", "V3__c.sql": "pragma /* */ foreign_keys = OFF;",
        "V3__c.sql.conf": "executeInTransaction = true", "V4__d.sql": "SELECT 1;",
        "V4__d.sql.conf": "shouldExecute=${e}==x",
      ],
      [
        "1 a: up 1 unwrapped, down none", "2 b: up 2 unwrapped, down none", "3 c: up 1, down none",
        "4 d: up none, down none, but whether it runs depends on shouldExecute: ${e}==x",
      ]),
  ]

  private static let plan = """
    %syntax-version=1.0.0
    %project=shop

    users 2024-01-01T00:00:00Z Ada <ada@example.com> # users
    @v1 2024-01-02T00:00:00Z Ada <ada@example.com> # first

    names [users] 2024-01-03T00:00:00Z Ada <ada@example.com>
    @v2 2024-01-04T00:00:00Z Ada <ada@example.com>
    users [users@v1 names] 2024-01-05T00:00:00Z Ada <ada@example.com> # again

    """

  static let sqitch: [ReaderCase] = [
    ReaderCase(
      "the name of a project in another alphabet, an address, a note of two lines, a conflict", .sqitch,
      [
        "sqitch.plan": #"""
        %syntax-version=1.0.0
        %project=pröj
        %uri=https://example.com/x

        a/b 2024-01-01T00:00:00Z Ada <ada@example.com> # one\ntwo \\ "x"
        c [pröj:a/b !z] 2024-01-01T00:00:00Z Ada <ada@example.com>
        """#,
        "deploy/a/b.sql": "", "deploy/c.sql": "", "revert/a/b.sql": "", "revert/c.sql": "",
      ],
      [
        "f85adb561907cc58b313d11a65cbd4fe4d2945b3 a/b: up 0 unwrapped, down 0 unwrapped",
        "3c1f2ee07f84efacb1cb035960136401e4e5171f c: up 0 unwrapped, down 0 unwrapped",
      ]),
    ReaderCase(
      "in the order of the plan, with a change that was reworked", .sqitch,
      [
        "sqitch.plan": plan, "sqitch.conf": "[core]\n\tengine = sqlite\n",
        "deploy/users.sql": "BEGIN; SELECT 2; COMMIT;",
        "deploy/users@v2.sql": "BEGIN; SELECT 1; COMMIT;", "revert/users@v2.sql": "BEGIN; COMMIT;",
        "revert/users.sql": "SELECT 1;", "deploy/names.sql": "SELECT 1;", "deploy/stray.sql": "?",
      ],
      [
        "5f70d00a9c9be0633a81c704d93363cc3bf605bf users@v2: up 3 unwrapped, down 2 unwrapped",
        "22f18ace07488f9ffa16cd3d9ad88b65abcd5f33 names: up 1 unwrapped, down none",
        "c523e68fd8876e3c538f1cc71bcdda504f74930b users: up 3 unwrapped, down 1 unwrapped",
      ], remarks: ["there is no DIR/revert/names.sql: sqitch stops at it on the way down"]),
    ReaderCase(
      "scripts elsewhere, a change in a folder, a command of the shell", .sqitch,
      [
        "db/sqitch.plan":
          "%project=p\n\na/b 2024-01-01T00:00:00Z Ada <ada@example.com>\n+ c 2024-01-01T00:00:00Z Ada <ada@example.com>\n",
        "sqitch.conf": "[core]\n  top_dir = x\n[engine \"sqlite\"]\n  top_dir = ./db\n",
        "db/deploy/a/b.sql": "SELECT '\n.x\n';",
        "db/revert/a/b.sql": "SELECT 1;", "db/deploy/c.sql": "SELECT 1;\n.mode csv\n", "db/revert/c.sql": "",
      ],
      [
        "bb6d7a8e1458382b76f164e2dba3066956fe7835 a/b: up 1 unwrapped, down 1 unwrapped",
        "cef26c1a35e289dad84640003749e32f93eb066e c: up 2 unwrapped, down 0 unwrapped, but line 2 of DIR/db/deploy/c.sql is a command of the shell sqlite3: .mode csv",
      ]),
  ]

  static let others: [ReaderCase] = [
    ReaderCase(
      "split at a comment that begins with the word, comments taken out", .nodeSQLite,
      [
        "002-b.sql": "-- Up\nSELECT '\n-- x\n';\n-- down to earth\nSELECT 2; SELECT 3;\n-- down\nSELECT 4;",
        "001.a.sql": "SELECT 1;\n--down\nSELECT 2;\n", "010-c.sql": "SELECT 1;\n--\n  DOWN\nSELECT 2;",
        "x.sql": "",
      ],
      ["1 a: up 2, down none", "2 b: up 1, down 2", "10 c: up 1, down 1"]),
    ReaderCase(
      "by name except where another order is asked for", .yoyo,
      [
        "a.sql": "-- depends: c b\nSELECT 1;", "b.sql": "-- about\n-- depends: d\n\nSELECT 1; SELECT 2;",
        "b.rollback.sql": "SELECT 2;", "c.sql": "-- transactional: False\nSELECT 1;",
        "c.rollback.sql": "SELECT 1;",
        "d.py": "__depends__ = {'c'}\nfrom yoyo import step", "e.sql": "SELECT 1; -- depends: z\n",
        "post-apply.sql": "",
      ],
      [
        "c c: up 1 unwrapped, down 1 unwrapped", "d d: up none, down none, but it is written in Python",
        "b b: up 2, down 1", "a a: up 1, down none", "e e: up 1, down none",
      ], remarks: ["DIR/post-apply.sql was left out: yoyo runs it after every apply"]),
    ReaderCase(
      "a dependency that is not there, a word that is none", .yoyo,
      ["a.sql": "-- depends: z\nSELECT 1;", "b.sql": "-- transactional: no\nSELECT 1;"],
      ["a a: up 1, down none", "b b: up 1, down none, but yoyo does not read transactional:  no"],
      remarks: ["DIR/a.sql depends on z, which is not there: yoyo refuses the folder"]),
    ReaderCase(
      "a column called begin, after which sqlparse finds no end", .yoyo,
      [
        "a.sql": "CREATE TABLE a(begin);\nSELECT 1;",
        "b.sql": "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;\nSELECT 1;",
      ],
      [
        "a a: up 2, down none, but yoyo takes several statements from line 1 of DIR/a.sql on for one, which Python's sqlite3 refuses",
        "b b: up 2, down none",
      ]),
    ReaderCase(
      "the journal has the order, and its dates decide what a database gets", .drizzle,
      [
        "meta/_journal.json":
          #"{"dialect":"sqlite","entries":[{"idx":0,"when":30,"tag":"0001_b","breakpoints":true},{"idx":1,"when":20,"tag":"0000_a","breakpoints":true}]}"#,
        "0000_a.sql": "SELECT 1;\n--> statement-breakpoint\nSELECT 2;", "0001_b.sql": "SELECT 1; SELECT 2;\n",
        "0002_c.sql": "",
      ],
      ["30 0001_b: up 2, down none", "20 0000_a: up 2, down none"],
      remarks: [
        "the journal dates 0000_a before 0001_b: a database that has the one never gets the other",
        "Drizzle passes over DIR/0002_c.sql: the journal does not list it",
        "DIR/0001_b.sql has 1 pieces and 2 statements: better-sqlite3 refuses a piece that is not one statement",
      ]),
    ReaderCase(
      "a folder each, and no transaction", .prisma,
      [
        "migration_lock.toml": "provider = \"sqlite\"", "20240102000000_b/migration.sql": "SELECT 1;",
        "20240101000000_a/migration.sql": "PRAGMA foreign_keys=OFF; SELECT 1;",
        "20240103000000_c/note.txt": "",
      ],
      [
        "20240101000000_a 20240101000000_a: up 2 unwrapped, down none",
        "20240102000000_b 20240102000000_b: up 1 unwrapped, down none",
      ], remarks: ["DIR/20240103000000_c has no migration.sql: Prisma refuses the folder"]),
    ReaderCase(
      "text is replaced before it is read", .golangMigrate, ["1_a.up.sql": "SELECT {{ one }};"],
      options: ReaderOptions(replace: [ReaderOptions.Replacement("{{ one }}", by: "1; SELECT 2")]),
      ["1 a: up 2, down none"]),
    ReaderCase(
      "phases are migrations", .phasedb,
      [
        "0001-shop/expand.sql":
          "-- @window shop >= 1\n-- @up\nCREATE TABLE a(x);\n-- @down\nDROP TABLE a;\n"
      ],
      ["0001-shop/expand 0001-shop/expand: up 1, down 1"]),
  ]
}
