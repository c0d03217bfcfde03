import Foundation
import PhaseAudit
import PhaseDB
import TestDice
import Testing

/// Random folders of ten tools, with ways down that are right and wrong: what the audit says is held against what a judge
/// sees who runs the same statements on rows of its own.
///
/// `PHASEDB_AUDITS` asks for more folders, `PHASEDB_SEED` for others.
struct DrawnFolderTests {
  static let count = ProcessInfo.processInfo.environment["PHASEDB_AUDITS"].flatMap(Int.init) ?? 30
  static let seed =
    ProcessInfo.processInfo.environment["PHASEDB_SEED"].flatMap(UInt64.init) ?? 20_261_124
  private static let parts = 2

  @Test("a verdict is what comes back", arguments: 0..<parts)
  func verdicts(_ part: Int) throws {
    var counts: [String: Int] = [:]
    for number in stride(from: part, to: Self.count, by: Self.parts) {
      let held = try Held(seed: Self.seed &+ UInt64(number))
      for (key, value) in held.counts { counts[key, default: 0] += value }
      #expect(
        held.complaints.isEmpty,
        "PHASEDB_SEED=\(Self.seed &+ UInt64(number)) PHASEDB_AUDITS=1:\n\(held.complaints.joined(separator: "\n"))"
      )
    }
    // Both are said to be so, and are seldom.
    let excused = counts["unobserved", default: 0] + counts["unproved", default: 0]
    #expect(excused * 50 <= counts["migrations", default: 0] + 50)
    print(
      "audited, part \(part): \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
  }

  /// Each was judged wrongly once, by the audit or by the judge, and no row of VerdictTests shows why.
  @Test(
    "a verdict that was untrue stays mended",
    arguments: [
      7_000_516, 7_000_716, 7_000_999, 8_000_052, 9_000_050, 11_000_013, 11_000_482, 12_000_031, 12_000_246,
      12_000_287, 14_000_497, 14_000_579, 14_000_797, 15_000_179,
    ])
  func mended(_ seed: UInt64) throws {
    let complaints = try Held(seed: seed).complaints
    #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
  }

  @Test("so does one with a database")
  func mendedDatabase() throws {
    let complaints = try HeldDatabase(seed: 9_000_391).complaints
    #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
  }

  @Test("with a database of the folder, a verdict is what comes of its rows", arguments: 0..<parts)
  func databases(_ part: Int) throws {
    var counts: [String: Int] = [:]
    for number in stride(from: part, to: Self.count, by: Self.parts) {
      let held = try HeldDatabase(seed: Self.seed &+ UInt64(number))
      for (key, value) in held.counts { counts[key, default: 0] += value }
      #expect(
        held.complaints.isEmpty,
        "PHASEDB_SEED=\(Self.seed &+ UInt64(number)) PHASEDB_AUDITS=1:\n\(held.complaints.joined(separator: "\n"))"
      )
    }
    #expect(counts["judged", default: 0] * 2 >= counts["databases", default: 0])
    print(
      "audited with rows, part \(part): \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })"
    )
  }

  /// A judge that never complains would pass everything above.
  @Test("a wrong verdict does not pass")
  func wrongVerdicts() throws {
    var (tried, caught) = (0, 0)
    for number in 0..<12 {
      let held = try Held(seed: Self.seed &+ UInt64(number))
      for (audited, truth) in zip(held.audit.migrations, held.truths) where !truth.isBlind {
        let isBad = truth.words.isDisjoint(with: ["returns", "order-only"])
        for wrong in AuditVerdict.allCases
        where wrong != audited.verdict && !truth.words.contains(wrong.rawValue)
          && !(isBad && wrong == .doesNotRun)
          && !(truth.words.contains("does-not-run") && [.rowsDiffer, .otherSchema].contains(wrong))
        {
          tried += 1
          if Held.complaint(wrong, truth, isAfterSkipped: false) != nil { caught += 1 }
        }
      }
    }
    #expect(tried > 100 && caught == tried)
  }
}

