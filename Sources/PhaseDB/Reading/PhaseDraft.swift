internal import PhaseSQL

/// A phase file that is partly read. It becomes a ``Phase`` when nothing is missing.
struct PhaseDraft {
  private let kind: Phase.Kind
  private let source: PhaseSource
  private let outline: PhaseOutline
  private var sections: [(directive: Directive, body: Range<Int>)] = []
  private var declarations: DeclarationsDraft

  init(_ kind: Phase.Kind, _ source: PhaseSource) throws(MigrationError) {
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
    let probes = try probes()
    return Phase(
      kind, windows: try Windows(first, Array(declarations.windows.dropFirst())), up: up, down: down,
      summary: outline.summary, verifications: verifications, residuals: declarations.residuals,
      losses: declarations.losses, retirements: declarations.retirements,
      soak: declarations.soak, needs: declarations.needs, budget: declarations.budget,
      batching: declarations.batching, allowances: declarations.allowances, watch: declarations.watch,
      probes: probes, lanes: try lanes(), switches: declarations.switches, effects: declarations.effects)
  }
}

// MARK: - Sections

extension PhaseDraft {
  private mutating func openSection(_ directive: Directive) throws(MigrationError) {
    let mayRepeat = [.verify, .probe, .red].contains(directive.name)
    if directive.name == .red, ![.probe, .red].contains(sections.last?.directive.name) {
      throw source.bad(
        directive, "@red stands behind no @probe",
        help: "write it below the query of the probe that it makes fail")
    }
    if directive.name == .verify, directive.arguments.isEmpty {
      throw source.bad(
        directive, "@verify has no title", help: "say what must hold: -- @verify every customer has a name")
    }
    if isArchive(directive), kind != .migrate {
      throw source.bad(
        directive, "@down archive in a phase of kind \(kind.rawValue)", at: directive.whole,
        help: "only a migrate phase comes down by its archive alone: write the SQL that undoes @up")
    }
    if ![.verify, .probe].contains(directive.name), !directive.arguments.isEmpty, !isArchive(directive) {
      throw source.bad(
        directive, "\(source.word(directive)) takes no arguments", at: directive.arguments,
        help: "write the SQL on the lines after it")
    }
    if let earlier = sections.first(where: { !mayRepeat && $0.directive.name == directive.name }) {
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

  /// Whether it is `@down archive`.
  private func isArchive(_ directive: Directive) -> Bool {
    directive.name == .down && source.string(directive.arguments) == "archive"
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
    if isArchive(directive) {
      guard script(body) == nil else {
        throw source.bad(
          directive, "@down archive has SQL", at: directive.whole,
          help: "remove it, or the word archive: an archive comes back beside the SQL, too")
      }
      return Script(anything: "", file: source.file, firstLine: source.line(directive))
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

  /// Whether the phase retires and has no SQL at all. phasedb knows both directions of a retirement. If only one
  /// direction has SQL, the author may have forgotten the other, and must write at least a comment there.
  private var isAllRetirement: Bool {
    !declarations.retirements.isEmpty
      && [.up, .down].allSatisfy { section($0).flatMap { script($0.body) } == nil }
  }

  private func script(_ body: Range<Int>) -> Script? {
    Script(source.string(body), file: source.file, firstLine: source.line(at: body.lowerBound))
  }

  private func query(_ directive: Directive, _ body: Range<Int>) throws(MigrationError) -> Script {
    guard let script = script(body) else {
      throw source.bad(
        directive, "@verify has no query",
        help: "write one SELECT after it that returns the rows that break the claim")
    }
    try refuseSecondStatement(directive, body)
    return script
  }

  private func refuseSecondStatement(_ directive: Directive, _ body: Range<Int>) throws(MigrationError) {
    let statements = outline.statements.filter { body.contains($0.lowerBound) }
    guard statements.count > 1 else { return }
    throw MigrationError(
      .badDirective, "a second statement under \(source.word(directive))", at: source.place(statements[1]),
      help: ["give it a -- \(source.word(directive)) TITLE of its own"])
  }

  private func probes() throws(MigrationError) -> [Probe] {
    var probes: [Probe] = []
    for (index, (directive, body)) in sections.enumerated() where directive.name == .probe {
      let arguments = try ProbeArguments(directive, in: source)
      guard !probes.contains(where: { $0.title == arguments.title }) else {
        throw source.bad(
          directive, "a second probe '\(arguments.title)'", at: directive.whole, help: "give it another title"
        )
      }
      try refuseSecondStatement(directive, body)
      let query = script(body)
      if let query { try refuseParameters(in: query) }
      let red = try red(behind: index, of: query)
      probes.append(
        Probe(
          arguments.title, query: query, expecting: arguments.expectation, fails: arguments.tolerance,
          missing: arguments.missing, isControl: arguments.isControl, red: red))
    }
    if let first = sections.first(where: { $0.directive.name == .probe }), declarations.watch == nil {
      throw source.bad(
        first.directive, "a probe without @watch is never asked",
        help: "say how long and how often: -- @watch 30m every 30s")
    }
    guard let watch = outline.directives.first(where: { $0.name == .watch }),
      probes.allSatisfy(\.isControl)
    else { return probes }
    throw source.bad(
      watch, probes.isEmpty ? "@watch has no probe to ask" : "@watch has controls and nothing else to ask",
      help: "add a probe: -- @probe TITLE and under it one SELECT")
  }

  /// The SQL of `@red` behind a probe.
  private func red(behind index: Int, of query: Script?) throws(MigrationError) -> Script? {
    guard index + 1 < sections.count, sections[index + 1].directive.name == .red else { return nil }
    let (directive, body) = sections[index + 1]
    if index + 2 < sections.count, sections[index + 2].directive.name == .red {
      throw source.bad(
        sections[index + 2].directive, "a second @red", help: "write both parts under the first one")
    }
    guard query != nil else {
      throw source.bad(
        directive, "@red behind a probe of the settings, which a rehearsal does not ask",
        help: "remove it, or give the probe a query of its own")
    }
    guard let red = script(body) else {
      throw source.bad(directive, "@red has no SQL", help: "write what makes the probe fail")
    }
    try BatchParameters(red).check(isBatched: false)
    return red
  }

  private func refuseParameters(in query: Script) throws(MigrationError) {
    for token in SQLTokens(query.text) where token.kind == .variable {
      let name = String(decoding: Array(query.text.utf8)[token.range], as: UTF8.self)
      guard name != Probe.since else { continue }
      throw MigrationError(
        .badDirective, "the parameter \(name) has no value in a probe",
        at: query.place(at: token.range.lowerBound, length: token.range.count),
        help: ["a probe has one parameter, :since, the moment at which the phase went up"])
    }
  }

  private func lanes() throws(MigrationError) -> [LaneUse] {
    if declarations.watch == nil, let use = declarations.lanes.first(where: \.use.isThroughWatch) {
      throw source.bad(
        use.directive, "@lane \(use.use.lane) is held through the watch, and the phase has no @watch",
        at: use.directive.whole, help: "say how long and how often: -- @watch 30m every 30s")
    }
    return declarations.lanes.map(\.use)
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
