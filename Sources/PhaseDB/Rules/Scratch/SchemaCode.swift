internal import PhaseSQL
internal import PhaseSQLite

/// The views and triggers of the scratch database, which SQLite compiles only when they are used.
///
/// It knows which of them mention a name. So after a phase it compiles only those that the phase may have broken.
final class SchemaCode {
  private var uses = SchemaUses()
  /// Objects that did not compile when they were last checked.
  private var broken: Set<SchemaObject.Key> = []

  /// A view or a trigger that does not compile.
  struct Failure {
    let object: SchemaObject
    /// SQLite's message.
    let message: String
    /// Other views and triggers that do not compile because they use this one.
    var dependents: [String] = []
  }

  /// Views and triggers that mention a table or a view, in the order of their names.
  func users(of name: FoldedName) -> [SchemaObject] {
    uses.users(of: name).sorted().compactMap { uses[$0] }.filter(\.isCode)
  }

  /// The names and keywords in a view or a trigger.
  func names(in key: SchemaObject.Key) -> Set<FoldedName> { uses.names(in: key) }

  /// The changed objects, and every view or trigger that they could affect.
  private func suspects(_ changes: [SchemaChange]) -> [SchemaObject.Key] {
    let added = changes.filter { $0.kind == .added && $0.object.isCode }.map(\.object.key)
    let names = changes.filter { $0.object.key.type != "trigger" }.map(\.object.key.name)
    return uses.code(using: names).union(added).sorted()
  }
}

// MARK: - Compiling

extension SchemaCode {
  /// Adds the changes of a phase and compiles what they could have broken.
  ///
  /// The settings of `ConnectionDiscipline` must be in force: otherwise `SELECT "price"` compiles as a string when the
  /// column is gone.
  ///
  /// - Returns: objects that do not compile now, and that compiled before or are new.
  /// - Throws: also with `tooCostly`, when views of views take too long to compile.
  func broken(by changes: [SchemaChange], on connection: Connection) throws(SQLiteError) -> [Failure] {
    try connection.spendingWhileCompiling { () throws(SQLiteError) in try compiled(changes, on: connection) }
  }

  private func compiled(
    _ changes: [SchemaChange], on connection: Connection
  ) throws(SQLiteError) -> [Failure] {
    uses.follow(changes)
    broken = broken.filter { uses[$0] != nil }
    let suspects = suspects(changes)
    var failures: [Failure] = []
    for key in suspects {
      if let failure = try view(key, on: connection) { failures.append(failure) }
    }
    var compiled: [Occasion: Bool] = [:]
    var isolated: Connection?
    for key in suspects {
      guard key.type == "trigger", let object = uses[key], let trigger = TriggerDefinition(object.sql) else {
        continue
      }
      if let column = try missingColumn(of: trigger, on: connection) {
        failures.append(
          Failure(
            object: object,
            message: "no such column: \(column), so UPDATE OF \(column) never fires"))
        continue
      }
      let occasion = Occasion(of: trigger)
      let compiles: Bool
      if let known = compiled[occasion] {
        compiles = known
      } else {
        compiles = try self.compiles(occasion, on: connection)
      }
      compiled[occasion] = compiles
      if !compiles {
        // A trigger fails: this one, or another one that it fires.
        let alone: Connection
        if let isolated { alone = isolated } else { alone = try copyWithoutTriggers(of: connection) }
        isolated = alone
        if let message = try failure(of: object, on: occasion, alone: alone) {
          failures.append(Failure(object: object, message: message))
        }
      }
    }
    let failing = Set(failures.map(\.object.key))
    defer { broken = broken.subtracting(suspects).union(failing) }
    return roots(failures).filter { !broken.contains($0.object.key) }
  }

  private func view(_ key: SchemaObject.Key, on connection: Connection) throws(SQLiteError) -> Failure? {
    guard key.type == "view", let object = uses[key] else { return nil }
    let message = try refusal(of: "SELECT * FROM main.\(SQLText.identifier(object.name))", on: connection)
    return message.map { Failure(object: object, message: $0) }
  }

  private func compiles(_ occasion: Occasion, on connection: Connection) throws(SQLiteError) -> Bool {
    guard let statement = occasion.statement(on: connection) else { return true }
    return try refusal(of: statement, on: connection) == nil
  }

