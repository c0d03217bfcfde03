/// Collects what the directives of a phase file declare, except those that begin sections.
struct DeclarationsDraft {
  private let kind: Phase.Kind
  private let source: PhaseSource
  private(set) var windows: [Window] = []
  private(set) var residuals: [Residual]?
  private(set) var effects: [Effect] = []
  private(set) var losses: [Loss] = []
  private(set) var retirements: [Retirement] = []
  private(set) var soak: Duration?
  private(set) var needs: [String] = []
  private(set) var budget: Budget?
  private(set) var batching: Batching?
  private(set) var allowances: [Allowance] = []
  private(set) var watch: Watch?
  private(set) var lanes: [(use: LaneUse, directive: Directive)] = []
  private(set) var switches: [Switch] = []

  init(_ kind: Phase.Kind, _ source: PhaseSource) {
    self.kind = kind
    self.source = source
  }

  mutating func take(_ directive: Directive) throws(MigrationError) {
    switch directive.name {
    case .window: windows.append(try window(directive))
    case .residual: residuals = try residuals(directive)
    case .effects: effects.append(try effect(directive))
    case .loses: losses.append(try loss(directive))
    case .soak: soak = try soak(directive)
    case .needs: needs.append(try need(directive))
    case .budget: budget = try budget(directive)
    case .allow: allowances.append(try allowance(directive))
    case .retire: retirements.append(try retirement(directive))
    case .batch: batching = try batching(directive)
    case .watch: watch = try watch(directive)
    case .lane: lanes.append((try lane(directive), directive))
    case .switch: switches.append(try switched(directive))
    case nil, .up, .down, .verify, .probe, .red:
      let known = Directive.Name.allCases.map { "@" + $0.rawValue }
      let nearest = Suggestion.nearest(to: source.word(directive), in: known)
      throw MigrationError(
        .unknownDirective, "'\(source.word(directive))' is not a directive", at: source.place(directive.word),
        help: [nearest.map { "did you mean \($0)?" } ?? "the directives are \(known.joined(separator: ", "))"]
      )
    }
  }

  private func window(_ directive: Directive) throws(MigrationError) -> Window {
    guard !directive.arguments.isEmpty else {
      throw MigrationError(
        .missingWindow, "@window is empty", at: source.place(directive.word),
        help: [Directive.Name.window.remedy])
    }
    var arguments = DirectiveArguments(directive, in: source)
    guard let (application, at) = arguments.name(until: "<>=") else {
      throw source.bad(
        directive, "@window names no application", at: directive.arguments,
        help: "write @window APP RANGE, for example -- @window storefront >=1.4 <2.0")
    }
    let range = arguments.rest
    guard !windows.contains(where: { $0.application == application }) else {
      throw MigrationError(
        .windowInvalid, "two windows for application '\(application)'", at: source.place(at),
        help: ["write one @window line for each application"])
    }
    return Window(
      application,
      try source.placing(range.isEmpty ? at : range) { () throws(MigrationError) in
        try VersionRange(source.string(range))
      }, at: source.place(directive.word))
  }

  private func residuals(_ directive: Directive) throws(MigrationError) -> [Residual] {
    let audiences = Residual.Audience.allCases.map(\.rawValue)
    let form: Prose = "write @residual none, or @residual \(audiences.joined(separator: "|")): TEXT"
    var arguments = DirectiveArguments(directive, in: source)
    guard let (word, at) = arguments.name(until: ":") else {
      throw source.bad(directive, "@residual says nothing", help: form)
    }
    if word == "none", arguments.isAtEnd {
      guard residuals == nil else {
        throw source.bad(directive, "@residual none beside another @residual", help: "keep one of the two")
      }
      guard effects.isEmpty else {
        throw source.bad(
          directive, "@residual none beside @effects, which says what remains", help: "keep one of the two")
      }
      return []
    }
    guard let audience = Residual.Audience(rawValue: word) else {
      let nearest = Suggestion.nearest(to: word, in: audiences + ["none"])
      throw source.bad(
        directive, "'\(word)' is not an audience of a residual", at: at,
        help: nearest.map { "did you mean \($0)?" } ?? form)
    }
    guard let text = arguments.reason() else {
      throw source.bad(directive, "@residual \(word) does not say what remains", help: form)
    }
    guard residuals?.isEmpty != true else {
      throw source.bad(directive, "@residual none beside another @residual", help: "keep one of the two")
    }
    return (residuals ?? []) + [Residual(audience, text)]
  }

