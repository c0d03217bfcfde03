internal import PhaseSQL
internal import PhaseSQLite

/// Finds rows that break constraints which the present schema does not have and a way back restores.
///
/// It covers only constraints over columns whose values the way back does not change. For values that the SQL
/// computes, filters or deletes, SQLite itself reports violations.
struct FormerConstraints {
  private let trace: ScriptTrace
  private let present: Schema
  private let former: Schema
  private let archives: [ArchiveRecord]
  private let laterChanges: LaterChanges?
  private let connection: Connection

  /// - Parameters:
  ///   - trace: what the SQL of the way back does.
  ///   - present: the schema from which it leads.
  ///   - former: the schema to which it leads.
  ///   - archives: the archives whose rows come back.
  ///   - laterChanges: what later phases did; nil when the way back starts from the present schema. Tables that they
  ///     changed are skipped.
  init(
    _ trace: ScriptTrace, from present: Schema, to former: Schema, with archives: [ArchiveRecord],
    _ laterChanges: LaterChanges? = nil, on connection: Connection
  ) {
    self.trace = trace
    self.present = present
    self.former = former
    self.archives = archives
    self.laterChanges = laterChanges
    self.connection = connection
  }

  /// The constraints that rows break.
  func broken() throws(SQLiteError) -> [BrokenConstraint] {
    let changed = Set(
      former.changes(since: present).filter { $0.kind == .added }.map { SchemaName($0.object.table) })
    var broken: [BrokenConstraint] = []
    for name in changed.sorted(by: { $0.key < $1.key }) {
      guard let pair = try pair(name) else { continue }
      for constraint in pair.constraints {
        if let found = try constraint.broken(in: pair.shape, on: connection) { broken.append(found) }
      }
    }
    for record in archives {
      guard let content = try? ArchiveContent(record), let pair = try pair(SchemaName(record.table)) else {
        continue
      }
      for constraint in pair.takenPlaces(record, content) {
        if let found = try constraint.broken(in: pair.shape, on: connection) { broken.append(found) }
      }
    }
    return broken
  }

  /// Restored constraints that ``broken()`` cannot check with a query.
  struct Unchecked {
    /// The tables, by their names after the way back, with constraints on values that it computes or renames, and with
    /// indexes of expressions. Each looks at one table only.
    var tables: Set<SchemaName> = []
    /// Whether there are references: rows of other tables decide about them.
    var hasReferences = false
  }

  func unchecked() throws(SQLiteError) -> Unchecked {
    var unchecked = Unchecked()
    for change in former.changes(since: present) where change.kind == .added {
      let name = SchemaName(change.object.table)
      guard let old = former.table(name) else { continue }
      let pair = try pair(name)
      let now = trace.table(to: name).flatMap {
        $0.origin ?? $0.columns.lazy.compactMap(\.handedFrom?.table).first
      }
      let new = present.table(now ?? name)
      if !Set(old.foreignKeys).isSubset(of: new?.foreignKeys ?? []) { unchecked.hasReferences = true }
      if old.columns.contains(where: { $0.isGenerated && new?.column($0.name)?.isGenerated != true }) {
        unchecked.tables.insert(name)
      }
      let (oldIndexes, newIndexes) = (former.indexes(on: name), present.indexes(on: now ?? name))
      let isAsked =
        pair?.asksEverything
        ?? (Self.holds(old, in: new) && oldIndexes.allSatisfy { !$0.isUnique || newIndexes.contains($0) })
      let hasExpressions = oldIndexes.contains { index in
        !newIndexes.contains(index) && index.columns.contains { $0.column == nil }
      }
      if !isAsked || hasExpressions { unchecked.tables.insert(name) }
    }
    for record in archives {
      let name = SchemaName(record.table)
      guard let content = try? ArchiveContent(record), let table = former.table(name) else { continue }
      let values = Set(content.columns.map { SchemaName($0.name) })
      if table.foreignKeys.contains(where: { !values.isDisjoint(with: $0.columns) }) {
        unchecked.hasReferences = true
      }
      let uniques = table.uniques.map(\.columns) + [table.primaryKey?.columns].compactMap(\.self)
      let isUnique =
        uniques.contains { columns in columns.contains { $0.column.map(values.contains) ?? true } }
        || former.indexes(on: name).contains { $0.isUnique && $0.mentions(anyOf: values) }
      if isUnique { unchecked.tables.insert(name) }
    }
    // Rows may have been added since that refer to a row which the way back deletes.
    let parents = Set(trace.tables.filter { $0.losesRows || $0.hasUpdates }.compactMap(\.outcome))
    if !former.children(of: parents).isEmpty { unchecked.hasReferences = true }
    return unchecked
  }

