internal import PhaseSQL
internal import PhaseSQLite

/// How the rows of one table are read for a comparison: which values count, and what identifies a row.
///
/// Generated columns are left out. They follow from the others and from expressions of the schema, and computing them
/// may need functions that only the application has.
struct TableReading: Sendable {
  /// As spelled.
  let table: String
  /// The names under which values are hashed.
  let names: [String]
  /// The same columns as SQL.
  let expressions: [String]
  /// What identifies a row, as SQL: the rowid if it is the key or there is no key, else the columns of the primary key;
  /// every column if there is neither.
  let key: [String]
  /// The names of `key`.
  let keyNames: [String]
  /// Whether `key` is the rowid, which is the order of the rows in the file.
  let isInRowIDOrder: Bool

  /// The name under which the rowid is hashed in a table without a primary key. No column can have it by accident.
  private static let rowIDName = "rowid()"

  /// - Parameter object: as it is at this moment.
  /// - Throws: also an error for a virtual table whose module is missing.
  init(_ object: SchemaObject, on connection: Connection) throws(SQLiteError) {
    let shape = try Table(SchemaName(object.name), presently: object.sql, on: connection)
    let columns = shape.stored.map(\.name.spelled)
    let keyColumns = shape.columns.keyColumns.map(\.name.spelled)
    let from = "main.\(SQLText.identifier(object.name))"
    let isAlias = !object.isVirtual && shape.primaryKey?.form == .integer
    // Only the module of a virtual table knows whether it has rowids.
    let rowID = (isAlias ? shape.anyRowIDName : shape.rowIDName).flatMap { name in
      object.isVirtual && (try? connection.prepare("SELECT \(name) FROM \(from)")) == nil ? nil : name
    }
    table = object.name
    expressions = columns.map(SQLText.identifier) + (keyColumns.isEmpty ? [rowID].compactMap(\.self) : [])
    names = expressions.count > columns.count ? columns + [Self.rowIDName] : columns
    if let rowID, keyColumns.isEmpty || isAlias {
      key = [rowID]
      keyNames = isAlias ? keyColumns : ["rowid"]
      isInRowIDOrder = !object.isVirtual
    } else {
      keyNames = keyColumns.isEmpty ? columns : keyColumns
      key = keyNames.map(SQLText.identifier)
      isInRowIDOrder = false
    }
    // This finds out early whether the table can be read.
    if object.isVirtual {
      _ = try connection.prepare("SELECT \(expressions.joined(separator: ", ")) FROM \(from)")
    }
  }

  /// Whether rows have no key but a rowid that no column shows. It is the last of ``names`` then.
  var hasHiddenKey: Bool { names.last == Self.rowIDName }

  /// SQL that reads every value of every row, or of those with a rowid from ?1 to ?2.
  func select(inRange: Bool) -> String {
    "SELECT \(expressions.joined(separator: ", ")) FROM \(from)"
      + (inRange ? " WHERE \(key[0]) BETWEEN ?1 AND ?2" : "")
  }

  var from: String { "main.\(SQLText.identifier(table))" }
}
