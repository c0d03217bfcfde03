internal import PhaseDB

/// goose: `1_name.sql` with `-- +goose Up` and `-- +goose Down`, by number; `.go` files are migrations too
/// (github.com/pressly/goose, internal/sqlparser/parser.go).
struct GooseReader: FolderReader {
  let files: FolderFiles

  func folder() -> ToolFolder {
    var remarks = files.remarks
    var found: [(number: Int64, migration: ToolMigration)] = []
    for file in files.topFiles where file.hasSuffix(".sql") || file.hasSuffix(".go") {
      let isGo = file.hasSuffix(".go")
      guard let (before, after) = file.cut(at: "_"), let number = Int64(before), number > 0 else {
        // A Go file without a number is code beside the migrations.
        if !isGo {
          remarks.append(
            ToolFolder.Remark(
              "\(files.path(of: file)) does not begin with a number and an underscore: goose refuses the folder"
            ))
        }
        continue
      }
      if isGo, file.hasSuffix("_test.go") { continue }
      let name = String(after.prefix(upTo: after.lastIndex(of: ".") ?? after.endIndex))
      found.append((number, migration(String(number), name, file, isGo: isGo)))
    }
    found.sort { $0.number < $1.number }
    let migrations = found.map(\.migration)
    remarks += ToolFolder.Remark.repeated(migrations, "goose refuses the folder", in: files)
    return ToolFolder(tool: .goose, path: files.root, migrations: migrations, remarks: remarks)
  }

