internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Runs one order of writes on one copy.
final class InterleavingTrial {
  let interleaving: Interleaving
  private let order: WriteOrder
  let copy: StateCopy
  var written = WrittenCells()
  private var rows: [TouchedRows.Key: TouchedRows.Row] = [:]
  private var inserted: Set<TouchedRows.Key> = []
  private var found: [CompatibilityCheck.Finding] = []
  private var shapes: [FoldedName: ComparedTable] = [:]
  private var keys: Set<TouchedRows.Key> = []
  /// The value of a column in a row that is inserted without one, by table.
  private(set) var unsetValues: [FoldedName: [FoldedName: Value]] = [:]

  init(_ interleaving: Interleaving, _ order: WriteOrder, on copy: StateCopy) throws(MigrationError) {
    self.interleaving = interleaving
    self.order = order
    self.copy = copy
  }

  var writers: [Interleaving.Writer] { interleaving.writers }

  func findings() throws(MigrationError) -> [CompatibilityCheck.Finding] {
    let unset = try write()
    let afterWriting = try contents()
    reportUnset(unset, in: afterWriting)
    if let migrate = interleaving.way.migrate {
      try copy.goUp(with: interleaving.way.top)
      try reportLosses(in: try contents(), migrate, of: { _ in true }) {
        "is overwritten by \(migrate.short)"
      }
    }
    try goDownAndUp()
    return found
  }

  func contents() throws(MigrationError) -> [TouchedRows.Key: TouchedRows.Row] {
    try lifting("reading what two versions wrote") { () in
      try TouchedRows.contents(of: keys, shapes: shapes, on: copy.connection)
    }
  }

  func add(
    _ version: Int, _ query: ApplicationQuery?, _ message: Prose, _ details: [Prose], phase: PhaseID? = nil
  ) {
    let script = writers[version].script
    let finding = CompatibilityCheck.Finding(
      check: .interleaving, application: script.application, version: script.version, query: query?.title,
      message: message, details: details + ["order:   \(order.rawValue)"],
      place: query?.place ?? script.queries.first?.place, phase: phase)
    if !found.contains(where: { $0.isSame(as: finding) }) { found.append(finding) }
  }
}

// MARK: - Writing

extension InterleavingTrial {
  /// Runs the statements in their order and commits them.
  ///
  /// - Returns: columns that only the newer version knows and that were NULL in no row before, by table.
  private func write() throws(MigrationError) -> [FoldedName: Set<FoldedName>] {
    let runner = try ScriptRunner(on: copy, in: interleaving.workshop)
    let tables = writers.reduce(into: Set<FoldedName>()) { $0.formUnion($1.home.footprint.tables) }
    shapes = runner.shapes(of: tables)
    let touchedRows = TouchedRows(on: copy.connection, shapes: shapes)
    let statements = try writers.map { writer throws(MigrationError) in
      try runner.prepare(writers: writer.writing).filter { query in
        query.run.compiled?.footprint.isWrite == true || !query.run.query.results.isEmpty
      }
    }
    unsetValues = try defaults(in: runner.schema)
    let unset = try columnsWithoutNull()
    try runner.commit { () throws(MigrationError) in
      var results: [[ExactName: Value]] = writers.map { _ in [:] }
      for (version, statement) in order.statements(
        statements[0].count, statements.count > 1 ? statements[1].count : 0)
      {
        let query = statements[version][statement]
        try runner.step(query, &results[version])
        guard let footprint = query.run.compiled?.footprint, footprint.isWrite else { continue }
        let touched = try lifting("looking at what two versions wrote") { () in
          try touchedRows.gather()
        }
        try note(touched, by: version, query.run.query, footprint)
      }
    }
    try lifting("putting a copy in order") { () in try touchedRows.close() }
    keys = touchedRows.keys
    return unset
  }

