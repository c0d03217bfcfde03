/// The first lines of a list, and how many more there are.
package enum DetailLines {
  static let limit = 10

  package static func rows(_ count: Int) -> Prose { Prose(CountText.text(count, "row")) }

  static func first(_ lines: [Prose]) -> [Prose] {
    lines.count <= limit ? lines : lines.prefix(limit) + ["… and \(lines.count - limit) more"]
  }
}
