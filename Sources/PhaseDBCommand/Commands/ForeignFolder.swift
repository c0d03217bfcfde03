internal import PhaseDB

/// The name of the migration tool to which a folder belongs, told by its files; nil for a folder that is empty, missing or
/// phasedb's own.
func foreignTool(in folder: String) -> String? {
  let entries = NewFiles.entries(of: folder).filter { !$0.hasPrefix(".") }
  if entries.contains("sqitch.plan") { return "Sqitch" }
  if entries.contains("meta"), NewFiles.entries(of: Location.joined(folder, "meta")).contains("_journal.json")
  {
    return "Drizzle"
  }
  let scripts = entries.filter { $0.hasSuffix(".sql") && $0 != "baseline.sql" }
  for entry in entries where !entry.hasSuffix(".sql") {
    let inside = NewFiles.entries(of: Location.joined(folder, entry))
    if inside.contains("up.sql") { return "Diesel" }
    if inside.contains("migration.sql") { return "Prisma" }
  }
  guard let first = scripts.sorted().first else { return nil }
  if scripts.contains(where: { $0.hasSuffix(".up.sql") }) { return "golang-migrate or SQLx" }
  if scripts.contains(where: { $0.hasSuffix(".rollback.sql") }) { return "yoyo" }
  if first.wholeMatch(of: #/[VURB][0-9._]*__.*/#) != nil { return "Flyway or Refinery" }
  let text = ((try? TextFile.read(Location.joined(folder, first))) ?? "").lowercased()
  if text.contains("+goose") { return "goose" }
  if text.contains("migrate:up") { return "dbmate" }
  return "another migration tool"
}

extension MigrationError {
  /// Refuses to write into a folder of another tool.
  ///
  /// - Parameter options: of the command that would make a folder elsewhere.
  static func folder(_ folder: String, of tool: String, _ options: Prose) -> MigrationError {
    MigrationError(
      .folderOfOtherTool, "the files in \(folder) belong to \(tool)", state: "nothing was written",
      help: [
        "to see which of its migrations come back today, run phasedb audit \(ShellWord(folder))",
        "to go on from there, run phasedb import \(ShellWord(folder))",
        "to begin in another folder, run phasedb init\(options) --migrations \(ShellWord(Self.freeFolder))",
      ])
  }

  private static var freeFolder: String {
    let names = ["phases", "phasedb-migrations"]
    return names.first { NewFiles.entries(of: $0).isEmpty } ?? names[1]
  }
}
