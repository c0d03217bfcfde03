internal import PhaseSQLite

/// What sets a trigger off.
struct TriggerHeader {
  let occasion: Occasion
  /// The columns of UPDATE OF; none when any column will do.
  let columns: [String]

  /// Reads the tokens of a CREATE TRIGGER, as `sqlite_schema` has it.
  init?(_ words: [SQLWord]) {
    guard var index = words.firstIndex(where: { $0.is("trigger") }).map({ $0 + 1 }) else { return nil }
    if words.has("if", "not", "exists", at: index) { index += 3 }
    guard let name = words.qualifiedName(at: index) else { return nil }
    index = name.end
    if words.has("before", at: index) || words.has("after", at: index) { index += 1 }
    if words.has("instead", "of", at: index) { index += 2 }
    guard words.indices.contains(index), let event = Occasion.Event(rawValue: words[index].text) else {
      return nil
    }
    index += 1
    var columns: [String] = []
    if words.has("of", at: index) {
      repeat {
        guard words.indices.contains(index + 1) else { return nil }
        columns.append(words[index + 1].text)
        index += 2
      } while words.has(",", at: index)
    }
    guard words.has("on", at: index), let table = words.qualifiedName(at: index + 1) else { return nil }
    self.columns = columns
    occasion = Occasion(event: event, table: words[table.name].text)
  }
}

/// One kind of write to one table or view.
struct Occasion: Hashable {
  enum Event: String, Hashable {
    case insert, update, delete
  }

  let event: Event
  let table: String

  /// A statement that sets off every trigger of the occasion, to be compiled and not run; nil when the table is not
  /// there.
  func statement(on connection: Connection) -> String? {
    let name = SQLText.identifier(table)
    switch event {
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
