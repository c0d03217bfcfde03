package import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// What `phasedb import` writes: the schema at which the database stands as a baseline, and the migrations that it does not
/// have yet as phases.
package struct ImportPlan: Sendable {
  package let tool: MigrationTool
  /// How many migrations the baseline holds.
  package let history: Int
  /// The schema that they lead to; nil when it is empty.
  package let baseline: String?
  /// Tables of other tools, which the baseline leaves out.
  package let otherTools: [OtherTool]
  /// The migrations that the database does not have yet, in their order.
  package private(set) var pending: [Pending] = []
  /// Statements and migrations that no phase holds.
  package private(set) var leftOut: [LeftOut] = []
  /// Other notes for the person who imports.
  package private(set) var notes: [Prose] = []

  /// A migration that became phases.
  package struct Pending: Sendable {
    package let version: String
    /// The folder that its phases go into.
    package let folder: MigrationName
    package let phases: [PhaseConversion.Converted]
    /// What a person has to decide.
    package let notes: [Prose]
    /// Why its way up does not run here; nil when it does.
    package let failure: Prose?
  }

  package struct LeftOut: Sendable, Hashable {
    package let version: String
    /// The first line of a statement; nil for a whole migration.
    package let statement: String?
    package let place: Place?
    package let reason: Prose
  }

  /// How the phases are called, and what they begin with.
  package struct Naming: Sendable {
    /// What the migrations are called; nil for their own names.
    let name: String?
    /// The highest number that is taken.
    let taken: UInt64
    /// `APP RANGE` of the phases; nil leaves it to be written.
    let window: String?

    package init(name: String? = nil, after taken: UInt64 = 0, window: String? = nil) {
      self.name = name
      self.taken = taken
      self.window = window
    }

    /// - Parameters:
    ///   - index: from 0 on.
    ///   - isAlone: whether it is the only one.
    fileprivate func folder(_ own: String, _ index: Int, isAlone: Bool) throws(MigrationError)
      -> MigrationName
    {
      let number = String(taken + 1 + UInt64(index))
      let digits = String(repeating: "0", count: max(0, 4 - number.utf8.count)) + number
      let words = Self.words(own)
      return try MigrationName(
        "\(digits)-\(name.map { isAlone ? Self.words($0) : "\(Self.words($0))-\(words)" } ?? words)")
    }

    /// A name as that of a folder: letters and digits with hyphens between them, without a number in front.
    private static func words(_ name: String) -> String {
      let parts = name.lowercased().split { !$0.isLetter && !$0.isNumber }
      let bare = parts.drop { $0.allSatisfy(\.isNumber) }
      let words = String((bare.isEmpty ? parts[...] : bare).joined(separator: "-").prefix(60))
      return words.isEmpty ? "migration" : words.last == "-" ? String(words.dropLast()) : words
    }
  }

  /// - Parameters:
  ///   - database: the database that the folder belongs to; nil when every migration is history.
  ///   - present: the phase files that are there already, by their paths; what was taken over before is not taken again.
  ///   - stubs: functions of the application, which get a stand-in that returns its first argument.
  ///   - wait: how long to wait for a lock of others.
  /// - Throws: `import-refused` when the state of the database is not clear; what reading the folder and the database throws.
  package init(
    _ folder: ToolFolder, database: String?, naming: Naming, present: [String: String] = [:],
    stubs: [String] = [], wait: Duration
  ) throws(MigrationError) {
    guard folder.tool != .phasedb else {
      throw MigrationError(
        .importRefused, "\(folder.path) is a folder of phasedb already",
        help: ["name the folder of another tool"])
    }
    guard !folder.migrations.isEmpty else {
      throw MigrationError(
        .importRefused, "\(folder.path) has no migrations of \(folder.tool.rawValue)",
        help: ["name the folder that has them, or the tool with --tool"])
    }
    tool = folder.tool
    var applied = Set(folder.migrations.indices)
    let found: Baseline
    if let database {
      guard let connection = try DatabaseFile.openForReading(database, wait: wait, leavingNothing: true)
      else {
        throw MigrationError(
          .databaseNotFound, "there is no database at \(database)",
          help: ["check the path given with --database"])
      }
      let known = try Self.history(of: connection, folder, database)
      found = try Baseline.of(connection, functions: stubs.map { FunctionStub($0) })
      applied = known.applied(of: folder)
      notes += Self.notes(on: known, folder)
    } else {
      found = try HistoryReplay(folder, applied, stubs: stubs).baseline()
    }
    history = applied.count
    baseline = found.text
    otherTools = found.otherTools
    notes += HistoryReplay.lostRows(folder, applied, stubs: stubs)
    if database == nil, let table = tool.table, !OtherTool.isKnown(table) {
      notes.append(
        "a database also has the table \(table) of \(tool.rawValue), which baseline.sql has not: name the database to take it along"
      )
    } else if let table = tool.table, let text = found.text, Self.creates(table, in: text) {
      notes.append(
        "baseline.sql has the table \(table) of \(tool.rawValue) itself, because its name could be anybody's")
    }
    try convert(folder, applied, naming, present, stubs)
  }

  /// Whether a statement makes a table of this name.
  private static func creates(_ table: String, in text: String) -> Bool {
    SQLSplitter.statements(in: text).contains { range in
      let bytes = Array(text.utf8)
      return TableDefinition(String(decoding: bytes[range], as: UTF8.self))?.name == SchemaName(table)
    }
  }

  private static func history(
    of connection: Connection, _ folder: ToolFolder, _ database: String
  ) throws(MigrationError) -> ToolHistory {
    guard let history = try ToolHistory.read(from: connection, tool: folder.tool) else {
      let isEmpty = try lifting("reading the schema") { () in
        try connection.value("SELECT 1 FROM main.sqlite_schema LIMIT 1") == nil
      }
      if isEmpty { return ToolHistory(table: folder.tool.table ?? "", applied: []) }
      throw MigrationError(
        .importRefused,
        "\(database) has tables, and no record of \(folder.tool.rawValue) that says which migrations they come from",
        help: [
          "check that the database belongs to \(folder.path), or name the tool with --tool",
          "or begin with the schema as it is, without the folder: phasedb init --from \(ShellWord(database))",
        ])
    }
    if let dirty = history.dirty {
      throw MigrationError(
        .importRefused,
        "\(folder.tool.rawValue) stopped half way at \(dirty), so the state of \(database) is not known",
        help: ["mend it with \(folder.tool.rawValue) first"])
    }
    return history
  }

  private static func notes(on history: ToolHistory, _ folder: ToolFolder) -> [Prose] {
    var notes: [Prose] = []
    let missing = history.missing(from: folder)
    if !missing.isEmpty {
      notes.append(
        "the database has migrations that are not in the folder: \(missing.map { Prose($0) }.joined(separator: ", "))"
      )
    }
    for entry in history.applied {
      guard let migration = folder.migrations.first(where: { $0.version == entry.version }),
        let now = migration.checksum, let then = entry.checksum, now != then
      else { continue }
      notes.append(
        "\(migration.name) was edited after it was applied: its checksum in \(history.table) differs")
    }
    let applied = history.applied(of: folder)
    if let last = applied.max() {
      for index in folder.migrations.indices where index < last && !applied.contains(index) {
        notes.append(
          "\(folder.migrations[index].name) is pending although later ones are applied; it becomes a phase like the others"
        )
      }
    }
    return notes
  }

  private mutating func convert(
    _ folder: ToolFolder, _ applied: Set<Int>, _ naming: Naming, _ present: [String: String],
    _ stubs: [String]
  ) throws(MigrationError) {
    let conversion = try PhaseConversion(
      baseline: baseline.flatMap { Script($0, file: "baseline.sql") },
      functions: stubs.map { FunctionStub($0) })
    var transactions = 0
    for (index, migration) in folder.migrations.enumerated() where !applied.contains(index) {
      if let obstacle = migration.obstacle {
        leftOut.append(
          LeftOut(
            version: migration.version, statement: nil, place: Self.place(of: migration, folder),
            reason: obstacle))
        continue
      }
      let origin = "\(tool.rawValue): \(migration.files.joined(separator: ", "))"
      let known = present.sorted { $0.key < $1.key }.first { $0.value.tells("taken over from \(origin)") }?
        .key
      let up = migration.up.map { ForeignStatements($0, of: migration) }
      let down = migration.down.map { ForeignStatements($0, of: migration) }
      if known == nil {
        leftOut += (up?.leftOut ?? []) + (down?.leftOut ?? [])
        transactions += (up?.transactions ?? 0) + (down?.transactions ?? 0)
      }
      guard let up, !up.kept.isEmpty else {
        guard known == nil else { continue }
        leftOut.append(
          LeftOut(
            version: migration.version, statement: nil, place: Self.place(of: migration, folder),
            reason: up == nil ? "it has no way up" : "its way up has no statement that a phase can hold"))
        continue
      }
      let name = try naming.folder(
        migration.name, pending.count, isAlone: folder.migrations.count - applied.count == 1)
      let result = try conversion.convert(
        PhaseConversion.Change(
          name,
          summary:
            "\(migration.name), taken over from \(origin).",
          up: up.kept, down: down?.kept, window: naming.window))
      if let known {
        notes.append("\(migration.name) was taken over before: \(known)")
        continue
      }
      if migration.isRepeatable {
        notes.append(
          "\(migration.name) becomes a phase that runs once: write a new migration when it changes")
      }
      pending.append(
        Pending(
          version: migration.version, folder: name, phases: result.phases, notes: result.notes,
          failure: result.failure))
    }
    if transactions > 0 {
      notes.append(
        "\(CountText.text(transactions, "statement")) that begin or end a transaction were left out: phasedb runs each phase in one of its own"
      )
    }
  }

  private static func place(of migration: ToolMigration, _ folder: ToolFolder) -> Place? {
    migration.files.first.map { Place(file: "\(folder.path)/\($0)", line: 1, column: 1) }
  }
}

