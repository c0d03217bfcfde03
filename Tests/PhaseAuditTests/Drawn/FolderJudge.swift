import PhaseAudit
import TestDice

/// What is true of the ways down of a folder, by running them on rows of its own. It knows SQLite, and nothing of the audit.
struct FolderJudge {
  /// What came of one migration, over all databases on which its way up ran.
  struct Truth {
    /// The words of an audit that would be true; those of what does not come back, where there are any.
    var words: Set<String> = []
    /// Whether too few rows were there to see a difference: two texts differ and no row tells what they mean, or a table takes
    /// only rows that are alike.
    var isBlind = false
    /// Whether a table counts from a lower number than before with AUTOINCREMENT.
    var isCountingAnew = false
    var why: [String] = []
  }

  private let folder: DrawnFolder
  private let dice: Dice
  /// Databases with more and more rows; the first one has none but those of the migrations.
  private var databases: [PlainDatabase] = []

  init(_ folder: DrawnFolder, seed: UInt64) throws {
    self.folder = folder
    dice = Dice(seed: seed)
    for _ in 0..<5 { databases.append(try PlainDatabase()) }
  }

  func truths() throws -> [Truth] {
    var dice = dice
    return try folder.migrations.map { try truth(of: $0, &dice) }
  }

  private func truth(of migration: DrawnMigration, _ dice: inout Dice) throws -> Truth {
    var truth = Truth()
    var (bad, good): (Set<String>, Set<String>) = ([], [])
    var blind: Set<String>?
    var alive: [PlainDatabase] = []
    let start = try PlainDatabase()
    try start.become(databases[0])
    // Until the one with most rows was tried.
    var isPoor = true
    for (index, database) in databases.enumerated() {
      let before = try PlainDatabase()
      try before.become(database)
      try fill(before, index, migration, &dice)
      let work = try PlainDatabase()
      try work.become(before)
      do {
        try work.run(migration.up, enforcing: folder.enforcesKeys)
      } catch let failure as PlainDatabase.Failure {
        // What no rows can take is no migration.
        if index == 0 {
          truth.words = ["does-not-run"]
          truth.why = ["up: \(failure.message)"]
          return truth
        }
        // What some rows cannot take is no matter of the way down: others may.
        try before.become(start)
        try fill(before, index, migration, isFull: true, &dice)
        try work.become(before)
        guard (try? work.run(migration.up, enforcing: folder.enforcesKeys)) != nil else { continue }
      }
      if index == 4 {
        isPoor = false
        for table in try before.tables
        where (migration.up + (migration.down ?? [])).contains(where: { $0.contains(table) }) {
          let count = try before.rows("SELECT count(*) FROM \(PlainDatabase.name(table))")[0][0]
          if (Int(count) ?? 0) < 4 { isPoor = true }
        }
      }
      let after = try PlainDatabase()
      try after.become(work)
      let outcome = try trip(before, after, work, migration)
      if outcome.isCountingAnew { truth.isCountingAnew = true }
      if let unseen = outcome.unseen { blind = blind.map { $0.intersection(unseen) } ?? unseen }
      if outcome.isGood { good.insert(outcome.word) } else { bad.insert(outcome.word) }
      if let why = outcome.why { truth.why.append("rows \(index): \(why)") }
      try database.become(after)
      alive.append(database)
    }
    for outcome in try lonely(start, migration, &dice) {
      if !outcome.isGood { bad.insert(outcome.word) }
      if let why = outcome.why { truth.why.append("one row: \(why)") }
    }
    // The others go on from one on which it ran.
    for database in databases where !alive.contains(where: { $0 === database }) {
      if let other = alive.last { try database.become(other) }
    }
    truth.words = bad.isEmpty ? (good.contains("order-only") ? ["order-only"] : good) : bad
    truth.isBlind = isPoor || blind.map { !$0.isEmpty } ?? false
    return truth
  }

  private struct Outcome {
    let word: String
    var why: String?
    /// Tables whose texts differ and of which no row was there to try.
    var unseen: Set<String>?
    var isCountingAnew = false

    var isGood: Bool { word == "returns" || word == "order-only" }
  }