  /// Notes what a statement did.
  private func note(
    _ touched: Set<TouchedRows.Key>, by version: Int, _ query: ApplicationQuery, _ footprint: QueryFootprint
  ) throws(MigrationError) {
    let looked = touched.union(rows.keys.filter { footprint.written.contains($0.table) })
    let now = try lifting("reading what two versions wrote") { () in
      try TouchedRows.contents(of: looked, shapes: shapes, on: copy.connection)
    }
    let writer = writers[version]
    var hasChanged = false
    for (key, row) in now {
      guard let before = rows[key] else {
        // The former value is unknown, so the present one may be new.
        hasChanged = true
        if row != nil, footprint.inserts.contains(key.table) { inserted.insert(key) }
        continue
      }
      if let before, let row {
        hasChanged =
          hasChanged || row.contains { writer.knows($0.key, of: key.table) && before[$0.key] != $0.value }
      } else {
        hasChanged = hasChanged || (before == nil) != (row == nil)
      }
    }
    for loss in written.losses(in: now) {
      if loss.version == version {
        // The version's own trigger did it. The comparison of results shows whether it does something else at home.
        if let after = loss.after { written.write(after, to: loss.cell, by: version, query) }
        continue
      }
      if !hasChanged, loss.after != nil, !writer.knows(loss.cell.column, of: loss.cell.row.table) {
        add(
          version, query,
          "changes \(loss.cell.row.table).\(loss.cell.column), which \(writers[loss.version].name) wrote and this statement should not touch",
          loss.lines)
      }
      written.forget(loss.cell)
    }
    for (key, row) in now {
      guard let row else {
        written.forget(row: key)
        continue
      }
      guard touched.contains(key) else { continue }
      written.touch(key, by: version, query)
      for (column, value) in row where wrote(column, of: key.table, footprint, writer) {
        written.write(value, to: WrittenCells.Cell(row: key, column: column), by: version, query)
      }
    }
    rows.merge(now) { $1 }
  }

  private func wrote(
    _ column: FoldedName, of table: FoldedName, _ footprint: QueryFootprint, _ writer: Interleaving.Writer
  ) -> Bool {
    footprint.updates.contains(QueryFootprint.Column(table: table, name: column))
      || (footprint.inserts.contains(table) && writer.knows(column, of: table))
  }

  private func defaults(in schema: Schema) throws(MigrationError) -> [FoldedName: [FoldedName: Value]] {
    var values: [FoldedName: [FoldedName: Value]] = [:]
    for table in shapes.keys {
      for column in schema.table(SchemaName(table))?.columns ?? [] {
        guard let text = column.defaultValue?.text else {
          values[table, default: [:]][column.name.key] = .null
          continue
        }
        values[table, default: [:]][column.name.key] = try? copy.connection.value("SELECT \(text)")
      }
    }
    return values
  }

  private func columnsWithoutNull() throws(MigrationError) -> [FoldedName: Set<FoldedName>] {
    guard writers.count > 1 else { return [:] }
    var columns: [FoldedName: Set<FoldedName>] = [:]
    for read in writers[1].home.footprint.reads
    where shapes[read.table]?.columns.contains(read.name) == true
      && !writers[0].knows(read.name, of: read.table)
    {
      let name = SQLText.identifier(read.name)
      let hasNull = try lifting("looking for NULL in \(read)") { () in
        try copy.connection.value(
          "SELECT 1 FROM main.\(SQLText.identifier(read.table)) WHERE \(name) IS NULL LIMIT 1") != nil
      }
      if !hasNull { columns[read.table, default: []].insert(read.name) }
    }
    return columns
  }

  private func reportUnset(
    _ columns: [FoldedName: Set<FoldedName>], in contents: [TouchedRows.Key: TouchedRows.Row]
  ) {
    for key in inserted.sorted(by: { $0.description < $1.description }) {
      guard let row = contents[key] ?? nil else { continue }
      for column in (columns[key.table] ?? []).sorted() where row[column] == .null {
        let author = written.author(of: WrittenCells.Cell(row: key, column: column))
        add(
          0, author?.query,
          "leaves NULL in \(key.table).\(column), where \(writers[1].name) expects a value", ["in \(key)"])
      }
    }
  }
}

