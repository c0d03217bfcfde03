internal import PhaseSQL
internal import PhaseSQLite

/// How rows of a table are found by the keys in an archive.
enum RowMatch {
  /// The condition under which a row of a table is that of an archive.
  ///
  /// - Parameters:
  ///   - names: what the key's columns are called in the table.
  ///   - alias: what the table is called in the statement.
  ///   - archive: what is called so in it and holds `k1`, `k2` …
  ///   - columns: others of the archive's columns to compare with.
  static func condition(
    _ names: [SchemaName], in table: Table, as alias: String, against archive: String,
    columns: [String]? = nil
  ) -> String {
    names.enumerated().map { index, name in
      // As the table's key compares, so that its index is used; and with the column's affinity, because the
      // plus takes the affinity of the archive's column away (sqlite.org/datatype3.html#comparison_expressions).
      let collation = table.primaryKey?.columns.first { SchemaName($0.name) == name }?.collation
      let compared = collation.map { " COLLATE \(SQLText.identifier($0))" } ?? ""
      let key = columns?[index] ?? "k\(index + 1)"
      return "\(alias).\(SQLText.identifier(name.spelled))\(compared) = +\(archive).\(key)"
    }.joined(separator: " AND ")
  }

  /// The condition under which a value is not the one that is kept: what compares as equal may be of another type. A column
  /// of phasedb's own stands on the left, which has neither affinity nor collation.
  static func differs(_ kept: String, _ present: String) -> String {
    "(\(kept) IS NOT \(present) OR typeof(\(kept)) <> typeof(\(present)))"
  }
}
