internal import PhaseSQL
internal import PhaseSQLite

/// The result of rehearsing the way down, with the rows that are in the database now.
package struct DownRehearsal: Sendable {
  /// The path of the database that was copied.
  package let database: String
  /// How many bytes were copied, and how long that took.
  package let copyBytes: Int
  package let copyMilliseconds: Double
  /// In the order in which they came down; those after one that did not come down were not tried.
  package let phases: [Phase]

  /// One phase of it.
  package struct Phase: Sendable {
    package let id: PhaseID
    /// The verdict on its reversal after this rehearsal.
    package let reversal: Reversal
    /// What came back from archives; empty when it did not come down.
    package let restored: [Restored]
    /// How long it took on the copy, where no application was in the way; nil when it did not come down.
    package let times: RunResult.Times?
  }

  /// Rows of a table that came back from an archive.
  package struct Restored: Sendable, Hashable {
    package let table: String
    package let rows: Int
    /// How many stay in the archive.
    package let left: Int
  }

  /// True when every phase came down, and nothing is lost that it does not declare.
  package var isClean: Bool { phases.allSatisfy { $0.reversal.isExactOrDeclared } }

  /// What to record.
  let records: [WayDownRecord]
}

extension DownRehearsal {
  /// What the ledger stores about one phase, as JSON.
  struct Seen: Codable {
    struct Rows: Codable {
      let table: String
      let column: String?
      let rows: Int?
      let why: String

      init(_ rows: Reversal.AffectedRows) {
        (table, column, self.rows, why) = (rows.table, rows.column, rows.rows, rows.why.raw)
      }

      var affected: Reversal.AffectedRows {
        Reversal.AffectedRows(table: table, column: column, rows: rows, why: Prose(why))
      }

      /// As something that was so at a time, with other rows.
      func affected(at time: Timestamp) -> Reversal.AffectedRows {
        Reversal.AffectedRows(
          table: table, column: column, rows: rows, why: "\(Prose(why)), in the rehearsal of \(time)")
      }
    }

    struct Obstacle: Codable {
      let reason: String
      let rows: [String]
      let openings: [String]
    }

    let lost: [Rows]
    let uncertain: [Rows]
    let obstacles: [Obstacle]
    let milliseconds: Double?
    let contents: [TableContent]
  }
}

extension DownRehearsal.Seen {
  init(
    _ reversal: Reversal, _ times: RunResult.Times?, tables: Set<FoldedName>, on connection: Connection
  ) throws(SQLiteError) {
    lost = reversal.lost.map(Rows.init)
    uncertain = reversal.uncertain.map(Rows.init)
    // Whether SQLite finds the rows of batches does not depend on their values, and is asked each time.
    obstacles = reversal.obstacles.filter { $0.error != .batchNotKeyed }.map {
      Obstacle(reason: $0.reason.raw, rows: $0.rows.map(\.raw), openings: $0.openings.map(\.raw))
    }
    milliseconds = times?.milliseconds
    contents =
      try TableContent.present(among: tables.sorted().map { SchemaName($0) }, on: connection)
      + TableContent.statistics(on: connection)
  }

  /// Adds what this rehearsal saw to a verdict on the same rows.
  func add(to reversal: inout Reversal, at time: Timestamp) {
    reversal.notes.append("rehearsed on these rows at \(time)")
    reversal.obstacles += obstacles.map {
      Reversal.Obstacle(
        reason: Prose($0.reason), rows: $0.rows.map { Prose($0) }, openings: $0.openings.map { Prose($0) })
    }
    let known = Set(reversal.lost.map(\.subject))
    reversal.lost += lost.map(\.affected).filter { !known.contains($0.subject) }
    reversal.uncertain += uncertain.map(\.affected)
  }

  /// The same for rows that changed since. Something that was blocked may no longer be; what was lost counts until another
  /// rehearsal says otherwise.
  func add(to reversal: inout Reversal, at time: Timestamp, changedSince changes: [Prose]) {
    reversal.notes.append("rehearsed on \(time); since then: \(changes.joined(separator: "; "))")
    if reversal.basis == .rows, !obstacles.isEmpty { reversal.basis = .scratch }
    let known = Set(reversal.lost.map(\.subject))
    reversal.lost += lost.map { $0.affected(at: time) }.filter { !known.contains($0.subject) }
    if !obstacles.isEmpty { reversal.notes.append("it was blocked then: \(obstacles[0].reason)") }
  }
}