/// An audit of a drawn folder with a database that belongs to it, beside what is true of going down there.
struct HeldDatabase {
  let folder: DrawnFolder
  let audit: Audit
  let truths: [Int: FolderJudge.Truth]
  let isUnchanged: Bool

  init(seed: UInt64) throws {
    folder = DrawnFolder(seed: seed)
    var dice = Dice(seed: seed &+ 2)
    let (disk, place) = (try FolderOnDisk(folder.files), try FolderOnDisk([:]))
    let read = try ToolFolder.read(disk.path, tool: folder.tool)
    let path = "\(place.path)/app.db"
    let judge = try FolderJudge(folder, seed: seed &+ 1)
    let database = try PlainDatabase(path)
    let applied = try judge.fill(database, upTo: 3 + dice.below(folder.migrations.count - 2))
    try database.record(
      read.migrations.prefix(applied).map(\.version), of: folder.tool, in: place.path)
    truths = try judge.truths(of: database, applied: applied)
    let before = FileManager.default.contents(atPath: path)
    audit = try Auditor(read).audit(database: Auditor.Database(path: path))
    isUnchanged = before == FileManager.default.contents(atPath: path)
  }

  var complaints: [String] {
    var complaints = isUnchanged ? [] : ["the database was changed"]
    let judged = audit.migrations.indices.filter { audit.migrations[$0].isOnRealRows }
    if Set(judged) != Set(truths.keys) {
      complaints.append("judged: \(judged), and not \(truths.keys.sorted())")
    }
    for index in judged {
      guard let truth = truths[index] else { continue }
      let (audited, drawn) = (audit.migrations[index], folder.migrations[index])
      let isGood = !truth.words.isDisjoint(with: ["returns", "order-only"])
      // No row tells one condition from the other, which this way down or one before it made.
      let ways = Set(folder.migrations[index...].map(\.way))
      if audited.verdict == .otherSchema, isGood, !ways.isSubset(of: ["right", "other words"]) { continue }
      // Both may be so, and the audit tells of the schema first.
      if audited.verdict == .otherSchema, truth.words.contains("rows-differ") { continue }
      guard
        let complaint = Held.complaint(audited.verdict, truth, isAfterSkipped: false)
          ?? Held.complaint(ofCounters: audited, truth)
      else { continue }
      complaints.append(
        """
        \(folder.tool.rawValue) \(index + 1) of a database, \(drawn.kind), \(drawn.way): \(complaint)
          audit: \(audited.reasons.map(\.description)) \(audited.rows.flatMap { $0.first.map(\.description) })
          judge: \(truth.why)
          before: \(folder.migrations[..<index].flatMap(\.up))
          up: \(drawn.up)
          down: \(drawn.down ?? [])
        """)
    }
    return complaints
  }

  var counts: [String: Int] {
    var counts = ["databases": 1, "judged": truths.count]
    for index in truths.keys {
      counts["= \(audit.migrations[index].verdict.rawValue)", default: 0] += 1
    }
    return counts
  }
}

/// An audit of a drawn folder, beside what is true.
struct Held {
  let folder: DrawnFolder
  let audit: Audit
  let truths: [FolderJudge.Truth]

  init(seed: UInt64) throws {
    folder = DrawnFolder(seed: seed)
    let disk = try FolderOnDisk(folder.files)
    audit = try Auditor(ToolFolder.read(disk.path, tool: folder.tool)).audit()
    truths = try FolderJudge(folder, seed: seed &+ 1).truths()
  }

