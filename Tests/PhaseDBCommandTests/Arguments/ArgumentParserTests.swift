import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("A command line")
struct ArgumentParserTests {
  struct Accepted: CustomTestStringConvertible, Sendable {
    let command: String
    let verb: Verb.ID
    let values: [ArgumentID: [ArgumentValue]]

    init(_ command: String, _ verb: Verb.ID, _ values: [ArgumentID: [ArgumentValue]] = [:]) {
      self.command = command
      self.verb = verb
      self.values = values
    }

    var testDescription: String { command }
  }

  @Test(
    "is understood",
    arguments: [
      Accepted("phasedb up", .up),
      Accepted("phasedb up 2", .up, [.count: [.number(2)]]),
      Accepted("phasedb up --to 0002/expand", .up, [.target: [.text("0002/expand")]]),
      Accepted("phasedb up --to=0002/expand", .up, [.target: [.text("0002/expand")]]),
      Accepted("phasedb up --to=a=b", .up, [.target: [.text("a=b")]]),
      Accepted("phasedb up --to=-odd", .up, [.target: [.text("-odd")]]),
      Accepted("phasedb -d shop.db up", .up, [.database: [.text("shop.db")]]),
      Accepted("phasedb -dshop.db up", .up, [.database: [.text("shop.db")]]),
      Accepted("phasedb up -d shop.db", .up, [.database: [.text("shop.db")]]),
      Accepted("phasedb up -d -", .up, [.database: [.text("-")]]),
      Accepted("phasedb -qdshop.db status", .status, [.quiet: [.flag], .database: [.text("shop.db")]]),
      Accepted("phasedb --format json status", .status, [.format: [.text("json")]]),
      Accepted(
        "phasedb down --dry-run 3 --wait 500ms", .down,
        [.dryRun: [.flag], .count: [.number(3)], .wait: [.duration(.milliseconds(500))]]),
      Accepted("phasedb down --all", .down, [.all: [.flag]]),
      Accepted("phasedb down --wait=7d", .down, [.wait: [.duration(.seconds(604_800))]]),
      Accepted("phasedb plan", .plan),
      Accepted("phasedb plan 3", .plan, [.count: [.number(3)]]),
      Accepted("phasedb plan down 3", .plan, [.direction: [.text("down")], .count: [.number(3)]]),
      Accepted(
        "phasedb plan --to @sale down", .plan, [.direction: [.text("down")], .target: [.text("@sale")]]),
      Accepted(
        "phasedb new split --phases expand,migrate", .new,
        [
          .name: [.text("split")], .phases: [.list(["expand", "migrate"])],
        ]),
      Accepted("phasedb new -- --odd", .new, [.name: [.text("--odd")]]),
      Accepted(
        "phasedb checkpoint create sale --note 'last one'", .checkpointCreate,
        [
          .name: [.text("sale")], .note: [.text("last one")],
        ]),
      Accepted("phasedb checkpoint -q list", .checkpointList, [.quiet: [.flag]]),
      Accepted("phasedb log --check --limit 10", .log, [.check: [.flag], .limit: [.number(10)]]),
      Accepted("phasedb completions zsh", .completions, [.shell: [.text("zsh")]]),
      Accepted("phasedb version", .version),
      Accepted("phasedb --version", .version),
      Accepted("phasedb --version up", .version),
      Accepted("phasedb help", .help),
      Accepted("phasedb --help", .help, [.help: [.flag]]),
      Accepted("phasedb -h", .help, [.help: [.flag]]),
      Accepted("phasedb help checkpoint create", .help, [.topic: [.text("checkpoint"), .text("create")]]),
      Accepted("phasedb checkpoint --help", .help, [.help: [.flag], .topic: [.text("checkpoint")]]),
      Accepted("phasedb up -qh", .help, [.help: [.flag], .topic: [.text("up")]]),
      Accepted("phasedb up --bogus 1 2 3 --help", .help, [.help: [.flag], .topic: [.text("up")]]),
      Accepted(
        "phasedb checkpoint create --note --help", .help,
        [
          .help: [.flag],
          .topic: [.text("checkpoint"), .text("create")],
        ]),
    ])
  func accepted(_ row: Accepted) throws {
    let invocation = try parsed(row.command)
    #expect(invocation.verb == row.verb)
    #expect(invocation.values == row.values)
  }