  private func effect(_ directive: Directive) throws(MigrationError) -> Effect {
    let effect = try EffectArguments(directive, in: source).effect
    guard !effects.contains(effect) else {
      throw source.bad(
        directive, "a second @effects that counts the same", at: directive.whole, help: "keep one of the two")
    }
    guard residuals?.isEmpty != true else {
      throw source.bad(
        directive, "@effects beside @residual none, which says that nothing remains",
        help: "keep one of the two")
    }
    return effect
  }

  private func loss(_ directive: Directive) throws(MigrationError) -> Loss {
    var arguments = DirectiveArguments(directive, in: source)
    guard let (table, _) = arguments.name(until: ".:"), arguments.take("."),
      let (column, _) = arguments.name(until: ".:"), let reason = arguments.reason()
    else {
      throw source.bad(
        directive, "@loses is incomplete", at: directive.whole,
        help: "write @loses TABLE.COLUMN: WHY, for example -- @loses orders.note: no version reads it")
    }
    return Loss(table: table, column: column, reason: reason)
  }

  private func retirement(_ directive: Directive) throws(MigrationError) -> Retirement {
    guard kind == .contract else {
      throw source.bad(
        directive, "@retire in a phase of kind \(kind.rawValue)",
        help: "only a contract may remove something: move the line to contract.sql of the same migration")
    }
    var arguments = DirectiveArguments(directive, in: source)
    let table = arguments.name(until: ".")?.text
    let column = arguments.take(".") ? arguments.name(until: ".")?.text ?? "" : nil
    guard let table, column != "", arguments.isAtEnd else {
      throw source.bad(
        directive, "@retire takes one column or one table", at: directive.whole,
        help: "write @retire TABLE.COLUMN or @retire TABLE, for example -- @retire customers.full_name")
    }
    let retirement = Retirement(table: table, column: column, at: source.place(directive.whole))
    if let other = retirements.first(where: { $0.covers(retirement) || retirement.covers($0) }) {
      throw source.bad(
        directive, "a second @retire \(other.title)", at: directive.whole, help: "keep one of the two"
      )
    }
    return retirement
  }

  private func soak(_ directive: Directive) throws(MigrationError) -> Duration {
    guard kind == .contract else {
      throw source.bad(
        directive, "@soak in a phase of kind \(kind.rawValue)", help: "only a contract waits: remove the line"
      )
    }
    guard soak == nil else { throw source.bad(directive, "a second @soak", help: "keep one of the two") }
    return try source.duration(directive.arguments, directive, example: "-- @soak 7d")
  }

  private func watch(_ directive: Directive) throws(MigrationError) -> Watch {
    let form: Prose =
      "write @watch DURATION every DURATION, for example -- @watch 30m every 30s settle 1m then reverse"
    guard watch == nil else { throw source.bad(directive, "a second @watch", help: "keep one of the two") }
    var arguments = DirectiveArguments(directive, in: source)
    guard let (_, first) = arguments.name() else {
      throw source.bad(directive, "@watch does not say how long", help: form)
    }
    let duration = try source.duration(first, directive, example: "@watch 30m every 30s")
    var lengths: [String: Duration] = [:]
    var consequence: Watch.Consequence?
    while let (word, at) = arguments.name() {
      switch word {
      case "every" where lengths[word] == nil && consequence == nil,
        "settle" where lengths[word] == nil && consequence == nil:
        let value = arguments.name()?.range ?? at
        lengths[word] = try source.duration(value, directive, example: "\(word) 30s")
        guard word == "settle" || lengths[word] != .zero else {
          throw source.bad(
            directive, "a sample every 0s", at: value, help: "leave time between two samples: every 30s")
        }
      case "then":
        let next = arguments.name()
        guard consequence == nil, let word = next?.text, let known = Watch.Consequence(rawValue: word) else {
          throw source.bad(
            directive, "'hold' or 'reverse' is expected after 'then'", at: next?.range ?? at, help: form)
        }
        consequence = known
      default: throw source.bad(directive, "'\(word)' is not expected here", at: at, help: form)
      }
    }
    guard arguments.isAtEnd, let every = lengths["every"] else {
      throw source.bad(
        directive, "@watch does not say how often", at: directive.whole, help: form)
    }
    guard duration >= every else {
      throw source.bad(
        directive, "the watch ends before its first sample is due", at: directive.whole,
        help: "watch for at least \(DurationText.print(every))")
    }
    return Watch(
      for: duration, every: every, settle: lengths["settle"] ?? .zero, then: consequence ?? .hold)
  }

