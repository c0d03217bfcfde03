import PhaseSQLite

@testable import PhaseDB

/// One random table, one phase over it, sensible or wrong, and what an application writes between: tried with batches and
/// without.
///
/// What must come out is told by SQLite alone: rows that nobody touched are what they were, and of the others each column is
/// what plain SQL makes of it.
struct BatchDifferential {
  typealias Row = [String: String]
  typealias Rows = [String: Row]

  let seed: UInt64
  let schema: [String]
  let rows: [String]
  let batch: Batching
  /// The table's key in SQL, by which rows are known here.
  let key: String
  let up: [Change]
  let down: [Change]
  let traffic: [Write]
  /// Whether a trigger or SQL reaches other rows than its own.
  let isEntangled: Bool
  let batchSize: Int

  /// A statement over the rows of a batch.
  struct Change {
    let sql: String
    let columns: [String]
    /// The condition that a row is in a batch.
    let range: String
    var isRandom = false

    var batched: String { sql.replacing("$range", with: range) }
    var whole: String { sql.replacing("$range", with: "1") }
  }

  struct Write {
    let sql: String
    /// The keys of rows that it touches, as `quote` writes them.
    let keys: Set<String>
  }

  init(seed: UInt64) {
    var random = RoundTripRandom(seed: seed)
    self.seed = seed
    let style = random.int(0...4)
    let types = ["", "INTEGER", "TEXT", "TEXT COLLATE NOCASE", "REAL"]
    let unique = random.pick([
      "", "", "", "", " UNIQUE", " UNIQUE ON CONFLICT REPLACE", " UNIQUE ON CONFLICT IGNORE",
    ])
    let columns =
      "a \(random.pick(types)), b \(random.pick(types)), c \(random.pick(["", "TEXT"]))\(unique), s"
    let (key, range): (String, String)
    switch style {
    case 0:
      schema = ["CREATE TABLE t (id INTEGER PRIMARY KEY, \(columns))"]
      (key, range) = ("id", "id BETWEEN :first AND :last")
      batch = Batching(table: "t")
    case 1:
      schema = ["CREATE TABLE t (id TEXT PRIMARY KEY, \(columns))"]
      (key, range) = ("id", "id BETWEEN :first AND :last")
      batch = Batching(table: "t", by: "id")
    case 2:
      schema = ["CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, \(columns)) WITHOUT ROWID"]
      (key, range) = ("id", "id BETWEEN :first AND :last")
      batch = Batching(table: "t")
    case 3:
      schema = [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, \(columns), g TEXT NOT NULL DEFAULT 'g')",
        "CREATE INDEX t_g ON t (g)",
      ]
      (key, range) = ("id", "g BETWEEN :first AND :last")
      batch = Batching(table: "t", by: "g")
    default:
      schema = ["CREATE TABLE t (\(columns))"]
      (key, range) = ("rowid", "rowid BETWEEN :first AND :last")
      batch = Batching(table: "t")
    }
    var extra = ["CREATE TABLE o (k INTEGER PRIMARY KEY, v)"]
    var isEntangled = unique != ""
    let isNumber = style != 1 && style != 2
    if random.chance(1, in: 3) {
      let effect = random.pick([
        "UPDATE t SET s = coalesce(s, '') || 'x' WHERE \(key) = new.\(key)",
        "UPDATE t SET s = 'x' WHERE \(key) = new.a", "UPDATE t SET b = new.a WHERE \(key) = new.\(key)",
        "INSERT INTO o (v) VALUES (new.a)", "INSERT OR REPLACE INTO o VALUES (1, new.a)",
        "UPDATE o SET v = new.a WHERE k = 2", "DELETE FROM o WHERE k = new.a",
      ])
      extra.append(
        "CREATE TRIGGER tr AFTER UPDATE OF \(random.pick(["a", "a", "c"])) ON t BEGIN \(effect); END")
      isEntangled = true
    }
    let count = random.chance(1, in: 15) ? 0 : random.int(1...14)
    func literal(_ number: Int) -> String {
      isNumber ? String(number * 2) : "'\(["k", "K", "é"][number % 3])\(number)'"
    }
    let values = ["NULL", "0", "1", "5", "1.0", "'A'", "'b'", "'a'", "'007'", "x'61'", "'x'", "-3"]
    rows =
      (0..<count).map { number in
        let row = (1...4).map {
          $0 == 3 && unique != ""
            ? random.pick(["NULL", "'c\(number)'", "'C\(number / 2 * 2)'"]) : random.pick(values)
        }
        let names = style == 4 ? "rowid, a, b, c, s" : style == 3 ? "id, a, b, c, s, g" : "id, a, b, c, s"
        let group = style == 3 ? ", '\(["p", "q", "R", "r"][number % 4])'" : ""
        return
          "INSERT OR IGNORE INTO t (\(names)) VALUES (\(literal(number)), \(row.joined(separator: ", "))\(group))"
      } + ["INSERT INTO o VALUES (1, 'precious'), (2, 'rare'), (5, 'five')"]

