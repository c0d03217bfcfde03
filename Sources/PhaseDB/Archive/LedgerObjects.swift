internal import PhaseSQL
internal import PhaseSQLite

/// The tables, indexes and triggers that a ledger must have, each identified by its name and its SQL.
struct LedgerObjects {
  private let expected: [SchemaObject.Key: SchemaObject]
  /// The objects that must exist, without archives: a missing archive is reported for the phase that can no longer
  /// restore it.
  private let required: Set<SchemaObject.Key>

  /// - Parameters:
  ///   - format: the format that the ledger is in.
  ///   - archives: the archives in the ledger. Those with rows have a table.
  init(format: Int, archives: [ArchiveRecord]) {
    var objects = format == LedgerFormat.current ? Self.present : Self.objects(of: format)
    required = Set(objects.map(\.key))
    for archive in archives where archive.state == .kept || archive.state == .left {
      // A record that cannot be read is reported as damage of the ledger.
      guard let content = try? ArchiveContent(archive) else { continue }
      let table = ArchiveTable(archive, content)
      objects.append(
        SchemaObject(type: "table", name: table.name, table: table.name, sql: table.storedDefinition))
      objects.append(
        SchemaObject(
          type: "index", name: table.indexName, table: table.name, sql: table.storedIndexDefinition))
    }
    expected = Dictionary(objects.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private static let present = objects(of: LedgerFormat.current)

  /// The objects as SQLite stores them. An unknown format has none, so everything counts as drift.
  private static func objects(of format: Int) -> [SchemaObject] {
    guard (1...LedgerFormat.current).contains(format),
      let scratch = try? Connection(path: "", mode: .memory),
      (try? scratch.execute(script: LedgerFormat.definition(of: format))) != nil
    else { return [] }
    return (try? Schema(of: scratch).reachingForLedger) ?? []
  }

  /// How the ledger's objects in a schema differ from these.
  ///
  /// - Parameter temporary: objects of the TEMP schema.
  func drift(in schema: Schema, temporary: [SchemaObject] = []) -> LedgerDrift {
    let found = schema.reachingForLedger
    let missing = required.subtracting(found.map(\.key)).sorted()
    var drift = LedgerDrift()
    for object in found where expected[object.key]?.digest != object.digest {
      drift.add(object, isLedgers: expected[object.key] != nil)
    }
    for object in temporary where object.reachesForLedger { drift.add(object, isTemporary: true) }
    for key in missing { drift.addMissing("\(key.type) \(key.name)") }
    return drift
  }
}

/// Changes from outside: objects of the ledger that are not as phasedb made them, and foreign objects that use them.
struct LedgerDrift: Sendable {
  /// One line each.
  private(set) var lines: [Prose] = []
  private(set) var remedies: [Prose] = []

  var isEmpty: Bool { lines.isEmpty }

  fileprivate mutating func add(_ object: SchemaObject, isLedgers: Bool = false, isTemporary: Bool = false) {
    let title: Prose = "\(isTemporary ? "TEMP " : "")\(object.title)"
    if isLedgers {
      lines.append("\(title) of the ledger has different SQL")
      remedies.append("restore \(object.title) from a backup")
      return
    }
    switch object.key.type {
    case "trigger", "index": lines.append("\(title) on \(object.table) does not belong to phasedb")
    default: lines.append("\(title) does not belong to phasedb")
    }
    let isOwner = object.table.folded.hasPrefix(Schema.ledgerPrefix)
    let isNamed = object.key.name.hasPrefix(Schema.ledgerPrefix)
    if let use = Schema.ledgerName(in: object.sql, except: [Schema.checkIns]), !isOwner,
      !isNamed
    {
      lines[lines.count - 1] = "\(title) uses \(use.name)"
    }
    let schema = isTemporary ? "temp" : "main"
    remedies.append(
      "drop it if nothing needs it: DROP \(object.key.type.uppercased()) \(schema).\(SQLText.identifier(object.name));"
    )
  }

  fileprivate mutating func addMissing(_ title: String) {
    lines.append("\(title) of the ledger is missing")
    remedies.append("restore \(title) from a backup")
  }

  /// The error for every command that would write.
  var error: MigrationError {
    MigrationError(
      .ledgerTouched, "objects of the ledger were changed or added from outside",
      details: DetailLines.first(lines), state: "nothing was changed",
      help: DetailLines.first(remedies) + ["run all checks: phasedb verify"])
  }
}
