import Foundation
import PhaseDB
import Testing

@testable import PhaseAudit

/// Folders that nobody should have, and some do.
struct HostileFolderTests {
  @Test("more files than any project has are not listed to the end")
  func tooMany() throws {
    let names = (0...FolderFiles.limit).map { "\($0)_a.up.sql" }
    let disk = try FolderOnDisk([:])
    for name in names { try Data().write(to: URL(filePath: "\(disk.path)/\(name)")) }
    for attempt in [
      { try MigrationTool.recognised(in: disk.path) }, { try ToolFolder.read(disk.path, tool: .sqlx).tool },
    ] {
      let error = #expect(throws: MigrationError.self) { _ = try attempt() }
      #expect(error?.id == .tooManyFiles)
      #expect(error.map { disk.generic($0.message.description) } == "DIR has more than 20000 files")
    }
  }

  @Test("a file that is too large, or no text, is an obstacle of its own")
  func unreadable() throws {
    let disk = try FolderOnDisk(bytes: [
      "1_a.up.sql": [UInt8](repeating: 0x20, count: 9 << 20), "2_b.up.sql": [0x41, 0xFF],
      "3_c.up.sql": Array("SELECT 1;".utf8),
      "4_d.up.sql": [0xFF, 0xFE, 0x41, 0x00],
    ])
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    #expect(
      folder.migrations.map { disk.generic(ReaderCase.line($0)) } == [
        "1 a: up none, down none, but DIR/1_a.up.sql has 9 MB, the limit is 8 MB",
        "2 b: up none, down none, but DIR/2_b.up.sql:1:2: byte 1 of the file is not valid UTF-8",
        "3 c: up 1, down none",
        "4 d: up none, down none, but DIR/4_d.up.sql:1:1: byte 0 of the file is not valid UTF-8",
      ])
    #expect(try MigrationTool.candidates(in: disk.path) == [.golangMigrate, .sqlx])
  }

  @Test("links are followed to files, and never to folders")
  func links() throws {
    let disk = try FolderOnDisk(["1_a/up.sql": "SELECT 1;", "elsewhere.sql": "SELECT 2; SELECT 3;"])
    try disk.link("2_b", to: ".")
    try disk.link("1_a/loop", to: "..")
    try disk.link("1_a/down.sql", to: "../elsewhere.sql")
    try disk.link("3_c.sql", to: "nowhere")
    for tool in [MigrationTool.diesel, .flyway] {
      let folder = try ToolFolder.read(disk.path, tool: tool)
      #expect(
        folder.remarks.map { disk.generic($0.message.description) }.filter { $0.contains("link") } == [
          "DIR/1_a/loop is a link to a folder, which phasedb does not follow",
          "DIR/2_b is a link to a folder, which phasedb does not follow",
        ])
    }
    #expect(
      try ToolFolder.read(disk.path, tool: .diesel).migrations.map(ReaderCase.line) == ["1 1_a: up 1, down 2"]
    )
  }

  @Test("names with a line end, a quote, an escape, and bytes that are no text")
  func names() throws {
    let disk = try FolderOnDisk(["1_a\nb.up.sql": "SELECT 1;", "2_\u{1B}[31m'.up.sql": "SELECT 1;"])
    let path = disk.path.utf8.map(CChar.init(bitPattern:)) + "/3_".utf8.map(CChar.init(bitPattern:))
    let name = path + [CChar(bitPattern: 0xFF)] + ".up.sql".utf8.map(CChar.init(bitPattern:)) + [0]
    let file = unsafe fopen(name, "w")
    try #require(unsafe file != nil)
    if let file = unsafe file { unsafe fclose(file) }
    let folder = try ToolFolder.read(disk.path, tool: .golangMigrate)
    #expect(folder.migrations.map(\.name) == ["a\nb", "\u{1B}[31m'", "\u{FFFD}"])
    #expect(
      folder.migrations[2].obstacle.map { disk.generic($0.description) }
        == "cannot read DIR/3_\u{FFFD}.up.sql: its name is not UTF-8")
  }

  @Test("a folder that is none, or may not be read")
  func closed() throws {
    let disk = try FolderOnDisk(["file": "", "closed/1_a.sql": ""])
    #expect(
      #expect(throws: MigrationError.self) { try MigrationTool.recognised(in: disk.path + "/x") }?.id
        == .folderNotFound)
    #expect(
      #expect(throws: MigrationError.self) { try MigrationTool.recognised(in: disk.path + "/file") }?.id
        == .folderUnreadable)
    guard getuid() != 0 else { return }
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: disk.path + "/closed")
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: disk.path + "/closed")
    }
    #expect(
      #expect(throws: MigrationError.self) { try MigrationTool.recognised(in: disk.path + "/closed") }?.id
        == .folderUnreadable)
  }

  @Test("a plan, a journal and dependencies that are no use")
  func lists() throws {
    for (tool, files, place) in [
      (MigrationTool.sqitch, ["sqitch.plan": "%project=p\n\na b c\n"], 3),
      (.drizzle, ["meta/_journal.json": "{"], nil),
      (.drizzle, ["meta/_journal.json": #"{"dialect":"postgresql","entries":[]}"#], nil),
      (.yoyo, ["a.sql": "-- depends: b", "b.sql": "-- depends: a"], nil),
    ] as [(MigrationTool, [String: String], Int?)] {
      let disk = try FolderOnDisk(files)
      let error = #expect(throws: MigrationError.self) { try ToolFolder.read(disk.path, tool: tool) }
      #expect(error?.id == .toolFilesInvalid)
      #expect(error?.place?.line == place)
    }
  }
}
