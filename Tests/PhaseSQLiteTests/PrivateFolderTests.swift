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
      let folder = try PrivateFolder(in: parent.folder, isKnown: true)
      let file = try folder.makeFile("a.db")
      #expect(try mode(folder.path) == 0o700)
      #expect(try mode(file) == 0o600)
      try Data("twelve bytes".utf8).write(to: URL(filePath: folder.path + "/a.db-wal"))
      #expect(folder.size(of: "a.db-wal") == 12)
      #expect(folder.size(of: "nothing") == 0)
      #expect(parent.names.count == 1 && parent.names[0].hasPrefix(".phasedb-copy-"))
    }
    #expect(parent.names.isEmpty)
  }

  @Test("what an ended process left behind is removed, and nothing else", arguments: Leftover.all)
  func abandoned(_ row: Leftover) throws {
    let place = try TemporaryFile()
    let outside = try TemporaryFile(named: "precious")
    try Data("precious".utf8).write(to: URL(filePath: outside.path))
    let own = try PrivateFolder(in: place.folder, isKnown: true)
    let name = row.rename(Leftover.Name(own)).text
    let path = "\(place.folder)/\(name)"
    let lock = try row.make(path, outside.folder)
    PrivateFolder.removeAbandoned(in: place.folder) { _ in row.isSettled }
    #expect(FileReading.exists(path) == row.stays)
    #expect(FileReading.exists(own.path), "the folder of a process that runs")
    #expect(try String(contentsOfFile: outside.path, encoding: .utf8) == "precious")
    if let lock { close(lock) }
  }

  @Test("a folder in a place that later commands do not know is found by a signpost, and takes it along")
  func signpost() throws {
    let place = try TemporaryFile()
    func posts() -> [String] {
      let temporary = PrivateFolder.temporary
      return ((try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? []).filter { name in
        let text = try? String(contentsOfFile: "\(temporary)/\(name)/elsewhere", encoding: .utf8)
        return text?.hasPrefix(place.folder) ?? false
      }
    }
    do {
      let folder = try PrivateFolder(in: place.folder, isKnown: false)
      #expect(posts().count == 1 && FileReading.exists(folder.path))
    }
    #expect(posts().isEmpty && place.names.isEmpty)
  }

  @Test("a signpost of an ended process leads to its folder, and to nothing else")
  func following() throws {
    let (posts, place) = (try TemporaryFile(), try TemporaryFile(named: "precious"))
    try Data("precious".utf8).write(to: URL(filePath: place.path))
    let own = try PrivateFolder(in: place.folder, isKnown: true)
    var name = Leftover.Name(own)
    name.start = "1"
    let left = "\(place.folder)/\(name.text)"
    let targets = [left, place.folder, place.path, own.path, "\(place.folder)/../\(name.text)", "", "x"]
    for (index, target) in targets.enumerated() {
      var post = name
      post.random = String(index)
      let path = "\(posts.folder)/\(post.text)"
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      try Data(target.utf8).write(to: URL(filePath: "\(path)/elsewhere"))
    }
    try FileManager.default.createDirectory(
      atPath: left, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    PrivateFolder.removeAbandoned(in: posts.folder)
    #expect(!FileReading.exists(left))
    #expect(FileReading.exists(own.path) && FileReading.exists(place.path))
    // One that leads to the folder of a process that runs is kept with it.
    #expect(posts.names.count == 1 && posts.names[0].hasSuffix("-3"))
  }

  @Test("a folder that is not there cannot hold one")
  func missing() throws {
    #expect(throws: FileReading.Failure.self) { try PrivateFolder(in: "/nonexistent", isKnown: true) }
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

/// Something in a place where copies are made, and whether it stays.
struct Leftover: CustomTestStringConvertible, Sendable {
  /// The parts of a folder's name, which say whose it is.
  struct Name {
    var host, boot, space, process, start, random: String

    init(_ folder: PrivateFolder) {
      let name = URL(filePath: folder.path).lastPathComponent.dropFirst(".phasedb-copy-".count)
      let parts = name.split(separator: "-").map(String.init)
      (host, boot, space) = (parts[0], parts[1], parts[2])
      (process, start, random) = (parts[3], parts[4], "abc")
    }

    var text: String { ".phasedb-copy-\(host)-\(boot)-\(space)-\(process)-\(start)-\(random)" }
  }

  let testDescription: String
  let stays: Bool
  var isSettled = true
  let rename: @Sendable (Name) -> Name
  /// Returns a descriptor that holds a lock, where there is one.
  let make: @Sendable (_ path: String, _ outside: String) throws -> Int32?

  init(
    _ title: String, stays: Bool, isSettled: Bool = true, _ change: @escaping @Sendable (inout Name) -> Void,
    make: @escaping @Sendable (String, String) throws -> Int32? = { path, _ in try Leftover.folder(path) }
  ) {
    (testDescription, self.stays, self.isSettled, self.make) = (title, stays, isSettled, make)
    rename = { name in
      var name = name
      change(&name)
      return name
    }
  }

  static func folder(_ path: String, mode: Int = 0o700, secondsOld: Int = 0) throws -> Int32? {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Data("rows".utf8).write(to: URL(filePath: path + "/copy.db"))
    try FileManager.default.setAttributes(
      [.posixPermissions: mode, .modificationDate: Date(timeIntervalSinceNow: -Double(secondsOld))],
      ofItemAtPath: path)
    return nil
  }

  static let all: [Leftover] = [
    Leftover("a process whose number another one has now", stays: false) { $0.start = "1" },
    Leftover("a process of before the host was started", stays: false) { $0.boot = "0123456789abcdef" },
    Leftover("a process of another host", stays: true) { ($0.host, $0.boot) = ("1", "0123456789abcdef") },
    Leftover("a process that runs, without its lock", stays: true) { _ in },
    Leftover("a process of an unknown start", stays: true) { $0.boot = "0" },
    Leftover("a new folder of a process that cannot be seen", stays: true) { $0.space = "1" },
    Leftover("an old folder of a process that cannot be seen", stays: false) {
      $0.space = "1"
    } make: { path, _ in
      try folder(path, secondsOld: 600)
    },
    Leftover("an old folder of a process that cannot be seen, which holds its lock", stays: true) {
      $0.space = "1"
    } make: { path, _ in
      _ = try folder(path, secondsOld: 600)
      let descriptor = unsafe open(path, O_RDONLY)
      return flock(descriptor, LOCK_EX) == 0 ? descriptor : nil
    },
    Leftover("an ended process, while another one removes it", stays: true) {
      $0.start = "1"
    } make: { path, _ in
      _ = try folder(path)
      let descriptor = unsafe open(path, O_RDONLY)
      return flock(descriptor, LOCK_EX) == 0 ? descriptor : nil
    },
    Leftover("an ended process, with something unsettled", stays: true, isSettled: false) { $0.start = "1" },
    Leftover("a folder that others may enter", stays: true) {
      $0.start = "1"
    } make: { path, _ in
      try folder(path, mode: 0o755)
    },
    Leftover("a file", stays: true) {
      $0.start = "1"
    } make: { path, _ in
      try Data().write(to: URL(filePath: path))
      return nil
    },
    Leftover("a link to a folder", stays: true) {
      $0.start = "1"
    } make: { path, outside in
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outside)
      return nil
    },
    Leftover("folders, links and closed folders in it", stays: false) {
      $0.start = "1"
    } make: { path, outside in
      _ = try folder(path)
      let closed = path + "/a/b/closed"
      try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: closed + "/file"))
      for (index, link) in [path, path + "/a", path + "/a/b"].enumerated() {
        try FileManager.default.createSymbolicLink(
          atPath: "\(link)/link-\(index)", withDestinationPath: outside)
      }
      try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: closed)
      return nil
    },
    Leftover("a name with a part too few", stays: true) { ($0.start, $0.random) = ("1", "x-y-z") },
    Leftover("a name without a process", stays: true) { ($0.process, $0.start) = ("x", "1") },
    Leftover("a process with a number below one", stays: true) { ($0.process, $0.start) = ("-1", "1") },
  ]
}

