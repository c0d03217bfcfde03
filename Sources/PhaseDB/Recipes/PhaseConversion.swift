internal import PhaseSQL
package import PhaseSQLite

/// Makes phases from SQL that was written for another tool. The change of the schema decides the kind of each phase,
/// and each phase is tried.
package final class PhaseConversion {
  /// The scratch database, in the state before the next change.
  private let scratch: Scratch
  /// The contracts so far, and the names of what they remove or change.
  private var contracts: [(id: PhaseID, names: Set<FoldedName>)] = []

  private let terms: ScratchTerms

  /// - Parameters:
  ///   - baseline: the schema before the first change, nil for an empty database.
  ///   - functions: those of the application.
  /// - Throws: what the baseline's SQL throws.
  package init(baseline: Script?, functions: [FunctionStub] = []) throws(MigrationError) {
    terms = ScratchTerms(functions: functions)
    scratch = try Scratch(baseline: baseline, terms: terms)
  }

  /// A change as its tool has it.
  package struct Change: Sendable {
    let name: MigrationName
    /// What it is and where it comes from: a sentence.
    let summary: String
    /// Statements with the comments above them.
    let up: [String]
    /// nil when the tool has no way back for it.
    let down: [String]?
    /// `APP RANGE`; nil leaves the window to be written.
    let window: String?

    package init(_ name: MigrationName, summary: String, up: [String], down: [String]?, window: String?) {
      self.name = name
      self.summary = summary
      self.up = up.map(Self.harmless)
      self.down = down?.map(Self.harmless)
      self.window = window
    }

    /// The statement with a semicolon, and no comment that would be read as a directive.
    private static func harmless(_ statement: String) -> String {
      let bytes = Array(statement.utf8)
      var text = ""
      var (endsWithSemicolon, endsWithComment) = (false, false)
      for token in SQLTokens(bytes: bytes) {
        var part = String(decoding: bytes[token.range], as: UTF8.self)
        if token.kind == .lineComment {
          let words = part.drop { $0 == "-" || $0 == " " || $0 == "\t" }
          if words.first == "@" { part = "-- at " + words.dropFirst() }
        }
        text += part
        endsWithComment = token.kind == .lineComment || endsWithComment && token.kind.isTrivia
        if !token.kind.isTrivia { endsWithSemicolon = token.isSemicolon }
      }
      return endsWithSemicolon ? text : text + (endsWithComment ? "\n;" : ";")
    }
  }

  /// A phase that was made.
  package struct Converted: Sendable {
    package let kind: Phase.Kind
    /// The file.
    package let text: String
    /// Why its way down is not written; nil when it is, and leads back to the schema before.
    package let open: Prose?
  }

  package struct Result: Sendable {
    /// In the order in which they go up: one of each kind at most.
    package let phases: [Converted]
    /// What a person has to decide.
    package let notes: [Prose]
    /// Why the way up does not run here; nil when it does.
    package let failure: Prose?
  }

  /// Converts the next change.
  package func convert(_ change: Change) throws(MigrationError) -> Result {
    let before = scratch.schema
    let trial = try copy(of: before)
    var steps: [Step] = []
    for statement in change.up {
      guard let script = Script(statement, file: "the way up") else { continue }
      let start = trial.schema
      var writes = WriteSet()
      var rename: (from: FoldedName, to: FoldedName)?
      do throws(MigrationError) {
        try trial.run(script) { effect in
          writes.formUnion(effect.writes)
          rename = effect.rename(in: script) ?? rename
        }
      } catch {
        return untried(change, before, trial.schema, because: Self.sentence(error))
      }
      steps.append(
        Step(statement: statement, before: start, after: trial.schema, writes: writes, rename: rename))
    }
    let parts = Parts(steps, before, trial.schema)
    let result = try written(change, parts)
    if let contract = result.phases.first(where: { $0.kind == .contract }) {
      let difference = SchemaDifference(from: before, to: trial.schema)
      let touched = difference.removed + difference.changed.map(\.before)
      contracts.append(
        (PhaseID(change.name, contract.kind), Set(touched.flatMap { [$0.key.name, $0.table.folded] })))
    }
    for step in steps {
      if let script = Script(step.statement, file: "the way up") { try scratch.run(script) }
    }
    return result
  }

  /// A statement that was run, and what it did.
  private struct Step {
    let statement: String
    let before: Schema
    let after: Schema
    let writes: WriteSet
    let rename: (from: FoldedName, to: FoldedName)?

    var difference: SchemaDifference { SchemaDifference(from: before, to: after) }
  }

  /// Statements that go into one phase.
  private struct Part {
    var kind: Phase.Kind
    var statements: [String]
    let before: Schema
    var after: Schema
    /// What the statements write.
    var writes: WriteSet
  }

  /// The parts of a change by the kinds of its statements.
  private struct Parts {
    /// The change as one phase.
    let whole: Part
    /// One for each kind, in order; nil when the statements cannot be told apart.
    let split: [Part]?
    /// Tables whose rows change, and that were there before.
    let rows: Set<FoldedName>

    init(_ steps: [Step], _ before: Schema, _ after: Schema) {
      var own: Set<FoldedName> = []
      var rows: Set<FoldedName> = []
      var parts: [Part] = []
      var isRebuild = false
      var copied: Set<FoldedName> = []
      for step in steps {
        own.formUnion(step.writes.createdTables)
        if let rename = step.rename {
          isRebuild = true
          own.insert(rename.to)
        }
        if !step.writes.droppedTables.isDisjoint(with: copied) { isRebuild = true }
        if !step.writes.rowTables.isDisjoint(with: own) { copied.formUnion(step.writes.readTables) }
        let others = step.writes.rowTables.subtracting(own).subtracting(step.writes.droppedTables)
          .filter { !Schema.isForeign($0, of: $0) }
        var kind: Phase.Kind?
        if !step.difference.isEmpty {
          kind = step.difference.losses(in: step.after).isEmpty ? .expand : .contract
        } else if !others.isEmpty {
          kind = .migrate
        }
        rows.formUnion(others)
        // A statement without an effect stays with the one before it.
        let chosen = kind ?? parts.last?.kind ?? .expand
        if parts.last?.kind == chosen || (kind == nil && !parts.isEmpty) {
          parts[parts.count - 1].statements.append(step.statement)
          parts[parts.count - 1].after = step.after
          parts[parts.count - 1].writes.formUnion(step.writes)
        } else {
          parts.append(
            Part(
              kind: chosen, statements: [step.statement], before: step.before, after: step.after,
              writes: step.writes))
        }
      }
      let difference = SchemaDifference(from: before, to: after)
      let kind: Phase.Kind =
        difference.isEmpty
        ? (rows.isEmpty ? .expand : .migrate) : difference.losses(in: after).isEmpty ? .expand : .contract
      whole = Part(
        kind: kind, statements: steps.map(\.statement), before: before, after: after,
        writes: steps.reduce(into: WriteSet()) { $0.formUnion($1.writes) })
      let kinds = parts.map(\.kind)
      split =
        parts.count > 1 && !isRebuild && zip(kinds, kinds.dropFirst()).allSatisfy { $0 < $1 } ? parts : nil
      self.rows = rows
    }

    /// Whether one phase alone holds what belongs into several.
    var isMixed: Bool { !rows.isEmpty && whole.kind != .migrate }
  }

  private func written(_ change: Change, _ parts: Parts) throws(MigrationError) -> Result {
    if let split = parts.split {
      let downs = try change.down.map { down throws(MigrationError) in
        try cut(down, for: split)
      }
      // Splitting helps only if every part has its way down.
      if downs.map({ $0 != nil }) ?? true {
        let phases = try split.enumerated().map { index, part throws(MigrationError) in
          try converted(change, part, down: downs.flatMap { $0?[index] })
        }
        return Result(phases: phases, notes: [], failure: nil)
      }
    }
    var notes: [Prose] = []
    if parts.isMixed {
      notes.append(
        "it changes the schema, and rows of \(parts.rows.map(\.text).sorted().joined(separator: ", ")): decide whether the rows can move to a migrate phase"
      )
    } else if parts.split != nil {
      notes.append("it adds and removes: decide whether what it removes can wait for a contract of its own")
    }
    let phase = try converted(change, parts.whole, down: change.down, notes: notes)
    return Result(phases: [phase], notes: notes, failure: nil)
  }

  /// The statements of the way down for each part, found by the schema to which they lead; nil when there is no such place.
  private func cut(_ down: [String], for parts: [Part]) throws(MigrationError) -> [[String]]? {
    guard let last = parts.last else { return nil }
    let trial = try copy(of: last.after)
    var rest = down[...]
    var pieces: [[String]] = []
    for part in parts.dropFirst().reversed() {
      var piece: [String] = []
      var isThere = part.kind == .migrate
      while let statement = rest.first {
        guard let script = Script(statement, file: "the way down") else {
          rest = rest.dropFirst()
          continue
        }
        if part.kind != .migrate, trial.schema.digest == part.before.digest { break }
        let start = trial.schema.digest
        // In a migrate phase, a statement of the way down that changes the schema belongs to the part before.
        let copy = part.kind == .migrate ? try self.copy(of: trial.schema) : nil
        if let copy {
          guard (try? copy.run(script)) != nil else { return nil }
          if copy.schema.digest != start { break }
        }
        guard (try? trial.run(script)) != nil else { return nil }
        piece.append(statement)
        rest = rest.dropFirst()
        if trial.schema.digest == part.before.digest { isThere = true }
      }
      guard isThere else { return nil }
      pieces.append(piece)
    }
    pieces.append(Array(rest))
    return pieces.reversed()
  }

  private func converted(
    _ change: Change, _ part: Part, down: [String]?, notes: [Prose] = []
  ) throws(MigrationError) -> Converted {
    let statements = (down ?? []).filter { Script($0) != nil }
    var open: Prose?
    var body = statements
    var comesFromArchive = false
    if statements.isEmpty {
      // phasedb archives rows that are only overwritten or deleted, and they come back from the archive.
      comesFromArchive = part.kind == .migrate && part.writes.insertedTables.isEmpty
      if !comesFromArchive {
        open = down == nil ? "the folder has no way down for it" : "its way down has no statement for this"
      }
    } else if let reason = try difference(after: statements, of: part) {
      open = reason
      body = []
    }
    return Converted(
      kind: part.kind,
      text: Self.text(
        change, up: part.statements, down: body, rejected: open == nil ? [] : statements,
        open: open,
        notes: notes, needs: needs(part.statements), comesFromArchive: comesFromArchive), open: open)
  }

  /// Earlier contracts that statements need, because they name what those remove or change. The tool runs them in this
  /// order, and phasedb may hold a contract for weeks.
  private func needs(_ statements: [String]) -> [PhaseID] {
    let names = SQLTokens.identifiers(in: statements.joined(separator: "\n"))
    return contracts.filter { !$0.names.isDisjoint(with: names) }.map(\.id)
  }

  /// Why the way down does not lead back to the schema before; nil when it does.
  private func difference(after down: [String], of part: Part) throws(MigrationError) -> Prose? {
    guard let up = Script(part.statements.joined(separator: "\n"), file: "the way up"),
      let down = Script(down.joined(separator: "\n"), file: "the way down")
    else { return nil }
    let id = PhaseID(try MigrationName("1-trial"), part.kind)
    let phase = Phase(
      part.kind, windows: try Windows(Window("trial", .all)), up: up, down: down)
    let trial = try copy(of: part.before)
    do throws(MigrationError) {
      try trial.run(id, phase, .up)
      try trial.run(id, phase, .down, to: part.before)
    } catch {
      return "its way down does not run: \(Self.sentence(error))"
    }
    let difference = SchemaDifference(from: part.before, to: trial.schema)
    guard !difference.isEmpty else { return nil }
    return
      "its way down leads to another schema: \(difference.sentences.prefix(4).joined(separator: "; "))"
  }

  /// A change whose way up does not run here is written as it is.
  private func untried(
    _ change: Change, _ before: Schema, _ reached: Schema, because reason: Prose
  ) -> Result {
    let removes = change.up.contains { statement in
      let words = SQLWord.all(in: statement)
      return words.first.map { $0.is("drop") } == true
        || words.first.map { $0.is("alter") } == true && words.contains { $0.is("drop") || $0.is("rename") }
    }
    let losses = SchemaDifference(from: before, to: reached).losses(in: reached)
    let kind: Phase.Kind = removes || !losses.isEmpty ? .contract : .expand
    let note: Prose = "its way up does not run here, so nothing about it was tried: \(reason)"
    let open: Prose? = change.down == nil ? "the folder has no way down for it" : nil
    let text = Self.text(
      change, up: change.up, down: change.down ?? [], rejected: [], open: open, notes: [note],
      needs: needs(change.up), comesFromArchive: false)
    return Result(phases: [Converted(kind: kind, text: text, open: open)], notes: [], failure: reason)
  }

  private static func sentence(_ error: MigrationError) -> Prose { error.message }

  /// A scratch database with a schema and no rows.
  private func copy(of schema: Schema) throws(MigrationError) -> Scratch {
    let copy = try Scratch(baseline: nil, terms: terms)
    try copy.make(Array(schema.objects))
    return copy
  }

  private static func text(
    _ change: Change, up: [String], down: [String], rejected: [String], open: Prose?,
    notes: [Prose], needs: [PhaseID], comesFromArchive: Bool
  ) -> String {
    var lines = PhaseText.comment(change.summary)
    for note in notes { lines += ["--"] + PhaseText.comment("To decide: \(oneLine(note)).") }
    lines += ["--"] + (change.window.map { ["-- @window \($0)"] } ?? PhaseText.openWindow)
    lines += needs.map { "-- @needs \("\($0)".asDirectiveName)" }
    lines += ["", "-- @up"] + up.map(trimmed) + ["", comesFromArchive ? "-- @down archive" : "-- @down"]
    if let open { lines += PhaseText.comment("To write: \(oneLine(open)).") }
    if !rejected.isEmpty {
      lines.append("-- What the folder has:")
      for statement in rejected {
        lines += trimmed(statement).split(separator: "\n", omittingEmptySubsequences: false).map {
          "-- | \($0)"
        }
      }
    }
    lines += down.map(trimmed)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func oneLine(_ text: Prose) -> String {
    text.description.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private static func trimmed(_ statement: String) -> String {
    var text = statement[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
