internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Rows that are like those of a table, with other values in some columns.
struct RowCopies {
  private var connection: Connection
  private let name: String
  /// As SQL.
  let table: String
  private let columns: [ColumnDefinition]
  /// Columns that must differ from row to row.
  private let distinct: Set<SchemaName>
  /// The columns of each unique index.
  private let unique: [Set<SchemaName>]
  private let hasRowID: Bool
  private let primary: Set<SchemaName>
  private let models = Models()

  /// The rows that are copied: the half with the fewest gaps of those that were there at first.
  private final class Models {
    var rows: [[Value]]?
  }

  /// Where a row is, whatever becomes of its values.
  struct Place {
    /// nil in a table without rowids.
    fileprivate let rowID: Int64?
    fileprivate let values: [Value]
  }

  init(_ name: String, _ table: TableDefinition, on connection: Connection) {
    self.connection = connection
    self.name = name
    self.table = "main.\(SQLText.identifier(name))"
    columns = table.columns.filter { !$0.isGenerated }
    let indexed = try? connection.rows(
      """
      SELECT l.seq, x.name FROM pragma_index_list(?1, 'main') AS l, pragma_index_info(l.name) AS x
      WHERE l."unique"
      """, .text(name))
    var unique: [Int64: Set<SchemaName>] = [:]
    for row in indexed ?? [] {
      guard let index = row[0].integer, let column = row[1].text else { continue }
      unique[index, default: []].insert(SchemaName(column))
    }
    self.unique = unique.sorted { $0.key < $1.key }.map(\.value)
    primary = Set(table.primaryKey?.columns.compactMap(\.column) ?? [])
    distinct = self.unique.reduce(into: primary) { $0.formUnion($1) }
    hasRowID = !table.isWithoutRowID
  }

  /// The same table of another database.
  func moved(to connection: Connection) -> RowCopies {
    var copies = self
    copies.connection = connection
    return copies
  }

  /// Adds a row unless there is one with these values.
  ///
  /// - Parameter start: the index of the row that is copied; rows without gaps come first.
  /// - Returns: the statement that added it; nil when such a row exists, or cannot be made.
  func add(
    _ wish: [SchemaName: Value], like start: Int, evenAgain: Bool = false
  ) -> SeededRows.Statement? {
    let wanted = wish.sorted { $0.key.key < $1.key.key }
    let condition = wanted.indices.map { "\(SQLText.identifier(wanted[$0].key.spelled)) IS ?\($0 + 1)" }
    guard
      let counts = try? rows(
        "SELECT count(*), count(*) FILTER (WHERE \(condition.joined(separator: " AND "))) FROM \(table)",
        wanted.map(\.value)
      ).first, let count = counts[0].integer, count > 0,
      // There are rows with NULL, 0 or '' in all columns. This one has it in a single column.
      evenAgain || counts[1].integer == 0 || Array(wish.values) == [.null]
        || (counts[1].integer ?? 0) < 8 && wish.count == 1 && [0, "", .real(0)].contains(wish.first?.value)
    else { return nil }
    let models = self.models.rows ?? fullest(max(1, Int(count) / 2))
    self.models.rows = models
    for attempt in 0..<min(4, models.count) {
      let values = models[(start + attempt) % models.count]
      let places = columns.indices.filter { distinct.contains(columns[$0].name) }
      // If a key has several columns, perhaps only one may change.
      for changed in [places] + (places.count > 1 ? places.map { [$0] } : []) {
        var row = values
        for place in changed { row[place] = anew(columns[place], values[place], Int(count)) }
        for (index, other) in columns.enumerated() {
          if let value = wish[other.name] { row[index] = value }
        }
        if let row = insert(row) { return row }
      }
    }
    return nil
  }

  /// Whether the table has rows, and none with these values.
  func lacks(_ wish: [SchemaName: Value]) -> Bool {
    let wanted = Array(wish)
    let condition = wanted.indices.map { "\(SQLText.identifier(wanted[$0].key.spelled)) IS ?\($0 + 1)" }
    let found = try? rows(
      "SELECT EXISTS (SELECT 1 FROM \(table)) AND NOT EXISTS (SELECT 1 FROM \(table) WHERE \(condition.joined(separator: " AND ")))",
      wanted.map(\.value))
    return found?.first?.first == .integer(1)
  }

  /// Gives values to a row that is there.
  ///
  /// - Returns: the statement that did it; nil when a constraint refuses it.
  func change(_ wish: [SchemaName: Value], of index: Int) -> SeededRows.Statement? {
    let key =
      hasRowID
      ? ["rowid"] : columns.map(\.name).filter(primary.contains).map { SQLText.identifier($0.spelled) }
    guard primary.isDisjoint(with: wish.keys) || !isParent,
      let places = try? connection.rows(
        "SELECT \(key.joined(separator: ", ")) FROM \(table) ORDER BY 1 LIMIT 100"),
      !places.isEmpty
    else { return nil }
    let place = places[index % places.count]
    let wanted = wish.sorted { $0.key.key < $1.key.key }
    func terms(_ names: [String], from first: Int) -> [String] {
      names.indices.map { "\(names[$0]) = ?\(first + $0)" }
    }
    let sql =
      "UPDATE \(table) SET \(terms(wanted.map { SQLText.identifier($0.key.spelled) }, from: 1).joined(separator: ", ")) WHERE \(terms(key, from: wanted.count + 1).joined(separator: " AND "))"
    let values = wanted.map(\.value) + place
    return (try? rows(sql, values)) == nil ? nil : (sql, values)
  }

