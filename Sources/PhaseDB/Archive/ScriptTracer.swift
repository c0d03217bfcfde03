internal import PhaseSQL
internal import PhaseSQLite

/// Records a ``ScriptTrace`` while a script runs, statement by statement.
final class ScriptTracer {
  let connection: Connection
  let script: Script
  var trace = ScriptTrace(tables: [])
  /// The position in the trace of each present table, by its folded name.
  var present: [FoldedName: Int] = [:]
  var rootPages: [FoldedName: Int64] = [:]
  /// Whether the script or the schema uses REPLACE, which deletes rows without a report.
  let mayReplace: Bool
  /// Whether the script or the schema uses IGNORE. Then a row may depend on an existing one.
  let mayIgnore: Bool
  var failure: SQLiteError?

  /// Begins with the tables that a connection's main database has now.
  init(_ script: Script, on connection: Connection) throws(MigrationError) {
    self.script = script
    self.connection = connection
    do throws(SQLiteError) {
      let texts = try connection.rows("SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL")
      let all = [script.text] + texts.compactMap(\.[0].text)
      mayReplace = all.contains(where: Self.saysReplace)
      mayIgnore = all.contains { $0.occurrences(ofLowercased: "ignore") > 0 }
    } catch {
      throw MigrationError(error, while: "reading the schema on a scratch database")
    }
    do throws(SQLiteError) {
      for table in try tables() { try appear(table, isNew: false) }
    } catch {
      throw MigrationError(error, while: "reading the schema on a scratch database")
    }
  }

  /// The trace of the script up to now.
  func finish() throws(MigrationError) -> ScriptTrace {
    if let failure { throw MigrationError(failure, while: "following a script on a scratch database") }
    return trace.finished()
  }

  /// Adds the effect of a statement.
  func follow(_ effect: StatementEffect) {
    guard failure == nil else { return }
    note(effect)
    let writes = effect.writes
    guard !(writes.createdTables.isEmpty && writes.droppedTables.isEmpty && writes.alteredTables.isEmpty)
    else { return }
    do throws(SQLiteError) {
      if try !followTables(writes) { try followNames() }
      for table in writes.alteredTables { try followColumns(of: table) }
    } catch {
      failure = error
    }
  }

  /// Follows names that were changed outside the statements of the script.
  func catchUp() {
    guard failure == nil else { return }
    do throws(SQLiteError) {
      try followNames()
      for table in present.keys { try followColumns(of: table) }
    } catch {
      failure = error
    }
  }

  /// Whether SQL has `REPLACE INTO`, `OR REPLACE` or `ON CONFLICT REPLACE`. The function `replace` does not count.
  private static func saysReplace(_ sql: String) -> Bool {
    guard sql.occurrences(ofLowercased: "replace") > 0 else { return false }
    let words = SQLWord.all(in: sql)
    return words.indices.contains { words[$0].is("replace") && !words.has("(", at: $0 + 1) }
  }
}

// MARK: - Rows

extension ScriptTracer {
  private func note(_ effect: StatementEffect) {
    let writes = effect.writes
    trace.functions.formUnion(writes.functions)
    let insert = Insert(effect, script)
    if trace.isRowByRow, !isRowByRow(effect, insert) { trace.isRowByRow = false }
    let written = writes.insertedTables.union(writes.columns.keys).union(writes.deletedTables)
    let read = writes.readTables.compactMap { present[$0] }
    if writes.changesRows { trace.readTables.formUnion(read.compactMap { trace.tables[$0].origin }) }
    for name in written {
      guard let index = present[name] else { continue }
      for source in read where source != index {
        let isOwn = writes.triggers[name] == nil
        if isOwn, let lookup = lookup(of: source, by: index, in: effect) {
          trace.tables[index].lookups.insert(lookup)
        } else {
          trace.tables[index].sources.insert(source)
        }
      }
      if writes.deletedTables.contains(name) || (mayReplace && writes.tables.contains(name))
        || (mayReplace && writes.columns[name] != nil)
      {
        trace.tables[index].losesRows = true
      }
      for column in writes.columns[name] ?? [] { markUpdated(column, of: index) }
      trace.tables[index].readColumns.formUnion(
        (writes.readColumns[name] ?? []).map {
          trace.tables[index].column(to: SchemaName($0))?.origin?.key ?? $0
        })
      if mayReplace || writes.insertedTables.contains(name) {
        noteDefaults(of: name, but: mayReplace || writes.triggers[name] != nil ? nil : insert)
      }
      guard writes.insertedTables.contains(name) else { continue }
      // A trigger may insert more rows into the same table.
      let own = writes.triggers[name] == nil && insert?.table == name ? insert : nil
      noteInsert(into: index, own, sumsUp: mayCombineRows(writes.functions))
      if read.contains(index) { trace.tables[index].copiesItself = true }
    }
  }

