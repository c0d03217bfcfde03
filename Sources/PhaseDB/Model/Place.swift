/// A point in a text that somebody wrote: file, line and column, with the line itself so that an error can show it.
///
/// Lines and columns count from 1; a column counts Unicode scalars, so that a caret lands under the right
/// character. `length` is how many columns the caret line underlines, at least 1.
public struct Place: Sendable, Hashable {
  public var file: String
  public var line: Int
  public var column: Int
  /// The text of `line`, without its line end; nil when the text is not at hand.
  public var excerpt: String?
  public var length: Int

  public init(file: String, line: Int, column: Int, excerpt: String? = nil, length: Int = 1) {
    self.file = file
    self.line = line
    self.column = column
    self.excerpt = excerpt
    self.length = max(1, length)
  }
}

extension Place: CustomStringConvertible {
  public var description: String { "\(file):\(line):\(column)" }
}