  /// Compiles a trigger without other triggers.
  private func failure(
    of trigger: SchemaObject, on occasion: Occasion, alone: Connection
  ) throws(SQLiteError) -> String? {
    guard let statement = occasion.statement(on: alone) else { return nil }
    let without = try refusal(of: statement, on: alone)
    try alone.execute(trigger.sql)
    let with = try refusal(of: statement, on: alone)
    try alone.execute("DROP TRIGGER main.\(SQLText.identifier(trigger.name))")
    return with == without ? nil : with
  }

  private func missingColumn(of trigger: TriggerDefinition, on connection: Connection) throws(SQLiteError)
    -> String?
  {
    guard !trigger.columns.isEmpty else { return nil }
    let names = Set(try Table.columnNames(of: trigger.table, on: connection).map(\.key))
    return trigger.columns.first { !names.contains($0) }?.text
  }

  /// Leaves out views that fail only because they use a view that fails; they are reported with that one.
  private func roots(_ failures: [Failure]) -> [Failure] {
    var roots: [Failure] = []
    var dependents: [SchemaObject.Key: [String]] = [:]
    for failure in failures {
      let cause = failures.first { other in
        other.object.key.type == "view" && other.object.key != failure.object.key
          && other.message == failure.message
          && names(in: failure.object.key).contains(other.object.key.name)
          && !names(in: other.object.key).contains(failure.object.key.name)
      }
      if let cause {
        dependents[cause.object.key, default: []].append(failure.object.title)
      } else {
        roots.append(failure)
      }
    }
    return roots.map { root in
      var root = root
      root.dependents = dependents[root.object.key] ?? []
      return root
    }
  }

  /// Why a statement does not compile. Nil when it does, or when the only missing thing is a function, a collation or
  /// a module that the application registers.
  private func refusal(of statement: String, on connection: Connection) throws(SQLiteError) -> String? {
    do throws(SQLiteError) {
      _ = try connection.prepare(statement)
      return nil
    } catch {
      if error.code == .tooCostly { throw error }
      let isOfTheApplication = ["no such function", "no such collation", "no such module"].contains {
        error.message.contains($0)
      }
      return isOfTheApplication ? nil : error.message
    }
  }

  /// A database in memory with the same tables and views, without triggers. It is not a backup, because an open
  /// transaction prevents that.
  private func copyWithoutTriggers(of connection: Connection) throws(SQLiteError) -> Connection {
    let copy = try Connection(path: "", mode: .memory)
    // Making a virtual table also makes its shadow tables, so these are left out.
    let objects = try connection.rows(
      "SELECT sql FROM main.sqlite_schema WHERE type IN ('table', 'view') AND sql IS NOT NULL"
        + " ORDER BY sql LIKE 'create virtual%' DESC, rowid")
    for object in objects { try? copy.execute(object[0].text ?? "") }
    copy.turn(.doubleQuotedStringsInDML, on: false)
    return copy
  }
}

/// One kind of write to one table or view, which fires its triggers.
struct Occasion: Hashable {
  enum Write: String, Hashable {
    case insert, update, delete
  }

  let write: Write
  let table: FoldedName

  /// A statement that would fire all of these triggers. It is only compiled. Nil when there is no such table.
  func statement(on connection: Connection) -> String? {
    let name = SQLText.identifier(table)
    switch write {
    case .insert: return "INSERT INTO main.\(name) DEFAULT VALUES"
    case .delete: return "DELETE FROM main.\(name)"
    case .update:
      guard
        let columns = try? Table.columns(of: SchemaName(table), on: connection).filter({ !$0.isGenerated }),
        !columns.isEmpty
      else { return nil }
      let names = columns.map { SQLText.identifier($0.name.spelled) }
      return "UPDATE main.\(name) SET \(names.map { "\($0) = \($0)" }.joined(separator: ", "))"
    }
  }
}

extension Occasion {
  /// The writes that fire a trigger.
  init(of trigger: TriggerDefinition) {
    table = trigger.table.key
    write =
      switch trigger.event {
      case .insert: .insert
      case .delete: .delete
      case .update: .update
      }
  }
}
