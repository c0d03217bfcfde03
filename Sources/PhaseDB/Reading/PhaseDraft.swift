/// What has been read of a phase file so far; becomes a ``Phase`` when nothing is missing.
struct PhaseDraft {
  private let kind: PhaseKind
  private let source: PhaseSource
  private let outline: PhaseOutline
  private var sections: [(directive: Directive, body: Range<Int>)] = []
  private var declarations: DeclarationsDraft

  init(_ kind: PhaseKind, _ source: PhaseSource) throws(MigrationError) {
    self.kind = kind
    self.source = source
    declarations = DeclarationsDraft(kind, source)
    outline = try PhaseOutline(source)
    for directive in outline.directives {
      if directive.name?.isSection == true {
        try openSection(directive)
      } else {
        try declarations.take(directive)
      }
    }
  }

  func phase() throws(MigrationError) -> Phase {
    try refuseSQLOutsideSections()
    let up = try script(.up, other: .down, else: .missingUp)
    let down = try script(.down, other: .up, else: .missingDown)
    guard let first = declarations.windows.first else { throw missing(.window, .missingWindow) }
    for script in [up, down] { try BatchParameters(script).check(isBatched: declarations.batching != nil) }
    var verifications: [Verification] = []
    for (directive, body) in sections where directive.name == .verify {
      verifications.append(
        Verification(source.string(directive.arguments), query: try query(directive, body)))
    }
    return Phase(
      kind, windows: try Windows(first, Array(declarations.windows.dropFirst())), up: up, down: down,
      summary: outline.summary, verifications: verifications, residuals: declarations.residuals,
      losses: declarations.losses, retirements: declarations.retirements,
      soak: declarations.soak, needs: declarations.needs, budget: declarations.budget,
      batching: declarations.batching, allowances: declarations.allowances)
  }
}

// MARK: - Sections

extension PhaseDraft {
  private mutating func openSection(_ directive: Directive) throws(MigrationError) {
    let isVerify = directive.name == .verify
    if isVerify, directive.arguments.isEmpty {
      throw source.bad(
        directive, "@verify has no title", help: "say what must hold: -- @verify every customer has a name")
    }
    if !isVerify, !directive.arguments.isEmpty {
      throw source.bad(
        directive, "\(source.word(directive)) takes no arguments", at: directive.arguments,
        help: "write the SQL on the lines after it")
    }
    if let earlier = sections.first(where: { !isVerify && $0.directive.name == directive.name }) {
      throw source.bad(
        directive,
        "a second \(source.word(directive)), the first is on line \(source.line(earlier.directive))",
        help: "write both parts under the first one")
    }
    if let last = sections.indices.last {
      sections[last].body = sections[last].body.lowerBound..<directive.lineStart
    }
    sections.append((directive, directive.nextLine..<source.bytes.count))
  }

  private func refuseSQLOutsideSections() throws(MigrationError) {
    let start = sections.first?.directive.lineStart ?? source.bytes.count
    guard let statement = outline.statements.first, statement.lowerBound < start else { return }
    throw MigrationError(
      .badDirective, "there is SQL before the first section", at: source.place(statement),
      help: ["write -- @up on a line above it"])
  }

  private func script(
    _ name: Directive.Name, other: Directive.Name, else id: MigrationError.ID
  ) throws(MigrationError) -> Script {
    guard let (directive, body) = section(name) else {
      if isAllRetirement { return Script(anything: "", file: source.file, firstLine: 1) }
      throw missing(name, id)
    }
    if let script = script(body) { return script }
    let text = source.string(body)
    if isAllRetirement || (!declarations.retirements.isEmpty && text.contains { !$0.isWhitespace }) {
      return Script(anything: text, file: source.file, firstLine: source.line(at: body.lowerBound))
    }
    throw MigrationError(
      id, "@\(name.rawValue) has no SQL", at: source.place(directive.word),
      help: declarations.retirements.isEmpty
        ? [name.remedy]
        : [
          name.remedy,
          "if @\(other.rawValue) leaves nothing to undo beside what is retired, say so in a comment under @\(name.rawValue)",
        ])
  }

  private func section(_ name: Directive.Name) -> (directive: Directive, body: Range<Int>)? {
    sections.first { $0.directive.name == name }
  }

  /// Whether the phase retires and has no SQL at all: phasedb knows both directions of that. If only one direction has
  /// SQL, the author may have forgotten the other, and must at least write a comment there.
  private var isAllRetirement: Bool {
    !declarations.retirements.isEmpty
      && [.up, .down].allSatisfy { section($0).flatMap { script($0.body) } == nil }
  }

  private func script(_ body: Range<Int>) -> Script? {
    Script(source.string(body), file: source.file, firstLine: source.line(at: body.lowerBound))
  }

  private func query(_ directive: Directive, _ body: Range<Int>) throws(MigrationError) -> Script {
    let statements = outline.statements.filter { body.contains($0.lowerBound) }
    guard !statements.isEmpty, let script = script(body) else {
      throw source.bad(
        directive, "@verify has no query",
        help: "write one SELECT after it that returns the rows that break the claim")
    }
    guard statements.count == 1 else {
      throw MigrationError(
        .badDirective, "a second statement under @verify", at: source.place(statements[1]),
        help: ["give it a -- @verify TITLE of its own"])
    }
    return script
  }

  private func missing(_ name: Directive.Name, _ id: MigrationError.ID) -> MigrationError {
    var help = [name.remedy]
    if let (directive, trigger) = outline.swallowed.first(where: { $0.directive.name == name }) {
      help.insert(
        "the @\(name.rawValue) on line \(source.line(directive)) is inside the trigger that starts on line "
          + "\(source.line(at: trigger.lowerBound)): close its body with END;", at: 0)
    }
    return MigrationError(
      id, "the \(kind.rawValue) phase has no @\(name.rawValue)", at: source.place(0..<1), help: help)
  }
}
