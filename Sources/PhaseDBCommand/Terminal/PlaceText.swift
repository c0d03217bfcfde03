internal import PhaseDB

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
