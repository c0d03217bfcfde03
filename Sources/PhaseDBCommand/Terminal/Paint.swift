internal import PhaseDB

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