  /// How an UPDATE looks up rows of another table; nil when it may read any of them.
  private func lookup(of source: Int, by target: Int, in effect: StatementEffect) -> Lookup? {
    let (there, here) = (trace.tables[source], trace.tables[target])
    guard let table = there.origin, here.origin != nil, let name = there.outcome, let own = here.outcome,
      let keys = try? Table.columns(of: name, on: connection).keyColumns,
      let pairs = LookupWords(effect.words(in: script)).pairs(of: name.key, with: own.key)
    else { return nil }
    let origins = pairs.compactMap { pair -> Lookup.Pair? in
      guard let column = there.columns.first(where: { $0.outcome?.key == pair.there })?.origin,
        let ownColumn = here.columns.first(where: { $0.outcome?.key == pair.here })?.origin
      else { return nil }
      return Lookup.Pair(there: column, here: ownColumn)
    }
    let key = Set(keys.compactMap { there.column(to: $0.name)?.origin })
    guard !key.isEmpty, key.count == keys.count, key.isSubset(of: origins.map(\.there)) else { return nil }
    return Lookup(table: table, pairs: Set(origins.filter { key.contains($0.there) }))
  }

  private func noteInsert(into index: Int, _ insert: Insert?, sumsUp: Bool) {
    let stored = trace.tables[index].columns.filter { !$0.isGenerated }.compactMap(\.outcome?.key)
    let given = insert.map { $0.columns ?? stored } ?? stored
    let isOnly = !trace.tables[index].gainsRows
    var handed: [FoldedName: TracedColumn.Origin] = [:]
    var isWhole = false
    var rowIDsFrom: SchemaName?
    var nulls: Set<FoldedName> = []
    if let copy = insert?.copy, isOnly, let source = present[copy.source].map({ trace.tables[$0] }),
      let origin = source.origin
    {
      isWhole = copy.isWhole && !sumsUp
      let read = copy.isStar ? source.columns.filter { $0.outcome != nil }.map(\.outcome?.key) : copy.columns
      if read.count == given.count {
        nulls = Set(copy.nulls.compactMap { given.indices.contains($0) ? given[$0] : nil })
        for (target, name) in zip(given, read) {
          if Self.isRowID(target, of: trace.tables[index]), let name, Self.isRowID(name, of: source) {
            rowIDsFrom = origin
          }
          let column = source.columns.first { $0.outcome != nil && $0.outcome?.key == name }
          handed[target] = column?.origin.flatMap {
            column?.isUpdated == true ? nil : .init(table: origin, column: $0)
          }
        }
      }
    }
    trace.tables[index].gainsRows = true
    trace.tables[index].hasAllRowsOfOne = isWhole
    trace.tables[index].rowIDsFrom = rowIDsFrom
    let names = Set(given)
    for place in trace.tables[index].columns.indices {
      guard let key = trace.tables[index].columns[place].outcome?.key else { continue }
      trace.tables[index].columns[place].handedFrom = handed[key]
      if names.contains(key), !nulls.contains(key) { trace.tables[index].columns[place].isInserted = true }
    }
  }

  /// Adds the functions in defaults that rows may get, because SQLite does not report these. REPLACE uses the default
  /// for a NULL in a NOT NULL column (sqlite.org/lang_conflict.html).
  private func noteDefaults(of table: FoldedName, but insert: Insert?) {
    let given = insert?.table == table ? insert.map { Set($0.columns ?? []) } : []
    if insert?.table == table, insert?.columns == nil { return }
    do throws(SQLiteError) {
      for column in try Table.columns(of: SchemaName(table), on: connection)
      where given?.contains(column.name.key) != true {
        trace.functions.formUnion(column.defaultValue.map(SQLTokens.identifiers) ?? [])
      }
    } catch {
      failure = error
    }
  }