  private func trip(
    _ before: PlainDatabase, _ after: PlainDatabase, _ work: PlainDatabase, _ migration: DrawnMigration
  ) throws -> Outcome {
    guard let down = migration.down else { return Outcome(word: "absent") }
    guard !down.isEmpty else { return Outcome(word: "empty") }
    do {
      try work.run(down, enforcing: folder.enforcesKeys)
    } catch let failure as PlainDatabase.Failure {
      return Outcome(word: "does-not-run", why: failure.message)
    }
    let back = try compare(before, work, migration)
    guard back.isGood else { return back }
    do {
      try work.run(migration.up, enforcing: folder.enforcesKeys)
    } catch let failure as PlainDatabase.Failure {
      return Outcome(word: "does-not-run", why: "again: \(failure.message)")
    }
    let again = try compare(after, work, migration)
    guard again.isGood else { return Outcome(word: again.word, why: "again: \(again.why ?? "")") }
    return Outcome(
      word: back.word, unseen: (back.unseen ?? []).union(again.unseen ?? []),
      isCountingAnew: back.isCountingAnew)
  }

  private func compare(_ old: PlainDatabase, _ new: PlainDatabase, _ migration: DrawnMigration) throws
    -> Outcome
  {
    let (shape, other) = (try old.shape(), try new.shape())
    guard shape == other else {
      let (missing, extra) = (Set(shape).subtracting(other), Set(other).subtracting(shape))
      return Outcome(word: "other-schema", why: "-\(missing.sorted()) +\(extra.sorted())")
    }
    let (rows, others) = (try old.contents(), try new.contents())
    var unseen: Set<String> = []
    let texts = Set(try old.texts).symmetricDifference(try new.texts)
    for table in try old.tables where texts.contains(where: { $0.lowercased().contains(table.lowercased()) })
    {
      guard rows[table] == others[table], rows["log"] == others["log"] else { continue }
      guard rows[table]?.isEmpty == false else {
        unseen.insert(table)
        continue
      }
      let literals = PlainValues.literals(in: texts.joined(separator: " "))
      let (acts, otherActs) = (try old.behaviour(of: table, literals), try new.behaviour(of: table, literals))
      if let place = acts.indices.first(where: { acts[$0] != otherActs[$0] }) {
        return Outcome(word: "other-schema", why: "\(acts[place]) is \(otherActs[place])")
      }
    }
    guard rows == others else {
      let table = rows.keys.sorted().first { rows[$0] != others[$0] } ?? ""
      let (missing, extra) = (Set(rows[table] ?? []), Set(others[table] ?? []))
      return Outcome(
        word: "rows-differ",
        why:
          "\(table): -\(missing.subtracting(extra).sorted().prefix(2)) +\(extra.subtracting(missing).sorted().prefix(2))"
      )
    }
    let (counts, present) = (try old.counters(), try new.counters())
    return Outcome(
      word: try old.order == new.order ? "returns" : "order-only", unseen: unseen,
      isCountingAnew: counts.contains { $0.value > present[$0.key] ?? 0 })
  }

  // MARK: - Rows

  private func fill(
    _ database: PlainDatabase, _ index: Int, _ migration: DrawnMigration, isFull: Bool = false,
    _ dice: inout Dice
  ) throws {
    guard index > 0 else { return }
    let statements = migration.up + (migration.down ?? [])
    // What a migration puts in itself was not there before.
    let own = Set(
      statements.filter { $0.hasPrefix("INSERT INTO") && $0.contains("VALUES") }.flatMap(PlainValues.literals)
    )
    // A value that only the way down names is one that a newer application writes.
    let named = migration.up.flatMap(PlainValues.literals)
    let literals = Set(named + PlainValues.neighbours(of: named, in: migration.up)).subtracting(own).sorted()
    for table in try database.tables where table != "log" || index > 2 {
      let count = try database.rows("SELECT count(*) FROM \(PlainDatabase.name(table))")[0][0]
      let most = index == 1 ? 1 : 6
      for _ in 0..<max(0, most - (Int(count) ?? 0)) {
        try insert(into: table, database, literals, [:], isDistinct: index == 3 || isFull, isFull, &dice)
      }
      guard index == 4, statements.contains(where: { $0.contains(table) }) else { continue }
      for column in try columns(table, database) where column.parent == nil {
        let fitting = (literals + (try constants(of: table, database))).filter {
          PlainValues.fits($0, column.type)
        }
        let nulls = column.isNotNull ? [] : ["NULL"]
        for value in Set(fitting + PlainValues.pool(column.type) + nulls).sorted() where column.name != "id" {
          try insert(into: table, database, literals, [column.name: value], isDistinct: false, isFull, &dice)
        }
      }
    }
    if index == 4 {
      // Their parents may have had no rows before.
      for table in try database.tables
      where try columns(table, database).contains(where: { $0.parent != nil }) {
        for _ in 0..<3 {
          try insert(into: table, database, literals, [:], isDistinct: true, isFull, &dice)
        }
      }
    }
    if index > 0 {
      // As if rows had been deleted.
      try database.run("UPDATE sqlite_sequence SET seq = seq + 7", ignoring: true)
    }
    for table in try database.tables {
      for _ in 0..<3 {
        try database.run(
          "DELETE FROM \(PlainDatabase.name(table)) WHERE rowid IN (SELECT rowid FROM pragma_foreign_key_check(\(PlainDatabase.text(table))))",
          ignoring: true)
      }
    }
  }

