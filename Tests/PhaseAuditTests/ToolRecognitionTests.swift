import PhaseDB
import Testing

@testable import PhaseAudit

struct ToolRecognitionTests {
  @Test(
    "a tool is told by its files",
    arguments: [
      (["1_a/up.sql": ""], [MigrationTool.diesel]),
      (["1_a.up.sql": "", "1_a.down.sql": "", "go.mod": ""], [.golangMigrate]),
      (["1_a.up.sql": "", "Cargo.toml": ""], [.sqlx]),
      (["1_a.up.sql": "", "1_a.down.sql": ""], [.golangMigrate, .sqlx]),
      (["1-a.up.sql": ""], [.maragudkMigrate]),
      (["1_a.up.sql": "", "1_b.up.sql": ""], [.maragudkMigrate]),
      (["1_a.sql": "-- +goose Up"], [.goose]),
      (["1_a.sql": "x\n-- migrate:up\n"], [.dbmate]),
      (["1_a.sql": "SELECT 1;", "Cargo.toml": ""], [.sqlx]),
      (["1_a.sql": "SELECT 1;", "wrangler.jsonc": ""], [.d1]),
      (["1_a.sql": "SELECT 1;"], [.sqlx, .d1]),
      (["V1__a.sql": "", "V1__b.rs": ""], [.refinery]),
      (["V1__a.sql": "", "U1__a.sql": ""], [.flyway]),
      (["V1__a.sql": "", "V2__b.sql": "", "U3__c.sql": ""], [.refinery]),
      (["V1.2__a.sql": ""], [.flyway]),
      (["V1__a.sql": "", "R__b.sql": ""], [.flyway]),
      (["V1__a.sql": ""], [.refinery, .flyway]),
      (["V1__a.sql": "", "pom.xml": ""], [.flyway]),
      (["sqitch.plan": "", "deploy/a.sql": ""], [.sqitch]),
      (["sqitch.conf": "", "db/sqitch.plan": ""], [.sqitch]),
      (["001-a.sql": "SELECT 1;\n-- Down\nSELECT 2;"], [.nodeSQLite]),
      (["a.sql": "-- depends: b", "b.sql": ""], [.yoyo]),
      (["a.sql": "", "a.rollback.sql": ""], [.yoyo]),
      (["meta/_journal.json": "{}", "0000_a.sql": ""], [.drizzle]),
      (["1_a/migration.sql": ""], [.prisma]),
      (["migration_lock.toml": "", "1_a/migration.sql": ""], [.prisma]),
      (["0001-a/expand.sql": ""], [.phasedb]),
      (["phasedb.json": "{}"], [.phasedb]),
      (["1_a.sql": "-- +goose Up", "2_b.sql": "-- migrate:up"], [.goose, .dbmate]),
      (["1_a/up.sql": "", "1_b/migration.sql": ""], [.diesel, .prisma]),
      (["note.txt": ""], []), (["schema.sql": ""], []), ([:], []), ([".1_a.sql": "-- +goose Up"], []),
    ] as [([String: String], [MigrationTool])])
  func recognising(_ files: [String: String], _ expected: [MigrationTool]) throws {
    // Nothing above the folder counts: it is the root of a project.
    let disk = try FolderOnDisk(files.merging([".git/HEAD": ""]) { $1 })
    #expect(try MigrationTool.candidates(in: disk.path) == expected)
    #expect((try? MigrationTool.recognised(in: disk.path)) == (expected.count == 1 ? expected[0] : nil))
  }

  @Test("the project around a folder decides, and the table of a database")
  func surroundings() throws {
    let disk = try FolderOnDisk([
      "go.mod": "", "db/migrations/1_a.up.sql": "", "other/1_a.sql": "", ".git/HEAD": "",
    ])
    #expect(try MigrationTool.recognised(in: disk.path + "/db/migrations") == .golangMigrate)
    #expect(try MigrationTool.recognised(in: disk.path + "/other", recorded: [.d1, .goose]) == .d1)
    let error = #expect(throws: MigrationError.self) {
      try MigrationTool.recognised(in: disk.path + "/other")
    }
    #expect(error?.id == .ambiguousTool)
    #expect(error.map { disk.generic($0.message.description) } == "DIR/other could be a folder of sqlx or d1")
    #expect(
      error?.help.map(\.description) == [
        "if it belongs to sqlx, add: --tool sqlx", "if it belongs to d1, add: --tool d1",
      ])
  }

  @Test("where there is no tool, the error says where to look")
  func unknown() throws {
    let disk = try FolderOnDisk(["README.md": "", "db/1.sql": ""])
    let error = #expect(throws: MigrationError.self) { try MigrationTool.recognised(in: disk.path) }
    #expect(error?.id == .unknownTool)
    #expect(
      error.map { disk.generic($0.help[0].description) }
        == "name the folder that has the migrations, for example DIR/db")
    let empty = try FolderOnDisk([:])
    #expect(
      #expect(throws: MigrationError.self) { try MigrationTool.recognised(in: empty.path) }.map {
        empty.generic($0.message.description)
      } == "DIR has no files")
  }
}
