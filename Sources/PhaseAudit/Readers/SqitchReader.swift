internal import PhaseDB
internal import PhaseSQLite

/// sqitch: `sqitch.plan` lists the changes in their order, with a script of each name in `deploy`, `revert` and `verify`. The
/// scripts bring their own transactions (sqitch.org, sqitchchanges and sqitchtutorial-sqlite).
struct SqitchReader: FolderReader {
  static let depth = 16
  let files: FolderFiles
  /// Where the scripts are: "" for the folder itself.
  private let top: String
  private let planName: String

  init(files: FolderFiles) {
    self.files = files
    let settings = files.has("sqitch.conf") ? files.file("sqitch.conf").file.map(Self.settings) ?? [:] : [:]
    let folder = settings["top_dir"] ?? ""
    top = folder == "." || folder.isEmpty ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    planName = settings["plan_file"] ?? top + "sqitch.plan"
  }

  /// The keys of `[core]` and of `[engine "sqlite"]`, which come before those.
  private static func settings(_ file: ToolFile) -> [String: String] {
    var (section, settings) = ("", [String: String]())
    var ofEngine: [String: String] = [:]
    for line in Bytes.lines(of: file.bytes) {
      let text = line.text.trimmed
      if text.hasPrefix("[") { section = text }
      guard !text.hasPrefix("#"), !text.hasPrefix(";"), let (key, after) = text.cut(at: "=") else { continue }
      var value = after.trimmed
      if value.hasPrefix("./") { value.removeFirst(2) }
      if section == "[core]" { settings[key.trimmed] = value }
      if section == "[engine \"sqlite\"]" { ofEngine[key.trimmed] = value }
    }
    return settings.merging(ofEngine) { $1 }
  }

  /// A change of the plan.
  private struct Change {
    let name: String
    let id: String
    /// The tags that come between it and its rework, the last one first; empty when it is not reworked.
    var reworkTags: [String] = []
    /// Tags right after it.
    var tags: [String] = []
  }

  func folder() throws(MigrationError) -> ToolFolder {
    let plan = try files.read(planName)
    var remarks = files.remarks
    let migrations = try changes(plan).map { change in
      let (migration, found) = migration(change)
      remarks += found
      return migration
    }
    return ToolFolder(tool: .sqitch, path: files.root, migrations: migrations, remarks: remarks)
  }

  private func changes(_ plan: ToolFile) throws(MigrationError) -> [Change] {
    var pragmas: [String: String] = [:]
    var changes: [Change] = []
    for (index, line) in Bytes.lines(of: plan.bytes).enumerated() {
      let (text, note) =
        line.text.cut(at: "#").map { ($0.before.trimmed, $0.after.trimmed) }
        ?? (line.text.trimmed, "")
      if text.isEmpty { continue }
      if text.hasPrefix("%") {
        let (key, value) = String(text.dropFirst()).cut(at: "=") ?? (String(text.dropFirst()), "")
        pragmas[key.trimmed] = value.trimmed
        continue
      }
      guard let entry = Entry(text, note) else {
        throw MigrationError(
          .toolFilesInvalid, "line \(index + 1) of the plan is no change and no tag of sqitch",
          at: Place(file: plan.path, line: index + 1, column: 1, excerpt: line.text),
          help: ["mend the line; sqitch plan shows what sqitch reads"])
      }
      if entry.isTag {
        if !changes.isEmpty { changes[changes.count - 1].tags.append(entry.name) }
        continue
      }
      if let earlier = changes.lastIndex(where: { $0.name == entry.name }) {
        // From the rework backwards. sqitch refuses a rework if there is no tag between.
        changes[earlier].reworkTags = changes[earlier...].reversed().flatMap(\.tags)
      }
      let id = Self.id(entry, pragmas, parent: changes.last?.id)
      changes.append(Change(name: entry.name, id: id))
    }
    return changes
  }

  /// A line of the plan: `name [dependencies] timestamp planner <email> # note`.
  private struct Entry {
    let name: String
    let isTag: Bool
    let requires: [String]
    let conflicts: [String]
    let date: String
    let planner: String
    let note: String

