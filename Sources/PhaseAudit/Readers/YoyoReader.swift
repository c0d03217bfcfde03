internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// yoyo: `name.sql` and `name.rollback.sql`, in the order of their names except where `-- depends:` says another
/// (pypi.org/project/yoyo-migrations, yoyo/migrations.py).
struct YoyoReader: FolderReader {
  let files: FolderFiles

  private struct Found {
    let migration: ToolMigration
    let depends: Set<String>
  }

  func folder() throws(MigrationError) -> ToolFolder {
    var remarks = files.remarks
    var found: [Found] = []
    for file in files.topFiles where !file.hasSuffix(".rollback.sql") {
      guard let dot = file.lastIndex(of: "."), [".sql", ".py"].contains(file[dot...]) else { continue }
      let name = String(file[..<dot])
      if name.hasPrefix("post-apply") {
        remarks.append(
          ToolFolder.Remark("\(files.path(of: file)) was left out: yoyo runs it after every apply"))
      } else if file.hasSuffix(".py") {
        found.append(
          Found(
            migration: ToolMigration(
              version: name, name: name, files: [file], up: nil, down: nil,
              obstacle: "it is written in Python"),
            depends: files.file(file).file.map(Self.dependencies) ?? []))
      } else {
        found.append(migration(name, file))
      }
    }
    let names = Set(found.map(\.migration.name))
    for one in found where !one.depends.isSubset(of: names) {
      let missing = one.depends.subtracting(names).sorted().joined(separator: ", ")
      remarks.append(
        ToolFolder.Remark(
          "\(files.path(of: one.migration.files[0])) depends on \(missing), which is not there: yoyo refuses the folder"
        ))
    }
    let migrations = try inOrder(found).map(\.migration)
    return ToolFolder(
      tool: .yoyo, path: files.root, migrations: migrations,
      remarks: remarks + ToolFolder.Remark.repeated(migrations, "yoyo refuses the folder", in: files))
  }

  /// In the order in which yoyo applies them: each time the first by name whose dependencies are applied
  /// (yoyo/topologicalsort.py).
  private func inOrder(_ found: [Found]) throws(MigrationError) -> [Found] {
    var rest = found
    var waiting = Set(found.map(\.migration.name))
    var ordered: [Found] = []
    while let next = rest.firstIndex(where: { $0.depends.isDisjoint(with: waiting) }) {
      waiting.remove(rest[next].migration.name)
      ordered.append(rest.remove(at: next))
    }
    guard rest.isEmpty else {
      throw MigrationError(
        .toolFilesInvalid, "migrations in \(files.root) depend on each other in a circle",
        details: rest.map {
          "\($0.migration.name) depends on \($0.depends.sorted().joined(separator: ", "))"
        },
        help: ["take one of the depends lines out"])
    }
    return ordered
  }

  private func migration(_ name: String, _ file: String) -> Found {
    let rollback = "\(name).rollback.sql"
    let (up, upObstacle) = files.file(file)
    let (down, downObstacle) = files.has(rollback) ? files.file(rollback) : (nil, nil)
    let directives = up.map(Directives.init)
    var obstacle = upObstacle ?? downObstacle ?? directives?.obstacle
    let wrapping: ToolScript.Wrapping = directives?.isTransactional == false ? .none : .transaction
    let scripts = [up, down].map { file in file.map { script($0, wrapping, &obstacle) } }
    return Found(
      migration: ToolMigration(
        version: name, name: name, files: [file] + (files.has(rollback) ? [rollback] : []), up: scripts[0],
        down: scripts[1], obstacle: obstacle),
      depends: directives?.depends ?? [])
  }

  private func script(
    _ file: ToolFile, _ wrapping: ToolScript.Wrapping, _ obstacle: inout Prose?
  ) -> ToolScript {
    let bytes = file.bytes
    let pieces = SQLParseSplitter.pieces(of: bytes)
    if let piece = pieces.first(where: { SQLSplitter(bytes: Array(bytes[$0])).statements.count > 1 }) {
      let line = 1 + bytes[..<piece.lowerBound].count { $0 == UInt8(ascii: "\n") }
      obstacle =
        obstacle
        ?? "yoyo takes several statements from line \(line) of \(file.path) on for one, which Python's sqlite3 refuses"
    }
    return ToolScript(file, 0..<bytes.count, pieces: pieces, wrapping: wrapping)
  }

  /// What the comments before the first statement say.
  private struct Directives {
    private(set) var isTransactional = true
    private(set) var depends: Set<String> = []
    private(set) var obstacle: Prose?

