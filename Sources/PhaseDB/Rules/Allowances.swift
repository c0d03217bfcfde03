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