    init?(_ line: String, _ note: String) {
      var text = line[...]
      isTag = text.hasPrefix("@")
      if isTag || text.hasPrefix("+") || text.hasPrefix("-") { text = text.dropFirst() }
      text = text.drop { $0 == " " || $0 == "\t" }
      name = String(text.prefix { $0 != " " && $0 != "\t" })
      text = text.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
      var dependencies: [String] = []
      if text.first == "[", let close = text.firstIndex(of: "]") {
        dependencies = String(text[..<close].dropFirst()).words
        text = text[text.index(after: close)...].drop { $0 == " " || $0 == "\t" }
      }
      requires = dependencies.filter { !$0.hasPrefix("!") }
      conflicts = dependencies.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
      date = String(text.prefix { $0 != " " && $0 != "\t" })
      planner = String(text.dropFirst(date.count)).trimmed
      self.note = note
      guard !name.isEmpty, date.count == 20, date.hasSuffix("Z"), planner.hasSuffix(">") else { return nil }
    }
  }

  /// The name under which sqitch records a change: SHA-1 of what the plan says of it and of the changes before it.
  private static func id(_ entry: Entry, _ pragmas: [String: String], parent: String?) -> String {
    var lines = ["project \(pragmas["project"] ?? "")"]
    if let uri = pragmas["uri"] { lines.append("uri \(uri)") }
    lines.append("change \(entry.name)")
    if let parent { lines.append("parent \(parent)") }
    lines += ["planner \(entry.planner)", "date \(entry.date)"]
    let own = { (name: String) in
      name.hasPrefix("\(pragmas["project"] ?? ""):")
        ? String(name.dropFirst((pragmas["project"] ?? "").count + 1)) : name
    }
    if !entry.requires.isEmpty { lines += ["requires"] + entry.requires.map { "  + \(own($0))" } }
    if !entry.conflicts.isEmpty { lines += ["conflicts"] + entry.conflicts.map { "  - \(own($0))" } }
    if !entry.note.isEmpty {
      let note = Bytes.replacing(
        "\u{0}", by: "\\",
        in: Bytes.replacing(
          "\\r", by: "\r",
          in: Bytes.replacing("\\n", by: "\n", in: Bytes.replacing("\\\\", by: "\u{0}", in: entry.note))))
      lines += ["", note]
    }
    let content = Array(lines.joined(separator: "\n").utf8)
    return SHA1.hex(Array("change \(content.count)\0".utf8) + content)
  }

  private func migration(_ change: Change) -> (ToolMigration, [ToolFolder.Remark]) {
    // The former scripts of a change that was reworked are kept under the name of a tag.
    let kept = change.reworkTags.map { "\(change.name)@\($0)" }
    let name = kept.first { files.has("\(top)deploy/\($0).sql") } ?? kept.first ?? change.name
    let paths = ["deploy", "revert"].map { "\(top)\($0)/\(name).sql" }
    let there = paths.filter(files.has)
    let (up, upObstacle) = files.file(paths[0])
    let (down, downObstacle) = files.has(paths[1]) ? files.file(paths[1]) : (nil, nil)
    var remarks: [ToolFolder.Remark] = []
    if !files.has(paths[1]) {
      remarks.append(
        ToolFolder.Remark("there is no \(files.path(of: paths[1])): sqitch stops at it on the way down"))
    }
    let commands = [up, down].compactMap { $0.flatMap(shellCommand) }
    return (
      ToolMigration(
        version: change.id, name: name, files: there, up: up.map { ToolScript($0, wrapping: .none) },
        down: down.map { ToolScript($0, wrapping: .none) },
        obstacle: upObstacle ?? downObstacle ?? commands.first,
        checksum: up.map { SHA1.hex(Array($0.original.utf8)) }), remarks
    )
  }

  /// sqitch runs scripts in the shell `sqlite3`, whose commands are no SQL.
  private func shellCommand(_ file: ToolFile) -> Prose? {
    let statements = SQLSplitter.statements(in: file.text)
    let bytes = file.bytes
    for (index, line) in Bytes.lines(of: bytes).enumerated() where line.text.hasPrefix(".") {
      let isInside = statements.contains {
        $0.contains(line.range.lowerBound) && $0.lowerBound < line.range.lowerBound
      }
      if !isInside {
        return "line \(index + 1) of \(file.path) is a command of the shell sqlite3: \(line.text.trimmed)"
      }
    }
    return nil
  }
}
