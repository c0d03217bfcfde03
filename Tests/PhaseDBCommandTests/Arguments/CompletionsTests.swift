import Foundation
import Testing

@testable import PhaseDBCommand

@Suite("Completions")
struct CompletionsTests {
  @Test("mention every verb, option and choice", arguments: Shell.allCases)
  func complete(shell: Shell) {
    let script = shell.completions
    let options = Option.table.flatMap { option in
      shell == .fish ? ["-l \(option.long)"] + (option.short.map { ["-s \($0)"] } ?? []) : option.names
    }
    let kinds = Option.table.compactMap(\.value) + Verb.table.flatMap(\.positionals).map(\.kind)
    for word in Verb.table.flatMap(\.path) + options + kinds.flatMap(\.words) {
      #expect(script.contains(word), "\(shell) lacks \(word)")
    }
  }

  @Test("are a script that the shell can read", arguments: Shell.allCases.filter(\.isInstalled))
  func readable(shell: Shell) throws {
    try withFolder(["script": shell.completions]) { folder in
      let result = try shell.run("\(shell.rawValue) -n script", in: folder)
      #expect(result == ShellResult(output: [], error: [], status: 0))
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    /// What was typed; the last word is the one to complete.
    let typed: [String]
    let offered: [String]

    init(_ typed: String..., offers offered: [String]) {
      self.typed = typed
      self.offered = offered
    }

    var testDescription: String { "phasedb \(typed.joined(separator: " "))" }
  }

  @Test("for bash are bound to phasedb", .enabled(if: Shell.bash.isInstalled, "bash is not installed"))
  func bound() throws {
    try withFolder(["script": Shell.bash.completions]) { folder in
      let result = try Shell.bash.run("source ./script; complete -p phasedb", in: folder)
      #expect(result == ShellResult(output: ["complete -F _phasedb phasedb"], error: [], status: 0))
    }
  }

  @Test(
    "for bash offer what may stand there",
    .enabled(if: Shell.bash.isInstalled, "bash is not installed"),
    arguments: [
      Case("st", offers: ["status"]),
      Case("check", offers: ["check-in", "checkpoint"]),
      Case("checkpoint", "", offers: ["create", "list", "restore"]),
      Case("-d", "shop.db", "checkpoint", "cr", offers: ["create"]),
      Case("--ver", offers: ["--version"]),
      Case("up", "--d", offers: ["--dry-run", "--database"]),
      Case("checkpoint", "create", "sale", "--n", offers: ["--note"]),
      Case("status", "--al", offers: []),
      Case("plan", "", offers: ["up", "down"]),
      Case("plan", "--to", "0002", "d", offers: ["down"]),
      Case("plan", "up", "", offers: []),
      Case("status", "--format", "", offers: ["text", "json"]),
      Case("status", "--format", "=", offers: ["text", "json"]),
      Case("status", "--format", "=", "js", offers: ["json"]),
      Case("--format", "=", "json", "ver", offers: ["verify", "version"]),
      Case("new", "--phases", "ex", offers: ["expand"]),
      Case("new", "--phases", "expand,m", offers: ["expand,migrate"]),
      Case("up", "-d", "sh", offers: ["shop one.db"]),
      Case("up", "--migrations", "s", offers: ["sales"]),
      Case("new", "--", "--p", offers: []),
      Case("checkpoint", "create", "", offers: []),
      Case("completions", "", offers: ["bash", "zsh", "fish", "names"]),
      Case("help", "che", offers: ["check-in", "checkpoint"]),
      Case("nonsense", "", offers: []),
    ])
  func bash(_ row: Case) throws {
    let words = (["phasedb"] + row.typed).map { "'\($0)'" }.joined(separator: " ")
    let files = ["script": Shell.bash.completions, "shop one.db": "", "sales/": ""]
    try withFolder(files) { folder in
      let result = try Shell.bash.run(
        """
        source ./script
        COMP_WORDS=(\(words))
        COMP_CWORD=\(row.typed.count)
        _phasedb
        [[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
        """, in: folder)
      #expect(result.output.sorted() == row.offered.sorted())
      #expect(result.error.isEmpty)
    }
  }

  @Test(
    "for fish offer what may stand there",
    .enabled(if: Shell.fish.isInstalled, "fish is not installed"),
    arguments: [
      Case("st", offers: ["status"]),
      Case("checkpoint", "", offers: ["create", "list", "restore"]),
      Case("-d", "shop.db", "checkpoint", "cr", offers: ["create"]),
      Case("up", "--d", offers: ["--dry-run", "--database"]),
      Case("checkpoint", "create", "sale", "--n", offers: ["--note"]),
      Case("status", "--al", offers: []),
      Case("plan", "", offers: ["up", "down"]),
      Case("status", "--format", "", offers: ["text", "json"]),
      Case("status", "--format=js", offers: ["--format=json"]),
      Case("new", "--phases", "expand,m", offers: ["expand,migrate"]),
      Case("up", "-d", "sh", offers: ["shop one.db"]),
      Case("up", "--migrations", "sa", offers: ["sales/"]),
      Case("completions", "", offers: ["bash", "zsh", "fish", "names"]),
    ])
  func fish(_ row: Case) throws {
    let files = ["script": Shell.fish.completions, "shop one.db": "", "sales/": ""]
    try withFolder(files) { folder in
      let result = try Shell.fish.run(
        "source ./script; complete -C '\(row.testDescription)'", in: folder)
      // A tab separates the word from its description.
      let offered = result.output.compactMap { $0.split(separator: "\t").first.map(String.init) }
      #expect(offered.sorted() == row.offered.sorted())
      #expect(result.error.isEmpty)
    }
  }

  /// What is typed, as bash cuts it into words, and what a shell adds to it.
  struct Known: CustomTestStringConvertible, Sendable {
    let line: String
    let bash: [String]
    let offered: [String]
    var testDescription: String { line }
  }

  static let knownLines = [
    Known(line: "down --to @b", bash: ["down", "--to", "@", "b"], offered: ["@before-release"]),
    Known(line: "down -d shop.db --to 9", bash: ["down", "-d", "shop.db", "--to", "9"], offered: []),
    Known(line: "status 0001/", bash: ["status", "0001/"], offered: ["0001/expand"]),
    Known(
      line: "up --live app@1", bash: ["up", "--live", "app", "@", "1"], offered: ["app@1.0", "app@1.2"]),
    Known(line: "check-in ap", bash: ["check-in", "ap"], offered: ["app@1.0", "app@1.2"]),
    Known(line: "check-in app@", bash: ["check-in", "app", "@"], offered: ["app@1.0", "app@1.2"]),
    Known(line: "may-run app@1.2", bash: ["may-run", "app", "@", "1.2"], offered: ["app@1.2"]),
    Known(line: "goto @b", bash: ["goto", "@", "b"], offered: ["@before-release"]),
    Known(line: "explain phase-h", bash: ["explain", "phase-h"], offered: ["phase-held"]),
    Known(line: "new it rename-c", bash: ["new", "it", "rename-c"], offered: ["rename-column"]),
    Known(
      line: "new it rename-column t.t", bash: ["new", "it", "rename-column", "t.t"], offered: ["t.text"]),
    Known(
      line: "new --app shop it drop-table ", bash: ["new", "--app", "shop", "it", "drop-table", ""],
      offered: ["t", "u"]),
    Known(
      line: "new it merge t.id, u.", bash: ["new", "it", "merge", "t.id,", "u."], offered: ["u.b", "u.c"]),
    Known(line: "new it split u.b i", bash: ["new", "it", "split", "u.b", "i"], offered: ["into"]),
    Known(line: "new it move t.id t", bash: ["new", "it", "move", "t.id", "t"], offered: ["to"]),
    Known(line: "new it move t.id to u", bash: ["new", "it", "move", "t.id", "to", "u"], offered: ["u."]),
    Known(
      line: "new it move t.id to u.d by ", bash: ["new", "it", "move", "t.id", "to", "u.d", "by", ""],
      offered: ["b", "c", "id", "text"]),
    Known(line: "new it nonsense ", bash: ["new", "it", "nonsense", ""], offered: []),
    Known(line: "new add-t", bash: ["new", "add-t"], offered: []),
    Known(line: "checkpoint restore b", bash: ["checkpoint", "restore", "b"], offered: ["before-release"]),
  ]

  /// A shop with a checkpoint, and versions that have queries.
  private func inShop(_ row: Known, in shell: Shell, _ commands: (String) -> String) throws -> ShellResult {
    let site = try Site()
    try site.table("t", in: "0001-t/expand")
    // Not applied yet: recipes are for the schema that the folder leads to.
    try site.write(
      "-- @window app >=1.0\n-- @up\nCREATE TABLE u (b, c, \"a name\");\n-- @down\nDROP TABLE u;\n",
      to: "migrations/0002-u/expand.sql")
    for version in ["1.0", "1.2"] {
      try site.write("-- @query all\nSELECT * FROM t;\n", to: "migrations/apps/app/\(version).sql")
    }
    try site.write("{ database: '../shop.db' }", to: "migrations/phasedb.json")
    try site.write(shell.completions, to: "script")
    #expect(
      try site.phasedb("up -q --to 0001").code == 0
        && site.phasedb("checkpoint create before-release").code == 0)
    // The shop as the first word: completions ask the program that is being completed.
    let program = try BuiltProgram.path()
    let path = program.dropLast("/phasedb".count)
    return try shell.run("export PATH='\(path)':\"$PATH\"\n" + commands(program), in: site.folder)
  }