    let sets: [(String, [String], String)] = [
      ("a = 0", ["a"], "a IS NULL"), ("a = NULL", ["a"], "a = 0"), ("a = a + 1", ["a"], ""),
      ("a = a - 1", ["a"], ""),
      ("b = upper(b)", ["b"], ""), ("b = lower(b)", ["b"], ""), ("b = b || '.'", ["b"], "b IS NOT NULL"),
      ("b = rtrim(b, '.')", ["b"], ""), ("c = a", ["c"], "c IS NULL"), ("c = NULL", ["c"], ""),
      ("a = b, b = a", ["a", "b"], ""), ("a = coalesce(a, b)", ["a"], ""), ("b = 'x'", ["b"], "b = 'b'"),
      ("c = lower(c)", ["c"], ""), ("c = upper(c)", ["c"], ""), ("a = CAST(a AS TEXT)", ["a"], ""),
      ("s = NULL", ["s"], "a > 0"), ("s = a || b", ["s"], ""), ("c = b", ["c"], ""),
    ]
    func change() -> [Change] {
      let (set, columns, condition) = random.pick(sets)
      let clause = random.pick(["", "", "", "", "", " OR REPLACE", " OR IGNORE"])
      if clause != "", columns == ["c"] { isEntangled = true }
      let filter = condition == "" || random.chance(1, in: 4) ? "" : " AND \(condition)"
      let changes = [
        Change(sql: "UPDATE\(clause) t SET \(set) WHERE $range\(filter)", columns: columns, range: range)
      ]
      switch random.int(1...24) {
      case 1:
        isEntangled = true
        return [
          Change(
            sql: "UPDATE t SET c = (SELECT v FROM o WHERE k = a) WHERE $range", columns: ["c"], range: range)
        ]
      case 2:
        return [
          Change(
            sql: "UPDATE t SET a = abs(random()) % 2 WHERE $range", columns: ["a"], range: range,
            isRandom: true)
        ]
      case 3: return [Change(sql: "SELECT 1 FROM t WHERE $range", columns: [], range: range)]
      case 4:
        isEntangled = true
        return changes + [
          Change(
            sql: "INSERT OR IGNORE INTO o SELECT length(a), b FROM t WHERE $range", columns: [], range: range)
        ]
      case 5:
        isEntangled = true
        return changes + [
          Change(
            sql: "DELETE FROM o WHERE k IN (SELECT length(a) FROM t WHERE $range)", columns: [], range: range)
        ]
      case 6:
        isEntangled = true
        return [
          Change(
            sql: "UPDATE t SET s = 'y' WHERE \(key) IN (SELECT a FROM t WHERE $range)", columns: ["s"],
            range: range)
        ]
      case 7...10: return changes + change()
      default: return changes
      }
    }
    self.key = key
    up = change()
    down = change()
    var traffic: [Write] = []
    for _ in 0..<(random.chance(1, in: 3) ? 0 : random.int(1...4)) {
      let number = literal(random.int(0...max(0, count - 1)))
      let quoted = isNumber ? number : number
      switch random.int(1...6) {
      case 1: traffic.append(Write(sql: "DELETE FROM t WHERE \(key) = \(number)", keys: [quoted]))
      case 2:
        let born = literal(random.int(20...24))
        let column = style == 4 ? "rowid" : "id"
        traffic.append(
          Write(
            sql:
              "INSERT OR IGNORE INTO t (\(column), a, b) VALUES (\(born), \(random.pick(values)), \(random.pick(values)))",
            keys: [born]))
      case 3:
        let column = style == 4 ? "rowid" : "id"
        traffic.append(
          Write(
            sql:
              "DELETE FROM t WHERE \(key) = \(number); INSERT OR IGNORE INTO t (\(column), a, b) VALUES (\(number), \(random.pick(values)), 'again')",
            keys: [quoted]))
      default:
        traffic.append(
          Write(
            sql:
              "UPDATE OR IGNORE t SET \(random.pick(["a", "b", "s"])) = \(random.pick(values)) WHERE \(key) = \(number)",
            keys: [quoted]))
      }
    }
    self.traffic = traffic
    schemaExtra = extra
    self.isEntangled = isEntangled
    batchSize = random.pick([1, 2, 3, 100])
  }

  private let schemaExtra: [String]

  var title: String {
    """
    seed \(seed), batches of \(batchSize)
    \((schema + schemaExtra + rows).joined(separator: ";\n"));
    -- up
    \(up.map(\.batched).joined(separator: ";\n"));
    -- down
    \(down.map(\.batched).joined(separator: ";\n"));
    -- traffic
    \(traffic.map(\.sql).joined(separator: ";\n"));
    """
  }
}

