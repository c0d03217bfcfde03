/// A table as somebody may have made it, with the column that recipes are about.
///
/// Names are SQL, quoted where they need it. Every table has two rows, found by `key` 1 and 2.
struct RecipeShape: Sendable {
  let title: String
  let schema: String
  let table: String
  let column: String
  /// The column or columns of the key, and the values for the row of a number.
  let key: String
  let keyOf: @Sendable (Int) -> String
  /// Whether the column takes NULL.
  let isNullable: Bool
  /// The rows, in SQL, once the schema is there.
  let rows: String

  init(
    _ title: String, _ schema: String, table: String = "notes", column: String = "body",
    nullable: Bool = true,
    key: String = "id", keyOf: @escaping @Sendable (Int) -> String = { "\($0)" }, rows: String? = nil
  ) {
    self.title = title
    self.schema = schema
    self.table = table
    self.column = column
    isNullable = nullable
    self.key = key
    self.keyOf = keyOf
    self.rows =
      rows
      ?? (1...2).map { "INSERT INTO \(table) (\(key), \(column)) VALUES (\(keyOf($0)), 'text \($0)');" }
      .joined(separator: "\n")
  }

  func row(_ number: Int) -> String { "(\(key)) = (\(keyOf(number)))" }

  static let all = [
    RecipeShape("nullable", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, other INT);"),
    RecipeShape(
      "NOT NULL without a default",
      "CREATE TABLE notes (\n  id INTEGER PRIMARY KEY,\n  body TEXT NOT NULL, -- what it says\n  other INT\n);",
      nullable: false),
    RecipeShape(
      "NOT NULL with a default",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL DEFAULT 'none', other INT);",
      nullable: false),
    RecipeShape(
      "nullable with a default",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT DEFAULT 'none', other INT);"),
    RecipeShape(
      "a composite key", "CREATE TABLE notes (a TEXT, b INT, body TEXT, other INT, PRIMARY KEY (a, b));",
      key: "a, b", keyOf: { "'k', \($0)" }),
    RecipeShape(
      "a composite key, required",
      "CREATE TABLE notes (a TEXT, body TEXT NOT NULL, b INT, other INT, PRIMARY KEY (a, b));",
      nullable: false,
      key: "a, b", keyOf: { "'k', \($0)" }),
    RecipeShape(
      "WITHOUT ROWID",
      "CREATE TABLE notes (a TEXT, b INT, body TEXT, other INT, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;",
      key: "a, b", keyOf: { "'k', \($0)" }),
    RecipeShape(
      "WITHOUT ROWID, required",
      "CREATE TABLE notes (a TEXT PRIMARY KEY, body TEXT NOT NULL, other INT) WITHOUT ROWID;",
      nullable: false,
      key: "a", keyOf: { "'k\($0)'" }),
    RecipeShape("STRICT", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, other INT) STRICT;"),
    RecipeShape(
      "STRICT, required",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, other INT) STRICT;",
      nullable: false),
    RecipeShape(
      "a generated column beside it",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, other INT, twice AS (other * 2), half INT AS (other / 2) STORED);"
    ),
    RecipeShape(
      "a generated column beside it, required",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, other INT, half INT AS (other / 2) STORED);",
      nullable: false),
    RecipeShape(
      "a full-text table on another column",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, other INT, title TEXT NOT NULL DEFAULT 'a title');
      CREATE VIRTUAL TABLE found USING fts5(title, content='notes', content_rowid='id');
      CREATE TRIGGER notes_found AFTER INSERT ON notes BEGIN
        INSERT INTO found (rowid, title) VALUES (NEW.id, NEW.title);
      END;
      CREATE TRIGGER notes_lost AFTER DELETE ON notes BEGIN
        INSERT INTO found (found, rowid, title) VALUES ('delete', OLD.id, OLD.title);
      END;
      CREATE TRIGGER notes_moved AFTER UPDATE ON notes BEGIN
        INSERT INTO found (found, rowid, title) VALUES ('delete', OLD.id, OLD.title);
        INSERT INTO found (rowid, title) VALUES (NEW.id, NEW.title);
      END;
      """),
    RecipeShape(
      "a full-text table on another column, required",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, other INT, title TEXT NOT NULL DEFAULT 'a title');
      CREATE VIRTUAL TABLE found USING fts5(title, content='notes', content_rowid='id');
      CREATE TRIGGER notes_found AFTER INSERT ON notes BEGIN
        INSERT INTO found (rowid, title) VALUES (NEW.id, NEW.title);
      END;
      CREATE TRIGGER notes_lost AFTER DELETE ON notes BEGIN
        INSERT INTO found (found, rowid, title) VALUES ('delete', OLD.id, OLD.title);
      END;
      CREATE TRIGGER notes_moved AFTER UPDATE ON notes BEGIN
        INSERT INTO found (found, rowid, title) VALUES ('delete', OLD.id, OLD.title);
        INSERT INTO found (rowid, title) VALUES (NEW.id, NEW.title);
      END;
      """, nullable: false),
    RecipeShape(
      "triggers that are there",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, other INT);
      CREATE TABLE counts (what TEXT PRIMARY KEY, n INT);
      INSERT INTO counts VALUES ('notes', 0);
      CREATE TRIGGER notes_more AFTER INSERT ON notes BEGIN UPDATE counts SET n = n + 1; END;
      CREATE TRIGGER notes_less AFTER DELETE ON notes BEGIN UPDATE counts SET n = n - 1; END;
      CREATE TRIGGER notes_short BEFORE UPDATE OF body ON notes WHEN length(NEW.body) > 99
      BEGIN SELECT RAISE(ABORT, 'too long'); END;
      """),
    RecipeShape(
      "triggers that are there, required",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, other INT);
      CREATE TABLE counts (what TEXT PRIMARY KEY, n INT);
      INSERT INTO counts VALUES ('notes', 0);
      CREATE TRIGGER notes_more AFTER INSERT ON notes BEGIN UPDATE counts SET n = n + 1; END;
      CREATE TRIGGER counts_least AFTER UPDATE ON counts WHEN NEW.n < 0
      BEGIN UPDATE counts SET n = (SELECT count(*) FROM notes); END;
      """, nullable: false),
    RecipeShape(
      "quoted names",
      "CREATE TABLE \"order \"\"lines\"\"\" (id INTEGER PRIMARY KEY, \"größe ✓\" TEXT, [select] INT, \"group\" INT);",
      table: "\"order \"\"lines\"\"\"", column: "\"größe ✓\""),
    RecipeShape(
      "quoted names, required",
      "CREATE TABLE \"select\" (\"from\" INTEGER PRIMARY KEY, \"order\" TEXT NOT NULL, 'a''b' INT);",
      table: "\"select\"", column: "\"order\"", nullable: false, key: "\"from\""),
    RecipeShape(
      "another collation",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT COLLATE NOCASE, other INT);"),
    RecipeShape(
      "another collation, required",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL COLLATE NOCASE, other INT);",
      nullable: false),
    RecipeShape(
      "indexes, and a view and a trigger elsewhere",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT, other INT);
      CREATE INDEX by_body ON notes (body DESC) WHERE body > '';
      CREATE TABLE jobs (id INTEGER PRIMARY KEY, note INT);
      CREATE VIEW shown AS SELECT id, other AS more FROM notes;
      CREATE TRIGGER jobs_done AFTER DELETE ON jobs BEGIN UPDATE notes SET other = 0 WHERE id = OLD.note; END;
      """),
    RecipeShape(
      "indexes, and a view and a trigger elsewhere, required",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, other INT);
      CREATE INDEX by_body ON notes (lower(body));
      CREATE TABLE jobs (id INTEGER PRIMARY KEY, note INT);
      CREATE VIEW shown AS SELECT id, other AS more FROM notes;
      CREATE VIEW again AS SELECT more FROM shown;
      CREATE TRIGGER again_new INSTEAD OF INSERT ON again BEGIN INSERT INTO jobs (note) VALUES (NEW.more); END;
      CREATE TRIGGER jobs_done AFTER DELETE ON jobs BEGIN UPDATE notes SET other = 0 WHERE id = OLD.note; END;
      """, nullable: false),
    RecipeShape(
      "children that go with their parent",
      """
      CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, other INT);
      CREATE TABLE tags (note INT NOT NULL REFERENCES notes ON DELETE CASCADE, tag TEXT);
      """, nullable: false,
      rows: """
        INSERT INTO notes (id, body) VALUES (1, 'text 1'), (2, 'text 2');
        INSERT INTO tags VALUES (1, 'red'), (2, 'blue');
        """),
    RecipeShape(
      "no primary key", "CREATE TABLE notes (name TEXT, body TEXT NOT NULL, other INT);", nullable: false,
      key: "name", keyOf: { "'n\($0)'" }),
  ]
}
