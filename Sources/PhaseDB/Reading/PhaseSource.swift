/// The text of a phase file, with a way from its bytes to places.
struct PhaseSource {
  let file: String
  let text: String
  let bytes: [UInt8]

  init(_ text: String, file: String) {
    // A byte order mark is no part of the first line: columns would be off by one.
    let text = text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? String(text.unicodeScalars.dropFirst()) : text
    self.file = file
    self.text = text
    self.bytes = Array(text.utf8)
  }

  func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  func place(_ range: Range<Int>) -> Place {
    TextLines(text).place(at: range.lowerBound, length: range.count, file: file)
  }

  /// The line that an offset is on, counted from 1.
  func line(at offset: Int) -> Int {
    bytes[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
  }

  /// The range without the white space at either end.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var range = range
    while let first = range.first, bytes[first].isSpace { range = range.dropFirst() }
    while let last = range.last, bytes[last].isSpace { range = range.dropLast() }
    return range
  }
}

extension UInt8 {
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
