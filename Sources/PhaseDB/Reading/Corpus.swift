internal import PhaseSQLite

/// The queries of all versions of applications: the files under `apps/`.
package struct Corpus {
  /// One file `apps/APP/VERSION.sql`.
  package struct File: Sendable, Hashable {
    package let path: String
    package let application: String
    /// Without `.sql`.
    package let versionText: String

    var version: Version? { try? Version(versionText) }

    /// Reads the end of a path; nil when it is not `…/APP/VERSION.sql`.
    init?(path: String) {
      let parts = path.split(separator: "/")
      guard parts.count >= 2, let name = parts.last, name.hasSuffix(".sql") else { return nil }
      self.path = path
      application = String(parts[parts.count - 2])
      versionText = String(name.dropLast(4))
    }
  }

  /// The folder of the migrations.
  private let folder: String

  /// - Parameter folder: the folder of the migrations.
  package init(of folder: String) { self.folder = folder }

  private var root: String { folder.hasSuffix("/") ? folder + "apps" : folder + "/apps" }

  /// The file with rows for tests.
  package var seedPath: String { root + "/seed.sql" }

  /// Every file, by application and the bytes of its name.
  package func files() -> [File] {
    guard FileReading.exists(root) else { return [] }
    return ((try? FileReading.entries(of: root)) ?? []).filter { $0.kind == .folder }.flatMap { application in
      ((try? FileReading.entries(of: "\(root)/\(application.name)")) ?? [])
        .filter { $0.kind != .folder && !$0.name.hasPrefix(".") }
        .compactMap { File(path: "\(root)/\(application.name)/\($0.name)") }
    }
  }

  /// What identifies the text of a file: SHA-256 over its bytes.
  package static func identity(ofFile path: String) throws(MigrationError) -> String {
    SHA256.hex(Array(try TextFile.read(path).utf8))
  }

  /// The SQL of every file, for rules that look only at statements.
  ///
  /// - Throws: what makes a file unreadable.
  func scripts() throws(MigrationError) -> [Script] {
    var scripts: [Script] = []
    for file in files() {
      if let script = Script(try TextFile.read(file.path), file: file.path) { scripts.append(script) }
    }
    return scripts
  }

  /// The queries of every file, by application and version.
  ///
  /// - Throws: `version-invalid` for a name that is no version, and what is wrong in a file.
  package func applications() throws(MigrationError) -> [ApplicationScript] {
    var scripts: [ApplicationScript] = []
    for file in files() {
      guard let version = file.version else {
        throw MigrationError(
          .versionInvalid, "\(file.path): '\(file.versionText)' is not a version",
          help: ["name the file after the application's version: apps/\(file.application)/1.4.0.sql"])
      }
      if let same = scripts.first(where: { $0.application == file.application && $0.version == version }) {
        throw MigrationError(
          .versionInvalid, "\(same.file) and \(file.path) are the same version",
          help: ["put both into one file"])
      }
      scripts.append(
        try ApplicationFile.read(
          try TextFile.read(file.path), file: file.path, application: file.application, version: version))
    }
    return scripts.sorted { ($0.application, $0.version) < ($1.application, $1.version) }
  }

  /// The rows for tests; nil when there is no seed.
  package func seed() throws(MigrationError) -> Script? {
    FileReading.exists(seedPath) ? Script(try TextFile.read(seedPath), file: seedPath) : nil
  }
}
