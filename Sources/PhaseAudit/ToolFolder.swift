package import PhaseDB

/// The migrations of a folder, as the reader of its tool found them.
package struct ToolFolder: Sendable {
  package let tool: MigrationTool
  /// The folder, as it was named.
  package let path: String
  /// In the order in which the tool applies them.
  package var migrations: [ToolMigration]
  /// What the reader noticed besides: a file that is no migration, a number that is there twice.
  package var remarks: [Remark]

  package init(tool: MigrationTool, path: String, migrations: [ToolMigration], remarks: [Remark] = []) {
    self.tool = tool
    self.path = path
    self.migrations = migrations
    self.remarks = remarks
  }

  /// Something about a file that a person should know.
  package struct Remark: Sendable, Hashable {
    /// A sentence.
    package let message: Prose
    package let place: Place?

    package init(_ message: Prose, at place: Place? = nil) {
      self.message = message
      self.place = place
    }
  }
}

/// One migration of another tool.
package struct ToolMigration: Sendable {
  /// As the tool's own table records it: `20240101120000`, `3`, a name.
  package let version: String
  /// What people call it; the version where it has no other name.
  package let name: String
  /// The files that it stands in, relative to the folder.
  package let files: [String]
  /// nil when it has none, or cannot be read.
  package let up: ToolScript?
  /// nil when there is no such file or section. A script without a statement is an empty one, not nil.
  package let down: ToolScript?
  /// Why it cannot be judged: it is written in Go, it has placeholders. nil when it can.
  package let obstacle: Prose?
  /// What the tool's table records of its text, in the form in which it is recorded there; nil when it records nothing.
  package let checksum: String?
  /// Whether the tool applies it again whenever its text changes.
  package let isRepeatable: Bool

  package init(
    version: String, name: String, files: [String], up: ToolScript?, down: ToolScript?,
    obstacle: Prose? = nil, checksum: String? = nil, isRepeatable: Bool = false
  ) {
    self.version = version
    self.name = name
    self.files = files
    self.up = up
    self.down = down
    self.obstacle = obstacle
    self.checksum = checksum
    self.isRepeatable = isRepeatable
  }
}

/// SQL of another tool, and how the tool runs it.
package struct ToolScript: Sendable {
  /// The SQL.
  package let text: String
  /// The file that it stands in, as an error names it, and the line on which `text` starts, from 1 on.
  package let file: String
  package let firstLine: Int
  /// Each statement as the tool hands it to SQLite, by UTF-8 offsets in `text`. Where a tool hands over the whole text,
  /// these are SQLite's own statements.
  package let statements: [Range<Int>]
  package let wrapping: Wrapping

  package init(
    text: String, file: String, firstLine: Int = 1, statements: [Range<Int>], wrapping: Wrapping
  ) {
    self.text = text
    self.file = file
    self.firstLine = firstLine
    self.statements = statements
    self.wrapping = wrapping
  }

  /// The transaction that the tool opens around it.
  package enum Wrapping: Sendable, Hashable {
    /// One around the whole script.
    case transaction
    /// None: the script brings its own or runs statement by statement.
    case none
  }
}

/// What the table of another tool says about a database.
package struct ToolHistory: Sendable, Hashable {
  /// The table that was read.
  package let table: String
  /// Each applied migration, in the order in which it was applied.
  package let applied: [Entry]
  /// The version at which the tool says that it stopped half way; nil when there is none.
  package let dirty: String?

  package init(table: String, applied: [Entry], dirty: String? = nil) {
    self.table = table
    self.applied = applied
    self.dirty = dirty
  }

  package struct Entry: Sendable, Hashable {
    package let version: String
    package let checksum: String?
    /// Whether everything that the tool orders before it counts as applied too: some tools record only how far they are.
    package let coversEarlier: Bool
    /// The way down, where the table keeps it.
    package let down: String?

    package init(version: String, checksum: String? = nil, coversEarlier: Bool = false, down: String? = nil) {
      self.version = version
      self.checksum = checksum
      self.coversEarlier = coversEarlier
      self.down = down
    }
  }
}
