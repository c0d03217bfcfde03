internal import PhaseSQL
internal import PhaseSQLite

/// What a purge destroys, or has destroyed.
package struct Purge: Sendable {
  /// The phase whose archives these are.
  package let phase: PhaseID
  package let items: [KeptData]

  /// How many rows of archives and of retired tables, all together.
  package var rows: Int { items.reduce(0) { $0 + $1.rows } }
}

/// Destroys what phases removed and their reversals would bring back.
struct Purging: MigratorWork {
  let migrator: Migrator

  func purgeable(_ name: String) throws(MigrationError) -> Purge {
    try purgeable(name, lookingForDeleted: nil)
  }

  func purgeable(_ name: String, lookingForDeleted limit: Duration?) throws(MigrationError) -> Purge {
    try reading(connection) { () throws(MigrationError) in
      try PurgeRun(name, catalog, try Knowledge(of: connection), on: connection).listing(
        lookingForDeleted: limit)
    }
  }

  func purge(_ name: String, confirmed: String?) throws(MigrationError) -> Purge {
    let listing = try purgeable(name)
    guard !listing.items.isEmpty else { return listing }
    guard let confirmed, [listing.phase.description, listing.phase.short].contains(confirmed) else {
      throw Self.unconfirmed(listing, confirmed)
    }
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      try writing("committing the purge") { knowledge throws(MigrationError) in
        guard knowledge.isInPlace else { throw try knowledge.driftError(isGate: false) }
        if let lease = try lifting("reading the ledger", { () in try knowledge.ledger?.lease.held() }),
          !lease.holder.isProvablyDead(seenFrom: options.runner)
        {
          throw lease.held
        }
        if let underWay = try knowledge.ledger?.batches.underWay() {
          throw underWay.inProgress("nothing can be purged")
        }
        let run = try PurgeRun(name, catalog, knowledge, on: connection)
        let present = try run.listing()
        // The operator confirmed this list, and the archives have changed since.
        guard present.items == listing.items else { throw Self.unconfirmed(present, nil) }
        try run.destroy(by: options.runner, at: options.now())
        return present
      }
    }
  }

  /// - Parameter wrong: the wrong word that the operator gave.
  private static func unconfirmed(_ purge: Purge, _ wrong: String?) -> MigrationError {
    MigrationError(
      .purgeUnconfirmed,
      "purging \(purge.phase) destroys \(DetailLines.rows(purge.rows)) of \(purge.items.count == 1 ? "one object" : "\(purge.items.count) objects")",
      details: purge.items.map { item in
        let bytes = item.bytes.map { ", \(CountText.bytes(Int64($0)))" } ?? ""
        return "\(item.what): \(DetailLines.rows(item.rows))\(bytes)"
      }, state: "nothing was changed",
      help: (wrong.map { ["'\($0)' does not confirm it: it is not the id of the phase"] } ?? []) + [
        "if none of it is needed any more: phasedb purge \(purge.phase.short) --confirm \(purge.phase.short)"
      ])
  }
}

/// The purge of one phase, inside a transaction.
struct PurgeRun {
  private let id: PhaseID
  private let ledger: Ledger
  private let knowledge: Knowledge
  private let connection: Connection
  private let archives: [ArchiveRecord]

  init(
    _ name: String, _ catalog: Catalog, _ knowledge: Knowledge, on connection: Connection
  ) throws(MigrationError) {
    guard let ledger = knowledge.ledger else {
      throw MigrationError(
        .ledgerMissing, "there is no ledger, so nothing was archived", state: "nothing was changed",
        help: ["see what is applied: phasedb status"])
    }
    let all = try ledger.archives.all()
    let known = Set(knowledge.applied.map(\.id)).union(catalog.phases.map(\.id)).union(all.map(\.phase))
    id = try PhaseID.find(name, among: known.sorted())
    let id = id
    archives = all.filter { $0.phase == id && $0.state != .purged }
    self.ledger = ledger
    self.knowledge = knowledge
    self.connection = connection
  }

