import Foundation
import Testing

/// What a database holds besides the ledger, as the `sqlite3` shell tells it: schema and every value with its type.
struct DatabaseContents: Hashable {
  let schema: String
  let rows: String
  /// The tables of the ledger.
  let ledger: String

  init(of site: Site, database: String = "shop.db") throws {
    let isLedgers = "tbl_name LIKE 'phasedb!_%' ESCAPE '!'"
    schema = try site.sqlite(
      """
      SELECT type, name, tbl_name, sql FROM sqlite_schema
      WHERE NOT \(isLedgers) AND name <> 'sqlite_sequence' ORDER BY type, name
      """, on: database)
    ledger = try site.sqlite(
      "SELECT name FROM sqlite_schema WHERE \(isLedgers) AND type = 'table' ORDER BY name", on: database)
    let tables = try site.sqlite(
      // What a virtual table keeps in tables of its own may change without the content changing.
      """
      SELECT name FROM pragma_table_list
      WHERE schema = 'main' AND type IN ('table', 'virtual') AND name <> 'sqlite_schema'
        AND name NOT LIKE 'phasedb!_%' ESCAPE '!' ORDER BY name
      """, on: database)
    let selects = tables.split(separator: "\n").map { table in
      let name = table.dropFirst().dropLast()
      return "SELECT '\(name)', * FROM \"\(name)\";"
    }
    rows = selects.isEmpty ? "" : try site.sqlite(selects.joined(), on: database)
  }
}
