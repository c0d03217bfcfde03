package import PhaseDB

/// The result of running another tool's migrations up, down and up again.
package struct Audit: Sendable {
  package let tool: MigrationTool
  /// The folder, as it was named.
  package let path: String
  /// In the order in which the tool applies them.
  package let migrations: [AuditedMigration]
  package let findings: [AuditFinding]
  /// Other remarks of the folder's reader.
  package let remarks: [ToolFolder.Remark]
  /// Functions of the application that were replaced by stand-ins.
  package let stubs: [String]
  /// The result of the way down from the head of a database; nil without a database.
  package let database: DatabaseAudit?
  /// The index of the first migration that is judged; those before it only run up.
  package let first: Int

  /// The migrations that are judged.
  package var judged: ArraySlice<AuditedMigration> { migrations[first...] }

  /// Whether everything that was judged comes back, and there is nothing else to find.
  package var isClean: Bool { findings.isEmpty && judged.allSatisfy(\.verdict.comesBack) }

  package func count(_ verdict: AuditVerdict) -> Int { judged.count { $0.verdict == verdict } }
}

/// How well a migration's way back works.
package enum AuditVerdict: String, Sendable, CaseIterable {
  /// Schema and rows are as before the way up.
  case returns
  /// Only the order of columns differs.
  case orderOnly = "order-only"
  /// The schema comes back, and some rows do not.
  case rowsDiffer = "rows-differ"
  /// Another schema is left.
  case otherSchema = "other-schema"
  /// SQLite refuses a statement of it.
  case doesNotRun = "does-not-run"
  /// There is a way down, and it does nothing.
  case empty
  /// There is no way down.
  case absent
  /// It could not be tried.
  case notJudged = "not-judged"

  package var comesBack: Bool { self == .returns || self == .orderOnly }

  /// What it means, as the end of a sentence about a migration.
  package var meaning: Prose {
    switch self {
    case .returns: "comes back"
    case .orderOnly: "comes back with its columns in another order"
    case .rowsDiffer: "does not bring all rows back"
    case .otherSchema: "leaves another schema"
    case .doesNotRun: "does not run"
    case .empty: "has a way down that does nothing"
    case .absent: "has no way down"
    case .notJudged: "could not be judged"
    }
  }
}

/// One migration and its verdict.
package struct AuditedMigration: Sendable {
  package let version: String
  package let name: String
  package let files: [String]
  package var verdict: AuditVerdict
  /// Why, as sentences; the most important first.
  package var reasons: [Prose] = []
  /// Where the statement is that does not run, or the way down that does not return.
  package var place: Place?
  /// The tables whose rows differ after the way down.
  package var rows: [RowsLost] = []
  /// Tables that were tried without rows, because none could be made. The verdict says nothing about rows of these
  /// tables.
  package var unseeded: [String] = []
  /// Whether the verdict is from the rows of the database that was given.
  package var isOnRealRows = false
  /// Whether a function of the application was replaced in it.
  package var usesStub = false

  package init(
    _ migration: ToolMigration, _ verdict: AuditVerdict, _ reasons: [Prose] = [], at place: Place? = nil
  ) {
    version = migration.version
    name = migration.name
    files = migration.files
    self.verdict = verdict
    self.reasons = reasons
    self.place = place
  }

  /// Its name in output: the version, with the name if that says more.
  package var title: String {
    if name.isEmpty { return version }
    // The digits of `2026-01-31-120000_add` are the version 20260131120000.
    let says = name.hasPrefix(version) || name.filter(\.isNumber).hasPrefix(version)
    return says ? name : "\(version) \(name)"
  }
}

/// How the rows of a table differ after up and down.
package struct RowsLost: Sendable, Hashable {
  package let table: String
  /// Rows that are gone or have other values.
  package let lost: Int
  /// Rows that were not there, or have other values than before.
  package let added: Int
  /// The first differences, as sentences.
  package let first: [Prose]

  package init(table: String, lost: Int, added: Int, first: [Prose]) {
    self.table = table
    self.lost = lost
    self.added = added
    self.first = first
  }

  /// `2 rows of orders are gone or changed, 1 is new`.
  package var sentence: Prose {
    var parts: [Prose] = []
    if lost > 0 {
      parts.append("\(CountText.text(lost, "row")) of \(table) \(lost == 1 ? "is" : "are") gone or changed")
    }
    if added > lost || lost == 0 {
      let count = lost == 0 ? added : added - lost
      parts.append(
        "\(CountText.text(count, "row")) \(lost == 0 ? "of \(Prose(table)) " : "")\(count == 1 ? "was" : "were") not there before"
      )
    }
    return parts.joined(separator: ", and ")
  }
}

