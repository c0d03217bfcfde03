internal import PhaseSQL
internal import PhaseSQLite
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Describes an archive: its columns, and how to find the rows of the table to which it belongs. Stored as JSON in
/// `phasedb_archive`.
struct ArchiveContent: Codable, Sendable {
  struct Column: Codable, Sendable {
    let name: String
    /// The name of the column after the transition; nil when it was gone.
    let after: String?
    /// Whether it is tracked: it is restored only if it still has the value that the transition left. The hashes
    /// `w1`, `w2` … tell.
    let isTracked: Bool
  }

  /// Another table from which the way back reads one row for each row: the one whose columns `there` have the values
  /// of the columns `here`.
  struct Lookup: Codable, Sendable {
    let table: String
    let there: [String]
    let here: [String]
    /// The columns of that row that are hashed.
    let columns: [String]
  }

  /// The table that has the rows after the transition.
  struct Successor: Codable, Sendable {
    let table: String
    let key: [String]
    /// The columns over which `rest` was hashed.
    let hashed: [String]
  }

  /// The tables from which the way back computes values, each with the checksum of its rows.
  ///
  /// It is written as an array, because two keys of a JSON object are equal for Swift if they differ only in the
  /// encoding of an accent. Older ledgers also have objects.
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

  /// The hash of the text of the phase that made the archive.
  let text: String
  let key: RowKey
  /// Other tables that have one row for each row of this one. A row counts as changed when that row has changed.
  let lookups: [Lookup]
  /// The archived columns, in the order of `v1`, `v2` …
  let columns: [Column]
  /// The table that has the rows after the transition; nil when whole rows are archived because they could not be
  /// followed.
  let successor: Successor?
  /// Whether it may have rows that the transition removed.
  let hasGoneRows: Bool
  /// Whether the table stayed or was made again, but its rows could not be followed.
  let isMoved: Bool
  /// The checksums, after the transition, of the tables from which the way back computes values.
  var sources: Sources
  /// The AUTOINCREMENT counter of the table; nil when it had none.
  let counter: Int64?
  /// Whether it is a supplement: it has the rows that the trial of the way back did not restore with the other
  /// archives. Rows that have not changed since get their old values from it; the others are left to the SQL. Nil in
  /// archives of earlier versions.
  private(set) var isSupplement: Bool?
  /// The foreign keys of rows that had no parent when they were archived. Such a row may come back without a parent.
  /// Nil in archives of earlier versions, and when there were none.
  var orphans: [String]?
  /// Whether it has every row that the table had. Then each present row is either in it or new, whatever its key.
  var isComplete: Bool?
  /// Whether a row that counts as changed may be another one, which took the rowid of a row that the transition deleted.
  var mayReuseRowIDs: Bool?

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
  /// The column that has the values after the transition; nil when there is none.
  func origin(of column: Column) -> TracedColumn.Origin? {
    guard let successor, let after = column.after else { return nil }
    return TracedColumn.Origin(table: SchemaName(successor.table), column: SchemaName(after))
  }

  /// Whether a row keeps its key under the SQL of the way back, so that it can be followed from the archive to the
  /// table. If the SQL does not copy the rowid, the row gets another one.
  func isFollowed(by trace: ScriptTrace, to target: SchemaName) -> Bool {
    guard let successor, let table = trace.table(to: target) else { return true }
    guard !table.movesRowsTo(key) else { return false }
    guard key.form == .rowID else { return true }
    let source = SchemaName(successor.table)
    return table.origin == source || table.rowIDsFrom == source
  }
}

extension ArchiveContent {
  /// Whether it is known what such a table held when the phase was up.
  func knowsSource(_ table: String) -> Bool { sources.all.contains { $0.table == table && !$0.sum.isEmpty } }

  /// A table from which the way back computes values, and that has changed since the transition; nil when none has.
  func changedSource(on connection: Connection) throws(SQLiteError) -> String? {
    for source in sources.all {
      guard let table = try Table(SchemaName(source.table), on: connection),
        try table.sum(on: connection).text == source.sum
      else { return source.table }
    }
    return nil
  }
}

extension [Lookup] {
  /// The same as an archive describes them.
  func described(on connection: Connection) throws(SQLiteError) -> [ArchiveContent.Lookup] {
    var all: [ArchiveContent.Lookup] = []
    for lookup in self {
      guard let table = try Table(lookup.table, on: connection) else { continue }
      let pairs = lookup.pairs.sorted { $0.there.key < $1.there.key }
      all.append(
        ArchiveContent.Lookup(
          table: lookup.table.spelled, there: pairs.map(\.there.spelled), here: pairs.map(\.here.spelled),
          columns: table.stored.map(\.name.spelled)))
    }
    return all
  }
}
