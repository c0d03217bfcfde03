internal import PhaseSQL
internal import PhaseSQLite

/// Finds losses in virtual tables that an archive cannot prevent: rows that their module does not return, settings of
/// FTS5 (sqlite.org/fts5.html#special_insert_commands), and languages of rows of FTS4
/// (sqlite.org/fts3.html#the_languageid_option).
struct HiddenContent {
  private let tables: [Table]

  fileprivate struct Table {
    let name: SchemaName
    let virtual: VirtualTable
    /// How many rows there were; nil when they are archived, or cannot be counted.
    var rows: Int?
    var settings: Set<[Value]> = []
    /// The TEMP table with a copy of the languages.
    var languages: String?

    var place: String { "main.\(SQLText.identifier(name.spelled))" }
    var settingsName: String { "\(name.spelled)_config" }
  }

  /// Reads the virtual tables that either direction of a phase touches. Call it before its SQL.
  init(_ trial: TransitionTrial, _ schema: Schema, on connection: Connection) throws(SQLiteError) {
    let touched = trial.there.touchedTables.union(trial.back?.touchedTables ?? [])
    var tables: [Table] = []
    for object in schema.objects where object.isVirtual && touched.contains(object.key.name) {
      guard let definition = TableDefinition(object.sql), let virtual = definition.virtual else { continue }
      var table = Table(name: definition.name, virtual: virtual)
      if virtual.content == .unreadable { table.rows = table.count(on: connection) }
      table.settings = try table.readSettings(on: connection)
      if let language = virtual.language {
        let name = "phasedb_languages_\(tables.count + 1)"
        try connection.execute(
          "CREATE TEMP TABLE \(name) AS SELECT docid AS k, \(SQLText.identifier(language.spelled)) AS v FROM \(table.place)"
        )
        table.languages = name
      }
      tables.append(table)
    }
    self.tables = tables
  }

  /// The parts that have changed.
  func losses(on connection: Connection) throws(SQLiteError) -> [RoundTripRecord.Loss] {
    var losses: [RoundTripRecord.Loss] = []
    for table in tables {
      if table.virtual.content == .unreadable {
        let (before, now) = (table.rows, table.count(on: connection))
        if before != 0 || now != 0 {
          losses.append(
            RoundTripRecord.Loss(
              table: table.name.spelled, column: nil, rows: max(before ?? 1, now ?? 1),
              why: "its module cannot restore its rows"))
        }
      }
      let settings = try table.readSettings(on: connection).symmetricDifference(table.settings)
      if !settings.isEmpty {
        losses.append(
          RoundTripRecord.Loss(
            table: table.settingsName, column: nil, rows: Set(settings.map { $0[0] }).count,
            why: "the way back does not restore the settings of a full-text table"))
      }
      guard let language = table.virtual.language, let kept = table.languages else { continue }
      let column = "n.\(SQLText.identifier(language.spelled))"
      let rows = try connection.value(
        "SELECT count(*) FROM temp.\(kept) AS r JOIN \(table.place) AS n ON n.docid = r.k WHERE \(column) IS NOT r.v"
      )
      if let rows = rows?.integer, rows > 0 {
        losses.append(
          RoundTripRecord.Loss(
            table: table.name.spelled, column: language.spelled, rows: Int(rows),
            why: "the way back does not restore the languages of rows"))
      }
    }
    return losses
  }

  func forget(on connection: Connection) {
    for name in tables.compactMap(\.languages) { try? connection.drop("temp.\(name)") }
  }
}

extension HiddenContent.Table {
  fileprivate func count(on connection: Connection) -> Int? {
    ((try? connection.value("SELECT count(*) FROM \(place)"))??.integer).map { Int($0) }
  }

  /// The settings of an FTS5 table, without the version of its format.
  fileprivate func readSettings(on connection: Connection) throws(SQLiteError) -> Set<[Value]> {
    guard virtual.module.key == "fts5" else { return [] }
    return Set(
      try connection.rows("SELECT k, v FROM main.\(SQLText.identifier(settingsName)) WHERE k <> 'version'"))
  }
}
