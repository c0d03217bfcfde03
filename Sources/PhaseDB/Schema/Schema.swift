internal import PhaseSQLite

/// The schema of a database: what `sqlite_schema` holds, less what is nobody's business here.
struct Schema: Sendable {
  private(set) var objects: [SchemaObject.Key: SchemaObject]
  private(set) var digest: SchemaDigest
  /// The names under which the ledger would be found, whatever made them.
  private(set) var ledgerNames: Set<String> = []

  init(_ objects: [SchemaObject] = []) {
    self.objects = [:]
    digest = .empty
    for object in objects { insert(object) }
  }

  /// Reads the schema of a connection's main database.
  ///
  /// - Parameter known: a schema whose objects are taken over where their SQL is the same byte for byte, which
  ///   spares taking them apart again.
  init(of connection: Connection, known: Schema? = nil) throws(SQLiteError) {
    self.init()
    var rows = try connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL")
    while try rows.step() {
      let type = rows.text(at: 0)
      let name = rows.text(at: 1)
      guard !Schema.isForeign(name) else {
        if name.asciiLowercased.hasPrefix(Schema.ledgerPrefix) { ledgerNames.insert(name) }
        continue
      }
      let sql = rows.text(at: 3)
      let table = rows.text(at: 2)
      let key = SchemaObject.Key(type: type, name: name)
      if let same = known?.objects[key], same.sql == sql, same.name == name, same.table == table {
        insert(same)
      } else {
        insert(SchemaObject(type: type, name: name, table: table, sql: sql))
      }
    }
  }

  private mutating func insert(_ object: SchemaObject) {
    objects[object.key] = object
    digest += object.digest
  }

  /// A schema with some objects taken away and others put in.
  func applying(_ changes: [SchemaChange]) -> Schema {
    var kept = objects
    for change in changes where change.kind == .removed { kept[change.object.key] = nil }
    for change in changes where change.kind == .added { kept[change.object.key] = change.object }
    return Schema(Array(kept.values))
  }

  /// Names that are SQLite's own, the ledger's, or of tools that share the file: replicators (Litestream,
  /// LiteFS), Cloudflare D1's bookkeeping and the planner's statistics.
  static func isForeign(_ name: String) -> Bool {
    let name = name.asciiLowercased
    return foreignPrefixes.contains { name.hasPrefix($0) } || name == "d1_migrations"
  }

  private static let foreignPrefixes = ["sqlite_", Schema.ledgerPrefix, "_litestream_", "_cf_"]

  /// What the name of every object of the ledger starts with.
  static let ledgerPrefix = "phasedb_"
}

/// One object that a schema lost or gained; a changed object is both.
struct SchemaChange: Sendable {
  enum Kind: String, Sendable {
    case removed = "-"
    case added = "+"
  }

  let kind: Kind
  let object: SchemaObject
}

extension Schema {
  /// What leads from another schema to this one, byte for byte: an object whose SQL was only reformatted is listed.
  func changes(since before: Schema) -> [SchemaChange] {
    var changes: [SchemaChange] = []
    for (key, object) in before.objects where objects[key]?.sql != object.sql {
      changes.append(SchemaChange(kind: .removed, object: object))
    }
    for (key, object) in objects where before.objects[key]?.sql != object.sql {
      changes.append(SchemaChange(kind: .added, object: object))
    }
    return changes.sorted { ($0.kind.rawValue, $0.object.key) > ($1.kind.rawValue, $1.object.key) }
  }
}
