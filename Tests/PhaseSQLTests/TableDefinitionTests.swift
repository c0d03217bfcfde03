import PhaseSQLite
import TestDice
import Testing

@testable import PhaseSQL

struct TableDefinitionTests {
  struct ColumnCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let column: String
    let tells: @Sendable (ColumnDefinition) -> Bool

    init(_ sentence: String, _ column: String, _ tells: @escaping @Sendable (ColumnDefinition) -> Bool) {
      (testDescription, self.column, self.tells) = (sentence, column, tells)
    }
  }

  static let columns = [
    ColumnCase("a bare name has no type", "c") { $0.type.declared == nil && $0.type.affinity == .blob },
    ColumnCase("a keyword in double quotes is a name", "\"order\" TEXT") { $0.name == "order" },
    ColumnCase("a keyword in brackets is a name", "[primary] TEXT") {
      $0.name == "primary" && !$0.isPrimaryKey
    },
    ColumnCase("a name in backticks", "`a``b`") { $0.name == "a`b" },
    ColumnCase("a name in single quotes", "'it''s' INT") { $0.name == "it's" },
    ColumnCase("the case of a name does not count", "GIVEN_Name") { $0.name == "given_name" },
    ColumnCase("a type of several words", "c UNSIGNED BIG INT NOT NULL") {
      $0.type.text == "UNSIGNED BIG INT" && $0.type.affinity == .integer && $0.isNotNull
    },
    ColumnCase("a type with two numbers", "c DECIMAL(10,2) DEFAULT 0") {
      $0.type.text == "DECIMAL(10,2)" && $0.type.affinity == .numeric
    },
    ColumnCase("a type that holds INT in the middle", "c FLOATING POINT") { $0.type.affinity == .integer },
    ColumnCase("CHARINT is an integer, as INT is looked for first", "c CHARINT") {
      $0.type.affinity == .integer
    },
    ColumnCase("a type in quotes", "c \"my not null\"") { $0.type.affinity == .numeric && !$0.isNotNull },
    ColumnCase("DOUBLE PRECISION is real", "c DOUBLE PRECISION") { $0.type.affinity == .real },
    ColumnCase("ANY is numeric in an ordinary table", "c ANY") { $0.type.affinity == .numeric },
    ColumnCase("GENERATED ALWAYS is not part of the type", "c INT GENERATED ALWAYS AS (1 + (2)) STORED") {
      $0.type.text == "INT" && $0.generation == Generation(expression: SQLFragment("1+(2)"), isStored: true)
    },
    ColumnCase("AS alone makes a virtual column", "c AS (x)") { $0.generation?.isStored == false },
    ColumnCase("a default in parentheses is kept without them", "c DEFAULT (1 + 2)") {
      $0.defaultValue == SQLFragment("1+2")
    },
    ColumnCase("a signed default", "c DEFAULT - 1 NOT NULL") {
      $0.defaultValue?.text == "- 1" && $0.isNotNull
    },
    ColumnCase("a default that is a string with a comma", "c DEFAULT 'a, b)' UNIQUE") {
      $0.defaultValue?.text == "'a, b)'" && $0.isUnique
    },
    ColumnCase("DEFAULT CURRENT_TIMESTAMP", "c TEXT DEFAULT CURRENT_TIMESTAMP") {
      $0.defaultValue == SQLFragment("current_timestamp")
    },
    ColumnCase("COLLATE after other constraints", "c TEXT NOT NULL CHECK (c > 'a') COLLATE NOCASE") {
      $0.collation == "nocase"
    },
    ColumnCase("COLLATE BINARY is what every column has", "c COLLATE binary") { $0.collation == nil },
    ColumnCase("a check with commas and parentheses", "c CHECK (c IN (1, (2), ')'))") {
      $0.checks == [SQLFragment("c IN (1,(2),')')")]
    },
    ColumnCase("names of constraints", "c CONSTRAINT one NOT NULL CONSTRAINT \"two\" CHECK (c)") {
      $0.isNotNull && $0.constraints.map(\.name) == ["two"]
    },
    ColumnCase("NOT NULL has its own ON CONFLICT", "c NOT NULL ON CONFLICT REPLACE") {
      $0.notNullConflict == .replace
    },
    ColumnCase("NULL says nothing", "c NULL ON CONFLICT FAIL DEFAULT 1") {
      !$0.isNotNull && $0.defaultValue != nil
    },
    ColumnCase("comments inside", "c /* NOT NULL */ TEXT -- DEFAULT 1\n UNIQUE") {
      $0.type.text == "TEXT" && !$0.isNotNull && $0.defaultValue == nil && $0.isUnique
    },
    ColumnCase(
      "all of a foreign key",
      "c REFERENCES p (x) ON DELETE SET DEFAULT ON UPDATE NO ACTION MATCH FULL DEFERRABLE INITIALLY DEFERRED"
    ) {
      $0.references == [
        ForeignKey(
          columns: ["c"], parent: "P", parentColumns: ["X"], onDelete: .setDefault, match: "full",
          isDeferred: true)
      ]
    },
    ColumnCase(
      "DEFERRABLE may stand behind another constraint",
      "c REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED"
    ) {
      $0.references.first?.isDeferred == true && $0.isNotNull
    },
    ColumnCase(
      "NOT DEFERRABLE INITIALLY DEFERRED does not defer", "c REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED"
    ) {
      $0.references.first?.isDeferred == false && !$0.isNotNull
    },
    ColumnCase("INTEGER PRIMARY KEY is the rowid", "c INTEGER PRIMARY KEY") {
      $0.isRowIDAlias && !$0.isNotNull
    },
    ColumnCase("INT PRIMARY KEY is not", "c INT PRIMARY KEY") { !$0.isRowIDAlias && $0.keyPosition == 1 },
    ColumnCase("INTEGER PRIMARY KEY DESC is not", "c INTEGER PRIMARY KEY DESC") { !$0.isRowIDAlias },
  ]

  @Test("a column says that", arguments: columns)
  func column(_ row: ColumnCase) throws {
    let table = try #require(TableDefinition("CREATE TABLE t (first, \(row.column), last)"))
    #expect(table.columns.count == 3)
    #expect(row.tells(table.columns[1]), "\(table.columns[1])")
  }

  @Test("constraints of the table, with and without names and commas")
  func constraints() throws {
    let table = try #require(
      TableDefinition(
        """
        CREATE TABLE main."t" (a, b INTEGER, c,
          CONSTRAINT k PRIMARY KEY (b AUTOINCREMENT) ON CONFLICT FAIL,
          UNIQUE (a, c COLLATE NOCASE) ON CONFLICT IGNORE CHECK (a <> ',')
          CONSTRAINT "far" FOREIGN KEY (a, c) REFERENCES p ON DELETE CASCADE)
        """))
    #expect(table.name == "T")
    #expect(table.constraints.map(\.name) == ["k", nil, nil, "far"])
    #expect(
      table.primaryKey == PrimaryKey(columns: [IndexedColumn("b")], conflict: .fail, hasAutoincrement: true))
    #expect(table.hasAutoincrement)
    #expect(table.column("B")?.isRowIDAlias == true)
    #expect(table.uniques.map(\.columns) == [[IndexedColumn("a"), IndexedColumn("c", collation: "nocase")]])
    #expect(table.uniques.map(\.conflict) == [.ignore])
    #expect(
      table.foreignKeys == [
        ForeignKey(columns: ["a", "c"], parent: "p", parentColumns: [], onDelete: .cascade)
      ])
  }

  @Test("the options after the columns, and what follows from them")
  func options() throws {
    let sql = "CREATE TABLE t (a INT, b ANY, PRIMARY KEY (b, a)) without RowID, STRICT"
    let table = try #require(TableDefinition(sql))
    #expect(table.isStrict && table.isWithoutRowID)
    #expect(table.columns.map(\.keyPosition) == [2, 1])
    #expect(table.columns.map(\.isNotNull) == [true, true])
    #expect(table.columns[1].type.affinity == .blob)
  }

  @Test("a virtual table is a module and its arguments")
  func virtual() throws {
    let table = try #require(TableDefinition("CREATE VIRTUAL TABLE v USING FTS5 (a, tokenize = 'porter, x')"))
    #expect(
      table.virtual
        == VirtualTable(module: "fts5", arguments: [SQLFragment("a"), SQLFragment("tokenize='porter, x'")]))
    #expect(table.virtual?.shadows(of: "v").contains("V_Docsize") == true)
    #expect(table.columns.isEmpty)
  }

  @Test(
    "is no table",
    arguments: [
      "", "CREATE", "CREATE VIEW v AS SELECT 1", "CREATE TABLE t AS SELECT 1", "CREATE TABLE t (a",
      "DROP TABLE t",
    ])
  func noTable(_ sql: String) {
    #expect(TableDefinition(sql) == nil)
  }

  @Test("any table is read as SQLite reads it", arguments: UInt64(1)...300)
  func agreesWithSQLite(seed: UInt64) throws {
    var random = RandomTable(seed: seed)
    let sql = random.sql()
    let connection = try Connection(path: "", mode: .memory)
    do {
      try connection.execute(script: sql)
    } catch {
      Issue.record("seed \(seed): \(error): \(sql)")
      return
    }
    let stored = try #require(
      try connection.value("SELECT sql FROM sqlite_schema WHERE name = 't' COLLATE NOCASE")?.text)
    let table = try #require(TableDefinition(stored), "seed \(seed): \(sql)")
    #expect(table == TableDefinition(sql), "seed \(seed): \(sql)")
    try expectColumns(of: table, on: connection, "seed \(seed): \(sql)")
    try expectForeignKeys(of: table, on: connection, "seed \(seed): \(sql)")
    try expectUniques(of: table, on: connection, "seed \(seed): \(sql)")
  }

  private func expectColumns(of table: TableDefinition, on connection: Connection, _ comment: Comment) throws
  {
    let rows = try connection.rows(
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')")
    #expect(table.columns.map(\.name.spelled) == rows.map { $0[0].text ?? "" }, comment)
    for (column, row) in zip(table.columns, rows) {
      let type = row[1].text ?? ""
      // SQLite takes the quotes from a type, and tells its own six in its own spelling.
      #expect(
        (column.type.declared ?? SQLFragment("")) == SQLFragment(type.contains("my") ? "\"\(type)\"" : type),
        comment)
      #expect(column.isNotNull == (row[2].integer != 0), comment)
      #expect(column.defaultValue == row[3].text.map { SQLFragment($0) }, comment)
      #expect(Int64(column.keyPosition ?? 0) == row[4].integer, comment)
      let hidden: Int64 = column.generation.map { $0.isStored ? 3 : 2 } ?? 0
      #expect(hidden == row[5].integer, comment)
    }
    let isAlias = try connection.value(
      "SELECT count(*) FROM pragma_table_xinfo('t') WHERE pk > 0 AND NOT EXISTS (SELECT 1 FROM pragma_index_list('t') WHERE origin = 'pk')"
    )
    #expect(table.columns.filter(\.isRowIDAlias).count == Int(isAlias?.integer ?? -1), comment)
  }

  private func expectForeignKeys(of table: TableDefinition, on connection: Connection, _ comment: Comment)
    throws
  {
    // The last one comes first.
    let rows = try connection.rows(
      "SELECT \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list('t') ORDER BY id DESC, seq"
    )
    let keys = table.foreignKeys.flatMap { key in
      key.columns.enumerated().map { place, column in
        [
          key.parent.spelled, column.spelled,
          key.parentColumns.isEmpty ? "-" : key.parentColumns[place].spelled, key.onUpdate.rawValue,
          key.onDelete.rawValue,
        ]
      }
    }
    #expect(keys == rows.map { $0.map { $0.text ?? "-" } }, comment)
  }

  private func expectUniques(of table: TableDefinition, on connection: Connection, _ comment: Comment) throws
  {
    let rows = try connection.rows(
      """
      SELECT l.origin, group_concat(i.name, ' | ') FROM pragma_index_list('t') AS l, pragma_index_info(l.name) AS i
      GROUP BY l.name
      """)
    let declared = Set(
      table.uniques.map { $0.columns.compactMap(\.column?.spelled).joined(separator: " | ") })
    let made = Set(rows.filter { $0[0] == "u" }.compactMap { $0[1].text })
    // SQLite makes one index for a UNIQUE that says what the primary key says.
    #expect(made.isSubset(of: declared), comment)
    #expect(declared.isSubset(of: Set(rows.compactMap { $0[1].text })), comment)
  }
}
