import PhaseAudit
import Testing

struct MigrationToolTests {
  @Test("a tool is found by the name that is typed")
  func names() {
    #expect(MigrationTool(rawValue: "golang-migrate") == .golangMigrate)
  }
}
