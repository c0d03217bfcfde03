import Foundation
import Testing

/// `@retire` and the order of columns, as an operator and the `sqlite3` shell see them.
@Suite("Taken out of use and brought back")
struct RetireTests {
  static let people = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', "née" TEXT, age);
    INSERT INTO people VALUES (1, 'Ann', 'Bee', 31), (2, 'Bob', NULL, 2.5);
    CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, of REFERENCES people ON DELETE CASCADE, text);
    CREATE INDEX notes_by_text ON notes (text);
    INSERT INTO notes VALUES (3, 1, 'hello'), (8, 2, 'gone');
    DELETE FROM notes WHERE id = 8;
    """

  private func site(_ files: [String: String]) throws -> Site {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.phase(
      "0001-people/expand", up: Self.people, down: "DROP TABLE notes;\nDROP TABLE people;")
    for (name, text) in files { try site.write(text, to: "migrations/\(name).sql") }
    try #require(site.phasedb("up 1 -d shop.db").code == 0)
    return site
  }

  @Test("a contract of three lines takes a column and a table away, and down gives them back")
  func retire() throws {
    let site = try site([
      "0002-less/contract": """
      -- @window storefront >=1.0
      -- @retire people."née"
      -- @retire notes

      """
    ])
    let before = try DatabaseContents(of: site)
    let lint = try site.phasedb("lint")
    #expect(lint.code == 0 && lint.output.contains("undeclared-residual"), "\(lint.summary)")
    let up = try site.phasedb("up --rehearse -d shop.db --live storefront@1.5")
    #expect(up.code == 0, "\(up.summary)")
    #expect(up.output.contains("applied  0002-less/contract"))
    #expect(
      try site.sqlite("SELECT name FROM pragma_table_info('people')")
        == "'id'\n'name'\n'phasedb_retired_2_née'\n'age'\n")
    #expect(try site.sqlite("SELECT text FROM phasedb_retired_2_notes") == "'hello'\n")
    try site.sqlite("INSERT INTO people (name, age) VALUES ('Cyd', 7)")
    for line in [
      "verify -d shop.db", "status --check -d shop.db", "log --check -d shop.db", "plan -d shop.db",
    ] {
      #expect(try site.phasedb(line).code == 0, "\(line)")
    }
    let down = try site.phasedb("down -d shop.db --live storefront@1.5")
    #expect(down.code == 0 && down.errors.isEmpty, "\(down.summary)")
    #expect(
      try site.sqlite("SELECT * FROM people")
        == "1,'Ann','Bee',31\n2,'Bob',NULL,2.5\n3,'Cyd',NULL,7\n")
    try site.sqlite("DELETE FROM people WHERE id = 3")
    #expect(try DatabaseContents(of: site).rows == before.rows)
    // The next number is that of somebody who never left.
    try site.sqlite("INSERT INTO notes (text) VALUES ('next')")
    #expect(try site.sqlite("SELECT id FROM notes WHERE text = 'next'") == "9\n")
  }

  @Test("a retirement that an insert would run into is refused, with its place and what to write instead")
  func refused() throws {
    let site = try site([
      "0002-less/contract": """
      -- Forget names.
      --
      -- @window storefront >=1.0
      -- @residual none
      -- @retire people.id

      """
    ])
    let before = try DatabaseContents(of: site)
    let up = try site.phasedb("up -d shop.db --live storefront@1.5")
    #expect(up.code == 3)
    #expect(
      up.errors == """
        error: 0002-less/contract cannot retire people.id: it is part of the primary key [retirement-refused]
          --> migrations/0002-less/contract.sql:5:4
           |
         5 | -- @retire people.id
           |    ^^^^^^^^^^^^^^^^^
          state: 0002/contract was rolled back; the database is at checkpoint 2 (0001/expand)
          help:  remove the line, and rebuild the table in @up with another key
                 then run: phasedb up -d shop.db

        """)
    #expect(try DatabaseContents(of: site).rows == before.rows)
    let lint = try site.phasedb("lint")
    #expect(lint.code == 1)
    #expect(
      lint.output.contains("retirement-refused") && lint.output.contains("contract.sql:5:4"),
      "\(lint.summary)")
  }

  @Test("a column that is dropped from the middle and added again is where it was")
  func columnOrder() throws {
    let site = try site([
      "0002-less/contract": """
      -- @window storefront >=1.0
      -- @residual none
      -- @loses people.née: it was never asked for
      -- @up
      ALTER TABLE people DROP COLUMN "née";
      -- @down
      ALTER TABLE people ADD COLUMN "née" TEXT;

      """
    ])
    try site.sqlite("UPDATE people SET \"née\" = NULL")
    let before = try DatabaseContents(of: site)
    let lint = try site.phasedb("lint")
    #expect(lint.code == 0, "\(lint.summary)")
    #expect(try site.phasedb("up -d shop.db --live storefront@1.5").code == 0)
    #expect(try site.phasedb("down -d shop.db --live storefront@1.5").code == 0)
    let after = try DatabaseContents(of: site)
    #expect(after.rows == before.rows)
    #expect(after.schema == before.schema)
    try site.sqlite("INSERT INTO people VALUES (3, 'Cyd', 'Dee', 4)")
    #expect(try site.sqlite("SELECT \"née\", age FROM people WHERE id = 3") == "'Dee',4\n")
  }
}
