package import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Judges the folder of another tool by running every migration up, down and up again.
package struct Auditor {
  private let folder: ToolFolder
  private let stubs: [String]
  private let since: String?

  /// - Parameters:
  ///   - since: the version after which migrations are judged; all of them without it.
  ///   - stubs: functions of the application, which get a stand-in that returns its first argument.
  package init(_ folder: ToolFolder, since: String? = nil, stubs: [String] = []) {
    self.folder = folder
    self.stubs = stubs
    self.since = since
  }

  /// - Throws: `unknown-version` when no migration has the version of `since`, and what keeps a scratch database from
  ///   being made.
  package func audit(observe: (_ done: Int, _ of: Int) -> Void = { _, _ in }) throws(MigrationError) -> Audit {
    let first = try self.first
    return try lifting("running the migrations on a scratch database") { () in
      let replay = try Replay(folder, stubs: stubs)
      var migrations: [AuditedMigration] = []
      for index in folder.migrations.indices {
        migrations.append(try replay.judge(index))
        observe(index + 1, folder.migrations.count)
      }
      let late = Set(migrations[first...].map(\.version))
      return Audit(
        tool: folder.tool, path: folder.path, migrations: migrations,
        findings: replay.findings.filter { $0.version.map(late.contains) ?? true }, remarks: folder.remarks,
        stubs: stubs, database: nil, first: first)
    }
  }

  private var first: Int {
    get throws(MigrationError) {
      guard let since else { return 0 }
      guard let index = folder.migrations.firstIndex(where: { $0.version == since || $0.name == since }) else {
        throw MigrationError(
          .unknownMigration, "no migration of \(folder.path) has the version \(since)",
          help: ["write a version as the folder has it, for example \(folder.migrations.last?.version ?? "")"])
      }
      return index + 1
    }
  }
}
