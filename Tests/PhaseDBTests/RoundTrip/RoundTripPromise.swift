/// What must hold of the rows after up, writes, down and up again.
///
/// It is told what each change does to each column, and knows nothing of how phasedb keeps values.
struct RoundTripPromise {
  let changes: [RoundTripChange]
  let tables: [RoundTripTable]
  /// Before migrate and contract, and before the writes that are looked at.
  let reference: RoundTripContents
  /// After all phases, before the writes.
  let up: RoundTripContents
  /// After the writes.
  let written: RoundTripContents
  let down: RoundTripContents
  let again: RoundTripContents

  var broken: [String] {
    tables.flatMap { table -> [String] in
      let change = changes.first { $0.table == table.name }
      return comesBack(table, change) + goesUpAgain(table, change)
    }
  }

  /// After down, table by table: rows that nobody wrote are as they were, and what was written is there.
  private func comesBack(_ table: RoundTripTable, _ change: RoundTripChange?) -> [String] {
    let nameAfter = change == nil ? table.name : change?.tableAfter
    let past = reference[table.name]
    var present = down[table.name]
    let (before, after) = nameAfter.map { (up[$0], written[$0]) } ?? ([:], [:])
    let own = Set(table.keyColumns + table.columns.map(\.name))
    var broken: [String] = []
    if table.key == .none {
      // What has no key comes back under another rowid where its own is taken, and is known by what it holds.
      for (key, row) in past where before[key] == nil && after[key] != nil {
        let other = present.first { other, found in
          past[other] == nil && after[other] == nil
            && own.allSatisfy { $0 == "hits" || found[$0] == row[$0] }
        }
        guard let other else {
          broken.append("\(table.name) \(key) is nowhere, and another row has its rowid")
          continue
        }
        present[other.key] = nil
      }
    }
    func expect(_ key: String, _ column: String, _ value: String?, _ why: String) {
      let found = present[key]?[column]
      if let value, found != value {
        broken.append("\(table.name) \(key): \(column) is \(found ?? "absent"), not \(value), \(why)")
      }
    }
    for (key, row) in past {
      // A rowid that a phase set free may go to another row, which then stays where it is.
      if before[key] == nil, after[key] != nil { continue }
      let isDeleted = before[key] != nil && after[key] == nil
      guard !isDeleted else {
        if present[key] != nil { broken.append("\(table.name) \(key) was deleted and is there again") }
        continue
      }
      let changed = before[key].map { old in Set(old.keys.filter { after[key]?[$0] != old[$0] }) } ?? []
      // What the expand phase added is there with its first writes, and gone after down.
      for (column, value) in row where own.contains(column) {
        let fate = change?.fates[column] ?? .stays(as: column)
        // A trigger counts whatever the application and the phases write.
        if column == "hits", !changed.isEmpty { continue }
        switch fate {
        case _ where changed.isEmpty: expect(key, column, value, "and nobody wrote the row")
        case .stays(let name):
          expect(
            key, column, changed.contains(name) ? after[key]?[name] : value, "which an application wrote")
        case .lost(let isComputed):
          if !isComputed { expect(key, column, value, "the value that was kept") }
        case .rewritten(let name, let isComputed):
          if !isComputed {
            expect(
              key, column, changed.contains(name) ? after[key]?[name] : value,
              "the kept value, or what an application wrote")
          }
        }
      }
    }
    for (key, row) in after where before[key] == nil {
      guard present[key] != nil else {
        broken.append("\(table.name) \(key) was inserted and is gone")
        continue
      }
      for column in table.written {
        if column != "hits", case .stays(let name) = change?.fates[column] ?? .stays(as: column) {
          expect(key, column, row[name], "which an application inserted")
        }
      }
    }
    for key in present.keys where past[key] == nil && after[key] == nil {
      broken.append("\(table.name) \(key) is there, and nobody inserted it")
    }
    return broken
  }

  /// After the second up nothing differs from before the way down, but for rows that a migrate phase changes anew.
  private func goesUpAgain(_ table: RoundTripTable, _ change: RoundTripChange?) -> [String] {
    guard let name = change == nil ? table.name : change?.tableAfter else { return [] }
    let migrates = changes.contains { !$0.migrate.up.isEmpty }
    var broken: [String] = []
    for (key, row) in written[name] where !migrates || up[name][key] == row {
      for (column, value) in row where again[name][key]?[column] != value && (column != "hits" || !migrates) {
        broken.append(
          "\(name) \(key): after down and up \(column) is \(again[name][key]?[column] ?? "absent"), not \(value)"
        )
      }
    }
    // SQL that names rowids may take another row than the one that came back under a new one.
    for key in again[name].keys where written[name][key] == nil && (table.key != .none || !migrates) {
      broken.append("\(name) \(key) is there after down and up, and was not before")
    }
    return broken
  }
}