extension InterleavingTrial {
  func reportLosses(
    in contents: [TouchedRows.Key: TouchedRows.Row], _ phase: PhaseID,
    of isCounted: (WrittenCells.Cell) -> Bool,
    _ what: () -> String
  ) throws(MigrationError) {
    for loss in written.losses(in: contents) where isCounted(loss.cell) && !accepts(loss.cell) {
      add(
        loss.version, loss.query, "writes \(loss.cell.row.table).\(loss.cell.column), which \(what())",
        loss.lines, phase: phase)
      written.forget(loss.cell)
    }
  }

  private func accepts(_ cell: WrittenCells.Cell) -> Bool {
    interleaving.way.phases.contains { step in
      step.phase.losses.contains {
        $0.table.folded == cell.row.table && $0.column.folded == cell.column
      }
    }
  }

  func goDownAndUp() throws(MigrationError) {
    let phases = interleaving.way.phases
    guard !phases.isEmpty else { return }
    let before = try contents()
    let older = writers[0]
    try copy.goDown(phases.count) { [self] id throws(MigrationError) in
      // Values that only the newer version knows may go with it.
      try reportLosses(in: try contents(), id, of: { older.knows($0.column, of: $0.row.table) }) {
        "is lost by the way down of \(id.short)"
      }
    }
    // Archived values would come back, and hide what the phases compute.
    try copy.forgetWhatDownTook()
    try copy.goUp(with: interleaving.way.top)
    let after = try contents()
    for (key, row) in before.sorted(by: { $0.key.description < $1.key.description }) {
      guard let again = after[key], let row, let again else { continue }
      for (column, value) in row.sorted(by: { $0.key < $1.key }) where !column.hasPrefix(Schema.ledgerPrefix)
      {
        guard let now = again[column], now != value, !accepts(WrittenCells.Cell(row: key, column: column))
        else { continue }
        reportStale(key, column, before: value, after: now)
      }
    }
  }

  /// Reports a column whose value changed when its phases computed it again: it was not kept up to date.
  private func reportStale(_ key: TouchedRows.Key, _ column: FoldedName, before: Value, after: Value) {
    let cell = WrittenCells.Cell(row: key, column: column)
    guard let author = written.author(of: cell) else { return }
    // A column that is not computed does not exist on the state below, and cannot come from there.
    let isUnknownBelow = !writers[0].knows(column, of: key.table)
    if isUnknownBelow, after == unsetValues[key.table]?[column] { return }
    let phase = interleaving.way.phases.first { step in
      SQLTokens.identifiers(in: step.phase.up.text).contains(column)
    }
    add(
      author.version, author.query,
      !written.holds(cell)
        ? "writes a value that does not reach \(key.table).\(column), although the phase computes that column from it"
        : "writes \(key.table).\(column), whose value differs after the way down and up again",
      ["in \(key)", "written: \(before)", "again:   \(after)"], phase: phase?.id)
  }
}

/// The orders in which two versions write: in one the older version writes last, in the other the newer.
enum WriteOrder: String, CaseIterable {
  case olderLast = "the older version, the newer one, the older one again"
  case newerLast = "one statement of each in turn, then the newer version, the older one, the newer one"

  /// Each statement, by the number of its version (0 for the older, 1 for the newer) and its own.
  func statements(_ older: Int, _ newer: Int) -> [(version: Int, statement: Int)] {
    let first = (0..<older).map { (version: 0, statement: $0) }
    let second = (0..<newer).map { (version: 1, statement: $0) }
    switch self {
    // The first version writes again. Its repeated writes change nothing for itself, so they must change nothing for
    // the other version.
    case .olderLast: return first + second + first
    case .newerLast:
      let inTurn = (0..<max(older, newer)).flatMap { index in
        (index < older ? [first[index]] : []) + (index < newer ? [second[index]] : [])
      }
      return inTurn + second + first + second
    }
  }
}
