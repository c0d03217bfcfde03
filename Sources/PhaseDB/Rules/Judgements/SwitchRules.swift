/// Checks that the phases of a folder agree about switches.
enum SwitchRules {
  static func findings(_ catalog: Catalog) -> [Finding] {
    unknown(catalog) + twice(catalog) + unguarded(catalog)
  }

  /// A contract must wait for a switch that an earlier phase makes.
  private static func unknown(_ catalog: Catalog) -> [Finding] {
    var made: [String] = []
    var findings: [Finding] = []
    for (id, phase) in catalog.phases {
      for required in phase.switchesRequired
      where !made.contains(where: { $0.utf8.elementsEqual(required.name.utf8) }) {
        let nearest = Suggestion.nearest(to: required.name, in: made)
        findings.append(
          Finding(
            .switchUnknown, in: id,
            "the contract waits for the switch '\(required.name)', which no earlier phase makes",
            at: phase.up.beginningOfFile,
            remedies: [nearest.map { "did you mean '\($0)'?" as Prose }].compactMap(\.self) + [
              "write in expand.sql of the same migration: -- @switch \(required.name.asDirectiveName)"
            ]))
      }
      made += phase.switchesMade
    }
    return findings
  }

  /// Only one phase may make a switch.
  private static func twice(_ catalog: Catalog) -> [Finding] {
    var makers: [String: PhaseID] = [:]
    var findings: [Finding] = []
    for (id, phase) in catalog.phases {
      for name in phase.switchesMade {
        guard let other = makers[name] else {
          makers[name] = id
          continue
        }
        findings.append(
          Finding(
            .switchTaken, in: id, "\(other.short) makes the switch '\(name)', too",
            at: phase.up.beginningOfFile, remedies: ["give it another name"]))
      }
    }
    return findings
  }

  /// A contract that removes something must wait for the switch of its migration: users with the switch off still
  /// need what it removes.
  private static func unguarded(_ catalog: Catalog) -> [Finding] {
    catalog.phases.flatMap { id, phase -> [Finding] in
      guard id.kind == .contract, let expand = catalog[PhaseID(id.migration, .expand)] else { return [] }
      let required = phase.switchesRequired.map(\.name)
      return expand.switchesMade.filter { !required.contains($0) }.map { name in
        Finding(
          .switchUnguarded, in: id, "the contract does not wait until the switch '\(name)' is fully on",
          at: phase.up.beginningOfFile,
          remedies: ["-- @switch \(name.asDirectiveName) full for 7d"])
      }
    }
  }
}
