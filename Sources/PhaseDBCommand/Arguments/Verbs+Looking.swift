extension Verb {
  /// Verbs that look at a database, and at what applications ask of it.
  static let looking: [Verb] = [
    Verb(
      .status, "status",
      summary: "show where every phase stands",
      discussion: "Reads only, also a database that cannot be written.",
      options: [.check, .live, .wait, .database, .migrations, .format],
      wording: [
        .check:
          "exit with 1 when a phase is pending, edited or known to lose rows, the schema has drifted, or a version is live that it is not for"
      ],
      examples: [
        Example("phasedb status", "show where every phase stands"),
        Example("phasedb status --check --quiet", "let the exit code say whether everything is applied"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .verify, "verify",
      summary: "check the live database against what the phases claim",
      discussion:
        "Checks the schema for drift, the files of applied phases, every @verify in force, the ledger's integrity "
        + "and the foreign keys. Rows that had no parent before phasedb began are told apart. Reads only, but for "
        + "what --accept records.",
      options: [.accept, .reason, .wait, .database, .migrations, .format],
      wording: [.reason: "why the rows are accepted"],
      examples: [
        Example("phasedb verify", "check everything that is claimed of the database"),
        Example(
          "phasedb verify --accept orders --reason purged",
          "take rows of orders without a parent as they are"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
    Verb(
      .log, "log",
      summary: "show who did what when",
      options: [.limit, .check, .wait, .database, .migrations, .format],
      wording: [.check: "prove that no entry was changed or removed; exit with 1 otherwise"],
      examples: [
        Example("phasedb log --limit 10", "show the last ten entries"),
        Example("phasedb log --check", "prove the chain of entries"),
      ],
      exitCodes: [.done, .findings, .refused, .busy, .usage]),
  ]

  static let applications: [Verb] = [
    Verb(
      .checkIn, "check-in",
      summary: "record that a version of an application is running",
      discussion:
        "Ends with 2, and records nothing, when that version may not run on the schema as it is, so that it "
        + "can stand before the application in its entry point. Needs no migrations; with them it also knows "
        + "which versions need a phase that is still to come. A check-in is forgotten after 10 minutes, or "
        + "what forget in phasedb.json says.",
      positionals: [
        Positional(.application, .text("APP@VERSION"), "the application and its version: storefront@1.4.0")
      ],
      options: [.instance, .wait, .database, .migrations, .format],
      examples: [
        Example("phasedb check-in storefront@1.4.0 --instance web-1", "say that web-1 runs 1.4.0"),
        Example("phasedb check-in storefront@1.4.0 --quiet", "let the exit code say whether it may"),
      ],
      exitCodes: [.done, .refused, .busy, .usage])
  ]
}
