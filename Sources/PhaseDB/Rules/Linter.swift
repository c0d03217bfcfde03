internal import PhaseSQL
internal import PhaseSQLite

extension Catalog {
  /// Runs every rule of lint, without a database of the user.
  ///
  /// - Throws: only when lint itself cannot work.
  public func lint() throws(MigrationError) -> LintReport { try Linter(self).report() }
}

/// Checks a folder of migrations without a database of the user.
package struct Linter: Sendable {
  private let catalog: Catalog
  private let unreadable: [MigrationError]
  private let oldestSQLite: SQLiteVersion?
  private let corpus: [Script]
  private let terms: ScratchTerms

  /// Judges migrations made in Swift.
  package init(_ catalog: Catalog) {
    self.init(catalog, unreadable: [])
  }

  /// Judges a folder of migrations, and the queries of applications in its `apps`.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - sqlite: the oldest SQLite that must be able to run the phases; nil when none is declared.
  ///   - terms: what its scratch databases know of the application.
  /// - Throws: `folder-not-found` or `folder-unreadable`; what is wrong inside the folder becomes findings.
  package init(
    folder path: String, sqlite: Version? = nil, terms: ScratchTerms = ScratchTerms()
  ) throws(MigrationError) {
    let (catalog, problems) = Catalog.readable(folder: path)
    if let problem = problems.first(where: { [.folderNotFound, .folderUnreadable].contains($0.id) }) {
      throw problem
    }
    let readable: Catalog
    if let catalog { readable = catalog } else { readable = try Catalog([], origin: path) }
    self.init(
      readable, unreadable: problems,
      oldestSQLite: sqlite.flatMap { SQLiteVersion($0.description) },
      corpus: try Corpus(of: path).scripts(), terms: terms)
  }

  init(
    _ catalog: Catalog, unreadable: [MigrationError], oldestSQLite: SQLiteVersion? = nil,
    corpus: [Script] = [], terms: ScratchTerms = ScratchTerms()
  ) {
    self.terms = terms
    self.catalog = catalog
    self.unreadable = unreadable
    self.oldestSQLite = oldestSQLite
    self.corpus = corpus
  }

  /// Runs every rule, without a database of the user.
  ///
  /// - Throws: only when lint itself cannot work; everything that is wrong with the migrations becomes a finding.
  package func report() throws(MigrationError) -> LintReport { try report { _ in } }

  /// - Parameter observe: gets every script before it runs on a scratch database.
  func report(observe: @escaping (Script) -> Void) throws(MigrationError) -> LintReport {
    let folder = LintedFolder(
      catalog: catalog, oldestSQLite: oldestSQLite, corpus: corpus, terms: terms, observe: observe)
    let phases = catalog.phases
    var findings = unreadable.map { Finding($0, in: nil) }
    var byPhase: [PhaseID: [Finding]] = [:]
    let ofTexts =
      WindowRules.findings(catalog) + TextRules.findings(catalog) + WatchTooShort.findings(catalog)
      + SwitchRules.findings(catalog)
    for finding in ofTexts {
      if let phase = finding.phase {
        byPhase[phase, default: []].append(finding)
      } else {
        findings.append(finding)
      }
    }
    // Phases after one that cannot be read would run on a wrong schema.
    var untried = unreadable.isEmpty ? [] : phases.map(\.id)
    if unreadable.isEmpty {
      var ofBaseline: [Finding] = []
      let (tried, schema) = try trials(of: phases, in: folder, into: &byPhase, &ofBaseline)
      // The `@allow` lines of the first phase apply to them.
      if let first = phases.first {
        byPhase[first.id, default: []] += ofBaseline
      } else {
        findings += ofBaseline
      }
      untried = phases.dropFirst(tried).map(\.id)
      if untried.isEmpty {
        for finding in try OrderMatters.findings(folder, leadingTo: schema) {
          if let phase = finding.phase { byPhase[phase, default: []].append(finding) }
        }
      }
    }
    for finding in Undetected.findings(catalog) {
      if let phase = finding.phase { byPhase[phase, default: []].append(finding) }
    }
    for (id, phase) in phases {
      findings += Allowances(of: phase, id: id, in: catalog).applied(
        to: byPhase[id] ?? [], isComplete: untried.isEmpty)
    }
    return LintReport(
      findings: findings, phases: phases.count, untried: untried, isReadable: unreadable.isEmpty)
  }

  /// - Returns: how many phases were tried, and the schema they lead to.
  private func trials(
    of phases: [(id: PhaseID, phase: Phase)], in folder: LintedFolder,
    into byPhase: inout [PhaseID: [Finding]], _ ofBaseline: inout [Finding]
  ) throws(MigrationError) -> (tried: Int, schema: Schema) {
    let scratch: Scratch
    do throws(MigrationError) {
      scratch = try Scratch(
        baseline: catalog.baseline, terms: terms, observe: folder.observe)
    } catch {
      ofBaseline = [Finding(error, in: nil)]
      return (0, Schema())
    }
    if let baseline = catalog.baseline {
      ofBaseline = DanglingCode.findings(try scratch.brokenInBaseline(), in: baseline)
    }
    for (index, (id, phase)) in phases.enumerated() {
      let trial: PhaseTrial
      do throws(MigrationError) {
        trial = try scratch.trial(id, phase)
      } catch {
        byPhase[id, default: []].append(Finding(error, in: id))
        return (index, scratch.schema)
      }
      for rule in Self.trialRules { byPhase[id, default: []] += try rule.findings(in: trial, of: folder) }
    }
    return (phases.count, scratch.schema)
  }

  /// In the order of their findings in a report.
  private static var trialRules: [any TrialRule.Type] {
    [
      DownNotInverse.self, NotReplayable.self, ExpandNotAdditive.self, MigrateChangesSchema.self,
      SchemaPhaseWritesRows.self, BackfillGap.self, UnboundedWrite.self, BatchNotKeyed.self,
      DanglingCode.self, PositionalInsert.self, SelectStar.self,
      VerifyInvalid.self, RequiredColumn.self, TightenedEarly.self, LossyRetype.self, RebuildCollateral.self,
      ContractCreates.self, NeedsNewerSQLite.self, NeedsApplication.self, WatchCannotReverse.self,
      ProbeWrites.self,
      ProbeInvalid.self, QueueNotHeld.self, ArchiveInsufficient.self, EffectsInvalid.self,
      EffectsUnordered.self,
      EffectsSlow.self,
    ]
  }
}