    init(_ file: ToolFile) {
      for line in Bytes.lines(of: file.bytes) {
        let text = line.text.trimmed
        if text.isEmpty { continue }
        guard text.hasPrefix("--") else { return }
        guard let (key, value) = String(text.dropFirst(2)).cut(at: ":") else { continue }
        switch key.trimmed {
        case "depends": depends.formUnion(value.words)
        case "transactional":
          // The value is taken with the white space behind it.
          let word = String((line.text.cut(at: ":")?.after ?? "").drop { $0.isWhitespace }).lowercased()
          if word == "false" { isTransactional = false }
          if word != "false", word != "true" { obstacle = "yoyo does not read transactional: \(value)" }
        default: continue
        }
      }
    }
  }

  /// The texts in quotes after `__depends__`.
  private static func dependencies(_ file: ToolFile) -> Set<String> {
    guard let (_, after) = file.text.cut(at: "__depends__"), let (_, value) = after.cut(at: "=") else {
      return []
    }
    let literal = value.prefix { $0 != "}" && $0 != "]" && $0 != ")" }
    let parts = literal.split(omittingEmptySubsequences: false) { $0 == "\"" || $0 == "'" }
    return Set(parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) })
  }
}

/// Cuts SQL as the Python package sqlparse does, from which yoyo gets its statements: at semicolons outside of
/// parentheses and outside of what it regards as a block (sqlparse/engine/statement_splitter.py).
enum SQLParseSplitter {
  static func pieces(of bytes: [UInt8]) -> [Range<Int>] {
    let tokens = Array(SQLTokens(bytes: bytes))
    var state = State()
    var pieces: [Range<Int>] = []
    var (start, isOver) = (0, false)
    for (index, token) in tokens.enumerated() {
      // A line end begins the next piece, and so does everything but blanks and a comment of one line.
      if isOver, token.kind != .lineComment,
        token.kind != .space || bytes[token.range].contains(UInt8(ascii: "\n"))
      {
        pieces.append(start..<token.range.lowerBound)
        (start, isOver, state) = (token.range.lowerBound, false, State())
      }
      let word = word(index, tokens, bytes)
      isOver = state.ends(after: token, word, bytes) || isOver
    }
    pieces.append(start..<bytes.count)
    return pieces
  }

  /// The word at an index in upper case, if sqlparse takes it for a keyword: not next to a dot, not before a parenthesis.
  private static func word(_ index: Int, _ tokens: [SQLTokens.Token], _ bytes: [UInt8]) -> String? {
    guard tokens[index].kind == .word else { return nil }
    let text = String(decoding: bytes[tokens[index].range], as: UTF8.self).uppercased()
    if index > 0, bytes[tokens[index - 1].range] == [UInt8(ascii: ".")] { return nil }
    let next = tokens[(index + 1)...].first { $0.kind != .space }
    if let next, bytes[next.range] == [UInt8(ascii: ".")] { return nil }
    if let next, next.range.lowerBound == tokens[index].range.upperBound,
      bytes[next.range] == [UInt8(ascii: "(")],
      text != "CASE"
    {
      return nil
    }
    return text
  }

  private struct State {
    private var level = 0
    private var blocks: [String] = []
    private var isCreate = false
    private var hasJustBegun = false
    private var loop: String?

    mutating func ends(after token: SQLTokens.Token, _ word: String?, _ bytes: [UInt8]) -> Bool {
      if token.isSemicolon {
        loop = nil
        if hasJustBegun, blocks.last == "BEGIN" {
          blocks.removeLast()
          level -= 1
        }
        hasJustBegun = false
        return level <= 0 && !blocks.contains("BEGIN")
      }
      if bytes[token.range] == [UInt8(ascii: "(")] { level += 1 }
      if bytes[token.range] == [UInt8(ascii: ")")] { level -= 1 }
      if let word { take(word) }
      if !token.kind.isTrivia, word != "BEGIN" { hasJustBegun = false }
      return word == "GO"
    }

    private mutating func take(_ word: String) {
      switch word {
      case "CREATE": isCreate = true
      case "DECLARE" where isCreate && blocks.isEmpty: open("DECLARE")
      case "BEGIN":
        hasJustBegun = true
        if blocks.last == "DECLARE" { blocks[blocks.count - 1] = "BEGIN" } else { open("BEGIN") }
      case "TRANSACTION", "WORK", "TRAN", "DISTRIBUTED", "DEFERRED", "IMMEDIATE", "EXCLUSIVE":
        if hasJustBegun, blocks.last == "BEGIN" { close() }
      case "FOR" where isInside, "WHILE" where isInside: loop = word
      case "LOOP" where isInside, "DO" where isInside:
        if let loop {
          open(loop)
          self.loop = nil
        } else if word == "LOOP" {
          open(word)
        }
      case "IF" where isInside, "CASE" where isInside: open(word)
      case "END":
        if !blocks.isEmpty { blocks.removeLast() }
        level -= 1
      default: break
      }
    }

    private var isInside: Bool { blocks.contains("BEGIN") }

    private mutating func open(_ block: String) {
      blocks.append(block)
      level += 1
    }

    private mutating func close() {
      blocks.removeLast()
      level -= 1
    }
  }
}