  /// Whether every row of a table meets the constraints of another one, as far as both say the same.
  private static func holds(_ old: TableDefinition, in new: TableDefinition?) -> Bool {
    guard let new else {
      return old.allConstraints.isEmpty && !old.isStrict && !old.columns.contains(where: \.isNotNull)
    }
    return Set(old.allConstraints).isSubset(of: new.allConstraints) && (!old.isStrict || new.isStrict)
      && old.columns.allSatisfy { !$0.isNotNull || new.column($0.name)?.isNotNull == true }
  }

  private func pair(_ name: SchemaName) throws(SQLiteError) -> TablePair? {
    guard let pair = try TablePair(name, trace, from: present, to: former, on: connection) else { return nil }
    let isAsItWas = laterChanges?.hasLeftAlone(pair.presentNames, of: pair.shape.name) ?? true
    return isAsItWas ? pair : nil
  }
}

/// A table of the former schema, and the present table that has its rows.
struct TablePair {
  let shape: Table
  private let old: TableDefinition
  private let new: TableDefinition
  private let oldIndexes: [IndexDefinition]
  private let newIndexes: [IndexDefinition]
  /// The present names of columns of the former table.
  private var names: [SchemaName: SchemaName] = [:]

  init?(
    _ name: SchemaName, _ trace: ScriptTrace, from present: Schema, to former: Schema,
    on connection: Connection
  ) throws(SQLiteError) {
    guard let old = former.table(name) else { return nil }
    guard let traced = trace.table(to: name) else {
      // The way back does not mention the table.
      guard let new = present.table(name), let shape = try Table(name, on: connection) else {
        return nil
      }
      (self.old, self.new, self.shape) = (old, new, shape)
      oldIndexes = former.indexes(on: name)
      newIndexes = present.indexes(on: name)
      for column in old.columns where new.column(column.name) != nil { names[column.name] = column.name }
      return
    }
    guard !traced.losesRows else { return nil }
    var source = traced.origin
    if source == nil, traced.hasAllRowsOfOne {
      source = traced.columns.lazy.compactMap(\.handedFrom?.table).first
    }
    guard let source, let new = present.table(source), trace.table(from: source)?.losesRows == false,
      let shape = try Table(source, on: connection)
    else { return nil }
    (self.old, self.new, self.shape) = (old, new, shape)
    oldIndexes = former.indexes(on: name)
    newIndexes = present.indexes(on: source)
    for column in traced.columns {
      guard let after = column.outcome, !column.isUpdated else { continue }
      names[after] = traced.origin == nil ? column.handedFrom?.column : column.origin
    }
  }

  var constraints: [FormerConstraint] { uniques + notNulls + checks + types }

  private var isRenamed: Bool { names.contains { $0 != $1 } }

  /// Whether a value of a column means the same in both tables: one of another type or collation compares differently.
  private func isAlike(_ name: SchemaName, heedsCollation: Bool) -> Bool {
    guard let former = old.column(name), let now = names[name], let present = new.column(now) else {
      return false
    }
    return former.type.affinity == present.type.affinity && former.isGenerated == present.isGenerated
      && (!heedsCollation || former.collation?.key ?? "binary" == present.collation?.key ?? "binary")
  }

  /// The same for every column that a condition names.
  private func areAlike(_ condition: SQLFragment?) -> Bool {
    guard let condition else { return true }
    let named = SQLTokens.identifiers(in: condition.text)
    return old.columns.allSatisfy { !named.contains($0.name.key) || isAlike($0.name, heedsCollation: true) }
  }

  /// Whether the present rows can be asked about it.
  private func canAsk(_ unique: Unique) -> Bool {
    unique.columns.allSatisfy { isAlike($0, heedsCollation: false) }
      && (unique.condition == nil || !isRenamed && areAlike(unique.condition))
  }

  /// The same: only columns may be used whose values do not change.
  private func canAsk(_ check: SQLFragment) -> Bool { !isRenamed && areAlike(check) }

  /// Whether every constraint on the rows of the former table either holds now or can be asked of them.
  var asksEverything: Bool {
    formerUniques.allSatisfy(canAsk) && old.checks.allSatisfy(canAsk)
      && old.columns.allSatisfy {
        !$0.isNotNull || $0.isRowIDAlias || $0.defaultValue != nil || names[$0.name] != nil
      }
  }
  private func place(_ name: SchemaName) -> String { "t.\(SQLText.identifier(name.spelled))" }

  // MARK: UNIQUE

  /// A set of columns that is unique, with or without a condition.
  struct Unique: Hashable {
    let columns: [SchemaName]
    /// The collation of each column, folded.
    let collations: [FoldedName]
    var condition: SQLFragment?

