internal import PhaseSQL
internal import PhaseSQLite

/// One kind of write to one table or view.
struct Occasion: Hashable {
  enum Write: String, Hashable {
    case insert, update, delete
  }

  let write: Write
  let table: FoldedName

  /// A statement that fires every trigger of the occasion, only to be compiled; nil when there is no such table.
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
