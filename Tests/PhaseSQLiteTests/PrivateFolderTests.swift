import Foundation
import PhaseSQLite
import Testing

struct PrivateFolderTests {
  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("only its owner may look into it, and it is gone with everything in it")
  func life() throws {
    let parent = try TemporaryFile()
    do {
      let folder = try PrivateFolder(in: parent.folder, prefix: ".mine-")
      let file = try folder.makeFile("a.db")
      #expect(try mode(folder.path) == 0o700)
      #expect(try mode(file) == 0o600)
      try Data("twelve bytes".utf8).write(to: URL(filePath: folder.path + "/a.db-wal"))
      #expect(folder.size(of: "a.db-wal") == 12)
      #expect(folder.size(of: "nothing") == 0)
      #expect(parent.names.count == 1 && parent.names[0].hasPrefix(".mine-"))
    }
    #expect(parent.names.isEmpty)
  }

  @Test("what a killed process left behind is removed, what is in use or new or another's is not")
  func abandoned() throws {
    let parent = try TemporaryFile()
    let hourAgo = Date(timeIntervalSinceNow: -3_600)
    for name in [".mine-killed", ".mine-new", ".other-killed"] {
      let path = "\(parent.folder)/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: path + "/copy.db"))
      if name != ".mine-new" {
        try FileManager.default.setAttributes([.modificationDate: hourAgo], ofItemAtPath: path)
      }
    }
    let inUse = try PrivateFolder(in: parent.folder, prefix: ".mine-")
    try FileManager.default.setAttributes([.modificationDate: hourAgo], ofItemAtPath: inUse.path)
    let folder = try PrivateFolder(in: parent.folder, prefix: ".mine-")
    let kept = Set(
      [".mine-new", ".other-killed"] + [inUse.path, folder.path].map { URL(filePath: $0).lastPathComponent })
    #expect(Set(parent.names) == kept)
  }

  @Test("a folder that is not there cannot hold one")
  func missing() throws {
    #expect(throws: FileReading.Failure.self) { try PrivateFolder(in: "/nonexistent", prefix: ".mine-") }
  }

  @Test("a private file is written whole or not at all")
  func writing() throws {
    let parent = try TemporaryFile(named: "evidence.json")
    try PrivateFolder.write("one", to: parent.path)
    try PrivateFolder.write("two", to: parent.path)
    #expect(try String(contentsOfFile: parent.path, encoding: .utf8) == "two")
    #expect(try mode(parent.path) == 0o600)
    #expect(parent.names == ["evidence.json"])
    #expect(throws: FileReading.Failure.self) { try PrivateFolder.write("x", to: parent.folder) }
    #expect(parent.names == ["evidence.json"])
  }

  @Test("the room on a disk is known where there is one")
  func room() throws {
    #expect(FileReading.freeBytes(at: "/nonexistent") == nil)
    #expect(try #require(FileReading.freeBytes(at: FileManager.default.temporaryDirectory.path)) > 0)
  }
}

struct BackupTests {
  private func large(_ file: TemporaryFile) throws -> Connection {
    let connection = try file.open()
    try connection.execute(
      script: """
        PRAGMA journal_mode = WAL;
        CREATE TABLE t (id INTEGER PRIMARY KEY, b);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
        INSERT INTO t SELECT i, zeroblob(60000) FROM n;
        """)
    return connection
  }

  @Test("a copy is of one moment, and ends although others write between its steps")
  func consistent() throws {
    let (file, target) = (try TemporaryFile(), try TemporaryFile())
    let writer = try large(file)
    let source = try file.open(.readOnly)
    let copy = try target.open()
    var steps: [Int] = []
    var failed: SQLiteError?
    try source.backUp(to: copy) { done, total in
      steps.append(done)
      do throws(SQLiteError) {
        try writer.execute("INSERT INTO t VALUES (NULL, 'meanwhile')")
        try writer.execute("UPDATE t SET b = 'changed' WHERE id < 100")
      } catch {
        failed = error
      }
      return done < total
    }
    #expect(failed == nil)
    #expect(steps.count >= 2 && steps == steps.sorted())
    #expect(try copy.value("SELECT count(*) FROM t") == 700)
    #expect(try copy.value("SELECT count(*) FROM t WHERE typeof(b) = 'blob'") == 700)
    #expect(try copy.value("PRAGMA integrity_check") == "ok")
    #expect(source.isAutocommit)
  }

  @Test("a copy ends on request")
  func interrupted() throws {
    let (file, target) = (try TemporaryFile(), try TemporaryFile())
    let source = try large(file)
    let copy = try target.open()
    #expect(failure { try source.backUp(to: copy) { _, _ in false } }?.code.primary == .interrupt)
    #expect(source.isAutocommit)
  }
}
