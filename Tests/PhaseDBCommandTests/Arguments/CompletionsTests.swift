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
      Case("up", "--to", "", offers: []),
      Case("completions", "", offers: ["bash", "zsh", "fish"]),
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
      Case("completions", "", offers: ["bash", "zsh", "fish"]),
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
}
