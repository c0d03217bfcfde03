internal import PhaseDB

/// Words of other migration tools, and what they are called here.
///
/// The words are commands of Alembic, Django, Active Record, Flyway, Liquibase, goose, golang-migrate, dbmate, sqitch,
/// Knex, Prisma and yoyo.
struct OtherWords {
  let words: [String]
  /// What to type instead.
  let command: String
  /// What it does: the end of a sentence that begins with "to".
  let purpose: Prose

  static let table = [
    OtherWords(
      words: ["migrate", "apply", "upgrade", "deploy", "update", "latest"], command: "phasedb up",
      purpose: "apply every phase that may run now"),
    OtherWords(
      words: ["rollback", "undo", "revert", "downgrade", "unapply"], command: "phasedb down",
      purpose: "reverse the last phase"),
    OtherWords(words: ["reset"], command: "phasedb down --all", purpose: "reverse every phase"),
    OtherWords(
      words: ["create", "generate", "make", "makemigrations", "add", "revision"], command: "phasedb new NAME",
      purpose: "write a migration"),
    OtherWords(
      words: ["info", "list", "current", "showmigrations", "heads", "pending"], command: "phasedb status",
      purpose: "see what is applied and what is pending"),
    OtherWords(
      words: ["history", "changelog"], command: "phasedb log", purpose: "see what was done, and by whom"),
    OtherWords(
      words: ["sqlmigrate", "show", "preview"], command: "phasedb plan",
      purpose: "see what would run without running it"),
    OtherWords(
      words: ["validate", "check"], command: "phasedb verify",
      purpose: "check the database against its ledger and its claims"),
    OtherWords(
      words: ["test", "dryrun"], command: "phasedb rehearse", purpose: "try pending phases on a copy"),
    OtherWords(
      words: ["stamp", "fake", "baseline", "resolve"], command: "phasedb adopt",
      purpose: "record as applied what a database has already"),
    OtherWords(words: ["-V"], command: "phasedb --version", purpose: "see the version"),
  ]

  /// The line of help for a word; nil when no known tool has it.
  static func help(for word: String) -> Prose? {
    table.first { $0.words.contains(word) }.map { "to \($0.purpose): \($0.command)" }
  }
}
