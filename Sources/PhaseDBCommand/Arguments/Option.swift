internal import PhaseAudit
internal import PhaseDB

/// One option of the command line: a row of the table that parser, help and completions read.
struct Option: Sendable {
  let id: ArgumentID
  /// Without the hyphens: `dry-run`.
  let long: String
  let short: Character?
  /// What may be written as its value; nil for a flag.
  let value: ValueKind?
  /// Whether it may be given more than once; the values are kept in the order given.
  let isRepeatable: Bool
  let placement: Placement
  /// One phrase without a full stop.
  let summary: String
  /// What the verb's help adds to the summary; empty when the summary says it all.
  let detail: String

  /// Where on the command line an option may stand.
  enum Placement: Sendable {
    /// After a verb that lists it.
    case afterVerb
    /// Also before the verb: it means the same for every verb that lists it.
    case anywhere
    /// In place of a verb: `phasedb --version`.
    case insteadOfVerb
  }

  init(
    _ id: ArgumentID, _ long: String, short: Character? = nil, takes value: ValueKind? = nil,
    repeatable: Bool = false, placement: Placement = .afterVerb, _ summary: String, detail: String = ""
  ) {
    self.id = id
    self.long = long
    self.short = short
    self.value = value
    self.isRepeatable = repeatable
    self.placement = placement
    self.summary = summary
    self.detail = detail
  }

  /// The same option with another kind of value.
  func taking(_ value: ValueKind) -> Option {
    Option(
      id, long, short: short, takes: value, repeatable: isRepeatable, placement: placement, summary,
      detail: detail)
  }

  /// The same with another kind of value and another meaning, for a verb that says it in its own words.
  func only(_ value: ValueKind) -> Option {
    Option(id, long, short: short, takes: value, repeatable: isRepeatable, placement: placement, summary)
  }

  /// Every way to write its name: `["-d", "--database"]`.
  var names: [String] { (short.map { ["-\($0)"] } ?? []) + ["--\(long)"] }
}