  /// Whether a foreign key points to it.
  private var isParent: Bool {
    let found = try? connection.rows(
      """
      SELECT 1 FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
      WHERE s.type = 'table' AND f."table" = ?1 COLLATE NOCASE
      """, .text(name))
    return found?.isEmpty != true
  }

  /// Adds a row in which two columns have the same value.
  func addEqual(_ one: FoldedName, _ other: FoldedName) -> SeededRows.Statement? {
    guard let from = columns.firstIndex(where: { $0.name.key == other }),
      let to = columns.firstIndex(where: { $0.name.key == one }), from != to,
      !columns[from].isRowIDAlias, !columns[to].isRowIDAlias, let values = fullest(1).first
    else { return nil }
    var row = anew(values)
    row[to] = row[from]
    return insert(row)
  }

  /// The rows with the fewest gaps, of these the first.
  func fullest(_ count: Int) -> [[Value]] {
    let order = "\(gaps), \(hasRowID ? "rowid" : list)"
    return (try? connection.rows("SELECT \(list) FROM \(table) ORDER BY \(order) LIMIT \(count)")) ?? []
  }

  /// Adds a row with these values.
  ///
  /// - Returns: the statement that did it; nil when a constraint refuses the row.
  func insert(_ values: [Value]) -> SeededRows.Statement? {
    let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let sql = "INSERT INTO \(table) (\(list)) VALUES (\(marks))"
    return (try? rows(sql, values)) == nil ? nil : (sql, values)
  }

  /// How many columns of a row have no value, or one that stands for none, as SQL.
  private var gaps: String {
    columns.map { column in
      let name = SQLText.identifier(column.name.spelled)
      return "(\(name) IS NULL OR \(name) IN (0, ''))"
    }.joined(separator: " + ")
  }

  private var list: String {
    columns.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
  }

  // MARK: Rows that a constraint compares

  /// Whether no two rows may be alike.
  var tellsApart: Bool { !distinct.isEmpty }

  /// Whether a unique index compares rows, besides the rowid.
  var compares: Bool { !unique.isEmpty }

  /// The first rows, by their columns that can be written.
  func rows(_ count: Int) -> [[Value]] {
    (try? connection.rows("SELECT \(list) FROM \(table) LIMIT ?1", .integer(Int64(count)))) ?? []
  }

  /// The same row with other values where they must differ from those of other rows.
  ///
  /// - Parameter kept: places of values that stay.
  func anew(_ values: [Value], but kept: Set<Int> = []) -> [Value] {
    let count = (try? connection.value("SELECT count(*) FROM \(table)"))??.integer ?? 0
    return columns.indices.map { place in
      distinct.contains(columns[place].name) && !kept.contains(place)
        ? anew(columns[place], values[place], Int(count)) : values[place]
    }
  }

  /// The places of the columns of the one unique index that covers a changed column; nil if another unique index would
  /// also compare the two rows.
  func compared(where hasChanged: (Int) -> Bool) -> Set<Int>? {
    let changed = Set(columns.indices.filter(hasChanged).map { columns[$0].name })
    let touched = unique.filter { !$0.isDisjoint(with: changed) }
    guard let kept = touched.min(by: { $0.count < $1.count }),
      unique.allSatisfy({ $0 == kept || !$0.isSubset(of: kept) })
    else { return nil }
    return Set(columns.indices.filter { kept.contains(columns[$0].name) })
  }

  /// Where the last inserted row is. Its unique columns have values that no other row has.
  func place(of values: [Value]) -> Place {
    Place(rowID: hasRowID ? connection.lastInsertRowID : nil, values: values)
  }

  /// The present values of a row; nil when the row or its columns are gone, or it cannot be identified.
  func row(at place: Place) -> [Value]? {
    if let rowID = place.rowID { return one("rowid", .integer(rowID)) }
    return columns.indices.lazy.filter { distinct.contains(columns[$0].name) && place.values[$0] != .null }
      .compactMap { one(SQLText.identifier(columns[$0].name.spelled), place.values[$0]) }.first
  }

  /// The row with this value, if only one has it.
  private func one(_ term: String, _ value: Value) -> [Value]? {
    let found = try? rows("SELECT \(list) FROM \(table) WHERE \(term) IS ?1 LIMIT 2", [value])
    return found?.count == 1 ? found?.first : nil
  }

  private func rows(_ sql: String, _ values: [Value]) throws(SQLiteError) -> [[Value]] {
    var statement = try connection.prepare(sql)
    try statement.bind(values)
    var rows: [[Value]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value(at: $0) }) }
    return rows
  }

  /// Another value, which no row has yet.
  private func anew(_ column: ColumnDefinition, _ value: Value, _ count: Int) -> Value {
    switch value {
    case .integer:
      let most = try? connection.value(
        "SELECT max(\(SQLText.identifier(column.name.spelled))) FROM \(table)")?.integer
      guard let most, most > 1_000_000 else { return .integer((most ?? 0) + 1) }
      // Rows seeded later have smaller keys. The gap leaves room for keys that a way up adds.
      return .integer(max(most, 7_500_000) &+ 1_000)
    case .real(let number): return .real(number + Double(count))
    case .text(let text): return .text("\(text) \(count)")
    case .blob(let bytes): return .blob(bytes + Array("\(count)".utf8))
    default: return value
    }
  }
}