  /// What comes of an UPDATE on a row that is alone with its value in one column, as constraints may refuse it beside others.
  private func lonely(
    _ start: PlainDatabase, _ migration: DrawnMigration, _ dice: inout Dice
  ) throws -> [Outcome] {
    guard migration.up.contains(where: { $0.hasPrefix("UPDATE") }) else { return [] }
    var outcomes: [Outcome] = []
    for table in try start.tables where migration.up.contains(where: { $0.contains(table) }) {
      for column in try columns(table, start) where !column.isKey && column.parent == nil {
        let fitting = migration.up.flatMap(PlainValues.literals).filter { PlainValues.fits($0, column.type) }
        for value in Set(fitting + (column.isNotNull ? [] : ["NULL"])).sorted() {
          let (before, after, work) = (try PlainDatabase(), try PlainDatabase(), try PlainDatabase())
          try before.become(start)
          try insert(into: table, before, [], [column.name: value], isDistinct: false, true, &dice)
          try after.become(before)
          guard (try? after.run(migration.up, enforcing: folder.enforcesKeys)) != nil else { continue }
          try work.become(after)
          outcomes.append(try trip(before, after, work, migration))
        }
      }
    }
    return outcomes
  }

  private struct Column {
    let name: String
    let type: String
    let isKey: Bool
    let isNotNull: Bool
    let parent: (table: String, column: String)?
  }

  private func columns(_ table: String, _ database: PlainDatabase) throws -> [Column] {
    let parents = try database.rows(
      "SELECT \"from\", \"table\" FROM pragma_foreign_key_list(\(PlainDatabase.text(table)))")
    return try database.rows(
      "SELECT name, upper(type), pk, \"notnull\" FROM pragma_table_xinfo(\(PlainDatabase.text(table))) WHERE hidden = 0"
    ).map { row in
      Column(
        name: row[0], type: row[1], isKey: row[2] != "0", isNotNull: row[3] != "0",
        parent: parents.first { $0[0] == row[0] }.map { ($0[1], "id") })
    }
  }

  /// A value that no other row has.
  private func random(_ type: String, _ dice: inout Dice) -> String {
    let number = dice.below(1_000_000)
    return PlainValues.fits("'x'", type)
      ? "'\(dice.pick(["r", "r", "R", "0"]))\(number)'"
      : PlainValues.fits("1", type) ? "\(number)" : "x'\(number + 1_000_000)0'"
  }

  /// What the constraints of a table name, and what is beside it.
  private func constants(of table: String, _ database: PlainDatabase) throws -> [String] {
    try database.rows(
      "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = \(PlainDatabase.text(table))"
    ).flatMap { row in
      let literals = PlainValues.literals(in: row[0])
      return literals + PlainValues.neighbours(of: literals, in: [row[0]])
    }
  }

  /// Several times, as constraints refuse some.
  private func insert(
    into table: String, _ database: PlainDatabase, _ literals: [String], _ fixed: [String: String],
    isDistinct: Bool, _ isFull: Bool, _ dice: inout Dice
  ) throws {
    let columns = try columns(table, database)
    let own = try constants(of: table, database)
    for attempt in 0..<12 {
      let values = columns.map { column -> String in
        if let value = fixed[column.name] { return value }
        if let parent = column.parent {
          if !column.isNotNull, attempt > 5 { return "NULL" }
          return
            "(SELECT \(parent.column) FROM \(PlainDatabase.name(parent.table)) ORDER BY \(parent.column) LIMIT 1 OFFSET \(dice.below(3)))"
        }
        if column.isKey, column.name == "id" {
          return column.type == "TEXT"
            ? "'\(dice.pick(["k", "k", "00"]))\(dice.below(1_000_000))'"
            : "\(500 + dice.below(1_000_000))"
        }
        if !column.isNotNull, !isFull, dice.falls([isDistinct ? 35 : 15, 15, 60, 90][attempt % 4]) {
          return "NULL"
        }
        if isDistinct && attempt < 6 || attempt > 3 && dice.falls(50) { return random(column.type, &dice) }
        let fitting = (literals + own).filter { PlainValues.fits($0, column.type) }
        return !fitting.isEmpty && dice.falls(40)
          ? dice.pick(fitting) : dice.pick(PlainValues.pool(column.type))
      }
      let list = columns.map { PlainDatabase.name($0.name) }.joined(separator: ", ")
      if try database.run(
        "INSERT INTO \(PlainDatabase.name(table)) (\(list)) VALUES (\(values.joined(separator: ", ")))",
        ignoring: true)
      {
        return
      }
    }
  }
}

