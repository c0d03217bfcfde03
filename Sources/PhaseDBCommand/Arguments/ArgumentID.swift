/// The name of an argument in code: the key of its value in an ``Invocation``.
///
/// Options and positionals share one list, so that a command asks for either in the same way.
enum ArgumentID: String, Sendable, CaseIterable {
  // Options.
  case database, migrations, format, color, quiet, help, version
  case from, phases, target, all, dryRun, wait, live, override, reason, instance, present, check, note, limit
  case hold, pause, maximumRows
  case evidence, rehearse, allowEmpty, copyTo, snapshot, confirm
  case accept
  case renumber, unfinished
  case after, afterPlan, contracts
  case watch, once, freezeTime
  case effects
  case upExpression, downExpression, fill
  case app, list, importLog, timeLimit, jobs, logs
  case pending, applied, migration, output
  case tool, since, set, replace, stub
  case migrationName, window, pendingOnly

  // Positionals.
  case name, count, direction, application, shell, kind, topic, phase, entry, word, command, destination,
    action, lane, laneAction
  case switchName, exposure, subject, subjects, state, steps, every, interval, recipe, given, folder
}
