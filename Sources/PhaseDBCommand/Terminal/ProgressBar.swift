internal import PhaseDB

/// The progress of a batched phase on standard error: on a terminal one line that is redrawn, elsewhere a line now and
/// then.
final class ProgressBar {
  private let output: Output
  private let paint: Paint
  /// Columns of the terminal; nil when there is none, so that nothing can be redrawn.
  private let width: Int?
  private let clock: () -> ContinuousClock.Instant
  private var lastDrawn: ContinuousClock.Instant?
  private var isDrawn = false

  /// How often the line is redrawn on a terminal, and written elsewhere.
  private static let redraw = Duration.milliseconds(100)
  private static let report = Duration.seconds(10)

  init(
    _ output: Output, paint: Paint, width: Int?,
    clock: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }
  ) {
    self.output = output
    self.paint = paint
    self.width = width
    self.clock = clock
  }

  /// Shows how far a phase has come, unless it was shown just now.
  func show(_ id: PhaseID, _ direction: Direction, _ progress: Event.BatchProgress) {
    let now = clock()
    guard let last = lastDrawn else {
      // The first batch says nothing yet that a log would want to keep.
      lastDrawn = now
      if width != nil { draw(Self.line(id, direction, progress, width: width ?? 80, paint: paint)) }
      return
    }
    guard now - last >= (width == nil ? Self.report : Self.redraw) else { return }
    lastDrawn = now
    if width == nil {
      output.line(text(id, direction, progress))
    } else {
      draw(Self.line(id, direction, progress, width: width ?? 80, paint: paint))
    }
  }

  /// Makes room for an ordinary line.
  func clear() {
    if isDrawn { output.write("\r\u{1B}[K") }
    isDrawn = false
  }

  /// Ends the display of the phase.
  func end() {
    clear()
    lastDrawn = nil
  }

  private func draw(_ line: Prose) {
    // Erase to the end of the line (ECMA-48, EL): what was there may have been longer.
    output.write("\r\(line)\u{1B}[K")
    isDrawn = true
  }

  /// What is known in words, as a log keeps it.
  private func text(_ id: PhaseID, _ direction: Direction, _ progress: Event.BatchProgress) -> Prose {
    "\(id.short) \(direction.rawValue): \(Self.facts(progress).joined(separator: ", "))"
  }

  /// The bar takes the room that the facts leave; if that is little, there are fewer facts.
  static func line(
    _ id: PhaseID, _ direction: Direction, _ progress: Event.BatchProgress, width: Int, paint: Paint
  ) -> Prose {
    let room = width - 1
    let name = Wrapped.cut("\(id.short) \(direction.rawValue)", max(16, room / 3)).description
    var facts = facts(progress)
    // The bar has at least ten cells, with its spaces; facts in the middle give way to it.
    while facts.count > 1, length(name, facts) + 13 > room { facts.remove(at: max(0, facts.count - 2)) }
    let left = room - length(name, facts)
    guard left >= 13, let fraction = progress.fraction else {
      return Prose(String("\(name)  \(facts.joined(separator: "  "))".prefix(room)))
    }
    let cells = min(left - 3, 30)
    let full = min(cells, Int(Double(cells) * fraction))
    let bar =
      paint(.repeated("█", full), .good) + .repeated("░", cells - full)
    return "\(name)  \(bar)  \(facts.joined(separator: "  "))"
  }

  private static func length(_ name: String, _ facts: [String]) -> Int {
    name.displayWidth + facts.reduce(0) { $0 + $1.count + 2 }
  }

  /// The remaining time comes last, where an eye looks for it.
  private static func facts(_ progress: Event.BatchProgress) -> [String] {
    let rate = CountText.text(Int(progress.rowsPerSecond))
    return [
      progress.fraction.map(PercentText.text), CountText.text(progress.rows, "row"), "\(rate) rows/s",
      "hold \(milliseconds(progress.hold.last))", "pause \(milliseconds(progress.pauseMilliseconds))",
      progress.remaining.map { "\(TimeText.text($0)) left" } ?? "estimating",
    ].compactMap(\.self)
  }

  private static func milliseconds(_ value: Double) -> String { TimeText.text(.milliseconds(value)) }
}