  private func lane(_ directive: Directive) throws(MigrationError) -> LaneUse {
    let form: Prose =
      "write @lane NAME idle within DURATION, or @lane NAME empty within DURATION, and through watch to keep it held"
    var arguments = DirectiveArguments(directive, in: source)
    guard let (name, at) = arguments.name() else {
      throw source.bad(directive, "@lane names no lane", help: form)
    }
    guard !lanes.contains(where: { $0.use.lane == name }) else {
      throw source.bad(directive, "a second @lane \(name)", at: at, help: "keep one of the two")
    }
    guard let (word, place) = arguments.name() else {
      throw source.bad(
        directive, "@lane \(name) does not say how quiet it must be", at: directive.whole, help: form)
    }
    guard let need = LaneUse.Need(rawValue: word) else {
      throw source.bad(directive, "'idle' or 'empty' is expected here", at: place, help: form)
    }
    guard let (within, second) = arguments.name() else {
      throw source.bad(
        directive, "@lane \(name) does not say how long that may take", at: directive.whole, help: form)
    }
    guard within == "within" else {
      throw source.bad(directive, "'within' is expected here", at: second, help: form)
    }
    let value = arguments.name()?.range ?? second
    let limit = try source.duration(value, directive, example: "within 60s")
    guard limit > .zero else {
      throw source.bad(
        directive, "no lane is quiet within no time", at: value, help: "leave it time: within 60s")
    }
    guard !arguments.isAtEnd else { return LaneUse(name, need, within: limit) }
    let rest = arguments.rest
    guard source.string(rest).split(whereSeparator: \.isWhitespace) == ["through", "watch"] else {
      throw source.bad(directive, "'through watch' or nothing is expected here", at: rest, help: form)
    }
    return LaneUse(name, need, within: limit, throughWatch: true)
  }

