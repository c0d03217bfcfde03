internal import PhaseSQL

extension SchemaDifference {
  /// What something that only adds may not do: an object gone, a column gone or changed, or an object that is not the old
  /// one with something put in. A constraint that a table gains takes nothing away.
  var losses: [Prose] {
    var losses: [Prose] = removed.map { "- \($0.title)" }
    for (before, after) in changed {
      let difference = SchemaDifference(from: Schema([before]), to: Schema([after]))
      let lost = difference.facts.filter { !$0.onlyAdds }
      let columns = lost.compactMap(\.columnLoss)
      if lost.contains(where: { $0.columnLoss == nil }), columns.isEmpty {
        losses += difference.lines
      } else {
        for line in columns where !losses.contains(line) { losses.append(line) }
      }
    }
    return losses
  }
}

extension SchemaFact {
  fileprivate var onlyAdds: Bool {
    switch self {
    case .checkGained, .uniqueGained, .foreignKeyGained, .strictGained, .autoincrementGained: true
    default: effect == .adds
    }
  }

  fileprivate var columnLoss: Prose? {
    switch self {
    case .columnRemoved(let table, let column): "- column \(table).\(column.name)"
    case .columnMoved: nil
    default: column.map { "~ column \($0.table).\($0.column)" }
    }
  }
}
