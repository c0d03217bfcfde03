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
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE NOT \(isLedgers) ORDER BY type, name",
      on: database)
    ledger = try site.sqlite(
      "SELECT name FROM sqlite_schema WHERE \(isLedgers) AND type = 'table' ORDER BY name", on: database)
    let tables = try site.sqlite(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND NOT \(isLedgers) ORDER BY name", on: database)
    let selects = tables.split(separator: "\n").map { table in
      let name = table.dropFirst().dropLast()
      return "SELECT '\(name)', * FROM \"\(name)\";"
    }
    rows = selects.isEmpty ? "" : try site.sqlite(selects.joined(), on: database)
  }
}

/// The bytes of a database and of what SQLite keeps beside it; the index of the log holds no data.
struct DatabaseBytes: Hashable {
  let file: Data?
  let log: Data?
  let journal: Data?

  init(of site: Site, database: String = "shop.db") {
    let bytes = { (suffix: String) in
      try? Data(contentsOf: site.folder.appending(path: database + suffix))
    }
    file = bytes("")
    log = bytes("-wal")
    journal = bytes("-journal")
  }
}
