internal import PhaseSQL
internal import PhaseSQLite

/// Defines the hash that tells whether a row has changed since: over the row without its key, and over the rows of
/// other tables from which its values are computed.
struct RestOfRow {
  private let columns: [Column]
  private let lookups: [ArchiveContent.Lookup]

  struct Column {
    /// The name of the column after the transition, when it is compared.
    let name: String
    /// The name under which it is read; nil when only an archive has it.
    let present: SchemaName?
    /// The archive that has the value for its rows: the number of the archive, and the column there.
    var archive: (number: Int64, value: String)?

    func sql(_ alias: String) -> String {
      let own = present.map { "\(alias).\(SQLText.identifier($0.spelled))" } ?? "NULL"
      guard let archive else { return own }
      return
        "CASE WHEN x\(archive.number).k1 IS NULL THEN \(own) ELSE x\(archive.number).\(archive.value) END"
    }
  }

  /// The key by which rows of archives are found.
  private var key: [SchemaName] = []

  init(_ columns: [Column], _ lookups: [ArchiveContent.Lookup]) {
    self.columns = columns
    self.lookups = lookups
  }

  /// The rest of a row as an archive describes it.
  ///
  /// - Parameters:
  ///   - places: the present places of columns that have moved.
  ///   - key: the key by which rows are found in other archives.
  init(
    _ content: ArchiveContent, at places: [SchemaName: LaterChanges.Place] = [:], by key: [SchemaName] = []
  ) {
    self.init(
      (content.successor?.hashed ?? []).map { name in
        let place = places[SchemaName(name)]
        return Column(
          name: name, present: place == nil ? SchemaName(name) : place?.name,
          archive: place?.archive.map { ($0.record.id, $0.value) })
      }, content.lookups)
    self.key = key
  }

  private static let function = "phasedb_rest"

  /// Makes the function that ``call(_:)`` calls.
  func define(on connection: Connection) throws(SQLiteError) {
    let names =
      columns.map(\.name) + lookups.flatMap { lookup in lookup.columns.map { "\(lookup.table).\($0)" } }
    try RowHash.define(Self.function, columns: names, on: connection)
  }

  /// The SQL of the hash of a row under an alias. It needs the tables of ``joins(_:)``.
  func call(_ alias: String) -> String {
    let own = columns.map { $0.sql(alias) }
    let others = lookups.enumerated().flatMap { index, lookup in
      lookup.columns.map { "l\(index).\(SQLText.identifier($0))" }
    }
    return RowHash.call(Self.function, own + others)
  }

  /// The joins with the other tables. Each gives at most one row, because it is found by its key.
  func joins(_ alias: String) -> String {
    let archives = Set(columns.compactMap { $0.archive?.number }).sorted().map { number in
      let pairs = key.enumerated().map {
        "x\(number).k\($0.offset + 1) = \(alias).\(SQLText.identifier($0.element.spelled))"
      }
      return
        " LEFT JOIN main.\(ArchiveRecord.tableName(number)) AS x\(number) ON \(pairs.joined(separator: " AND "))"
    }
    return (archives + lookupJoins(alias)).joined()
  }

  private func lookupJoins(_ alias: String) -> [String] {
    lookups.enumerated().map { index, lookup in
      let pairs = zip(lookup.there, lookup.here).map {
        "l\(index).\(SQLText.identifier($0)) = \(alias).\(SQLText.identifier($1))"
      }
      return
        " LEFT JOIN main.\(SQLText.identifier(lookup.table)) AS l\(index) ON \(pairs.joined(separator: " AND "))"
    }
  }

  /// Whether it can still be computed for a table: its columns and the other tables exist.
  func isReadable(in table: Table, on connection: Connection) throws(SQLiteError) -> Bool {
    func has(_ table: Table, _ names: [String]) -> Bool {
      Set(table.stored.map(\.name)).isSuperset(of: names.map { SchemaName($0) })
    }
    guard has(table, columns.compactMap(\.present?.spelled)) else { return false }
    for lookup in lookups {
      guard has(table, lookup.here), let other = try Table(SchemaName(lookup.table), on: connection),
        has(other, lookup.there + lookup.columns)
      else { return false }
    }
    return true
  }
}
