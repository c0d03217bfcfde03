internal import PhaseDB

/// A picture of bars, lines and words, as SVG.
///
/// It is 480 units wide, with letters of 13 units: legible at 340 pixels, on a phone, and at 600. Shades are told apart in
/// grey, and take their colours from the page, so that they follow it into the dark.
struct Drawing {
  static let width = 480.0
  /// The height of a line of words.
  static let line = 19.0

  var height: Double
  private var parts: [Escaped<XML>] = []

  enum Shade: String {
    case dark, middle, light
    /// What is not known, or is still to come.
    case hollow
  }

  enum Stroke: String {
    case rule, edge
  }

  enum Anchor: String {
    case start, middle, end
  }

  init(height: Double) { self.height = height }

  mutating func bar(x: Double, y: Double, width: Double, height: Double = 13, _ shade: Shade) {
    parts.append(
      "<rect class=\"\(shade.rawValue)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(max(0, width)))\" height=\"\(Self.number(height))\"/>"
    )
  }

  mutating func line(x: Double, y: Double, toX: Double, toY: Double, _ stroke: Stroke = .rule) {
    parts.append(
      "<line class=\"\(stroke.rawValue)\" x1=\"\(Self.number(x))\" y1=\"\(Self.number(y))\" x2=\"\(Self.number(toX))\" y2=\"\(Self.number(toY))\"/>"
    )
  }

  /// - Parameters:
  ///   - y: of the line on which the letters stand.
  ///   - room: how wide it may be; a longer text loses its end.
  ///   - isQuiet: whether it is shown in the weaker colour.
  ///   - isOnDark: whether it stands on a dark bar.
  mutating func text(
    x: Double, y: Double, _ words: Prose, room: Double? = nil, anchor: Anchor = .start, isQuiet: Bool = false,
    isOnDark: Bool = false
  ) {
    let shown = room.map { Self.shortened(words, to: $0) } ?? words
    let style = isOnDark ? "onDark" : isQuiet ? "quiet" : "dark"
    parts.append(
      "<text class=\"\(style)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor.rawValue)\">\(shown)</text>"
    )
  }

  /// The picture, with its words for a screen reader.
  ///
  /// - Parameter id: the beginning of its ids, which nothing else on the page has.
  func svg(id: Prose, title: Prose, description: Prose) -> Escaped<XML> {
    """
    <svg role="img" viewBox="0 0 \(Self.number(Self.width)) \(Self.number(height))" aria-labelledby="\(id)-title \(id)-words">
    <title id="\(id)-title">\(title)</title>
    <desc id="\(id)-words">\(description)</desc>
    \(parts.joined(separator: "\n"))
    </svg>
    """
  }

  /// How wide a text is at most: no font of a page has letters that are wider in the mean.
  static func width(of words: Prose) -> Double { Double(words.description.displayWidth) * 7.4 }

  private static func shortened(_ words: Prose, to room: Double) -> Prose {
    guard width(of: words) > room else { return words }
    var text = ""
    for character in words.description {
      guard Double((text + String(character)).displayWidth + 1) * 7.4 <= room else { break }
      text.append(character)
    }
    return text.isEmpty ? "" : "\(text)…"
  }

  /// With one decimal at most, the same on every machine.
  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let part = abs(tenths % 10)
    return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10)\(part == 0 ? "" : ".\(part)")"
  }
}
