import PhaseSQLite

@testable import PhaseDB

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A database with a ledger that somebody changes as they like, given to every command that only reads.
struct HostileDatabase {
  private static let phases: [(migration: String, kind: Phase.Kind, text: String)] = [
    (
      "0001-shop", .expand,
      "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT, y, CHECK(x IS NULL OR x <> 'bad'));CREATE TABLE b(k TEXT PRIMARY KEY, a REFERENCES a(id), g AS (k || 'x'));CREATE INDEX b_a ON b(a);INSERT INTO a VALUES(1,'one',1),(2,'two',x'ff'),(3,NULL,1e9);INSERT INTO b(k,a) VALUES('p',1),('q',2);CREATE VIEW v AS SELECT a.x FROM a JOIN b ON b.a=a.id;\n-- @down\nDROP VIEW v;DROP TABLE b;DROP TABLE a;\n-- @verify nobody is bad\nSELECT id FROM a WHERE x = 'bad';\n"
    ),
    (
      "0002-grow", .expand,
      "ALTER TABLE a ADD COLUMN z TEXT;CREATE TRIGGER fill AFTER UPDATE OF x ON a BEGIN UPDATE a SET z=upper(NEW.x) WHERE id=NEW.id; END;\n-- @down\nDROP TRIGGER fill;ALTER TABLE a DROP COLUMN z;\n"
    ),
    ("0002-grow", .migrate, "UPDATE a SET z=upper(x);\n-- @down\nUPDATE a SET z=NULL;\n"),
    (
      "0003-shrink", .contract,
      "ALTER TABLE a DROP COLUMN y;\n-- @down\nALTER TABLE a ADD COLUMN y;\n"
    ),
  ]

  private static let path: String = {
    let name = "phasedb-hostile-\(getpid()).db"
    return unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm/\(name)" : "/tmp/\(name)"
  }()

  private static let options = Options(wait: .zero).by(.current) {
    Timestamp(text: "2026-01-31T12:00:00.000Z")
  }

  private static func phase(_ number: Int, down: String? = nil) throws(MigrationError) -> Phase {
    let kind = phases[number].kind
    var text = "-- @window app >=1.0\n-- @residual none\n-- @up\n" + phases[number].text
    if let down, let end = text.firstRange(of: "-- @down\n") { text = text[..<end.upperBound] + down + "\n" }
    return try PhaseFile.read(text, file: "x.sql", kind: kind)
  }

  private static func catalog() throws -> Catalog {
    var migrations: [String: [Phase]] = [:]
    for number in phases.indices {
      migrations[phases[number].migration, default: []].append(try phase(number))
    }
    return try Catalog(
      migrations.sorted { $0.key < $1.key }.map { try Migration(MigrationName($0.key), phases: $0.value) })
  }

  /// The database before anybody changes it.
  static let template: [UInt8] = {
    do {
      remove()
      let connection = try Connection(path: path, mode: .create)
      try connection.execute("PRAGMA page_size = 1024")
      try connection.execute("CREATE TABLE old(x)")
      let migrator = try Migrator(database: path, catalog: catalog(), options: options)
      migrator.options.overridden = [.evidence, .window]
      _ = try migrator.run(migrator.plan(.upAll))
      try migrator.createCheckpoint("here")
      try migrator.checkIn(try LiveVersion("app@1.0"), instance: "web")
      return contents()
    } catch {
      fatalError("\(error)")
    }
  }()

  private static func contents() -> [UInt8] {
    guard let file = unsafe fopen(path, "r") else { return [] }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
    return Array(bytes.prefix(count))
  }

  private static func write(_ bytes: [UInt8]) {
    guard let file = unsafe fopen(path, "w") else { return }
    defer { unsafe fclose(file) }
    _ = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
  }

  static func remove() {
    for suffix in ["", "-journal", "-wal", "-shm"] { _ = unsafe unlink(path + suffix) }
  }

