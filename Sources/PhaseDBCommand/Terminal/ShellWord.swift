/// A word as it is written on the command line of a POSIX shell, quoted only when it has to be.
struct ShellWord: CustomStringConvertible {
  let description: String

  init(_ word: String) {
    let isPlain = !word.isEmpty && word.utf8.allSatisfy(Self.plain.contains)
    // Inside single quotes only the quote itself has a meaning (POSIX, Shell Command Language, 2.2.2).
    let parts = word.split(separator: "'", omittingEmptySubsequences: false)
    description = isPlain ? word : "'\(parts.joined(separator: #"'\''"#))'"
  }

  private static let plain = Set(
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 /._-+:@%,".utf8.filter { $0 != 0x20 })
}
