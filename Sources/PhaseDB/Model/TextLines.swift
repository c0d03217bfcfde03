/// Finds lines and columns in a text.
struct TextLines {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }

  /// The place of the byte at `offset`; past the end counts as the end.
  func place(at offset: Int, length: Int = 1, file: String, firstLine: Int = 1) -> Place {
    let offset = min(max(0, offset), bytes.count)
    var line = firstLine
    var start = 0
    for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      start = index + 1
    }
    var end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    let stop = min(offset + max(1, length), end)
    return Place(
      file: file, line: line, column: scalars(start, offset) + 1,
      excerpt: String(decoding: bytes[start..<end], as: UTF8.self),
      length: scalars(min(offset, stop), stop))
  }

  /// How many Unicode scalars start between two offsets: every byte but the continuation bytes starts one.
  private func scalars(_ from: Int, _ to: Int) -> Int {
    bytes[from..<to].count { $0 & 0xC0 != 0x80 }
  }
}

/// The lines in which two texts differ.
enum LineDifference {
  /// `-` before a line that only the first text has, `+` before one that only the second has, in their order.
  static func lines(from before: String, to after: String) -> [Prose] {
    let old = before.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = after.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var removed: [Int: String] = [:]
    var added: [Int: String] = [:]
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, let line, _): removed[offset] = line
      case .insert(let offset, let line, _): added[offset] = line
      }
    }
    var lines: [Prose] = []
    var (left, right) = (0, 0)
    while left < old.count || right < new.count {
      if let line = removed[left] {
        lines.append("- \(line)")
        left += 1
      } else if let line = added[right] {
        lines.append("+ \(line)")
        right += 1
      } else {
        left += 1
        right += 1
      }
    }
    return lines
  }
}
