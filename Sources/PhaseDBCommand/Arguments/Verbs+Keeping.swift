extension Verb {
  /// Verbs that name, keep, bring back and destroy.
  static let checkpoints: [Verb] = [
    Verb(
      .checkpointCreate, "checkpoint", "create",
      summary: "name the present state, to return to it later",
      discussion:
        "phasedb down --to @NAME goes back to it, and keeps what was written meanwhile. With --snapshot the whole "
        + "database is copied, too, and checkpoint restore goes back to that.",
      positionals: [Positional(.name, .text("NAME"), "what the checkpoint is called")],
      options: [.note, .snapshot, .wait, .database, .migrations, .format],
      wording: [.snapshot: "copy the database into this folder, too"],
      examples: [
        Example(
          "phasedb checkpoint create before-sale --note 'last state before the sale'", "set a checkpoint"),
        Example("phasedb checkpoint create before-sale --snapshot snapshots", "keep the whole of it as well"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .checkpointList, "checkpoint", "list",
      summary: "list the checkpoints there are",
      options: [.wait, .database, .migrations, .format],
      examples: [Example("phasedb checkpoint list", "list the checkpoints of the database")],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .checkpointRestore, "checkpoint", "restore",
      summary: "put the whole database back to the snapshot of a checkpoint",
      discussion:
        "Everything that was written since is lost, the ledger's entries included. Without --confirm it only says "
        + "what that is, row counts by table, and ends with 2. It is the way back when phases cannot go down; "
        + "stop the applications first.",
      positionals: [Positional(.name, .text("NAME"), "the checkpoint, or the path of a snapshot")],
      options: [.confirm, .wait, .database, .migrations, .format],
      examples: [
        Example("phasedb checkpoint restore before-sale", "see what would be lost"),
        Example("phasedb checkpoint restore before-sale --confirm before-sale", "go back to it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
    Verb(
      .purge, "purge",
      summary: "destroy what a phase took away, which nothing else does",
      discussion:
        "Archived values and rows, and retired columns and tables, are kept until this. Without --confirm it only says "
        + "what there is, and ends with 2. An applied phase cannot come down afterwards.",
      positionals: [Positional(.phase, .text("PHASE"), "the phase whose archives go")],
      options: [.confirm, .wait, .database, .migrations, .format],
      wording: [.confirm: "say that what is lost is known, by the phase's id"],
      examples: [
        Example("phasedb purge 0002/contract", "see what would be destroyed"),
        Example("phasedb purge 0002/contract --confirm 0002/contract", "destroy it"),
      ],
      exitCodes: [.done, .refused, .busy, .usage]),
  ]

  static let about: [Verb] = [
    Verb(
      .completions, "completions",
      summary: "print a script that completes phasedb's words in a shell",
      positionals: [
        Positional(.shell, .choices(Shell.allCases.map(\.rawValue)), "the shell that will read the script")
      ],
      examples: [
        Example("phasedb completions bash > /etc/bash_completion.d/phasedb", "install them for every user"),
        Example("phasedb completions fish", "print them"),
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
