internal import PhaseDB

/// Cloudflare D1: `0001_name.sql`, by number, recorded by the file's name. D1 runs each in a transaction of its own, and there
/// is no way back.
struct D1Reader: FolderReader {
  let files: FolderFiles

  func folder() -> ToolFolder {
    // Files without a number keep their places in the order of names.
    let names = files.topFiles.filter { $0.hasSuffix(".sql") }.enumerated().sorted { left, right in
      let (one, other) = (number(left.element), number(right.element))
      guard let one, let other, one != other else { return left.offset < right.offset }
      return one < other
    }.map(\.element)
    return ToolFolder(
      tool: .d1, path: files.root,
      migrations: names.map { name in
        let (file, obstacle) = files.file(name)
        return ToolMigration(
          version: name, name: String(name.dropLast(4)), files: [name],
          up: file.map { ToolScript($0, wrapping: .transaction) }, down: nil, obstacle: obstacle)
      }, remarks: files.remarks)
  }

  private func number(_ file: String) -> Double? {
    let digits = file.prefix { $0.isASCII && $0.isNumber }
    return digits.isEmpty ? nil : Double(digits)
  }
}
