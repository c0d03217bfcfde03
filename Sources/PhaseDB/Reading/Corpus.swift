internal import PhaseSQLite

/// What versions of applications ask the database: the scripts under `apps/`.
enum Corpus {
  /// The scripts of `apps/APP/VERSION.sql`, by application and version.
  ///
  /// - Parameter path: the folder of migrations.
  /// - Throws: what makes a file unreadable.
  static func scripts(in path: String) throws(MigrationError) -> [Script] {
    let root = path.hasSuffix("/") ? path + "apps" : path + "/apps"
    guard FileReading.exists(root) else { return [] }
    var scripts: [Script] = []
    for application in (try? FileReading.entries(of: root)) ?? [] where application.kind == .folder {
      let folder = "\(root)/\(application.name)"
      for entry in (try? FileReading.entries(of: folder)) ?? [] where entry.name.hasSuffix(".sql") {
        let file = "\(folder)/\(entry.name)"
        if let script = Script(try TextFile.read(file), file: file) { scripts.append(script) }
      }
    }
    return scripts
  }
}
