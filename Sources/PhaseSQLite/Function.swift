internal import CSQLite

private final class FunctionBox {
  let body: ([Value]) -> Value
  init(_ body: @escaping ([Value]) -> Value) { self.body = body }
}

extension Connection {
  /// Gives SQL a function whose result depends only on its arguments (sqlite.org/c3ref/create_function.html).
  ///
  /// - Parameters:
  ///   - argumentCount: how many arguments it takes, -1 for any number.
  ///   - isForSchema: also lets views, triggers, constraints and indexes use it, so it must be harmless.
  package func define(
    _ name: String, argumentCount: Int, isForSchema: Bool = false, _ body: @escaping ([Value]) -> Value
  ) throws(SQLiteError) {
    let code = unsafe sqlite3_create_function_v2(
      handle, name, Int32(clamping: argumentCount),
      SQLITE_UTF8 | SQLITE_DETERMINISTIC | (isForSchema ? SQLITE_INNOCUOUS : SQLITE_DIRECTONLY),
      Unmanaged.passRetained(FunctionBox(body)).toOpaque(),
      { context, count, arguments in
        guard let context = unsafe context, let user = unsafe sqlite3_user_data(context) else { return }
        let box = unsafe Unmanaged<FunctionBox>.fromOpaque(user).takeUnretainedValue()
        let values = (0..<Int(count)).map { unsafe Value(arguments?[$0]) }
        unsafe box.body(values).give(to: context)
      }, nil, nil,
      { user in
        if let user = unsafe user { unsafe Unmanaged<FunctionBox>.fromOpaque(user).release() }
      })
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code, on: handle) }
  }
}

extension Value {
  /// The value of an argument.
  fileprivate init(_ value: OpaquePointer?) {
    switch unsafe sqlite3_value_type(value) {
    case SQLITE_INTEGER: self = .integer(unsafe sqlite3_value_int64(value))
    case SQLITE_FLOAT: self = .real(unsafe sqlite3_value_double(value))
    case SQLITE_TEXT: self = unsafe Value(textOf: value)
    case SQLITE_BLOB:
      let count = Int(unsafe sqlite3_value_bytes(value))
      self = .blob(unsafe Array(UnsafeRawBufferPointer(start: sqlite3_value_blob(value), count: count)))
    default: self = .null
    }
  }

  /// Makes this the result of a function call.
  fileprivate func give(to context: OpaquePointer) {
    switch self {
    case .null: unsafe sqlite3_result_null(context)
    case .integer(let value): unsafe sqlite3_result_int64(context, value)
    case .real(let value): unsafe sqlite3_result_double(context, value)
    case .text(var text):
      text.withUTF8 { utf8 in
        unsafe utf8.withMemoryRebound(to: CChar.self) { characters in
          unsafe phasedb_result_text(context, characters.baseAddress, UInt64(characters.count))
        }
      }
    case .rawText(.utf8(let bytes)):
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe phasedb_result_text(
          context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64(buffer.count))
      }
    case .rawText(.utf16(let units)):
      unsafe RawText.marked(units).withUnsafeBytes { buffer in
        unsafe phasedb_result_text16(context, buffer.baseAddress, UInt64(buffer.count))
      }
    case .blob(let bytes):
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe buffer.isEmpty
          ? sqlite3_result_zeroblob(context, 0)
          : phasedb_result_blob(context, buffer.baseAddress, UInt64(buffer.count))
      }
    }
  }
}