struct UnlockedFileTests {
  static let changes: [(title: String, act: @Sendable (TemporaryFile) throws -> Void)] = [
    ("a log", { try Data().write(to: URL(filePath: $0.path + "-wal")) }),
    ("an index", { try Data().write(to: URL(filePath: $0.path + "-shm")) }),
    ("a write", { try $0.open().execute("INSERT INTO t VALUES (1)") }),
    (
      "another file",
      { file in
        try FileManager.default.copyItem(atPath: file.path, toPath: file.path + "-2")
        try FileManager.default.removeItem(atPath: file.path)
        try FileManager.default.moveItem(atPath: file.path + "-2", toPath: file.path)
      }
    ),
    ("no file", { try FileManager.default.removeItem(atPath: $0.path) }),
  ]

  @Test("a file that is read without locks is seen to change", arguments: changes.indices)
  func change(_ index: Int) throws {
    let file = try TemporaryFile()
    do {
      try file.open().execute(
        script: "PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA user_version = 7")
    }
    let unlocked = try #require(UnlockedFile(file.path))
    let connection = try file.open(.immutable)
    #expect(try connection.isInWALMode && connection.value("PRAGMA user_version") == 7)
    #expect(unlocked.isUnchanged && file.names == ["test.db"])
    try Self.changes[index].act(file)
    #expect(!unlocked.isUnchanged)
  }

  @Test("a database in rollback-journal mode is told from one in WAL mode")
  func mode() throws {
    let file = try TemporaryFile()
    try file.open().execute("CREATE TABLE t (x)")
    #expect(try !file.open(.immutable).isInWALMode && !memory().isInWALMode)
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
