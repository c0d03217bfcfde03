internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Lets two versions write in turn on one state, and compares what is left of their writes after the way down and up
/// again.
///
/// A value that a version wrote must stay until it is written again. It looks for three things: a statement that
/// changes nothing for the version that runs it, but changes a value of the other one (a trigger that recomputes on
/// unrelated updates); a value that a pending migrate phase or the way down removes; and a value that differs after
/// the way down and up again, because what one version wrote never reached the columns of the other.
struct Interleaving {
  /// A version that takes part, and the columns that it knew on its home state.
  struct Writer {
    let script: ApplicationScript
    let home: ScriptRun

    /// The statements that may write. A statement that is a SELECT at home is a SELECT on every state.
    var writing: [ApplicationQuery] {
      zip(script.queries, home.queries).filter { query, run in
        run.compiled?.footprint.isWrite != false || !query.results.isEmpty
      }.map(\.0)
    }

    func knows(_ column: FoldedName, of table: FoldedName) -> Bool {
      home.shapes[table]?.columns.contains(column) ?? true
    }

    var name: String { "\(script.application) \(script.version)" }
  }

  /// The way that the schema goes during a trial.
  struct Way {
    /// The phases that are applied at the top: those of the state, and the pending migrate phase if there is one.
    let top: Catalog
    /// The pending migrate phase; nil when there is none.
    let migrate: PhaseID?
    /// The phases from the home state of the older version up to the top, in their order.
    let phases: [(id: PhaseID, phase: Phase)]
  }

  let writers: [Writer]
  let way: Way
  let workshop: CopyWorkshop

  /// Tries every order, each on a copy of its own.
  func findings(on state: StateCopy) throws(MigrationError) -> [CompatibilityCheck.Finding] {
    var findings: [CompatibilityCheck.Finding] = []
    for order in writers.count > 1 ? WriteOrder.allCases : [.olderLast] {
      let trial = try InterleavingTrial(self, order, on: try state.fork())
      for finding in try trial.findings() where !findings.contains(where: { $0.isSame(as: finding) }) {
        findings.append(finding)
      }
    }
    return findings
  }
}