  var complaints: [String] {
    guard audit.migrations.count == truths.count else {
      return ["\(folder.tool.rawValue): \(audit.migrations.count) migrations of \(truths.count)"]
    }
    return audit.migrations.indices.compactMap { index in
      let (audited, truth, drawn) = (audit.migrations[index], truths[index], folder.migrations[index])
      guard
        let complaint = Self.complaint(audited.verdict, truth, isAfterSkipped: isAfterSkipped(index))
          ?? Self.complaint(ofCounters: audited, truth),
        !isUnobserved(index), !isUnproved(index)
      else {
        return nil
      }
      return """
        \(folder.tool.rawValue) \(index + 1), \(drawn.kind), \(drawn.way): \(complaint)
          audit: \(audited.unseeded) \(audited.reasons.map(\.description)) \(audited.rows.flatMap { $0.first.map(\.description) })
          judge: \(truth.why.prefix(4))
          before: \(folder.migrations[..<index].flatMap(\.up))
          up: \(drawn.up)
          down: \(drawn.down ?? [])
        """
    }
  }

  /// Whether the way down was drawn to make another condition, and no row tells it from the one before: `a <> 5 OR a <> 1`
  /// is true of every row.
  func isUnobserved(_ index: Int) -> Bool {
    audit.migrations[index].verdict == .otherSchema
      && !["right", "other words"].contains(folder.migrations[index].way)
      && !truths[index].words.isDisjoint(with: ["returns", "order-only"])
  }

  /// Whether the audit says that it had no row: the way up refuses all that it made.
  func isUnproved(_ index: Int) -> Bool {
    let audited = audit.migrations[index]
    return audited.verdict.comesBack && truths[index].words.isDisjoint(with: ["returns", "order-only"])
      && (!audited.unseeded.isEmpty
        || audited.reasons.contains {
          $0.contains("tried without rows") || $0.contains("only one or two rows could be made")
        })
  }

  /// Whether a migration before it could not be run, so that nobody can tell.
  private func isAfterSkipped(_ index: Int) -> Bool {
    audit.migrations[index].verdict == .notJudged
      && audit.migrations[index].reasons.contains { $0.contains("could not be run") }
      && truths[index].words.contains("does-not-run")
  }

  /// Whether it is said that keys of deleted rows are given again.
  static func complaint(ofCounters audited: AuditedMigration, _ truth: FolderJudge.Truth) -> String? {
    guard audited.verdict.comesBack, !truth.words.isDisjoint(with: ["returns", "order-only"]) else {
      return nil
    }
    let isSaid = audited.reasons.contains { $0.contains("AUTOINCREMENT") }
    guard isSaid != truth.isCountingAnew, !(isSaid && truth.isBlind),
      !audited.reasons.contains(where: { $0.contains("without rows") })
    else { return nil }
    return isSaid ? "no counter is lower" : "a counter is lower, and that was not said"
  }

  static func complaint(_ verdict: AuditVerdict, _ truth: FolderJudge.Truth, isAfterSkipped: Bool) -> String?
  {
    if truth.words.contains(verdict.rawValue) || isAfterSkipped { return nil }
    if truth.isBlind, truth.words.isSubset(of: ["returns", "order-only"]) { return nil }
    // Whether SQLite refuses a statement may depend on a row that only one of them has, where nothing comes back anyway.
    let failing: Set<String> = ["does-not-run", "rows-differ", "other-schema"]
    if failing.contains(verdict.rawValue), truth.words.isSubset(of: failing),
      verdict == .doesNotRun || truth.words.contains("does-not-run")
    {
      return nil
    }
    return "\(verdict.rawValue) was said, and true is \(truth.words.sorted().joined(separator: " or "))"
  }

  var counts: [String: Int] {
    var counts: [String: Int] = [folder.tool.rawValue: 1]
    for (audited, drawn) in zip(audit.migrations, folder.migrations) {
      counts["= \(audited.verdict.rawValue)", default: 0] += 1
      counts["~ \(drawn.way)", default: 0] += 1
      counts[
        "\(drawn.way.hasPrefix("right") || drawn.way == "other words" ? "good" : "bad") \(audited.verdict.rawValue)",
        default: 0] += 1
      counts["+ \(drawn.kind)", default: 0] += 1
    }
    counts["unobserved"] = audit.migrations.indices.count(where: isUnobserved)
    counts["unproved"] = audit.migrations.indices.count(where: isUnproved)
    counts["migrations"] = audit.migrations.count
    return counts
  }
}
