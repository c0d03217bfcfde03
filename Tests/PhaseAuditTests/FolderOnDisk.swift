import Foundation

/// A folder with files in it that is gone when the test is over.
final class FolderOnDisk {
  let path: String

  /// - Parameter files: texts by path; a path that ends in `/` is an empty folder.
  convenience init(_ files: [String: String]) throws {
    try self.init(bytes: files.mapValues { Array($0.utf8) })
  }

  init(bytes files: [String: [UInt8]]) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "phasedb-audit-\(UUID().uuidString)")
    path = url.path
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, bytes) in files {
      let file = url.appendingPathComponent(name)
      let folder = name.hasSuffix("/") ? file : file.deletingLastPathComponent()
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      if !name.hasSuffix("/") { try Data(bytes).write(to: file) }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
  }

  /// The text with `DIR` for the folder's path.
  func generic(_ text: String) -> String { text.replacingOccurrences(of: path, with: "DIR") }
}
