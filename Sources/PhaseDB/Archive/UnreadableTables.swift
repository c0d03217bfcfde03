internal import PhaseSQL
internal import PhaseSQLite

/// Virtual tables whose rows cannot be read back, so that no archive keeps them: full-text tables without content, and
/// those of modules phasedb does not know.
struct UnreadableTables {
  private let names: [SchemaName]

  init(_ schema: Schema) {
    names = schema.objects.filter(\.isVirtual).compactMap { object in
      guard let table = TableDefinition(object.sql), let virtual = table.virtual else { return nil }
      return virtual.content == .unreadable ? table.name : nil
    }
  }

  /// What a later schema does not have any more.
  func gone(in later: Schema) -> [Reversal.AffectedRows] {
    names.filter { later.object("table", $0) == nil }.map { name in
      Reversal.AffectedRows(
        table: name.spelled, column: nil, rows: nil, why: "its module cannot restore its rows",
        isDeclared: false)
    }
  }
}

extension VirtualTable {
  enum Content: Hashable {
    /// In itself: what is read from it can be put into it.
    case own
    /// In another table, from which it is filled.
    case elsewhere
    case unreadable
  }

  /// Where its rows are (sqlite.org/fts5.html#external_content_and_contentless_tables, sqlite.org/rtree.html).
  var content: Content {
    switch module.key {
    case "rtree", "rtree_i32": return .own
    case "fts4aux", "fts5vocab", "dbstat": return .elsewhere
    case "fts3", "fts4", "fts5":
      for argument in arguments {
        var cursor = TokenCursor(argument.text)
        guard cursor.skip("content"), cursor.skip("=") else { continue }
        let name = cursor.name()?.spelled ?? ""
        return name.isEmpty ? .unreadable : .elsewhere
      }
      return .own
    default: return .unreadable
    }
  }
}
