internal import PhaseDB

/// A line of SQL with a line of carets below it, cut to the width of the terminal.
struct Excerpt {
  let line: Prose
  let carets: Prose

  /// - Parameters:
  ///   - text: the line, without its line end.
  ///   - column: where the carets start, in Unicode scalars from 1; one past the end points behind the text.
  ///   - length: how many Unicode scalars they underline.
  ///   - width: the columns there are; a longer line is cut on both sides of the carets.
  init(_ text: String, column: Int, length: Int, width: Int) {
    let scalars = Array(text.unicodeScalars)
    let start = min(max(column - 1, 0), scalars.count)
    let end = min(start + max(length, 1), scalars.count)
    let before = Self.shown(scalars[..<start], from: 0)
    let marked = Self.shown(scalars[start..<end], from: before.displayWidth)
    let after = Self.shown(scalars[end...], from: before.displayWidth + marked.displayWidth)

    let window = Self.window(before, marked, after, width)
    line = Prose(unescaped: window.before + window.marked + window.after)
    carets = .blank(window.before.displayWidth) + .repeated("^", max(1, window.marked.displayWidth))
  }

  /// The text with tabs as spaces up to the next stop, and with other invisible characters made visible.
  private static func shown(_ scalars: ArraySlice<Unicode.Scalar>, from column: Int) -> String {
    var text = ""
    for (index, part) in scalars.split(separator: "\t", omittingEmptySubsequences: false).enumerated() {
      if index > 0 {
        let stop = 4
        text += String(repeating: " ", count: stop - (column + text.displayWidth) % stop)
      }
      var read = ""
      read.unicodeScalars += part
      text += read.visible
    }
    return text
  }

  private static func window(
    _ before: String, _ marked: String, _ after: String, _ width: Int
  ) -> (before: String, marked: String, after: String) {
    let whole = before.displayWidth + marked.displayWidth + after.displayWidth
    guard whole > width else { return (before, marked, after) }
    let marked = head(marked, width * 2 / 3)
    // The text before the place explains more than the text after it, so it gets more room.
    let left = max(
      0, min(before.displayWidth, max(width / 2, width - marked.displayWidth - after.displayWidth)))
    let before = tail(before, min(left, width - marked.displayWidth))
    return (before, marked, head(after, width - before.displayWidth - marked.displayWidth))
  }

  /// The start of a text, with … at its end when something is missing.
  private static func head(_ text: String, _ width: Int) -> String {
    guard text.displayWidth > width else { return text }
    return width > 0 ? fitting(text, width - 1) + "…" : ""
  }

  private static func tail(_ text: String, _ width: Int) -> String {
    guard text.displayWidth > width else { return text }
    return width > 0 ? "…" + String(fitting(String(text.reversed()), width - 1).reversed()) : ""
  }

  private static func fitting(_ text: String, _ width: Int) -> String {
    var used = 0
    return String(
      text.prefix { character in
        used += character.displayWidth
        return used <= width
      })
  }
}

/// Where something stands, with the line itself and carets under it.
enum PlaceText {
  /// The place, its line and carets under it; none without a place.
  static func lines(_ place: Place?, _ paint: Paint, _ width: Int) -> [Prose] {
    guard let place else { return [] }
    let number = String(place.line)
    let margin = String(repeating: " ", count: number.count + 1)
    let arrow = "\(margin)\(paint("-->", .dim)) \(place)" as Prose
    guard let text = place.excerpt else { return [arrow] }
    let gutter: Prose = "\(margin) \(paint("|", .dim))"
    // The gutter is a space, the number, a space, the bar and a space.
    let excerpt = Excerpt(
      text, column: place.column, length: place.length, width: max(20, width - number.count - 4))
    let bar: Prose = " \(paint("\(number) |", .dim))"
    return [
      arrow, gutter, excerpt.line.isEmpty ? bar : "\(bar) \(excerpt.line)",
      "\(gutter) \(paint(excerpt.carets, .bad))",
    ]
  }
}
