import PhaseSQLite
import Testing

@testable import PhaseDB

struct ExampleTests {
  @Test("the example is clean without any exception")
  func clean() throws {
    let example = try LintedFiles.example()
    #expect(example.files.values.allSatisfy { !$0.contains("@allow") })
    let report = try example.report()
    #expect(report.text == "")
    #expect(report.phases == 12)
    #expect(report.untried.isEmpty)
  }
}
