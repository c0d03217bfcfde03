internal import PhaseDB

extension Verb {
  /// Every verb there is, in the order in which help lists them.
  static let table: [Verb] =
    starting + adopting + running + looking + switching + applications + checkpoints + about

  static func with(_ id: ID) -> Verb? { table.first { $0.id == id } }

  /// The verbs whose path starts with these words: one, all that share a first word, or none.
  static func under(_ words: some Collection<String>) -> [Verb] {
    table.filter { $0.path.starts(with: words) }
  }

  /// The verb of several words whose last one this is, as `checkpoint restore`.
  static func ending(in word: String) -> String? {
    table.first { $0.path.count > 1 && $0.path.last == word }?.name
  }
}

extension Verb {
  private static let starting: [Verb] = [
    Verb(
      .initialize, "init",
      summary: "create the folder of migrations and its settings",
      discussion:
        "Nothing that exists is overwritten. With --from, the schema of a database becomes baseline.sql, "
        + "without the tables of other migration tools.",
      options: [.from, .migrations, .format],
      examples: [
        Example("phasedb init", "make the folder 'migrations' here"),
        Example("phasedb init --migrations db/migrations", "make it elsewhere"),
        Example("phasedb init --from shop.db", "begin with a database that has tables already"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .new, "new",
      summary: "write the phase files of a new migration",
      discussion:
        "The migration gets the next free number. Without a recipe it gets one file, expand.sql, unless --phases names "
        + "others, and the SQL and the window are left to you. A recipe writes the phases of a common change for the "
        + "schema that the folder leads to: the SQL of both directions, triggers, backfill and checks. Nothing is written "
        + "when the change does not fit.\n\n"
        + "Recipes:\n"
        + Recipe.Name.allCases.map { "  \($0.rawValue) \($0.usage)" }.joined(separator: "\n")
        + "\n\nT is a table, C a column, EXPR an expression of the row's columns.",
      positionals: [
        Positional(.name, .text("NAME"), "what the migration does: split-customer-name"),
        Positional(
          .recipe, .name(.recipe), optional: true, repeated: true,
          "a recipe, and the table and columns it is for"),
      ],
      options: [
        .phases, .app, .from, .target, .upExpression, .downExpression, .fill, .database, .migrations, .format,
      ],
      wording: [
        .app: "write windows for this application",
        .from: "the oldest version that runs during the change (default: any)",
        .target: "the first version that needs the change",
        .database: "take the schema from this database, and try expressions on its rows",
      ],
      taking: [.app: .text("APP"), .from: .text("VERSION"), .target: .text("VERSION"), .database: .path],
      examples: [
        Example("phasedb new add-order-index", "write expand.sql"),
        Example("phasedb new split-customer-name --phases expand,migrate,contract", "write all three"),
        Example(
          "phasedb new name-body rename-column notes.body content", "write every phase of a rename"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .lint, "lint",
      summary: "check the migrations on a scratch database",
      discussion:
        "Runs every phase up, down and up again on a database in memory, and checks that it keeps what its kind, "
        + "its window and its way down promise. Needs no database.",
      options: [.database, .migrations, .format],
      wording: [
        .database: "also look for edited applied phases, and for new phases before applied ones",
        .format: "text for people, JSON, annotations of GitHub Actions, or SARIF (default: text)",
      ],
      formats: [.text, .json, .github, .sarif],
      examples: [
        Example("phasedb lint", "check the folder 'migrations'"),
        Example("phasedb lint --format github", "annotate a pull request"),
      ],
      exitCodes: [.done, .findings, .refused, .usage]),
    Verb(
      .audit, "audit",
      summary: "see which migrations of another tool can be taken back",
      discussion:
        "Reads the folder of another migration tool and runs every migration up, down and up again on a database in memory, "
        + "with rows that it makes itself, as that tool runs them. Says which of them come back, with schema and rows. With "
        + "--database, goes down from the head on a private copy of its rows. Nothing is written, neither to the folder nor to "
        + "the database.",
      positionals: [Positional(.folder, .directory, "the folder of the other tool")],
      options: [.tool, .database, .since, .set, .replace, .stub, .format],
      wording: [
        .database: "a database of the folder; a private copy of it goes down from its head",
        .format: "text for people, JSON, Markdown, SARIF, or HTML for a browser (default: text)",
      ],
      formats: [.text, .json, .markdown, .sarif, .html],
      examples: [
        Example("phasedb audit db/migrations", "judge every migration of a folder"),
        Example("phasedb audit db/migrations --database app.db", "go down on a copy of real rows"),
        Example(
          "phasedb audit db/migrations --since 0042 --format markdown", "comment on what a pull request adds"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .compat, "compat",
      summary: "run the queries of old and new versions on every state where they may be live",
      discussion:
        "Runs the queries in apps/APP/VERSION.sql on every state where the windows let the version be live, and "
        + "compares the results with the state it was written for: what compiles, what is read and written, every "
        + "row, and the claims of @verify. Two versions also write in turn while the schema goes up and down. The "
        + "rows come from apps/seed.sql or from a copy of a database. With a command after --, runs the "
        + "application's own tests instead, each on a fresh copy that PHASEDB_DATABASE names. PHASEDB_STATE and "
        + "PHASEDB_APP name the state and the version.",
      positionals: [
        Positional(.command, .text("COMMAND"), optional: true, repeated: true, "the tests of the application")
      ],
      options: [
        .app, .list, .importLog, .evidence, .timeLimit, .jobs, .logs, .wait, .database, .migrations, .format,
      ],
      wording: [
        .evidence: "also write what was shown to this file, for phasedb report",
        .database: "a database whose rows are used (default: the rows of apps/seed.sql, if it exists)",
        .format: "text for people, JSON, Markdown, JUnit or annotations of GitHub Actions (default: text)",
      ],
      formats: [.text, .json, .markdown, .junit, .github],
      alternatives: [[.list, .importLog, .command]],
      examples: [
        Example("phasedb compat", "run the queries of every version"),
        Example("phasedb compat --database copy.db", "the same on the rows of a database"),
        Example(
          "phasedb compat --app storefront@1.4 -- make test", "run the tests of a version on every state"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
  ]

  private static let adopting: [Verb] = [
    Verb(
      .adopt, "adopt",
      summary: "start tracking an existing database",
      discussion:
        "Runs the baseline, and the phases up to --at, on a database in memory, and compares the schemas. "
        + "When they agree and every @verify of those phases holds, the phases are recorded as applied. "
        + "Nothing else in the database is changed. With --renumber, applied phases get the numbers that the folder gives "
        + "them, if it has them token for token.",
      options: [.present, .renumber, .wait, .database, .migrations, .format],
      alternatives: [[.present, .renumber]],
      examples: [
        Example("phasedb adopt", "begin at the baseline"),
        Example("phasedb adopt --at 0002/migrate", "record what somebody applied by hand"),
        Example("phasedb adopt --renumber", "record the new numbers of applied phases"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .importFolder, "import",
      summary: "go on with phasedb from the folder of another migration tool",
      discussion:
        "What the database has, by the tool's own table, becomes baseline.sql; without a database that is every migration. "
        + "What is pending becomes phases, each of the kind that its change of the schema shows and with its way down where "
        + "that leads back. What no phase can hold is listed. Writes only into the folder of migrations, never into DIR, and "
        + "changes no database.",
      positionals: [Positional(.folder, .directory, "the folder of the other tool")],
      options: [
        .tool, .set, .replace, .stub, .migrationName, .window, .pendingOnly, .wait, .database, .migrations,
        .format,
      ],
      wording: [
        .database: "the database that the folder belongs to (default: every migration is history)",
        .migrations: "the folder that is written (default: migrations)",
      ],
      examples: [
        Example("phasedb import db/migrations -d app.db -m phases", "begin where the database stands"),
        Example("phasedb import db/migrations -m phases", "take every migration for history"),
        Example(
          "phasedb import db/migrations -d app.db -m phases --window 'shop >=1.4'", "write the windows, too"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
  ]

  private static let running: [Verb] = [
    Verb(
      .plan, "plan",
      summary: "show what up or down would do, without doing it",
      discussion:
        "Shows the phases in the order in which they would run, which versions may be live after each, and what "
        + "holds a phase back. Only reads, so it also works on a read-only database. Exits with 1 when a live "
        + "version may run neither on the present schema nor on the planned one.",
      positionals: [
        Positional(.direction, .choices(["up", "down"]), optional: true, "which way (default: up)"),
        Positional(.count, .number, optional: true, "how many phases"),
      ],
      options: [.target, .all, .live, .evidence, .override, .reason, .wait, .database, .migrations, .format],
      wording: [.all: "every phase in that direction"],
      alternatives: [[.count, .target, .all]],
      examples: [
        Example("phasedb plan", "show what phasedb up would apply"),
        Example("phasedb plan down --to @before-sale", "show what a return to that checkpoint would reverse"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .rehearse, "rehearse",
      summary: "take pending phases up, down and up again on a copy, and compare every row",
      discussion:
        "The copy is private and is always removed. The database itself is only read, except that its ledger gets the "
        + "evidence for up. Held phases are rehearsed, too. Rows that do not come back are shown.\n\n"
        + "With the word down in place of a phase, rehearses the way back of applied phases from the present rows: "
        + "whether it runs, which rows block it, what does not come back, and how long it takes. status and plan down "
        + "show the result until the schema changes.",
      positionals: [
        Positional(
          .phase, .name(.phase, "PHASE|down"), optional: true,
          "the only one to rehearse (default: all that are pending), or down"),
        Positional(.count, .number, optional: true, "with down: how many phases (default: 1)"),
      ],
      options: [
        .target, .all, .evidence, .allowEmpty, .copyTo, .live, .wait, .database, .migrations, .format,
      ],
      wording: [
        .target: "with down: the phase or @CHECKPOINT that stays",
        .all: "with down: every applied phase",
        .evidence: "write the evidence to this file instead of the ledger",
      ],
      alternatives: [[.count, .target, .all]],
      examples: [
        Example("phasedb rehearse", "rehearse everything that is pending"),
        Example("phasedb rehearse 0002/contract", "rehearse one phase, after those that come before it"),
        Example("phasedb rehearse --evidence evidence.json", "keep the evidence for another machine"),
        Example("phasedb rehearse down --to @before-sale", "see what a return would do to the present rows"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .up, "up",
      summary: "apply the pending phases whose gates are open",
      discussion:
        "Prints the plan and checks all of it before the first statement runs. Each phase and its entry in the "
        + "ledger are one transaction: a phase that fails leaves nothing behind, and the phases before it stay "
        + "applied.",
      positionals: [Positional(.count, .number, optional: true, "how many phases (default: all)")],
      options: [
        .target, .dryRun, .snapshot, .rehearse, .watch, .effects, .evidence, .allowEmpty, .copyTo, .live,
        .override,
        .reason, .wait,
        .hold, .pause, .maximumRows, .database, .migrations, .format,
      ],
      wording: [
        .target: "stop after the phase TARGET",
        .allowEmpty: "with --rehearse: accept tables without rows",
        .copyTo: "with --rehearse: where the copy is made (default: beside the database)",
      ],
      alternatives: [[.count, .target]],
      examples: [
        Example("phasedb up", "apply everything that may run now"),
        Example("phasedb up --to 0002/expand", "stop after that phase"),
        Example("phasedb up --live storefront@2.0", "name the running version, which contracts need to know"),
        Example("phasedb up --rehearse", "rehearse on a copy first"),
        Example("phasedb up --snapshot snapshots", "copy the database first"),
        Example("phasedb up --watch", "watch each phase, and go on when its watch passed"),
        Example("phasedb up --dry-run", "print the plan only"),
      ],
      exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage]),
    Verb(
      .down, "down",
      summary: "reverse the last phase, or go back to a phase or checkpoint",
      discussion:
        "Without a number, --to or --all, reverses the phase that was applied last. The SQL comes from the ledger, "
        + "so no migrations folder is needed.",
      positionals: [Positional(.count, .number, optional: true, "how many phases (default: 1)")],
      options: [
        .target, .all, .dryRun, .effects, .live, .override, .reason, .wait, .hold, .pause, .maximumRows,
        .database, .migrations, .format,
      ],
      wording: [
        .target: "reverse everything after TARGET, a phase or @CHECKPOINT",
        .all: "reverse every applied phase",
      ],
      alternatives: [[.count, .target, .all]],
      examples: [
        Example("phasedb down", "reverse the phase that was applied last"),
        Example("phasedb down --to @before-sale", "go back to a named checkpoint"),
        Example("phasedb down --all --dry-run", "show what reversing everything would do"),
      ],
      exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage]),
    Verb(
      .goto, "goto",
      summary: "go up or down to a phase, a checkpoint or what a version needs",
      discussion:
        "For a tool that does not know the direction. A version stands for the state nearest to the present one in which "
        + "it may run; on a new database, for all that it can use. Prints the plan first. Going up, contracts stay "
        + "pending unless one is the target or --contracts is given.",
      positionals: [
        Positional(
          .destination, .name(.destination),
          "what should be the last applied phase, or what should be able to run")
      ],
      options: [
        .contracts, .dryRun, .effects, .live, .evidence, .override, .reason, .wait, .hold, .pause,
        .maximumRows,
        .database,
        .migrations, .format,
      ],
      examples: [
        Example("phasedb goto 0002/expand", "apply up to that phase, or reverse everything after it"),
        Example("phasedb goto @before-sale", "go back to a named checkpoint"),
        Example("phasedb goto storefront@1.4.0 --dry-run", "show what makes the schema fit for 1.4.0"),
      ],
      exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage]),
  ]
}

extension Verb {
  /// Verbs that look at a database and at the queries of applications.
  static let looking: [Verb] = [
    Verb(
      .status, "status",
      summary: "show the state of every phase",
      discussion:
        "With PHASE, shows everything about that phase. Only reads, so it also works on a read-only database.",
      positionals: [
        Positional(
          .phase, .name(.phase), optional: true, "the only phase to show, in full")
      ],
      options: [.check, .live, .wait, .database, .migrations, .format],
      wording: [
        .check:
          "exit with 1 when a phase is pending, edited or known to lose rows, the schema has drifted, or a live version may not run on it"
      ],
      examples: [
        Example("phasedb status", "show the state of every phase"),
        Example("phasedb status 0002/contract", "show why it is held, and everything else about it"),
        Example("phasedb status --check --quiet", "let the exit code say whether everything is applied"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .watch, "watch",
      summary: "watch phases that went up, and reverse them when that is their watch's",
      discussion:
        "Goes on with every watch that is open, from what the ledger knows, until each has a verdict. Exits with 0 when all "
        + "passed, 1 when one is unclear, 3 when one failed and came down by itself, 4 when one failed and did not or the "
        + "command was stopped, and 5 while another process watches. With waive, PHASE counts as passed; with freeze, "
        + "nothing comes down by itself until unfreeze.",
      positionals: [
        Positional(
          .action, .choices(WatchCommand.Action.allCases.map(\.rawValue)), optional: true,
          "what to decide (default: watch)"),
        Positional(.phase, .name(.phase), optional: true, "with waive: the phase"),
      ],
      options: [.once, .freezeTime, .effects, .reason, .live, .wait, .database, .migrations, .format],
      wording: [
        .reason: "with waive and freeze: why, for the log",
        .freezeTime: "with freeze: after which time it ends by itself",
      ],
      examples: [
        Example("phasedb watch", "go on watching until there is a verdict"),
        Example("phasedb watch --once", "take the samples that are due, for cron or a timer"),
        Example("phasedb watch waive 0003/migrate --reason 'seen in staging'", "take the answer on yourself"),
        Example("phasedb watch freeze --for 2h --reason 'network works'", "let nothing come down by itself"),
      ],
      exitCodes: [.done, .findings, .refused, .undone, .partWay, .busy, .usage]),
    Verb(
      .lane, "lane",
      summary: "show the lanes that phases hold, or hold one and let it go by hand",
      discussion:
        "A lane is a job queue or an outgoing integration that phasedb.json names and a phase holds with @lane: nothing new "
        + "is begun there while the phase runs. With list, shows each lane, who holds it, and what is in flight and waits. "
        + "With hold, holds LANE by hand until --for is over. With release, lets LANE go, whoever holds it: after a crash, or "
        + "when it has to be.",
      positionals: [
        Positional(
          .laneAction, .choices(LaneCommand.Action.allCases.map(\.rawValue)), optional: true,
          "what to do (default: list)"),
        Positional(.lane, .name(.lane), optional: true, "with hold and release: the lane"),
      ],
      options: [.freezeTime, .reason, .wait, .database, .migrations, .format],
      wording: [
        .freezeTime: "with hold: after which time it is open by itself",
        .reason: "with hold and release: why, for the log",
      ],
      examples: [
        Example("phasedb lane list", "show what is held, what is in flight and what waits"),
        Example("phasedb lane hold mail --for 10m --reason 'provider is down'", "hold a lane by hand"),
        Example("phasedb lane release mail --reason 'run was killed'", "let it go"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .effects, "effects",
      summary: "list what a phase caused that its way back does not undo",
      discussion:
        "Lists the rows that each @effects line of the phase counts: those that came since it began to go up and meet the "
        + "condition, and those that were there before and meet it only since. Also says what phasedb keeps of the phase "
        + "until it is purged. Before the phase comes down, the same list is written to a file. Only reads.",
      positionals: [Positional(.phase, .name(.phase), "the phase whose effects are listed")],
      options: [.wait, .database, .migrations, .format],
      wording: [
        .format: "text for people, with the first rows; JSON or CSV with all of them (default: text)"
      ],
      formats: [.text, .json, .csv],
      examples: [
        Example("phasedb effects 0002/expand", "count, and show the first rows"),
        Example("phasedb effects 0002/expand --format csv", "list every row for a spreadsheet"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .report, "report",
      summary: "answer from evidence whether changes are ready to be released and taken back",
      discussion:
        "Answers eight questions about what is pending, or about what is applied when nothing is pending. Each answer is "
        + "proved, claimed, unknown or refuted. A proof names its evidence, and what is not proved names the command that "
        + "closes it. Also shows the five kinds of recovery, and pictures. Only reads.",
      options: [
        .pending, .applied, .migration, .check, .output, .evidence, .live, .wait, .database, .migrations,
        .format,
      ],
      wording: [
        .check:
          "exit with 1 unless the questions that report.require in phasedb.json lists are proved (default: 1, 2 and 5)",
        .evidence: "a file of evidence that rehearse or compat wrote, used beside the ledger",
        .format: "Markdown for a pull request, HTML for a browser, or JSON (default: markdown)",
      ],
      formats: [.markdown, .html, .json],
      alternatives: [[.pending, .applied, .migration]],
      examples: [
        Example("phasedb report", "answer the questions about what is pending"),
        Example("phasedb report --format html --output report.html", "write a page for a browser"),
        Example("phasedb report --check --evidence evidence.json", "hold a deployment that nothing proves"),
        Example("phasedb report --migration 0002", "ask about one migration"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .verify, "verify",
      summary: "check the live database against what the phases claim",
      discussion:
        "Checks the schema for drift, the files of applied phases, every @verify in force, the ledger's integrity "
        + "and the foreign keys. Rows that had no parent before phasedb began are listed separately. Writes nothing but "
        + "what --accept records.",
      options: [.accept, .reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why the rows are accepted"],
      examples: [
        Example("phasedb verify", "run all checks"),
        Example(
          "phasedb verify --accept orders --reason purged",
          "accept rows of orders without a parent"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .log, "log",
      summary: "show who did what, and when",
      positionals: [Positional(.entry, .number, optional: true, "the only entry to show, with its hash")],
      options: [.limit, .check, .wait, .database, .migrations, .format],
      wording: [.check: "check the hash chain; exit with 1 when it is broken"],
      examples: [
        Example("phasedb log --limit 10", "show the last ten entries"),
        Example("phasedb log 7", "show everything about entry 7"),
        Example("phasedb log --check", "check the hash chain"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
  ]

  /// Verbs about switches.
  static let switching: [Verb] = [
    Verb(
      .switchList, "switch", "list",
      summary: "show the switches, and to how many each is on",
      discussion:
        "A switch is made by an expand with @switch, for nobody at first. With NAME, also shows who is pinned and how far "
        + "its ramp is.",
      positionals: [
        Positional(.switchName, .name(.switch), optional: true, "the only switch to show, in full")
      ],
      options: [.wait, .database, .migrations, .format],
      examples: [
        Example("phasedb switch list", "show every switch"),
        Example("phasedb switch list new-pricing", "show who is pinned, too"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchSet, "switch", "set",
      summary: "let a switch be on for so many percent",
      discussion:
        "Raising turns nobody off, and lowering turns nobody on: who is on at 10 % is on at 25 %. Raising waits for a run "
        + "that goes on; lowering does not. Ends a ramp of the switch.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.exposure, .percent, "for how many it is on, in steps of 0.01%"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log; needed"],
      examples: [
        Example("phasedb switch set new-pricing 25% --reason 'no complaints'", "let it be on for a quarter"),
        Example("phasedb switch set new-pricing 0.5% --reason 'first customers'", "begin small"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchClose, "switch", "close",
      summary: "turn a switch off for everybody, at once",
      discussion:
        "Also for those who are pinned on. Nothing holds it up but another writer: no gate and no lease, and neither a "
        + "folder nor a schema that is not in order. Ends a ramp of the switch.",
      positionals: [Positional(.switchName, .name(.switch), "the switch")],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [
        Example("phasedb switch close new-pricing", "turn it off"),
        Example("phasedb switch close new-pricing --reason 'wrong totals'", "and say why"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchPin, "switch", "pin",
      summary: "turn a switch on or off for one subject, whatever its exposure",
      discussion:
        "The subject stands in the log, which nothing is removed from: use an id, and not an address. While somebody is "
        + "pinned off, a contract that waits for the switch is held.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.subject, .text("SUBJECT"), "whom it is asked about, as the application writes it"),
        Positional(.state, .choices(["on", "off"]), "what it answers"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [Example("phasedb switch pin new-pricing 4711 on", "turn it on for customer 4711")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchUnpin, "switch", "unpin",
      summary: "let the exposure decide for a subject again",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.subject, .text("SUBJECT"), "whom it is asked about"),
      ],
      options: [.reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why, for the log"],
      examples: [Example("phasedb switch unpin new-pricing 4711", "take the pin of customer 4711 away")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchTest, "switch", "test",
      summary: "show what a switch answers",
      discussion: "Asks with the query that applications use, and says from which exposure on it is on.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.subjects, .text("SUBJECT"), repeated: true, "whom it is asked about"),
      ],
      options: [.wait, .database, .migrations, .format],
      examples: [Example("phasedb switch test new-pricing 4711 4712", "ask about two customers")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .switchSQL, "switch", "sql",
      summary: "print the query with which an application asks a switch",
      discussion:
        "With NAME, only :subject is left to bind; without it, :name is, too. Needs no database.",
      positionals: [Positional(.switchName, .name(.switch), optional: true, "the switch")],
      options: [.database, .migrations, .format],
      examples: [Example("phasedb switch sql new-pricing", "print it for one switch")],
      exitCodes: [.done, .usage]),
    Verb(
      .switchRamp, "switch", "ramp",
      summary: "raise a switch step by step, as long as the probes pass",
      discussion:
        "Each step is judged by the probes of the phase that made the switch, or of the migrate behind it. If one fails, the "
        + "switch is closed. With NAME alone, goes on with what the ledger knows, for instance after a restart. Exits with 0 "
        + "when the last step passed, 1 when too much was unknown or somebody set the switch meanwhile, 3 when a probe failed "
        + "and the switch was closed, 4 when it was stopped, and 5 while another process raises it.",
      positionals: [
        Positional(.switchName, .name(.switch), "the switch"),
        Positional(.steps, .percents, optional: true, "the exposures, one after the other: 1%,10%,100%"),
        Positional(.every, .choices(["every"]), optional: true, "stands before the duration"),
        Positional(.interval, .duration, optional: true, "how long each step is judged"),
      ],
      options: [.once, .wait, .database, .migrations, .format],
      wording: [.once: "take the sample that is due, and stop: for cron or a timer"],
      examples: [
        Example("phasedb switch ramp new-pricing 1%,10%,50%,100% every 30m", "raise it within two hours"),
        Example("phasedb switch ramp new-pricing", "go on after a restart"),
      ],
      exitCodes: [.done, .findings, .refused, .undone, .partWay, .busy, .usage]),
  ]

  static let applications: [Verb] = [
    Verb(
      .checkIn, "check-in",
      summary: "record that a version of an application is running",
      discussion:
        "Exits with 2 and records nothing when that version may not run on the present schema, so an entry point can "
        + "run it before the application starts. Needs no migrations folder; with one, it also knows which versions "
        + "need a pending phase. A check-in is forgotten after 10 minutes, or after the time that forget in "
        + "phasedb.json sets.",
      positionals: [
        Positional(.application, .name(.version), "the application and its version: storefront@1.4.0")
      ],
      options: [.instance, .wait, .database, .migrations, .format],
      examples: [
        Example("phasedb check-in storefront@1.4.0 --instance web-1", "say that web-1 runs 1.4.0"),
        Example("phasedb check-in storefront@1.4.0 --quiet", "let the exit code say whether it may"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .mayRun, "may-run",
      summary: "say whether a version of an application may run",
      discussion:
        "Exits with 2 when that version may not run on the present schema, or after a phase or the whole plan. Shows "
        + "the lowest and the highest version allowed, by application, and the phase that sets each bound. Only reads, "
        + "and records nothing, so a deploy tool can ask before it starts a version.",
      positionals: [
        Positional(.application, .name(.version), "the application and its version: storefront@1.4.0")
      ],
      options: [.after, .afterPlan, .live, .evidence, .wait, .database, .migrations, .format],
      alternatives: [[.after, .afterPlan]],
      examples: [
        Example("phasedb may-run storefront@1.4.0", "ask about the schema as it is"),
        Example("phasedb may-run storefront@2.0 --after-plan", "ask what phasedb up will make of it"),
        Example(
          "phasedb may-run storefront@1.4 --after 0002/contract", "ask whether a phase would exclude it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .settle, "settle",
      summary: "take back what makes the database too new for a version",
      discussion:
        "Reverses the phases that exclude the version as too old, with the SQL in the ledger, so no migrations folder is "
        + "needed. Runs only when each of them gives back everything, apart from losses that @loses declares; "
        + "otherwise shows what would be lost and exits with 2. A database that is not newer than the version is left "
        + "as it is. The version counts as live.",
      positionals: [
        Positional(.application, .name(.version), "the application and the version that is to run")
      ],
      options: [
        .dryRun, .effects, .live, .override, .reason, .wait, .hold, .pause, .maximumRows, .database,
        .migrations, .format,
      ],
      examples: [
        Example("phasedb settle storefront@1.4.0", "go back to what 1.4.0 runs on"),
        Example("phasedb settle storefront@1.4.0 --dry-run", "print the plan only"),
      ],
      exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage]),
  ]
}

extension Verb {
  /// Verbs about checkpoints, snapshots and purging.
  static let checkpoints: [Verb] = [
    Verb(
      .checkpointCreate, "checkpoint", "create",
      summary: "name the present state, to return to it later",
      discussion:
        "phasedb down --to @NAME returns to it and keeps what was written since. With --snapshot, the whole database "
        + "is copied, too, and checkpoint restore puts the copy back.",
      positionals: [Positional(.name, .text("NAME"), "what the checkpoint is called")],
      options: [.note, .snapshot, .wait, .database, .migrations, .format],
      wording: [.snapshot: "copy the database into this folder, too"],
      examples: [
        Example(
          "phasedb checkpoint create before-sale --note 'last state before the sale'", "set a checkpoint"),
        Example("phasedb checkpoint create before-sale --snapshot snapshots", "also copy the database"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .checkpointList, "checkpoint", "list",
      summary: "list the checkpoints",
      options: [.wait, .database, .migrations, .format],
      examples: [Example("phasedb checkpoint list", "list the checkpoints of the database")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .checkpointRestore, "checkpoint", "restore",
      summary: "put the whole database back to the snapshot of a checkpoint",
      discussion:
        "Everything written since is lost, including the ledger's entries. Without --confirm, only shows what would be "
        + "lost, as row counts by table, and exits with 2. Use it when phases cannot come down. Stop the "
        + "applications first.",
      positionals: [Positional(.name, .name(.checkpoint), "the checkpoint, or the path of a snapshot")],
      options: [.confirm, .wait, .database, .migrations, .format],
      examples: [
        Example("phasedb checkpoint restore before-sale", "see what would be lost"),
        Example("phasedb checkpoint restore before-sale --confirm before-sale", "go back to it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .purge, "purge",
      summary: "destroy what phasedb kept of a phase",
      discussion:
        "phasedb keeps archived values and rows, and retired columns and tables, until they are purged. Without "
        + "--confirm, only shows what would be destroyed, and exits with 2. An applied phase cannot come down "
        + "afterwards.",
      positionals: [Positional(.phase, .name(.phase), "the phase whose archives are destroyed")],
      options: [.confirm, .wait, .database, .migrations, .format],
      wording: [.confirm: "confirm the loss by repeating the phase's id"],
      examples: [
        Example("phasedb purge 0002/contract", "see what would be destroyed"),
        Example("phasedb purge 0002/contract --confirm 0002/contract", "destroy it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .squash, "squash",
      summary: "put applied phases into the baseline",
      discussion:
        "Writes a new baseline.sql that stands for all phases up to --to, moves their files into a hidden folder beside it, "
        + "and records in the ledger that they do not come down any more. A new database begins with the baseline. Other "
        + "databases that have all of these phases go on; one that lacks some needs the former folder first.",
      options: [.target, .dryRun, .wait, .database, .migrations, .format],
      wording: [
        .target: "the last phase that goes into the baseline", .dryRun: "print what would be done and stop",
      ],
      examples: [
        Example("phasedb squash --to 0004/contract --dry-run", "see what would be done"),
        Example("phasedb squash --to 0004/contract", "do it"),
      ],
      exitCodes: [.done, .refused, .partWay, .busy, .usage]),
    Verb(
      .forget, "forget",
      summary: "remove phasedb from a database",
      discussion:
        "Drops the ledger, the archives and what phases retired; the application's tables and rows stay. Without --confirm, "
        + "only shows what would be lost, and exits with 2. phasedb adopt --at starts tracking the database again.",
      options: [.confirm, .unfinished, .wait, .database, .migrations, .format],
      wording: [.confirm: "confirm the loss by the name of the database's file"],
      examples: [
        Example("phasedb forget -d shop.db", "see what would be lost"),
        Example("phasedb forget -d shop.db --confirm shop.db", "remove it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
  ]

  static let about: [Verb] = [
    Verb(
      .explain, "explain",
      summary: "explain an error, a rule, a gate or a word",
      positionals: [Positional(.word, .name(.word), "an id as errors and findings print it, or a word")],
      options: [.format],
      examples: [
        Example("phasedb explain phase-held", "explain an error"),
        Example("phasedb explain window", "explain a word"),
      ],
      exitCodes: [.done, .refused, .usage]),
    Verb(
      .completions, "completions",
      summary: "print a script that completes phasedb's words in a shell",
      discussion:
        "With the word names, prints the names that such a script offers: phases, checkpoints, versions of "
        + "applications, the words of explain, and what comes next in a recipe.",
      positionals: [
        Positional(
          .shell, .choices(Shell.allCases.map(\.rawValue) + [CompletionsCommand.names]),
          "the shell that will read the script, or names"),
        Positional(
          .kind, .list(ValueKind.Known.allCases.map(\.rawValue), "KIND"), optional: true,
          "with names: which ones, as in target or phase,checkpoint"
        ),
        Positional(
          .given, .text("WORD"), optional: true, repeated: true,
          "with names recipe: the words of the recipe that are there"),
      ],
      options: [.database, .migrations],
      examples: [
        Example("phasedb completions bash > /etc/bash_completion.d/phasedb", "install them for every user"),
        Example("phasedb completions names target -d shop.db", "print where down can go"),
      ],
      exitCodes: [.done, .usage]),
    Verb(
      .help, "help",
      summary: "explain a verb, or list them all",
      positionals: [
        Positional(.topic, .text("VERB"), optional: true, repeated: true, "the verb to explain")
      ],
      examples: [
        Example("phasedb help", "list the verbs"),
        Example("phasedb help checkpoint create", "explain one"),
      ],
      exitCodes: [.done, .usage]),
    Verb(
      .version, "version",
      summary: "print the versions of phasedb and of the SQLite it uses",
      examples: [Example("phasedb version", "print the versions")],
      exitCodes: [.done]),
  ]
}
