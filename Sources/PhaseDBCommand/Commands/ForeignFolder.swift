internal import PhaseAudit
internal import PhaseDB

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
