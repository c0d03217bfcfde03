import PhaseAudit
import PhaseDB
import PhaseSQLite

/// A migration of a test: SQL of both ways, as a tool that opens a transaction around each would run it.
struct Step {
  let up: String
  let down: String?
  var wrapping = ToolScript.Wrapping.transaction

  init(_ up: String, down: String?, _ wrapping: ToolScript.Wrapping = .transaction) {
    self.up = up
    self.down = down
    self.wrapping = wrapping
  }
}

extension ToolFolder {
  /// A folder that was never on a disk; versions are 1, 2, 3.
  static func made(of steps: [Step], tool: MigrationTool = .diesel) -> ToolFolder {
    ToolFolder(
      tool: tool, path: "migrations",
      migrations: steps.enumerated().map { index, step in
        func script(_ sql: String, _ file: String) -> ToolScript {
          ToolScript(
            text: sql, file: "\(index + 1)/\(file)", statements: SQLSplitter.statements(in: sql),
            wrapping: step.wrapping)
        }
        return ToolMigration(
          version: "\(index + 1)", name: "step", files: ["\(index + 1)/up.sql"],
          up: script(step.up, "up.sql"),
          down: step.down.map { script($0, "down.sql") })
      })
  }
}
