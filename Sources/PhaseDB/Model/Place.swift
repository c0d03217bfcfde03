/// A position in a text: file, line and column, with the line itself so that an error can show it.
///
/// Lines and columns count from 1; a column counts Unicode scalars, so that a caret lands under the right
/// character. `length` is how many columns the caret line underlines, at least 1.
public struct Place: Sendable, Hashable {
  /// The file, as an error names it.
  public package(set) var file: String
  /// The line, counted from 1.
  public package(set) var line: Int
  /// The column in characters, counted from 1.
  public package(set) var column: Int
  /// The text of `line`, without its line end; nil when the text is not available.
  public package(set) var excerpt: String?
  /// How many characters it covers; at least 1.
  public package(set) var length: Int

  package init(file: String, line: Int, column: Int, excerpt: String? = nil, length: Int = 1) {
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
