internal import PhaseDB

/// Rows of text in aligned columns.
struct TextTable {
  struct Column {
    let title: Prose
    let alignment: Alignment

    init(_ title: Prose, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  enum Alignment {
    case left
    /// For numbers.
    case right
  }

  struct Cell: ExpressibleByStringInterpolation {
    let text: Prose
    let style: Style?
    /// Columns of the terminal that it takes.
    let width: Int

    init(_ text: Prose, _ style: Style? = nil) {
      self.text = text
      self.style = style
      width = text.description.displayWidth
    }

    /// A value, which is escaped.
    init(_ value: String, _ style: Style? = nil) { self.init(Prose(value), style) }

    init(stringLiteral text: String) { self.init(text) }
  }

  let columns: [Column]
  private(set) var rows: [[Cell]] = []

  init(_ columns: Column...) { self.init(columns) }

  init(_ columns: [Column]) { self.columns = columns }

  /// Cells that are missing at the end are empty, and those too many are left out.
  mutating func add(_ cells: Cell...) { add(cells) }

  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  mutating func add(row cells: [Cell]) { rows.append(cells) }

  /// The table with its titles, one line end after each line; empty when there are no rows.
  ///
  /// - Parameter width: the columns of the terminal, into which the last column is wrapped; nil when the reader is
  ///   no terminal, which has no right edge.
  func text(paint: Paint, width: Int?) -> Prose {
    guard !rows.isEmpty else { return "" }
    let titles = columns.map { Cell($0.title, .heading) }
    let widths = columns.indices.map { index in
      ([titles] + rows).map { $0.indices.contains(index) ? $0[index].width : 0 }.max() ?? 0
    }
    return ([titles] + rows).map { lines(of: $0, widths, paint, width) }.joined()
  }

  private func lines(of row: [Cell], _ widths: [Int], _ paint: Paint, _ width: Int?) -> Prose {
    let last = columns.count - 1
    let margin = widths.dropLast().reduce(0) { $0 + $1 + Self.gap.count }
    // A sliver of a column is worse to read than a line that the terminal breaks.
    let room = width.map { max($0 - margin, 16) }
    var line = Line()
    for index in 0..<last {
      let cell = row.indices.contains(index) ? row[index] : ""
      line.add(cell, columns[index].alignment, to: widths[index], paint)
      line.skip(Self.gap.count)
    }
    let cell = row.indices.contains(last) ? row[last] : ""
    let parts = room.map { Wrapped.text(cell.text, $0) } ?? [cell.text]
    for (index, part) in parts.enumerated() {
      if index > 0 { line.skip(margin) }
      let isRight = columns[last].alignment == .right && parts.count == 1
      line.add(
        parts.count == 1 ? cell : Cell(part, cell.style), isRight ? .right : .left, to: widths[last], paint)
      line.end()
    }
    return line.text
  }

  /// Text that is put together from left to right, without spaces at the end of a line.
  private struct Line {
    private(set) var text: Prose = ""
    private var spaces = 0

    mutating func skip(_ count: Int) { spaces += count }

    mutating func add(_ cell: Cell, _ alignment: Alignment, to width: Int, _ paint: Paint) {
      let padding = max(0, width - cell.width)
      if alignment == .right { spaces += padding }
      if !cell.text.isEmpty {
        if spaces > 0 { text += .blank(spaces) }
        spaces = 0
        text += cell.style.map { paint(cell.text, $0) } ?? cell.text
      }
      if alignment == .left { spaces += padding }
    }

    mutating func end() {
      spaces = 0
      text += "\n"
    }
  }

  private static let gap = "  "
}
