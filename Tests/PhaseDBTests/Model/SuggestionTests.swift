import PhaseDB
import Testing

@Suite struct SuggestionTests {
  static let words = ["up", "down", "window", "verify", "residual", "contract.sql"]

  @Test(arguments: [
    ("window", "window"), ("wnidow", "window"), ("widow", "window"), ("windows", "window"),
    ("WINDOW", "window"),
    ("contarct.sql", "contract.sql"), ("pu", "up"), ("dwon", "down"), ("verfy", "verify"),
    ("residule", "residual"),
    ("author", nil), ("xy", nil), ("", nil), ("wxyzow", nil),
  ])
  func nearest(_ word: String, _ expected: String?) {
    #expect(Suggestion.nearest(to: word, in: Self.words) == expected)
  }

  @Test func ofEquallyNearOnesTheFirstIsTaken() {
    #expect(Suggestion.nearest(to: "cat", in: ["bat", "rat"]) == "bat")
  }
}
