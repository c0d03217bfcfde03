/// Completions for fish: one `complete` line for each verb, option and list of words.
enum FishCompletions {
  static var script: String {
    """
    # Completions of phasedb for fish. Made by: phasedb completions fish
    # Prints the words so far that are neither options nor their values: the verb and its positionals.
    function __phasedb_words
      set -l skip 0
      set -l words
      for word in (commandline -opc)[2..-1]
        if test $skip = 1
          set skip 0
          continue
        end
        switch $word
          case \(Option.table.filter { $0.value != nil }.flatMap(\.names).joined(separator: " "))
            set skip 1
          case '-*'
          case '*'
            set -a words $word
        end
      end
      string join ' ' $words
    end
    # Names that phasedb knows, of the database and the folder of this line.
    function __phasedb_names
      set -l words (commandline -opc)
      set -l context
      for index in (seq 2 (math (count $words) - 1))
        if contains -- $words[$index] -d --database -m --migrations
          set -a context $words[$index] $words[(math $index + 1)]
        end
      end
      type -q $words[1]; and $words[1] completions names $argv $context 2>/dev/null
    end
    # The words so far from the one with this number on.
    function __phasedb_given
      set -l words (string split ' ' -- (__phasedb_words))
      test (count $words) -ge $argv[1]; and string join \\n -- $words[$argv[1]..-1]
    end
    function __phasedb_at
      set -l words (__phasedb_words)
      test "$words" = "$argv[1]"
    end
    function __phasedb_in
      string match -q -- "$argv[1] *" (__phasedb_words)' '
    end
    complete -c phasedb -f
    \((globals + verbs + verbOptions + positionals).joined(separator: "\n"))

    """
  }

  private static var globals: [String] {
    Option.table.filter { $0.placement != .afterVerb }.map {
      "complete -c phasedb -n '__phasedb_at \"\"' \(option($0, summary: $0.summary))"
    }
  }

  /// A verb's next word, offered after its earlier words.
  private static var verbs: [String] {
    let firsts = Dictionary(grouping: Verb.table) { $0.path[0] }.sorted { $0.key < $1.key }
    return firsts.flatMap { word, verbs -> [String] in
      guard verbs.count > 1 else { return [offer(word, after: "", verbs[0].summary)] }
      let seconds = verbs.map { $0.path[1] }
      return [offer(word, after: "", seconds.joined(separator: ", "))]
        + verbs.map { offer($0.path[1], after: word, $0.summary) }
    }
  }

  private static var verbOptions: [String] {
    Verb.table.flatMap { verb in
      verb.allOptions.map {
        "complete -c phasedb -n '__phasedb_in \"\(verb.name)\"' \(option($0, summary: verb.summary(of: $0)))"
      }
    }
  }

  private static var positionals: [String] {
    Verb.table.flatMap { verb in
      verb.positionals.prefix(1).flatMap { positional -> [String] in
        if case .name(let known, _) = positional.kind {
          return [
            "complete -c phasedb -n '__phasedb_at \"\(verb.name)\"' -a '(__phasedb_names \(known.rawValue))'"
          ]
        }
        let words = positional.id == .topic ? Verb.table.map { $0.path[0] } : positional.kind.words
        return Set(words).sorted().map { offer($0, after: verb.name, positional.summary) }
      }
        + verb.positionals.enumerated().dropFirst().compactMap { index, positional in
          guard case .name(let known, _) = positional.kind, positional.isRepeated else { return nil }
          return
            "complete -c phasedb -n '__phasedb_in \"\(verb.name)\"' -a '(__phasedb_names \(known.rawValue) (__phasedb_given \(verb.path.count + index + 1)))'"
        }
    }
  }

  private static func offer(_ word: String, after words: String, _ summary: String) -> String {
    "complete -c phasedb -n '__phasedb_at \"\(words)\"' -a \(word) -d \(quoted(summary))"
  }

  private static func option(_ option: Option, summary: String) -> String {
    let short = option.short.map { "-s \($0) " } ?? ""
    return "\(short)-l \(option.long)\(value(of: option)) -d \(quoted(summary))"
  }

  private static func value(of option: Option) -> String {
    switch option.value {
    case nil: ""
    case .path: " -r -F"
    case .directory: " -x -a '(__fish_complete_directories)'"
    case .name(let known, _): " -x -a '(__phasedb_names \(known.rawValue))'"
    case .choices(let words): " -x -a '\(words.joined(separator: " "))'"
    case .list(let words, _): " -x -a '(__fish_append , \(words.joined(separator: " ")))'"
    case .text, .pair, .number, .duration, .percent, .percents: " -x"
    }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("\\", with: #"\\"#).replacing("'", with: #"\'"#) + "'"
  }
}
