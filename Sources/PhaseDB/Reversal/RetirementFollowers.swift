internal import PhaseSQL
internal import PhaseSQLite

/// Views and triggers that still use a retired column or table under its new name: SQLite writes that into all that
/// mention it (sqlite.org/lang_altertable.html), and `*` in a view shows a column under any name.
struct RetirementFollowers {
  private let before: Schema
  private let after: Schema
  private let table: SchemaName
  /// nil when the whole table is retired.
  private let column: SchemaName?
  /// Its new name.
  private let name: SchemaName

  init(from before: Schema, to after: Schema, table: SchemaName, column: SchemaName?, now name: SchemaName) {
    self.before = before
    self.after = after
    self.table = table
    self.column = column
    self.name = name
  }

  func obstacles(on connection: Connection) throws(SQLiteError) -> [RetirementObstacle] {
    let rewritten = rewritten
    guard column != nil else { return rewritten.map { obstacle($0, "uses it") } }
    var uses = SchemaUses()
    uses.follow(after.changes(since: Schema()))
    let users = uses.code(using: [table.key]).subtracting(rewritten.map(\.key))
    let others = after.objects.filter { users.contains($0.key) }
    // A NATURAL JOIN uses the column names that both tables have. Without one of them it is a different join,
    // although its text is the same.
    let joins = others.filter { uses.names(in: $0.key).isSuperset(of: ["natural", table.key]) }
    var shown: [SchemaObject] = []
    for view in others where view.key.type == "view" {
      if try shows(view, on: connection) { shown.append(view) }
    }
    return rewritten.map { obstacle($0, "uses it") } + shown.map { obstacle($0, "shows it by *") }
      + joins.map { obstacle($0, "joins \(table) by NATURAL") }
  }

  /// Views and triggers whose SQL has changed. The triggers of a retired table are retired with it.
  private var rewritten: [SchemaObject] {
    after.changes(since: before).filter { $0.kind == .added && $0.object.isCode }.map(\.object)
      .filter { column != nil || SchemaName($0.table) != name }
  }

  /// Whether a view reads the column although it does not name it.
  private func shows(_ view: SchemaObject, on connection: Connection) throws(SQLiteError) -> Bool {
    var isRead = false
    connection.setAuthorizer { [table, name] action in
      if action.code == .read, action.first?.folded == table.key,
        action.second?.folded == name.key
      {
        isRead = true
      }
      return true
    }
    defer { connection.removeAuthorizer() }
    _ = try connection.prepare("SELECT * FROM main.\(SQLText.identifier(view.name))")
    return isRead
  }

  private func obstacle(_ object: SchemaObject, _ how: String) -> RetirementObstacle {
    RetirementObstacle(
      "\(object.title) \(how)",
      remedy:
        "DROP \(object.key.type.uppercased()) \(SQLName(object.name)); in @up, and make it again in @down; where"
        + " it is still wanted, create it again in @up without \(column ?? table)")
  }
}
