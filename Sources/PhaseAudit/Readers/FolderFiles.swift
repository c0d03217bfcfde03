internal import PhaseDB
internal import PhaseSQLite

/// The files of another tool's folder. They are listed first, and each is read when it is needed.
struct FolderFiles {
  /// The folder, as it was named, without a slash at its end.
  let root: String
  let options: ReaderOptions
  /// Paths from the folder on, in the order of their bytes, folder by folder; hidden ones are left out.
  private(set) var files: [String] = []
  private var known: Set<String> = []
  /// Folders, in the same way.
  private(set) var folders: [String] = []
  /// What could not be listed.
  private(set) var remarks: [ToolFolder.Remark] = []

  /// No project has so many migrations; a home folder that was named by mistake has more files.
  static let limit = 20_000

  /// - Parameter depth: how many levels of folders below it are listed.
  /// - Throws: `folder-not-found`, `folder-unreadable`, `too-many-files`.
  init(_ path: String, depth: Int, options: ReaderOptions = ReaderOptions()) throws(MigrationError) {
    root = path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.options = options
    do {
      try list("", depth: depth)
    } catch {
      throw refused(error)
    }
    known = Set(files)
  }

  private mutating func list(_ folder: String, depth: Int) throws(FileReading.Failure) {
    let room = Self.limit - files.count - folders.count
    let entries = try FileReading.entries(of: folder.isEmpty ? root : "\(root)/\(folder)", limit: room)
    for entry in entries where !entry.name.hasPrefix(".") {
      let name = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
      switch entry.kind {
      case .file: files.append(name)
      case .folder where entry.isLink:
        // A link may lead out of the folder, or back into it without end.
        remarks.append(
          ToolFolder.Remark("\(root)/\(name) is a link to a folder, which phasedb does not follow"))
      case .folder:
        folders.append(name)
        guard depth > 0 else { continue }
        do {
          try list(name, depth: depth - 1)
        } catch {
          if case .tooMany = error { throw error }
          remarks.append(ToolFolder.Remark("the folder \(root)/\(name) cannot be read: \(error.reason)"))
        }
      case .other: continue
      }
    }
  }

  private func refused(_ failure: FileReading.Failure) -> MigrationError {
    if failure.isMissing {
      return MigrationError(
        .folderNotFound, "there is no folder \(root)", help: ["name the folder that has the migrations"])
    }
    if case .tooMany = failure {
      return MigrationError(
        .tooManyFiles, "\(root) has more than \(Self.limit) files",
        help: ["name the folder that has the migrations, and nothing else"])
    }
    return MigrationError(
      .folderUnreadable,
      failure.isNoFolder
        ? "\(root) is not a folder" : "cannot read the folder \(root): \(failure.reason)",
      help: ["name the folder that has the migrations, and check its permissions"])
  }

  /// The names of the files in the folder itself.
  var topFiles: [String] { files.filter { !$0.utf8.contains(UInt8(ascii: "/")) } }

  func has(_ file: String) -> Bool { known.contains(file) }

  /// What an error calls a file.
  func path(of file: String) -> String { "\(root)/\(file)" }

  /// - Throws: `file-unreadable`, `file-too-large`, `invalid-text`.
  func read(_ file: String) throws(MigrationError) -> ToolFile {
    do throws(MigrationError) {
      let original = try TextFile.read(path(of: file))
      return ToolFile(
        name: file, path: path(of: file), original: original, text: options.replacing(in: original))
    } catch {
      guard error.id == .fileUnreadable, file.unicodeScalars.contains("\u{FFFD}") else { throw error }
      throw MigrationError(
        .fileUnreadable, "cannot read \(path(of: file)): its name is not UTF-8",
        help: ["give the file a name in UTF-8"])
    }
  }

  /// A file, or nil and why a migration in it cannot be judged.
  func file(_ name: String) -> (file: ToolFile?, obstacle: Prose?) {
    do throws(MigrationError) {
      return (try read(name), nil)
    } catch {
      return (nil, error.place.map { "\($0): \(error.message)" } ?? error.message)
    }
  }
}

/// A file of another tool's folder that was read.
struct ToolFile {
  /// From the folder on.
  let name: String
  /// What an error calls it.
  let path: String
  /// As it stands there.
  let original: String
  /// After the replacements that were asked for.
  let text: String

  var bytes: [UInt8] { Array(text.utf8) }
}

extension ToolFile {
  /// The same file with another text of as many lines.
  init(_ file: ToolFile, _ text: String) {
    self.init(name: file.name, path: file.path, original: file.original, text: text)
  }
}

/// Reads the files of one tool.
protocol FolderReader {
  /// How many levels of folders below the named one belong to it.
  static var depth: Int { get }

  init(files: FolderFiles)

  func folder() throws(MigrationError) -> ToolFolder
}

extension FolderReader {
  static var depth: Int { 0 }
}

/// What a reader cannot know from the files.
package struct ReaderOptions: Sendable {
  /// Values of placeholders by name: `${name}` of Flyway and what `ENVSUB` of goose takes from the environment.
  package var set: [String: String]
  /// Text that is replaced in every file before it is read, one after the other.
  package var replace: [Replacement]
  /// Whether the tool is told to open no transaction, as golang-migrate is by `x-no-tx-wrap`.
  package var noTransaction: Bool

  package init(set: [String: String] = [:], replace: [Replacement] = [], noTransaction: Bool = false) {
    self.set = set
    self.replace = replace
    self.noTransaction = noTransaction
  }

  package struct Replacement: Sendable, Hashable {
    package let text: String
    package let by: String

    package init(_ text: String, by: String) {
      self.text = text
      self.by = by
    }
  }

  /// A text of a file as the tool would see it.
  func replacing(in text: String) -> String {
    replace.reduce(text) { text, replacement in
      Bytes.replacing(replacement.text, by: replacement.by, in: text)
    }
  }
}
