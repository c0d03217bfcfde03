package import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Judges the folder of another tool by running every migration up, down and up again.
package struct Auditor {
  private let folder: ToolFolder
  private let stubs: [String]
  private let since: String?
  private let time: Duration

  /// - Parameters:
  ///   - since: the version after which migrations are judged; all of them without it.
  ///   - stubs: functions of the application, which get a stand-in that returns its first argument.
  ///   - time: how long a script may run on a scratch database, in processor time.
  package init(_ folder: ToolFolder, since: String? = nil, stubs: [String] = [], time: Duration = .seconds(5))
  {
    self.time = time
    self.folder = folder
    self.stubs = stubs
    self.since = since
  }

  /// A database to go down on.
  package struct Database: Sendable {
    let path: String
    let wait: Duration

    /// - Parameter wait: how long to wait for a lock of others.
    package init(path: String, wait: Duration = .seconds(30)) {
      self.path = path
      self.wait = wait
    }
  }

  /// Runs everything.
  ///
  /// - Parameters:
  ///   - database: one that belongs to the folder; it is copied and not changed.
  ///   - shouldGoOn: asked between two migrations.
  ///   - observe: is called with the number of migrations judged so far, and the number of all.
  /// - Throws: `unknown-migration` when no migration has the version of `since`, `interrupted`, and the errors of
  ///   reading the database and of making a scratch database.
  package func audit(
    database: Database? = nil, shouldGoOn: () -> Bool = { true },
    observe: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(MigrationError) -> Audit {
    let first = try self.first
    var real: DatabaseReplay?
    if let database {
      real = try DatabaseReplay(
        ofFile: database.path, folder, stubs: stubs, wait: database.wait, shouldGoOn: shouldGoOn)
    }
    let replay = try lifting("making a scratch database") { () in try Replay(folder, stubs: stubs, time: time)
    }
    var migrations: [AuditedMigration] = []
    var expected: Schema?
    for index in folder.migrations.indices {
      guard shouldGoOn() else { throw .stopped("running the migrations") }
      let judged = try lifting("running \(folder.migrations[index].version) on a scratch database") { () in
        try replay.judge(index)
      }
      migrations.append(judged)
      if index == real?.applied.first, !replay.hasSkipped { expected = replay.schema }
      observe(index + 1, folder.migrations.count)
    }
    var findings = replay.findings
    var report: DatabaseAudit?
    if let real, let database {
      findings += try real.findings(expected: expected)
      let (judged, wentDown) = try real.goDown(to: first)
      for (index, migration) in judged { migrations[index] = migration }
      report = DatabaseAudit(
        path: database.path, table: real.history.table,
        head: real.head, applied: real.applied.count,
        rows: real.rows,
        wentDown: wentDown.map { folder.migrations[$0].version })
    }
    let late = Set(migrations[first...].map(\.version))
    let known = Set(migrations.map(\.version))
    return Audit(
      tool: folder.tool, path: folder.path, migrations: migrations,
      findings: findings.filter { $0.version.map { late.contains($0) || !known.contains($0) } ?? true }
        .gathered,
      remarks: folder.remarks, stubs: stubs, database: report, first: first)
  }

  private var first: Int {
    get throws(MigrationError) {
      guard let since else { return 0 }
      guard let index = folder.migrations.firstIndex(where: { $0.version == since || $0.name == since })
      else {
        throw MigrationError(
          .unknownMigration, "no migration of \(folder.path) has the version \(since)",
          help: ["write a version as the folder has it, for example \(folder.migrations.last?.version ?? "")"]
        )
      }
      return index + 1
    }
  }
}