/// A problem of a migration that its verdict does not express.
package struct AuditFinding: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// PRAGMA foreign_keys inside a transaction, where it has no effect.
    case inertPragma = "inert-pragma"
    /// A script that begins or ends the transaction that the tool opened around it.
    case ownTransaction = "own-transaction"
    /// Rows of other tables that a DROP TABLE deletes when foreign keys are enforced.
    case cascade
    /// The checksum in the tool's table is not that of the file.
    case edited
    /// The tool's table says that a migration stopped half way.
    case dirty
    /// The database has applied a migration that the folder does not have.
    case unknown = "not-in-folder"
    /// The schema of the database differs from the schema that the folder's migrations make.
    case drift

    /// Why it matters: a sentence.
    package var reason: Prose {
      switch self {
      case .inertPragma:
        "inside a transaction SQLite ignores PRAGMA foreign_keys: keys stay enforced if they were."
      case .ownTransaction:
        "a script that ends the tool's transaction runs only when the tool opens none, and half of it can stay."
      case .cascade:
        "DROP TABLE deletes the rows of a table first, and their children go with them when keys are enforced."
      case .edited: "what the database has applied is not what the file says now."
      case .dirty: "the tool stopped in this migration, and refuses to go on before somebody has repaired it."
      case .unknown: "nobody can take back what is not in the folder."
      case .drift: "a way down that was written for another schema may fail or do something else."
      }
    }
  }

  package let kind: Kind
  /// The version of the migration; nil when it is about the database as a whole.
  package let version: String?
  /// A sentence.
  package let message: Prose
  package var details: [Prose]
  package let place: Place?
  /// The versions of other migrations with the same finding.
  package var others: [String] = []

  package init(
    _ kind: Kind, _ version: String?, _ message: Prose, details: [Prose] = [], at place: Place? = nil
  ) {
    self.kind = kind
    self.version = version
    self.message = message
    self.details = details
    self.place = place
  }
}

/// What the tool's table in a database says, and how far a copy of the database went down.
package struct DatabaseAudit: Sendable {
  package let path: String
  /// The tool's table.
  package let table: String
  /// The version that was applied last, also one that the folder does not have; nil when none is.
  package let head: String?
  package let applied: Int
  /// Rows of the database as it is, without those of the tool.
  package let rows: Int
  /// The versions that went down, in the order in which they did.
  package let wentDown: [String]
}

extension Audit {
  /// How far one can go back today, in one sentence.
  package var headline: Prose {
    guard !migrations.isEmpty else { return "There is no migration." }
    guard let head = headIndex else {
      guard let unknown = database?.head else { return "No migration of the folder is applied." }
      return "You cannot go back: \(unknown), the last one, is not in the folder."
    }
    if database != nil { return headline(from: head) }
    var back = 0
    var index = head
    while index >= first, migrations[index].verdict.comesBack {
      back += 1
      index -= 1
    }
    let most: Prose = "You can go back \(CountText.text(back, "migration"))"
    if index < 0 { return back == 1 ? "You can go back over the only migration." : "\(most), all there are." }
    guard index >= first else {
      return "\(most), to \(migrations[index].version), before which none was judged."
    }
    let stop = migrations[index]
    guard back > 0 else {
      return "You cannot go back: \(stop.version), the last one, \(stop.verdict.meaning)."
    }
    return "\(most), to \(stop.version), which \(stop.verdict.meaning)."
  }

  /// On real rows: how far the ways down run, and what is lost on the way.
  private func headline(from head: Int) -> Prose {
    let down = Set(database?.wentDown ?? [])
    let went = migrations.indices.filter { down.contains(migrations[$0].version) }
    let stop = migrations[..<(head + 1)].last { $0.isOnRealRows && !down.contains($0.version) }
    guard !went.isEmpty else {
      return
        "You cannot go back: \(migrations[head].version), the last one, \((stop ?? migrations[head]).verdict.meaning)."
    }
    let most: Prose = "You can go back \(CountText.text(went.count, "migration"))"
    let to: Prose = stop.map { ", to \($0.version), which \($0.verdict.meaning)" } ?? ", all that are applied"
    let lost = went.flatMap { migrations[$0].rows }
    let rows = lost.reduce(0) { $0 + $1.lost }
    let tables = Set(lost.filter { $0.lost > 0 }.map(\.table)).count
    let loss: Prose =
      rows == 0
      ? "every row survives it"
      : "\(CountText.text(rows, "row")) of \(CountText.text(tables, "table")) \(rows == 1 ? "does" : "do") not survive it unchanged"
    return "\(most)\(to); \(loss)."
  }

  /// The migration that is applied last: that of the database, or the last of the folder.
  private var headIndex: Int? {
    guard let database else { return migrations.indices.last }
    return database.head.flatMap { head in migrations.lastIndex { $0.version == head } }
  }
}

extension [AuditFinding] {
  /// The findings, with one for all migrations where a kind may occur in nearly every script.
  var gathered: [AuditFinding] {
    var gathered: [AuditFinding] = []
    for finding in self {
      let isCommon = finding.kind == .ownTransaction || finding.kind == .inertPragma
      guard isCommon, let index = gathered.firstIndex(where: { $0.kind == finding.kind }) else {
        gathered.append(finding)
        continue
      }
      gathered[index].others.append(finding.version ?? "")
    }
    for index in gathered.indices where !gathered[index].others.isEmpty {
      let names = Set(gathered[index].others).subtracting([gathered[index].version ?? ""]).sorted()
      guard !names.isEmpty else { continue }
      let shown = names.prefix(6).joined(separator: ", ")
      gathered[index].details.append(
        names.count > 6 ? "the same in \(shown) and \(names.count - 6) more" : "the same in \(shown)")
    }
    return gathered
  }
}
