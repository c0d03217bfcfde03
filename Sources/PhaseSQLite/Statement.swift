internal import CSQLite

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A prepared statement, finalized when it goes out of scope.
@safe package struct Statement: ~Copyable {
  let handle: OpaquePointer
  private let connection: Connection

  init(_ handle: OpaquePointer, on connection: Connection) {
    unsafe self.handle = handle
    self.connection = connection
  }

  deinit { unsafe sqlite3_finalize(handle) }

  /// Moves to the next row.
  ///
  /// - Returns: false when there is none.
  package mutating func step() throws(SQLiteError) -> Bool {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      // A statement that failed while it ran has no position: what sqlite3_error_offset holds is of another.
      var error = SQLiteError(code, of: connection, sql: sql)
      error.offset = nil
      throw error
    }
  }

  /// Makes the statement ready to run again; its bound values stay.
  package mutating func reset() { unsafe sqlite3_reset(handle) }

  /// Runs it with values, and makes it ready for the next ones.
  package mutating func run(_ values: [Value]) throws(SQLiteError) {
    defer { reset() }
    try bind(values)
    while try step() {}
  }

  /// The text of the statement, as prepared.
  package var sql: String { unsafe sqlite3_sql(handle).map { unsafe String(cString: $0) } ?? "" }

  /// True when the statement itself changes nothing, which also holds for ATTACH, BEGIN and COMMIT.
  package var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }
}

// MARK: - Parameters

extension Statement {
  package var parameterCount: Int { Int(unsafe sqlite3_bind_parameter_count(handle)) }

  /// Binds values to the parameters 1, 2, 3 …
  package mutating func bind(_ values: [Value]) throws(SQLiteError) {
    for (index, value) in values.enumerated() { try bind(value, at: index + 1) }
  }

  /// Binds a value to the parameter with a number, counted from 1.
  package mutating func bind(_ value: Value, at index: Int) throws(SQLiteError) {
    let index = Int32(clamping: index)
    let code: Int32
    switch value {
    case .null: code = unsafe sqlite3_bind_null(handle, index)
    case .integer(let value): code = unsafe sqlite3_bind_int64(handle, index, value)
    case .real(let value): code = unsafe sqlite3_bind_double(handle, index, value)
    case .text(var text):
      code = text.withUTF8 { utf8 in
        unsafe utf8.withMemoryRebound(to: CChar.self) { characters in
          unsafe phasedb_bind_text(handle, index, characters.baseAddress, UInt64(characters.count))
        }
      }
    case .rawText(.utf8(let bytes)):
      code = unsafe bytes.withUnsafeBytes { buffer in
        unsafe phasedb_bind_text(
          handle, index, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64(buffer.count))
      }
    case .rawText(.utf16(let units)):
      code = unsafe RawText.marked(units).withUnsafeBytes { buffer in
        unsafe phasedb_bind_text16(handle, index, buffer.baseAddress, UInt64(buffer.count))
      }
    case .blob(let bytes):
      code = unsafe bytes.withUnsafeBytes { buffer in
        unsafe buffer.isEmpty
          ? sqlite3_bind_zeroblob(handle, index, 0)
          : phasedb_bind_blob(handle, index, buffer.baseAddress, UInt64(buffer.count))
      }
    }
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code, on: connection.handle, sql: sql) }
  }

  /// Binds a value to the parameter with a name, its mark (`:first`) included.
  package mutating func bind(_ value: Value, to name: String) throws(SQLiteError) {
    let index = unsafe sqlite3_bind_parameter_index(handle, name)
    guard index > 0 else {
      throw SQLiteError(code: .misuse, message: "there is no parameter \(name)", sql: sql)
    }
    try bind(value, at: Int(index))
  }
}

// MARK: - Columns of the row

extension Statement {
  package var columnCount: Int { Int(unsafe sqlite3_column_count(handle)) }

  package func columnName(at index: Int) -> String {
    unsafe sqlite3_column_name(handle, Int32(index)).map { unsafe String(cString: $0) } ?? ""
  }

