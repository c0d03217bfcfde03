import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("A terminal")
struct TerminalTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let isTerminal: Bool
    let choice: ColorChoice
    let environment: [String: String]
    let isColoured: Bool

    init(
      _ description: String, terminal: Bool = true, _ choice: ColorChoice = .auto,
      _ environment: [String: String] = [:], coloured: Bool
    ) {
      testDescription = description
      isTerminal = terminal
      self.choice = choice
      self.environment = environment
      isColoured = coloured
    }
  }

  @Test(
    "is written to in colour or not",
    arguments: [
      Case("a terminal is coloured", coloured: true),
      Case("a file is not", terminal: false, coloured: false),
      Case("--color always colours a file", terminal: false, .always, coloured: true),
      Case("--color always goes before NO_COLOR", .always, ["NO_COLOR": "1"], coloured: true),
      Case("--color never", .never, ["CLICOLOR_FORCE": "1"], coloured: false),
      Case("NO_COLOR", .auto, ["NO_COLOR": "1"], coloured: false),
      Case("an empty NO_COLOR says nothing", .auto, ["NO_COLOR": ""], coloured: true),
      Case("CLICOLOR_FORCE", terminal: false, .auto, ["CLICOLOR_FORCE": "1"], coloured: true),
      Case("CLICOLOR_FORCE=0 says nothing", terminal: false, .auto, ["CLICOLOR_FORCE": "0"], coloured: false),
      Case(
        "NO_COLOR goes before CLICOLOR_FORCE", .auto, ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"],
        coloured: false),
      Case("a dumb terminal is not", .auto, ["TERM": "dumb"], coloured: false),
    ])
  func colour(_ row: Case) {
    let terminal = Terminal(
      isOutputTerminal: row.isTerminal, isErrorTerminal: !row.isTerminal, columns: nil,
      environment: row.environment)
    let isColoured = terminal.outputPaint(row.choice)("x", .good) != "x"
    #expect(isColoured == row.isColoured)
  }

  @Test("is judged for output and errors apart")
  func apart() {
    let terminal = Terminal(isOutputTerminal: false, isErrorTerminal: true, columns: 132, environment: [:])
    #expect(terminal.outputPaint(.auto)("x", .bad) == "x")
    #expect(terminal.errorPaint(.auto)("x", .bad) != "x")
    #expect(terminal.outputWidth == nil)
    #expect(terminal.errorWidth == 132)
  }

  @Test(
    "is as wide as it says, as COLUMNS says, or 80",
    arguments: [
      (132, ["COLUMNS": "40"], 132), (nil, ["COLUMNS": "40"], 40), (nil, ["COLUMNS": "wide"], 80),
      (nil, ["COLUMNS": "0"], 80), (nil, [:], 80),
    ] as [(Int?, [String: String], Int)])
  func width(columns: Int?, environment: [String: String], width: Int) {
    let terminal = Terminal(
      isOutputTerminal: true, isErrorTerminal: true, columns: columns, environment: environment)
    #expect(terminal.width == width)
  }
}