  struct Refused: CustomTestStringConvertible, Sendable {
    let command: String
    let id: UsageError.ID
    let message: Prose
    let help: [Prose]

    init(_ command: String, _ id: UsageError.ID, _ message: Prose, _ help: Prose...) {
      self.command = command
      self.id = id
      self.message = message
      self.help = help
    }

    var testDescription: String { command }
  }

  @Test("another tool's word is none of phasedb's, and what is offered instead is understood")
  func otherWords() throws {
    let words = OtherWords.table.flatMap(\.words)
    #expect(Set(words).count == words.count)
    #expect(Set(words).isDisjoint(with: Verb.table.map { $0.path[0] }))
    for row in OtherWords.table {
      _ = try ArgumentParser.parse(row.command.split(separator: " ").dropFirst().map(String.init))
    }
  }

  @Test(
    "is refused with a message and a way on",
    arguments: [
      Refused("phasedb", .missingVerb, "nothing to do: no verb was given", "see: phasedb help"),
      Refused("phasedb -q", .missingVerb, "nothing to do: no verb was given", "see: phasedb help"),
      Refused(
        "phasedb checkpoint", .missingVerb, "'checkpoint' needs one of: create, list, restore",
        "see: phasedb help checkpoint"),
      Refused(
        "phasedb plna", .unknownVerb, "unknown verb 'plna'", "did you mean 'plan'?", "see: phasedb help"),
      Refused(
        "phasedb sttaus --chekc", .unknownVerb, "unknown verb 'sttaus'", "did you mean 'status'?",
        "see: phasedb help"),
      Refused(
        "phasedb rollback --steps 2", .unknownVerb, "unknown verb 'rollback'",
        "to reverse the last phase: phasedb down", "see: phasedb help"),
      Refused(
        "phasedb -V", .unknownOption, "unknown option '-V'", "to see the version: phasedb --version",
        "see: phasedb help"),
      Refused("phasedb frobnicate", .unknownVerb, "unknown verb 'frobnicate'", "see: phasedb help"),
      Refused(
        "phasedb checkpoint craete x", .unknownVerb,
        "'checkpoint' has no 'craete', only create, list, restore",
        "did you mean 'create'?", "see: phasedb help checkpoint"),
      Refused(
        "phasedb help sttaus", .unknownVerb, "no help for 'sttaus': there is no such verb",
        "did you mean 'status'?", "see: phasedb help help"),
      Refused(
        "phasedb up --dryrun", .unknownOption, "unknown option '--dryrun'", "did you mean '--dry-run'?",
        "see: phasedb help up"),
      Refused("phasedb up -x", .unknownOption, "unknown option '-x'", "see: phasedb help up"),
      Refused("phasedb up -qx", .unknownOption, "unknown option '-x'", "see: phasedb help up"),
      Refused(
        "phasedb --dry-run up", .unknownOption,
        "'--dry-run' belongs after a verb: up, down, goto, settle, squash",
        "see: phasedb help up"),
      Refused(
        "phasedb status --all", .unknownOption, "'status' has no option '--all'",
        "'--all' belongs to: plan, rehearse, down", "see: phasedb help status"),
      Refused(
        "phasedb up --version", .unknownOption, "'up' has no option '--version'", "run: phasedb --version",
        "see: phasedb help up"),
      Refused(
        "phasedb -d shop.db version", .unknownOption, "'version' has no option '-d'",
        "'-d' belongs to: new, lint, audit, compat, adopt, import, plan, rehearse, up, down, goto, status, watch, lane, effects, report, verify, log, switch list, switch set, switch close, switch pin, switch unpin, switch test, switch sql, switch ramp, check-in, may-run, settle, checkpoint create, checkpoint list, checkpoint restore, purge, squash, forget, completions",
        "see: phasedb help version"),
      Refused("phasedb up --to", .missingValue, "'--to' needs a value: --to TARGET", "see: phasedb help up"),
      Refused(
        "phasedb up --to --dry-run", .missingValue, "'--to' needs a value, but '--dry-run' follows",
        "if the value does start with a hyphen, write --to=--dry-run", "see: phasedb help up"),
      Refused("phasedb up -d ''", .emptyValue, "'-d' was given an empty text", "see: phasedb help up"),
      Refused(
        "phasedb up --dry-run=yes", .unexpectedValue, "'--dry-run' takes no value, but was given 'yes'",
        "see: phasedb help up"),
      Refused(
        "phasedb -d a.db up -d b.db", .repeatedOption, "'--database' was given twice", "see: phasedb help up"),
      Refused(
        "phasedb up 2 3", .extraArgument, "'up' takes [N] only, and cannot use '3'", "see: phasedb help up"),
      Refused(
        "phasedb status 0001 check", .extraArgument, "'status' takes [PHASE] only, and cannot use 'check'",
        "did you mean '--check'?", "see: phasedb help status"),
      Refused(
        "phasedb new", .missingArgument, "'new' needs NAME: what the migration does: split-customer-name",
        "see: phasedb help new"),
      Refused("phasedb up 0", .badNumber, "N takes a whole number from 1, not '0'", "see: phasedb help up"),
      Refused(
        "phasedb up --wait", .missingValue, "'--wait' needs a value: --wait DURATION", "see: phasedb help up"),
      Refused(
        "phasedb log --limit=-1", .badNumber, "'--limit' takes a whole number from 1, not '-1'",
        "see: phasedb help log"),
      Refused(
        "phasedb log --limit 99999999999999999999", .badNumber,
        "'--limit' takes a whole number from 1, not '99999999999999999999'", "see: phasedb help log"),
      Refused(
        "phasedb up --wait 30", .badDuration, "'--wait' takes a number with a unit, not '30'",
        "write for example 500ms, 30s, 5m, 12h or 7d", "see: phasedb help up"),
      Refused(
        "phasedb up --wait 9223372036854775807d", .badDuration,
        "'--wait' takes a number with a unit, not '9223372036854775807d'",
        "write for example 500ms, 30s, 5m, 12h or 7d", "see: phasedb help up"),
      Refused(
        "phasedb status --format jsno", .badChoice, "'--format' takes one of text, json, not 'jsno'",
        "did you mean 'json'?", "see: phasedb help status"),
      Refused(
        "phasedb plan dwon", .badChoice, "direction takes one of up, down, not 'dwon'",
        "did you mean 'down'?",
        "see: phasedb help plan"),
      Refused(
        "phasedb new x --phases expand,contrcat", .badChoice,
        "'--phases' takes one of expand, migrate, contract, not 'contrcat'", "did you mean 'contract'?",
        "see: phasedb help new"),
      Refused(
        "phasedb down 2 --all", .conflictingArguments, "a number (N) and '--all' cannot be combined",
        "see: phasedb help down"),
      Refused(
        "phasedb down --to @a --all", .conflictingArguments, "'--to' and '--all' cannot be combined",
        "see: phasedb help down"),
      Refused(
        "phasedb --bogus pu", .unknownOption, "unknown option '--bogus'", "see: phasedb help"),
    ])
  func refused(_ row: Refused) throws {
    let error = try #require(throws: UsageError.self) { try parsed(row.command) }
    #expect(error.id == row.id)
    #expect(error.message == row.message)
    #expect(error.remedies == row.help)
  }

  @Test("gives its values in the types that commands work with")
  func typed() throws {
    let invocation = try parsed("phasedb new split --phases expand,contract --format json --color never")
    #expect(invocation.value(.name) == "split")
    #expect(invocation.choices(.phases, of: Phase.Kind.self) == [.expand, .contract])
    #expect(invocation.values(.phases) == ["expand", "contract"])
    #expect(invocation.format == .json)
    #expect(invocation.color == .never)

    let up = try parsed("phasedb up 2 --wait 5m --dry-run")
    #expect(up.number(.count) == 2)
    #expect(up.duration(.wait) == .seconds(300))
    #expect(up.flag(.dryRun))
    #expect(!up.flag(.quiet))
    #expect(up.value(.database) == nil)
    #expect((up.format, up.color) == (.text, .auto))
  }
}
