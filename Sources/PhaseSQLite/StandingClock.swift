/// Freezes the clock and repeats random numbers on connections, so that the same statements give the same results on
/// every copy.
///
/// SQLite lets its own functions be replaced by name, also CURRENT_TIMESTAMP and its kin, which the parser turns into
/// calls (sqlite.org/c3ref/create_function.html). SQLite itself answers everything that does not ask for the present.
package final class StandingClock {
  /// The present on every connection: `2026-01-31 12:00:00`.
  private let now: Value
  /// Computes dates by SQLite's own functions, which are not replaced here.
  private let calendar: Connection
  /// SQLite's date functions, as far as the library has them, by name and number of arguments.
  private var calls: [Call: PreparedCall] = [:]
  private var chance = UInt64(0)

  /// - Parameter now: a moment as SQLite's date functions read it.
  package init(at now: String) throws(SQLiteError) {
    self.now = .text(now)
    calendar = try Connection(path: "", mode: .memory)
  }

  /// Starts the sequence of random numbers again.
  package func rewind() { chance = 0 }

  /// Replaces the functions on a connection, for as long as it is open.
  package func rule(_ connection: Connection) throws(SQLiteError) {
    for name in Self.dateFunctions where call(name, name == "strftime" ? 2 : 1) != nil {
      let isFormat = name == "strftime"
      try connection.define(name, argumentCount: -1, isForSchema: true) { [self] arguments in
        compute(name, arguments.count <= (isFormat ? 1 : 0) ? arguments + [now] : arguments)
      }
    }
    for (keyword, function) in [
      ("current_timestamp", "datetime"), ("current_date", "date"), ("current_time", "time"),
    ] {
      try connection.define(keyword, argumentCount: 0, isForSchema: true) { [self] _ in
        compute(function, [now])
      }
    }
    try connection.define("random", argumentCount: 0, isForSchema: true) { [self] _ in
      .integer(Int64(bitPattern: next()))
    }
    try connection.define("randomblob", argumentCount: 1, isForSchema: true) { [self] arguments in
      // A length below 1 counts as 1 (sqlite.org/lang_corefunc.html#randomblob).
      let count = Int(min(max(arguments.first?.integer ?? 1, 1), 1_000_000))
      return .blob((0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 24) })
    }
  }

  private static let dateFunctions = ["date", "time", "datetime", "julianday", "strftime", "unixepoch"]

  private func compute(_ function: String, _ arguments: [Value]) -> Value {
    call(function, arguments.count)?.result(
      of: arguments.map { argument in
        if let text = argument.text, text.utf8.count == 3, text.lowercased() == "now" {
          now
        } else {
          argument
        }
      }) ?? .null
  }

  /// A call that is compiled once, because a function may be called for every row of a table.
  private func call(_ function: String, _ count: Int) -> PreparedCall? {
    let key = Call(function: function, count: count)
    if let call = calls[key] { return call }
    let marks = Array(repeating: "?", count: count).joined(separator: ", ")
    guard let statement = try? calendar.prepare("SELECT \(function)(\(marks))", reused: true) else {
      return nil
    }
    let call = PreparedCall(statement)
    calls[key] = call
    return call
  }

  private struct Call: Hashable {
    let function: String
    let count: Int
  }

  private final class PreparedCall {
    private var statement: Statement

    init(_ statement: consuming Statement) { self.statement = statement }

    func result(of arguments: [Value]) -> Value {
      defer { statement.reset() }
      guard (try? statement.bind(arguments)) != nil, (try? statement.step()) == true else { return .null }
      return statement.value(at: 0)
    }
  }

  /// SplitMix64 (prng.di.unimi.it/splitmix64.c): every value once, in an order that looks random.
  private func next() -> UInt64 {
    chance &+= 0x9E37_79B9_7F4A_7C15
    var mixed = chance
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
