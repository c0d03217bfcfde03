internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Drizzle: the files that `meta/_journal.json` lists, in its order, cut at `--> statement-breakpoint`. There is no way back.
struct DrizzleReader: FolderReader {
  static let depth = 1
  let files: FolderFiles

  private struct Journal: Decodable {
    let dialect: String?
    let entries: [Entry]

    struct Entry: Decodable {
      let when: Int64
      let tag: String
    }
  }

  func folder() throws(MigrationError) -> ToolFolder {
    let file = try files.read("meta/_journal.json")
    let journal: Journal
    do {
      journal = try JSONDecoder().decode(Journal.self, from: Data(file.original.utf8))
    } catch {
      throw MigrationError(
        .toolFilesInvalid, "\(file.path) is no journal of Drizzle",
        help: ["restore the file as drizzle-kit wrote it"])
    }
    if let dialect = journal.dialect, dialect != "sqlite" && dialect != "turso" {
      throw MigrationError(
        .toolFilesInvalid, "the migrations of \(file.path) are for \(dialect), not for SQLite",
        help: ["name the folder that has the migrations for SQLite"])
    }
    var remarks = files.remarks
    for (before, entry) in zip(journal.entries, journal.entries.dropFirst()) where entry.when <= before.when {
      remarks.append(
        ToolFolder.Remark(
          "the journal dates \(entry.tag) before \(before.tag): a database that has the one never gets the other"
        ))
    }
    let listed = Set(journal.entries.map { "\($0.tag).sql" })
    for file in files.topFiles where file.hasSuffix(".sql") && !listed.contains(file) {
      remarks.append(
        ToolFolder.Remark("Drizzle passes over \(files.path(of: file)): the journal does not list it"))
    }
    let migrations = journal.entries.map { entry in
      let (migration, found) = self.migration(entry)
      remarks += found
      return migration
    }
    return ToolFolder(tool: .drizzle, path: files.root, migrations: migrations, remarks: remarks)
  }

  private func migration(_ entry: Journal.Entry) -> (ToolMigration, [ToolFolder.Remark]) {
    let name = "\(entry.tag).sql"
    let (file, obstacle) = files.file(name)
    guard let file else {
      return (
        ToolMigration(
          version: String(entry.when), name: entry.tag, files: [name], up: nil, down: nil, obstacle: obstacle),
        []
      )
    }
    let pieces = Bytes.split(file.bytes, by: "--> statement-breakpoint")
    let script = ToolScript(file, 0..<file.bytes.count, pieces: pieces, wrapping: .transaction)
    let remarks: [ToolFolder.Remark] =
      script.statements.count == pieces.count
      ? []
      : [
        ToolFolder.Remark(
          "\(file.path) has \(pieces.count) pieces and \(script.statements.count) statements: better-sqlite3 refuses a piece that is not one statement"
        )
      ]
    return (
      ToolMigration(
        version: String(entry.when), name: entry.tag, files: [name], up: script, down: nil,
        checksum: SHA256.hex(Array(file.original.utf8))), remarks
    )
  }
}
