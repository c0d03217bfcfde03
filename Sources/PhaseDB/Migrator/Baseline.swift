internal import PhaseSQL
package import PhaseSQLite

/// The schema of a database as SQL that makes it: the content of `baseline.sql`.
package struct Baseline: Sendable {
  /// The statements in an order in which they run; nil when the database is empty.
  package let text: String?
  /// How many objects of each type there are: table, index, view and trigger. Objects that SQLite makes along with
  /// others do not count.
  package let counts: [String: Int]
  /// The tables of other migration tools, which are left out.
  package let otherTools: [OtherTool]
  /// Views and triggers that do not compile, as lint finds them. They are part of the baseline, because they are part of
  /// the database.
  package let broken: [Broken]

  package struct Broken: Sendable, Hashable {
    /// `view` or `trigger`.
    package let type: String
    package let name: String
    /// SQLite's message.
    package let reason: String
    /// Other views and triggers that do not compile because they use it: `view sales`.
    package let dependents: [String]

    init(_ failure: SchemaCode.Failure) {
      type = failure.object.key.type
      name = failure.object.name
      reason = failure.message
      dependents = failure.dependents
    }
  }
}

extension Baseline {
  /// The baseline of an open database.
  ///
  /// - Throws: `statement-failed` when a statement does not run without the application that made it.
  package static func of(
    _ connection: Connection, functions: [FunctionStub] = []
  ) throws(MigrationError) -> Baseline {
    let schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    return try BaselineDraft(connection, schema, functions: functions).baseline()
  }
}

/// Collects the statements of a baseline.
struct BaselineDraft {
  private let schema: Schema
  let objects: [SchemaObject]
  private let terms: ScratchTerms

  /// - Throws: what SQLite says while reading.
  init(
    _ connection: Connection, _ schema: Schema, functions: [FunctionStub] = []
  ) throws(MigrationError) {
    let shadows = try lifting("reading the schema") { () in try ShadowTables.names(on: connection, schema) }
    self.schema = schema
    terms = ScratchTerms(functions: functions, ignored: connection.ignoredTables)
    // SQLite makes the shadow tables of a virtual table along with it.
    objects = (schema.objects + schema.ignoredButNeeded).filter { !shadows.contains($0.table.folded) }
  }

  func baseline() throws(MigrationError) -> Baseline {
    let counts = Dictionary(objects.map { ($0.key.type, 1) }, uniquingKeysWith: +)
    guard let text = text(), let script = Script(text, file: "baseline.sql") else {
      return Baseline(text: nil, counts: counts, otherTools: schema.otherTools, broken: [])
    }
    let scratch: Scratch
    do throws(MigrationError) {
      scratch = try Scratch(baseline: script, terms: terms)
    } catch {
      throw error.leaving("nothing was written")
    }
    guard scratch.schema.digest == schema.digest else {
      throw MigrationError(
        .schemaDrift, "the statements of the schema do not lead to the same schema",
        details: SchemaDifference(from: schema, to: scratch.schema).lines, state: "nothing was written",
        help: ["check these objects: their text in sqlite_schema was edited by hand"])
    }
    let broken = try scratch.brokenInBaseline().map(Baseline.Broken.init)
    return Baseline(text: text, counts: counts, otherTools: schema.otherTools, broken: broken)
  }

  /// Tables first, virtual ones after those they may read; then objects that depend on them. A view compiles only when
  /// it is used, so views need no order among themselves.
  ///
  /// - Parameters:
  ///   - squashed: the phases that it replaces.
  ///   - rows: statements that insert rows, before there are triggers that would fire.
  func text(squashed: [SquashedPhase] = [], rows: [String] = []) -> String? {
    guard !objects.isEmpty else { return nil }
    let ordered = objects.enumerated().sorted {
      ($0.element.rank(), $0.offset) < ($1.element.rank(), $1.offset)
    }.map(\.element)
    let tables = ordered.filter { $0.key.type == "table" }.map(\.statement)
    let rest = ordered.filter { $0.key.type != "table" }.map(\.statement)
    let inserts = rows.isEmpty ? [] : [rows.joined(separator: "\n")]
    let lines =
      squashed.isEmpty
      ? "" : "--\n-- These phases were squashed into it:\n" + squashed.map { $0.line + "\n" }.joined()
    return
      "-- The schema before the first phase. On an empty database it runs first; it is never changed.\n\(lines)\n"
      + (tables + inserts + rest).joined(separator: "\n\n") + "\n"
  }
}
