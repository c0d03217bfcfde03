import Foundation

/// A Markdown file, as far as these tests need to understand it.
struct Document {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let folder = root.appending(path: "Sources/PhaseDB/PhaseDB.docc")
  static let pages = [
    "PhaseDB", "Architecture", "Audit", "CI", "Changes", "Commands", "Concepts", "CuttingOver", "Effects",
    "Errors",
    "GoingBack",
    "Guarantees",
    "Import", "JSONOutput", "Lanes",
    "Library", "Operating", "Peers", "Recipes", "Rehearse", "Reliability", "Report", "Rules", "Settings",
    "StartHere", "StartWithYourDatabase",
    "Switches",
    "Watching",
    "Words",
    "WritingMigrations",
  ]

  struct Block {
    let info: String
    let text: String
    /// Where the text starts.
    let line: Int
    /// The last line before the block that is not empty.
    let before: String
    /// The entry it stands in.
    let entry: String?
  }

  struct Section {
    let title: String
    var entries: [String] = []
  }

  /// Where it stands: what its links are relative to.
  let folder: URL
  let text: String
  private(set) var blocks: [Block] = []
  private(set) var sections: [Section] = []
  /// The first cell of every row of a table that is one piece of code.
  private(set) var firstCells: [String] = []

  init(_ name: String) throws {
    folder = name == "README" ? Self.root : Self.folder
    text = try String(contentsOf: folder.appending(path: name + ".md"), encoding: .utf8)
    var open: (info: String, lines: [String], line: Int, before: String)?
    var before = ""
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(
            Block(
              info: block.info, text: block.lines.joined(separator: "\n"), line: block.line,
              before: block.before, entry: sections.last?.entries.last))
        }
        open = open == nil ? (String(line.dropFirst(3)), [], index + 2, before) : nil
      } else if open != nil {
        open?.lines.append(line)
      } else {
        read(line)
        if !line.isEmpty { before = line }
      }
    }
  }

  private mutating func read(_ line: String) {
    if line.hasPrefix("## ") { sections.append(Section(title: String(line.dropFirst(3)))) }
    if let entry = line.wholeMatch(of: #/### `([a-z0-9-]+)`/#), !sections.isEmpty {
      sections[sections.count - 1].entries.append(String(entry.output.1))
    }
    if let row = line.prefixMatch(of: #/\| `([^`]+)` \|/#) { firstCells.append(String(row.output.1)) }
  }

  static func normalized(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
