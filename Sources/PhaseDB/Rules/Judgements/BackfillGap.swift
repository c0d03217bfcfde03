internal import PhaseSQL
internal import PhaseSQLite

/// A column that a migrate phase fills must also get a value in rows that older versions insert later.
enum BackfillGap: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    guard trial.id.kind == .migrate else { return [] }
    return try lifting("asking what an INSERT writes") { () in
      try trial.writes.columns.keys.sorted().flatMap { table in
        try trial.births.columns(of: table).flatMap { birth, columns -> [Finding] in
          guard let application = olderApplication(than: birth.phase, in: trial, of: folder) else {
            return []
          }
          return try gaps(table, birth, columns, in: trial).map {
            finding(trial, $0.table, $0.column, $0.fill, application)
          }
        }
      }
    }
  }

  /// The columns of a table that the phase fills and that stay empty in new rows.
  private static func gaps(
    _ name: FoldedName, _ birth: ColumnBirths.Birth, _ columns: Set<SchemaName>, in trial: PhaseTrial
  ) throws -> [(table: FilledTable, column: ColumnDefinition, fill: StatementEffect)] {
    guard let updated = trial.writes.columns[name],
      let object = trial.after.object("table", SchemaName(name)),
      let table = try FilledTable(from: birth.before, to: object, on: trial.connection)
    else { return [] }
    let filled = table.newColumns.filter { columns.contains($0.name) && updated.contains($0.name.key) }
    guard !filled.isEmpty else { return [] }
    let unfilled = NewbornRow(in: table.name, knowing: table.oldColumns).columnsLeft(
      to: trial.phase, of: filled, on: trial.connection)
    // A column of another migration may have values already, and the phase only corrects them.
    let isYoung = birth.phase.migration == trial.id.migration
    return filled.compactMap { column in
      let fill = trial.statements.first { effect in
        effect.writes.columns[name]?.contains(column.name.key) == true
          && (unfilled.contains(column.name.key)
            || (!table.writtenByInsert.contains(column.name.key)
              && (isYoung
                ? FillingStatement(effect, in: trial.phase.up).fills(column)
                : FillingStatement(effect, in: trial.phase.up).looksForNull(in: column))))
      }
      return fill.map { (table, column, $0) }
    }
  }

  private static func finding(
    _ trial: PhaseTrial, _ table: FilledTable, _ column: ColumnDefinition, _ fill: StatementEffect,
    _ application: String
  ) -> Finding {
    Finding(
      .backfillGap, in: trial.id,
      "the phase fills \(table.name).\(column.name.spelled), but nothing fills it for rows that \(application) inserts without knowing the column",
      at: fill.place(in: trial.phase.up),
      remedies: [
        table.trigger(
          filling: column, with: FillingStatement(fill, in: trial.phase.up).value(of: column.name.key))
      ])
  }

  /// An application that, when the phase is applied, may still be live in a version from before another phase; nil when
  /// there is none.
  private static func olderApplication(
    than phase: PhaseID, in trial: PhaseTrial, of folder: LintedFolder
  ) -> String? {
    guard let expand = folder.catalog[phase] else { return nil }
    let needs = trial.phase.needs + expand.needs
    // A contract may be held, and then the versions that it excludes still run, unless this migration waits for the
    // contract.
    let applied = folder.catalog.phases.prefix { $0.id <= trial.id }.filter { id, _ in
      id.kind != .contract || needs.contains { id.isNamed(by: $0) }
    }
    let intervals = LiveIntervals.of(applied: applied.map(\.phase.windows), pending: [Windows]())
    for window in expand.windows {
      if let older = VersionRange(
        from: intervals[window.application]?.lower, to: window.range.upper)
      {
        return "\(window.application) \(older)"
      }
    }
    return nil
  }
}

/// A table from before the migration, and how its new columns get values in new rows.
private struct FilledTable {
  let name: String
  /// The columns that it had before the migration, as they are now.
  let oldColumns: [ColumnDefinition]
  let newColumns: [ColumnDefinition]
  /// What triggers may write when a row is inserted.
  let writtenByInsert: Set<FoldedName>
  private let key: [String]

