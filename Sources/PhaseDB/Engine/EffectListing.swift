internal import PhaseSQL
internal import PhaseSQLite

/// What was counted when a phase came down.
package struct EffectList: Sendable, Hashable {
  /// How many rows are in it.
  package let rows: Int
  /// The file with the rows; nil when there was no row, or no place for it.
  package let file: String?
  /// Counts that are unknown.
  package let unknown: Int
}

// MARK: - Up

extension Engine {
  /// From where an effect counts.
  struct EffectStart {
    let mark: Value
    /// The rows before it that do not meet the condition yet; nil where they are not followed.
    let open: [Value]?
    /// False when the condition asks for what only the phase makes.
    let isAsked: Bool
  }

  /// From where the effects of a phase count, before its SQL runs: what it inserts or changes itself counts. Nil for a table
  /// that is not there yet.
  func effectMarks(before step: Plan.Step) throws(MigrationError) -> [EffectStart?] {
    guard step.direction == .up else { return [] }
    return try step.phase.effects.map { effect throws(MigrationError) in
      do throws(EffectQuery.Unknown) {
        let query = try EffectQuery(effect, on: connection)
        let mark = try query.mark()
        guard (try? query.compile()) != nil else {
          return EffectStart(mark: mark, open: nil, isAsked: false)
        }
        return EffectStart(mark: mark, open: try openRows(effect, upTo: mark), isAsked: true)
      } catch {
        if let failure = error.failure { throw MigrationError(failure, while: "reading what is counted") }
        return nil
      }
    }
  }

  /// Records from where the effects of a phase count. Belongs into the transaction in which the phase begins to go up.
  ///
  /// - Parameter before: what the tables held before the SQL of the phase ran: what it inserts itself counts.
  /// - Throws: `effects-invalid` for what cannot be counted on the schema of the phase.
  func recordEffects(
    of step: Plan.Step, from before: [EffectStart?], at time: Timestamp
  ) throws(MigrationError) {
    guard step.direction == .up, !step.phase.effects.isEmpty, let ledger = knowledge.ledger else { return }
    try lifting("writing the ledger") { () in try ledger.effects.forget(of: step.id) }
    for (number, effect) in step.phase.effects.enumerated() {
      let open: [Value]?
      // A table that the phase makes: every row of it came since.
      var mark = Value.null
      do throws(EffectQuery.Unknown) {
        let query = try EffectQuery(effect, on: connection)
        if let known = before[number] {
          mark = known.mark
        } else if knowledge.schema.table(SchemaName(effect.table)) != nil {
          // A column that the phase adds.
          mark = try query.mark()
        }
        try query.compile()
        if let known = before[number], known.isAsked {
          open = known.open
        } else {
          open = try openRows(effect, upTo: mark)
        }
      } catch {
        if let failure = error.failure { throw MigrationError(failure, while: "reading what is counted") }
        throw effect.invalid(error.why, in: step.phase)
      }
      let row = EffectMark(number: number, at: time, mark: mark, open: open?.count)
      try lifting("writing the ledger") { () in try ledger.effects.record(row, of: step.id, open: open) }
    }
  }

  /// The rows that do not meet the condition, to be followed; nil when they are too many, or take too long to find while
  /// the write lock is held.
  private func openRows(_ effect: Effect, upTo mark: Value) throws(EffectQuery.Unknown) -> [Value]? {
    do throws(EffectQuery.Unknown) {
      return try EffectQuery(effect, within: .milliseconds(500), on: connection).open(
        upTo: mark, most: EffectCounting.mostOpen)
    } catch {
      if error.failure != nil { throw error }
      return nil
    }
  }
}

extension Effect {
  /// The error about a line that cannot be counted.
  func invalid(_ why: Prose, in phase: Phase) -> MigrationError {
    MigrationError(
      .effectsInvalid, "the rows of \(table) by \(column) cannot be counted: \(why)",
      at: place ?? phase.up.beginningOfFile,
      help: ["name a table, a column and a condition of the schema after the phase"])
  }
}

// MARK: - Down

extension Engine {
  /// Counts and lists what a phase caused, before it comes down. Belongs into the transaction of its way down, so that no
  /// row comes between the list and the way down.
  ///
  /// - Throws: `effects-unwritten` when the list cannot be written and nobody took that on themselves.
  func listEffects(of id: PhaseID, _ phase: Phase, _ plan: Plan) throws(MigrationError) {
    guard purpose == .change, !phase.effects.isEmpty, let ledger = knowledge.ledger else { return }
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
        .effects, subject: id.description, detail: list.detail(counts, failure), by: runner, at: now())
    }
    lists[id] = list
    observe(
      .effectsListed(id, rows: list.rows, unknown: list.unknown, file: list.file, failure: failure))
  }

  /// The name of the list of a phase: `shop.db-effects-0002-expand-7.csv`. A later way down of it gets another one.
  private func fileName(_ id: PhaseID, _ sequence: Int64?) -> String {
    let phase = id.short.split(separator: "/").joined(separator: "-")
    return "\(FileDurability.name(of: connection.path))-effects-\(phase)-\(sequence ?? 0).csv"
  }

  /// A name that no list has. After `checkpoint restore` the same way down runs again, and its former list names rows that
  /// the database does not know any more.
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
    let folder = effectsFolder ?? FileDurability.folder(of: connection.path)
    do {
      if effectsFolder != nil { try FileDurability.makeFolder(folder) }
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

extension EffectList {
  /// What the log says of it: `12 rows of outbox, list /srv/shop.db-effects-0002-expand-4.csv`.
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
