internal import PhaseDB

/// `phasedb completions`: a script for a shell.
enum CompletionsCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    context.invocation.value(.shell).flatMap(Shell.init(rawValue:)).map {
      context.print(Prose(unescaped: $0.completions))
    }
    return .done
  }
}

/// `phasedb help`: what a verb does.
enum HelpCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let help = Help(paint: context.paint, width: context.width ?? 80)
    context.print(
      help.text(for: context.invocation.values(.topic), isWhole: !context.invocation.flag(.help)))
    return .done
  }
}

/// `phasedb version`: of phasedb and of the library that does the work.
enum VersionCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    context.print("phasedb \(PhaseDBVersion.current) (SQLite \(PhaseDBVersion.sqlite))\n")
    return .done
  }
}
