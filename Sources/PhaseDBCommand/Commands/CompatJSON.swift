internal import PhaseCompat
internal import PhaseDB

/// What compat found, as `--format json` prints it.
struct CompatJSON: Encodable {
  let clean: Bool
  let states: [State]
  let subjects: [Subject]
  let matrix: [[String]]
  let findings: [Finding]
  let unproved: [Unproved]
  let stubsOfPhases: [String]

  struct Unproved: Encodable {
    let application: String
    let appVersion: String
    let query: String
    let functions: [String]
    let skipped: Bool
  }

  struct State: Encodable {
    let name: String
    let applied: [String]
    let held: [String]
    let live: [String: String?]

    init(_ state: CompatibilityState) {
      name = state.description
      applied = state.applied.map(\.description)
      held = state.held.map(\.description)
      live = state.mayBeLive.mapValues { $0.range?.description }
    }
  }

  struct Subject: Encodable {
    let application: String
    let appVersion: String
    let home: String
    let queries: Int
    let selfTest: SelfTest

    struct SelfTest: Encodable {
      let mutation: String
      let noticed: Int
    }
  }

  struct Finding: Encodable {
    let check: String
    let level: String
    let application: String
    let appVersion: String
    let query: String?
    let message: Prose
    let details: [Prose]
    let states: [String]
    let phase: String?
    let file: String?
    let line: Int?
    let column: Int?
    let phaseFile: String?
    let phaseLine: Int?
  }

  init(_ report: CompatibilityCheck.Report) {
    clean = report.isClean
    states = report.states.map(State.init)
    subjects = report.subjects.map {
      Subject(
        application: $0.application, appVersion: $0.version.description,
        home: report.states[$0.home].description, queries: $0.queries,
        selfTest: .init(mutation: $0.mutation, noticed: $0.noticed))
    }
    unproved = report.unproved.map {
      Unproved(
        application: $0.application, appVersion: $0.version.description, query: $0.query,
        functions: $0.functions, skipped: $0.isSkipped)
    }
    stubsOfPhases = report.stubsOfPhases
    matrix = report.outcomes.map { $0.map(\.rawValue) }
    findings = report.firstFindings.map { _, finding in
      Finding(
        check: finding.check.rawValue, level: finding.isWarning ? "warning" : "error",
        application: finding.application, appVersion: finding.version.description, query: finding.query,
        message: finding.message, details: finding.details,
        states: report.states(of: finding).map(\.description),
        phase: finding.phase?.description, file: finding.place?.file, line: finding.place?.line,
        column: finding.place?.column, phaseFile: finding.phasePlace?.file,
        phaseLine: finding.phasePlace?.line)
    }
  }
}

/// The states and what is tested on each, as `--list --format json` prints them.
struct CompatListJSON: Encodable {
  let states: [State]

  struct State: Encodable {
    let name: String
    let applied: [String]
    let held: [String]
    let live: [String: String?]
    let tested: [Tested]
  }

  struct Tested: Encodable {
    let application: String
    let appVersion: String
  }

  init(_ states: [(CompatibilityState, [LiveVersion])]) {
    self.states = states.map { state, tested in
      let json = CompatJSON.State(state)
      return State(
        name: json.name, applied: json.applied, held: json.held, live: json.live,
        tested: tested.map { Tested(application: $0.application, appVersion: $0.version.description) })
    }
  }
}
