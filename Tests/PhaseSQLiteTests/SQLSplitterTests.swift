import PhaseSQLite
import Testing

@Suite struct SQLSplitterTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let statements: [String]
    let isLastUnterminated: Bool

    init(_ testDescription: String, _ text: String, _ statements: [String], unterminated: Bool = false) {
      self.testDescription = testDescription
      self.text = text
      self.statements = statements
      isLastUnterminated = unterminated
    }
  }

  static let trigger = """
    CREATE TRIGGER t AFTER UPDATE OF a ON x BEGIN
      -- ; END;
      UPDATE x SET b = CASE WHEN NEW.a IS NULL THEN ';' ELSE "end" END;
      SELECT CASE WHEN 1 THEN 2 END;
    END;
    """

  static let cases = [
    Case("nothing", "", []),
    Case("only trivia and semicolons", " ; /* ; */ ;\n-- ;", []),
    Case("two statements", "SELECT 1; SELECT 2 ;", ["SELECT 1;", "SELECT 2 ;"]),
    Case("comments before and after", "-- a\nSELECT 1; -- b\n/* c */", ["SELECT 1;"]),
    Case(
      "the last without a semicolon", "SELECT 1;\nSELECT 2 -- x\n", ["SELECT 1;", "SELECT 2"],
      unterminated: true),
    Case(
      "semicolons in strings, names and comments", "SELECT ';', [;], \";\" /*;*/;",
      ["SELECT ';', [;], \";\" /*;*/;"]),
    Case("a trigger with CASE and END inside", trigger, [trigger]),
    Case(
      "a trigger between statements", "SELECT 1;\(trigger)SELECT 2;", ["SELECT 1;", trigger, "SELECT 2;"]),
    Case(
      "a temporary trigger", "CREATE TEMP TRIGGER t BEGIN SELECT 1; END; SELECT 2;",
      ["CREATE TEMP TRIGGER t BEGIN SELECT 1; END;", "SELECT 2;"]),
    Case(
      "a trigger without END", "CREATE TRIGGER t BEGIN SELECT 1; SELECT 2;",
      ["CREATE TRIGGER t BEGIN SELECT 1; SELECT 2;"], unterminated: true),
    Case("a table called trigger", "CREATE TABLE trigger(a); END;", ["CREATE TABLE trigger(a);", "END;"]),
    Case(
      "a string that is never closed", "SELECT 1; SELECT 'a;", ["SELECT 1;", "SELECT 'a;"],
      unterminated: true),
    Case("text outside ASCII", "SELECT 'ü'; SELECT '名';", ["SELECT 'ü';", "SELECT '名';"]),
    Case("a byte order mark", "\u{FEFF}SELECT 1;", ["SELECT 1;"]),
  ]

  @Test(arguments: cases) func splitsIntoStatements(_ row: Case) {
    let bytes = Array(row.text.utf8)
    let split = SQLSplitter(row.text)
    #expect(split.statements.map { String(decoding: bytes[$0], as: UTF8.self) } == row.statements)
    #expect(split.isLastUnterminated == row.isLastUnterminated)
  }

  static let unclosed: [(String, Int?)] = [
    ("SELECT 'a' -- b", nil), ("SELECT 'a", 7), ("SELECT \"a", 7), ("SELECT [a", 7), ("SELECT 1; /* a", 10),
    ("SELECT 1; /*/", 10), ("SELECT 1; /*", 10), ("SELECT '/*", 7), ("SELECT '/*'", nil), ("SELECT X'0a", 7),
    ("SELECT x'0g'", nil), ("SELECT 12ab", nil),
  ]

  @Test(arguments: unclosed) func knowsWhatIsNeverClosed(_ text: String, _ offset: Int?) {
    #expect(SQLSplitter(text).unclosed == offset)
  }

  @Test func lineCommentsAreFoundInStatementsAndBetweenThem() {
    #expect(SQLSplitter("--a\nSELECT --b\n'--c' /* --d */;--e").lineComments == [0..<3, 11..<14, 31..<34])
  }

  @Test func aLongTriggerIsOneStatement() {
    let body = String(repeating: "INSERT INTO t VALUES (1);", count: 20_000)
    let text = "CREATE TRIGGER t BEGIN \(body) END;"
    #expect(SQLSplitter.statements(in: text) == [0..<text.utf8.count])
  }
}
