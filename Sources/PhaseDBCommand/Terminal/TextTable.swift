internal import PhaseDB

/// Rows of text in aligned columns, as many of them as the terminal has room for.
struct TextTable {
  struct Column {
    let title: Prose
    let alignment: Alignment
    /// If the terminal is too narrow, columns with the highest numbers are left out first; nil for a column that always
    /// stays.
    let dropped: Int?

    init(_ title: Prose, _ alignment: Alignment = .left, dropped: Int? = nil) {
      self.title = title
      self.alignment = alignment
      self.dropped = dropped
    }
  }

  /// What happens to the last column if the terminal is too narrow.
  enum Overflow {
    /// It takes more lines.
    case wraps
    /// It is cut, so that a row stays a line.
    case isCut
  }

  enum Alignment {
    case left
    /// For numbers.
    case right
  }

  struct Cell: ExpressibleByStringInterpolation {
    let text: Prose
    let style: Style?
    /// Its width in columns of the terminal.
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

  private(set) var columns: [Column]
  private(set) var rows: [[Cell]] = []
  private let overflow: Overflow

  init(_ columns: Column..., overflow: Overflow = .wraps) { self.init(columns, overflow: overflow) }

  init(_ columns: [Column], overflow: Overflow = .wraps) {
    self.columns = columns
    self.overflow = overflow
  }

  /// Cells that are missing at the end are empty, and those too many are left out.
  mutating func add(_ cells: Cell...) { add(cells) }

  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  mutating func add(row cells: [Cell]) { rows.append(cells) }

  /// The table with its titles, one line end after each line; empty when there are no rows. A column without content
  /// is left out.
  ///
  /// - Parameter width: the columns of the terminal; nil when the reader is no terminal, which has no right edge.
  func text(paint: Paint, width: Int?) -> Prose {
    guard !rows.isEmpty else { return "" }
    let table = fitting(width)
    guard !table.columns.isEmpty else { return "" }
    let titles = table.columns.map { Cell($0.title, .heading) }
    let widths = table.widths
    var text = Line()
    for row in [titles] + table.rows { table.add(row, to: &text, widths, paint, width) }
    return Prose(unescaped: text.text)
  }

  /// The widest cell of each column, its title included.
  private var widths: [Int] {
    columns.indices.map { index in
      max(columns[index].title.description.displayWidth, rows.map { $0[index].width }.max() ?? 0)
    }
  }

  /// The same without empty columns, with a cell for each place, and without the columns that have no room.
  private func fitting(_ width: Int?) -> TextTable {
    var table = self
    table.rows = rows.map { row in columns.indices.map { row.indices.contains($0) ? row[$0] : "" } }
    for index in columns.indices.reversed() where table.rows.allSatisfy({ $0[index].text.isEmpty }) {
      table.remove(column: index)
    }
    guard let width else { return table }
    for index in table.columns.indices.dropLast() {
      // One long name must not take the room of everything else.
      let most = max(16, width / 2)
      for row in table.rows.indices where table.rows[row][index].width > most {
        let cell = table.rows[row][index]
        table.rows[row][index] = Cell(Wrapped.cut(cell.text, most), cell.style)
      }
    }
    while table.leastWidth > width,
      let last = table.columns.indices.filter({ table.columns[$0].dropped != nil })
        .max(by: { table.columns[$0].dropped ?? 0 < table.columns[$1].dropped ?? 0 })
    {
      table.remove(column: last)
    }
    return table
  }

  private mutating func remove(column index: Int) {
    columns.remove(at: index)
    for row in rows.indices { rows[row].remove(at: index) }
  }

  /// Its least width, with the last column wrapped or cut.
  private var leastWidth: Int {
    let widths = widths
    return widths.dropLast().reduce(0) { $0 + $1 + Self.gap }
      + min(widths.last ?? 0, overflow == .isCut ? 24 : 45)
  }

  private func add(_ row: [Cell], to line: inout Line, _ widths: [Int], _ paint: Paint, _ width: Int?) {
    let last = columns.count - 1
    let margin = widths.dropLast().reduce(0) { $0 + $1 + Self.gap }
    // A very narrow column is harder to read than a line that the terminal breaks.
    let room = width.map { max($0 - margin, 16) }
    for index in 0..<last {
      line.add(row[index], columns[index].alignment, to: widths[index], paint)
      line.skip(Self.gap)
    }
    let cell = row[last]
    let parts: [Prose] =
      switch (room, overflow) {
      case (nil, _): [cell.text]
      case (let room?, .wraps): Wrapped.text(cell.text, room)
      case (let room?, .isCut): [Wrapped.cut(cell.text, room)]
      }
    for (index, part) in parts.enumerated() {
      if index > 0 { line.skip(margin) }
      let isRight = columns[last].alignment == .right && parts.count == 1
      line.add(
        Cell(part, cell.style), isRight ? .right : .left, to: widths[last], paint)
      line.end()
    }
  }

  /// Lines that are composed from left to right, without spaces at their ends. The parts are escaped already.
  private struct Line {
    private(set) var text = ""
    private var spaces = 0

    mutating func skip(_ count: Int) { spaces += count }

    mutating func add(_ cell: Cell, _ alignment: Alignment, to width: Int, _ paint: Paint) {
      let padding = max(0, width - cell.width)
      if alignment == .right { spaces += padding }
      if !cell.text.isEmpty {
        text += String(repeating: " ", count: spaces)
        spaces = 0
        text += (cell.style.map { paint(cell.text, $0) } ?? cell.text).description
      }
      if alignment == .left { spaces += padding }
    }

    mutating func end() {
      spaces = 0
      text += "\n"
    }
  }

  private static let gap = 2
}
