internal import PhaseSQLite

extension BatchArchive {
  static let before = "temp.phasedb_batch_before"
  static let aside = "temp.phasedb_batch_aside"
  static let rest = "phasedb_batch_rest"

  /// Before the SQL of a batch: sets aside what it may overwrite, and which rows have changed since the other direction
  /// ran.
  func capture(_ keys: ClosedKeys) throws(MigrationError) {
    try lifting("keeping what a batch overwrites") { () in
      if keeping != nil {
        try connection.execute(
          "CREATE TEMP TABLE IF NOT EXISTS phasedb_batch_before (\((table.keyNames + table.valueNames).joined(separator: ", ")))"
        )
        try connection.execute("DELETE FROM \(Self.before)")
        try connection.execute(
          "INSERT INTO \(Self.before) \(table.presentValues(of: key))", keys.first, keys.last)
        hasCaptured = connection.changes > 0
      }
      if let giving {
        try connection.execute(
          "CREATE TEMP TABLE IF NOT EXISTS phasedb_batch_aside (\(table.keyNames.joined(separator: ", ")), PRIMARY KEY (\(table.keyNames.joined(separator: ", ")))) WITHOUT ROWID"
        )
        try connection.execute("DELETE FROM \(Self.aside)")
        let changed = giving.content.hashesMatch(table) ? "\(table.hash("t", Self.rest)) IS NOT a.rest" : "1"
        try connection.execute(
          """
          INSERT INTO \(Self.aside) SELECT \(table.keyNames.map { "a.\($0)" }.joined(separator: ", "))
          FROM \(table.place) AS t JOIN main.\(giving.table.name) AS a ON \(table.match("a", "t"))
          WHERE \(table.range(of: key, "t")) AND \(changed)
          """, keys.first, keys.last)
      }
    }
  }

  /// After the SQL of a batch: puts back what the other direction kept, and keeps what differs now.
  func settle(_ keys: ClosedKeys, _ ledger: Ledger) throws(MigrationError) {
    try lifting("keeping what a batch overwrote") { () in
      if var part = giving {
        try giveBack(&part, keys, ledger)
        giving = part
      }
      if var part = keeping, hasCaptured {
        part.sum.add(try part.table.fill(from: table.difference(Self.before, Self.rest), on: connection))
        try record(&part, ledger)
        keeping = part
      }
    }
  }

  private func giveBack(_ part: inout Part, _ keys: ClosedKeys, _ ledger: Ledger) throws(SQLiteError) {
    let values = part.content.columns.enumerated().compactMap { index, column -> String? in
      guard let present = table.shape.column(SchemaName(column.name)), !present.isGenerated else {
        return nil
      }
      let name = SQLText.identifier(present.name.spelled)
      let value = "a.v\(index + 1)"
      // A row that changed since keeps what this direction computes for it.
      let kept =
        computed.contains(present.name) ? "CASE WHEN s.k1 IS NULL THEN \(value) ELSE t.\(name) END" : value
      return "\(name) = \(kept)"
    }
    let joined =
      "main.\(part.table.name) AS a LEFT JOIN \(Self.aside) AS s ON \(table.keyNames.map { "s.\($0) = a.\($0)" }.joined(separator: " AND "))"
    if !values.isEmpty {
      // No trigger fires: they had their say when the rows were written.
      connection.turn(.triggers, on: false)
      defer { connection.turn(.triggers, on: true) }
      try connection.execute(
        """
        UPDATE \(table.place) AS t SET \(values.joined(separator: ", ")) FROM \(joined)
        WHERE \(table.match("a", "t")) AND \(table.range(of: key, "t"))
        """, keys.first, keys.last)
    }
    let given =
      "SELECT \(table.keyNames.map { "a.\($0)" }.joined(separator: ", ")) FROM \(table.place) AS t JOIN main.\(part.table.name) AS a ON \(table.match("a", "t")) WHERE \(table.range(of: key, "t"))"
    try keepLeftovers(of: part, keys, ledger)
    // Rows that are dealt with leave the archive, and its sum with them.
    let rows =
      "main.\(part.table.name) AS a WHERE (\(table.keyNames.map { "a.\($0)" }.joined(separator: ", "))) IN (\(given))"
    var gone = try connection.prepare(
      "SELECT \(part.table.columns.map { "a.\($0)" }.joined(separator: ", ")) FROM \(rows)")
    try gone.bind([keys.first, keys.last])
    part.sum.subtract(try gone.sumOfRows(RowHasher(columns: part.table.columns)))
    gone.reset()
    try connection.execute("DELETE FROM \(rows)", keys.first, keys.last)
    try record(&part, ledger)
  }

  /// What a changed row did not get back goes to an archive that only purge destroys.
  private func keepLeftovers(of part: Part, _ keys: ClosedKeys, _ ledger: Ledger) throws(SQLiteError) {
    guard !computed.isEmpty, try connection.value("SELECT 1 FROM \(Self.aside) LIMIT 1") != nil else {
      return
    }
    var rest: Part
    if let left { rest = left } else { rest = try makePart(.left, ledger, like: part) }
    rest.sum.add(
      try rest.table.fill(
        from:
          "SELECT \(part.table.columns.map { "a.\($0)" }.joined(separator: ", ")) FROM main.\(part.table.name) AS a JOIN \(Self.aside) AS s ON \(table.keyNames.map { "s.\($0) = a.\($0)" }.joined(separator: " AND "))",
        on: connection))
    try record(&rest, ledger)
    left = rest
  }

  private func record(_ part: inout Part, _ ledger: Ledger) throws(SQLiteError) {
    guard part.record.digest != part.sum.text else { return }
    part.record = part.record.settled(rows: part.sum.count, digest: part.sum.text)
    try ledger.record([part.record])
  }

  /// In the last transaction: an archive without rows is nothing to keep, and what the other direction's still holds had
  /// no row to come back to.
  func finish(_ ledger: Ledger) throws(MigrationError) {
    try lifting("settling archives") { () in
      for part in [keeping, giving].compactMap(\.self) {
        if part.sum.count == 0 {
          try connection.execute("DROP TABLE main.\(part.table.name)")
          try ledger.forgetArchive(part.record.id)
        } else if part.record.direction != direction {
          try ledger.record([part.record.settled(state: .left)])
        }
      }
      for name in [Self.before, Self.aside] { try connection.execute("DROP TABLE IF EXISTS \(name)") }
    }
  }

  /// Forgets what a batch that was rolled back had added.
  func restore(_ marks: Marks) { (keeping, giving, left) = (marks.keeping, marks.giving, marks.left) }

  var marks: Marks { Marks(keeping: keeping, giving: giving, left: left) }

  struct Marks {
    let keeping: Part?
    let giving: Part?
    let left: Part?
  }
}

extension ArchiveContent {
  /// Whether the rest of a row is made of the same columns now.
  func hashesMatch(_ table: BatchTable) -> Bool {
    Set(successor?.hashed.map { SchemaName($0) } ?? []) == Set(table.hashed)
  }
}