  /// The retired columns and tables of the phase that still exist, by their present names.
  private func retired() throws(MigrationError) -> [(retirement: Retirement, name: SchemaName)] {
    guard let applied = knowledge.applied.first(where: { $0.id == id }) else { return [] }
    return try ledger.phases.text(of: applied).retirements.compactMap { retirement in
      let name = RetiredName(SchemaName(retirement.column ?? retirement.table), by: id.migration).name
      let isThere =
        retirement.column == nil
        ? knowledge.schema.object("table", name) != nil || knowledge.schema.ledgerNames.contains(name.key)
        : knowledge.schema.table(SchemaName(retirement.table))?.column(name) != nil
      return isThere ? (retirement, name) : nil
    }
  }

  func listing(lookingForDeleted limit: Duration? = nil) throws(MigrationError) -> Purge {
    var items = try KeptData.archives(
      archives, among: knowledge.applied, lookingForDeleted: limit, ledger, on: connection)
    for (retirement, name) in try retired() {
      let table = retirement.column == nil ? name.spelled : retirement.table
      let count = retirement.column == nil ? "count(*)" : "count(\(SQLText.identifier(name.spelled)))"
      let rows = try lifting("counting what was retired") { () in
        try connection.value("SELECT \(count) FROM main.\(SQLText.identifier(table))")?.integer ?? 0
      }
      let going = retirement.column == nil ? [] : indexes(on: retirement.table, of: name)
      let what: Prose =
        "\(retirement.title), retired" + going.map { ", with its \($0.title)" as Prose }.joined()
      items.append(KeptData(what: what, rows: Int(rows), bytes: nil, isRetired: true))
    }
    return Purge(phase: id, items: items)
  }

  /// Indexes that are dropped with a retired column.
  private func indexes(on table: String, of column: SchemaName) -> [IndexDefinition] {
    knowledge.schema.indexes(on: SchemaName(table)).filter { $0.mentions(column) }
  }

  /// - Throws: `purge-impossible` when the table's own SQL needs the column
  ///   (sqlite.org/lang_altertable.html#altertabdropcol).
  private func drop(_ column: SchemaName, of retirement: Retirement) throws(MigrationError) {
    for index in indexes(on: retirement.table, of: column) {
      try lifting("dropping \(index.title)") { () in
        try connection.execute("DROP INDEX main.\(SQLText.identifier(index.name.spelled))")
      }
    }
    let table = SQLText.identifier(retirement.table)
    do throws(SQLiteError) {
      try connection.execute("ALTER TABLE main.\(table) DROP COLUMN \(SQLText.identifier(column.spelled))")
    } catch  where error.code.primary == .error {
      throw MigrationError(
        .purgeImpossible, "\(retirement.title), which \(id) retired, cannot be dropped: \(error.message)",
        state: "nothing was changed",
        help: [
          "rebuild \(retirement.table) without the column in a migration: its values go to an archive that can be purged"
        ])
    } catch {
      throw MigrationError(error, while: "dropping \(retirement.title)")
    }
  }

  func destroy(by runner: Runner, at time: Timestamp) throws(MigrationError) {
    let retired = try retired()
    for (retirement, name) in retired where retirement.column != nil { try drop(name, of: retirement) }
    try lifting("purging \(id)") { () in
      let ledger = try ledger.upgraded(by: runner, at: time)
      for archive in archives {
        try connection.execute("DROP TABLE IF EXISTS main.\(SQLText.identifier(archive.tableName))")
      }
      for (retirement, name) in retired where retirement.column == nil {
        try connection.execute("DROP TABLE main.\(SQLText.identifier(name.spelled))")
      }
      let entry = try ledger.log(
        .purge, subject: id.description, detail: "\(archives.count + retired.count) objects", by: runner,
        at: time)
      try ledger.archives.record(archives.map { $0.settled(state: .purged) })
      for (retirement, _) in retired {
        try ledger.archives.record([
          ArchiveRecord(
            id: try ledger.archives.next(), phase: id, direction: .up, entry: entry, table: retirement.title,
            content: "{}", rows: 0, digest: "", state: .purged)
        ])
      }
      // Dropping a retired column changes the table. It is recorded like a change from outside that was accepted.
      let changes = try Schema(of: connection).changes(since: knowledge.schema)
      try ledger.schemas.record(changes, sequence: entry)
    }
  }
}
