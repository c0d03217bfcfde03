internal import PhaseSQLite

/// Reads a text file that a person wrote.
package enum TextFile {
  /// The largest file that is read. A phase file is never that large; large data should be loaded in another way.
  static let limit = 8 << 20

  /// Reads UTF-8 text.
  ///
  /// - Throws: `file-unreadable`, `file-too-large`, or `invalid-text` with the place of the first wrong byte.
  package static func read(_ path: String) throws(MigrationError) -> String {
    let bytes: [UInt8]
    do {
      bytes = try FileReading.bytes(of: path, limit: limit)
    } catch {
      throw unreadable(path, error)
    }
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw invalid(bytes, path)
    }
    return text
  }

  private static func unreadable(_ path: String, _ failure: FileReading.Failure) -> MigrationError {
    switch failure {
    case .system(_, let words):
      MigrationError(
        .fileUnreadable, "cannot read \(path): \(words)",
        help: ["check that the file exists and that you may read it"])
    case .notAFile, .tooMany:
      MigrationError(
        .fileUnreadable, "cannot read \(path): it is not a file", help: ["put a text file there"])
    case .tooLarge(let size):
      MigrationError(
        .fileTooLarge, "\(path) has \(megabytes(size)) MB, the limit is \(megabytes(limit)) MB",
        help: ["a phase file holds SQL; load large data with the application or the sqlite3 shell"])
    }
  }

  /// With one decimal.
  private static func megabytes(_ bytes: Int) -> String {
    let tenths = bytes / (1 << 10) * 10 / (1 << 10)
    return tenths.isMultiple(of: 10) ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  private static func invalid(_ bytes: [UInt8], _ path: String) -> MigrationError {
    let offset = validPrefix(bytes)
    var place = TextLines(String(decoding: bytes, as: UTF8.self)).place(at: offset, file: path)
    place.excerpt = place.excerpt.map { String($0.map { $0 == "\0" ? "\u{FFFD}" : $0 }) }
    let isNUL = offset < bytes.count && bytes[offset] == 0
    let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
    return MigrationError(
      .invalidText,
      isNUL
        ? "a NUL byte at byte \(offset) of the file" : "byte \(offset) of the file is not valid UTF-8",
      at: place,
      help: [
        isNUL
          ? "remove it; SQL in a file is text without NUL"
          : isUTF16 ? "the file seems to be UTF-16: save it as UTF-8" : "save the file as UTF-8"
      ])
  }

  /// How many bytes from the start are UTF-8 without NUL.
  private static func validPrefix(_ bytes: [UInt8]) -> Int {
    var parser = UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var count = 0
    while case .valid(let scalar) = parser.parseScalar(from: &rest), scalar.first != 0 {
      count += scalar.count
    }
    return count
  }
}