  /// Whether the effect of a statement on a row depends only on that row. Words that may bring in other rows count as
  /// no.
  private func isRowByRow(_ effect: StatementEffect, _ insert: Insert?) -> Bool {
    let writes = effect.writes
    let words = effect.words(in: script)
    let written = writes.rowTables.filter { !$0.text.hasPrefix("sqlite_") }
    func count(_ word: String) -> Int { words.count { $0.is(word) } }
    guard let name = written.first else { return writes.createdTables.isEmpty || count("select") == 0 }
    guard written.count == 1, let index = present[name], writes.triggers.isEmpty, !mayReplace, !mayIgnore,
      !words.contains(where: { word in Self.wordsOfOthers.contains { word.is($0) } }),
      // `x IN t` reads another table without a SELECT.
      words.indices.allSatisfy({ !words[$0].is("in") || words.has("(", at: $0 + 1) })
    else { return false }
    let table = trace.tables[index]
    if writes.insertedTables.contains(name) {
      // Whether a new row conflicts with others depends on those.
      guard table.origin == nil else { return false }
      if count("select") == 0 { return true }
      return count("select") == 1 && insert?.copy.map { present[$0.source] != nil } ?? false
        && !mayCombineRows(writes.functions)
    }
    let reads = words.has("delete", "from", at: 0) ? count("from") - 1 : count("from")
    if reads == 0, count("select") == 0 { return true }
    // A value in an old column is archived together with the row from which it is looked up.
    let isOfNewColumns = (writes.columns[name] ?? []).allSatisfy {
      table.column(to: SchemaName($0)).map { $0.origin == nil } ?? false
    }
    let others = writes.readTables.compactMap { present[$0] }.filter { $0 != index }
    return isOfNewColumns && !writes.deletedTables.contains(name) && others.count == reads
      && count("select") <= reads && others.allSatisfy { lookup(of: $0, by: index, in: effect) != nil }
  }

  private static let wordsOfOthers = [
    "limit", "group", "having", "distinct", "over", "window", "union", "except", "intersect", "join", "with",
    "conflict",
  ]

  /// Whether one of these functions combines several rows into one value.
  private func mayCombineRows(_ functions: Set<FoldedName>) -> Bool {
    do throws(SQLiteError) {
      for name in functions where try FunctionList.traits(of: name, on: connection)?.combinesRows == true {
        return true
      }
    } catch {
      failure = error
    }
    return false
  }

  private func markUpdated(_ name: FoldedName, of table: Int) {
    let column = trace.tables[table].columns.firstIndex { $0.outcome?.key == name }
    if let column {
      trace.tables[table].columns[column].isUpdated = true
    } else if Self.isRowID(name, of: trace.tables[table]) {
      trace.tables[table].isRowIDUpdated = true
    }
  }

  private static func isRowID(_ name: FoldedName, of table: TracedTable) -> Bool {
    RowKey.rowIDNames.contains(name) && table.column(to: SchemaName(name)) == nil
  }

  /// What the text of an INSERT says. SQLite does not report the columns that it lists.
  private struct Insert {
    /// Folded.
    let table: FoldedName
    /// The listed columns; nil when it lists none, which means all.
    let columns: [FoldedName]?
    let copy: PlainCopy?

    init?(_ effect: StatementEffect, _ script: Script) {
      guard !effect.writes.insertedTables.isEmpty else { return nil }
      let words = effect.words(in: script)
      guard let into = words.firstIndex(where: { $0.is("into") }),
        let target = InsertTarget(words, into: into)
      else { return nil }
      table = target.table.text
      columns = words.has("default", "values", at: target.end) ? [] : target.columns
      copy = PlainCopy(words, selectingAt: target.end)
    }
  }
}

extension ScriptTracer {
  struct Present {
    let name: SchemaName
    let rootPage: Int64
    let isVirtual: Bool
  }

