import PhaseSQLite
import Testing

@testable import PhaseCompat
@testable import PhaseDB

/// A recipe for a shape, and how old and new versions say the same.
struct RecipeCase: Sendable, CustomTestStringConvertible {
  let shape: RecipeShape
  let words: String
  var up: String?
  var down: String?
  var fill: String?
  /// The columns that a new version writes for a text, as SQL; nil is NULL.
  let newColumns: @Sendable (String?) -> [(String, String)]
  /// The table as a new version calls it.
  var newTable: String?
  /// Whether the column moves to a table `details`, which has a row for each key.
  var moves = false
  /// Whether versions of the new kind write NULL.
  var writesNull = true
  /// The text with which this case is refused; nil when its phases are written.
  var refused: String?

  var testDescription: String { "\(words), \(shape.title)" }

  static func quoted(_ text: String?) -> String { text.map { "'\($0)'" } ?? "NULL" }

  init(
    _ shape: RecipeShape, _ words: String, up: String? = nil, down: String? = nil,
    newColumns: (@Sendable (String?) -> [(String, String)])? = nil
  ) {
    self.shape = shape
    self.words = words
    (self.up, self.down) = (up, down)
    let column = shape.column
    self.newColumns = newColumns ?? { [(column, Self.quoted($0))] }
  }

  /// Every recipe for one shape.
  static func all(_ shape: RecipeShape) -> [RecipeCase] {
    let (table, column) = (shape.table, shape.column)
    let place = "\(table).\(column)"
    let rename = RecipeCase(shape, "rename-column \(place) \"new name\"") { [("\"new name\"", quoted($0))] }
    var table2 = RecipeCase(shape, "rename-table \(table) \"new table\"")
    table2.newTable = "\"new table\""
    // Through a view, a NULL for a column with a default is taken for a column that is not named.
    table2.writesNull = false
    if shape.title == "no primary key" { table2.refused = "has no primary key" }
    if shape.schema.contains("fts5") { table2.refused = "reads notes by its name" }
    var retype = RecipeCase(
      shape, "retype \(place) marked TEXT", up: "'x' || \(column)", down: "substr(marked, 2)"
    ) {
      [("marked", quoted($0.map { "x\($0)" }))]
    }
    var split = RecipeCase(
      shape, "split \(place) into head, tail", up: "substr(\(column), 1, 1), substr(\(column), 2)",
      down: "head || tail"
    ) {
      [
        ("head", quoted($0.map { String($0.prefix(1)) })),
        ("tail", quoted($0.map { String($0.dropFirst()) })),
      ]
    }
    if shape.schema.contains("notes_short") {
      retype.refused = "trigger notes_short uses it"
      split.refused = "trigger notes_short uses it"
    }
    var filled = RecipeCase(shape, "require \(place)")
    filled.fill = "'filled'"
    filled.writesNull = false
    var required = RecipeCase(shape, "require \(place)")
    required.writesNull = false
    if !shape.isNullable {
      filled.refused = "is NOT NULL already"
      required.refused = "is NOT NULL already"
    }
    let hasDefault = shape.title.contains("with a default")
    var standard = RecipeCase(shape, "default \(place) 'standard'")
    if hasDefault { standard.refused = "has the default" }
    var loosened = RecipeCase(shape, "loosen \(place)")
    if shape.isNullable { loosened.refused = "has no NOT NULL, CHECK, UNIQUE or foreign key" }
    loosened.writesNull = false
    var move = RecipeCase(shape, "move \(place) to details.moved by \(shape.key)") {
      [("moved", quoted($0))]
    }
    (move.newTable, move.moves) = ("details", true)
    if shape.schema.contains("notes_short") { move.refused = "trigger notes_short uses it" }
    let cases = [
      move, rename, table2, retype, split, filled, required,
      RecipeCase(shape, "check \(table) length(\(column)) < 99"),
      RecipeCase(shape, "unique \(table) (\(column))"), standard, loosened,
      RecipeCase(shape, "index \(table) (\(column) DESC) where \(column) > ''"),
      RecipeCase(shape, "add \(table).added INTEGER DEFAULT 7"), RecipeCase(shape, "rebuild \(table)"),
    ]
    return cases
  }

  static let all = RecipeShape.all.flatMap { all($0) } + merges

