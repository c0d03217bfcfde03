import PhaseDB
import Testing

@Suite struct PhaseFileErrorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let kind: Phase.Kind
    let text: String
    let golden: String

    init(_ testDescription: String, kind: Phase.Kind = .expand, _ text: String, _ golden: String) {
      self.testDescription = testDescription
      self.kind = kind
      self.text = text
      self.golden = golden
    }
  }

  @Test(arguments: missing + windows + sections + unfinished + words + arguments + soaks)
  func refusesWithPlaceAndRemedy(_ row: Case) {
    let error = #expect(throws: MigrationError.self) {
      try PhaseFile.read(row.text, file: "m/\(row.kind.rawValue).sql", kind: row.kind)
    }
    #expect(error?.golden == row.golden)
    #expect(error?.standing == .unchanged)
  }

  @Test(arguments: missing + windows + sections + unfinished + words + arguments + soaks)
  func lineEndsOfWindowsAndAByteOrderMarkChangeNoError(_ row: Case) {
    let text =
      "\u{FEFF}" + row.text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    let error = #expect(throws: MigrationError.self) {
      try PhaseFile.read(text, file: "m/\(row.kind.rawValue).sql", kind: row.kind)
    }
    #expect(error?.golden == row.golden)
  }

  static let missing = [
    Case(
      "an empty file",
      """

      """,
      """
      m/expand.sql:1:1: the expand phase has no @up [missing-up]
      | 
      | ^
      help: write -- @up and under it the SQL of the way up
      """),
    Case(
      "SQL without directives",
      """
      SELECT 1;

      """,
      """
      m/expand.sql:1:1: there is SQL before the first section [bad-directive]
      | SELECT 1;
      | ^^^^^^^^^
      help: write -- @up on a line above it
      """),
    Case(
      "no window",
      """
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:1: the expand phase has no @window [missing-window]
      | -- @up
      | ^
      help: write which versions run both before and after the phase, for example -- @window storefront >=1.4 <2.0
      """),
    Case(
      "an empty window",
      """
      -- @window
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:4: @window is empty [missing-window]
      | -- @window
      |    ^^^^^^^
      help: write which versions run both before and after the phase, for example -- @window storefront >=1.4 <2.0
      """),
    Case(
      "no up",
      """
      -- @window app >=1.4 <2.0
      -- @down
      SELECT 1;

      """,
      """
      m/expand.sql:1:1: the expand phase has no @up [missing-up]
      | -- @window app >=1.4 <2.0
      | ^
      help: write -- @up and under it the SQL of the way up
      """),
    Case(
      "an up of comments and semicolons",
      """
      -- @window app >=1.4 <2.0
      -- @up
      -- nothing
      ;
      -- @down
      SELECT 1;

      """,
      """
      m/expand.sql:2:4: @up has no SQL [missing-up]
      | -- @up
      |    ^^^
      help: write -- @up and under it the SQL of the way up
      """),
    Case(
      "no down",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;

      """,
      """
      m/expand.sql:1:1: the expand phase has no @down [missing-down]
      | -- @window app >=1.4 <2.0
      | ^
      help: write -- @down and under it the SQL that undoes @up
      """),
    Case(
      "an empty down",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down

      """,
      """
      m/expand.sql:4:4: @down has no SQL [missing-down]
      | -- @down
      |    ^^^^^
      help: write -- @down and under it the SQL that undoes @up
      """),
    Case(
      "an empty down beside a retirement", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.a
      -- @up
      DROP TRIGGER g;
      -- @down

      """,
      """
      m/contract.sql:5:4: @down has no SQL [missing-down]
      | -- @down
      |    ^^^^^
      help: write -- @down and under it the SQL that undoes @up
      help: if @up leaves nothing to undo beside what is retired, say so in a comment under @down
      """),
    Case(
      "no down beside a retirement", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.a
      -- @up
      DROP TRIGGER g;

      """,
      """
      m/contract.sql:1:1: the contract phase has no @down [missing-down]
      | -- @window app >=1.4
      | ^
      help: write -- @down and under it the SQL that undoes @up
      """),
    Case(
      "a down inside a trigger that was not closed",
      """
      -- @window app >=1.4 <2.0
      -- @up
      CREATE TRIGGER x AFTER INSERT ON t BEGIN
        SELECT 1;
      -- @down
      CREATE TRIGGER y AFTER INSERT ON t BEGIN
        SELECT 1;
      END;

      """,
      """
      m/expand.sql:1:1: the expand phase has no @down [missing-down]
      | -- @window app >=1.4 <2.0
      | ^
      help: the @down on line 5 is inside the trigger that starts on line 3: close its body with END;
      help: write -- @down and under it the SQL that undoes @up
      """),
  ]

  static let windows = [
    Case(
      "no range",
      """
      -- @window app
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:12: there is no range of versions [window-invalid]
      | -- @window app
      |            ^^^
      help: write one, for example >=1.4 <2.0
      """),
    Case(
      "no application",
      """
      -- @window >=1.4
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:12: @window names no application [bad-directive]
      | -- @window >=1.4
      |            ^^^^^
      help: write @window APP RANGE, for example -- @window storefront >=1.4 <2.0
      """),
    Case(
      "a range no version meets",
      """
      -- @window storefront >=2.0 <1.4
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:23: no version satisfies >=2.0 <1.4 [window-invalid]
      | -- @window storefront >=2.0 <1.4
      |                       ^^^^^^^^^^
      help: write the lower bound first and a higher one behind it, for example >=1.4 <2.0
      """),
    Case(
      "an equals sign too many",
      """
      -- @window storefront ==1.4
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:23: '==' is not a comparator [window-invalid]
      | -- @window storefront ==1.4
      |                       ^^^^^
      help: write = once: =1.4
      """),
    Case(
      "no comparator",
      """
      -- @window storefront 1.4
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:23: '1.4' is not a comparator [window-invalid]
      | -- @window storefront 1.4
      |                       ^^^
      help: write >=1.4 for that version and later ones, =1.4 for it alone
      """),
    Case(
      "a version with a letter",
      """
      -- @window storefront >=v1.4
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:1:23: 'v1.4' is not a version [version-invalid]
      | -- @window storefront >=v1.4
      |                       ^^^^^^
      help: write it without the letter, for example 1.4
      """),
    Case(
      "two windows of one application",
      """
      -- @window app >=1.4 <2.0
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:12: two windows for application 'app' [window-invalid]
      | -- @window app >=1.4 <2.0
      |            ^^^
      help: write one @window line for each application
      """),
  ]

  static let sections = [
    Case(
      "two ups",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;
      -- @up
      SELECT 1;

      """,
      """
      m/expand.sql:6:4: a second @up, the first is on line 2 [bad-directive]
      | -- @up
      |    ^^^
      help: write both parts under the first one
      """),
    Case(
      "an up with arguments",
      """
      -- @window app >=1.4 <2.0
      -- @up now
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:8: @up takes no arguments [bad-directive]
      | -- @up now
      |        ^^^
      help: write the SQL on the lines after it
      """),
    Case(
      "SQL before the first section",
      """
      -- @window app >=1.4 <2.0
      SELECT 0;
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:1: there is SQL before the first section [bad-directive]
      | SELECT 0;
      | ^^^^^^^^^
      help: write -- @up on a line above it
      """),
    Case(
      "a verify without a query",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;
      -- @verify nothing

      """,
      """
      m/expand.sql:6:4: @verify has no query [bad-directive]
      | -- @verify nothing
      |    ^^^^^^^
      help: write one SELECT after it that returns the rows that break the claim
      """),
    Case(
      "a verify with two statements",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;
      -- @verify two
      SELECT 1;
      SELECT 2;

      """,
      """
      m/expand.sql:8:1: a second statement under @verify [bad-directive]
      | SELECT 2;
      | ^^^^^^^^^
      help: give it a -- @verify TITLE of its own
      """),
    Case(
      "a verify without a title",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;
      -- @verify
      SELECT 1;

      """,
      """
      m/expand.sql:6:4: @verify has no title [bad-directive]
      | -- @verify
      |    ^^^^^^^
      help: say what must hold: -- @verify every customer has a name
      """),
  ]

  static let unfinished = [
    Case(
      "a statement without a semicolon before a directive",
      """
      -- @window app >=1.4 <2.0
      -- @up
      ALTER TABLE t ADD COLUMN a;
      ALTER TABLE t
        ADD COLUMN b -- note
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:4:1: the statement has no semicolon before @down on line 6 [incomplete-statement]
      | ALTER TABLE t
      | ^^^^^^^^^^^^^
      help: end the statement on line 5 with ;
      """),
    Case(
      "a trigger without END",
      """
      -- @window app >=1.4 <2.0
      -- @up
      CREATE TRIGGER x AFTER INSERT ON t BEGIN
        SELECT 1;
      -- @down
      DROP TRIGGER x;

      """,
      """
      m/expand.sql:3:1: the trigger has no END; before @down on line 5 [incomplete-statement]
      | CREATE TRIGGER x AFTER INSERT ON t BEGIN
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: close the body of the trigger with END;
      """),
    Case(
      "a string that is never closed",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 'it;
      -- @down
      DROP TABLE x;

      """,
      """
      m/expand.sql:3:8: the string that starts here is never closed [incomplete-statement]
      | SELECT 'it;
      |        ^
      help: close it with '
      """),
    Case(
      "a comment that is never closed",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1; /* it;
      -- @down
      DROP TABLE x;

      """,
      """
      m/expand.sql:3:11: the comment that starts here is never closed [incomplete-statement]
      | SELECT 1; /* it;
      |           ^
      help: close it with */
      """),
  ]

  static let words = [
    Case(
      "a misspelt directive",
      """
      -- @window app >=1.4 <2.0
        -- @wnidow a
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:6: '@wnidow' is not a directive [unknown-directive]
      |   -- @wnidow a
      |      ^^^^^^^
      help: did you mean @window?
      """),
    Case(
      "a directive near no other",
      """
      -- @window app >=1.4 <2.0
      -- @author Ann
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: '@author' is not a directive [unknown-directive]
      | -- @author Ann
      |    ^^^^^^^
      help: the directives are @up, @down, @verify, @watch, @probe, @red, @window, @residual, @effects, @loses, @batch, @retire, @soak, @needs, @budget, @lane, @allow, @switch
      """),
    Case(
      "a directive in capitals",
      """
      -- @window app >=1.4 <2.0
      -- @UP
      SELECT 1;

      """,
      """
      m/expand.sql:2:4: '@UP' is not a directive [unknown-directive]
      | -- @UP
      |    ^^^
      help: did you mean @up?
      """),
    Case(
      "@batch outside migrate",
      """
      -- @window app >=1.4 <2.0
      -- @batch t by id
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @batch in a phase of kind expand [bad-directive]
      | -- @batch t by id
      |    ^^^^^^
      help: only a migrate phase runs in batches: move the statements that change rows to migrate.sql
      """),
    Case(
      "@batch without a table", kind: .migrate,
      """
      -- @window app >=1.4 <2.0
      -- @batch
      """,
      """
      m/migrate.sql:2:4: @batch names no table [bad-directive]
      | -- @batch
      |    ^^^^^^
      help: write @batch TABLE or @batch TABLE by COLUMN, for example -- @batch customers
      """),
    Case(
      "@batch with two columns", kind: .migrate,
      """
      -- @window app >=1.4 <2.0
      -- @batch t by a b
      """,
      """
      m/migrate.sql:2:4: @batch takes one column after 'by' [bad-directive]
      | -- @batch t by a b
      |    ^^^^^^^^^^^^^^^
      help: write @batch TABLE or @batch TABLE by COLUMN, for example -- @batch customers; of a key of several columns, name the first
      """),
    Case(
      "a second @batch", kind: .migrate,
      """
      -- @window app >=1.4 <2.0
      -- @batch t
      -- @batch u
      """,
      """
      m/migrate.sql:3:4: a second @batch [bad-directive]
      | -- @batch u
      |    ^^^^^^
      help: write a migration of its own for each table
      """),
    Case(
      "a parameter in a phase without @batch",
      """
      -- @window app >=1.4 <2.0
      -- @up
      SELECT 1;
      UPDATE t SET a = 1 WHERE id > :first;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:4:31: :first has no value in a phase without @batch [batch-parameters]
      | UPDATE t SET a = 1 WHERE id > :first;
      |                               ^^^^^^
      help: write the value itself, or add above @up: -- @batch TABLE
      """),
    Case(
      "a batched statement without an end", kind: .migrate,
      """
      -- @window app >=1.4 <2.0
      -- @batch t
      -- @up
      UPDATE t SET a = 1 WHERE id BETWEEN :first AND :last;
      -- @down
      UPDATE t SET a = 1 WHERE id BETWEEN :first AND :last;
      DELETE FROM u WHERE id >= :first;

      """,
      """
      m/migrate.sql:7:1: a statement of a batched phase does not use :last [batch-parameters]
      | DELETE FROM u WHERE id >= :first;
      | ^^^^^^
      help: limit it to the keys of one batch: WHERE KEY BETWEEN :first AND :last
      help: or move it to another phase: here it would run with every batch
      """),
    Case(
      "a parameter that nobody binds", kind: .migrate,
      """
      -- @window app >=1.4 <2.0
      -- @batch t
      -- @up
      UPDATE t SET a = ?1 WHERE id BETWEEN :first AND :last;
      -- @down
      UPDATE t SET a = 1 WHERE id BETWEEN :first AND :last;

      """,
      """
      m/migrate.sql:4:18: the parameter ?1 has no value [batch-parameters]
      | UPDATE t SET a = ?1 WHERE id BETWEEN :first AND :last;
      |                  ^^
      help: a batched phase has the parameters :first and :last, the first and the last key of a batch
      """),
    Case(
      "@retire",
      """
      -- @window app >=1.4 <2.0
      -- @retire t.c
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @retire in a phase of kind expand [bad-directive]
      | -- @retire t.c
      |    ^^^^^^^
      help: only a contract may remove something: move the line to contract.sql of the same migration
      """),
  ]

  static let arguments = [
    Case(
      "a retirement of nothing", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire

      """,
      """
      m/contract.sql:2:4: @retire takes one column or one table [bad-directive]
      | -- @retire
      |    ^^^^^^^
      help: write @retire TABLE.COLUMN or @retire TABLE, for example -- @retire customers.full_name
      """),
    Case(
      "a retirement of a column without a name", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.

      """,
      """
      m/contract.sql:2:4: @retire takes one column or one table [bad-directive]
      | -- @retire t.
      |    ^^^^^^^^^^
      help: write @retire TABLE.COLUMN or @retire TABLE, for example -- @retire customers.full_name
      """),
    Case(
      "a retirement of two", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.a u.b

      """,
      """
      m/contract.sql:2:4: @retire takes one column or one table [bad-directive]
      | -- @retire t.a u.b
      |    ^^^^^^^^^^^^^^^
      help: write @retire TABLE.COLUMN or @retire TABLE, for example -- @retire customers.full_name
      """),
    Case(
      "one column retired twice", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.a
      -- @retire T.A

      """,
      """
      m/contract.sql:3:4: a second @retire t.a [bad-directive]
      | -- @retire T.A
      |    ^^^^^^^^^^^
      help: keep one of the two
      """),
    Case(
      "a table retired and one of its columns", kind: .contract,
      """
      -- @window app >=1.4
      -- @retire t.a
      -- @retire t

      """,
      """
      m/contract.sql:3:4: a second @retire t.a [bad-directive]
      | -- @retire t
      |    ^^^^^^^^^
      help: keep one of the two
      """),
    Case(
      "an empty residual",
      """
      -- @window app >=1.4 <2.0
      -- @residual
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @residual says nothing [bad-directive]
      | -- @residual
      |    ^^^^^^^^^
      help: write @residual none, or @residual customer|downstream|workflow|support|compliance: TEXT
      """),
    Case(
      "a misspelt audience",
      """
      -- @window app >=1.4 <2.0
      -- @residual custmer: mail
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:14: 'custmer' is not an audience of a residual [bad-directive]
      | -- @residual custmer: mail
      |              ^^^^^^^
      help: did you mean customer?
      """),
    Case(
      "an audience outside ASCII",
      """
      -- @window app >=1.4 <2.0
      -- @residual kundé: ü
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:14: 'kundé' is not an audience of a residual [bad-directive]
      | -- @residual kundé: ü
      |              ^^^^^
      help: write @residual none, or @residual customer|downstream|workflow|support|compliance: TEXT
      """),
    Case(
      "a residual without text",
      """
      -- @window app >=1.4 <2.0
      -- @residual customer
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @residual customer does not say what remains [bad-directive]
      | -- @residual customer
      |    ^^^^^^^^^
      help: write @residual none, or @residual customer|downstream|workflow|support|compliance: TEXT
      """),
    Case(
      "none and a residual",
      """
      -- @window app >=1.4 <2.0
      -- @residual none
      -- @residual customer: x
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:3:4: @residual none beside another @residual [bad-directive]
      | -- @residual customer: x
      |    ^^^^^^^^^
      help: keep one of the two
      """),
    Case(
      "a residual and none",
      """
      -- @window app >=1.4 <2.0
      -- @residual customer: x
      -- @residual none
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:3:4: @residual none beside another @residual [bad-directive]
      | -- @residual none
      |    ^^^^^^^^^
      help: keep one of the two
      """),
    Case(
      "a loss without a column",
      """
      -- @window app >=1.4 <2.0
      -- @loses orders: why
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @loses is incomplete [bad-directive]
      | -- @loses orders: why
      |    ^^^^^^^^^^^^^^^^^^
      help: write @loses TABLE.COLUMN: WHY, for example -- @loses orders.note: no version reads it
      """),
    Case(
      "a loss without a reason",
      """
      -- @window app >=1.4 <2.0
      -- @loses orders.note
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @loses is incomplete [bad-directive]
      | -- @loses orders.note
      |    ^^^^^^^^^^^^^^^^^^
      help: write @loses TABLE.COLUMN: WHY, for example -- @loses orders.note: no version reads it
      """),
    Case(
      "a soak outside contract",
      """
      -- @window app >=1.4 <2.0
      -- @soak 7d
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @soak in a phase of kind expand [bad-directive]
      | -- @soak 7d
      |    ^^^^^
      help: only a contract waits: remove the line
      """),
    Case(
      "two needs on one line",
      """
      -- @window app >=1.4 <2.0
      -- @needs a b
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @needs takes one phase [bad-directive]
      | -- @needs a b
      |    ^^^^^^^^^^
      help: write one @needs line for each phase, for example -- @needs 0002-split-customer-name/expand
      """),
    Case(
      "a budget that names up twice",
      """
      -- @window app >=1.4 <2.0
      -- @budget up 2s up 3s
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:18: 'up' is not expected here [bad-directive]
      | -- @budget up 2s up 3s
      |                  ^^
      help: write @budget up 2s down 5s hold 50ms, each part at most once
      """),
    Case(
      "a budget in an unknown unit",
      """
      -- @window app >=1.4 <2.0
      -- @budget up 2x
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:15: '2x' is not a duration [bad-directive]
      | -- @budget up 2x
      |               ^^
      help: write a number and one of ms, s, m, h, d, for example up 2s
      """),
    Case(
      "a budget without a duration",
      """
      -- @window app >=1.4 <2.0
      -- @budget up
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:12: 'up' is not a duration [bad-directive]
      | -- @budget up
      |            ^^
      help: write a number and one of ms, s, m, h, d, for example up 2s
      """),
    Case(
      "an empty budget",
      """
      -- @window app >=1.4 <2.0
      -- @budget
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @budget sets no limit [bad-directive]
      | -- @budget
      |    ^^^^^^^
      help: write @budget up 2s down 5s hold 50ms, each part at most once
      """),
    Case(
      "two budgets",
      """
      -- @window app >=1.4 <2.0
      -- @budget up 1s
      -- @budget down 1s
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:3:4: a second @budget [bad-directive]
      | -- @budget down 1s
      |    ^^^^^^^
      help: write all limits on one line
      """),
    Case(
      "an allow of a rule alone",
      """
      -- @window app >=1.4 <2.0
      -- @allow select-star
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @allow is incomplete [bad-directive]
      | -- @allow select-star
      |    ^^^^^^^^^^^^^^^^^^
      help: write @allow RULE until APP VERSION: WHY
      """),
    Case(
      "an allow with a wrong version",
      """
      -- @window app >=1.4 <2.0
      -- @allow select-star until app 2.x: y
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:33: '2.x' is not a version [version-invalid]
      | -- @allow select-star until app 2.x: y
      |                                 ^^^
      help: write numbers with dots between them, for example 1.4, 2.0.1 or 2.0-rc.1
      """),
    Case(
      "an allow without a reason",
      """
      -- @window app >=1.4 <2.0
      -- @allow select-star until app 2.0
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:4: @allow gives no reason [bad-directive]
      | -- @allow select-star until app 2.0
      |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: write @allow RULE until APP VERSION: WHY
      """),
    Case(
      "an allow without until",
      """
      -- @window app >=1.4 <2.0
      -- @allow select-star app 2.0: x
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/expand.sql:2:23: 'until' is expected here [bad-directive]
      | -- @allow select-star app 2.0: x
      |                       ^^^
      help: write @allow RULE until APP VERSION: WHY
      """),
  ]

  static let soaks = [
    Case(
      "a soak without a unit", kind: .contract,
      """
      -- @window app >=1.4 <2.0
      -- @soak 7
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/contract.sql:2:10: '7' is not a duration [bad-directive]
      | -- @soak 7
      |          ^
      help: write a number and one of ms, s, m, h, d, for example -- @soak 7d
      """),
    Case(
      "an empty soak", kind: .contract,
      """
      -- @window app >=1.4 <2.0
      -- @soak
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/contract.sql:2:4: @soak has no duration [bad-directive]
      | -- @soak
      |    ^^^^^
      help: write a number and one of ms, s, m, h, d, for example -- @soak 7d
      """),
    Case(
      "two soaks", kind: .contract,
      """
      -- @window app >=1.4 <2.0
      -- @soak 7d
      -- @soak 7d
      -- @up
      SELECT 1;
      -- @down
      SELECT 2;

      """,
      """
      m/contract.sql:3:4: a second @soak [bad-directive]
      | -- @soak 7d
      |    ^^^^^
      help: keep one of the two
      """),
  ]
}