  func tables() throws(SQLiteError) -> [Present] {
    let rows = try connection.rows(
      "SELECT name, rootpage, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    // A virtual table has no page of its own (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema).
    let virtual = Dictionary(
      rows.lazy.filter { $0[1].integer == 0 }.compactMap { row in
        TableDefinition(row[2].text ?? "").flatMap { table in table.virtual.map { (table.name, $0) } }
      }, uniquingKeysWith: { first, _ in first })
    let shadows = virtual.reduce(into: Set<SchemaName>()) { $0.formUnion($1.value.shadows(of: $1.key)) }
    return rows.compactMap { row in
      let name = SchemaName(row[0].text ?? "")
      guard !shadows.contains(name) else { return nil }
      return Present(name: name, rootPage: row[1].integer ?? 0, isVirtual: virtual[name] != nil)
    }
  }

  func appear(_ table: Present, isNew: Bool) throws(SQLiteError) {
    let columns = try Table.columns(of: table.name, on: connection).map { column in
      TracedColumn(
        origin: isNew ? nil : column.name, outcome: column.name, isGenerated: column.isGenerated,
        type: column.type)
    }
    present[table.name.key] = trace.tables.count
    rootPages[table.name.key] = table.rootPage
    trace.tables.append(
      TracedTable(
        origin: isNew ? nil : table.name, outcome: table.name, isVirtual: table.isVirtual, columns: columns))
  }

  /// Follows a rename. A renamed table keeps its first page
  /// (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema), and a statement renames only one table, apart
  /// from shadow tables.
  func followNames() throws(SQLiteError) {
    let now = try tables()
    let names = Set(now.map(\.name.key))
    var gone = present.filter { !names.contains($0.key) }
    for table in now where present[table.name.key] == nil {
      if let old = gone.first(where: { rootPages[$0.key] == table.rootPage }) {
        gone[old.key] = nil
        trace.tables[old.value].outcome = table.name
        present[old.key] = nil
        rootPages[old.key] = nil
        present[table.name.key] = old.value
      } else {
        try appear(table, isNew: true)
      }
      rootPages[table.name.key] = table.rootPage
    }
    for (name, index) in gone {
      trace.tables[index].outcome = nil
      present[name] = nil
      rootPages[name] = nil
    }
  }

  /// Adds the tables that a statement made or dropped, by their names alone. To read the whole schema after each of
  /// thousands of statements would take quadratic time.
  ///
  /// - Returns: false for a statement after which the whole schema has to be read: one that may have renamed
  ///   something, or is about a virtual table, which has shadow tables.
  func followTables(_ writes: WriteSet) throws(SQLiteError) -> Bool {
    guard writes.alteredTables.isEmpty else { return false }
    var made: [Present] = []
    for name in writes.createdTables {
      guard
        let row = try connection.rows(
          "SELECT name, rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
          .text(name)
        ).first
      else { continue }
      guard let page = row[1].integer, page > 0, present[name] == nil else { return false }
      made.append(Present(name: SchemaName(row[0].text ?? ""), rootPage: page, isVirtual: false))
    }
    let dropped = writes.droppedTables.filter { present[$0] != nil }
    guard dropped.allSatisfy({ present[$0].map { !trace.tables[$0].isVirtual } ?? true }) else {
      return false
    }
    for name in dropped {
      if let index = present.removeValue(forKey: name) { trace.tables[index].outcome = nil }
      rootPages[name] = nil
    }
    for table in made { try appear(table, isNew: true) }
    return true
  }

  /// Follows the columns of a table: one ALTER adds a column at the end, drops one or renames one.
  func followColumns(of table: FoldedName) throws(SQLiteError) {
    guard let index = present[table] else { return }
    let now = try Table.columns(of: SchemaName(table), on: connection)
    var old = trace.tables[index].columns.filter { $0.outcome != nil }
    let gone = trace.tables[index].columns.filter { $0.outcome == nil }
    if now.count == old.count {
      for place in now.indices { old[place].outcome = now[place].name }
      trace.tables[index].columns = old + gone
      return
    }
    let names = Set(now.map(\.name))
    var lost = old.filter { column in !(column.outcome.map(names.contains) ?? false) }
    for place in lost.indices { lost[place].outcome = nil }
    let kept = now.map { column in
      old.first { $0.outcome == column.name }
        ?? TracedColumn(
          origin: nil, outcome: column.name, isGenerated: column.isGenerated, type: column.type)
    }
    trace.tables[index].columns = kept + lost + gone
  }
}
