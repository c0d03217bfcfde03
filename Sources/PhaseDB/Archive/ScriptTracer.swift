internal import PhaseSQL
internal import PhaseSQLite

/// Follows tables and columns while a script runs, statement by statement.
final class ScriptTracer {
  let connection: Connection
  let script: Script
  var trace = ScriptTrace(tables: [])
  /// The place in the trace of each table that is there now, by its folded name.
  var present: [FoldedName: Int] = [:]
  var rootPages: [FoldedName: Int64] = [:]
  /// Whether anything here says REPLACE, which deletes rows that nothing reports.
  let mayReplace: Bool
  var failure: SQLiteError?

  /// Begins with the tables that a connection's main database has now.
  init(_ script: Script, on connection: Connection) throws(MigrationError) {
    self.script = script
    self.connection = connection
    do throws(SQLiteError) {
      let texts = try connection.rows("SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL")
      mayReplace = ([script.text] + texts.compactMap(\.[0].text)).contains(where: Self.saysReplace)
    } catch {
      throw MigrationError(error, while: "reading the schema on a scratch database")
    }
    do throws(SQLiteError) {
      for table in try tables() { try appear(table, isNew: false) }
    } catch {
      throw MigrationError(error, while: "reading the schema on a scratch database")
    }
  }

  /// What the script has done up to now.
  func finish() throws(MigrationError) -> ScriptTrace {
    if let failure { throw MigrationError(failure, while: "following a script on a scratch database") }
    return trace.finished()
  }

  /// Takes up what a statement did.
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

  /// Takes up the names that something else than a statement of the script has changed.
  func catchUp() {
    guard failure == nil else { return }
    do throws(SQLiteError) {
      try followNames()
      for table in present.keys { try followColumns(of: table) }
    } catch {
      failure = error
    }
  }

  /// `REPLACE INTO`, `OR REPLACE` and `ON CONFLICT REPLACE`, not the function.
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
    let insert = Insert(effect, script)
    let written = writes.insertedTables.union(writes.columns.keys).union(writes.deletedTables)
    let read = writes.readTables.compactMap { present[$0] }
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
      guard writes.insertedTables.contains(name) else { continue }
      // A trigger may insert all there is into the same table.
      let own = writes.triggers[name] == nil && insert?.table == name ? insert : nil
      noteInsert(into: index, own)
      if read.contains(index) { trace.tables[index].copiesItself = true }
    }
  }

  /// How an UPDATE finds rows of another table; nil when it may read any of them.
  private func lookup(of source: Int, by target: Int, in effect: StatementEffect) -> Lookup? {
    let (there, here) = (trace.tables[source], trace.tables[target])
    guard let table = there.origin, here.origin != nil, let name = there.outcome, let own = here.outcome,
      let keys = try? connection.rows(
        "SELECT name FROM pragma_table_info(?1) WHERE pk > 0", .text(name.spelled)),
      let pairs = LookupWords(effect.words(in: script)).pairs(of: name.key, with: own.key)
    else { return nil }
    let origins = pairs.compactMap { pair -> Lookup.Pair? in
      guard let column = there.columns.first(where: { $0.outcome?.key == pair.there })?.origin,
        let ownColumn = here.columns.first(where: { $0.outcome?.key == pair.here })?.origin
      else { return nil }
      return Lookup.Pair(there: column, here: ownColumn)
    }
    let key = Set(keys.compactMap { there.column(to: SchemaName($0[0].text ?? ""))?.origin })
    guard !key.isEmpty, key.count == keys.count, key.isSubset(of: origins.map(\.there)) else { return nil }
    return Lookup(table: table, pairs: Set(origins.filter { key.contains($0.there) }))
  }

  private func noteInsert(into index: Int, _ insert: Insert?) {
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
      isWhole = copy.isWhole
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

  private func markUpdated(_ name: FoldedName, of table: Int) {
    let column = trace.tables[table].columns.firstIndex { $0.outcome?.key == name }
    if let column {
      trace.tables[table].columns[column].isUpdated = true
    } else if Self.isRowID(name, of: trace.tables[table]) {
      trace.tables[table].isRowIDUpdated = true
    }
  }

  private static func isRowID(_ name: FoldedName, of table: TracedTable) -> Bool {
    (["rowid", "_rowid_", "oid"] as [FoldedName]).contains(name) && table.column(to: SchemaName(name)) == nil
  }

  /// What an INSERT says in its own words. SQLite does not report the columns it lists.
  private struct Insert {
    /// Folded.
    let table: FoldedName
    /// nil when it lists none, which means all.
    let columns: [FoldedName]?
    let copy: PlainCopy?

    init?(_ effect: StatementEffect, _ script: Script) {
      guard !effect.writes.insertedTables.isEmpty else { return nil }
      let words = effect.words(in: script)
      guard let into = words.firstIndex(where: { $0.is("into") }),
        let target = words.qualifiedName(at: into + 1)
      else { return nil }
      table = words[target.name].text
      var next = words.has("as", at: target.end) ? target.end + 2 : target.end
      if words.has("default", "values", at: next) {
        (columns, copy) = ([], nil)
        return
      }
      if words.has("(", at: next) {
        let end = words.endOfGroup(at: next)
        columns = words[next..<end].filter(\.isName).map(\.text)
        next = end
      } else {
        columns = nil
      }
      copy = PlainCopy(words, selectingAt: next)
    }
  }
}
