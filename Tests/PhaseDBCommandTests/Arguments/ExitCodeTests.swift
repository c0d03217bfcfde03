import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("The exit code")
struct ExitCodeTests {
  @Test(
    "follows from what an error left behind",
    arguments: [(.unchanged, 2), (.undone, 3), (.partWay, 4), (.busy, 5)]
      as [(MigrationError.Standing, Int32)])
  func standing(standing: MigrationError.Standing, code: Int32) {
    #expect(ExitCode(standing).rawValue == code)
  }
}
