/// A phase that the baseline replaces. A comment line at the beginning of the baseline names it: `-- @squashed
/// 0001-create-shop/expand HASH`.
package struct SquashedPhase: Sendable, Hashable {
  package let id: PhaseID
  /// Identifies its text.
  package let tokenHash: String

  package init(_ id: PhaseID, _ tokenHash: String) { (self.id, self.tokenHash) = (id, tokenHash) }

  private static let word = "@squashed"

  /// The line of the baseline.
  package var line: String { "-- \(Self.word) \(id) \(tokenHash)" }

  init?(line: some StringProtocol) {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count == 4, words[0] == "--", words[1] == Self.word, let id = try? PhaseID(String(words[2]))
    else {
      return nil
    }
    self.init(id, String(words[3]))
  }

  /// The phases of several lines, other lines left out.
  static func all(in text: some StringProtocol) -> [SquashedPhase] {
    text.split(separator: "\n").compactMap { SquashedPhase(line: $0) }
  }
}
