import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("An error")
struct ErrorTextTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let error: MigrationError
    var width: Int?
    let text: String

    init(_ description: String, _ error: MigrationError, width: Int? = nil, _ text: String) {
      testDescription = description
      self.error = error
      self.width = width
      self.text = text
    }
  }

  private static func at(_ line: Int, _ column: Int, _ excerpt: String?, length: Int = 1) -> Place {
    Place(file: "m/0002-a/migrate.sql", line: line, column: column, excerpt: excerpt, length: length)
  }

  private static let long =
    "INSERT INTO customers VALUES (" + (1...60).map(String.init).joined(separator: ", ")
    + ") RETURNING everything"

  @Test(
    "is rendered",
    arguments: [
      Case(
        "with place, state and remedy",
        MigrationError(
          .statementFailed, "no such column: nmae",
          at: Place(
            file: "migrations/0002-split-customer-name/migrate.sql", line: 9, column: 35,
            excerpt: "UPDATE customers SET given_name = nmae", length: 4),
          state: "0002/migrate was rolled back; the database is at checkpoint 3 (0002/expand)",
          help: ["correct the column name, then run: phasedb up"]),
        """
        error: no such column: nmae [statement-failed]
          --> migrations/0002-split-customer-name/migrate.sql:9:35
           |
         9 | UPDATE customers SET given_name = nmae
           |                                   ^^^^
          state: 0002/migrate was rolled back; the database is at checkpoint 3 (0002/expand)
          help:  correct the column name, then run: phasedb up

        """),
      Case(
        "without a place, with details and several remedies",
        MigrationError(
          .ambiguousPhase, "'0002' names 2 phases", details: ["0002-a/expand", "0002-a/migrate\nand so on"],
          help: ["write 0002/expand", "or 0002/migrate"]),
        """
        error: '0002' names 2 phases [ambiguous-phase]
            0002-a/expand
            0002-a/migrate
            and so on
          help:  write 0002/expand
                 or 0002/migrate

        """),
      Case(
        "with a place whose text is not at hand",
        MigrationError(.fileUnreadable, "cannot read it", at: at(1, 1, nil)),
        """
        error: cannot read it [file-unreadable]
          --> m/0002-a/migrate.sql:1:1

        """),
      Case(
        "with a gutter as wide as the line's number",
        MigrationError(.statementFailed, "no", at: at(1204, 1, "DROP", length: 4)),
        """
        error: no [statement-failed]
             --> m/0002-a/migrate.sql:1204:1
              |
         1204 | DROP
              | ^^^^

        """),
      Case(
        "with carets under the right word behind tabs",
        MigrationError(.statementFailed, "no", at: at(9, 8, "\tSET a\t= b", length: 3)),
        """
        error: no [statement-failed]
          --> m/0002-a/migrate.sql:9:8
           |
         9 |     SET a   = b
           |             ^^^

        """),
      Case(
        "with carets under a tab",
        MigrationError(.statementFailed, "no", at: at(9, 2, "a\tb")),
        """
        error: no [statement-failed]
          --> m/0002-a/migrate.sql:9:2
           |
         9 | a   b
           |  ^^^

        """),
      Case(
        "with carets as wide as wide characters, behind combining ones",
        MigrationError(.statementFailed, "no", at: at(9, 13, "'e\u{301}🙂' AS 前, 名前 FROM t", length: 2)),
        """
        error: no [statement-failed]
          --> m/0002-a/migrate.sql:9:13
           |
         9 | 'e\u{301}🙂' AS 前, 名前 FROM t
           |              ^^^^

        """),
      Case(
        "with a caret behind the end of the line",
        MigrationError(.incompleteStatement, "no", at: at(9, 5, "DROP", length: 3)),
        """
        error: no [incomplete-statement]
          --> m/0002-a/migrate.sql:9:5
           |
         9 | DROP
           |     ^

        """),
      Case(
        "with a caret below an empty line",
        MigrationError(.missingDown, "no", at: at(9, 1, "")),
        """
        error: no [missing-down]
          --> m/0002-a/migrate.sql:9:1
           |
         9 |
           | ^

        """),
      Case(
        "with a long line cut on both sides",
        MigrationError(.statementFailed, "no", at: at(9, 150, long, length: 2)), width: 60,
        """
        error: no [statement-failed]
          --> m/0002-a/migrate.sql:9:150
           |
         9 | …, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,…
           |                            ^^

        """),
      Case(
        "with a long line cut at its end",
        MigrationError(.statementFailed, "no", at: at(9, 1, long, length: 6)), width: 60,
        """
        error: no [statement-failed]
          --> m/0002-a/migrate.sql:9:1
           |
         9 | INSERT INTO customers VALUES (1, 2, 3, 4, 5, 6, 7, 8, …
           | ^^^^^^

        """),
      Case(
        "with nothing in it that acts on the terminal",
        MigrationError(
          .statementFailed, "near \"\("\u{1B}]0;x\u{07}")\"", at: at(9, 3, "a\u{1B}[2Jb"),
          details: ["\("\u{9B}2J")"], state: "\("as\rbefore")", help: ["\("look\nhere")"]),
        """
        error: near "␛]0;x␇" [statement-failed]
          --> m/0002-a/migrate.sql:9:3
           |
         9 | a␛[2Jb
           |   ^
            <U+009B>2J
          state: as␍before
          help:  look␊here

        """),
    ])
  func rendered(_ row: Case) {
    #expect(ErrorText(row.error).text(paint: .none, width: row.width).description == row.text)
  }

  @Test("in the command line is rendered in the same way")
  func usage() throws {
    let error = try #require(throws: UsageError.self) { try parsed("phasedb up --dryrun") }
    #expect(
      ErrorText(error).text(paint: .none, width: nil) == """
        error: unknown option '--dryrun' [unknown-option]
          help:  did you mean '--dry-run'?
                 see: phasedb help up

        """)
  }

  @Test("has the same text in colour")
  func coloured() {
    let error = MigrationError(
      .statementFailed, "no", at: Self.at(9, 1, "DROP"), state: "same", help: ["look"])
    let coloured = ErrorText(error).text(paint: .ansi, width: nil)
    #expect(coloured.hasPrefix("\u{1B}[1;31merror:\u{1B}[0m "))
    #expect(
      coloured.description.replacing(/\u{1B}\[[0-9;]*m/, with: "")
        == ErrorText(error).text(paint: .none, width: nil).description)
  }
}
