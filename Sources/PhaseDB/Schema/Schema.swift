package import PhaseSQL
package import PhaseSQLite
internal import Synchronization

/// The schema of a database: the content of `sqlite_schema`, without what phasedb ignores.
package struct Schema: Sendable {
  /// In the order of `sqlite_schema`'s rows, so that a second reading can be compared row by row.
  private var rows: [Row] = []
  package private(set) var digest = SchemaDigest.empty
  /// The tables that its connection ignores.
  private(set) var ignored = NamePatterns()

  /// A class, because many readings of a database share the same rows.
  private final class Row: Sendable {
    let id: Int64
    let object: SchemaObject
    /// Whether it is left out of every comparison.
    let isForeign: Bool
    /// Whether the settings leave it out.
    let isIgnored: Bool
    /// Whether it belongs to the ledger, or uses it.
    let reachesForLedger: Bool
    /// Whether it is a trigger that holds a lane, which comes and goes.
    let holdsLane: Bool

    init(id: Int64, object: SchemaObject, isForeign: Bool, isIgnored: Bool = false) {
      self.id = id
      self.isIgnored = isIgnored
      self.object = object
      self.isForeign = isForeign
      holdsLane = object.holdsLane
      reachesForLedger = !holdsLane && object.reachesForLedger
    }
  }

  /// A schema with these objects, in no order that matters.
  package init(_ objects: [SchemaObject] = []) {
    for object in objects { append(Row(id: 0, object: object, isForeign: false)) }
  }

  /// Reads the schema of a connection's main database.
  ///
  /// - Parameter known: a schema whose objects are reused if their SQL is the same byte for byte, so that they need not
  ///   be parsed again.
  package init(of connection: Connection, known: Schema? = nil) throws(SQLiteError) {
    var table = try connection.prepare(
      "SELECT rowid, type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
    ignored = connection.ignoredTables
    var old = (known?.rows ?? [])[...]
    while try table.step() {
      let id = table.integer(at: 0)
      while let first = old.first, first.id < id { old.removeFirst() }
      if let same = old.first, same.id == id, table.hasText(same.object.sql, at: 4),
        table.hasText(same.object.name, at: 2), table.hasText(same.object.table, at: 3)
      {
        append(same)
        continue
      }
      for column in 2...4 { try Schema.refuseWhatIsNoText(table.value(at: column)) }
      let object = Schema.object(
        table.text(at: 1), table.text(at: 2), of: table.text(at: 3), sql: table.text(at: 4))
      let isIgnored = object.isIgnored(by: connection.ignoredTables)
      let isForeign = isIgnored || Schema.isForeign(object.key.name, of: object.table.folded)
      append(Row(id: id, object: object, isForeign: isForeign, isIgnored: isIgnored))
    }
  }

  /// The ledger's own objects, which every database has alike, are parsed once in a process.
  private static func object(_ type: String, _ name: String, of table: String, sql: String) -> SchemaObject {
    guard name.utf8.starts(with: ledgerPrefix.utf8) else {
      return SchemaObject(type: type, name: name, table: table, sql: sql)
    }
    let known = ledgers.withLock { $0[sql] }
    if let known, known.key.type == type, known.name == name, known.table == table,
      known.sql.hasSameBytes(as: sql)
    {
      return known
    }
    let object = SchemaObject(type: type, name: name, table: table, sql: sql)
    ledgers.withLock { if $0.count < 100 { $0[sql] = object } }
    return object
  }

  private static let ledgers = Mutex<[String: SchemaObject]>([:])

  /// Refuses names that a string cannot hold, because they would become other names. Comments may contain anything,
  /// because SQLite skips them.
  private static func refuseWhatIsNoText(_ value: Value) throws(SQLiteError) {
    let bytes: [UInt8]
    switch value {
    case .rawText(.utf8(let raw)): bytes = raw
    case .text(let text) where text.utf8.contains(0): bytes = Array(text.utf8)
    default: return
    }
    for token in SQLTokens(bytes: bytes) where !token.kind.isTrivia {
      let part = bytes[token.range]
      guard part.contains(0) || String(validating: part, as: UTF8.self) == nil else { continue }
      throw SQLiteError(
        code: .format,
        message:
          "the schema has \(value), in which \(SQLText.blob(Array(part))) is not UTF-8, so its names are not reliable"
      )
    }
  }

  private mutating func append(_ row: Row) {
    rows.append(row)
    if !row.isForeign { digest += row.object.digest }
  }

  /// Every object that counts.
  package var objects: some Sequence<SchemaObject> { rows.lazy.filter { !$0.isForeign }.map(\.object) }

  var isEmpty: Bool { rows.allSatisfy(\.isForeign) }

  /// How many rows the ordinary tables have.
  package func rows(on connection: Connection) throws(SQLiteError) -> Int {
    let shadows = try ShadowTables.names(on: connection, self)
    var rows = 0
    for object in objects where object.key.type == "table" && !shadows.contains(object.key.name) {
      guard TableDefinition(object.sql)?.virtual == nil else { continue }
      rows += try Table.rowCount(SchemaName(object.name), on: connection)
    }
    return rows
  }

  /// The names of the ledger that objects in this schema have.
  var ledgerNames: Set<FoldedName> {
    Set(
      rows.filter { $0.isForeign && !$0.holdsLane }.map(\.object.key.name).filter {
        $0.hasPrefix(Schema.ledgerPrefix)
      }
    )
  }

  /// Whether there is any virtual table, ignored ones included.
  var hasVirtualTables: Bool { rows.contains(where: \.object.isVirtual) }

  /// The triggers that hold lanes.
  package var laneTriggers: [SchemaObject] { rows.filter(\.holdsLane).map(\.object) }

  /// The objects that have a name of the ledger, belong to it or use it.
  var reachingForLedger: [SchemaObject] { rows.filter(\.reachesForLedger).map(\.object) }

  /// The tables that are left out, other than SQLite's and the ledger's.
  var tablesLeftOut: Set<FoldedName> {
    Set(
      rows.filter { $0.isForeign && $0.object.key.type == "table" }.map(\.object.key.name).filter { name in
        !["sqlite_", Schema.ledgerPrefix].contains(where: name.hasPrefix)
      })
  }

  /// Tables that the settings leave out, or that belong to other tools, and that views, triggers or foreign keys of the schema name: without them these
  /// do not compile on a scratch database.
  var ignoredButNeeded: [SchemaObject] {
    let ignored = rows.filter { row in
      row.isForeign && row.object.key.type == "table"
        && (row.isIgnored || OtherTool.tool(of: row.object.key.name) != nil)
    }.map(\.object)
    guard !ignored.isEmpty else { return [] }
    let users = objects.filter { $0.isCode || $0.references > 0 }
    let named = users.reduce(into: Set<FoldedName>()) { $0.formUnion(SQLTokens.identifiers(in: $1.sql)) }
    return ignored.filter { named.contains($0.key.name) }
  }

  /// The tables of other tools that are there.
  var otherTools: [OtherTool] {
    rows.lazy.map(\.object).filter { $0.key.type == "table" }.compactMap { object in
      OtherTool.tool(of: object.key.name).map { OtherTool(table: object.name, tool: $0) }
    }
  }

  /// Whether an object belongs to SQLite (also the planner's statistics), to the ledger, or to tools that share the
  /// file: replicators (Litestream, LiteFS), and other migration tools with their indexes.
  static func isForeign(_ name: FoldedName, of table: FoldedName) -> Bool {
    // A retired object still belongs to the user: it comes back when its phase comes down.
    if name.hasPrefix(RetiredName.prefix) { return false }
    return foreignPrefixes.contains { name.hasPrefix($0) } || OtherTool.tool(of: table) != nil
  }

  /// Why phases leave a table alone; nil when they may use it.
  static func reasonToLeaveOut(_ table: FoldedName, _ ignored: NamePatterns) -> Prose? {
    // A retired object still belongs to the user.
    if table.hasPrefix(RetiredName.prefix) { return nil }
    if let tool = OtherTool.tool(of: table) { return "it belongs to \(tool)" }
    return ignored.match(table) ? "ignoreTables in the settings leaves it out of the schema" : nil
  }

  private static let foreignPrefixes = ["sqlite_", Schema.ledgerPrefix, "_litestream_", "_cf_"]

  /// The prefix of every object of the ledger.
  package static let ledgerPrefix = "phasedb_"

  /// The table of the ledger that applications write themselves.
  static let checkIns = "phasedb_app"

  static func isLedgerName(_ name: String) -> Bool { name.folded.hasPrefix(ledgerPrefix) }

  /// The first name of the ledger in SQL, with its place. SQLite takes a string for a name where only a name can be.
  ///
  /// - Parameter others: names that may be used.
  static func ledgerName(in sql: String, except others: Set<String> = []) -> (
    name: String, range: Range<Int>
  )? {
    guard sql.occurrences(ofLowercased: ledgerPrefix) > 0 else { return nil }
    let bytes = Array(sql.utf8)
    for token in SQLTokens(sql) where [.word, .quotedIdentifier, .string].contains(token.kind) {
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      let name = token.kind == .word ? text : String(text.dropFirst().dropLast())
      if isLedgerName(name), RetiredName(SchemaName(name)) == nil, !others.contains(name.asciiLowercased) {
        return (name, token.range)
      }
    }
    return nil
  }
}

extension Schema {
  /// The changes from another schema to this one, byte for byte: an object whose SQL was only reformatted is listed as
  /// removed and added. Removed ones come first.
  ///
  /// Two readings of one database differ in few rows, which a walk along both finds without look-ups.
  func changes(since before: Schema) -> [SchemaChange] {
    var (removed, added): ([SchemaObject.Key: SchemaObject], [SchemaObject.Key: SchemaObject]) = ([:], [:])
    var (old, new) = (before.rows[...], rows[...])
    while !old.isEmpty || !new.isEmpty {
      if let left = old.first, let right = new.first, left.id == right.id, left.id != 0 {
        if left !== right, !left.object.isSpelled(like: right.object) || left.object.key != right.object.key {
          if !left.isForeign { removed[left.object.key] = left.object }
          if !right.isForeign { added[right.object.key] = right.object }
        }
        old.removeFirst()
        new.removeFirst()
      } else if let left = old.first, left.id <= new.first?.id ?? .max {
        if !left.isForeign { removed[left.object.key] = left.object }
        old.removeFirst()
      } else {
        if let right = new.first, !right.isForeign { added[right.object.key] = right.object }
        new.removeFirst()
      }
    }
    // The same object in another row has not changed.
    for (key, object) in removed where added[key]?.isSpelled(like: object) == true {
      removed[key] = nil
      added[key] = nil
    }
    let changes =
      removed.values.map { SchemaChange(kind: .removed, object: $0) }
      + added.values.map { SchemaChange(kind: .added, object: $0) }
    return changes.sorted { ($0.kind.order, $0.object.key) < ($1.kind.order, $1.object.key) }
  }
}

/// One object that a schema lost or gained; a changed object is both.
struct SchemaChange: Sendable {
  enum Kind: String, Sendable {
    case removed = "-"
    case added = "+"

    fileprivate var order: Int { self == .removed ? 0 : 1 }
  }

  let kind: Kind
  let object: SchemaObject
}

extension Schema {
  /// The object of this type and name; nil when there is none.
  package func object(_ type: String, _ name: SchemaName) -> SchemaObject? {
    let key = SchemaObject.Key(type: type, name: name.key)
    return objects.first { $0.key == key }
  }

  /// The declaration of a table; nil when there is none, or it cannot be read.
  package func table(_ name: SchemaName) -> TableDefinition? {
    object("table", name).flatMap { TableDefinition($0.sql) }
  }

  func indexes(on table: SchemaName) -> [IndexDefinition] {
    objects.filter { $0.key.type == "index" && SchemaName($0.table) == table }
      .compactMap { IndexDefinition($0.sql) }
  }

  /// The tables with a reference to one of these.
  func children(of parents: Set<SchemaName>) -> Set<SchemaName> {
    guard !parents.isEmpty else { return [] }
    let children = objects.filter { object in
      object.key.type == "table"
        && TableDefinition(object.sql)?.foreignKeys.contains { parents.contains($0.parent) } == true
    }
    return Set(children.map { SchemaName($0.name) })
  }

  /// The tables that SQL with these identifiers may read, also through views.
  func tables(named identifiers: Set<FoldedName>) -> Set<SchemaName> {
    guard !identifiers.isEmpty else { return [] }
    var names: Set<SchemaName> = []
    var (identifiers, views) = (identifiers, objects.filter { $0.key.type == "view" })
    while let index = views.firstIndex(where: { identifiers.contains(SchemaName($0.name).key) }) {
      identifiers.formUnion(SQLTokens.identifiers(in: views.remove(at: index).sql))
    }
    for object in objects
    where object.key.type == "table" && identifiers.contains(SchemaName(object.name).key) {
      names.insert(SchemaName(object.name))
    }
    return names
  }

  /// Whether a constraint, a unique index or a trigger may refuse a value that is written to columns of a table.
  func mayRefuse(valuesOf columns: Set<SchemaName>, in table: SchemaName) -> Bool {
    guard !columns.isEmpty, let definition = self.table(table) else { return false }
    // A generated column may be computed from one that is written.
    let columns = columns.union(definition.columns.filter(\.isGenerated).map(\.name))
    return definition.isStrict
      || definition.columns.contains { $0.isNotNull && columns.contains($0.name) }
      || definition.allConstraints.contains { $0.mayRefuse(valuesOf: columns) }
      || indexes(on: table).contains { $0.isUnique && $0.mentions(anyOf: columns) }
      || objects.contains { $0.key.type == "trigger" && SchemaName($0.table) == table }
  }
}

extension TableConstraint {
  fileprivate func mayRefuse(valuesOf columns: Set<SchemaName>) -> Bool {
    func isAmong(_ term: IndexedColumn) -> Bool {
      if case .column(let name) = term.term { columns.contains(name) } else { false }
    }
    return switch kind {
    case .primaryKey(let key): key.columns.contains(where: isAmong)
    case .unique(let terms, _): terms.contains(where: isAmong)
    case .foreignKey(let key): !columns.isDisjoint(with: key.columns)
    case .check: true
    }
  }
}

/// The tables in which virtual tables keep their content (sqlite.org/vtab.html#the_xshadowname_method).
enum ShadowTables {
  /// Their names in lower case.
  static func names(on connection: Connection, _ schema: Schema) throws(SQLiteError) -> Set<FoldedName> {
    guard schema.hasVirtualTables else { return [] }
    // PRAGMA table_list came with 3.37, and asks the modules themselves.
    if try connection.value("SELECT 1 FROM pragma_pragma_list WHERE name = 'table_list'") != nil {
      let rows = try connection.rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'")
      return Set(rows.compactMap { $0[0].text?.folded })
    }
    return Set(declared(by: schema.objects).map(\.key))
  }

  /// The names that the texts of virtual tables imply.
  static func declared(by objects: some Sequence<SchemaObject>) -> Set<SchemaName> {
    objects.reduce(into: []) { names, object in
      guard object.key.type == "table", let table = TableDefinition(object.sql) else { return }
      names.formUnion(table.virtual?.shadows(of: table.name) ?? [])
    }
  }
}
