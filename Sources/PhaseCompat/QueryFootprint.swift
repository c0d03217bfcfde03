internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// What a statement reads and writes by name, as SQLite's authorizer reported it while the statement was compiled. Names
/// are case-folded.
///
/// What views and triggers do for the statement does not count. So a version that writes a table which has become a
/// view has the same footprint. The authorizer does not report the columns of an INSERT, of DO UPDATE, of JOIN USING
/// and of NATURAL; differences there appear only in results.
struct QueryFootprint: Sendable, Hashable {
  struct Column: Sendable, Hashable, Comparable, CustomStringConvertible {
    let table: FoldedName
    /// Empty when the table is read without a column, as in count(*).
    let name: FoldedName

    static func < (left: Column, right: Column) -> Bool {
      (left.table, left.name) < (right.table, right.name)
    }

    var description: String { name.isEmpty ? table.text : "\(table).\(name)" }
  }

  var reads: Set<Column> = []
  var updates: Set<Column> = []
  var inserts: Set<FoldedName> = []
  var deletes: Set<FoldedName> = []
  /// The names that are views.
  var views: Set<FoldedName> = []
  /// Every table that is written, also by triggers.
  var written: Set<FoldedName> = []

  var tables: Set<FoldedName> {
    Set(reads.map(\.table)).union(updates.map(\.table)).union(inserts).union(deletes)
  }

  var isWrite: Bool { !updates.isEmpty || !inserts.isEmpty || !deletes.isEmpty }

  /// - Parameters:
  ///   - code: the names of the schema's views and triggers.
  ///   - names: the names in the statement's text, because foreign keys read and write tables that it does not name.
  ///   - starred: tables that it reads by a star from which it takes columns by name; it does not ask for the other
  ///     columns.
  mutating func add(
    _ action: AuthorizedAction, code: Set<FoldedName>, names: Set<FoldedName>, starred: Set<FoldedName> = []
  ) {
    guard let table = action.first?.folded, action.database != "temp" else { return }
    if [.insert, .update, .delete].contains(action.code) { written.insert(table) }
    // SQLite also reports a named subquery as the origin of what it reads. Such a subquery is part of the statement.
    if let origin = action.origin?.folded, code.contains(origin) || origin.hasPrefix(TouchLog.prefix) {
      return
    }
    guard names.contains(table), !table.hasPrefix("sqlite_") else { return }
    let column = Column(table: table, name: action.second?.folded ?? "")
    switch action.code {
    case .read:
      let isStarred = starred.contains(table)
      if isStarred { reads.insert(Column(table: table, name: "")) }
      if !isStarred || names.contains(column.name) { reads.insert(column) }
    case .update: updates.insert(column)
    case .insert: inserts.insert(table)
    case .delete: deletes.insert(table)
    default: break
    }
  }

  mutating func formUnion(_ other: QueryFootprint) {
    reads.formUnion(other.reads)
    updates.formUnion(other.updates)
    inserts.formUnion(other.inserts)
    deletes.formUnion(other.deletes)
    written.formUnion(other.written)
  }

  /// What the statement did on its home state and does not do here.
  func losses(from home: QueryFootprint) -> [Prose] {
    lines("does not read", home.reads(besides: views), reads(besides: home.views), " any more")
      + lines("does not update", home.updates, updates, " any more")
      + lines("does not insert into", home.inserts, inserts, " any more")
      + lines("does not delete from", home.deletes, deletes, " any more")
  }

  /// What the statement does here and did not do on its home state.
  func gains(over home: QueryFootprint) -> [Prose] {
    // If no column of a table is read now, the former column is already among the losses.
    lines("reads", reads(besides: home.views).filter { !$0.name.isEmpty }, home.reads(besides: views), " now")
      + lines("updates", updates, home.updates, " now")
      + lines("inserts into", inserts, home.inserts, " now")
      + lines("deletes from", deletes, home.deletes, " now")
  }

  private func lines<Name: Hashable & Comparable & CustomStringConvertible>(
    _ verb: String, _ some: Set<Name>, _ others: Set<Name>, _ when: String
  ) -> [Prose] {
    some.subtracting(others).sorted().map { "\(verb) \($0)\(when)" }
  }

  /// A write to a view reads all its columns for its trigger, and the authorizer does not report its condition.
  private func reads(besides others: Set<FoldedName>) -> Set<Column> {
    isWrite ? reads.filter { !views.contains($0.table) && !others.contains($0.table) } : reads
  }
}
