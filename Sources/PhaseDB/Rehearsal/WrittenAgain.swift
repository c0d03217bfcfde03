internal import PhaseSQL
internal import PhaseSQLite

/// Rows that an application deleted and wrote again, as INSERT OR REPLACE does, without what retired columns held.
struct WrittenAgain {
  private var rows: [(column: RoundTripRecord.Retired, count: Int)] = []
  /// Columns for which the number of such rows is unknown.
  private var unknown: [RoundTripRecord.Retired] = []

  /// Reads what became of the columns that a phase retired.
  ///
  /// - Parameter columns: what they held then.
  init(_ columns: [RoundTripRecord.Retired], on connection: Connection) throws(MigrationError) {
    for column in columns {
      let change = try lifting("reading \(column.table)") { () in try column.change(on: connection) }
      switch change {
      case .gone(let count): rows.append((column, count))
      case .unknown: unknown.append(column)
      case nil: break
      }
    }
  }

  var affectedRows: [Reversal.AffectedRows] {
    rows.map {
      Reversal.AffectedRows(
        table: $0.column.table, column: $0.column.original, rows: $0.count,
        why:
          "the rows were deleted and inserted again, or new ones have their keys, without the retired value")
    }
  }

  /// Why it is unknown whether values are gone, one sentence for each column.
  var notes: [Prose] {
    unknown.map {
      "rows of \($0.table) were deleted and inserted: if they are the same ones, their retired \($0.original) is gone"
    }
  }
}

extension RoundTripRecord.Retired {
  /// The name that the column had before it was retired.
  fileprivate var original: String { RetiredName(SchemaName(column))?.original.spelled ?? column }
}
