internal import PhaseSQL
internal import PhaseSQLite
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What is in an archive's table, and how to find the rows that it belongs to: the JSON in `phasedb_archive`.
struct ArchiveContent: Codable, Sendable {
  struct Column: Codable, Sendable {
    let name: String
    /// What it was called after the transition; nil when it was gone.
    let after: String?
    /// Whether it is restored only while it holds what the transition left there: `w1`, `w2` … tell.
    let isTracked: Bool
  }

  /// Another table, of which the way back reads the row whose columns `there` have the values of the row's columns
  /// `here`.
  struct Lookup: Codable, Sendable {
    let table: String
    let there: [String]
    let here: [String]
    /// What is hashed of it.
    let columns: [String]
  }

  /// Where the rows went on after the transition.
  struct Successor: Codable, Sendable {
    let table: String
    let key: [String]
    /// The columns over which `rest` was hashed.
    let hashed: [String]
  }

  /// The tables from which the way back makes values, each with its sum.
  ///
  /// Written as an array: two keys of a JSON object become one where they differ only in how an accent is written.
  /// Ledgers have objects in them, too, from before that was seen.
  struct Sources: Codable, Sendable {
    struct Source: Codable, Sendable {
      let table: String
      let sum: String
    }

    let all: [Source]

    init(_ all: [Source]) { self.all = all }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let sums = try? container.decode([String: String].self) {
        all = sums.sorted { $0.key < $1.key }.map { Source(table: $0.key, sum: $0.value) }
      } else {
        all = try container.decode([Source].self)
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(all)
    }
  }

  /// The hash of the phase's text that took it.
  let text: String
  let key: RowKey
  /// Other tables of which a row counts as a part of each row.
  let lookups: [Lookup]
  /// In the order of `v1`, `v2` …
  let columns: [Column]
  /// nil when whole rows are kept that could not be followed.
  let successor: Successor?
  /// Whether rows may be in it that were gone after the transition.
  let hasGoneRows: Bool
  /// Whether the table stayed, or was made again, with rows that could not be followed.
  let isMoved: Bool
  /// The sums of the tables from which the way back makes values, as they were after the transition.
  let sources: Sources
  /// The AUTOINCREMENT counter of the table; nil when it had none.
  let counter: Int64?
  /// Whether it holds rows that the way back was seen not to give back with the other archives: rows that
  /// have not changed since become what they were, the others are left to the SQL. nil in archives of earlier versions.
  private(set) var isSupplement: Bool?
  /// What rows without a parent held in the columns of their foreign keys when they were taken: such a row comes back
  /// without one. nil in archives of earlier versions, and where there were none.
  var orphans: [String]?
  /// Whether it has every row that the table had, so that no row of today was there under another key without being in it.
  var isComplete: Bool?

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// One command reads the same archive many times, so what is short is decoded once in a process.
  init(_ record: ArchiveRecord) throws(MigrationError) {
    let text = ExactName(record.content)
    if let known = Self.known.withLock({ $0[text] }) {
      self = known
      return
    }
    do {
      self = try JSONDecoder().decode(ArchiveContent.self, from: Data(record.content.utf8))
    } catch {
      throw Ledger.damaged("the content of archive \(record.id) in phasedb_archive cannot be read")
    }
    let content = self
    guard record.content.utf8.count <= 4_096 else { return }
    Self.known.withLock { known in
      if known.count >= 100 { known.removeAll() }
      known[text] = content
    }
  }

  private static let known = Mutex<[ExactName: ArchiveContent]>([:])

  init(
    text: String, key: RowKey, lookups: [Lookup], columns: [Column], successor: Successor?, hasGoneRows: Bool,
    isMoved: Bool,
    sources: Sources, counter: Int64?, isSupplement: Bool = false
  ) {
    self.text = text
    self.key = key
    self.lookups = lookups
    self.columns = columns
    self.successor = successor
    self.hasGoneRows = hasGoneRows
    self.isMoved = isMoved
    self.sources = sources
    self.counter = counter
    self.isSupplement = isSupplement ? true : nil
  }
}

extension ArchiveContent {
  /// Where a column's values went on; nil when they are nowhere else.
  func origin(of column: Column) -> TracedColumn.Origin? {
    guard let successor, let after = column.after else { return nil }
    return TracedColumn.Origin(table: SchemaName(successor.table), column: SchemaName(after))
  }

  /// Whether a row that can be followed from the archive to its table has the same key after the SQL of the way back. A
  /// rowid that it does not hand over is another one.
  func isFollowed(by trace: ScriptTrace, to target: SchemaName) -> Bool {
    guard let successor, let table = trace.table(to: target) else { return true }
    guard !table.movesRowsTo(key) else { return false }
    guard key.form == .rowID else { return true }
    let source = SchemaName(successor.table)
    return table.origin == source || table.rowIDsFrom == source
  }
}

extension ArchiveContent {
  /// A table that is not what it was after the transition, of those from which the way back makes values; nil when there
  /// is none.
  func changedSource(on connection: Connection) throws(SQLiteError) -> String? {
    for source in sources.all {
      guard let table = try Table(SchemaName(source.table), on: connection),
        try table.sum(on: connection).text == source.sum
      else { return source.table }
    }
    return nil
  }
}