// MARK: - A database of the folder

extension FolderJudge {
  /// Takes a new database up as far as its rows let it: some are put in before each migration.
  ///
  /// - Returns: how many migrations are applied.
  func fill(_ database: PlainDatabase, upTo count: Int) throws -> Int {
    var dice = dice
    for (index, migration) in folder.migrations.prefix(count).enumerated() {
      try fill(database, 2 + dice.below(2), migration, isFull: dice.falls(30), &dice)
      guard (try? database.run(migration.up, enforcing: folder.enforcesKeys)) != nil else {
        return index
      }
    }
    return folder.migrations.prefix(count).count
  }

  /// What is true of the ways down from the head, by the places of their migrations, as far as they run.
  func truths(of database: PlainDatabase, applied: Int) throws -> [Int: Truth] {
    var truths: [Int: Truth] = [:]
    let (before, work, below) = (try PlainDatabase(), try PlainDatabase(), try PlainDatabase())
    try below.become(database)
    for index in (0..<applied).reversed() {
      let migration = folder.migrations[index]
      try before.become(below)
      try work.become(below)
      guard let down = migration.down, !down.isEmpty else {
        truths[index] = Truth(words: [migration.down == nil ? "absent" : "empty"])
        return truths
      }
      do {
        try work.run(down, enforcing: folder.enforcesKeys)
        try below.become(work)
      } catch let failure as PlainDatabase.Failure {
        truths[index] = Truth(words: ["does-not-run"], why: [failure.message])
        return truths
      }
      do {
        try work.run(migration.up, enforcing: folder.enforcesKeys)
      } catch let failure as PlainDatabase.Failure {
        truths[index] = Truth(words: ["does-not-run"], why: ["again: \(failure.message)"])
        continue
      }
      // A view of a table that is gone cannot be looked at: then every word but one is true.
      let back = try? compare(before, work, migration)
      truths[index] = Truth(
        words: back.map { [$0.word] } ?? ["returns", "order-only", "rows-differ", "other-schema"],
        isBlind: back?.unseen?.isEmpty == false, isCountingAnew: back?.isCountingAnew == true,
        why: [back?.why].compactMap(\.self))
    }
    return truths
  }
}

extension PlainDatabase {
  /// Records versions as a tool does that applied them.
  ///
  /// - Parameter folder: where the registry of sqitch is.
  func record(_ versions: [String], of tool: MigrationTool, in folder: String) throws {
    func rows(_ row: (Int, String) -> String) -> String {
      versions.isEmpty
        ? ""
        : " VALUES "
          + versions.enumerated().map { "(\(row($0.offset + 1, $0.element)))" }.joined(
            separator: ", ")
    }
    switch tool {
    case .diesel:
      try run(
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL); INSERT INTO __diesel_schema_migrations\(rows { "'\($1)'" })"
      )
    case .dbmate:
      try run(
        "CREATE TABLE schema_migrations (version varchar(128) primary key); INSERT INTO schema_migrations\(rows { "'\($1)'" })"
      )
    case .golangMigrate:
      try run(
        "CREATE TABLE schema_migrations (version uint64, dirty bool); INSERT INTO schema_migrations VALUES (\(versions.last ?? "-1"), 0)"
      )
    case .maragudkMigrate:
      try run(
        "CREATE TABLE migrations (version text not null); INSERT INTO migrations VALUES ('\(versions.last ?? "")')"
      )
    case .goose:
      try run(
        "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL); INSERT INTO goose_db_version (version_id, is_applied)\(rows { "\($1), 1" })"
      )
    case .sqlx:
      try run(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, success BOOLEAN NOT NULL, checksum BLOB NOT NULL); INSERT INTO _sqlx_migrations\(rows { "\($1), 1, x'00'" })"
      )
    case .flyway:
      try run(
        "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50), description VARCHAR(200), type VARCHAR(20), checksum INT, success BOOLEAN); INSERT INTO flyway_schema_history\(rows { "\($0), '\($1)', 'step', 'SQL', NULL, 1" })"
      )
    case .yoyo:
      try run(
        "CREATE TABLE _yoyo_migration (migration_hash VARCHAR(64) PRIMARY KEY, migration_id VARCHAR(255), applied_at_utc TIMESTAMP); INSERT INTO _yoyo_migration\(rows { "'\($0)', '\($1)', '2026-01-0\($0)'" })"
      )
    case .nodeSQLite:
      try run(
        "CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, up TEXT NOT NULL, down TEXT NOT NULL); INSERT INTO migrations\(rows { "\($1), 'step', '', ''" })"
      )
    default:
      try PlainDatabase("\(folder)/sqitch.db").run(
        "CREATE TABLE changes (change_id TEXT PRIMARY KEY, script_hash TEXT, change TEXT, committed_at DATETIME); INSERT INTO changes\(rows { "'\($1)', NULL, 'step', '2026-01-0\($0)'" })"
      )
    }
  }
}