  /// The value of a column, by number from 0, in the type it is stored in.
  package func value(at index: Int) -> Value {
    switch unsafe sqlite3_column_type(handle, Int32(index)) {
    case SQLITE_INTEGER: .integer(integer(at: index))
    case SQLITE_FLOAT: .real(unsafe sqlite3_column_double(handle, Int32(index)))
    // The value of a column may be read like an argument only while no other thread uses the connection
    // (sqlite.org/c3ref/value.html), which holds for every connection here.
    case SQLITE_TEXT: unsafe Value(textOf: sqlite3_column_value(handle, Int32(index)))
    case SQLITE_BLOB: .blob(blob(at: index))
    default: .null
    }
  }

  package func isNull(at index: Int) -> Bool {
    unsafe sqlite3_column_type(handle, Int32(index)) == SQLITE_NULL
  }

  package func integer(at index: Int) -> Int64 { unsafe sqlite3_column_int64(handle, Int32(index)) }

  /// The text of a column, empty for NULL; bytes that are not UTF-8 become U+FFFD.
  package func text(at index: Int) -> String {
    guard let start = unsafe sqlite3_column_text(handle, Int32(index)) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, Int32(index)))
    return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// The text of a column, nil for NULL.
  package func optionalText(at index: Int) -> String? { isNull(at: index) ? nil : text(at: index) }

  package func blob(at index: Int) -> [UInt8] {
    guard let start = unsafe sqlite3_column_blob(handle, Int32(index)) else { return [] }
    let count = Int(unsafe sqlite3_column_bytes(handle, Int32(index)))
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }
}

extension Statement {
  /// Whether the row has exactly these values, without copying it.
  package func isRow(_ values: [Value]) -> Bool {
    values.count == columnCount && values.indices.allSatisfy { has(values[$0], at: $0) }
  }

  /// The identity of a row without a rowid, from the values of its first columns.
  package func identity(columns: Int) -> RowIdentity {
    var bytes: [UInt8] = []
    for index in 0..<columns {
      unsafe RowIdentity.append(sqlite3_column_value(handle, Int32(clamping: index)), to: &bytes)
    }
    return .key(bytes)
  }

  /// A hash of the row, which stays the same for equal rows as long as the process lives.
  package var rowHash: Int {
    var hasher = Hasher()
    for index in 0..<columnCount {
      let type = unsafe sqlite3_column_type(handle, Int32(index))
      hasher.combine(type)
      switch type {
      case SQLITE_INTEGER: hasher.combine(integer(at: index))
      case SQLITE_FLOAT: hasher.combine(unsafe sqlite3_column_double(handle, Int32(index)))
      case SQLITE_TEXT, SQLITE_BLOB:
        // The bytes of a text as they are stored.
        let start = unsafe sqlite3_column_blob(handle, Int32(index))
        let count = Int(unsafe sqlite3_column_bytes(handle, Int32(index)))
        hasher.combine(count)
        unsafe hasher.combine(bytes: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
      default: break
      }
    }
    return hasher.finalize()
  }

  private func has(_ value: Value, at index: Int) -> Bool {
    let type = unsafe sqlite3_column_type(handle, Int32(index))
    switch value {
    case .null: return type == SQLITE_NULL
    case .integer(let number): return type == SQLITE_INTEGER && integer(at: index) == number
    case .real(let number):
      return type == SQLITE_FLOAT && (unsafe sqlite3_column_double(handle, Int32(index))) == number
    case .text(let text): return type == SQLITE_TEXT && hasText(text, at: index)
    case .rawText: return type == SQLITE_TEXT && self.value(at: index) == value
    case .blob(let bytes): return type == SQLITE_BLOB && blob(at: index) == bytes
    }
  }

  /// Whether a column holds this text, byte for byte, without making a string of it.
  package func hasText(_ text: String, at index: Int) -> Bool {
    guard unsafe phasedb_value_is_utf16(sqlite3_column_value(handle, Int32(index))) == 0 else {
      return value(at: index) == .text(text)
    }
    guard let start = unsafe sqlite3_column_text(handle, Int32(index)) else { return false }
    let count = Int(unsafe sqlite3_column_bytes(handle, Int32(index)))
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count == count, let base = bytes.baseAddress else { return bytes.count == count }
      return unsafe memcmp(base, start, count) == 0
    }
  }
}
