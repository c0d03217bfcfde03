internal import PhaseSQL
internal import PhaseSQLite

/// The phase files that a recipe makes.
package struct WrittenPhases: Sendable {
  /// In the order in which they go up.
  package let files: [(kind: Phase.Kind, text: String)]
  /// What the author should know.
  package let notes: [Prose]
}

/// Finds the words of a recipe and writes its phases.
package struct RecipeWriter {
  let request: RecipeRequest
  let name: MigrationName
  let ground: RecipeGround
  /// Contracts that must be applied first.
  var needs: [PhaseID] = []

  /// Writes them for the schema of a database, and tries expressions on its rows. Only reads.
  ///
  /// - Parameter pending: phases of the folder that the database does not have yet.
  static func phases(
    _ request: RecipeRequest, as name: MigrationName, on connection: Connection, called database: String,
    before pending: [(id: PhaseID, phase: Phase)], terms: ScratchTerms = ScratchTerms()
  ) throws(MigrationError) -> WrittenPhases {
    let recipe = try RecipeWords.read(request.words)
    if let (id, _) = pending.first(where: { phase in recipe.tables.contains { names($0, phase.phase) } }) {
      throw MigrationError(
        .recipeRefused, "\(id) changes \(recipe.table), too, and is not applied to \(database) yet",
        state: "nothing was written",
        help: [
          "leave --database out: the schema then comes from the folder, with that phase in it",
          "or apply it first: phasedb up --to \(id.short)",
        ])
    }
    let schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    let ground = try RecipeGround(schema, rows: connection, origin: database, terms: terms)
    return try RecipeWriter(request: request, name: name, ground: ground).phases(recipe)
  }

  fileprivate func phases(_ recipe: Recipe) throws(MigrationError) -> WrittenPhases {
    try refuseUnusedOptions(recipe)
    let phases = try texts(recipe)
    try refuseRebuildOfRetired(recipe, phases)
    try tryOut(phases)
    var notes: [Prose] = []
    // A migrate phase corrects such rows.
    if !phases.contains(where: { $0.kind == .migrate }) {
      for phase in phases { notes += try phase.demand?.notes(ground) ?? [] }
    }
    notes += try untried(recipe)
    var texts = phases
    if !texts.isEmpty { texts[0].directives += needs.map { "@needs \("\($0)".asDirectiveName)" } }
    return WrittenPhases(files: texts.map { ($0.kind, $0.text(request.release)) }, notes: notes)
  }

  private func texts(_ recipe: Recipe) throws(MigrationError) -> [PhaseText] {
    let renames = RenameRecipes(ground: ground)
    let constraints = ConstraintRecipes(ground: ground)
    let reshapes = ReshapeRecipes(ground: ground, up: request.up, down: request.down)
    return switch recipe {
    case .renameColumn(let table, let column, let new): try renames.column(table, column, to: new)
    case .renameTable(let old, let new): try renames.table(old, to: new)
    case .retype(let table, let column, let new, let type):
      try reshapes.retype(table, column, to: new, type: type)
    case .split(let table, let column, let news): try reshapes.split(table, column, into: news)
    case .merge(let table, let columns, let new): try reshapes.merge(table, columns, into: new)
    case .require(let table, let column): try constraints.require(table, column, fill: request.fill)
    case .check(let table, let condition): try constraints.check(table, condition)
    case .unique(let table, let columns): try constraints.unique(table, columns)
    case .reference(let table, let column, let parent, let key, let actions):
      try constraints.reference(table, column, parent, key, actions)
    case .defaultValue(let table, let column, let value):
      try constraints.defaultValue(table, column, value)
    case .loosen(let table, let column, let what): try constraints.loosen(table, column, what)
    case .dropColumn(let table, let column): try DropRecipes(ground: ground).column(table, column)
    case .dropTable(let table): try DropRecipes(ground: ground).table(table)
    case .index(let table, let terms, let condition): try constraints.index(table, terms, condition)
    case .add(let table, let column, let declaration): try constraints.add(table, column, declaration)
    case .rebuild(let table): try constraints.rebuild(table)
    case .move(let table, let column, let target, let new, let key):
      try MoveRecipe(ground, table, column, to: target, new, by: key).phases()
    }
  }

  /// An expand must not remove what a contract retired, and its SQL may not name it either.
  private func refuseRebuildOfRetired(_ recipe: Recipe, _ phases: [PhaseText]) throws(MigrationError) {
    guard let table = ground.schema.table(recipe.table),
      let retired = table.columns.lazy.compactMap({ RetiredName($0.name) }).first
    else { return }
    let drop = "DROP TABLE \(table.name.written);"
    guard phases.contains(where: { $0.kind == .expand && $0.up.contains { $0.hasPrefix(drop) } }) else {
      return
    }
    throw ground.refused(
      "the change builds \(table.name) anew in an expand, and \(table.name) still has \(retired.original), which migration \(retired.number) retired",
      help: [
        "drop \(retired.original) in @up of that contract instead of retiring it, if the contract is not applied yet",
        "or write the change as a contract, by hand: phasedb new NAME --phases contract",
      ])
  }

  private func refuseUnusedOptions(_ recipe: Recipe) throws(MigrationError) {
    let takesExpressions =
      switch recipe {
      case .retype, .split, .merge: true
      default: false
      }
    let takesFill = if case .require = recipe { true } else { false }
    let unused = [
      takesExpressions || request.up == nil ? nil : "--up",
      takesExpressions || request.down == nil ? nil : "--down",
      takesFill || request.fill == nil ? nil : "--fill",
    ].compactMap(\.self)
    guard let first = unused.first else { return }
    throw MigrationError(
      .badRecipe, "\(request.words.first ?? "") does not use \(first)", state: "nothing was written",
      help: ["leave it out"])
  }

  /// Tries the phases as lint does, on the schema they were written for.
  ///
  /// - Throws: `recipe-refused` with the first error.
  private func tryOut(_ texts: [PhaseText]) throws(MigrationError) {
    let anyRelease = try RecipeRequest.Release("app", from: nil, to: Version("2"))
    let release = request.release ?? anyRelease
    var phases: [Phase] = []
    for text in texts {
      phases.append(
        try PhaseFile.read(
          text.text(release), file: "\(name)/\(text.kind.rawValue).sql", kind: text.kind))
    }
    let catalog = try Catalog([Migration(name, phases: phases)], baseline: try ground.baseline())
    let report = try Linter(catalog, unreadable: [], terms: ground.terms).report()
    if let error = report.errors.first {
      throw ground.refused(
        "the change does not fit \(ground.origin): \(error.message) [\(error.id)]", details: error.details,
        help: error.remedies)
    }
  }

  /// Says of expressions that no row has tried them.
  private func untried(_ recipe: Recipe) throws(MigrationError) -> [Prose] {
    let name: SchemaName
    switch recipe {
    case .retype(let table, _, _, _), .split(let table, _, _), .merge(let table, _, _): name = table
    default: return []
    }
    guard let rows = ground.rows else {
      return ["--up and --down were tried on no row; --database tries them on the rows of a database"]
    }
    let first = try lifting("reading \(name)") { () in
      try rows.value("SELECT 1 FROM main.\(name.written) LIMIT 1")
    }
    return first == nil
      ? ["\(name) has no rows in \(ground.origin), so --up and --down were tried on none"] : []
  }

  /// Writes the phases of a recipe for the schema that a catalog leads to.
  ///
  /// Nothing is written to a disk, and no database is needed. What is written is tried first, as lint does.
  ///
  /// - Throws: `bad-recipe` when the words cannot be read, `recipe-refused` when the change does not fit the schema.
  package static func phases(
    _ request: RecipeRequest, as name: MigrationName, after catalog: Catalog,
    terms: ScratchTerms = ScratchTerms()
  ) throws(MigrationError) -> WrittenPhases {
    let recipe = try RecipeWords.read(request.words)
    let ground = try Self.ground(after: catalog, terms)
    // The recipe is written for the table after these contracts, and a contract may be held for weeks.
    let needs = catalog.phases.filter { phase in
      phase.id.kind == .contract && recipe.tables.contains { names($0, phase.phase) }
    }.map(\.id)
    return try RecipeWriter(request: request, name: name, ground: ground, needs: needs).phases(recipe)
  }

  /// The schema that the phases lead to.
  private static func ground(
    after catalog: Catalog, _ terms: ScratchTerms
  ) throws(MigrationError) -> RecipeGround {
    let scratch = try Scratch(baseline: catalog.baseline, terms: terms)
    for (id, phase) in catalog.phases { try scratch.run(id, phase, .up) }
    return try RecipeGround(
      scratch.schema, rows: nil, origin: "the schema that \(catalog.origin) leads to", terms: terms)
  }

  /// The tables of the schema that the phases lead to, with their columns; only names that SQL needs no quotes for.
  package static func plainNames(
    after catalog: Catalog, terms: ScratchTerms
  ) throws(MigrationError) -> [(table: String, columns: [String])] {
    let ground = try ground(after: catalog, terms)
    func isPlain(_ name: SchemaName) -> Bool { name.written == name.spelled && RetiredName(name) == nil }
    return ground.objects.filter { $0.key.type == "table" && !$0.isVirtual }.compactMap { object in
      let name = SchemaName(object.name)
      guard isPlain(name), let table = try? ground.table(name) else { return nil }
      return (object.name, table.definition.columns.map(\.name).filter(isPlain).map(\.spelled))
    }.sorted { $0.table < $1.table }
  }

  /// Whether the way up of a phase names a table.
  private static func names(_ table: SchemaName, _ phase: Phase) -> Bool {
    SQLTokens.identifiers(in: phase.up.text).contains(table.key)
      || phase.retirements.contains { SchemaName($0.table) == table }
  }
}
