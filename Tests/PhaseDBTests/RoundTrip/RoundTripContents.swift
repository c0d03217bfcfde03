import PhaseSQL
import PhaseSQLite

/// The rows of a database, by table, by what identifies a row, by column: each value as SQL writes it.
struct RoundTripContents {
  typealias Row = [String: String]

  private(set) var tables: [String: [String: Row]] = [:]
  /// The columns of each table in their order, as `SELECT *` gives them.
  private(set) var columns: [String: [String]] = [:]

  init(of connection: Connection) throws {
    let names = try connection.rows(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'phasedb\\_%' ESCAPE '\\'"
    )
    for name in names.compactMap({ $0[0].text }) {
      let info = try connection.rows("SELECT name, pk FROM pragma_table_xinfo(?1) ORDER BY cid", .text(name))
      let all = info.compactMap { $0[0].text }
      let key = info.filter { $0[1].integer != 0 }.compactMap { $0[0].text }
      let identity = key.isEmpty ? ["rowid"] : key.map { SQLText.identifier($0) }
      let values = all.map { "typeof(\(SQLText.identifier($0))) || ' ' || quote(\(SQLText.identifier($0)))" }
      let text = identity.map { "quote(\($0))" }.joined(separator: " || ', ' || ")
      columns[name] = all
      tables[name] = [:]
      let rows = try connection.rows(
        "SELECT \(([text] + values).joined(separator: ", ")) FROM \(SQLText.identifier(name))")
      for row in rows {
        tables[name]?[row[0].text ?? ""] = Dictionary(
          uniqueKeysWithValues: zip(all, row.dropFirst().map { $0.text ?? "" }))
      }
    }
  }

  subscript(table: String) -> [String: Row] { tables[table] ?? [:] }
}
