internal import PhaseSQL

extension RetirementObstacles {
  /// What keeps a table from being retired.
  func ofTable(_ table: TableDefinition) -> [RetirementObstacle] {
    let name = retiredName(table.name)
    var obstacles: [RetirementObstacle] = []
    if ["table", "view"].contains(where: { schema.object($0, name) != nil }) {
      obstacles.append(taken(name))
    }
    for (child, key) in children(of: table.name) where child != table.name {
      obstacles.append(
        RetirementObstacle(
          "\(child) (\(key.columns.list)) references it: what an application writes there would still need its rows",
          remedy: "retire \(child) first, drop its column, or build it anew in @up without the foreign key"))
    }
    for key in table.foreignKeys where key.parent != table.name && !isOutOfUse(key.parent) {
      if let obstacle = obstacle(key, of: table) { obstacles.append(obstacle) }
    }
    return obstacles + virtualUsers(of: [table.name])
  }

  /// A parent row that an application deletes may take rows of the retired table along, as it always did; but the retired
  /// table, which the application does not know any more, must not keep it from deleting.
  private func obstacle(_ key: ForeignKey, of table: TableDefinition) -> RetirementObstacle? {
    let isHeld =
      switch key.onDelete {
      case .cascade: false
      case .setNull: key.columns.contains { table.column($0)?.isNotNull ?? false }
      case .noAction, .restrict, .setDefault: true
      }
    guard isHeld else { return nil }
    return RetirementObstacle(
      "its foreign key to \(key.parent) would keep an application from deleting rows there",
      remedy: "remove the line, and \(drop(table))")
  }
}
