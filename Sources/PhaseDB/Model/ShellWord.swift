/// A word as it is written on the command line of a POSIX shell, quoted only when it has to be.
package struct ShellWord: CustomStringConvertible {
  package let description: String

  package init(_ word: String) {
    let isPlain = !word.isEmpty && word.utf8.allSatisfy(Self.plain.contains)
    // Inside single quotes only the quote itself has a meaning (POSIX, Shell Command Language, 2.2.2).
    let quoted = word.unicodeScalars.map { $0 == "'" ? #"'\''"# : String($0) }.joined()
    description = isPlain ? word : word.visible == word ? "'\(quoted)'" : "$'\(Self.escaped(word))'"
  }

  /// The `$'…'` form of Bash and Zsh, with bytes as numbers, for characters that a terminal cannot show.
  private static func escaped(_ word: String) -> String {
    word.utf8.map { byte in
      if plain.contains(byte) { return String(Character(Unicode.Scalar(byte))) }
      let digits = String(byte, radix: 8)
      return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }.joined()
  }

  private static let plain = Set(
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 /._-+:@%,".utf8.filter { $0 != 0x20 })
}
