internal import PhaseDB

extension Verb {
  /// Every verb there is, in the order in which help lists them.
  static let table: [Verb] =
    [
      InitCommand.verb, NewCommand.verb, LintCommand.verb, AuditCommand.verb, CompatCommand.verb,
      AdoptCommand.verb, ImportCommand.verb, PlanCommand.verb, RehearseCommand.verb, UpCommand.verb,
      DownCommand.verb, GotoCommand.verb, StatusCommand.verb, WatchCommand.verb, LaneCommand.verb,
      EffectsCommand.verb, ReportCommand.verb, VerifyCommand.verb, LogCommand.verb, SwitchListCommand.verb,
    ]
    + SwitchChangeCommand.verbs
    + [
      SwitchTestCommand.verb, SwitchSQLCommand.verb, SwitchRampCommand.verb, CheckInCommand.verb,
      MayRunCommand.verb, SettleCommand.verb, CheckpointCreateCommand.verb, CheckpointListCommand.verb,
      CheckpointRestoreCommand.verb, PurgeCommand.verb, SquashCommand.verb, ForgetCommand.verb,
      ExplainCommand.verb, CompletionsCommand.verb, HelpCommand.verb, VersionCommand.verb,
    ]

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
