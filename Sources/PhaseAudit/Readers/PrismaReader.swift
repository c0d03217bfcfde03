internal import PhaseDB

/// Prisma: a folder for each migration, with `migration.sql`, in the order of the folders' names. Prisma opens no transaction
/// on SQLite, and there is no way back.
struct PrismaReader: FolderReader {
  static let depth = 1
  let files: FolderFiles

  func folder() -> ToolFolder {
    var migrations: [ToolMigration] = []
    var remarks = files.remarks
    for folder in files.folders where !folder.utf8.contains(UInt8(ascii: "/")) {
      let name = "\(folder)/migration.sql"
      guard files.has(name) else {
        remarks.append(
          ToolFolder.Remark("\(files.path(of: folder)) has no migration.sql: Prisma refuses the folder"))
        continue
      }
      let (file, obstacle) = files.file(name)
      migrations.append(
        ToolMigration(
          version: folder, name: folder, files: [name], up: file.map { ToolScript($0, wrapping: .none) },
          down: nil,
          obstacle: obstacle, checksum: file.map { SHA256.hex(Array($0.original.utf8)) }))
    }
    return ToolFolder(tool: .prisma, path: files.root, migrations: migrations, remarks: remarks)
  }
}
