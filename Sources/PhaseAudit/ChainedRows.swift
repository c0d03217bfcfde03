internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Pairs of rows under a UNIQUE constraint, of which the first has the values that the way up gives to the second: `x!` and
/// `x`, where the way up adds a mark.
///
/// The way up changes the first row before it comes to the second. A way down goes through the rows in the same order, and
/// gives the first one a value that the second one still has: SQLite checks UNIQUE after each row. No other rows show that.
private struct ChainedRows {
  /// A row that was added to see what the way up makes of it.
  private struct Draft {
    let copies: RowCopies
    let values: [Value]
    let place: RowCopies.Place
  }

  /// What two rows have in the columns that a constraint compares: the same, or what the way up makes of it.
  struct Pair {
    fileprivate let copies: RowCopies
    fileprivate let values: [Value]
    fileprivate let images: [Value]
  }

  private let tables: [(object: SchemaObject, definition: TableDefinition)]
  private var drafts: [Draft] = []

  /// So many rows of a table are looked at, and so many pairs are made.
  private static let (looked, made) = (24, 4)

  /// nil unless the script updates a table.
  init?(_ script: ToolScript, _ schema: Schema) {
    let bytes = Array(script.text.utf8)
    var names: Set<FoldedName> = []
    for range in script.statements {
      let words = SQLWord.all(in: String(decoding: bytes[range], as: UTF8.self))
      guard let first = words.first, first.is("update") || first.is("with") else { continue }
      names.formUnion(words.filter { $0.kind == .word || $0.kind == .quotedIdentifier }.map(\.text))
    }
    tables = names.sorted().compactMap { name in
      guard let object = schema.object("table", SchemaName(name)),
        let table = TableDefinition(object.sql),
        table.virtual == nil
      else { return nil }
      return (object, table)
    }
    if tables.isEmpty { return nil }
  }

  /// Adds copies of rows, with values that no other row has, to see what the way up makes of them.
  ///
  /// - Returns: whether there are any.
  mutating func draft(on connection: Connection) -> Bool {
    connection.turn(.foreignKeys, on: false)
    for (object, definition) in tables {
      let copies = RowCopies(object.name, definition, on: connection)
      guard copies.compares else { continue }
      for values in copies.rows(Self.looked) {
        let other = copies.anew(values)
        guard copies.insert(other) != nil else { continue }
        drafts.append(Draft(copies: copies, values: other, place: copies.place(of: other)))
      }
    }
    return !drafts.isEmpty
  }

  /// The pairs to be made, once the way up has run on the drafts.
  func pairs() -> [Pair] {
    var made: [String: Int] = [:]
    return drafts.compactMap { draft in
      guard let images = draft.copies.row(at: draft.place), images != draft.values,
        made[draft.copies.table, default: 0] < Self.made
      else { return nil }
      made[draft.copies.table, default: 0] += 1
      return Pair(copies: draft.copies, values: draft.values, images: images)
    }
  }

  /// Puts the pairs in, as far as constraints let them.
  static func fill(_ pairs: [Pair], on connection: Connection) -> SeededRows.Work {
    var work = SeededRows.Work()
    connection.turn(.foreignKeys, on: false)
    for pair in pairs {
      guard let kept = pair.copies.compared(where: { pair.values[$0] != pair.images[$0] }) else {
        continue
      }
      var first = pair.values
      for place in kept { first[place] = pair.images[place] }
      guard let one = pair.copies.insert(pair.copies.anew(first, but: kept)) else { continue }
      work.statements.append(one)
      guard let other = pair.copies.insert(pair.copies.anew(pair.values, but: kept)) else {
        continue
      }
      work.statements.append(other)
    }
    return work
  }
}

extension ScratchPair {
  /// Puts pairs of rows into both databases, of which the first has the values that the way up gives to the second; none when
  /// the way up does not run on them.
  func chain(_ up: ToolScript) throws(SQLiteError) {
    guard var chained = ChainedRows(up, schema) else { return }
    guard subject.connection.spending({ chained.draft(on: subject.connection) }) else { return }
    let pairs = runs(up) ? chained.pairs() : []
    try subject.become(mirror)
    guard !pairs.isEmpty else { return }
    let work = subject.connection.spending { ChainedRows.fill(pairs, on: subject.connection) }
    try subject.become(mirror)
    try add(work.statements, asFarAs: up, attempts: 8)
  }
}