  private func switched(_ directive: Directive) throws(MigrationError) -> Switch {
    let form: Prose =
      kind == .contract
      ? "write @switch NAME full for DURATION, for example -- @switch new-pricing full for 7d"
      : "write @switch NAME, for example -- @switch new-pricing"
    guard kind != .migrate else {
      throw source.bad(
        directive, "@switch in a phase of kind migrate",
        help:
          "the expand of the migration makes the switch, and its contract may wait for it: move the line there"
      )
    }
    var arguments = DirectiveArguments(directive, in: source)
    guard let (name, _) = arguments.name() else {
      throw source.bad(directive, "@switch names no switch", help: form)
    }
    guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw source.bad(
        directive, "the name of a switch has no control characters", at: directive.arguments, help: form)
    }
    guard !switches.contains(where: { $0.name == name }) else {
      throw source.bad(
        directive, "a second @switch \(name)", at: directive.whole, help: "keep one of the two")
    }
    guard !arguments.isAtEnd else {
      guard kind == .contract else { return Switch(name) }
      throw source.bad(
        directive, "@switch of a contract does not say for how long the switch must be fully on",
        at: directive.whole, help: form)
    }
    guard kind == .contract else {
      throw source.bad(
        directive, "an expand makes its switches, and cannot wait for them", at: arguments.rest,
        help: "write @switch \(name.asDirectiveName), and let the contract wait: -- @switch NAME full for 7d"
      )
    }
    for word in ["full", "for"] {
      let next = arguments.name()
      guard next?.text == word else {
        throw source.bad(
          directive, "'\(word)' is expected here", at: next?.range ?? directive.whole, help: form)
      }
    }
    let value = arguments.name()?.range ?? directive.whole
    let duration = try source.duration(value, directive, example: "full for 7d")
    guard arguments.isAtEnd else {
      throw source.bad(
        directive, "'\(source.string(arguments.rest))' is not expected here", at: arguments.rest, help: form)
    }
    return Switch(name, fullFor: duration)
  }

  private func need(_ directive: Directive) throws(MigrationError) -> String {
    var arguments = DirectiveArguments(directive, in: source)
    guard let (phase, _) = arguments.name(), arguments.isAtEnd else {
      throw source.bad(
        directive, "@needs takes one phase", at: directive.whole,
        help: "write one @needs line for each phase, for example -- @needs 0002-split-customer-name/expand")
    }
    return phase
  }

  private func budget(_ directive: Directive) throws(MigrationError) -> Budget {
    let form: Prose = "write @budget up 2s down 5s hold 50ms, each part at most once"
    guard budget == nil else {
      throw source.bad(directive, "a second @budget", help: "write all limits on one line")
    }
    guard !directive.arguments.isEmpty else {
      throw source.bad(directive, "@budget sets no limit", help: form)
    }
    var limits: [String: Duration] = [:]
    var arguments = DirectiveArguments(directive, in: source)
    while let (part, at) = arguments.name() {
      guard ["up", "down", "hold"].contains(part), limits[part] == nil else {
        throw source.bad(directive, "'\(part)' is not expected here", at: at, help: form)
      }
      limits[part] = try source.duration(arguments.name()?.range ?? at, directive, example: "\(part) 2s")
    }
    guard arguments.isAtEnd else {
      throw source.bad(directive, "@budget is malformed", at: arguments.rest, help: form)
    }
    return Budget(up: limits["up"], down: limits["down"], hold: limits["hold"])
  }

  private func batching(_ directive: Directive) throws(MigrationError) -> Batching {
    let form: Prose = "write @batch TABLE or @batch TABLE by COLUMN, for example -- @batch customers"
    guard kind == .migrate else {
      throw source.bad(
        directive, "@batch in a phase of kind \(kind.rawValue)",
        help: "only a migrate phase runs in batches: move the statements that change rows to migrate.sql")
    }
    guard batching == nil else {
      throw source.bad(directive, "a second @batch", help: "write a migration of its own for each table")
    }
    var arguments = DirectiveArguments(directive, in: source)
    guard let (table, _) = arguments.name() else {
      throw source.bad(directive, "@batch names no table", help: form)
    }
    guard let (word, at) = arguments.name() else { return Batching(table: table) }
    guard word == "by" else { throw source.bad(directive, "'by' is expected here", at: at, help: form) }
    guard let (column, _) = arguments.name(), arguments.isAtEnd else {
      throw source.bad(
        directive, "@batch takes one column after 'by'", at: directive.whole,
        help: "\(form); of a key of several columns, name the first")
    }
    return Batching(table: table, by: column)
  }

  private func allowance(_ directive: Directive) throws(MigrationError) -> Allowance {
    let form: Prose = "write @allow RULE until APP VERSION: WHY"
    var arguments = DirectiveArguments(directive, in: source)
    guard let (rule, _) = arguments.name(until: ":"), let (until, at) = arguments.name(until: ":") else {
      throw source.bad(directive, "@allow is incomplete", at: directive.whole, help: form)
    }
    guard until == "until" else {
      throw source.bad(directive, "'until' is expected here", at: at, help: form)
    }
    guard let (application, _) = arguments.name(until: ":"), let (version, place) = arguments.name(until: ":")
    else {
      throw source.bad(directive, "@allow does not say until which version", at: directive.whole, help: form)
    }
    let parsed = try source.placing(place) { () throws(MigrationError) in try Version(version) }
    guard let reason = arguments.reason() else {
      throw source.bad(directive, "@allow gives no reason", at: directive.whole, help: form)
    }
    return Allowance(
      rule: rule, application: application, until: parsed, reason: reason, at: source.place(directive.word))
  }
}
