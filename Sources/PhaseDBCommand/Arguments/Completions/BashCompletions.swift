/// Completions for bash, 3.2 (the one macOS brings) and later.
enum BashCompletions {
  static var script: String {
    """
    # Completions of phasedb for bash. Made by: phasedb completions bash
    _phasedb() {
      local word index option="" verb="" count=0 ended=""
      local current="${COMP_WORDS[COMP_CWORD]}" replaced="$2"
      local -a context=()
      # Bash takes --format=json for three words: an option, an equals sign and a value.
      for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        # Bash also cuts at an at sign: --to @NAME and APP@VERSION are two or three words.
        [[ "$word" == "@" || "$word" == "=@" ]] && continue
        if [[ -n "$option" ]]; then
          [[ "$word" == "=" || "${COMP_WORDS[index + 1]}" == "@" ]] && continue
          case "$option" in
            -d | --database | -m | --migrations) context+=("$option" "$word") ;;
          esac
          option=""
          continue
        fi
        if [[ -z "$ended" ]]; then
          case "$word" in
            --) ended=1; continue ;;
            \(pattern(Option.table.filter { $0.value != nil }.flatMap(\.names)))) option="$word"; continue ;;
            -*) continue ;;
          esac
        fi
        case "$verb:$word" in
    \(lines(verbSteps, indent: 6))
          *) [[ "${COMP_WORDS[index + 1]}" == "@" ]] || count=$((count + 1)) ;;
        esac
      done
      [[ "$current" == "=" ]] && current=""
      COMPREPLY=()
      case "$verb:$option" in
        *:) ;;
    \(lines(optionValues, indent: 4))
        *) return ;;
      esac
      if [[ -z "$ended" && "$current" == -* ]]; then
        case "$verb" in
    \(lines(optionNames, indent: 6))
        esac
        return
      fi
      case "$verb:$count" in
    \(lines(words, indent: 4))
      esac
    }
    _phasedb_words() {
      COMPREPLY=($(compgen -W "$1" -- "$current"))
    }
    # Words separated by commas: what was written before the last comma stays.
    _phasedb_list() {
      local before=""
      [[ "$current" == *,* ]] && before="${current%,*},"
      COMPREPLY=($(compgen -P "$before" -W "$1" -- "${current##*,}"))
    }
    # Names that phasedb knows. Bash replaces only the end of a word that it cuts, from its last at sign on.
    _phasedb_names() {
      local whole="${COMP_LINE:0:COMP_POINT}" names kept
      whole="${whole##*[[:space:]]}"
      whole="${whole#--*=}"
      names="$("${COMP_WORDS[0]}" completions names "$1" "${context[@]}" 2> /dev/null)"
      COMPREPLY=($(compgen -W "$names" -- "$whole"))
      kept="${whole%"$replaced"}"
      [[ ${#COMPREPLY[@]} -eq 0 ]] || COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    }
    _phasedb_files() {
      local IFS=$'\\n'
      COMPREPLY=($(compgen "$1" -- "$current"))
      # Missing in bash 3.2.
      type compopt > /dev/null 2>&1 && compopt -o filenames 2> /dev/null
    }
    complete -F _phasedb phasedb

    """
  }

  /// Steps from the words of a verb read so far to those with one more word.
  private static var verbSteps: [String] {
    var seen: Set<[String]> = []
    return Verb.table.flatMap { verb in
      verb.path.indices.compactMap { index -> String? in
        let path = Array(verb.path[...index])
        guard seen.insert(path).inserted else { return nil }
        let before = path.dropLast().joined(separator: " ")
        return "\"\(before):\(path[index])\") verb=\"\(path.joined(separator: " "))\" ;;"
      }
    }
  }

  private static var optionValues: [String] {
    let exceptions = Verb.table.flatMap { verb in
      verb.allOptions.compactMap { option -> String? in
        guard option.value != Option.named(option.id)?.value else { return nil }
        return line(option, pattern: option.names.map { "\"\(verb.name):\($0)\"" }.joined(separator: "|"))
      }
    }
    return exceptions
      + Option.table.compactMap { line($0, pattern: $0.names.map { "*:\($0)" }.joined(separator: "|")) }
  }

  private static func line(_ option: Option, pattern: String) -> String? {
    option.value.flatMap(action).map { "\(pattern)) \($0); return ;;" }
  }

  private static var optionNames: [String] {
    let globals = Option.table.filter { $0.placement != .afterVerb }
    return ["\"\") _phasedb_words \"\(names(globals))\" ;;"]
      + Verb.table.map { "\"\($0.name)\") _phasedb_words \"\(names($0.allOptions))\" ;;" }
  }

  /// The possible words in the place of a word that is no option, by the number of such words before it.
  private static var words: [String] {
    let groups = Verb.table.filter { $0.path.count > 1 }.map { $0.path[0] }
    let first = unique(Verb.table.map { $0.path[0] })
    return ["\":0\") _phasedb_words \"\(first.joined(separator: " "))\" ;;"]
      + unique(groups).map { group in
        let next = Verb.under([group]).map { $0.path[1] }.joined(separator: " ")
        return "\"\(group):0\") _phasedb_words \"\(next)\" ;;"
      }
      + Verb.table.flatMap { verb in
        verb.positionals.enumerated().compactMap { index, positional -> String? in
          if positional.id == .topic {
            return "\"\(verb.name):\"*) _phasedb_words \"\(first.joined(separator: " "))\" ;;"
          }
          return action(for: positional.kind).map { "\"\(verb.name):\(index)\") \($0) ;;" }
        }
      }
  }

  private static func action(for kind: ValueKind) -> String? {
    switch kind {
    case .path: "_phasedb_files -f"
    case .directory: "_phasedb_files -d"
    case .choices(let words): "_phasedb_words \"\(words.joined(separator: " "))\""
    case .name(let known, _): "_phasedb_names \(known.rawValue)"
    case .list(let words, _): "_phasedb_list \"\(words.joined(separator: " "))\""
    case .text, .pair, .number, .duration, .percent, .percents: nil
    }
  }

  private static func pattern(_ words: [String]) -> String { words.joined(separator: " | ") }

  private static func names(_ options: [Option]) -> String {
    options.flatMap(\.names).joined(separator: " ")
  }

  private static func lines(_ lines: [String], indent: Int) -> String {
    lines.map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
  }

  private static func unique(_ words: [String]) -> [String] {
    words.enumerated().filter { index, word in !words[..<index].contains(word) }.map(\.element)
  }
}
