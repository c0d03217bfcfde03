internal import CSQLite
package import PhaseSQL

/// What a statement does to a row.
package enum RowOperation: Sendable {
  case insert, update, delete
}

/// Identifies a row of a table while a transaction is open.
package enum RowIdentity: Hashable, Sendable {
  case rowID(Int64)
  /// The values of a primary key, with their types.
  case key([UInt8])
}

/// A row that a statement or its triggers change.
package struct RowChange {
  package let operation: RowOperation
  /// As the schema spells it.
  package let table: String
  /// Which row it is; for an update, before the update.
  package let row: RowIdentity
  /// Whether an update changes its rowid.
  package let isMoved: Bool

  package init(operation: RowOperation, table: String, row: RowIdentity, isMoved: Bool) {
    self.operation = operation
    self.table = table
    self.row = row
    self.isMoved = isMoved
  }
}

/// Reports the rows that statements change.
package final class RowChanges {
  /// A table with rowids whose changes are reported without making its name for each row.
  fileprivate let main: ContiguousArray<CChar>
  fileprivate let observeMain: (RowOperation, _ old: Int64, _ new: Int64) -> Void
  fileprivate let observe: (RowChange) -> Void
  /// For each table without rowids, by its folded name, the positions of its key's columns.
  fileprivate let keys: [FoldedName: [Int]]

  /// - Parameters:
  ///   - table: `observeMain` gets the changes of its rows, `observe` those of all other tables. Neither may use the
  ///     connection.
  ///   - keys: for each table without rowids, by its folded name, the positions of its key's columns, from 0.
  package init(
    table: String, keys: [FoldedName: [Int]],
    observeMain: @escaping (RowOperation, _ old: Int64, _ new: Int64) -> Void,
    observe: @escaping (RowChange) -> Void
  ) {
    main = ContiguousArray(table.utf8CString)
    self.keys = keys
    self.observeMain = observeMain
    self.observe = observe
  }

  /// - Parameter observe: gets the changes of all tables, those without rowids excepted.
  package convenience init(observe: @escaping (RowChange) -> Void) {
    self.init(table: "", keys: [:], observeMain: { _, _, _ in }, observe: observe)
  }
}

extension RowChanges {
  @unsafe func tell(
    _ code: Int32, _ table: UnsafePointer<CChar>, _ old: Int64, _ new: Int64, _ connection: OpaquePointer?
  ) {
    let operation: RowOperation =
      switch code {
      case SQLITE_INSERT: .insert
      case SQLITE_DELETE: .delete
      default: .update
      }
    guard unsafe !isObserved(table) else { return observeMain(operation, old, new) }
    let name = unsafe String(cString: table)
    guard let columns = keys[name.folded] else {
      let row = RowIdentity.rowID(operation == .insert ? new : old)
      return observe(
        RowChange(operation: operation, table: name, row: row, isMoved: operation == .update && old != new))
    }
    var bytes: [UInt8] = []
    for column in columns {
      unsafe RowIdentity.append(
        phasedb_preupdate_value(connection, operation == .insert ? 1 : 0, Int32(clamping: column)), to: &bytes
      )
    }
    observe(RowChange(operation: operation, table: name, row: .key(bytes), isMoved: false))
  }

  private func isObserved(_ table: UnsafePointer<CChar>) -> Bool {
    var index = 0
    while index < main.count {
      guard unsafe table[index] == main[index] else { return false }
      if main[index] == 0 { return true }
      index += 1
    }
    return false
  }
}

extension RowIdentity {
  /// Adds a value so that no two keys have the same bytes.
  @unsafe static func append(_ value: OpaquePointer?, to bytes: inout [UInt8]) {
    let type = unsafe value.map { unsafe sqlite3_value_type($0) } ?? SQLITE_NULL
    bytes.append(UInt8(truncatingIfNeeded: type))
    switch type {
    case SQLITE_INTEGER: append(UInt64(bitPattern: unsafe sqlite3_value_int64(value)), to: &bytes)
    case SQLITE_FLOAT: append(unsafe sqlite3_value_double(value).bitPattern, to: &bytes)
    case SQLITE_TEXT, SQLITE_BLOB:
      let start: UnsafeRawPointer? =
        unsafe type == SQLITE_TEXT ? UnsafeRawPointer(sqlite3_value_text(value)) : sqlite3_value_blob(value)
      let count = Int(unsafe sqlite3_value_bytes(value))
      append(UInt64(count), to: &bytes)
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    default: break
    }
  }

  private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
    unsafe withUnsafeBytes(of: word) { unsafe bytes.append(contentsOf: $0) }
  }
}
