internal import PhaseSQLite

extension SchemaDifference {
  /// What something that only adds may not do: an object gone, a column gone or changed, a text that is not the old one
  /// with something put in.
  var losses: [String] {
    var losses = removed.map { "- \($0.title)" }
    for (before, after) in changed {
      if before.key.type == "table", let lines = lostColumns(before, after), !lines.isEmpty {
        losses += lines
      } else if !SQLTokens.isSubsequence(before.sql, of: after.sql) || before.key.type != "table" {
        losses += SchemaDifference(from: Schema([before]), to: Schema([after])).lines
      }
    }
    return losses
  }

  private func lostColumns(_ before: SchemaObject, _ after: SchemaObject) -> [String]? {
    guard let old = TableShape(ofTableMadeBy: before.sql, named: before.name),
      let new = TableShape(ofTableMadeBy: after.sql, named: after.name)
    else { return nil }
    return old.columns.compactMap { column in
      guard let same = new.columns.first(where: { $0.name == column.name }) else {
        return "- column \(before.name).\(column.name)"
      }
      return same == column ? nil : "~ column \(before.name).\(column.name)"
    }
  }
}
