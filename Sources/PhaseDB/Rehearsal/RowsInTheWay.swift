internal import PhaseSQL
internal import PhaseSQLite

/// Finds the rows that make a way down fail. It tries half of a table, then half of that half, and so on.
struct RowsInTheWay {
  struct Row {
    let table: String
    /// `id = 7`
    let title: String
  }

  private let phase: Phase
  private let written: Set<FoldedName>
  private let connection: Connection
  private let fails: (TableReading, ArraySlice<Int64>) throws -> Bool
  /// How often the way down may be tried.
  private(set) var triesLeft: Int

  private static let mostRowsNamed = 5
  private static let mostRowsSearched = 2_000

  /// - Parameters:
  ///   - written: the tables whose rows the way down changes or moves.
  ///   - fails: whether the way down fails in the same way when a table has only these rows.
  init(
    of phase: Phase, writing written: Set<FoldedName>, on connection: Connection, tries: Int,
    fails: @escaping (TableReading, ArraySlice<Int64>) throws -> Bool
  ) {
    (self.phase, self.written, self.connection, self.fails) = (phase, written, connection, fails)
    triesLeft = tries
  }

  mutating func find() throws -> [Row] {
    let named = SQLTokens.identifiers(in: phase.down.text)
    let readings = try DigestDraft(of: connection).readings.filter { named.contains($0.table.folded) }
    // Without the rows of a table that is only read, the way down may run, too, but those are not in the way.
    for table in readings.filter({ written.contains($0.table.folded) })
      + readings.filter({ !written.contains($0.table.folded) })
    {
      guard
        let rows = try? connection.rows(
          "SELECT rowid FROM \(table.from) ORDER BY 1 LIMIT \(Self.mostRowsSearched + 1)")
      else { continue }
      let keys = rows.compactMap { $0[0].integer }
      guard (1...Self.mostRowsSearched).contains(keys.count), try !trial(table, []) else { continue }
      let found = try search(table, keys[...], isKnown: true)
      if !found.isEmpty {
        return try found.map {
          Row(table: SQLText.identifier(table.table), title: try title(of: $0, in: table))
        }
      }
    }
    return []
  }

  private mutating func search(
    _ table: TableReading, _ keys: ArraySlice<Int64>, isKnown: Bool = false
  ) throws -> [Int64] {
    guard !keys.isEmpty, triesLeft > 0 else { return [] }
    if !isKnown { guard try trial(table, keys) else { return [] } }
    guard keys.count > 1 else { return Array(keys) }
    let middle = keys.startIndex + keys.count / 2
    var found = try search(table, keys[..<middle])
    if found.count < Self.mostRowsNamed { found += try search(table, keys[middle...]) }
    return Array(found.prefix(Self.mostRowsNamed))
  }

  private mutating func trial(_ table: TableReading, _ keys: ArraySlice<Int64>) throws -> Bool {
    triesLeft -= 1
    return try fails(table, keys)
  }

  private func title(of rowID: Int64, in table: TableReading) throws -> String {
    let values =
      try connection.rows(
        "SELECT \(table.key.joined(separator: ", ")) FROM \(table.from) WHERE rowid = ?1", .integer(rowID)
      ).first ?? []
    return RowMatch.title(table.keyNames, values)
  }
}
