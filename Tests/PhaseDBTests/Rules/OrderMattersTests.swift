import PhaseSQLite
import TestDice
import Testing

@testable import PhaseDB

/// Folders drawn at random, and a judge that runs every order that can come about in SQLite alone.
@Suite("The pair that order-matters names")
struct OrderMattersTests {
  @Test("does not commute in some order that can come about", arguments: 0..<60)
  func pairs(_ seed: Int) throws {
    let folder = try DrawnFolder(seed: UInt64(seed) &* 7_919 &+ 1)
    let findings = try folder.findings()
    let judge = Judge(folder)
    for finding in findings {
      let pair = try #require(folder.pair(of: finding), "\(finding.message)")
      #expect(judge.telling.contains(pair), "\(finding.message)\n\(folder.text)\ntelling: \(judge.telling)")
    }
    if findings.isEmpty {
      #expect(judge.isHeldSame, "the held order leads elsewhere, and nothing was said:\n\(folder.text)")
    }
    // With the lines that the findings ask for, nothing is left to find.
    #expect(try folder.needing(findings.compactMap(folder.pair)).findings().isEmpty, "\(folder.text)")
  }

  @Test("is told of in a good part of them, so that the test above tests something")
  func control() throws {
    let folders = try (0..<60).map { try DrawnFolder(seed: UInt64($0) &* 7_919 &+ 1) }
    let findings = try folders.map { try $0.findings().count }
    #expect(findings.filter { $0 > 0 }.count > 10)
    #expect(findings.contains(0))
  }

  @Test("is never two contracts, which keep their order, when a third phase is the culprit")
  func third() throws {
    let report = try LintedFiles([
      "0001-a/expand.sql": "CREATE TABLE t (id, a, b);\n-- @down\nDROP TABLE t;",
      "0002-b/contract.sql":
        "ALTER TABLE t DROP COLUMN a;\n-- @down\nALTER TABLE t ADD COLUMN a;",
      "0003-c/contract.sql": "ALTER TABLE t RENAME TO u;\n-- @down\nALTER TABLE u RENAME TO t;",
      "0004-d/expand.sql": "CREATE INDEX i ON u (b);\n-- @down\nDROP INDEX i;",
    ]).report()
    let messages = report.findings.filter { $0.id == "order-matters" }.map(\.message)
    #expect(
      messages == ["the schema depends on whether 0003/contract runs before or after 0004/expand"])
  }
}

/// A step of a folder: a contract, or a phase that may pass contracts.
private struct DrawnStep: Hashable {
  let id: String
  let sql: String
  var needs: [String] = []
  var isContract: Bool { id.hasSuffix("contract") }
}

/// A contract and a phase behind it, by their ids.
private struct Pair: Hashable {
  let contract: String
  let other: String
}

