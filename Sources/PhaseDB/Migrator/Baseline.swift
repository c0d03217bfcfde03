internal import PhaseSQLite

/// The schema of a database as SQL that makes it again: what `baseline.sql` holds.
public struct Baseline: Sendable {
  /// The statements in an order that runs, nil when the database has nothing to make.
  public let text: String?
  /// How many objects of each type there are: table, index, view and trigger, without what is made along with others.
  public let counts: [String: Int]
  /// The books of other tools, which are left out.
  public let neighbours: [Neighbour]
  /// Views and triggers that do not compile. They are part of the baseline, because they are part of the database.
  public let broken: [Broken]

  public struct Broken: Sendable, Hashable {
    /// `view` or `trigger`.
    public let type: String
    public let name: String
    /// What SQLite says of it.
    public let reason: String
  }
}

extension Migrator {
  /// The baseline of a database that no migration knows yet. Reads only.
  ///
  /// - Throws: `database-not-found`, `ledger-exists` when phases made the schema, `statement-failed` when a statement
  ///   does not run without the application that made it, for instance for want of its functions and collations.
  public func baseline() throws(MigrationError) -> Baseline {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database)", help: ["check the path given with --from"])
    }
    return try connection.reading { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      try refuseLedger(knowledge)
      return try BaselineDraft(connection, knowledge.schema).baseline()
    }
  }
}

/// A schema on its way to becoming a baseline.
private struct BaselineDraft {
  private let schema: Schema
  private let objects: [SchemaObject]

  /// - Throws: what SQLite says while reading.
  init(_ connection: Connection, _ schema: Schema) throws(MigrationError) {
    let shadows = try lifting("reading the schema") { () in try ShadowTables.names(on: connection, schema) }
    self.schema = schema
    // What a virtual table keeps its content in is made along with it.
    objects = schema.objects.filter { !shadows.contains($0.table.folded) }
  }

  func baseline() throws(MigrationError) -> Baseline {
    let counts = Dictionary(objects.map { ($0.key.type, 1) }, uniquingKeysWith: +)
    guard let text, let script = Script(text, file: "baseline.sql") else {
      return Baseline(text: nil, counts: counts, neighbours: schema.neighbours, broken: [])
    }
    let scratch: Scratch
    do throws(MigrationError) {
      scratch = try Scratch(baseline: script)
    } catch {
      throw error.leaving("nothing was written")
    }
    guard scratch.schema.digest == schema.digest else {
      throw MigrationError(
        .schemaDrift, "the statements of the schema do not make the same schema again",
        details: SchemaDifference(from: schema, to: scratch.schema).lines, state: "nothing was written",
        help: ["look at the named objects: their text in sqlite_schema was edited by hand"])
    }
    let broken = try lifting("looking for what does not compile") { () in
      try CompilationCheck(scratch.connection, objects).broken()
    }
    return Baseline(text: text, counts: counts, neighbours: schema.neighbours, broken: broken)
  }

  /// Tables first, virtual ones after those they may read; then what hangs on them. A view compiles only when it is
  /// used, so that views need no order among themselves.
  private var text: String? {
    guard !objects.isEmpty else { return nil }
    let statements = objects.enumerated().sorted {
      ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
    }.map(\.element.statement)
    return
      "-- The schema before the first phase. On an empty database it runs first; it is never changed.\n\n"
      + statements.joined(separator: "\n\n") + "\n"
  }
}

extension SchemaObject {
  fileprivate var rank: Int {
    switch key.type {
    case "table": isVirtual ? 1 : 0
    case "index": 2
    case "view": 3
    default: 4
    }
  }

  /// With its semicolon, which a comment at its end must not swallow.
  fileprivate var statement: String {
    var last: SQLTokens.Token.Kind?
    for token in SQLTokens(sql) where token.kind != .space { last = token.kind }
    return sql + (last == .lineComment ? "\n;" : ";")
  }
}

/// Finds views and triggers that SQLite stores and cannot compile. It looks into a body only when it is used.
///
/// Works on a database in memory that has the schema and nothing else, and takes its triggers away one by one.
private struct CompilationCheck {
  private let connection: Connection
  private let objects: [SchemaObject]

  init(_ connection: Connection, _ objects: [SchemaObject]) {
    (self.connection, self.objects) = (connection, objects)
  }

  func broken() throws(SQLiteError) -> [Baseline.Broken] {
    // As a connection that runs phases has it: a column that is gone must not be taken for a text.
    connection.turn(.doubleQuotedStringsInDML, on: false)
    var broken: [Baseline.Broken] = []
    for view in objects where view.key.type == "view" {
      if let reason = whyNot("SELECT * FROM \(SQLText.identifier(view.name))") {
        broken.append(Baseline.Broken(type: "view", name: view.name, reason: reason))
      }
    }
    let triggers = objects.filter { $0.key.type == "trigger" }
    for trigger in triggers { try connection.execute("DROP TRIGGER \(SQLText.identifier(trigger.name))") }
    // One at a time, so that it is known whose fault it is.
    for trigger in triggers {
      try connection.execute(trigger.sql)
      if let reason = try writes(to: trigger.table).lazy.compactMap(whyNot).first {
        broken.append(Baseline.Broken(type: "trigger", name: trigger.name, reason: reason))
      }
      try connection.execute("DROP TRIGGER \(SQLText.identifier(trigger.name))")
    }
    return broken
  }

  /// Statements that between them fire every trigger of a table or view.
  private func writes(to table: String) throws(SQLiteError) -> [String] {
    let name = SQLText.identifier(table)
    let columns =
      (try? connection.rows(
        "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0", .text(table))) ?? []
    let assignments = columns.compactMap { $0[0].text.map(SQLText.identifier) }.map { "\($0) = \($0)" }
    return ["INSERT INTO \(name) DEFAULT VALUES", "DELETE FROM \(name)"]
      + (assignments.isEmpty ? [] : ["UPDATE \(name) SET \(assignments.joined(separator: ", "))"])
  }

  /// Why a statement does not compile, nil when it does; a view that has no trigger for it is not the trigger's fault.
  private func whyNot(_ statement: String) -> String? {
    do throws(SQLiteError) {
      _ = try connection.prepare("EXPLAIN \(statement)")
      return nil
    } catch {
      return error.message.hasPrefix("cannot modify") ? nil : error.message
    }
  }
}
