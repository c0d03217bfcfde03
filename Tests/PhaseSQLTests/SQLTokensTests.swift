import PhaseSQL
import Testing

@Suite struct SQLTokensTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let tokens: [String]

    /// `tokens`: the kind and the text of each token.
    init(_ testDescription: String, _ text: String, _ tokens: [String]) {
      self.testDescription = testDescription
      self.text = text
      self.tokens = tokens
    }

    /// Tokens of one kind with single spaces between them.
    init(_ testDescription: String, _ kind: String, spaced tokens: [String]) {
      self.init(
        testDescription, tokens.joined(separator: " "),
        Array(tokens.flatMap { ["\(kind) \($0)", "space  "] }.dropLast()))
    }
  }

  static let cases = [
    Case("words hold letters, digits, _ and $", "a1_$b", ["word a1_$b"]),
    Case("bytes outside ASCII are letters", "größe名", ["word größe名"]),
    Case(
      "a line comment ends before its line end", "--a\n-", ["lineComment --a", "space \n", "punctuation -"]),
    Case("a carriage return belongs to the comment", "--a\r\n", ["lineComment --a\r", "space \n"]),
    Case("a block comment", "/* ; ' */x", ["blockComment /* ; ' */", "word x"]),
    Case("a block comment that is never closed", "/* ;", ["blockComment /* ;"]),
    Case("a block comment with a slash right after its start", "/*/ x */", ["blockComment /*/ x */"]),
    Case("two signs at the end are no comment", "/*", ["punctuation /", "punctuation *"]),
    Case("a string with a doubled quote", "'it''s;'x", ["string 'it''s;'", "word x"]),
    Case("an empty string", "''", ["string ''"]),
    Case("a string that is never closed", "'a;", ["illegal 'a;"]),
    Case("a string that ends in a doubled quote only", "'a''", ["illegal 'a''"]),
    Case(
      "quoted names", "quotedIdentifier", spaced: [#""a""b""#, "`c``d`", #"[e"f]"#]),
    Case("a bracket that is never closed", "[a;", ["illegal [a;"]),
    Case("blobs", "blob", spaced: ["x'0aF0'", "X''"]),
    Case("a blob with half a byte", "x'0a1';", ["illegal x'0a1'", "punctuation ;"]),
    Case("a blob with a letter too far", "x'0g';", ["illegal x'0g'", "punctuation ;"]),
    Case("numbers", "number", spaced: ["1", "1.5", ".5", "1.", "1e3", "1E-3", "0x1F"]),
    Case("an exponent without digits", "1e+", ["illegal 1e", "punctuation +"]),
    Case("a number that runs into a name", "12ab;", ["illegal 12ab", "punctuation ;"]),
    Case("separators in numbers came after 3.40", "1_000", ["illegal 1_000"]),
    Case("hexadecimal without digits", "0x;", ["illegal 0x", "punctuation ;"]),
    Case("variables", "variable", spaced: ["?", "?12", ":a", "@b", "$c", "#d", "$e::f(g)"]),
    Case("a colon alone", ":;", ["illegal :", "punctuation ;"]),
    Case(
      "operators of more than one sign", "punctuation",
      spaced: ["||", "->", "->>", "<=", "<>", "!=", "==", "<<", ">>", ">="]),
    Case("single signs", "punctuation", spaced: "(),.=<>+-*/%&|~".map(String.init)),
    Case("an exclamation mark alone", "!a", ["illegal !", "word a"]),
    Case("NUL", "a\0b", ["word a", "illegal \0", "word b"]),
    Case("a byte order mark is space", "\u{FEFF}a", ["space \u{FEFF}", "word a"]),
    Case("all kinds of white space", " \t\r\n\u{0C}", ["space  \t\r\n\u{0C}"]),
    Case("nothing", "", []),
  ]

  @Test(arguments: cases) func splitsIntoTokens(_ row: Case) {
    let bytes = Array(row.text.utf8)
    let tokens = SQLTokens(row.text).map {
      "\($0.kind) \(String(decoding: bytes[$0.range], as: UTF8.self))"
    }
    #expect(tokens == row.tokens)
  }

  @Test(arguments: cases) func tokensCoverTheTextWithoutGaps(_ row: Case) {
    var end = 0
    for token in SQLTokens(row.text) {
      #expect(token.range.lowerBound == end)
      #expect(!token.range.isEmpty)
      end = token.range.upperBound
    }
    #expect(end == row.text.utf8.count)
  }

  @Test func onlyTheSignIsASemicolon() {
    #expect(SQLTokens("';' \";\" -- ;\n/* ; */ ;").filter(\.isSemicolon).map(\.range) == [21..<22])
  }

  struct Pair: Sendable {
    let one: String
    let other: String
    let normalized: Bool
    let exact: Bool

    init(_ one: String, _ other: String, normalized: Bool, exact: Bool) {
      self.one = one
      self.other = other
      self.normalized = normalized
      self.exact = exact
    }
  }

  /// Whether two texts are the same in either form.
  static let pairs = [
    Pair(#"CREATE TABLE "T"( a  INT)"#, "create table t(a int)", normalized: true, exact: false),
    Pair("CREATE TABLE t (a)", "CREATE TABLE t\n(\n  a -- key\n)", normalized: true, exact: true),
    Pair("a\r\nb", "a\nb", normalized: true, exact: true),
    Pair("[a b] `c`", #""A B" C"#, normalized: true, exact: false),
    Pair(#""a""b""#, "[a\"b]", normalized: true, exact: false),
    Pair("[a]", "[a]]", normalized: false, exact: false),
    Pair("'A'", "'a'", normalized: false, exact: false),
    Pair("'a'", #""a""#, normalized: false, exact: false),
    Pair("X'AB' 1E3 0XF", "x'ab' 1e3 0xf", normalized: true, exact: false),
    Pair("Ä", "ä", normalized: false, exact: false),
    Pair("ab", "a b", normalized: false, exact: false),
    Pair("a.b", "a . b", normalized: true, exact: true),
    Pair("> =", ">=", normalized: false, exact: false),
    Pair("1.5", "1 .5", normalized: false, exact: false),
    Pair("a;", "a", normalized: false, exact: true),
    Pair("a;b", "a b", normalized: false, exact: false),
  ]

  @Test(arguments: pairs) func normalizedAndExactForms(_ pair: Pair) {
    #expect((SQLTokens.normalized(pair.one) == SQLTokens.normalized(pair.other)) == pair.normalized)
    #expect(
      (SQLTokens.exactWithoutLastSemicolons(pair.one) == SQLTokens.exactWithoutLastSemicolons(pair.other))
        == pair.exact)
  }

  @Test(arguments: [0, 1, 252, 253, 254, 255, 256, 70_000]) func longTokensStayApart(_ length: Int) {
    let name = String(repeating: "a", count: length)
    let forms = ["'\(name)'", "'\(name)' 'b'", "'\(name)b'"].map(SQLTokens.exactWithoutLastSemicolons)
    #expect(Set(forms).count == 3)
  }
}
