import Foundation
import PhaseSQLite
import Testing

struct FileDurabilityTests {
  @Test("a draft gets a free name and the mode, and never one that is taken")
  func place() throws {
    let file = try TemporaryFile()
    let (draft, path) = (file.folder + "/draft", file.folder + "/done")
    try Data("one".utf8).write(to: URL(filePath: draft))
    try FileDurability.place(draft, as: path, mode: 0o640)
    #expect(try FileReading.mode(of: path) == 0o640)
    // The draft keeps its name until its folder goes.
    #expect(file.names == ["done", "draft"])
    try FileManager.default.removeItem(atPath: draft)
    try Data("two".utf8).write(to: URL(filePath: draft))
    let failure = #expect(throws: FileReading.Failure.self) {
      try FileDurability.place(draft, as: path, mode: 0o600)
    }
    #expect(failure?.isTaken == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "one")
    #expect(throws: FileReading.Failure.self) {
      try FileDurability.place(draft, as: file.folder + "/nowhere/done", mode: 0o600)
    }
    #expect(file.names == ["done", "draft"])
  }

  @Test("a file comes in pieces, from its beginning to its end or to where somebody stops")
  func pieces() throws {
    let file = try TemporaryFile()
    let bytes = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    try Data(bytes).write(to: URL(filePath: file.path))
    var read: [UInt8] = []
    #expect(
      try FileReading.pieces(of: file.path) { buffer, count in
        read += buffer[..<count]
        return true
      } == bytes.count)
    #expect(read == bytes)
    #expect(try FileReading.pieces(of: file.path) { _, _ in false } == 0)
    #expect(throws: FileReading.Failure.self) { try FileReading.pieces(of: file.folder) { _, _ in true } }
  }

  @Test(
    "a path has a folder", arguments: [("a/b/c", "a/b"), ("c", "."), ("/c", "/"), ("/a/c", "/a")])
  func folder(_ path: String, _ folder: String) { #expect(FileDurability.folder(of: path) == folder) }
}
