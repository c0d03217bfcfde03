internal import PhaseDB

/// Refinery: `V1__name.sql`, in folders below too. `U1__name.sql` is one that may come late, not a way back; there is no
/// way back (github.com/rust-db/refinery, refinery_core/src/util.rs).
struct RefineryReader: FolderReader {
  static let depth = 16
  let files: FolderFiles

  /// The parts of a file's name: `^([U|V])(\d+(?:\.\d+)?)__(\w+)`, followed by `.sql` or `.rs`.
  struct Name {
    let number: String
    let name: String
    let isLate: Bool
    let isCode: Bool

    init?(_ path: String) {
      let file = path.split(separator: "/").last.map(String.init) ?? path
      guard let prefix = file.first, prefix == "V" || prefix == "U",
        let (number, rest) = String(file.dropFirst()).cut(at: "__")
      else { return nil }
      let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      let ending = rest.dropFirst(name.count)
      let parts = number.split(separator: ".", omittingEmptySubsequences: false)
      guard !name.isEmpty, ending == ".sql" || ending == ".rs", (1...2).contains(parts.count),
        parts.allSatisfy(\.isDigits)
      else { return nil }
      (self.number, self.name) = (number, String(name))
      (isLate, isCode) = (prefix == "U", ending == ".rs")
    }
  }

  func folder() -> ToolFolder {
    var remarks = files.remarks
    var found: [(number: Int32, migration: ToolMigration)] = []
    for file in files.files where file.hasSuffix(".sql") || file.hasSuffix(".rs") {
      guard let name = Name(file) else {
        if file.hasSuffix(".sql") {
          remarks.append(
            ToolFolder.Remark("refinery passes over \(files.path(of: file)), whose name it does not know"))
        }
        continue
      }
      guard let number = Int32(name.number) else {
        remarks.append(
          ToolFolder.Remark(
            "\(files.path(of: file)): \(name.number) is no whole number of 32 bits: refinery refuses the folder"
          ))
        continue
      }
      if name.isLate {
        remarks.append(
          ToolFolder.Remark(
            "\(files.path(of: file)) is no way back: refinery applies it whenever it finds it missing"))
      }
      found.append((number, migration(number, name, file)))
    }
    found.sort { $0.number < $1.number }
    let migrations = found.map(\.migration)
    return ToolFolder(
      tool: .refinery, path: files.root, migrations: migrations,
      remarks: remarks + ToolFolder.Remark.repeated(migrations, "refinery cannot record both", in: files))
  }

  private func migration(_ number: Int32, _ name: Name, _ file: String) -> ToolMigration {
    let version = String(number)
    if name.isCode {
      return ToolMigration(
        version: version, name: name.name, files: [file], up: nil, down: nil,
        obstacle: "it is written in Rust")
    }
    let (read, obstacle) = files.file(file)
    return ToolMigration(
      version: version, name: name.name, files: [file],
      up: read.map { ToolScript($0, wrapping: files.options.noTransaction ? .none : .transaction) },
      down: nil,
      obstacle: obstacle, checksum: read.map { checksum(name.name, number, $0.original) })
  }

  /// What Rust's `Hash` feeds a hasher: a text is followed by 0xFF, and a number stands in little-endian bytes.
  private func checksum(_ name: String, _ number: Int32, _ sql: String) -> String {
    var bytes = Array(name.utf8) + [0xFF]
    bytes += withoutSign(number)
    bytes += Array(sql.utf8) + [0xFF]
    return String(SipHash.hash(bytes))
  }

  private func withoutSign(_ number: Int32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: UInt32(bitPattern: number) >> (8 * UInt32($0))) }
  }
}
