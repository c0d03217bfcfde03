import PhaseAudit
import TestDice

/// A folder as a team with one of several tools would have it.
struct DrawnFolder {
  static let tools: [MigrationTool] = [
    .goose, .dbmate, .golangMigrate, .maragudkMigrate, .sqlx, .diesel, .sqitch, .yoyo, .flyway, .nodeSQLite,
  ]

  let tool: MigrationTool
  /// In their order. The first one makes a table `log`, which triggers write.
  let migrations: [DrawnMigration]

  init(seed: UInt64, length: Int = 7) {
    var dice = Dice(seed: seed)
    let tool = dice.pick(Self.tools)
    self.tool = tool
    var schema = DrawnSchema()
    var migrations = [
      DrawnMigration(
        kind: "table", way: "right", up: ["CREATE TABLE log (what)"], down: ["DROP TABLE log"])
    ]
    for number in 0..<length {
      let change = number < 2 ? schema.first(&dice) : schema.change(&dice)
      migrations.append(change.migration(&dice).fitting(tool))
    }
    self.migrations = migrations
  }

  /// Whether this tool's connection enforces foreign keys, as its documentation has it.
  var enforcesKeys: Bool { tool == .sqlx }

  var files: [String: String] {
    var files: [String: String] = [:]
    var plan = "%syntax-version=1.0.0\n%project=drawn\n\n"
    for (index, migration) in migrations.enumerated() {
      let number = String(repeating: "0", count: index < 9 ? 2 : 1) + "\(index + 1)"
      let (up, down) = (migration.up, migration.down)
      func whole(_ statements: [String]) -> String {
        statements.isEmpty ? "-- nothing to do\n" : statements.map { "\($0);\n" }.joined()
      }
      switch tool {
      case .goose:
        func cut(_ statements: [String]) -> String {
          statements.map { sql in
            sql.lowercased().contains("trigger")
              ? "-- +goose StatementBegin\n\(sql);\n-- +goose StatementEnd\n" : "\(sql);\n"
          }.joined()
        }
        files["\(number)_step.sql"] =
          "-- +goose Up\n\(cut(up))\(down.map { "\n-- +goose Down\n\(cut($0))" } ?? "")"
      case .dbmate:
        files["2026\(number)_step.sql"] = "-- migrate:up\n\(whole(up))\n-- migrate:down\n\(whole(down ?? []))"
      case .golangMigrate, .sqlx, .maragudkMigrate:
        files["\(number)_step.up.sql"] = whole(up)
        files["\(number)_step.down.sql"] = down.map(whole)
      case .diesel:
        files["\(number)_step/up.sql"] = whole(up)
        files["\(number)_step/down.sql"] = down.map(whole)
      case .sqitch:
        plan += "step\(number) 2026-01-\(String(number.suffix(2)))T10:00:00Z A <a@example.org> # it\n"
        files["deploy/step\(number).sql"] = "BEGIN;\n\(whole(up))COMMIT;\n"
        files["revert/step\(number).sql"] = down.map {
          $0.isEmpty ? whole([]) : "BEGIN;\n\(whole($0))COMMIT;\n"
        }
      case .yoyo:
        files["\(number).step.sql"] = whole(up)
        files["\(number).step.rollback.sql"] = down.map(whole)
      case .flyway:
        files["V\(index + 1)__step.sql"] = whole(up)
        files["U\(index + 1)__step.sql"] = down.map(whole)
      case .nodeSQLite:
        files["\(number)-step.sql"] = "-- Up\n\(whole(up))\(down.map { "\n-- Down\n\(whole($0))" } ?? "")"
      default: break
      }
    }
    if tool == .sqitch {
      files["sqitch.plan"] = plan
      files["sqitch.conf"] = "[core]\n\tengine = sqlite\n"
    }
    return files
  }
}

extension DrawnMigration {
  /// dbmate refuses a file without a part for the way down.
  fileprivate func fitting(_ tool: MigrationTool) -> DrawnMigration {
    tool == .dbmate && down == nil ? DrawnMigration(kind: kind, way: "empty", up: up, down: []) : self
  }
}
