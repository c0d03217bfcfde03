internal import PhaseSQL

/// The SQL that builds a table anew, with everything that is attached to it: the procedure of
/// sqlite.org/lang_altertable.html#otheralter.
struct RebuildText {
  let ground: RecipeGround
  /// The table as it is.
  let table: RecipeTable
  /// Its new text, under its own name.
  let wanted: TableText
  /// Each column of the new table that gets a value, and the SQL of that value over the old one.
  let values: [(column: SchemaName, sql: String)]
  /// The schema whose indexes, triggers and views are made afterwards.
  let after: Schema
  /// Triggers to make before those that were there. SQLite fires the youngest first, so those that were there see a row
  /// as its writer left it.
  var ownTriggers: [String] = []
  /// Why the table is built anew.
  let reason: String

  func statements() -> [String] {
    let building = SchemaName(ground.free("\(table.name)_rebuilt"))
    var parts = [PhaseText.note(reason)]
    let (drops, makes) = followers
    if !drops.isEmpty {
      parts = [
        parts[0] + "\n--\n"
          + PhaseText.note("What names the table from elsewhere goes first: it would make the RENAME fail.")
      ]
      parts.append(drops.joined(separator: "\n") + "\n")
    }
    parts.append(wanted.renamed(to: building).sql + ";")
    parts.append(copying(to: building))
    parts += counter(of: building)
    parts.append(
      """
      DROP TABLE \(table.sql);
      ALTER TABLE \(building.written) RENAME TO \(table.sql);
      """)
    let own = attached("index") + ownTriggers + attached("trigger")
    if !own.isEmpty { parts.append("\n" + own.joined(separator: "\n")) }
    if !makes.isEmpty { parts.append("\n" + makes.joined(separator: "\n")) }
    return parts
  }

  private func copying(to building: SchemaName) -> String {
    var values = values.map { (name: $0.column.written, sql: $0.sql) }
    var note = ""
    if !table.definition.columns.contains(where: \.isRowIDAlias), let rowID = table.definition.rowIDName {
      values.insert((rowID, rowID), at: 0)
      note =
        PhaseText.note("The rowids stay: a full-text table, or somebody's notes, may refer to them.") + "\n"
    }
    return note + Self.wrapped("INSERT INTO \(building.written) (", values.map(\.name), ")") + "\n"
      + Self.wrapped("SELECT ", values.map(\.sql), " FROM \(table.sql);")
  }

  /// A list on lines of at most a hundred characters.
  private static func wrapped(_ head: String, _ items: [String], _ tail: String) -> String {
    var lines: [String] = []
    var line = head
    for (index, item) in items.enumerated() {
      let text = item + (index == items.count - 1 ? tail : ",")
      if line.count + text.count > 100, line != head {
        lines.append(line)
        line = " "
      }
      line += (line == head ? "" : " ") + text
    }
    return (lines + [line]).joined(separator: "\n")
  }

  private func counter(of building: SchemaName) -> [String] {
    guard table.definition.hasAutoincrement else { return [] }
    let (old, new) = (SQLText.literal(table.name.spelled), SQLText.literal(building.spelled))
    return [
      """
      -- DROP TABLE forgets which numbers AUTOINCREMENT gave out, and those of deleted rows would come again.
      DELETE FROM sqlite_sequence WHERE name = \(new);
      INSERT INTO sqlite_sequence (name, seq) SELECT \(new), seq FROM sqlite_sequence WHERE name = \(old);
      """
    ]
  }

  /// The table's own indexes or triggers.
  private func attached(_ type: String) -> [String] {
    after.objects.filter { $0.key.type == type && SchemaName($0.table) == table.name }.map(\.statement)
  }

  /// Views over the table, triggers elsewhere that name it, and what hangs on these: what drops them, and what makes
  /// them again.
  private var followers: (drops: [String], makes: [String]) {
    let found = ground.uses.code(using: [table.name.key])
    let views = ground.objects.filter { $0.key.type == "view" && found.contains($0.key) }
    let gone = Set(views.map(\.key.name))
    let triggers = ground.objects.filter { object in
      object.key.type == "trigger" && SchemaName(object.table) != table.name
        && (found.contains(object.key) || gone.contains(object.table.folded))
    }
    // A view takes its own triggers with it.
    let drops =
      triggers.filter { !gone.contains($0.table.folded) }.map {
        "DROP TRIGGER \(SchemaName($0.name).written);"
      } + views.reversed().map { "DROP VIEW \(SchemaName($0.name).written);" }
    let makes = (views + triggers).compactMap { object in
      after.objects.first { $0.key == object.key }?.statement
    }
    return (drops, makes)
  }
}

extension RebuildText {
  /// A rebuild that keeps every value.
  init(
    _ table: RecipeTable, as wanted: TableText, on ground: RecipeGround, because reason: String
  ) {
    self.init(
      ground: ground, table: table, wanted: wanted,
      values: table.stored.map { ($0.name, $0.name.written) }, after: ground.schema,
      reason: reason)
  }
}

extension TableText {
  func withoutRetired(_ table: TableDefinition) -> TableText {
    table.columns.filter { RetiredName($0.name) != nil }.reduce(self) { $0.removing(column: $1.name) }
  }
}