extension String {
  /// Whether its comments have these words, on however many lines.
  fileprivate func tells(_ words: String) -> Bool {
    let comments = Bytes.lines(of: Array(utf8)).map(\.text.trimmed).prefix {
      $0.hasPrefix("--") || $0.isEmpty
    }
    return comments.flatMap { $0.drop { $0 == "-" }.words }.joined(separator: " ").contains(
      words.words.joined(separator: " ") + ".")
  }
}

/// The statements of a script, without those that a phase cannot hold.
private struct ForeignStatements {
  /// With the comments above them.
  private(set) var kept: [String] = []
  private(set) var leftOut: [ImportPlan.LeftOut] = []
  /// How many statements begin or end a transaction.
  private(set) var transactions = 0

  init(_ script: ToolScript, of migration: ToolMigration) {
    let bytes = Array(script.text.utf8)
    var end = 0
    for range in script.statements {
      let statement = String(decoding: bytes[range], as: UTF8.self)
      let comments = Self.comments(
        String(decoding: bytes[min(end, range.lowerBound)..<range.lowerBound], as: UTF8.self))
      end = range.upperBound
      if Self.controlsTransaction(statement) {
        transactions += 1
      } else if let reason = Self.reason(against: statement) {
        let line = script.firstLine + bytes[..<range.lowerBound].count { $0 == UInt8(ascii: "\n") }
        leftOut.append(
          ImportPlan.LeftOut(
            version: migration.version,
            statement: statement.split(whereSeparator: \.isNewline).first.map(String.init) ?? "",
            place: Place(file: script.file, line: line, column: 1), reason: reason))
      } else {
        kept.append(comments + statement)
      }
    }
  }