  init?(from old: SchemaObject, to new: SchemaObject, on connection: Connection) throws(SQLiteError) {
    guard let before = TableDefinition(old.sql), let after = TableDefinition(new.sql) else { return nil }
    name = new.name
    let known = Set(before.columns.map(\.name))
    writtenByInsert = try FilledTable.columnsWrittenByInsert(into: new.name, on: connection)
    oldColumns = after.columns.filter { known.contains($0.name) }
    newColumns = after.columns.filter { !known.contains($0.name) }
    let keys = after.columns.filter(\.isPrimaryKey).sorted { ($0.keyPosition ?? 0) < ($1.keyPosition ?? 0) }
    key = keys.isEmpty ? ["rowid"] : keys.map(\.name.spelled)
  }

  /// The columns that triggers write when a row is inserted, as SQLite's authorizer reports them. These are all
  /// columns if a trigger inserts into the table itself, because it may replace the whole row.
  private static func columnsWrittenByInsert(
    into table: String, on connection: Connection
  ) throws(SQLiteError) -> Set<FoldedName> {
    let name = table.folded
    var writes = WriteSet()
    connection.setAuthorizer { action in
      if action.origin != nil { writes.add(action) }
      return true
    }
    defer { connection.removeAuthorizer() }
    do {
      _ = try connection.prepare("EXPLAIN INSERT INTO main.\(SQLText.identifier(table)) DEFAULT VALUES")
    } catch {
      // Another rule reports a trigger that does not compile.
      return []
    }
    guard !writes.insertedTables.contains(name) else {
      return Set(try Table.columnNames(of: SchemaName(table), on: connection).map(\.key))
    }
    return writes.columns[name] ?? []
  }

  /// A suggested trigger that does for a new row what the phase does for existing rows.
  func trigger(filling column: ColumnDefinition, with value: String?) -> Prose {
    let (table, name) = (SQLName(self.name), SQLName(column.name.spelled))
    let unfilled = column.defaultValue.map { "IS (\($0.text))" } ?? "IS NULL"
    let row = key.map { "\(SQLName($0)) = NEW.\(SQLName($0))" }.joined(separator: " AND ")
    return """
      CREATE TRIGGER \(SQLName("\(self.name)_fill_\(column.name.spelled)")) AFTER INSERT ON \(table)
      WHEN NEW.\(name) \(unfilled)
      BEGIN
        UPDATE \(table) SET \(name) = \(sql: value ?? "…") WHERE \(row);
      END;
      """
  }
}

/// A statement that may fill a column, as a list of words.
private struct FillingStatement {
  private let script: Script
  private let words: [SQLWord]

  init(_ effect: StatementEffect, in script: Script) {
    self.script = script
    words = effect.words(in: script)
  }

  /// Whether the statement sets a column for the rows that do not have it yet.
  ///
  /// A default that is a value fills the column in every new row. If the statement overwrites it in all rows, or
  /// selects rows by this column, the default counts as a stopgap; if the statement selects rows in another way, the
  /// default counts as the right value for the rest.
  func fills(_ column: ColumnDefinition) -> Bool {
    guard let value = column.defaultValue?.text, value.asciiLowercased != "null" else { return true }
    guard let condition = firstOutermost("where") else { return true }
    return words[condition...].contains { $0.isName && $0.text == column.name.key }
  }

  /// Whether the statement selects the rows that have no value in a column: `WHERE c IS NULL`.
  func looksForNull(in column: ColumnDefinition) -> Bool {
    guard let condition = firstOutermost("where") else { return false }
    return words.indices[condition...].contains { index in
      words[index].isName && words[index].text == column.name.key && words.has("is", "null", at: index + 1)
    }
  }

  /// The expression that a plain `UPDATE t SET c = …` assigns to a column; nil when it may mean something else in a
  /// trigger.
  func value(of column: FoldedName) -> String? {
    guard words.has("update", at: 0), let table = words.qualifiedName(at: 1), words.has("set", at: table.end),
      firstOutermost("from") == nil
    else { return nil }
    let end = firstOutermost("where") ?? words.lastIndex { !$0.is(";") }.map { $0 + 1 } ?? words.endIndex
    let item = words.items(in: (table.end + 1)..<end).first { $0.first?.text == column && $0.has("=", at: 1) }
    return item.map { text($0.dropFirst(2)) }
  }

  private func firstOutermost(_ word: String) -> Int? {
    words.outermost.first { words[$0].is(word) }
  }

  /// Some of its tokens as written, on one line.
  private func text(_ words: ArraySlice<SQLWord>) -> String {
    guard let first = words.first, let last = words.last else { return "" }
    let bytes = Array(script.text.utf8)[first.range.lowerBound..<last.range.upperBound]
    return String(decoding: bytes, as: UTF8.self)
      .split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.joined(separator: " ")
  }
}
