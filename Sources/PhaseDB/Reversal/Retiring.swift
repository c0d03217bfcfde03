internal import PhaseSQL
internal import PhaseSQLite

/// Carries out the `@retire` lines of a phase inside its transaction: it only changes names, whatever the number of
/// rows.
struct Retiring {
  private let retirements: [Retirement]
  private let id: PhaseID
  private let connection: Connection

  init(_ retirements: [Retirement], by id: PhaseID, on connection: Connection) {
    self.retirements = retirements
    self.id = id
    self.connection = connection
  }

  /// Renames what is retired out of the way, in the order of the lines.
  ///
  /// - Throws: `retirement-refused` when something would still use it, or when an application that does not know it
  ///   could no longer write.
  func retire() throws(MigrationError) {
    guard !retirements.isEmpty else { return }
    var schema = try readSchema()
    let tables = Set(retirements.filter { $0.column == nil }.map { SchemaName($0.table) })
    for retirement in retirements {
      let obstacles = RetirementObstacles(schema, retiring: tables, by: id.migration)
      let found = obstacles.of(retirement)
      guard found.isEmpty else { throw refusal(retirement, found) }
      // As the schema spells them: that is how they come back.
      let table = schema.object("table", SchemaName(retirement.table))?.name ?? retirement.table
      let column = retirement.column.flatMap { column in
        schema.table(SchemaName(table))?.column(SchemaName(column))?.name.spelled
      }
      let name = RetiredName(SchemaName(column ?? table), by: id.migration).name.spelled
      do throws(SQLiteError) {
        try rename(table, column: column, to: name)
      } catch  where error.code.primary == .error {
        throw refusal(retirement, [RetirementObstacle(error)])
      } catch {
        throw MigrationError(error, while: "retiring \(retirement.title)", at: retirement.place)
      }
      let after = try readSchema(known: schema)
      let followers = RetirementFollowers(
        from: schema, to: after, table: SchemaName(table), column: column.map { SchemaName($0) },
        now: SchemaName(name))
      let users = try lifting("looking for what uses \(retirement.title)") { () in
        try followers.obstacles(on: connection)
      }
      guard users.isEmpty else { throw refusal(retirement, users) }
      schema = after
    }
  }

  /// Gives what is retired its old name back, in the opposite order.
  ///
  /// - Throws: `retirement-blocked` when it is gone, or its old name is taken.
  func bringBack() throws(MigrationError) {
    guard !retirements.isEmpty else { return }
    var schema = try readSchema()
    for retirement in retirements.reversed() {
      try bringBack(retirement, in: schema)
      schema = try readSchema(known: schema)
    }
  }

  private func bringBack(_ retirement: Retirement, in schema: Schema) throws(MigrationError) {
    let original = SchemaName(retirement.column ?? retirement.table)
    let wanted = RetiredName(original, by: id.migration).name
    let found: SchemaName?
    let isTaken: Bool
    if let column = retirement.column {
      let table = schema.table(SchemaName(retirement.table))
      found = table?.column(wanted)?.name
      isTaken = table?.column(SchemaName(column)) != nil
    } else {
      found = schema.object("table", wanted).map { SchemaName($0.name) }
      isTaken = ["table", "view"].contains { schema.object($0, original) != nil }
    }
    guard let found, let retired = RetiredName(found) else {
      throw blocked(
        retirement, "\(wanted) is gone", help: "write a new migration instead, which creates it again")
    }
    guard !isTaken else {
      throw blocked(
        retirement, "another \(original) exists now",
        help: "first rename the present \(original) in a migration")
    }
    do throws(SQLiteError) {
      let column = retirement.column.map { _ in found.spelled }
      try rename(
        column == nil ? found.spelled : retirement.table, column: column, to: retired.original.spelled)
    } catch  where error.code.primary == .error {
      throw blocked(
        retirement, "\(error.message)",
        help: "first make every view and trigger compile: RENAME reads them all")
    } catch {
      throw MigrationError(error, while: "bringing back \(retirement.title)", at: retirement.place)
    }
  }

  private func rename(_ table: String, column: String?, to name: String) throws(SQLiteError) {
    let column = column.map { "COLUMN \(SQLText.identifier($0)) " } ?? ""
    try connection.execute(
      "ALTER TABLE main.\(SQLText.identifier(table)) RENAME \(column)TO \(SQLText.identifier(name))")
  }

  private func readSchema(known: Schema? = nil) throws(MigrationError) -> Schema {
    try lifting("reading the schema") { () in try Schema(of: connection, known: known) }
  }

  private func refusal(_ retirement: Retirement, _ obstacles: [RetirementObstacle]) -> MigrationError {
    var help: [Prose] = []
    for remedy in obstacles.map(\.remedy) where !help.contains(remedy) { help.append(remedy) }
    return MigrationError(
      .retirementRefused, "\(id) cannot retire \(retirement.title): \(obstacles.first?.why ?? "")",
      at: retirement.place, details: obstacles.dropFirst().map(\.why), help: help)
  }

  private func blocked(_ retirement: Retirement, _ why: Prose, help: Prose) -> MigrationError {
    MigrationError(
      .retirementBlocked, "\(retirement.title), which \(id) retired, cannot come back: \(why)",
      at: retirement.place, help: [help])
  }
}