  /// Two columns become one.
  private static let merges = [true, false].map { isRequired in
    let shape = RecipeShape(
      "two parts\(isRequired ? ", required" : "")",
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT\(isRequired ? " NOT NULL" : ""), part TEXT NOT NULL DEFAULT 'p');",
      nullable: !isRequired)
    var merge = RecipeCase(
      shape, "merge notes.body, notes.part into both", up: "body || '/' || part",
      down: "substr(both, 1, instr(both, '/') - 1), substr(both, instr(both, '/') + 1)"
    ) { [("both", quoted($0.map { "\($0)/p" }))] }
    merge.writesNull = false
    return merge
  }
}

// MARK: - What versions write

extension RecipeCase {
  /// One thing that a version does, as an old and as a new one says it.
  struct Deed {
    let old: [String]
    let new: [String]
  }

  /// The tables before the change.
  private var schema: String {
    guard moves else { return shape.schema }
    let key =
      shape.keyOf(1) == "1" ? "\(shape.key) INTEGER PRIMARY KEY" : "\(shape.key), PRIMARY KEY (\(shape.key))"
    let columns = shape.keyOf(1) == "1" ? "\(key), more TEXT DEFAULT 'm'" : "more TEXT DEFAULT 'm', \(key)"
    return "\(shape.schema)\nCREATE TABLE details (\(columns));"
  }

  /// The rows before the change.
  fileprivate var rows: String {
    guard moves else { return shape.rows }
    return (1...2).reduce(shape.rows) { "\($0)\n\(detail($1));" }
  }

  private func detail(_ number: Int) -> String {
    "INSERT INTO details (\(shape.key)) VALUES (\(shape.keyOf(number)))"
  }

  /// - Parameter first: the number of the first new row; no two calls may share numbers.
  func deeds(_ first: Int) -> [Deed] {
    let mayBeNull = shape.isNullable && writesNull
    var deeds = [
      insert(first, "new \(first)"), insert(first + 1, "Other \(first)"), update(1, "changed \(first)"),
      update(first, "again \(first)"), update(2, "TEXT 2 \(first)"), update(2, "text 2 \(first)"),
    ]
    if mayBeNull { deeds += [update(1, nil), insert(first + 2, nil)] }
    deeds.append(delete(first + 1))
    return deeds
  }

  private func insert(_ number: Int, _ text: String?) -> Deed {
    func sql(_ table: String, _ columns: [(String, String)]) -> String {
      "INSERT INTO \(table) (\(shape.key), \(columns.map(\.0).joined(separator: ", "))) VALUES (\(shape.keyOf(number)), \(columns.map(\.1).joined(separator: ", ")))"
    }
    let old = sql(shape.table, [(shape.column, Self.quoted(text))])
    let new = sql(newTable ?? shape.table, newColumns(text))
    guard moves else { return Deed(old: [old], new: [new]) }
    let plain = "INSERT INTO \(shape.table) (\(shape.key)) VALUES (\(shape.keyOf(number)))"
    // Either row may come first.
    return number.isMultiple(of: 2)
      ? Deed(old: [old, detail(number)], new: [plain, new])
      : Deed(old: [detail(number), old], new: [new, plain])
  }

  private func update(_ number: Int, _ text: String?) -> Deed {
    func sql(_ table: String, _ columns: [(String, String)]) -> String {
      "UPDATE \(table) SET \(columns.map { "\($0.0) = \($0.1)" }.joined(separator: ", ")) WHERE \(shape.row(number))"
    }
    return Deed(
      old: [sql(shape.table, [(shape.column, Self.quoted(text))])],
      new: [sql(newTable ?? shape.table, newColumns(text))])
  }

  private func delete(_ number: Int) -> Deed {
    func sql(_ table: String) -> String { "DELETE FROM \(table) WHERE \(shape.row(number))" }
    let both = [sql(shape.table), sql("details")]
    return moves
      ? Deed(old: both, new: both.reversed()) : Deed(old: [both[0]], new: [sql(newTable ?? shape.table)])
  }
}

// MARK: - The check

