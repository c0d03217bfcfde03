internal import CSQLite

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A statement that began to run.
package struct TracedStatement: Sendable {
  /// As it was prepared.
  package let sql: String
  /// The SQL with the values of its parameters in it, byte for byte; nil when there was not enough memory. A text with
  /// a NUL ends there.
  package let expanded: [UInt8]?
}

final class TraceBox {
  let observe: (TracedStatement) -> Void
  init(_ observe: @escaping (TracedStatement) -> Void) { self.observe = observe }
}

extension Connection {
  /// Reports every statement that begins to run, except those inside triggers (sqlite.org/c3ref/trace_v2.html). A
  /// connection has one tracer: this replaces the previous one.
  ///
  /// - Parameter observe: must not use the connection.
  package func trace(_ observe: @escaping (TracedStatement) -> Void) {
    stopTracing()
    let box = unsafe Unmanaged.passRetained(TraceBox(observe))
    unsafe tracer = box
    unsafe sqlite3_trace_v2(
      handle, UInt32(SQLITE_TRACE_STMT),
      { _, context, statement, text in
        guard let context = unsafe context, let statement = unsafe statement else { return 0 }
        // For a trigger that starts, the text is a comment with its name.
        if let text = unsafe text?.assumingMemoryBound(to: CChar.self), unsafe text[0] == 0x2D,
          unsafe text[1] == 0x2D
        {
          return 0
        }
        let handle = OpaquePointer(statement)
        guard let sql = unsafe sqlite3_sql(handle) else { return 0 }
        let expanded = unsafe sqlite3_expanded_sql(handle)
        defer { unsafe sqlite3_free(expanded) }
        unsafe Unmanaged<TraceBox>.fromOpaque(context).takeUnretainedValue().observe(
          TracedStatement(
            sql: String(cString: sql),
            expanded: expanded.map { text in
              unsafe UnsafeRawBufferPointer(start: text, count: strlen(text)).map(\.self)
            }))
        return 0
      }, box.toOpaque())
  }

  package func stopTracing() {
    guard let box = unsafe tracer else { return }
    unsafe sqlite3_trace_v2(handle, 0, nil, nil)
    unsafe box.release()
    unsafe tracer = nil
  }
}
