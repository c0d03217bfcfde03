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
    for name in verb.allOptions.flatMap(\.names) + verb.positionals.map(\.kind.placeholder) {
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
          checkpoint list     list the checkpoints there are
          checkpoint restore  put the whole database back to the snapshot of a
                              checkpoint

        Run phasedb help checkpoint VERB for one verb.

        """)
  }

  @Test("of up reads as a page")
  func upPage() {
    #expect(
      Help().text(for: ["up"]) == """
        phasedb up: apply the pending phases whose gates are open

        Usage:
          phasedb up [N] [options]

        Prints the plan first and checks all of it before the first statement runs.
        Every phase is one transaction together with its ledger entry: a phase that
        fails leaves nothing behind, and the phases before it stay applied.

        Arguments:
          N  how many phases (default: all)

        Options:
              --to TARGET           stop after the phase TARGET. Any prefix that names
                                    one phase is enough: 0002/expand, or 0002.
              --dry-run             print the plan and stop
              --snapshot DIR        copy the database into this folder first. The copy
                                    is named after the database and the checkpoint, has
                                    its checksum beside it, and is what checkpoint
                                    restore goes back to.
              --rehearse            rehearse first what would go up, and stop when it
                                    does not come back
              --evidence PATH       a file of evidence that rehearse wrote, beside what
                                    the ledger knows. It carries what was shown where
                                    phases are rehearsed to where they go up, as from CI
                                    to production.
              --allow-empty         with --rehearse: go on when a phase touches a table
                                    without rows
              --copy-to DIR         with --rehearse: where the copy is made (default:
                                    beside the database). It needs room for the database
                                    and for what the phases write, on a disk like the
                                    database's: times measured elsewhere are those of
                                    another disk.
              --live APP@VERSION    a version of an application that is running now.
                                    Takes the place of what check-ins say. Where neither
                                    says anything of an application, expand and migrate
                                    phases go up with a note, contract phases are held,
                                    the way down goes ahead with a warning.
              --override window,soak,needs,evidence,drift,edited
                                    pass a closed gate; needs --reason and stays in the
                                    log
              --reason TEXT         why a gate is passed
              --wait DURATION       how long to wait for other writers (default: 30s)
              --hold DURATION       how long a batch should hold the write lock
                                    (default: 10ms). The number of rows in a batch
                                    follows it. Only phases with @batch run in batches.
              --pause DURATION      the least time between two batches (default: 2ms, or
                                    1ms while nobody else writes)
              --max-batch N         the most rows of a batch (default: 100000)
          -d, --database PATH       the database file. Without it: PHASEDB_DATABASE,
                                    then DATABASE_URL, then phasedb.json. A path or an
                                    address that starts with sqlite:, sqlite://,
                                    sqlite3:// or file:.
          -m, --migrations DIR      the folder of migrations. Without it: phasedb.json,
                                    then the folder 'migrations'.
              --format text|json    text for people or JSON for programs (default: text)
              --color auto|always|never
                                    when to colour text (default: auto, on a terminal
                                    only)
          -q, --quiet               print data and errors only
          -h, --help                explain the verb and stop

        Examples:
          phasedb up
              apply everything that may run now
          phasedb up --to 0002/expand
              stop after that phase
          phasedb up --live storefront@2.0
              say what is running, which contract phases must know
          phasedb up --rehearse
              rehearse on a copy first
          phasedb up --snapshot snapshots
              copy the database first, to have it whole if need be
          phasedb up --dry-run
              print the plan only

        Exit codes:
          0   done, or nothing to do
          2   refused or failed before anything changed
          3   failed and undone: the database is as it was before the command
          4   stopped part-way: the state is recorded and the next command is printed
          5   busy: another runner or writer did not let go in time
          64  the command line is wrong

        """)
  }

  @Test("of check-in reads as a page")
  func checkInPage() {
    #expect(
      Help().text(for: ["check-in"]) == """
        phasedb check-in: record that a version of an application is running

        Usage:
          phasedb check-in APP@VERSION [options]

        Ends with 2, and records nothing, when that version may not run on the schema as
        it is, so that it can stand before the application in its entry point. Needs no
        migrations; with them it also knows which versions need a phase that is still to
        come. A check-in is forgotten after 10 minutes, or what forget in phasedb.json
        says.

        Arguments:
          APP@VERSION  the application and its version: storefront@1.4.0

        Options:
              --instance NAME       what tells this copy of the application from others
                                    (default: the host's name). A later check-in of the
                                    same instance takes the place of the earlier one, so
                                    that every copy needs a name of its own.
              --wait DURATION       how long to wait for other writers (default: 30s)
          -d, --database PATH       the database file. Without it: PHASEDB_DATABASE,
                                    then DATABASE_URL, then phasedb.json. A path or an
                                    address that starts with sqlite:, sqlite://,
                                    sqlite3:// or file:.
          -m, --migrations DIR      the folder of migrations. Without it: phasedb.json,
                                    then the folder 'migrations'.
              --format text|json    text for people or JSON for programs (default: text)
              --color auto|always|never
                                    when to colour text (default: auto, on a terminal
                                    only)
          -q, --quiet               print data and errors only
          -h, --help                explain the verb and stop

        Examples:
          phasedb check-in storefront@1.4.0 --instance web-1
              say that web-1 runs 1.4.0
          phasedb check-in storefront@1.4.0 --quiet
              let the exit code say whether it may

        Exit codes:
          0   done, or nothing to do
          2   refused or failed before anything changed
          5   busy: another runner or writer did not let go in time
          64  the command line is wrong

        """)
  }

  @Test("of log reads as a page")
  func logPage() {
    #expect(
      Help().text(for: ["log"]) == """
        phasedb log: show who did what when

        Usage:
          phasedb log [options]

        Options:
              --limit N             only the last N entries
              --check               prove that no entry was changed or removed; exit
                                    with 1 otherwise
              --wait DURATION       how long to wait for other writers (default: 30s)
          -d, --database PATH       the database file. Without it: PHASEDB_DATABASE,
                                    then DATABASE_URL, then phasedb.json. A path or an
                                    address that starts with sqlite:, sqlite://,
                                    sqlite3:// or file:.
          -m, --migrations DIR      the folder of migrations. Without it: phasedb.json,
                                    then the folder 'migrations'.
              --format text|json    text for people or JSON for programs (default: text)
              --color auto|always|never
                                    when to colour text (default: auto, on a terminal
                                    only)
          -q, --quiet               print data and errors only
          -h, --help                explain the verb and stop

        Examples:
          phasedb log --limit 10
              show the last ten entries
          phasedb log --check
              prove the chain of entries

        Exit codes:
          0   done, or nothing to do
          1   findings
          2   refused or failed before anything changed
          5   busy: another runner or writer did not let go in time
          64  the command line is wrong

        """)
  }
}