  // MARK: What is changed

  private static let tables: [(name: String, columns: [String])] = [
    ("phasedb_meta", ["key", "value"]),
    ("phasedb_log", ["id", "at", "who", "host", "action", "subject", "detail", "hash", "schema_version"]),
    (
      "phasedb_phase",
      [
        "sequence", "phase", "token_hash", "windows", "declarations", "up_sql", "down_sql", "schema_before",
        "schema_after", "applied_at", "who", "host", "duration_ms", "phasedb", "sqlite",
      ]
    ),
    ("phasedb_schema", ["sequence", "change", "type", "name", "tbl_name", "sql"]),
    ("phasedb_checkpoint", ["name", "sequence", "at", "who", "host", "note"]),
    ("phasedb_app", ["app", "version", "instance", "seen_at"]),
    (
      "phasedb_archive",
      ["id", "phase", "direction", "entry", "tbl_name", "content", "rows", "digest", "state"]
    ),
    ("phasedb_archive_1", ["k1", "v1", "rest", "gone"]),
    ("a", ["id", "x", "z"]), ("b", ["k", "a"]),
  ]

  private static let values = [
    "NULL", "''", "'x'", "-1", "0", "1", "2", "9223372036854775807", "-9223372036854775808", "1e300", "9e999",
    "x'00ff'", "CAST(x'c328' AS TEXT)", "char(0)", "'0001-shop/expand'", "'0009-x/contract'", "'-- @up'",
    "'app >=2 <1'", "'kept'", "'left'", "'retired'", "'purged'", "'up'", "'down'", "'+'", "'-'", "'table'",
    "'trigger'", "'{}'", "'[]'", "'CREATE TABLE a(id)'", "'CREATE TABLE a(id, CHECK(1))'", "'1:1:1'",
    "replace(hex(zeroblob(300)), '0', '(')", "replace(hex(zeroblob(60)), '0', '[')", "'2026-13-45T99:99:99Z'",
    "'CREATE VIEW a AS SELECT * FROM a'", "'\"'", "'e' || char(769)", "char(233)",
  ]

  /// The SQL of a way down that the ledger is made to say.
  private static let downs = [
    "SELECT fts3_tokenizer('simple');", "SELECT fts3_tokenizer('e',x'4141414141414141');",
    "CREATE VIRTUAL TABLE f USING fts3(a,tokenize=e);", "CREATE VIRTUAL TABLE f USING fts5(a);DROP TABLE f;",
    "CREATE VIRTUAL TABLE r USING rtree(i,a,b);INSERT INTO r VALUES(1,2,3);DROP TABLE r;",
    "SELECT load_extension('x');", "SELECT hex(zeroblob(900000000));", "SELECT printf('%.*c',20000000,'x');",
    "CREATE TRIGGER temp.x AFTER INSERT ON a BEGIN DELETE FROM b; END;", "DROP TABLE phasedb_log;",
    "UPDATE phasedb_log SET who='x';", "ATTACH ':memory:' AS m;", "PRAGMA writable_schema=ON;", "COMMIT;",
    "ALTER TABLE a RENAME TO c;ALTER TABLE c RENAME TO a;", "DROP TABLE a;", "DROP TABLE b;DROP TABLE a;",
    "CREATE VIEW w AS SELECT * FROM w;SELECT * FROM w;", "SELECT 1;",
    "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'é';",
    "ALTER TABLE a ADD COLUMN y AS (x);", "UPDATE a SET x=json_extract(x,'$.a');",
    "INSERT INTO a SELECT * FROM a WHERE 0;", "SELECT * FROM pragma_table_info('a'), json_each('[1,[2]]');",
    "CREATE TABLE a2 AS SELECT * FROM a;DROP TABLE a;ALTER TABLE a2 RENAME TO a;", "REINDEX;", "ANALYZE;",
    "DELETE FROM a;", "SELECT * FROM fts5vocab;", "SELECT rtreecheck('main','a'), bm25(a) FROM a;",
  ]

