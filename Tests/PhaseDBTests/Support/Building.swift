import Foundation
import Testing

@testable import PhaseDB

// Migrations in a line or two. Everything is compatible with app 1.0 and later unless a test says otherwise.

func phase(
  _ kind: Phase.Kind, _ up: String, down: String, window: String = ">=1.0", verify: [(String, String)] = [],
  soak: Duration? = nil, needs: [String] = [], budget: Budget? = nil, batch: Batching? = nil,
  switches: [Switch] = [], watch: Watch? = nil, probes: [Probe] = []
) throws -> Phase {
  Phase(
    kind, windows: try Windows(Window("app", VersionRange(window))), up: try #require(Script(up)),
    down: try #require(Script(down)),
    verifications: try verify.map { Verification($0.0, query: try #require(Script($0.1))) }, soak: soak,
    needs: needs, budget: budget, batching: batch, watch: watch, probes: probes, switches: switches)
}

/// An expand phase that makes a table.
func table(_ name: String, window: String = ">=1.0", needs: [String] = []) throws -> Phase {
  try phase(
    .expand, "CREATE TABLE \(name) (a)", down: "DROP TABLE \(name)", window: window, needs: needs)
}

/// A phase that does nothing to anybody.
func nothing(
  _ kind: Phase.Kind, window: String = ">=1.0", soak: Duration? = nil, needs: [String] = []
) throws -> Phase {
  try phase(kind, "SELECT 1", down: "SELECT 1", window: window, soak: soak, needs: needs)
}

func catalog(_ migrations: KeyValuePairs<String, [Phase]>, baseline: String? = nil) throws -> Catalog {
  try Catalog(
    migrations.map { try Migration(MigrationName($0.key), phases: $0.value) },
    baseline: baseline.flatMap { Script($0, file: "baseline.sql") })
}

/// Migrations 0001 to the count, each an expand phase with a table of its own.
func tables(_ count: Int) throws -> Catalog {
  try Catalog(
    (1...count).map { try Migration(MigrationName("000\($0)-t\($0)"), phases: [table("t\($0)")]) })
}

extension Options {
  /// App 1.5 is live, the clock stands still, and nobody is waited for.
  static var test: Options { test() }

  static func test(
    live: [String] = ["app@1.5"], override: Set<Gate> = [], reason: String? = nil,
    now: String = "2026-01-31T12:00:00.000Z", wait: Duration = .zero,
    evidence: EvidencePolicy = .none, pacing: Options.Pacing = Options.Pacing(),
    cancellation: Cancellation = Cancellation(),
    runner: Runner = .test
  ) -> Options {
    var options = Options(
      wait: wait, live: live.compactMap { try? LiveVersion($0) }, overridden: override, reason: reason,
      mustBeRehearsed: evidence.kinds, pacing: pacing, cancellation: cancellation
    ).by(runner) { Timestamp(text: now) }
    options.isLiveComplete = live.contains("none")
    return options
  }
}

extension Runner {
  /// This process, as seen by somebody who calls it so.
  static let test: Runner = {
    var runner = Runner.current
    runner.user = "operator"
    return runner
  }()
}

/// The error a body throws, nil when it throws none.
func migrationError<Result>(_ body: () throws -> Result) -> MigrationError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? MigrationError
  }
}

extension Prose {
  func hasSuffix(_ text: String) -> Bool { description.hasSuffix(text) }
}