extension RecipeCase {
  /// Old and new versions write in turn on every state where both may be live.
  func compat() throws {
    let catalog = try catalog().catalog
    // A NULL on both sides is nothing that compat could tell from a column that was forgotten.
    var told = self
    told.writesNull = false
    func script(_ version: String, _ statements: [String], _ read: String) throws -> ApplicationScript {
      var text = ""
      for (index, statement) in ([read] + statements + [read]).enumerated() {
        text += "-- @query statement \(index)\n\(statement);\n\n"
      }
      return try ApplicationFile.read(
        text, file: "apps/app/\(version).sql", application: "app", version: Version(version))
    }
    func select(_ table: String, _ columns: [String]) -> String {
      "SELECT \(shape.key), \(columns.joined(separator: ", ")) FROM \(table) ORDER BY \(shape.key)"
    }
    let names = newColumns("x").map(\.0)
    let scripts = try [
      script("1.4", told.deeds(10).flatMap(\.old), select(shape.table, [shape.column])),
      script("2.0", told.deeds(30).flatMap(\.new), select(newTable ?? shape.table, names)),
    ]
    let report = try CompatibilityCheck(
      catalog, scripts: scripts, seed: Script(rows, file: "apps/seed.sql")
    ).report(in: .init(now: Timestamp(text: "2026-01-31T12:00:00.000Z"), runner: .test, wait: .zero))
    #expect(report.firstFindings.isEmpty, "\(report.text)")
    #expect(report.outcomes.joined().filter { $0 == .works }.count >= 4)
  }

  /// The migration that makes the shape, and the one that the recipe writes.
  func catalog() throws -> (catalog: Catalog, text: String) {
    let base = try Catalog([first()])
    let name = try MigrationName("0002-b")
    let written = try RecipeWriter.phases(request(), as: name, after: base).files
    let phases = try written.map { kind, text in
      try PhaseFile.read(text, file: "\(name)/\(kind.rawValue).sql", kind: kind)
    }
    let text = written.map { "== \($0.kind.rawValue)\n\($0.text)" }.joined(separator: "\n")
    return (try Catalog(base.migrations + [Migration(name, phases: phases)]), text)
  }
}

extension RecipeCase {
  func request() throws -> RecipeRequest {
    var request = RecipeRequest(words.split(separator: " ").map(String.init))
    (request.up, request.down, request.fill) = (up, down, fill)
    request.release = try .init("app", from: Version("1.4"), to: Version("2.0"))
    return request
  }

  private func first() throws -> Migration {
    let objects = schema
    // What makes a shape is undone by nobody here.
    return try Migration(
      MigrationName("0001-a"),
      phases: [
        Phase(
          .expand, windows: Windows(Window("app", VersionRange("<1.0"))), up: #require(Script(objects)),
          down: #require(Script("SELECT 1")), residuals: [])
      ])
  }

  func check() throws {
    let base = try Catalog([first()])
    let name = try MigrationName("0002-b")
    if let refused {
      let error = migrationError { try RecipeWriter.phases(request(), as: name, after: base) }
      #expect(error?.id == .recipeRefused)
      #expect(error?.message.contains(refused) == true, "\(error?.message ?? "nothing")")
      return
    }
    let (catalog, text) = try catalog()
    try lint(catalog, text)
    try live(catalog, text)
  }

  private func lint(_ catalog: Catalog, _ text: String) throws {
    let report = try Linter(catalog).report()
    let findings = report.findings.filter { $0.phase?.migration.number == 2 }
    // A default of a column that may be NULL: no row breaks anything.
    let allowed = words.hasPrefix("default") && shape.isNullable ? "undetected" : ""
    #expect(
      findings.filter { $0.id != allowed }.isEmpty,
      "\(findings.map { "\($0.message) \($0.details)" })\n\(text)")
  }

  private func live(_ catalog: Catalog, _ text: String) throws {
    let database = try TemporaryDatabase()
    let control = try TemporaryDatabase("PRAGMA foreign_keys = ON; \(schema)\n\(rows)")
    try database.run(.upTo("0001"), catalog, .test(live: ["app@0.9"]))
    try database.run(rows)
    let rehearsal = try database.migrator(catalog, .test(live: ["app@1.5"])).rehearse()
    for phase in rehearsal.phases {
      #expect(phase.verdict == .exact, "\(phase.id): \(phase.verdict)\n\(text)")
    }
    // Columns side by side go twice around: the second time after the first one's traffic.
    let isTwice = ["rename-column", "retype", "split"].contains { words.hasPrefix($0) }
    for round in (isTwice ? 0 : 1)..<2 {
      try database.run(.upAll, catalog, .test(live: ["app@1.5"]))
      try write(database, control, from: 10 + round * 100, text)
      if round == 1 {
        try database.run(.upAll, catalog, .test(live: ["app@2.1"]))
        try writeNew(database, control, from: 50 + round * 100, text)
      }
      try back(database, control, catalog, text)
    }
  }