    init?(_ terms: [IndexedColumn], in table: TableDefinition, where condition: SQLFragment? = nil) {
      columns = terms.compactMap(\.column)
      guard columns.count == terms.count, !columns.isEmpty else { return nil }
      collations = terms.map { term in
        (term.collation ?? term.column.flatMap { table.column($0)?.collation })?.key ?? "binary"
      }
      self.condition = condition
    }
  }

  private static func uniques(_ table: TableDefinition, _ indexes: [IndexDefinition]) -> [Unique] {
    (table.primaryKey.map { [$0.columns] } ?? []).compactMap { Unique($0, in: table) }
      + table.uniques.compactMap { Unique($0.columns, in: table) }
      + indexes.filter(\.isUnique).compactMap { Unique($0.columns, in: table, where: $0.condition) }
  }

  var formerUniques: [Unique] { Self.uniques(old, oldIndexes) }

  /// The present names of the columns whose values the way back does not change.
  var presentNames: [SchemaName] { Array(names.values) }

  /// The present name of a column of the former table; nil when the way back computes its values.
  func presentName(of column: SchemaName) -> SchemaName? { names[column] }

  private var uniques: [FormerConstraint] {
    let held = Self.uniques(new, newIndexes).filter { $0.condition == nil }
    return formerUniques.compactMap { unique in
      let present = unique.columns.compactMap { names[$0] }
      guard canAsk(unique) else { return nil }
      let isHeld = held.contains { held in
        zip(held.columns, held.collations).allSatisfy { column, collation in
          zip(present, unique.collations).contains { $0 == column && $1 == collation }
        }
      }
      guard !isHeld else { return nil }
      let columns = zip(present, unique.collations).map {
        "\(SQLText.identifier($0.spelled)) COLLATE \(SQLText.identifier($1))"
      }
      let list = columns.joined(separator: ", ")
      // In a unique key NULL differs from every other NULL (sqlite.org/lang_createtable.html#unique_constraints).
      let told =
        present.map { "\(SQLText.identifier($0.spelled)) IS NOT NULL" }
        + (unique.condition.map { ["(\($0.text))"] } ?? [])
      let isTold = told.joined(separator: " AND ")
      let table = "main.\(SQLText.identifier(shape.name.spelled))"
      let mine = zip(present, unique.collations).map {
        "\(place($0)) COLLATE \(SQLText.identifier($1))"
      }
      let plain = present.map { SQLText.identifier($0.spelled) }.joined(separator: ", ")
      return FormerConstraint(
        title: "UNIQUE (\(unique.columns.list))",
        condition: """
          (\(mine.joined(separator: ", "))) IN (SELECT \(plain) FROM \(table) WHERE \(isTold) GROUP BY \(list) HAVING count(*) > 1)
          \(unique.condition.map { "AND (\($0.text))" } ?? "")
          """,
        leavesOne: true)
    }
  }

  // MARK: The others

  private var notNulls: [FormerConstraint] {
    old.columns.compactMap { column in
      guard column.isNotNull, !column.isRowIDAlias, let now = names[column.name],
        let present = new.column(now), !present.isNotNull, !present.isRowIDAlias
      else { return nil }
      return FormerConstraint(title: "NOT NULL of \(column.name)", condition: "\(place(now)) IS NULL")
    }
  }

  private var checks: [FormerConstraint] {
    let held = Set(new.checks)
    return old.checks.filter { !held.contains($0) && canAsk($0) }.map {
      FormerConstraint(title: "CHECK (\($0.text))", condition: "NOT (\($0.text))")
    }
  }

  /// Values that a STRICT table would refuse even after conversion (sqlite.org/stricttables.html).
  private var types: [FormerConstraint] {
    guard old.isStrict, !new.isStrict else { return [] }
    return old.columns.compactMap { column in
      guard let now = names[column.name], let type = column.type.declared?.text.asciiLowercased else {
        return nil
      }
      let value = place(now)
      let isRefused: String
      switch type {
      // A comparison with a number converts a text as a column of numbers does (sqlite.org/datatype3.html#comparisons).
      case "int", "integer":
        isRefused =
          "typeof(\(value)) = 'blob' OR (typeof(\(value)) IN ('text', 'real') AND \(value) IS NOT CAST(CAST(\(value) AS NUMERIC) AS INTEGER))"
      case "real":
        isRefused =
          "typeof(\(value)) = 'blob' OR (typeof(\(value)) = 'text' AND \(value) IS NOT CAST(\(value) AS NUMERIC))"
      case "text": isRefused = "typeof(\(value)) = 'blob'"
      case "blob": isRefused = "typeof(\(value)) NOT IN ('blob', 'null')"
      default: return nil
      }
      return FormerConstraint(
        title: "the type \(type.uppercased()) of \(column.name)", condition: "(\(isRefused))")
    }
  }
}

