import Foundation

/// A folder that is gone when it goes out of scope, in memory where the system has a file system there: these tests
/// write gigabytes.
final class MemoryFolder {
  let path: String

  init() throws {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    path = "\(parent)/phasedb-faults-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Removes every file in it.
  func empty() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      _ = unsafe unlink("\(path)/\(name)")
    }
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    guard let file = unsafe fopen("\(path)/\(name)", "w") else { throw CocoaError(.fileWriteUnknown) }
    defer { unsafe fclose(file) }
    let written = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
    guard written == bytes.count else { throw CocoaError(.fileWriteOutOfSpace) }
  }

  func write(_ text: String, to name: String) throws {
    let url = URL(filePath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func bytes(of name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) }
  }
}