  /// Old and new versions in turn; what one writes, the other reads.
  private func write(
    _ database: TemporaryDatabase, _ control: TemporaryDatabase, from first: Int, _ text: String
  ) throws {
    let (connection, plain) = (try database.connect(), try control.connect())
    try connection.execute("PRAGMA foreign_keys = ON")
    try plain.execute("PRAGMA foreign_keys = ON")
    let isShared = try hasNewNames(connection)
    for (index, deed) in (deeds(first) + deeds(first + 20)).enumerated() {
      // The first half of the deeds in one order, the second in the other.
      let isNew = isShared && (index.isMultiple(of: 2)) != (index >= deeds(first).count)
      try act(isNew ? deed.new : deed.old, connection, text)
      try act(deed.old, plain, text)
      let (old, wanted) = (try read(connection), try read(plain))
      try #require(old == wanted, "\(isNew ? deed.new : deed.old)\n\(text)")
      guard isShared else { continue }
      let new = try readNew(connection)
      try #require(new == wanted, "\(deed.old)\n\(text)")
    }
  }

  private func writeNew(
    _ database: TemporaryDatabase, _ control: TemporaryDatabase, from first: Int, _ text: String
  ) throws {
    let (connection, plain) = (try database.connect(), try control.connect())
    try connection.execute("PRAGMA foreign_keys = ON")
    try plain.execute("PRAGMA foreign_keys = ON")
    for deed in deeds(first) {
      try act(deed.new, connection, text)
      try act(deed.old, plain, text)
    }
    let (new, wanted) = (try readNew(connection), try read(plain))
    try #require(new == wanted, "\(text)")
  }

  private func act(_ statements: [String], _ connection: Connection, _ text: String) throws {
    for sql in statements {
      do {
        try connection.execute(sql)
      } catch {
        Issue.record("\(error): \(sql)\n\(text)")
        throw error
      }
    }
  }

  private func hasNewNames(_ connection: Connection) throws -> Bool {
    (try? connection.rows(
      "SELECT \(newColumns("x").map(\.0).joined(separator: ", ")) FROM \(newTable ?? shape.table)")) != nil
  }

  private func read(_ connection: Connection) throws -> [String] {
    try connection.rows("SELECT \(shape.key), \(shape.column) FROM \(shape.table) ORDER BY \(shape.key)").map
    { "\($0)" }
  }

  /// What a new version reads, in the words of an old one.
  private func readNew(_ connection: Connection) throws -> [String] {
    let names = newColumns("x").map(\.0)
    let value = down.map { RowExpression.list($0)[0].sql } ?? names[0]
    return try connection.rows(
      "SELECT \(shape.key), \(value) FROM \(newTable ?? shape.table) ORDER BY \(shape.key)"
    ).map { "\($0)" }
  }

  /// Down to where it began, where everything is as if only old versions had written.
  private func back(
    _ database: TemporaryDatabase, _ control: TemporaryDatabase, _ catalog: Catalog, _ text: String
  ) throws {
    let options = Options.test(live: ["app@1.5"])
    let plan = try database.migrator(catalog, options).plan(.downTo("0001"))
    for (id, reversal) in plan.reversals where id.migration.number == 2 {
      #expect([.exact, .expected, .uncertain].contains(reversal.word), "\(id): \(reversal.word)\n\(text)")
    }
    try database.run(.downTo("0001"), catalog, options)
    // How a full-text table cuts its segments is its own business.
    let rows = try [database, control].map { try $0.snapshot()?.rows.filter { !$0.key.hasPrefix("found_") } }
    #expect(rows[0] == rows[1], "\(text)")
    let schemas = try [database, control].map { try Schema(of: $0.connect()).digest }
    #expect(schemas[0] == schemas[1], "\(text)")
    #expect(database.integrity() == "ok")
    let orphans = try database.connect().rows("PRAGMA foreign_key_check")
    #expect(orphans.isEmpty)
    if shape.schema.contains("fts5") {
      let matches = "SELECT count(*) FROM found WHERE found MATCH 'title'"
      let counts = try [database, control].map { try $0.value(matches) }
      #expect(counts[0] == counts[1])
      try database.run("INSERT INTO found (found, rank) VALUES ('integrity-check', 1)")
    }
  }
}
