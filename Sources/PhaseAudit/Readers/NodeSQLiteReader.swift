internal import PhaseDB

/// The npm package sqlite: `001-name.sql` with the ways up and down in one file, by number. Its table keeps both texts
/// (github.com/kriasoft/node-sqlite, src/utils/migrate.ts).
struct NodeSQLiteReader: FolderReader {
  let files: FolderFiles

  func folder() -> ToolFolder {
    var found: [(number: Double, migration: ToolMigration)] = []
    for file in files.topFiles where file.hasSuffix(".sql") {
      // `^(\d+).(.*?)\.sql$`: any character after the number.
      let digits = file.prefix { $0.isASCII && $0.isNumber }
      let rest = file.dropFirst(digits.count).dropFirst()
      guard !digits.isEmpty, rest.hasSuffix(".sql") else { continue }
      // JavaScript has one kind of number, so two long ones may be the same.
      let number = Double(digits) ?? 0
      let version = Int64(exactly: number).map(String.init) ?? String(digits)
      found.append((number, migration(version, String(rest.dropLast(4)), file)))
    }
    found.sort { $0.number < $1.number }
    let migrations = found.map(\.migration)
    return ToolFolder(
      tool: .nodeSQLite, path: files.root, migrations: migrations,
      remarks: files.remarks
        + ToolFolder.Remark.repeated(migrations, "the second cannot be recorded", in: files))
  }

  private func migration(_ version: String, _ name: String, _ file: String) -> ToolMigration {
    let (read, obstacle) = files.file(file)
    guard let read else {
      return ToolMigration(
        version: version, name: name, files: [file], up: nil, down: nil, obstacle: obstacle)
    }
    let parts = Self.parts(read.bytes)
    let (up, down) = (ToolFile(read, Self.withoutComments(read.bytes[parts.up])), parts.down)
    return ToolMigration(
      version: version, name: name, files: [file], up: ToolScript(up, wrapping: .transaction),
      down: down.map { ToolScript(read, $0, wrapping: .transaction) },
      checksum: recorded(
        up: up.text.trimmed, down: down.map { String(decoding: read.bytes[$0], as: UTF8.self).trimmed } ?? "")
    )
  }

  /// The parts before and after the first place that matches `^--\s+?down\b`; what follows the second is dropped. In a
  /// comment that begins with the word, or in a string, it matches too.
  private static func parts(_ bytes: [UInt8]) -> (up: Range<Int>, down: Range<Int>?) {
    var marks: [Range<Int>] = []
    for line in Bytes.lines(of: bytes) where line.text.hasPrefix("--") {
      var position = line.range.lowerBound + 2
      let isSpace: (Int) -> Bool = {
        $0 < bytes.count && (bytes[$0] == 0x20 || (0x09...0x0D).contains(bytes[$0]))
      }
      guard isSpace(position) else { continue }
      while isSpace(position) { position += 1 }
      let word = bytes[position...].prefix { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == 0x5F
      }
      if String(decoding: word, as: UTF8.self).lowercased() == "down" {
        marks.append(line.range.lowerBound..<position + 4)
      }
    }
    guard let first = marks.first else { return (0..<bytes.count, nil) }
    return (0..<first.lowerBound, first.upperBound..<(marks.dropFirst().first?.lowerBound ?? bytes.count))
  }

  /// Lines that begin with `-- ` are emptied, those of a string among them.
  private static func withoutComments(_ bytes: ArraySlice<UInt8>) -> String {
    let bytes = Array(bytes)
    return Bytes.lines(of: bytes).map { line in
      (line.text.hasPrefix("-- ") ? "" : line.text)
        + String(decoding: bytes[line.range.upperBound..<line.end], as: UTF8.self)
    }.joined()
  }

  /// What the table has in `up` and `down`, as one text.
  static func recorded(up: String, down: String) -> String { "\(up)\n-- down\n\(down)" }

  private func recorded(up: String, down: String) -> String { Self.recorded(up: up, down: down) }
}
