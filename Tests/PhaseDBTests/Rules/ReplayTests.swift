import Testing

@testable import PhaseDB

/// The folder is replayed about once, whatever the number of phases.
struct ReplayTests {
  @Test("each phase runs a fixed number of times", arguments: [5, 40])
  func runs(migrations: Int) throws {
    var files: [String: String] = [:]
    for number in 1001...(1000 + migrations) {
      let table = "t\(number)"
      files["\(number)-m/expand.sql"] =
        "CREATE TABLE \(table) (a, b);\nCREATE VIEW v\(number) AS SELECT a FROM \(table);\n-- @down\nDROP VIEW v\(number);\nDROP TABLE \(table);"
      files["\(number)-m/migrate.sql"] =
        "UPDATE \(table) SET a = b WHERE rowid = 1;\n-- @down\nUPDATE \(table) SET a = NULL WHERE rowid = 1;"
      files["\(number)-m/contract.sql"] =
        "ALTER TABLE \(table) DROP COLUMN b;\n-- @down\nALTER TABLE \(table) ADD COLUMN b;"
    }
    var runs: [Script: Int] = [:]
    let report = try LintedFiles(files).linter().report { runs[$0, default: 0] += 1 }
    #expect(report.findings.allSatisfy { $0.id == "undetected" }, "\(report.text)")
    // Up on the whole schema, up, down and up on what the phase can touch, and once with the contracts held.
    #expect(Set(runs.values) == [1, 4])
    #expect(runs.values.count { $0 == 4 } == 3 * migrations)
    #expect(runs.values.count { $0 == 1 } == 3 * migrations)
  }
}