extension PlainDatabase {
  /// - Returns: whether it went through.
  @discardableResult
  func run(_ sql: String, ignoring: Bool) throws -> Bool {
    do {
      try run(sql)
      return true
    } catch let failure as Failure {
      guard ignoring else { throw failure }
      return false
    }
  }

  /// What a table and what stands beside it do when a row is written: one line for each attempt.
  func behaviour(of table: String, _ literals: [String]) throws -> [String] {
    let name = Self.name(table)
    let info = try rows(
      "SELECT name, upper(type), pk FROM pragma_table_xinfo(\(Self.text(table))) WHERE hidden = 0 ORDER BY name"
    )
    let columns = info.map { Self.name($0[0]) }
    let hasRowID = try rows("SELECT wr FROM pragma_table_list WHERE name = \(Self.text(table))")[0][0] == "0"
    let key =
      hasRowID
      ? "rowid" : "(\(info.filter { $0[2] != "0" }.map { Self.name($0[0]) }.joined(separator: ", ")))"
    let selected = hasRowID ? "rowid" : String(key.dropFirst().dropLast())
    let order = columns.map { "typeof(\($0)), quote(\($0))" }.joined(separator: ", ")
    func row(_ place: Int) -> String {
      "\(key) IN (SELECT \(selected) FROM \(name) ORDER BY \(order) LIMIT 1 OFFSET \(place))"
    }
    let views = try rows(
      "SELECT name FROM sqlite_schema WHERE type = 'view' AND lower(sql) LIKE '%' || lower(\(Self.text(table))) || '%' ORDER BY name"
    ).map { $0[0] }
    let partial = try rows(
      "SELECT substr(sql, instr(upper(sql), 'WHERE') + 5) FROM sqlite_schema WHERE type = 'index' AND tbl_name = \(Self.text(table)) AND upper(sql) LIKE '%WHERE%' ORDER BY name"
    ).map { $0[0] }
    func seen() throws -> String {
      var seen = try rows("SELECT typeof(what), quote(what) FROM log ORDER BY 1, 2").joined().joined(
        separator: " ")
      for view in views {
        let columns = try rows("SELECT name FROM pragma_table_xinfo(\(Self.text(view)))").map { $0[0] }
        seen += "\n\(columns)"
        seen += "\(try rows("SELECT * FROM \(Self.name(view))").map { "\($0)" }.sorted())"
      }
      for condition in partial {
        seen += "\n\(try rows("SELECT quote((\(condition))) FROM \(name) ORDER BY \(order)"))"
      }
      return seen + "\n\(try rows("SELECT \(order) FROM \(name) ORDER BY \(order)"))"
    }
    var lines = ["at rest: \(try seen())"]
    func attempt(_ sql: String) throws {
      try run("SAVEPOINT attempt")
      let isDone = try run(sql, ignoring: true)
      lines.append(isDone ? "\(sql): \(try seen())" : "\(sql): refused")
      try run("ROLLBACK TO attempt")
      try run("RELEASE attempt")
    }
    try run("PRAGMA foreign_keys = OFF")
    for place in 0..<3 {
      for column in info {
        let values =
          Set(PlainValues.pool(column[1]) + literals.filter { PlainValues.fits($0, column[1]) }).sorted() + [
            "NULL"
          ]
        for value in values {
          try attempt("UPDATE \(name) SET \(Self.name(column[0])) = \(value) WHERE \(row(place))")
        }
      }
      try attempt("DELETE FROM \(name) WHERE \(row(place))")
      let copied = info.map { column -> String in
        let name = Self.name(column[0])
        return column[2] == "0"
          ? name
          : column[1] == "TEXT" || !hasRowID
            // What a counter gives is held against the audit apart from this.
            ? "\(name) || 'p'" : "(SELECT max(\(name)) FROM \(Self.name(table))) + 1"
      }
      try attempt(
        "INSERT INTO \(name) (\(columns.joined(separator: ", "))) SELECT \(copied.joined(separator: ", ")) FROM \(name) WHERE \(row(place))"
      )
    }
    return lines
  }
}