  /// Statements that an application, or somebody with a shell, may run.
  private static let statements = [
    "CREATE TRIGGER phasedb_evil AFTER INSERT ON phasedb_log BEGIN DELETE FROM a; END",
    "CREATE VIEW phasedb_v AS SELECT * FROM phasedb_v", "CREATE TABLE phasedb_archive_7(k1)",
    "DROP TABLE phasedb_app", "DROP TABLE phasedb_archive_1", "DROP TABLE a", "DROP TABLE b",
    "ALTER TABLE phasedb_log ADD COLUMN more", "ALTER TABLE phasedb_phase RENAME COLUMN down_sql TO gone",
    "ALTER TABLE phasedb_meta RENAME TO other",
    "CREATE VIEW phasedb_meta AS SELECT 'format' AS key, 2 AS value",
    "ALTER TABLE a ADD COLUMN h AS (hex(zeroblob(100)))", "ALTER TABLE a RENAME TO c",
    "DELETE FROM phasedb_phase",
    "CREATE VIRTUAL TABLE f USING fts5(x, content='a')",
    "INSERT INTO phasedb_lease VALUES(1,'w','h',1,'','','','','up')",
    "CREATE TABLE \"e\u{301}\"(x)", "CREATE TABLE \"é\"(x)", "PRAGMA user_version=7",
    "PRAGMA journal_mode=WAL",
    "CREATE INDEX i ON a(x) WHERE y IS NULL", "CREATE UNIQUE INDEX phasedb_u ON phasedb_log(who, id)",
    "UPDATE phasedb_meta SET value = 'x' WHERE key = 'format'",
    "UPDATE phasedb_meta SET value = 1 WHERE key = 'format'",
    "INSERT INTO phasedb_batch(id,phase,token_hash,declarations,up_sql,down_sql,format,key,direction,cursor_side,origin_side,rows,size,rate,hold,hold_p50,hold_p99,pause,reason,detail,resuming,since,beat,runner) SELECT 1,phase,token_hash,declarations,up_sql,down_sql,2,'id','up','bottom','bottom',0,1,1,1,1,1,1,'','','','','','' FROM phasedb_phase LIMIT 1",
  ]

  /// Bytes that are read as choices, and as text.
  private struct Choices {
    var bytes: ArraySlice<UInt8>
    var isEmpty: Bool { bytes.isEmpty }

    mutating func next() -> Int { Int(bytes.popFirst() ?? 0) }

    mutating func next<Element>(of elements: [Element]) -> Element { elements[next() % elements.count] }

    mutating func text() -> [UInt8] {
      let count = next()
      defer { bytes = bytes.dropFirst(count) }
      return Array(bytes.prefix(count))
    }
  }

