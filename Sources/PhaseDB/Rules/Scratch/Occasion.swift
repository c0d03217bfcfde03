internal import PhaseSQL
internal import PhaseSQLite

/// One kind of write to one table or view.
struct Occasion: Hashable {
  enum Write: String, Hashable {
    case insert, update, delete
  }

  let write: Write
  let table: FoldedName

  /// A statement that sets off every trigger of the occasion, to be compiled and not run; nil when the table is not
  /// there.
  func statement(on connection: Connection) -> String? {
    let name = SQLText.identifier(table)
    switch write {
    case .insert: return "INSERT INTO main.\(name) DEFAULT VALUES"
    case .delete: return "DELETE FROM main.\(name)"
    case .update:
      guard
        let columns = try? connection.rows(
          "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0", .text(table)), !columns.isEmpty
      else { return nil }
      let names = columns.map { SQLText.identifier($0[0].text ?? "") }
      return "UPDATE main.\(name) SET \(names.map { "\($0) = \($0)" }.joined(separator: ", "))"
    }
  }
}

extension TriggerDefinition {
  /// The writes that set it off.
  var writes: Occasion {
    switch event {
    case .insert: Occasion(write: .insert, table: table.key)
    case .delete: Occasion(write: .delete, table: table.key)
    case .update: Occasion(write: .update, table: table.key)
    }
  }

  /// The columns of UPDATE OF; none when any column will do.
  var columns: [FoldedName] {
    if case .update(let columns) = event { columns.map(\.key) } else { [] }
  }
}
