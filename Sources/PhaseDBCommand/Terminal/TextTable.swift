/// Rows of text in aligned columns.
struct TextTable {
  struct Column {
    let title: String
    let alignment: Alignment

    init(_ title: String, _ alignment: Alignment = .left) {
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
    let text: String
    let style: Style?

    init(_ text: String, _ style: Style? = nil) {
      self.text = text.visible
      self.style = style
    }

    init(stringLiteral text: String) { self.init(text) }
  }

  let columns: [Column]
  private(set) var rows: [[Cell]] = []

  init(_ columns: Column...) { self.columns = columns }

  /// Cells that are missing at the end are empty.
  mutating func add(_ cells: Cell...) { rows.append(cells) }

  /// The table with its titles, one line end after each line; empty when there are no rows.
  ///
  /// - Parameter width: the columns of the terminal, into which the last column is wrapped; nil when the reader is
  ///   no terminal, which has no right edge.
  func text(paint: Paint, width: Int?) -> String {
    guard !rows.isEmpty else { return "" }
    let titles = columns.map { Cell($0.title, .heading) }
    let widths = columns.indices.map { index in
      ([titles] + rows).map { $0.indices.contains(index) ? $0[index].text.displayWidth : 0 }.max() ?? 0
    }
    return ([titles] + rows).map { lines(of: $0, widths, paint, width) }.joined()
  }

  private func lines(of row: [Cell], _ widths: [Int], _ paint: Paint, _ width: Int?) -> String {
    let last = columns.count - 1
    let margin = widths.dropLast().reduce(0) { $0 + $1 + Self.gap.count }
    // A sliver of a column is worse to read than a line that the terminal breaks.
    let room = width.map { max($0 - margin, 16) }
    var text = ""
    for index in 0..<last {
      let cell = row.indices.contains(index) ? row[index] : ""
      text += padded(cell, columns[index].alignment, to: widths[index], paint) + Self.gap
    }
    let cell = row.indices.contains(last) ? row[last] : ""
    let parts = room.map { Wrapped.text(cell.text, $0) } ?? [cell.text]
    let indent = String(repeating: " ", count: margin)
    for (index, part) in parts.enumerated() {
      let part = Cell(part, cell.style)
      let isRight = columns[last].alignment == .right && parts.count == 1
      text +=
        (index == 0 ? "" : indent)
        + (isRight ? padded(part, .right, to: widths[last], paint) : painted(part, paint))
      while text.last == " " { text.removeLast() }
      text += "\n"
    }
    return text
  }

  private func padded(_ cell: Cell, _ alignment: Alignment, to width: Int, _ paint: Paint) -> String {
    let padding = String(repeating: " ", count: max(0, width - cell.text.displayWidth))
    return alignment == .left ? painted(cell, paint) + padding : padding + painted(cell, paint)
  }

  private func painted(_ cell: Cell, _ paint: Paint) -> String {
    cell.style.map { paint(cell.text, $0) } ?? cell.text
  }

  private static let gap = "  "
}
