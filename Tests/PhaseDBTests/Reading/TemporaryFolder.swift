import Foundation
import PhaseDB

/// A folder with files in it that is gone when the test is over.
final class TemporaryFolder {
  let path: String

  enum Place { case disk, memory }

  /// - Parameters:
  ///   - files: texts by path; a path that ends in `/` is an empty folder.
  ///   - place: where it is; in memory only where the system has a file system there. For whom waits for the disk
  ///     thousands of times and says nothing of what a disk keeps.
  convenience init(_ files: [String: String], in place: Place = .disk) throws {
    try self.init(bytes: files.mapValues { Array($0.utf8) }, in: place)
  }

  init(bytes files: [String: [UInt8]], in place: Place = .disk) throws {
    let memory = "/dev/shm"
    let parent =
      place == .memory && FileManager.default.isWritableFile(atPath: memory)
      ? URL(filePath: memory) : FileManager.default.temporaryDirectory
    let url = parent.appendingPathComponent("phasedb-test-\(UUID().uuidString)")
    path = url.path
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, bytes) in files {
      let file = url.appendingPathComponent(name)
      if name.hasSuffix("/") {
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
      } else {
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The migrations in the folder, which stays at least until they are read.
  func catalog() throws(MigrationError) -> Catalog {
    defer { withExtendedLifetime(self) {} }
    return try Catalog(folder: path)
  }

  /// The text with the folder's path for `DIR`.
  func resolving(_ text: String) -> String { text.replacingOccurrences(of: "DIR", with: path) }
}