/// The findings that the author of a phase accepts.
struct Allowances {
  private let phase: Phase
  private let id: PhaseID
  private let catalog: Catalog

  init(of phase: Phase, id: PhaseID, in catalog: Catalog) {
    self.phase = phase
    self.id = id
    self.catalog = catalog
  }

  /// The findings of a phase that no exception covers, and findings about the exceptions themselves.
  ///
  /// - Parameter isComplete: whether every rule could run; otherwise an exception may seem unused.
  func applied(to findings: [Finding], isComplete: Bool) -> [Finding] {
    let valid = phase.allowances.filter { !isExpired($0) }
    let left = findings.filter { finding in !valid.contains { $0.rule == finding.id } }
    let expired = phase.allowances.filter(isExpired).map { allowance in
      Finding(
        .expiredAllow, in: id,
        "@allow \(allowance.rule) ends with \(allowance.application) \(allowance.until), and no older version may be live any more",
        at: allowance.place ?? place,
        remedies: ["fix what \(allowance.rule) finds, and remove the @allow line"])
    }
    let unused =
      !isComplete ? [] : valid.filter { allowance in !findings.contains { $0.id == allowance.rule } }
    return left + expired
      + unused.map { allowance in
        Finding(
          .unusedAllow, in: id, "@allow \(allowance.rule) suppresses no finding",
          at: allowance.place ?? place,
          remedies: ["remove the line: -- @allow \(allowance.rule) until …"])
      }
  }

  /// Whether its version has passed: some phase of the folder already excludes every older version.
  private func isExpired(_ allowance: Allowance) -> Bool {
    catalog.phases.contains { _, phase in
      guard let lower = phase.windows[allowance.application]?.lower else { return false }
      return lower.version >= allowance.until
    }
  }

  private var place: Place { phase.up.beginningOfFile }
}