private struct DrawnFolder {
  var steps: [DrawnStep]
  private static let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); CREATE TABLE u (id, x, y);"

  /// Steps that run in their own order.
  init(seed: UInt64) throws {
    var random = Dice(seed: seed)
    steps = []
    let database = try Connection(path: "", mode: .memory)
    try database.execute(script: Self.base)
    while steps.count < 6 {
      let sql = Self.statements.randomElement(using: &random) ?? ""
      guard (try? database.execute(script: sql)) != nil else { continue }
      let kind = Bool.random(using: &random) ? "contract" : "expand"
      steps.append(DrawnStep(id: "000\(steps.count + 1)-m/\(kind)", sql: sql))
    }
  }

  private static let statements = [
    "ALTER TABLE t DROP COLUMN a;", "ALTER TABLE t DROP COLUMN b;", "ALTER TABLE t ADD COLUMN a TEXT;",
    "ALTER TABLE t ADD COLUMN b INTEGER;", "ALTER TABLE t RENAME COLUMN b TO d;",
    "ALTER TABLE t RENAME COLUMN c TO b;", "ALTER TABLE t RENAME TO w;", "ALTER TABLE w RENAME TO t;",
    "CREATE INDEX ib ON t (b);", "CREATE INDEX id ON t (d);", "CREATE INDEX ix ON u (x);", "DROP INDEX ib;",
    "ALTER TABLE u DROP COLUMN y;", "ALTER TABLE u ADD COLUMN z;", "ALTER TABLE u RENAME COLUMN x TO v;",
    "CREATE TABLE n (a);", "DROP TABLE n;", "CREATE VIEW s AS SELECT id FROM t;", "DROP VIEW s;",
    "ALTER TABLE u ADD COLUMN w;", "CREATE INDEX iv ON u (v);",
  ]

  func findings() throws -> [Finding] {
    var files = ["baseline.sql": Self.base]
    for step in steps {
      let head = step.needs.map { "-- @needs \($0)\n" }.joined()
      files["\(step.id).sql"] =
        "-- @window app >=1.0\n-- @residual none\n\(head)-- @up\n\(step.sql)\n-- @down\nSELECT 1;"
    }
    let catalog = try LintedFiles(files).catalog(window: "app >=1.0")
    let scratch = try Scratch(baseline: catalog.baseline)
    for (id, phase) in catalog.phases { try scratch.run(id, phase, .up) }
    return try OrderMatters.findings(
      LintedFolder(catalog: catalog, oldestSQLite: nil, corpus: []), leadingTo: scratch.schema)
  }

  func needing(_ pairs: [Pair]) -> DrawnFolder {
    var folder = self
    for pair in pairs {
      for index in folder.steps.indices where folder.steps[index].id == pair.other {
        folder.steps[index].needs.append(pair.contract)
      }
    }
    return folder
  }

  /// The pair that the words of a finding name.
  func pair(of finding: Finding) -> Pair? {
    let names = finding.message.raw.matches(of: #/000\d/\w+/#).map { match in
      steps.first { $0.id.prefix(4) == match.output.prefix(4) }
    }
    guard names.count == 2, let contract = names[0], let other = names[1] else { return nil }
    return Pair(contract: contract.id, other: other.id)
  }

  var text: String { steps.map { "\($0.id): \($0.sql)" }.joined(separator: "\n") }

  /// What SQLite holds after steps in some order; where one fails, which.
  static func result(_ steps: [DrawnStep]) -> String {
    guard let database = try? Connection(path: "", mode: .memory),
      (try? database.execute(script: base)) != nil
    else { return "no database" }
    for step in steps where (try? database.execute(script: step.sql)) == nil { return "failed" }
    let rows = (try? database.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2")) ?? []
    return rows.map { row in
      (0..<4).map { (row[$0].text ?? "").replacing("\"", with: "") }.joined(separator: "|")
    }.joined(separator: "\n")
  }
}

/// Every order in which contracts come later and keep their order among themselves.
private struct Judge {
  /// Pairs that lead to another result somewhere when they change places.
  private(set) var telling: Set<Pair> = []
  /// Whether all contracts at the end lead to what the folder's own order leads to.
  let isHeldSame: Bool

  init(_ folder: DrawnFolder) {
    var seen: Set<[DrawnStep]> = [folder.steps]
    var queue = [folder.steps]
    while let order = queue.popLast() {
      for index in order.indices.dropLast() where order[index].isContract && !order[index + 1].isContract {
        var swapped = order
        swapped.swapAt(index, index + 1)
        if DrawnFolder.result(order) != DrawnFolder.result(swapped) {
          telling.insert(Pair(contract: order[index].id, other: order[index + 1].id))
        }
        if seen.insert(swapped).inserted { queue.append(swapped) }
      }
    }
    let held = folder.steps.filter { !$0.isContract } + folder.steps.filter(\.isContract)
    isHeldSame = DrawnFolder.result(held) == DrawnFolder.result(folder.steps)
  }
}
