internal import PhaseSQL
internal import PhaseSQLite

extension ArchivePlan {
  static let valueFunction = "phasedb_value"

  static func snapshotName(_ id: Int64) -> String { "phasedb_before_\(id)" }

  /// The table, where it is before the transition.
  var place: String { "main.\(SQLText.identifier(table.name.spelled))" }

  /// Key and values as an archive calls them, of the table under an alias.
  func columns(of alias: String) -> [String] {
    let keys = key.names.enumerated().map {
      "\(alias).\(SQLText.identifier($0.element)) AS k\($0.offset + 1)"
    }
    let values = values.enumerated().map {
      "\(alias).\(SQLText.identifier($0.element.name.spelled)) AS v\($0.offset + 1)"
    }
    return keys + values
  }

  /// Makes the copy beside. It is a TEMP table: what turns out not to have changed never goes into the file.
  func snapshot(_ id: Int64) -> String {
    let names = key.columns.indices.map { "k\($0 + 1)" } + values.indices.map { "v\($0 + 1)" }
    let definitions = names.map { key.isNumber && $0 == "k1" ? "k1 INTEGER PRIMARY KEY" : $0 }
    var query = "SELECT \(columns(of: "t").joined(separator: ", ")) FROM \(place) AS t"
    if !mayLoseRows, values.allSatisfy({ defaultOfYoung($0) != nil }) {
      let told = values.compactMap { column in
        defaultOfYoung(column).map { "t.\(SQLText.identifier(column.name.spelled)) IS NOT \($0)" }
      }
      query += " WHERE \(told.joined(separator: " OR "))"
    }
    return """
      CREATE TEMP TABLE \(Self.snapshotName(id)) (\(definitions.joined(separator: ", ")));
      INSERT INTO temp.\(Self.snapshotName(id)) \(query);
      """
  }

  /// What is different afterwards, as a query for the archive.
  ///
  /// - Parameters:
  ///   - successor: where the rows are now.
  ///   - rest: what is hashed of them.
  ///   - marks: what the archive calls the hashes of tracked values.
  func difference(
    _ id: Int64, successor: TableShape, rest: RestOfRow, marks: [String?]
  ) -> String {
    let present = (self.successor?.key ?? []).map { "n.\(SQLText.identifier($0.spelled))" }
    let isGone = "\(present[0]) IS NULL"
    // A key that matches without being the same is kept as it is now, because that is how the row will be found. A number
    // stays one: the archive holds nothing else as its rowid.
    let keys = present.enumerated().map {
      key.isNumber
        ? "s.k1"
        : "CASE WHEN \(isGone) THEN s.k\($0.offset + 1) ELSE \($0.element) END AS k\($0.offset + 1)"
    }
    let kept = values.indices.map { "s.v\($0 + 1) AS v\($0 + 1)" }
    let tracked = zip(values, marks).compactMap { column, mark in
      mark.flatMap { mark in
        column.after.map {
          "CASE WHEN \(isGone) THEN NULL ELSE \(Self.valueFunction)(n.\(SQLText.identifier($0.spelled))) END AS \(mark)"
        }
      }
    }
    let columns =
      keys + kept + tracked + [
        "CASE WHEN \(isGone) THEN NULL ELSE \(rest.call("n")) END AS rest", "\(isGone) AS gone",
      ]
    return """
      SELECT \(columns.joined(separator: ", ")) FROM temp.\(Self.snapshotName(id)) AS s
      \(mayLoseRows ? "LEFT " : "")JOIN main.\(SQLText.identifier(successor.name.spelled)) AS n
      ON \(RowMatch.condition(self.successor?.key ?? [], in: successor, as: "n", against: "s"))\(rest.joins("n"))
      WHERE \(([isGone] + differences).joined(separator: " OR "))
      """
  }

  /// For each value, whether it is to be kept: it is another one now, or the way back makes another one of it. What
  /// compares as equal may be of another type.
  private var differences: [String] {
    values.enumerated().map { index, column in
      // Where the way back computes a value anew, what was not changed has to come back, too.
      guard let after = column.after, column.isTracked else {
        return defaultOfYoung(column).map { "s.v\(index + 1) IS NOT \($0)" } ?? "1"
      }
      let (old, new) = ("s.v\(index + 1)", "n.\(SQLText.identifier(after.spelled))")
      let isOther = "(\(old) IS NOT \(new) OR typeof(\(old)) <> typeof(\(new)))"
      guard let value = defaultOfYoung(column) else { return isOther }
      return "(\(old) IS NOT \(value) AND \(isOther))"
    }
  }

  /// The default, as SQL, of a column that came with the same migration; nil when it is not one or cannot be told.
  private func defaultOfYoung(_ column: Column) -> String? {
    guard column.isYoung, column.after != nil else { return nil }
    guard let value = table.column(column.name)?.defaultValue else { return "NULL" }
    // SQLite takes a bare name for a text here and nowhere else.
    let isLiteral = SQLTokens(value).allSatisfy {
      [.number, .string, .blob, .punctuation, .space].contains($0.kind)
    }
    return isLiteral ? "(\(value))" : nil
  }
}