  /// The comments for people, without the lines that are directives for a tool.
  private static func comments(_ text: String) -> String {
    Bytes.lines(of: Array(text.utf8)).map(\.text).filter { line in
      guard line.trimmed.hasPrefix("--") else { return !line.trimmed.isEmpty && line.trimmed != ";" }
      let words = line.trimmed.drop { $0 == "-" }.trimmed
      return ![
        "+goose", "migrate:", "> statement-breakpoint", "no-transaction", "depends:", "transactional:",
      ].contains {
        words.hasPrefix($0)
      }
    }.map { $0 + "\n" }.joined()
  }

  private static func controlsTransaction(_ statement: String) -> Bool {
    ["begin", "commit", "end", "rollback", "savepoint", "release"].contains(words(statement).first)
  }

  private static func words(_ statement: String) -> [String] {
    SQLTokens.firstWords(4, of: statement.utf8)
  }

  /// Why a phase cannot hold a statement; nil when it can.
  private static func reason(against statement: String) -> Prose? {
    let words = words(statement)
    switch words.first {
    case "pragma" where words.dropFirst().first == "foreign_keys":
      return "phasedb switches enforcement off while a phase runs, and checks the keys afterwards"
    case "pragma" where words.dropFirst().first == "defer_foreign_keys":
      return "phasedb checks the keys when the phase has run"
    case "pragma": return "set it where the application opens the database"
    case "vacuum": return "run it outside phasedb"
    case "attach", "detach": return "a phase works on one database"
    default: return nil
    }
  }
}

extension ImportPlan {
  /// The tool of a folder, by its files and by the tables of its database.
  package static func tool(
    of folder: String, database: String?, wait: Duration
  ) throws(MigrationError) -> MigrationTool {
    var recorded: [MigrationTool] = []
    if let database,
      let connection = try DatabaseFile.openForReading(database, wait: wait, leavingNothing: true)
    {
      recorded = try MigrationTool.recorded(in: connection)
    }
    return try MigrationTool.recognised(in: folder, recorded: recorded)
  }

  /// Keeps phases out of the folder of the other tool.
  ///
  /// - Throws: `import-refused` when one folder is the other, or one is within the other.
  package static func refuse(writing target: String, into source: String) throws(MigrationError) {
    guard let from = try? FileReading.absolute(source), let to = resolved(target),
      to == from || to.hasPrefix(from + "/") || from.hasPrefix(to + "/")
    else { return }
    throw MigrationError(
      .importRefused,
      to == from
        ? "\(target) is the folder of the other tool, and nothing is written there"
        : "\(target) and \(source) are one within the other, and each tool needs a folder of its own",
      help: ["name another folder for the phases: --migrations phases"])
  }

  /// A path without links, also of a folder that is not there yet.
  private static func resolved(_ path: String) -> String? {
    if let there = try? FileReading.absolute(path) { return there }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.last, !last.isEmpty else {
      return path.count > 1 ? resolved(String(path.dropLast())) : nil
    }
    let parent = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    return resolved(parent.isEmpty ? "/" : parent).map { $0 == "/" ? "/\(last)" : "\($0)/\(last)" }
  }
}
