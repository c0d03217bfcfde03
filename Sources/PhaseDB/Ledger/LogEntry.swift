/// One row of the ledger's log: who did what when.
package struct LogEntry: Sendable, Hashable {
  package enum Action: String, Sendable, Hashable, CaseIterable {
    /// The ledger was made.
    case begin
    /// The ledger was brought to a newer format.
    case upgrade
    /// A batched phase began, or another run continued it.
    case start, resume
    /// A phase went up.
    case up
    /// A phase came down.
    case down
    /// A run failed in a phase, and its changes there were rolled back.
    case stop
    /// A named checkpoint was set.
    case checkpoint
    /// A gate was overridden.
    case override
    /// The schema had changed from outside, and an operator accepted that.
    case drift
    /// An existing database was recorded as being at its baseline or at a phase.
    case adopt
    /// A snapshot was restored.
    case restore
    /// An applied phase got the number that the folder gives it.
    case renumber
    /// A baseline replaces phases from now on.
    case squash
    /// The evidence of a rehearsal was recorded.
    case rehearse
    /// The effects of a phase were counted and listed before it came down.
    case effects
    /// The archives or retired objects of a phase were destroyed.
    case purge
    /// Rows without a parent were accepted.
    case accept
    /// The watch of a phase had a verdict, or an operator waived it.
    case watch
    /// Watches were frozen, or allowed to reverse again.
    case freeze, unfreeze
    /// A lane was held or released.
    case lane
    /// A switch was made, changed or removed, or a subject was pinned.
    case `switch`
    /// A lease of a dead process was taken over.
    case takeOver = "take-over"
  }

  /// Counts up from 1.
  package let id: Int64
  package let at: Timestamp
  package let who: String
  package let host: String
  /// What was done. It may be a word of a newer version.
  package let action: String
  /// The phase, checkpoint or other object to which it was done; empty when there is none.
  package let subject: String
  package let detail: String
  /// SHA-256 over this row and the hash of the row before it, in hexadecimal, after the version of the hashed fields.
  package let hash: String
  /// SQLite's count of schema changes when the row was written.
  let schemaVersion: Int64

  /// Whether the hash covers SQLite's count of schema changes, too. The first hashes, without a version, do not.
  package var coversSchemaVersion: Bool { hash.hasPrefix(Self.version) }

  /// The detail for a list: without hashes of texts, schemas and files, which only programs compare.
  package var detailWithoutHashes: String {
    detail.split(separator: ", ").filter { part in
      let words = part.split(separator: " ")
      return !(words.count == 2 && words[1].utf8.count >= 32 && words[1].allSatisfy(\.isHexDigit))
    }.joined(separator: ", ")
  }

  private static let version = "2:"

  /// The hash that this row should have after a row with the hash `previous`, in the version of its own hash.
  ///
  /// Every field is preceded by its length, so that different rows never give the same bytes.
  func expectedHash(after previous: String) -> String {
    coversSchemaVersion ? presentHash(after: previous) : SHA256.hex(Self.bytes(of: fields(after: previous)))
  }

  /// The hash of a row that is written now.
  func presentHash(after previous: String) -> String {
    Self.version + SHA256.hex(Self.bytes(of: fields(after: previous) + [String(schemaVersion)]))
  }

  private func fields(after previous: String) -> [String] {
    [previous, String(id), at.text, who, host, action, subject, detail]
  }

  private static func bytes(of fields: [String]) -> [UInt8] {
    fields.flatMap { "\($0.utf8.count):\($0)".utf8 }
  }

  /// The value that the first row's hash covers in place of an earlier hash.
  static let genesis = String(repeating: "0", count: 64)

  /// The entries with a wrong hash, in order.
  static func broken(in entries: [LogEntry]) -> [LogEntry] {
    var previous = genesis
    var next: Int64 = 1
    return entries.filter { entry in
      defer { (previous, next) = (entry.hash, entry.id &+ 1) }
      return entry.id != next || entry.hash != entry.expectedHash(after: previous)
    }
  }
}
