import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// A database before a contract, and what is taken away from it and given back.
struct Retreat: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Schema and rows, as applications made them.
  let setUp: String
  var up = "SELECT 1"
  var down = "SELECT 1"
  var retires: [String] = []

  init(
    _ sentence: String, _ setUp: String, up: String = "SELECT 1", down: String = "SELECT 1",
    retires: [String] = []
  ) {
    testDescription = sentence
    self.setUp = setUp
    self.up = up
    self.down = down
    self.retires = retires
  }

  /// Migration 7 with the contract alone.
  func catalog() throws -> Catalog {
    let lines = (["@window app >=1.0", "@residual none"] + retires.map { "@retire \($0)" }).map {
      "-- \($0)\n"
    }
    let text = "\(lines.joined())-- @up\n\(up);\n-- @down\n\(down);\n"
    let phase = try PhaseFile.read(text, file: "0007-c/contract.sql", kind: .contract)
    return try Catalog([Migration(MigrationName("0007-c"), phases: [phase])])
  }
}

/// What somebody sees of a database who knows no names: columns and rows in their order, and the schema by its tokens.
struct Sight: Equatable, CustomStringConvertible {
  let digest: String
  /// For each table and view what `SELECT *` gives, with the rowid where there is one, in the table's own order.
  let rows: [String: [String]]
  let counters: [String]

  init(of connection: Connection) throws {
    let schema = try Schema(of: connection)
    digest = schema.digest.text
    var rows: [String: [String]] = [:]
    for object in schema.objects where object.key.type == "table" || object.key.type == "view" {
      let name = SQLText.identifier(object.name)
      // What the text of a view or a virtual table says of rows that are not there is nobody's business.
      let all = try? connection.rows("SELECT * FROM \(name)").map { "\($0)" }
      let ids = try? connection.rows("SELECT rowid FROM \(name)").map { "\($0)" }
      rows[object.name] = (all ?? ["?"]) + (object.key.type == "table" ? ids ?? [] : [])
    }
    self.rows = rows
    let hasCounters =
      try connection.value("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'") != nil
    counters =
      hasCounters
      ? try connection.rows("SELECT name, seq FROM sqlite_sequence ORDER BY name").map { "\($0)" } : []
  }

  var description: String {
    ([digest] + rows.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: " "))" }
      + counters).joined(separator: "\n")
  }
}

extension TemporaryDatabase {
  func sight() throws -> Sight { try Sight(of: connect(.readOnly)) }
}
