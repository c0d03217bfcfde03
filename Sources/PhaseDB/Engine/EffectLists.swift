internal import PhaseSQL
internal import PhaseSQLite

/// The list of effects that was written when a phase came down.
package struct EffectList: Sendable, Hashable {
  /// How many rows are in it.
  package let rows: Int
  /// The file with the rows; nil when there was no row, or no folder to write to.
  package let file: String?
  /// How many counts are unknown.
  package let unknown: Int

  /// The text for the log: `12 rows of outbox, list /srv/shop.db-effects-0002-expand-4.csv`.
  fileprivate func detail(_ counts: [EffectCount], _ failure: Prose?) -> String {
    let told = counts.map { count in
      let earlier = count.earlier ?? 0
      return
        "\(count.effect.audience.rawValue): \(count.sentence.raw)\(earlier > 0 ? " and \(earlier) earlier" : "")"
    }
    let place = file.map { "list \($0)" } ?? failure.map { "no list: \($0.raw)" }
    return (told + [place].compactMap(\.self)).joined(separator: "; ")
  }
}

/// Writes the lists of effects, and remembers which ones this run has written: a rollback does not remove files.
final class EffectLists {
  private let engine: Engine
  /// By phase, what was counted and listed last.
  private var lists: [PhaseID: EffectList] = [:]
  private var connection: Connection { engine.connection }

  init(by engine: Engine) { self.engine = engine }

  /// The list for a phase that came down; nil when there is none.
  subscript(id: PhaseID) -> EffectList? { lists[id] }

  /// Counts and lists what a phase caused, before it comes down. Call it inside the transaction of its way down, so
  /// that no row comes between the list and the way down.
  ///
  /// - Throws: `effects-unwritten` when the list cannot be written and the gate is not overridden.
  func write(
    _ id: PhaseID, _ phase: Phase, _ plan: Plan, _ knowledge: Knowledge
  ) throws(MigrationError) {
    guard engine.purpose == .change, !phase.effects.isEmpty, let ledger = knowledge.ledger else { return }
    let sequence = knowledge.applied.last { $0.id == id }?.sequence
    let counting = EffectCounting(id, phase, sequence: sequence, ledger)
    let counts = try counting.counts()
    let rows = counts.reduce(0) { $0 + $1.total }
    var file: String?
    var failure: Prose?
    if rows > 0 {
      do throws(MigrationError) {
        if connection.path.isEmpty {
          failure = "the database is in no file"
        } else {
          file = try write(counting, id, phase, as: fileName(id, sequence))
        }
      } catch {
        guard error.id == .effectsUnwritten, plan.overridden.contains(.effects) else { throw error }
        failure = error.message
      }
    }
    let list = EffectList(rows: rows, file: file, unknown: counts.count { $0.rows == nil })
    try lifting("writing the ledger") { () in
      _ = try ledger.log(
        .effects, subject: id.description, detail: list.detail(counts, failure), by: engine.runner,
        at: engine.now())
    }
    lists[id] = list
    engine.observe(
      .effectsListed(id, rows: list.rows, unknown: list.unknown, file: list.file, failure: failure))
  }

  /// The name of the list of a phase: `shop.db-effects-0002-expand-7.csv`. A later way down of it gets another one.
  private func fileName(_ id: PhaseID, _ sequence: Int64?) -> String {
    let phase = id.short.split(separator: "/").joined(separator: "-")
    return "\(FileDurability.name(of: connection.path))-effects-\(phase)-\(sequence ?? 0).csv"
  }

  /// A new file name. After `checkpoint restore` the same way down may run again, and its former list has rows that
  /// the database no longer has.
  private func unused(_ path: String) -> String {
    guard FileReading.exists(path) else { return path }
    let stem = path.dropLast(4)
    let number = (2...).first { !FileReading.exists("\(stem)-\($0).csv") } ?? 2
    return "\(stem)-\(number).csv"
  }

  /// - Returns: the path of the list.
  private func write(
    _ counting: EffectCounting, _ id: PhaseID, _ phase: Phase, as name: String
  ) throws(MigrationError) -> String {
    let folder = engine.effectsFolder ?? FileDurability.folder(of: connection.path)
    do {
      if engine.effectsFolder != nil { try FileDurability.makeFolder(folder) }
      let first = try FileReading.absolute(folder) + "/" + name
      let file = try PrivateFile(first)
      let csv = EffectCSV(id, phase, columns: counting.columns())
      try file.write(csv.header)
      try counting.rows { try file.write(csv.record($0)) }
      let path = lists[id]?.file ?? unused(first)
      try file.finish(as: path)
      return path
    } catch let FileReading.Failure.system(_, words) {
      throw MigrationError(
        .effectsUnwritten, "the list of what \(id) caused cannot be written to \(folder)/\(name): \(words)",
        help: [
          "write it elsewhere: --effects DIR",
          "or go on without it: --override effects --reason \"...\"",
        ])
    } catch let error as SQLiteError {
      throw MigrationError(error, while: "listing effects")
    } catch {
      throw MigrationError(.effectsUnwritten, "the list of what \(id) caused cannot be written: \(error)")
    }
  }
}
