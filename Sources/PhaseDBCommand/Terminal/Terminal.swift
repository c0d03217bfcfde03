internal import PhaseDB

/// What is known about the output's destination.
struct Terminal: Sendable, Hashable {
  let isOutputTerminal: Bool
  let isErrorTerminal: Bool
  /// Columns of the terminal; 80 when nothing says otherwise.
  let width: Int
  private let environment: [String: String]

  /// Asks the process's own standard output and error.
  init(environment: [String: String]) {
    let (output, error) = (FileDescriptor.output, FileDescriptor.error)
    self.init(
      isOutputTerminal: output.isTerminal, isErrorTerminal: error.isTerminal,
      columns: output.columns ?? error.columns, environment: environment)
  }

  /// - Parameter columns: what the terminal itself says; without it, COLUMNS is asked.
  init(isOutputTerminal: Bool, isErrorTerminal: Bool, columns: Int?, environment: [String: String]) {
    self.isOutputTerminal = isOutputTerminal
    self.isErrorTerminal = isErrorTerminal
    self.environment = environment
    let stated = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    width = columns ?? stated ?? 80
  }

  /// How data on standard output is coloured.
  func outputPaint(_ choice: ColorChoice) -> Paint { paint(choice, isTerminal: isOutputTerminal) }

  /// How errors and progress on standard error are coloured.
  func errorPaint(_ choice: ColorChoice) -> Paint { paint(choice, isTerminal: isErrorTerminal) }

  /// The width to which data is cut or wrapped; nil when a program reads it.
  var outputWidth: Int? { isOutputTerminal ? width : nil }
  var errorWidth: Int? { isErrorTerminal ? width : nil }

  /// NO_COLOR (no-color.org) and CLICOLOR_FORCE (bixense.com/clicolors) count only when the command line leaves the
  /// choice open; NO_COLOR wins.
  private func paint(_ choice: ColorChoice, isTerminal: Bool) -> Paint {
    switch choice {
    case .always: .ansi
    case .never: .none
    case .auto:
      if isSet("NO_COLOR") {
        .none
      } else if isSet("CLICOLOR_FORCE"), environment["CLICOLOR_FORCE"] != "0" {
        .ansi
      } else if isTerminal, environment["TERM"] != "dumb" {
        .ansi
      } else {
        .none
      }
    }
  }

  private func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty } ?? false }
}

/// When text is coloured.
enum ColorChoice: String, Sendable, CaseIterable {
  case auto, always, never
}

/// What a piece of text is; its colour follows from that.
enum Style: Sendable, CaseIterable {
  case heading, good, warning, bad, dim, command

  /// Select Graphic Rendition of ECMA-48. The eight basic colours only: they follow the user's theme.
  fileprivate var code: Prose {
    switch self {
    case .heading: "1"
    case .good: "32"
    case .warning: "33"
    case .bad: "1;31"
    case .dim: "2"
    case .command: "36"
    }
  }
}

/// Puts text in the colours of its style, or leaves it as it is.
enum Paint: Sendable {
  case none, ansi

  func callAsFunction(_ text: Prose, _ style: Style) -> Prose {
    switch self {
    case .none: text
    case .ansi: text.isEmpty ? "" : "\u{1B}[\(style.code)m\(text)\u{1B}[0m"
    }
  }
}
