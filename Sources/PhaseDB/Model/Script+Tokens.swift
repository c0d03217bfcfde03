internal import PhaseSQL
internal import PhaseSQLite

extension Script {
  /// Where the first token that is neither white space nor comment starts.
  var firstTokenOffset: Int { offsetOfFirstToken(from: 0) }

  /// Where the first token at or after an offset starts.
  func offsetOfFirstToken(from offset: Int) -> Int {
    SQLTokens(text).first { $0.range.lowerBound >= offset && !$0.kind.isTrivia }?.range.lowerBound ?? offset
  }

  /// How long the token at an offset is, at least 1.
  func tokenLength(at offset: Int) -> Int {
    SQLTokens(text).first { $0.range.lowerBound == offset }?.range.count ?? 1
  }
}
