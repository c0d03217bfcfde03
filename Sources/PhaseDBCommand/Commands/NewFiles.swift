internal import Foundation
internal import PhaseAudit
internal import PhaseDB

/// Makes files and folders, and overwrites nothing.
enum NewFiles {
  static func makeFolder(_ path: String) throws(MigrationError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw MigrationError(
        .outputFailed, "cannot create the folder \(path): \(reason(error))",
        help: ["check the path and its permissions"])
    }
  }

  /// Checks, before the first of several files is made, that none exists.
  ///
  /// - Throws: `already-exists` when one of them exists.
  static func refuseExisting(_ paths: [String]) throws(MigrationError) {
    for path in paths where FileManager.default.fileExists(atPath: path) { throw exists(path) }
  }

  private static func exists(_ path: String) -> MigrationError {
    MigrationError(
      .alreadyExists, "\(path) exists already", state: "it was not changed",
      help: ["edit it, or remove it first"])
  }

  /// - Throws: `already-exists` when there is such a file, `output-failed` when it cannot be written.
  static func write(_ text: String, to path: String) throws(MigrationError) {
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
    } catch let error as CocoaError where error.code == .fileWriteFileExists {
      throw exists(path)
    } catch {
      throw MigrationError(
        .outputFailed, "cannot write \(path): \(reason(error))",
        help: ["check the path and its permissions"])
    }
  }

  /// Writes a file in the place of one that is there, as a whole or not at all.
  ///
  /// - Throws: `output-failed` when it cannot be written.
  static func replace(_ text: String, at path: String) throws(MigrationError) {
    // A special file, such as a pipe, is written to and not replaced.
    let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    do {
      try Data(text.utf8).write(
        to: URL(filePath: path), options: kind == nil || kind == .typeRegular ? .atomic : [])
    } catch {
      throw MigrationError(
        .outputFailed, "cannot write \(path): \(reason(error))", state: "nothing was changed",
        help: ["check the path and its permissions"])
    }
  }

  /// A report takes the place of a file, but not of a database or of what is in a folder of migrations.
  ///
  /// - Throws: `output-failed`.
  static func refuseReport(at path: String, of folder: String) throws(MigrationError) {
    // Opening a pipe would wait.
    let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    let head =
      kind == .typeRegular
      ? try? FileHandle(forReadingFrom: URL(filePath: path)).read(upToCount: 16) : nil
    let file = URL(filePath: path).resolvingSymlinksInPath().path
    let folder = URL(filePath: folder).resolvingSymlinksInPath().path
    let isDatabase = head?.starts(with: Data("SQLite format 3\0".utf8)) == true
    let isBesideDatabase = ["-wal", "-shm", "-journal"].contains { file.hasSuffix($0) }
    guard isDatabase || isBesideDatabase || file.hasPrefix(folder + "/") else { return }
    throw MigrationError(
      .outputFailed,
      file.hasPrefix(folder + "/")
        ? "\(path) is in the folder of migrations" : "\(path) belongs to a database",
      state: "nothing was written", help: ["name another file: --output FILE"])
  }

  /// The names in a folder; none when it cannot be read.
  static func entries(of folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  /// The name of the next migration: the highest number plus one, with as many digits as the longest.
  ///
  /// - Parameter description: what the migration does; spaces become hyphens.
  static func nextName(_ description: String, in folder: String) throws(MigrationError) -> MigrationName {
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw MigrationError(
        .folderNotFound, "there is no folder of migrations at \(folder)",
        help: ["name it with --migrations, or create one: phasedb init"])
    }
    let baseline = try? TextFile.read(Location.joined(folder, "baseline.sql"))
    let squashed = baseline.flatMap { Script($0)?.squashed } ?? []
    let names = entries.compactMap { try? MigrationName($0) } + squashed.map(\.id.migration)
    let number = (names.map(\.number).max() ?? 0) + 1
    let width = max(4, names.map(\.digits.count).max() ?? 4)
    let digits = String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
    let words = description.split(separator: " ").joined(separator: "-")
    return try MigrationName("\(digits)-\(words)")
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? CocoaError else { return "\(error)" }
    switch error.code {
    case .fileWriteNoPermission: return "permission denied"
    case .fileWriteOutOfSpace: return "the disk is full"
    case .fileWriteVolumeReadOnly: return "the file system is read-only"
    case .fileWriteFileExists: return "a file of that name exists"
    case .fileNoSuchFile: return "the folder it goes into does not exist"
    default: return "error \(error.code.rawValue)"
    }
  }
}

/// The name of the migration tool to which a folder belongs, told by its files; nil for a folder that is empty, missing or
/// phasedb's own.
func foreignTool(in folder: String) -> String? {
  let candidates = (try? MigrationTool.candidates(in: folder)) ?? []
  if candidates.contains(.phasedb) { return nil }
  if !candidates.isEmpty { return candidates.map(\.rawValue).joined(separator: " or ") }
  let hasScripts = NewFiles.entries(of: folder).contains { $0.hasSuffix(".sql") && $0 != "baseline.sql" }
  return hasScripts ? "another migration tool" : nil
}

/// Refuses to write into a folder of another tool.
///
/// - Parameter options: of the command that would make a folder elsewhere.
func foreignFolder(_ folder: String, of tool: String, _ options: Prose) -> MigrationError {
  MigrationError(
    .folderOfOtherTool, "the files in \(folder) belong to \(tool)", state: "nothing was written",
    help: [
      "to see which of its migrations come back today, run phasedb audit \(ShellWord(folder))",
      "to go on from there, run phasedb import \(ShellWord(folder)) --migrations \(ShellWord(freeFolder))",
      "to begin in another folder, run phasedb init\(options) --migrations \(ShellWord(freeFolder))",
    ])
}

private var freeFolder: String {
  let names = ["phases", "phasedb-migrations"]
  return names.first { NewFiles.entries(of: $0).isEmpty } ?? names[1]
}
