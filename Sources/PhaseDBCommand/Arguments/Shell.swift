/// A shell for which there are completions.
enum Shell: String, Sendable, CaseIterable {
  case bash, zsh, fish

  /// The script that completes phasedb's words in this shell.
  var completions: String {
    switch self {
    case .bash: BashCompletions.script
    case .zsh: ZshCompletions.script
    case .fish: FishCompletions.script
    }
  }
}
