internal import PhaseSQL
internal import PhaseSQLite

/// The SQL conditions that match rows of a table with rows of an archive.
enum RowMatch {
  /// The condition that a row of a table has the key of an archived row.
  ///
  /// - Parameters:
  ///   - names: the names of the key's columns in the table.
  ///   - alias: the name of the table in the statement.
  ///   - archive: the name in the statement of the table with `k1`, `k2` …
  ///   - columns: other columns of the archive to compare with.
  static func condition(
    _ names: [SchemaName], in table: Table, as alias: String, against archive: String,
    columns: [String]? = nil
  ) -> String {
    names.enumerated().map { index, name in
      // The comparison uses the collation and affinity of the table's key, so that SQLite uses its index. The plus
      // removes the affinity of the archive's column (sqlite.org/datatype3.html#comparison_expressions).
      let collation = table.primaryKey?.columns.first { SchemaName($0.name) == name }?.collation
      let compared = collation.map { " COLLATE \(SQLText.identifier($0))" } ?? ""
      let key = columns?[index] ?? "k\(index + 1)"
      return "\(alias).\(SQLText.identifier(name.spelled))\(compared) = +\(archive).\(key)"
    }.joined(separator: " AND ")
  }

  /// The condition that a present value differs from an archived one, type included: values that compare as equal may
  /// have different types. The archived value is on the left, because its column has neither affinity nor collation.
  static func differs(_ kept: String, _ present: String) -> String {
    "(\(kept) IS NOT \(present) OR typeof(\(kept)) <> typeof(\(present)))"
  }
}
