import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("Text on a terminal")
struct TextWidthTests {
  @Test(
    "takes the columns that its characters take",
    arguments: [
      ("", 0), ("name", 4), ("é", 1), ("e\u{301}", 1), ("名前", 4), ("ｆ", 2), ("ﾅ", 1), ("한국", 4),
      ("\u{1112}\u{1161}\u{11AB}", 2), ("🙂", 2), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("❤️", 2), ("❤", 1), ("…", 1),
      ("a\u{200B}b", 2),
      ("Ω", 1), ("1\u{FE0F}\u{20E3}", 2), ("नि", 1),
    ])
  func width(text: String, columns: Int) {
    #expect(text.displayWidth == columns)
  }

  @Test(
    "cannot act on the terminal",
    arguments: [
      ("plain äöü 名前 🙂", "plain äöü 名前 🙂"),
      ("\u{1B}[31mred\u{1B}[0m", "␛[31mred␛[0m"),
      ("a\rb\nc\td", "a␍b␊c␉d"),
      ("nul\0", "nul␀"),
      ("\u{7F}\u{9B}31m", "␡<U+009B>31m"),
      ("abc\u{202E}cba", "abc<U+202E>cba"),
      ("two\u{2028}lines\u{85}here", "two<U+2028>lines<U+0085>here"),
      ("in\u{200B}vis\u{AD}ible\u{FEFF}\u{E0041}", "in<U+200B>vis<U+00AD>ible<U+FEFF><U+E0041>"),
      ("\u{E000}\u{378}", "<U+E000><U+0378>"),
      ("👩‍👩‍👧 ❤️", "👩‍👩‍👧 ❤️"),
      ("\u{301}e\u{301}", "<U+0301>e\u{301}"),
      (
        "a" + String(repeating: "\u{300}", count: 8),
        "a" + String(repeating: "\u{300}", count: 6) + "<U+0300><U+0300>"
      ),
      ("::error::x a ::b a::b :c", "<U+003A>:error::x a <U+003A>:b a::b :c"),
      ("x##[error]y ##vso[task] ## [z]", "x<U+0023>#[error]y <U+0023>#vso[task] ## [z]"),
    ])
  func visible(text: String, shown: String) {
    #expect(text.visible == shown)
  }

  @Test(
    "breaks at spaces",
    arguments: [
      ("one two three", 7, ["one two", "three"]),
      ("one two three", 80, ["one two three"]),
      ("extraordinary word", 5, ["extraordinary", "word"]),
      ("a\n\nb", 5, ["a", "", "b"]),
      ("名前 名前", 8, ["名前", "名前"]),
      ("", 5, [""]),
    ] as [(String, Int, [String])])
  func wrapped(text: String, width: Int, lines: [String]) {
    #expect(Wrapped.text(Prose(unescaped: text), width).map(\.description) == lines)
  }
}
