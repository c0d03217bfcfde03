internal import PhaseDB

/// dbmate: `20240101_name.sql` with `-- migrate:up` and `-- migrate:down`, in the order of the files' names
/// (github.com/amacneil/dbmate, pkg/dbmate/migration.go).
struct DbmateReader: FolderReader {
  let files: FolderFiles

  func folder() -> ToolFolder {
    var migrations: [ToolMigration] = []
    for file in files.topFiles where file.hasSuffix(".sql") {
      let version = file.prefix { $0.isASCII && $0.isNumber }
      guard !version.isEmpty else { continue }
      let name = file.dropFirst(version.count).dropLast(4)
      migrations.append(
        migration(String(version), String(name.first == "_" ? name.dropFirst() : name), file))
    }
    return ToolFolder(
      tool: .dbmate, path: files.root, migrations: migrations,
      remarks: files.remarks
        + ToolFolder.Remark.repeated(
          migrations, "dbmate takes the second for applied once the first is", in: files))
  }

  /// A line that opens a part of the file.
  private struct Mark {
    let isUp: Bool
    /// Where the line starts.
    let start: Int
    let runsInTransaction: Bool

    /// `^--\s*migrate:up(\s*$|\s+\S+)`. It is found in strings and block comments too.
    init?(_ line: Bytes.Line) {
      guard line.text.hasPrefix("--") else { return nil }
      let words = line.text.dropFirst(2).words
      guard let first = words.first, first == "migrate:up" || first == "migrate:down" else { return nil }
      isUp = first == "migrate:up"
      start = line.range.lowerBound
      let value = words.dropFirst().compactMap { word -> String? in
        let pair = word.split(separator: ":", omittingEmptySubsequences: false)
        return pair.count == 2 && pair[0] == "transaction" ? String(pair[1]) : nil
      }.last
      runsInTransaction = value != "false"
    }
  }

  private func migration(_ version: String, _ name: String, _ file: String) -> ToolMigration {
    let (read, unread) = files.file(file)
    guard let read else {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil, obstacle: unread)
    }
    let lines = Bytes.lines(of: read.bytes)
    let marks = lines.compactMap(Mark.init)
    if let obstacle = obstacle(lines, marks) {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil, obstacle: obstacle)
    }
    return ToolMigration(
      version: version, name: name, files: [file], up: script(read, marks, isUp: true),
      down: script(read, marks, isUp: false))
  }

  /// Why dbmate refuses the file, or would not get through it.
  private func obstacle(_ lines: [Bytes.Line], _ marks: [Mark]) -> Prose? {
    guard let first = marks.first(where: \.isUp) else { return "it has no migrate:up, which dbmate asks for" }
    let early = lines.prefix { $0.range.lowerBound < first.start }
    if marks.first?.isUp == false {
      return "its migrate:down stands before its migrate:up: dbmate refuses it"
    }
    if early.contains(where: { !$0.text.trimmed.isEmpty && !$0.text.trimmed.hasPrefix("--") }) {
      return "it has SQL before its migrate:up: dbmate refuses it"
    }
    for (mark, next) in zip(marks, marks.dropFirst()) where mark.isUp == next.isUp {
      return mark.isUp
        ? "a migrate:up has no migrate:down, which dbmate asks for"
        : "it has two migrate:down in a row: dbmate refuses it"
    }
    return marks.last?.isUp == true ? "its migrate:up has no migrate:down, which dbmate asks for" : nil
  }

  /// All sections of one direction. dbmate runs each in a transaction of its own, from the first one on, also down.
  private func script(_ file: ToolFile, _ marks: [Mark], isUp: Bool) -> ToolScript? {
    let sections = zip(marks, marks.dropFirst().map(\.start) + [file.bytes.count]).filter {
      $0.0.isUp == isUp
    }
    guard let first = sections.first, let last = sections.last else { return nil }
    return ToolScript(
      file, first.0.start..<last.1, pieces: sections.map { $0.0.start..<$0.1 },
      wrapping: sections.allSatisfy(\.0.runsInTransaction) ? .transaction : .none)
  }
}