  /// Makes the changes that bytes stand for.
  private static func change(by bytes: ArraySlice<UInt8>) {
    var choices = Choices(bytes: bytes)
    if choices.next() % 16 == 0 {
      var file = template
      for _ in 0...choices.next() % 16 {
        let place = choices.next() << 16 | choices.next() << 8 | choices.next()
        file[place % file.count] = UInt8(choices.next())
      }
      return write(file)
    }
    write(template)
    guard let connection = try? Connection(path: path, mode: .readWrite) else { return }
    try? connection.execute("PRAGMA journal_mode = OFF")
    try? connection.execute("PRAGMA synchronous = OFF")
    connection.turn(.defensive, on: false)
    connection.setProgressHandler(every: 1_000) { false }
    connection.removeProgressHandler()
    for _ in 0..<8 where !choices.isEmpty {
      let (table, columns) = choices.next(of: tables)
      let (column, row) = (columns[choices.next() % columns.count], choices.next() % 6)
      let place = "rowid = (SELECT rowid FROM \(table) LIMIT 1 OFFSET \(row))"
      switch choices.next() % 8 {
      case 0, 1:
        try? connection.execute(
          "UPDATE OR IGNORE \(table) SET \(column) = \(choices.next(of: values)) WHERE \(place)")
      case 2:
        let text = String(decoding: choices.text(), as: UTF8.self)
        try? connection.execute("UPDATE OR IGNORE \(table) SET \(column) = ?1 WHERE \(place)", .text(text))
      case 3: try? connection.execute("DELETE FROM \(table) WHERE \(place)")
      case 4: try? connection.execute(choices.next(of: statements))
      case 5:
        // A text of the schema with bytes in it that nobody parsed.
        let (start, length) = (choices.next(), choices.next() % 16)
        let text = String(decoding: choices.text(), as: UTF8.self)
        connection.turn(.writableSchema, on: true)
        try? connection.execute(
          "UPDATE sqlite_schema SET sql = substr(sql, 1, ?1) || ?2 || substr(sql, ?1 + ?3) WHERE rowid = (SELECT rowid FROM sqlite_schema WHERE sql IS NOT NULL LIMIT 1 OFFSET ?4)",
          .integer(Int64(start)), .text(text), .integer(Int64(length)),
          .integer(Int64(row * 5 + choices.next() % 5)))
      default:
        let number = choices.next() % phases.count
        let own = choices.next() % 4 == 0
        let down =
          own
          ? String(decoding: choices.text(), as: UTF8.self)
          : choices.next(of: downs) + (choices.next() % 2 == 0 ? "" : choices.next(of: downs))
        guard let phase = try? phase(number, down: down) else { continue }
        try? connection.execute(
          "UPDATE phasedb_phase SET declarations = ?1, up_sql = ?2, down_sql = ?3, token_hash = ?4 WHERE sequence = (SELECT sequence FROM phasedb_phase LIMIT 1 OFFSET ?5)",
          .text(phase.declarations), .text(phase.up.text), .text(phase.down.text), .text(phase.tokenHash),
          .integer(Int64(number)))
      }
    }
  }

  // MARK: What reads it

  private static let readers: [(name: String, read: @Sendable (Migrator) throws -> Void)] = [
    ("status", { _ = try $0.status() }), ("verify", { _ = try $0.verify() }),
    ("log", { _ = try $0.log() }), ("log --check", { _ = try $0.brokenLogEntries() }),
    ("checkpoint list", { _ = try $0.checkpoints() }), ("plan", { _ = try $0.plan(.upAll) }),
    ("plan down", { _ = try $0.plan(.down(1)) }), ("plan down --all", { _ = try $0.plan(.downAll) }),
    ("purge", { _ = try $0.purgeable("0003") }), ("reversals", { _ = try $0.reversals() }),
    ("lint", { _ = try $0.ledgerFindings() }),
  ]

  private static let folder: Catalog = {
    guard let catalog = try? catalog() else { fatalError("the phases do not load") }
    return catalog
  }()

  /// Changes the database as bytes say and lets every command read it.
  ///
  /// - Returns: what is wrong, nil when each answers, or refuses with a remedy.
  static func trouble(_ bytes: ArraySlice<UInt8>) -> String? {
    change(by: bytes)
    for catalog in [folder, try? Catalog([])].compactMap(\.self) {
      do throws(MigrationError) {
        let migrator = try Migrator(database: path, catalog: catalog, access: .reading, options: options)
        for (name, read) in readers {
          do {
            try read(migrator)
          } catch let error as MigrationError {
            if error.help.isEmpty || error.message.isEmpty { return "\(name): no remedy: \(error)" }
            if error.id == .sqliteFailed, error.message.contains("misuse") { return "\(name): \(error)" }
          } catch {
            return "\(name): no error of phasedb's: \(error)"
          }
        }
      } catch {
        if error.help.isEmpty || error.message.isEmpty { return "opening: no remedy: \(error)" }
      }
    }
    return nil
  }
}