extension Option {
  /// Every option there is. To add one, add its id, its row, and its id to the verbs that read it.
  static let table: [Option] = [
    Option(
      .database, "database", short: "d", takes: .path, placement: .anywhere,
      "the database file",
      detail: "Without it: PHASEDB_DATABASE, then DATABASE_URL, then phasedb.json. A path or an address that "
        + "starts with sqlite:, sqlite://, sqlite3:// or file:."),
    Option(
      .migrations, "migrations", short: "m", takes: .directory, placement: .anywhere,
      "the folder of migrations",
      detail: "Without it: phasedb.json, then the folder 'migrations'."),
    Option(
      .format, "format", takes: .choices(OutputFormat.common.map(\.rawValue)), placement: .anywhere,
      "text for people or JSON for programs (default: text)"),
    Option(
      .color, "color", takes: .choices(ColorChoice.allCases.map(\.rawValue)), placement: .anywhere,
      "when to colour text (default: auto, on a terminal only)"),
    Option(
      .quiet, "quiet", short: "q", placement: .anywhere,
      "print data and errors only"),
    Option(.help, "help", short: "h", placement: .anywhere, "explain the verb and stop"),
    Option(.version, "version", placement: .insteadOfVerb, "print the version and stop"),

    Option(
      .from, "from", takes: .path,
      "a database whose schema becomes baseline.sql",
      detail: "The database is only read. The new settings name it."),
    Option(
      .phases, "phases", takes: .list(Phase.Kind.allCases.map(\.rawValue)),
      "which phase files to make (default: expand)"),
    Option(
      .upExpression, "up", takes: .text("EXPR"), "computes the new columns from the old ones"),
    Option(
      .downExpression, "down", takes: .text("EXPR"), "computes the old columns from the new ones"),
    Option(.fill, "fill", takes: .text("EXPR"), "with require: what stands in for NULL"),
    Option(
      .target, "to", takes: .name(.target),
      "stop at TARGET, a phase or, on the way down, @CHECKPOINT",
      detail: "Any prefix that names one phase is enough: 0002/expand, or 0002."),
    Option(.all, "all", "every phase"),
    Option(.dryRun, "dry-run", "print the plan and stop"),
    Option(
      .wait, "wait", takes: .duration,
      "how long to wait for other writers (default: 30s)"),
    Option(
      .hold, "hold", takes: .duration,
      "how long a batch should hold the write lock (default: 10ms)",
      detail: "phasedb adapts the number of rows to it. Only phases with @batch run in batches."),
    Option(
      .pause, "pause", takes: .duration,
      "the shortest rest between two batches (default: 2ms, or 1ms while no other connection writes)"),
    Option(.maximumRows, "max-batch", takes: .number, "the most rows in a batch (default: 100000)"),
    Option(
      .live, "live", takes: .name(.version), repeatable: true,
      "a version that is running now, or none",
      detail:
        "Replaces all check-ins. none says that no other version runs. When no live version of an application is known, expand and migrate phases go up "
        + "with a note, contract phases are held, and the way down runs with a warning."
    ),
    Option(
      .override, "override", takes: .list(Gate.overridable.map(\.rawValue), "GATE,GATE"), repeatable: true,
      "override a closed gate; needs --reason and is logged",
      detail: "The gates are \(Gate.overridable.map(\.rawValue).joined(separator: ", "))."),
    Option(.reason, "reason", takes: .text("TEXT"), "why a gate is overridden"),
    Option(
      .instance, "instance", takes: .text("NAME"),
      "the name of this copy of the application (default: the host's name)",
      detail:
        "A later check-in of the same instance replaces the earlier one, so every copy needs its own name."),
    Option(
      .renumber, "renumber", "record the numbers that the folder gives to phases it has token for token"),
    Option(.unfinished, "unfinished", "also while a phase, a lane, a switch or a watch is half done"),
    Option(
      .present, "at", takes: .name(.phase),
      "the last phase that is in the database already (default: none, only the baseline)",
      detail: "Any prefix that names one phase is enough: 0002/expand, or 0002."),
    Option(
      .evidence, "evidence", takes: .path,
      "a file of evidence that rehearse wrote, used beside the ledger",
      detail:
        "It carries evidence from the machine that rehearses to the one that applies, such as from CI to production."
    ),
    Option(.rehearse, "rehearse", "rehearse first, and stop when rows do not come back"),
    Option(
      .allowEmpty, "allow-empty", "accept tables without rows, on which a rehearsal proves nothing"),
    Option(
      .copyTo, "copy-to", takes: .directory,
      "where the copy is made (default: beside the database)",
      detail:
        "It needs room for the database and for what the phases write. Times are those of its disk, so choose one "
        + "like the database's."),
    Option(
      .snapshot, "snapshot", takes: .directory,
      "copy the database into this folder first",
      detail:
        "The copy is named after the database and the checkpoint, and has its checksum beside it. checkpoint restore "
        + "puts it back."),
    Option(
      .confirm, "confirm", takes: .text("NAME"),
      "confirm the loss by repeating the name"),
    Option(.check, "check", "exit with 1 when something is wrong"),
    Option(
      .accept, "accept", takes: .text("TABLE"), repeatable: true,
      "accept the rows of TABLE that have no parent; needs --reason and is logged"),
    Option(.note, "note", takes: .text("TEXT"), "why the checkpoint was made"),
    Option(.limit, "limit", takes: .number, "only the last N entries"),
    Option(
      .after, "after", takes: .name(.phase),
      "ask about the schema after this phase, applied or pending",
      detail:
        "Of an applied phase, the schema to which down --to leads. Of a pending one, that to which up --to leads; "
        + "a phase that is held counts as if its gates were open, and those before it."),
    Option(.afterPlan, "after-plan", "ask about the schema after everything that up would apply now"),
    Option(
      .watch, "watch", "watch each phase that has a @watch before going on",
      detail: "Asks its probes until the watch passes, fails or cannot tell, and goes on only when it passes."
    ),
    Option(.once, "once", "take the samples that are due, and stop"),
    Option(
      .freezeTime, "for", takes: .duration, "after which time it ends by itself"),
    Option(
      .effects, "effects", takes: .directory,
      "the folder for lists of what phases caused (default: beside the database)",
      detail:
        "A phase with @effects is not taken down before its list is written there, for its owner only. The folder is made "
        + "when it is missing."),
    Option(.contracts, "contracts", "let contracts go up on the way"),
    Option(
      .app, "app", takes: .name(.version), "only this version of this application",
      detail: "With a command after --, runs its own tests instead of the queries in apps."),
    Option(.list, "list", "list the states and what is tested on each, and stop"),
    Option(
      .importLog, "import-log", takes: .path, "print the statements of a log as a file for apps, and stop"),
    Option(.timeLimit, "time-limit", takes: .duration, "how long the command may run (default: 10m)"),
    Option(.jobs, "jobs", short: "j", takes: .number, "how many commands run at once (default: 1)"),
    Option(
      .logs, "logs", takes: .directory, "the folder for the output of the command (default: compat-logs)",
      detail: "It gets one file for each state. Files of an earlier run are overwritten."),
    Option(.pending, "pending", "only what is pending"),
    Option(.applied, "applied", "only what is applied"),
    Option(.migration, "migration", takes: .name(.phase), "only one migration: its number or its name"),
    Option(
      .output, "output", short: "o", takes: .path, "write to this file, in the place of one that is there"),
    Option(
      .tool, "tool", takes: .list(["auto"] + MigrationTool.allCases.map(\.rawValue), "TOOL"),
      "the tool that the folder belongs to (default: auto, by its files)",
      detail: "One of \(MigrationTool.allCases.map(\.rawValue).joined(separator: ", "))."),
    Option(
      .since, "since", takes: .text("VERSION"),
      "judge only migrations after this one; those before it only run up"),
    Option(
      .set, "set", takes: .pair("NAME=VALUE"), repeatable: true, "the value of a placeholder in the files"),
    Option(
      .replace, "replace", takes: .pair("A=B"), repeatable: true,
      "read B where the files say A, as a template of the application would"),
    Option(
      .stub, "stub", takes: .text("FUNCTION"), repeatable: true,
      "stand in for a function of the application; it returns its first argument"),
    Option(
      .migrationName, "as", takes: .text("NAME"),
      "what the migrations are called (default: as the tool calls them)"),
    Option(
      .window, "window", takes: .text("'APP RANGE'"), "the window of every phase, as in 'shop >=1.4 <2.0'"),
    Option(
      .pendingOnly, "pending-only",
      "add the phases of pending migrations to a folder that has a baseline already"),
  ]

  static func named(_ id: ArgumentID) -> Option? { table.first { $0.id == id } }
}
