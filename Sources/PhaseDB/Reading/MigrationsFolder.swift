internal import Dispatch
internal import PhaseSQLite
internal import Synchronization

/// A folder of migrations on disk.
struct MigrationsFolder {
  let path: String

  func migrations() throws(MigrationError) -> [Migration] {
    var folders: [(name: MigrationName, path: String)] = []
    for entry in try entries(of: path) where !entry.isDocument {
      let place = "\(path)/\(entry.name)"
      switch (entry.name, entry.kind) {
      case ("phasedb.json", .file), ("baseline.sql", .file), ("apps", .folder): continue
      case (_, .folder): folders.append((try name(entry.name, at: place), place))
      default: throw stray(entry.name, entry.kind, at: place)
      }
    }
    folders.sort { $0.name < $1.name }
    for (left, right) in zip(folders, folders.dropFirst()) where left.name.number == right.name.number {
      throw MigrationError(
        .duplicateNumber, "two folders have the number \(left.name.number): \(left.path) and \(right.path)",
        help: ["give the newer one the next free number"])
    }
    return try read(folders)
  }

  /// Two threads read a large folder in little more than half the time of one. More threads do not help.
  private func read(_ folders: [(name: MigrationName, path: String)]) throws(MigrationError) -> [Migration] {
    guard folders.count >= 64 else { return try read(folders[...]).get() }
    let middle = folders.count / 2
    let halves = Mutex<[Int: Result<[Migration], MigrationError>]>([:])
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      let result = read(half == 0 ? folders[..<middle] : folders[middle...])
      halves.withLock { $0[half] = result }
    }
    let results = halves.withLock { $0 }
    var migrations: [Migration] = []
    for half in 0..<2 { migrations += try results[half]?.get() ?? [] }
    return migrations
  }

  private func read(
    _ folders: ArraySlice<(name: MigrationName, path: String)>
  ) -> Result<[Migration], MigrationError> {
    Result { () throws(MigrationError) in
      try folders.map { folder throws(MigrationError) in try migration(folder.name, at: folder.path) }
    }
  }

  /// Every migration that can be read, and every error on the way.
  func readable() -> (migrations: [Migration], problems: [MigrationError]) {
    var migrations: [Migration] = []
    var problems: [MigrationError] = []
    for entry in (try? entries(of: path)) ?? []
    where entry.kind == .folder && !entry.isDocument && entry.name != "apps" {
      let place = "\(path)/\(entry.name)"
      do throws(MigrationError) {
        let name = try name(entry.name, at: place)
        let before = problems.count
        for file in try entries(of: place) where Phase.Kind(fileName: file.name) != nil {
          if let problem = problem(with: "\(place)/\(file.name)", Phase.Kind(fileName: file.name)) {
            problems.append(problem)
          }
        }
        if problems.count == before { migrations.append(try migration(name, at: place)) }
      } catch {
        problems.append(error)
      }
    }
    return (migrations, problems)
  }

  private func problem(with file: String, _ kind: Phase.Kind?) -> MigrationError? {
    do throws(MigrationError) {
      if let kind { _ = try PhaseFile.read(try TextFile.read(file), file: file, kind: kind) }
      return nil
    } catch {
      return error
    }
  }

  func baseline() throws(MigrationError) -> Script? {
    let file = "\(path)/baseline.sql"
    return FileReading.exists(file) ? Script(try TextFile.read(file), file: file) : nil
  }

  private func migration(_ name: MigrationName, at folder: String) throws(MigrationError) -> Migration {
    var phases: [Phase] = []
    for entry in try entries(of: folder) where !entry.isDocument {
      let file = "\(folder)/\(entry.name)"
      guard entry.kind != .folder, let kind = Phase.Kind(fileName: entry.name) else {
        throw strayInMigration(entry, at: file)
      }
      phases.append(try PhaseFile.read(try TextFile.read(file), file: file, kind: kind))
    }
    guard !phases.isEmpty else {
      throw MigrationError(
        .emptyMigration, "\(folder) has no phase",
        help: ["add expand.sql, migrate.sql or contract.sql, or remove the folder"])
    }
    return try Migration(name, phases: phases)
  }

  private func entries(of folder: String) throws(MigrationError) -> [FileReading.Entry] {
    do {
      return try FileReading.entries(of: folder)
    } catch {
      if error.isMissing {
        throw MigrationError(
          .folderNotFound, "there is no folder \(folder)",
          help: ["name the folder with --migrations, or create one: phasedb init"])
      }
      if error.isNoFolder {
        throw MigrationError(
          .folderUnreadable, "\(folder) is not a folder", help: ["name the folder that holds the migrations"])
      }
      let words = if case .system(_, let words) = error { words } else { "unknown reason" }
      throw MigrationError(
        .folderUnreadable, "cannot read the folder \(folder): \(words)", help: ["check its permissions"])
    }
  }
}

// MARK: - What does not belong

extension MigrationsFolder {
  private func name(_ text: String, at place: String) throws(MigrationError) -> MigrationName {
    do {
      return try MigrationName(text)
    } catch {
      let phases =
        (try? FileReading.entries(of: place))?.contains { Phase.Kind(fileName: $0.name) != nil } == true
      guard phases || text.first?.isASCIIDigit == true else {
        throw stray(text, .folder, at: place)
      }
      throw MigrationError(error.id, "\(place): \(error.message)", help: error.help)
    }
  }

  private func stray(_ name: String, _ kind: FileReading.Entry.Kind, at place: String) -> MigrationError {
    let known = ["phasedb.json", "baseline.sql", "apps", "README.md", "LICENSE"]
    var help: [Prose] = []
    if let nearest = Suggestion.nearest(to: name, in: known), nearest != name {
      help.append("did you mean \(nearest)?")
    } else if name.hasSuffix(".sql") {
      help.append("move it into the folder of a migration, for example \(path)/0001-create-shop/expand.sql")
    }
    help.append("move it out of \(path), or put a dot before its name")
    let what = kind == .folder ? "the folder" : "the file"
    return MigrationError(.strayFile, "\(what) \(place) does not belong among migrations", help: help)
  }

  private func strayInMigration(_ entry: FileReading.Entry, at place: String) -> MigrationError {
    let known = Phase.Kind.allCases.map(\.fileName)
    var help: [Prose] = []
    if let nearest = Suggestion.nearest(to: entry.name, in: known), nearest != entry.name {
      help.append("did you mean \(nearest)?")
    }
    help.append("a migration holds \(known.joined(separator: ", ")), *.md and hidden files")
    let what = entry.kind == .folder ? "the folder" : "the file"
    return MigrationError(.strayFile, "\(what) \(place) does not belong in a migration", help: help)
  }
}

extension FileReading.Entry {
  /// Whether it is hidden, or a document for people.
  fileprivate var isDocument: Bool {
    name.hasPrefix(".")
      || (kind != .folder && (name.hasPrefix("README") || name.hasPrefix("LICENSE") || name.hasSuffix(".md")))
  }
}

/// Reads a folder of migrations on other threads, while the calling thread works on.
final class CatalogReading: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<(catalog: Catalog?, problems: [MigrationError])>((nil, []))

  /// Starts to read.
  init(folder: String) {
    DispatchQueue.global().async(group: group) { [self] in
      let read = Catalog.readable(folder: folder)
      result.withLock { $0 = read }
    }
  }

  /// What could be read, and what is wrong with the rest, as soon as it is known.
  func finish() -> (catalog: Catalog?, problems: [MigrationError]) {
    group.wait()
    return result.withLock { $0 }
  }
}
