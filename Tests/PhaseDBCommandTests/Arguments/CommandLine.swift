@testable import PhaseDBCommand

/// Splits a command as a shell does that knows spaces, single quotes and redirection, and leaves out the program.
func words(_ command: String) -> [String] {
  var words: [String] = []
  var word: String?
  var isQuoted = false
  for character in command.prefix(while: { $0 != ">" }) {
    switch character {
    case "'":
      isQuoted.toggle()
      word = word ?? ""
    case " " where !isQuoted:
      if let done = word { words.append(done) }
      word = nil
    default: word = (word ?? "") + String(character)
    }
  }
  if let word { words.append(word) }
  return Array(words.dropFirst())
}

func parsed(_ command: String) throws(UsageError) -> Invocation { try ArgumentParser.parse(words(command)) }