extension TablePair {
  /// Present rows that have the unique key of a row that comes back from an archive.
  ///
  /// Unique indexes with a condition are left to SQLite: whether a restored row meets the condition is known only
  /// when it is in the table.
  func takenPlaces(_ record: ArchiveRecord, _ content: ArchiveContent) -> [FormerConstraint] {
    let archive = ArchiveTable(record, content)
    let isByRowID = content.key.form == .rowID
    let names =
      isByRowID
      ? [shape.rowIDName].compactMap { $0.map { SchemaName($0) } }
      : content.key.names.compactMap { presentName(of: SchemaName($0)) }
    // Rows that could not be followed come back in place of all present ones.
    guard content.hasGoneRows, names.count == content.key.names.count, !isByRowID || content.successor != nil
    else { return [] }
    let place = "main.\(SQLText.identifier(shape.name.spelled))"
    let isSameRow = RowMatch.condition(names, in: shape, as: "n", against: "a")
    // A row whose rowid another one has comes back under a new one. A row that itself gets its old values back does not
    // conflict.
    let isItself = RowMatch.condition(names, in: shape, as: "t", against: "o")
    return formerUniques.compactMap { unique in
      let kept = unique.columns.compactMap { column in
        content.columns.firstIndex { SchemaName($0.name) == column }.map { "a.\(archive.values[$0])" }
      }
      let present = unique.columns.compactMap(presentName)
      guard unique.condition == nil, kept.count == unique.columns.count, present.count == kept.count else {
        return nil
      }
      let mine = zip(present, unique.collations).map {
        "t.\(SQLText.identifier($0.spelled)) COLLATE \(SQLText.identifier($1))"
      }
      return FormerConstraint(
        title: "UNIQUE (\(unique.columns.list)), with rows that come back,",
        condition: """
          (\(mine.joined(separator: ", "))) IN (
            SELECT \(kept.joined(separator: ", ")) FROM main.\(archive.name) AS a
            WHERE a.gone\(isByRowID ? "" : " AND NOT EXISTS (SELECT 1 FROM \(place) AS n WHERE \(isSameRow))"))
          AND NOT EXISTS (SELECT 1 FROM main.\(archive.name) AS o WHERE o.gone = 0 AND \(isItself))
          """)
    }
  }
}

/// A constraint that a way back would restore, and the present rows that break it.
struct BrokenConstraint: Hashable, Sendable {
  /// The table, as it is called now.
  let table: String
  /// `UNIQUE (email)`, `NOT NULL of email`
  let constraint: String
  /// Up to ten of the rows, by their keys.
  let rows: [String]
  let isMore: Bool
  /// What an operator can do about these rows.
  let opening: Prose

  var sentence: Prose { "\(constraint) of \(table)" }
  var lines: [Prose] { rows.map { Prose($0) } + (isMore ? ["… and more"] : []) }
}

/// A constraint as a query on the present rows.
struct FormerConstraint {
  let title: String
  /// Follows `SELECT key FROM t AS t`.
  let condition: String
  /// Whether one of the rows that break it may stay as it is.
  var leavesOne = false

  /// Finds the rows that break it; nil also if SQLite refuses the query, as for a value that a function does not take.
  func broken(in table: Table, on connection: Connection) throws(SQLiteError) -> BrokenConstraint? {
    let key = try RowKey(of: table, on: connection)
    let names = key?.names ?? table.stored.map(\.name.spelled)
    let shown = names.map { "t.\(SQLText.identifier($0))" }.joined(separator: ", ")
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    guard
      let statement = try? connection.prepare(
        "SELECT \(shown) FROM \(place) AS t WHERE \(condition) ORDER BY \(shown) LIMIT \(DetailLines.limit + 1)"
      )
    else { return nil }
    var rows = statement
    var keys: [String] = []
    do throws(SQLiteError) {
      while try rows.step() {
        keys.append(RowMatch.title(names, names.indices.map { rows.value(at: $0) }))
      }
    } catch  where error.code.primary == .error {
      // SQLITE_ERROR comes from a function (sqlite.org/rescode.html#error). A broken disk is not passed over.
    }
    guard !keys.isEmpty else { return nil }
    let deletion: Prose = "DELETE FROM \(whole: "\(SQLName(table.name.spelled))") WHERE \(whole: keys[0])"
    return BrokenConstraint(
      table: table.name.spelled, constraint: title, rows: Array(keys.prefix(DetailLines.limit)),
      isMore: keys.count > DetailLines.limit,
      opening: leavesOne
        ? "change these rows, or delete all but one of those that are equal, for example: \(deletion)"
        : "change or delete these rows, for example: \(deletion)")
  }
}
