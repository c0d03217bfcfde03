internal import PhaseSQL
internal import PhaseSQLite

/// Finds rows of an archive that have another key now. An application changed the key, or VACUUM did, if rows have no
/// key of their own. Such a row is found by the hash of its other columns, if only one row has it.
struct MovedKeys {
  private let content: ArchiveContent
  private let archive: ArchiveTable
  private let table: Table
  private let own: [SchemaName]
  private let rest: RestOfRow

  /// - Returns: nil for an archive that may lack a row which existed all the time, and for one whose rows can no
  ///   longer be compared.
  init?(_ content: ArchiveContent, _ archive: ArchiveTable, on connection: Connection) throws(SQLiteError) {
    guard content.isComplete == true, let successor = content.successor, !successor.hashed.isEmpty,
      let table = try Table(SchemaName(successor.table), on: connection)
    else { return nil }
    rest = RestOfRow(content)
    guard try rest.isReadable(in: table, on: connection) else { return nil }
    self.content = content
    self.archive = archive
    self.table = table
    own = successor.key.map { SchemaName($0) }
  }

  /// Gives the archived rows their present keys. If another row has taken the key of an archived row, that row was
  /// deleted since, and gets a key that no row has.
  func follow(on connection: Connection) throws(SQLiteError) {
    defer { forget(on: connection) }
    guard try pair(on: connection) > 0 else { return }
    let columns = archive.columns.joined(separator: ", ")
    let moved = archive.columns.map { archive.keys.contains($0) ? "p.\($0)" : "a.\($0)" }
    let isTaken = archive.sameKeys("p", "a")
    let free = archive.isNumberKeyed ? "-4611686018427387904 - k1" : "randomblob(16)"
    try connection.execute(
      script: """
        CREATE TEMP TABLE phasedb_moved_rows (\(columns));
        INSERT INTO temp.phasedb_moved_rows SELECT \(moved.joined(separator: ", "))
        FROM main.\(archive.name) AS a JOIN temp.phasedb_moved AS p ON p.id = a.rowid;
        DELETE FROM main.\(archive.name) WHERE rowid IN (SELECT id FROM temp.phasedb_moved);
        UPDATE main.\(archive.name) AS a SET k1 = \(free)
        WHERE EXISTS (SELECT 1 FROM temp.phasedb_moved AS p WHERE \(isTaken));
        INSERT INTO main.\(archive.name) (\(columns)) SELECT \(columns) FROM temp.phasedb_moved_rows;
        """)
  }

  /// Lists archived rows, by their numbers, with their present keys.
  private func pair(on connection: Connection) throws(SQLiteError) -> Int {
    try rest.define(on: connection)
    let keys = archive.keys.joined(separator: ", ")
    let present = own.map { "n.\(SQLText.identifier($0.spelled))" }
    let found = RowMatch.condition(own, in: table, as: "n", against: "a")
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    let joins = rest.joins("n")
    try connection.execute(
      script: """
        CREATE TEMP TABLE phasedb_moved_from (id INTEGER PRIMARY KEY, rest);
        INSERT INTO temp.phasedb_moved_from SELECT a.rowid, a.rest FROM main.\(archive.name) AS a
        LEFT JOIN \(place) AS n ON \(found)\(joins)
        WHERE a.gone = 0 AND a.rest IS NOT NULL AND (\(present[0]) IS NULL OR \(rest.call("n")) IS NOT a.rest);
        """)
    guard try connection.value("SELECT 1 FROM temp.phasedb_moved_from LIMIT 1") != nil else { return 0 }
    // VACUUM keeps the order of rows without a key, so the order tells equal rows apart.
    let isUnique = content.key.form == .rowID ? "1" : "f.c = 1"
    try connection.execute(
      script: """
        CREATE TEMP TABLE phasedb_moved_to (\(keys), rest);
        INSERT INTO temp.phasedb_moved_to SELECT * FROM (
          SELECT \(present.joined(separator: ", ")), \(rest.call("n")) AS h FROM \(place) AS n\(joins) LIMIT -1)
        WHERE h IN (SELECT rest FROM temp.phasedb_moved_from);
        DELETE FROM temp.phasedb_moved_to AS n
        WHERE \(archive.isAmong("n", "rest", source: "FROM main.\(archive.name) AS b WHERE b.gone = 0"));
        CREATE TEMP TABLE phasedb_moved (id INTEGER PRIMARY KEY, \(keys));
        CREATE INDEX temp.phasedb_moved_key ON phasedb_moved (\(keys));
        INSERT INTO temp.phasedb_moved SELECT f.id, \(archive.keys.map { "t.\($0)" }.joined(separator: ", ")) FROM (
          SELECT id, rest, row_number() OVER (PARTITION BY rest ORDER BY id) AS r,
          count(*) OVER (PARTITION BY rest) AS c FROM temp.phasedb_moved_from) AS f
        JOIN (
          SELECT *, row_number() OVER (PARTITION BY rest ORDER BY \(keys)) AS r,
          count(*) OVER (PARTITION BY rest) AS c FROM temp.phasedb_moved_to) AS t
        ON t.rest = f.rest AND t.r = f.r AND t.c = f.c WHERE \(isUnique);
        """)
    try keepPlausible(found, place, on: connection)
    return Int(try connection.value("SELECT count(*) FROM temp.phasedb_moved")?.integer ?? 0)
  }

  /// Drops a pairing if it is better explained by changed and new rows: the row still has its own key, or the key it is
  /// paired with belongs to another archived row that still has it. For rowids, which VACUUM renumbers, both must hold.
  private func keepPlausible(
    _ found: String, _ place: String, on connection: Connection
  ) throws(SQLiteError) {
    let others =
      "FROM main.\(archive.name) AS b WHERE b.gone = 0 AND b.rowid NOT IN (SELECT id FROM temp.phasedb_moved)"
    repeat {
      try connection.execute(
        """
        DELETE FROM temp.phasedb_moved AS p WHERE \(archive.isAmong("p", source: others))
        \(content.key.form == .rowID ? "AND" : "OR") EXISTS (
          SELECT 1 FROM main.\(archive.name) AS a JOIN \(place) AS n ON \(found) WHERE a.rowid = p.id
          AND NOT EXISTS (SELECT 1 FROM temp.phasedb_moved AS q WHERE \(archive.sameKeys("q", "a"))))
        """)
    } while connection.changes > 0
  }

  private func forget(on connection: Connection) {
    try? connection.drop(
      "temp.phasedb_moved", "temp.phasedb_moved_from", "temp.phasedb_moved_to", "temp.phasedb_moved_rows")
  }
}
