internal import PhaseDB

/// A page for people, made once and written as Markdown or as HTML: headings, paragraphs, lists, tables and figures.
///
/// Its texts are made like `Prose`: a literal is taken as it is, and a value is escaped by the writer of each form.
struct Page {
  let title: Prose
  /// The first line of the Markdown, by which a pipeline finds its own comment again: `phasedb-report`.
  let marker: StaticString
  var blocks: [Block] = []

  enum Block {
    /// The one thing to read.
    case lead(Text)
    case heading(Prose)
    case subheading(Prose)
    case paragraph(Text)
    case list([Text])
    case table(Table)
    case figure(Figure)
    /// Where the numbers before it come from.
    case source(Text)
  }

  /// Words in a line, some of them marked.
  struct Text {
    enum Span {
      case words(Prose)
      case strong(Prose)
      /// Literal text, such as a command or a file.
      case code(Prose)
      /// A verdict, with a sign that is seen without colour.
      case mark(Prose, Mark)
    }

    var spans: [Span] = []
  }

  /// How good a verdict is.
  enum Mark: String, CaseIterable {
    case good, doubtful, open, bad

    /// A sign for readers who see no colour.
    var sign: String {
      switch self {
      case .good: "●"
      case .doubtful: "◐"
      case .open: "○"
      case .bad: "✕"
      }
    }
  }

  struct Table {
    var columns: [Column]
    var rows: [[Text]] = []

    struct Column {
      let title: Prose
      let isNumber: Bool

      init(_ title: Prose, isNumber: Bool = false) { (self.title, self.isNumber) = (title, isNumber) }
    }

    init(_ columns: Column...) { self.columns = columns }
  }

  /// A picture with its numbers as a table. Markdown can only show pictures that are files, so it gets the table.
  struct Figure {
    let title: Prose
    /// A description of the picture for readers who cannot see it.
    let description: Prose
    let drawing: Drawing
    let table: Table
  }
}

extension Page.Text: ExpressibleByStringInterpolation {
  init(_ words: Prose) { spans = words.isEmpty ? [] : [.words(words)] }

  init(stringLiteral words: StaticString) { self.init(Prose(stringLiteral: words)) }
  init(stringInterpolation: Interpolation) { spans = stringInterpolation.spans }

  static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.spans += right.spans
    return sum
  }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var spans: [Span] = []

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ words: StaticString) {
      let words = Prose(stringLiteral: words)
      if !words.isEmpty { spans.append(.words(words)) }
    }
    mutating func appendInterpolation(_ words: Prose) { if !words.isEmpty { spans.append(.words(words)) } }
    mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      appendInterpolation(Prose(value))
    }
    mutating func appendInterpolation(_ text: Page.Text) { spans += text.spans }
    mutating func appendInterpolation(strong words: Prose) { spans.append(.strong(words)) }
    mutating func appendInterpolation(code: Prose) { spans.append(.code(code)) }
    mutating func appendInterpolation(_ words: Prose, mark: Page.Mark) { spans.append(.mark(words, mark)) }
  }
}

extension Sequence<Page.Text> {
  func joined(separator: Page.Text) -> Page.Text {
    reduce(nil as Page.Text?) { sum, part in sum.map { $0 + separator + part } ?? part } ?? ""
  }
}