  @Test(
    "for bash know phases, checkpoints, versions and words",
    .enabled(if: Shell.bash.isInstalled, "bash is not installed"), arguments: knownLines)
  func bashNames(_ row: Known) throws {
    let line = "phasedb \(row.line)"
    // Bash replaces the text from the last at sign on, that included.
    let replaced = row.bash.lastIndex(of: "@").map { row.bash[$0...].joined() } ?? row.bash.last ?? ""
    let result = try inShop(row, in: .bash) { _ in
      """
      source ./script
      COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}
      COMP_WORDS=(phasedb \(row.bash.map { "'\($0)'" }.joined(separator: " ")))
      COMP_CWORD=\(row.bash.count)
      _phasedb phasedb '\(replaced)'
      [[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
      """
    }
    let texts =
      row.bash.contains("@")
      ? row.offered.map { "@\($0.split(separator: "@").last ?? "")" } : row.offered
    #expect(result.output.sorted() == texts)
  }

  @Test(
    "for bash complete in a terminal",
    .enabled(
      if: Shell.bash.isInstalled && Surroundings.canGiveTerminal,
      "there is no bash, or no script(1) to give a terminal"),
    arguments: knownLines.filter { $0.offered.count == 1 } + [
      Known(line: "down --to=@b", bash: [], offered: ["--to=@before-release"])
    ])
  func bashTerminal(_ row: Known) throws {
    let before = row.line.split(separator: " ").dropLast().joined(separator: " ")
    let result = try inShop(row, in: .bash) { _ in
      // Tab completes the line, and control-A goes to its beginning, to print it and not to run it.
      #"""
      printf '%s\n' '. ./script' $'phasedb \#(row.line)\t\001echo said: ' exit > keys
      TERM=dumb script -qec 'bash --noprofile --norc -i' /dev/null < keys | tr -d '\r'
      """#
    }
    #expect(
      result.output.contains("said: phasedb \(before) \(row.offered[0])"),
      "\(result.output.joined(separator: "\n"))")
  }

  @Test(
    "for fish know the same", .enabled(if: Shell.fish.isInstalled, "fish is not installed"),
    arguments: knownLines)
  func fishNames(_ row: Known) throws {
    let result = try inShop(row, in: .fish) { _ in "source ./script; complete -C 'phasedb \(row.line)'" }
    #expect(
      result.output.compactMap { $0.split(separator: "\t").first.map(String.init) }.sorted() == row.offered)
  }

  @Test(
    "for zsh complete in a terminal", .enabled(if: Shell.zsh.isInstalled, "zsh is not installed"),
    arguments: knownLines.filter { $0.offered.count == 1 })
  func zshNames(_ row: Known) throws {
    let result = try inShop(row, in: .zsh) { _ in
      """
      zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z "PS1='> '; autoload -U compinit; compinit -u -D; source ./script; bindkey '^I' complete-word"
      zpty -w -n z $'phasedb \(row.line)\t'
      ( sleep 20; kill $$ ) 2>/dev/null &!
      zpty -r z out '*\(row.offered[0])*' && print offered
      """
    }
    #expect(result.output.last == "offered")
  }
}