// MARK: - Trying it

extension BatchDifferential {
  enum Outcome: String, CaseIterable { case refused, blocked, quiet, busy, stuck }

  /// - Parameter spoil: what is done to the database behind phasedb's back before it is looked at, as a control.
  /// - Returns: what is wrong, and how it went.
  func run(spoil: String? = nil) throws -> (broken: [String], outcome: Outcome) {
    let script = (schema + schemaExtra + rows).joined(separator: ";\n")
    let (batched, whole) = (
      try TemporaryDatabase(script, in: .memory), try TemporaryDatabase(script, in: .memory)
    )
    let before = try contents(batched)
    let migrations = try migrations(isBatched: true)
    let options = Options.test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: batchSize))
    var broken: [String] = []

    if let error = migrationError({ try batched.run(.upAll, migrations, options) }) {
      guard [.archiveImpossible, .statementFailed, .batchNotKeyed].contains(error.id) else {
        return (["up failed: \(error)"], .refused)
      }
      // A later batch failed on its rows, and those before it come back.
      if error.standing == .partWay,
        let other = migrationError({ try batched.run(.down(1), migrations, options) })
      {
        broken.append("what was half done does not come back: \(other)")
      }
      let left = try contents(batched)
      if left.t != before.t { broken.append("refused, and left: \(Self.difference(before.t, left.t))") }
      for (key, row) in before.o where left.o[key] != row { broken.append("refused, and o \(key) differs") }
      return (broken, .refused)
    }
    let after = try contents(batched)
    guard let report = try batched.roundTrip() else { return (["nothing was recorded"], .quiet) }
    try batched.run(traffic.map(\.sql).joined(separator: ";\n"))
    let written = try contents(batched)
    let plain = try plainDown(batched)
    if let error = migrationError({ try batched.run(.downAll, migrations, options) }) {
      if report.verdict == .blocked { return (broken, .blocked) }
      // Rows of today may be in the way, which a verdict on the rows has to say.
      guard traffic.isEmpty else { return (broken, .stuck) }
      return (broken + ["down failed with nobody writing, and was \(report.verdict): \(error)"], .stuck)
    }
    if let spoil { try batched.run(spoil) }
    let present = try contents(batched)
    broken += judge(before, after, written, plain, present, report)

    // Without batches, where that is right itself: the same rows.
    let unbatched = try self.migrations(isBatched: false)
    if !isEntangled, !(up + down).contains(where: \.isRandom),
      migrationError({ try whole.run(.upAll, unbatched) }) == nil, try contents(whole).t == after.t
    {
      let up = try contents(whole)
      try whole.run(traffic.map(\.sql).joined(separator: ";\n"))
      if migrationError({ try whole.run(.downAll, unbatched) }) == nil {
        let rows = try contents(whole)
        if judge(before, up, written, plain, rows, nil).isEmpty, rows.t != present.t, spoil == nil {
          broken.append("without batches: \(Self.difference(rows.t, present.t))")
        }
      }
    }
    // Up again: what was there before the way down is there again.
    if spoil == nil, migrationError({ try batched.run(.upAll, migrations, options) }) == nil {
      let again = try contents(batched)
      for (key, row) in written.t where present.t[key] != nil && again.t[key] != row {
        broken.append("\(key) after down and up: \(again.t[key] ?? [:]), not \(row)")
      }
    }
    return (broken, traffic.isEmpty ? .quiet : .busy)
  }

  struct Contents: Equatable {
    let t: Rows
    let o: Rows
  }

  private func judge(
    _ before: Contents, _ after: Contents, _ written: Contents, _ plain: Contents?, _ present: Contents,
    _ report: RoundTripRecord?
  ) -> [String] {
    var broken: [String] = []
    let touched = traffic.reduce(into: Set<String>()) { $0.formUnion($1.keys) }
    // By what the application wrote, and by what its writes set off.
    let moved = Set(after.t.keys).union(written.t.keys).filter { after.t[$0] != written.t[$0] }.union(touched)
    for (key, row) in before.t where !moved.contains(key) {
      if present.t[key] != row {
        broken.append("\(key), which nobody touched: \(present.t[key] ?? [:]), not \(row)")
      }
    }
    for key in present.t.keys where before.t[key] == nil && written.t[key] == nil {
      broken.append("\(key) came from nowhere")
    }
    for key in written.t.keys where present.t[key] == nil { broken.append("\(key) is gone") }
    if traffic.isEmpty, report?.verdict == .exact, before.o != present.o {
      broken.append("exact, and another table differs: \(Self.difference(before.o, present.o))")
    }
    // A way down that deletes from another table what its phase inserted there may also meet what was there before, once
    // the rows that it asks are others.
    guard traffic.isEmpty || !down.contains(where: { $0.sql.hasPrefix("DELETE FROM o") }) else {
      return broken
    }
    for (key, row) in before.o where after.o[key] == row && written.o[key] == row && present.o[key] != row {
      broken.append("o \(key), which nobody touched: \(present.o[key] ?? [:]), not \(row)")
    }
    guard !isEntangled, !down.contains(where: \.isRandom), let plain else { return broken }
    let computed = Set(down.flatMap(\.columns))
    for key in moved {
      guard let now = present.t[key], let was = written.t[key], let made = plain.t[key] else { continue }
      for column in ["a", "b", "c", "s"] {
        let isOwn = after.t[key]?[column] != was[column] || before.t[key] == nil
        let expected =
          computed.contains(column) ? made[column] : isOwn ? was[column] : before.t[key]?[column]
        // A row that was deleted and made again with what up left there is not told from one that stayed.
        if now[column] != expected, !(after.t[key] == was && now == before.t[key]) {
          broken.append("\(key), which was touched: \(column) is \(now[column] ?? ""), not \(expected ?? "")")
        }
      }
    }
    return broken
  }

  private static func difference(_ one: Rows, _ other: Rows) -> [String] {
    Set(one.keys).union(other.keys).filter { one[$0] != other[$0] }.sorted().map {
      "\($0): \(one[$0] ?? [:]) and \(other[$0] ?? [:])"
    }
  }

  /// What the SQL of the way down makes of the present rows by itself; nil when it fails.
  private func plainDown(_ database: TemporaryDatabase) throws -> Contents? {
    let connection = try database.connect()
    let transaction = try connection.begin()
    for change in down {
      // In a statement of its own for each row, as batches of one row would.
      guard (try? connection.execute(change.whole)) != nil else { return nil }
    }
    let contents = try contents(of: connection)
    try transaction.rollBack()
    return contents
  }

  private func migrations(isBatched: Bool) throws -> Catalog {
    let (up, down) = (
      up.map { isBatched ? $0.batched : $0.whole }, down.map { isBatched ? $0.batched : $0.whole }
    )
    return try catalog([
      "0001-x": [
        phase(
          .migrate, up.joined(separator: ";\n"), down: down.joined(separator: ";\n"),
          batch: isBatched ? batch : nil)
      ]
    ])
  }

  private func contents(_ database: TemporaryDatabase) throws -> Contents {
    try contents(of: database.connect(.readOnly))
  }

  private func contents(of connection: Connection) throws -> Contents {
    func rows(_ table: String, _ key: String, _ columns: [String]) throws -> Rows {
      let values = columns.map { "typeof(\($0)) || ' ' || quote(\($0))" }.joined(separator: ", ")
      return try connection.rows("SELECT quote(\(key)), \(values) FROM \(table)").reduce(into: [:]) {
        rows, row in
        rows[row[0].text ?? ""] = Dictionary(
          uniqueKeysWithValues: zip(columns, row.dropFirst().map { $0.text ?? "" }))
      }
    }
    return Contents(t: try rows("t", key, ["a", "b", "c", "s"]), o: try rows("o", "k", ["v"]))
  }
}
