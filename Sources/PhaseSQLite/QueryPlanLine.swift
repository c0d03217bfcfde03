/// A line of how SQLite finds the rows of a statement (sqlite.org/eqp.html): `SEARCH t USING INDEX i (a=?)`, before SQLite
/// 3.36 `SCAN TABLE t AS a`.
package struct QueryPlanLine: Sendable {
  package enum Access: Sendable {
    /// A whole table is read.
    case scan
    /// Rows are looked up.
    case search
  }

  package let text: String
  /// Whether the line is at the outermost level of the plan.
  package let isOutermost: Bool
  /// nil for a line that names no table.
  package let access: Access?
  /// The table, or its alias if SQLite names only that.
  package let table: String
  /// Its alias, if SQLite names both.
  package let alias: String?

  init(_ row: [Value]) {
    text = row[3].text ?? ""
    isOutermost = row[1] == 0
    let words = text.split(separator: " ").map(String.init)
    let isOld = words.count > 2 && words[1] == "TABLE"
    let name = isOld ? 2 : 1
    access = words.count < 2 ? nil : words[0] == "SEARCH" ? .search : words[0] == "SCAN" ? .scan : nil
    table = words.indices.contains(name) ? words[name] : ""
    alias = words.firstIndex(of: "AS").flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
  }
}
