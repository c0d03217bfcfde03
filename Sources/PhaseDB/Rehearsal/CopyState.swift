internal import PhaseSQL
internal import PhaseSQLite

/// The state of the copy at one moment: its digest, and open read transactions that still see this state after later
/// changes.
final class CopyState {
  let digest: DatabaseDigest
  private let readers: Readers

  /// - Parameter known: the digest, if the same content was read before.
  init(
    _ copy: DatabaseCopy, readers count: Int, known: DatabaseDigest? = nil, cancellation: Cancellation
  ) throws {
    readers = try copy.readers(count) { !cancellation.isRequested }
    if let known { digest = known } else { digest = try DatabaseDigest(on: readers) }
  }

  var rows: Int { digest.tables.reduce(0) { $0 + $1.rows } }

  /// How a later state differs from this one.
  ///
  /// - Parameters:
  ///   - losses: those the author declared.
  ///   - limit: how many rows of a table to show.
  func difference(to later: CopyState, losses: [Loss], limit: Int) throws -> StateDifference {
    guard digest != later.digest else { return StateDifference() }
    var difference = StateDifference()
    let names = Set((digest.tables + later.digest.tables).map(\.table.folded)).sorted()
    for name in names {
      let (old, new) = (digest.table(name.text), later.digest.table(name.text))
      guard let old, let new else {
        difference.others.append(old == nil ? "table \(name) was not there" : "table \(name) is gone")
        continue
      }
      guard old != new else { continue }
      let declared = losses.filter { $0.table.folded == name }.map(\.column.folded)
      let found = try readers.first { before in
        try later.readers.first { after in
          try RowComparison(before: before, after: after, declared: Set(declared), limit: limit)
            .difference(of: Self.object(name, before), and: Self.object(name, after))
        }
      }
      difference.tables.append(found)
    }
    addCounters(&difference, later)
    if digest.userVersion != later.digest.userVersion {
      difference.others.append("user_version \(digest.userVersion) -> \(later.digest.userVersion)")
    }
    if digest.applicationID != later.digest.applicationID {
      difference.others.append("application_id \(digest.applicationID) -> \(later.digest.applicationID)")
    }
    return difference
  }

  /// AUTOINCREMENT promises only that a key is not used twice. A counter that is higher than before keeps this
  /// promise; a lower one breaks it.
  private func addCounters(_ difference: inout StateDifference, _ later: CopyState) {
    let (old, new) = (digest.counters, later.digest.counters)
    for name in Set(old.keys).union(new.keys).sorted(by: { $0.key < $1.key }) where old[name] != new[name] {
      let (before, after) = (old[name] ?? 0, new[name] ?? 0)
      let line: Prose = "the AUTOINCREMENT counter of \(name) \(before) -> \(after)"
      if after < before { difference.others.append(line) } else { difference.notes.append(line) }
    }
  }

  private static func object(_ name: FoldedName, _ connection: Connection) throws -> SchemaObject {
    for object in try Schema(of: connection).objects
    where object.key.type == "table" && object.key.name == name {
      return object
    }
    throw MigrationError(.sqliteFailed, "the table \(name) of the copy is not there any more")
  }
}
