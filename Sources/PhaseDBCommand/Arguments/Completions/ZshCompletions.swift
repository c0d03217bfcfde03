/// Completions for zsh, through its own `_arguments`, which knows options, values and descriptions.
enum ZshCompletions {
  static var script: String {
    """
    #compdef phasedb
    # Completions of phasedb for zsh. Made by: phasedb completions zsh
    _phasedb() {
      local context curcontext="$curcontext" state line
      local -a all_words=($words)
      typeset -A opt_args
      _arguments -C -S -s \\
    \(specs(options: Option.table.filter { $0.placement != .afterVerb }, summary: \.summary))
        '1: :->verb' \\
        '*:: :->rest'
      case $state in
        verb) _phasedb_verbs ;;
        rest)
          case $words[1] in
    \(branches.joined(separator: "\n"))
          esac ;;
      esac
    }
    _phasedb_verbs() {
      local -a verbs
      verbs=(
    \(Dictionary(grouping: Verb.table) { $0.path[0] }.sorted { $0.key < $1.key }.map(firstWord).joined(separator: "\n"))
      )
      _describe -t verbs verb verbs
    }
    # Names that phasedb knows, of the database and the folder of this line.
    _phasedb_names() {
      local -a context names
      local index
      for ((index = 1; index < ${#all_words}; index++)); do
        case $all_words[index] in
          -d|--database|-m|--migrations) context+=($all_words[index] "${(Q)all_words[index + 1]}") ;;
        esac
      done
      names=(${(f)"$(${(Q)all_words[1]} completions names $1 $context 2> /dev/null)"})
      compadd -a names
    }
    # Found through fpath, the file is the function; sourced, it has to be made known.
    if [[ "$funcstack[1]" == "_phasedb" ]]; then
      _phasedb "$@"
    else
      compdef _phasedb phasedb
    fi

    """
  }

  private static func firstWord(_ word: String, _ verbs: [Verb]) -> String {
    let summary = verbs.count == 1 ? verbs[0].summary : verbs.map { $0.path[1] }.joined(separator: ", ")
    return "    \(quoted("\(word):\(summary)"))"
  }

  private static var branches: [String] {
    Dictionary(grouping: Verb.table) { $0.path[0] }.sorted { $0.key < $1.key }.map { word, verbs in
      guard verbs.count > 1 else { return "        \(word))\n\(arguments(of: verbs[0])) ;;" }
      let seconds = verbs.map { "\($0.path[1]))\n\(arguments(of: $0)) ;;" }.joined(separator: "\n")
      let described = verbs.map { quoted("\($0.path[1]):\($0.summary)") }.joined(separator: " ")
      return """
                \(word))
                  _arguments -C '1: :->verb' '*:: :->rest'
                  case $state in
                    verb)
                      local -a verbs
                      verbs=(\(described))
                      _describe -t verbs verb verbs ;;
                    rest)
                      case $words[1] in
        \(seconds)
                      esac ;;
                  esac ;;
        """
    }
  }

  private static func arguments(of verb: Verb) -> String {
    let positionals = verb.positionals.enumerated().map { index, positional in
      let place = positional.isRepeated ? "*" : "\(index + 1)"
      let colons = positional.isOptional && !positional.isRepeated ? "::" : ":"
      let action = positional.id == .topic ? "_phasedb_verbs" : action(for: positional.kind)
      return "    " + quoted("\(place)\(colons)\(escaped(positional.summary)):\(action)")
    }
    let options = specs(options: verb.allOptions, summary: verb.summary(of:))
    // The options end in a backslash, which continues the line.
    let all =
      positionals.isEmpty ? "\(options)\n    '*: :'" : "\(options)\n\(positionals.joined(separator: " \\\n"))"
    return "    _arguments -S -s \\\n\(all)"
  }

  /// Option specifications, one a line, each with a backslash at its end.
  private static func specs(options: [Option], summary: (Option) -> String) -> String {
    options.map { option in
      let value = option.value.map { ":\(escaped($0.placeholder)):\(action(for: $0))" } ?? ""
      let exclusive = option.isRepeatable ? "*" : "(\(option.names.joined(separator: " ")))"
      let text = "[\(escaped(summary(option)))]\(value)"
      return option.names.map { name in
        let attached = option.value == nil ? "" : name.hasPrefix("--") ? "=" : "+"
        return "    \(quoted("\(exclusive)\(name)\(attached)\(text)")) \\"
      }.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func action(for kind: ValueKind) -> String {
    switch kind {
    case .path: "_files"
    case .directory: "_files -/"
    case .name(let known, _): "{_phasedb_names \(known.rawValue)}"
    case .choices(let words): "(\(words.joined(separator: " ")))"
    case .list(let words, _): "_sequence compadd - \(words.joined(separator: " "))"
    case .text, .pair, .number, .duration, .percent, .percents: " "
    }
  }

  /// Escapes colons and brackets, which have a meaning within a specification.
  private static func escaped(_ text: String) -> String {
    text.map { ":[]\\".contains($0) ? "\\\($0)" : String($0) }.joined()
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
  }
}