  private func migration(_ version: String, _ name: String, _ file: String, isGo: Bool) -> ToolMigration {
    if isGo {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil, obstacle: "it is written in Go")
    }
    let (read, obstacle) = files.file(file)
    guard let read else {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil, obstacle: obstacle)
    }
    do throws(Refusal) {
      let up = try script(read, isUp: true)
      return ToolMigration(
        version: version, name: name, files: [file], up: up, down: try script(read, isUp: false))
    } catch {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil,
        obstacle: "goose does not read line \(error.line): \(error.reason)")
    }
  }

  /// Why goose refuses a file.
  private struct Refusal: Error {
    let line: Int
    let reason: Prose
  }

  private enum Section { case none, up, down }

  /// The statements of one direction. It follows goose line by line, so that it cuts where goose cuts.
  private func script(_ original: ToolFile, isUp: Bool) throws(Refusal) -> ToolScript? {
    let file = try substituted(original)
    let bytes = file.bytes
    let lines = Bytes.lines(of: bytes)
    var (section, isInBlock, useTransaction) = (Section.none, false, true)
    // After `StatementEnd` with nothing before it goose takes the next line for the rest of the block, and loses it.
    var losesNext = false
    var pieces: [Range<Int>] = []
    var start: Int?
    var end = 0
    var bounds: Range<Int>?
    for (index, line) in lines.enumerated() {
      let trimmed = line.text.trimmed
      if section == .none, trimmed.isEmpty { continue }
      var isBlockEnd = false
      if trimmed.hasPrefix("--"), line.text.cut(at: "+goose") != nil {
        switch try annotation(line.text, line: index + 1) {
        case "up":
          guard section == .none else { throw Refusal(line: index + 1, reason: "a second +goose Up") }
          section = .up
          continue
        case "down":
          guard section == .up, !isInBlock else {
            throw Refusal(line: index + 1, reason: "+goose Down does not follow +goose Up")
          }
          if start != nil { throw unfinished(index + 1) }
          section = .down
          continue
        case "statementbegin":
          guard section != .none, !isInBlock else {
            throw Refusal(line: index + 1, reason: "+goose StatementBegin does not follow +goose Up or Down")
          }
          isInBlock = true
          continue
        case "statementend":
          guard isInBlock else {
            throw Refusal(
              line: index + 1, reason: "+goose StatementEnd does not follow +goose StatementBegin")
          }
          (isInBlock, isBlockEnd) = (false, true)
        case "no transaction":
          useTransaction = false
          continue
        default: continue  // ENVSUB was done before.
        }
      }
      if start == nil, trimmed.hasPrefix("--") || line.text.isEmpty {
        losesNext = losesNext || isBlockEnd
        continue
      }
      guard section != .none else {
        throw Refusal(line: index + 1, reason: "there is SQL before +goose Up")
      }
      let isWanted = (section == .up) == isUp
      if isWanted {
        bounds = (bounds?.lowerBound ?? line.range.lowerBound)..<line.range.upperBound
      }
      if losesNext {
        losesNext = false
        start = nil
        continue
      }
      if !isBlockEnd {
        start = start ?? line.range.lowerBound
        end = line.range.upperBound
      }
      if isBlockEnd || (!isInBlock && Self.endsStatement(line.text)) {
        if isWanted, let first = start { pieces.append(first..<end) }
        start = nil
      }
    }
    if section == .none { throw Refusal(line: max(1, lines.count), reason: "there is no +goose Up") }
    if isInBlock { throw Refusal(line: max(1, lines.count), reason: "there is no +goose StatementEnd") }
    if let first = start, !String(decoding: bytes[first..<end], as: UTF8.self).trimmed.isEmpty {
      throw unfinished(lines.count)
    }
    if !isUp, section != .down { return nil }
    return ToolScript(
      file, bounds ?? bytes.count..<bytes.count, pieces: pieces,
      wrapping: useTransaction && !files.options.noTransaction ? .transaction : .none)
  }

  private func unfinished(_ line: Int) -> Refusal {
    Refusal(line: line, reason: "no line before it ends the statement with a semicolon")
  }

  private static let annotations: Set<String> = [
    "up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off",
  ]

  /// - Returns: the words after `+goose` in lower case.
  private func annotation(_ line: String, line number: Int) throws(Refusal) -> String {
    let words = Bytes.replacing("--", by: "", in: line).cut(at: "+goose").map { $0.before + $0.after } ?? ""
    let command = words.trimmed.lowercased()
    guard line.first != " ", line.first != "\t", Self.annotations.contains(command) else {
      throw Refusal(line: number, reason: "it is no annotation: \(line.trimmed)")
    }
    return command
  }

  /// Whether the last word before a comment ends with a semicolon. A `--` inside a string counts as a comment.
  private static func endsStatement(_ line: String) -> Bool {
    line.words.prefix { !$0.hasPrefix("--") }.last?.hasSuffix(";") == true
  }

  /// The file with the variables of the environment replaced in the lines for which `ENVSUB ON` asks for it.
  private func substituted(_ file: ToolFile) throws(Refusal) -> ToolFile {
    guard file.text.cut(at: "ENVSUB") != nil || file.text.cut(at: "envsub") != nil else { return file }
    var text = ""
    var isOn = false
    for (index, line) in Bytes.lines(of: file.bytes).enumerated() {
      if line.text.trimmed.hasPrefix("--"), line.text.cut(at: "+goose") != nil {
        let command = try annotation(line.text, line: index + 1)
        if command.hasPrefix("envsub") { isOn = command.hasSuffix("on") }
        text += line.text + "\n"
      } else {
        text += (isOn ? try variables(line.text, line: index + 1) : line.text) + "\n"
      }
    }
    return ToolFile(file, text)
  }

  /// `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`; a doubled or escaped dollar sign stands for itself.
  private func variables(_ line: String, line number: Int) throws(Refusal) -> String {
    var text = ""
    var rest = line[...]
    while let first = rest.popFirst() {
      if (first == "\\" || first == "$"), rest.first == "$" {
        text.append("$")
        rest.removeFirst()
      } else if first == "$", rest.first == "{" {
        guard let close = rest.firstIndex(of: "}") else {
          throw Refusal(line: number, reason: "a variable has no closing brace")
        }
        text += try value(rest[rest.index(after: rest.startIndex)..<close], line: number)
        rest = rest[rest.index(after: close)...]
      } else if first == "$", rest.first.map({ $0.isASCII && ($0.isLetter || $0 == "_") }) == true {
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        text += try value(name, line: number)
        rest = rest.dropFirst(name.count)
      } else {
        text.append(first)
      }
    }
    return text
  }

  private func value(_ expression: Substring, line: Int) throws(Refusal) -> String {
    let name = expression.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    let rest = expression.dropFirst(name.count)
    let value = files.options.set[String(name)]
    switch true {
    case rest.isEmpty:
      // goose replaces a variable that is not set by an empty text, which is hardly ever meant.
      guard let value else { throw missing(String(name), line) }
      return value
    case rest.hasPrefix(":-"): return value.flatMap { $0.isEmpty ? nil : $0 } ?? String(rest.dropFirst(2))
    case rest.hasPrefix("-"): return value ?? String(rest.dropFirst())
    default:
      guard let value else { throw missing(String(name), line) }
      guard rest.hasPrefix("?") || rest.hasPrefix(":?") else {
        throw Refusal(line: line, reason: "phasedb does not know the expression ${\(expression)}")
      }
      return value
    }
  }

  private func missing(_ name: String, _ line: Int) -> Refusal {
    Refusal(line: line, reason: "the variable \(name) has no value: use --set \(name)=VALUE")
  }
}
