import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("Help")
struct HelpTests {
  @Test("names every verb in its overview")
  func overview() {
    let lines = Help().overview.description.split(separator: "\n")
    for verb in Verb.table {
      #expect(lines.contains { $0.hasPrefix("  \(verb.name) ") }, "\(verb.name)")
    }
    for code in ExitCode.allCases {
      #expect(lines.contains { $0.hasPrefix("  \(code.rawValue) ") && $0.hasSuffix(code.summary) })
    }
    #expect(Help().text(for: []) == Help().overview)
  }

  @Test(
    "explains everything that a verb reads, within the width it has", arguments: Verb.table.map(\.id),
    [60, 80])
  func whole(id: Verb.ID, width: Int) throws {
    let verb = try #require(Verb.with(id))
    let text = Help(width: width).text(for: verb.path).description
    for name in verb.allOptions.compactMap(\.names.last) + verb.positionals.map(\.kind.placeholder) {
      #expect(text.contains(name), "\(name)")
    }
    let examples = verb.examples.map { "  \($0.command)" }
    for line in text.split(separator: "\n").map(String.init) where !examples.contains(line) {
      #expect(line.count <= width, "\(line)")
      #expect(line.last != " ", "\(line)")
    }
  }

  @Test("of a first word that several verbs share lists them")
  func group() {
    #expect(
      Help().text(for: ["checkpoint"]) == """
        Verbs:
          checkpoint create   name the present state, to return to it later
          checkpoint list     list the checkpoints
          checkpoint restore  put the whole database back to the snapshot of a
                              checkpoint

        Run phasedb help checkpoint VERB for one verb.

        """)
  }

  @Test("of up fits a screen")
  func upPage() {
    let text = Help().text(for: ["up"], isWhole: false).description
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 50)
    for option in ["--to TARGET", "--live APP@VERSION", "--max-batch N"] { #expect(text.contains(option)) }
    #expect(text.contains("More: phasedb help up"))
    #expect(!text.contains("Each phase"))
    #expect(Help().text(for: ["up"]).description.contains("Each phase"))
  }

  @Test("of check-in reads as a page")
  func checkInPage() {
    #expect(
      Help().text(for: ["check-in"]) == """
        phasedb check-in: record that a version of an application is running

        Usage:
          phasedb check-in APP@VERSION [options]

        Exits with 2 and records nothing when that version may not run on the present
        schema, so an entry point can run it before the application starts. Needs no
        migrations folder; with one, it also knows which versions need a pending phase.
        A check-in is forgotten after 10 minutes, or after the time that forget in
        phasedb.json sets.

        Arguments:
          APP@VERSION  the application and its version: storefront@1.4.0

        Options:
              --instance NAME  the name of this copy of the application (default: the
                               host's name). A later check-in of the same instance
                               replaces the earlier one, so every copy needs its own
                               name.

        Examples:
          phasedb check-in storefront@1.4.0 --instance web-1  say that web-1 runs 1.4.0
          phasedb check-in storefront@1.4.0 --quiet           let the exit code say
                                                              whether it may

        Exit codes: 0 done, or nothing to do; 2 refused or failed before anything
        changed; 5 busy: timed out waiting for another runner or writer; 64 the command
        line is wrong

        Also takes --wait, --database, --migrations, --format, --color, --quiet, --help:
        see phasedb help.

        """)
  }
}
