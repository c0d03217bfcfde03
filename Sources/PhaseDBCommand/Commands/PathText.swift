internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Paths as settings write them.
enum PathText {
  /// A path relative to a folder that leads to the same file; an absolute path stays.
  static func relative(_ path: String, from folder: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    let present = FileManager.default.currentDirectoryPath
    let target = components(Location.joined(present, path))
    let base = components(folder.hasPrefix("/") ? folder : Location.joined(present, folder))
    let shared = zip(target, base).prefix { $0 == $1 }.count
    let way = base[shared...].map { _ in ".." } + target[shared...]
    let relative = way.joined(separator: "/")
    // If a folder of the path is a link, `..` means the parent of its target.
    let isSame = identity(Location.joined(folder, relative)) == identity(path)
    return isSame ? relative : Location.joined(present, path)
  }

  /// A path as a JSON text, in its quotes.
  static func json(_ path: String) throws(MigrationError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    do {
      return String(decoding: try encoder.encode(path), as: UTF8.self)
    } catch {
      throw MigrationError(.outputFailed, "the path \(path) cannot be written as JSON: \(error)")
    }
  }

  private static func components(_ path: String) -> [Substring] {
    var components: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = components.popLast() } else { components.append(part) }
    }
    return components
  }

  /// What identifies a file on the machine.
  private static func identity(_ path: String) -> [UInt64]? {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
    return [attributes[.systemNumber], attributes[.systemFileNumber]].compactMap {
      ($0 as? UInt64) ?? ($0 as? Int).map(UInt64.init) ?? ($0 as? UInt).map(UInt64.init)
    }
  }
}
