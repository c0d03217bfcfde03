internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Records the statements that an application runs on its own connection, for `compat`.
///
/// Each statement is kept once, with up to three rows of different values, in the order in which it was first run.
/// Statements about transactions, the connection or the schema are left out. A recorder belongs to the thread of its
/// handle.
///
/// ```swift
/// let recorder = unsafe QueryRecorder(borrowing: handle)
/// // … the application's tests run …
/// try recorder.script().write(toFile: "apps/storefront/1.4.0.sql", atomically: true, encoding: .utf8)
/// ```
public final class QueryRecorder {
  private let connection: Connection
  private var text = QueryScriptText()

  /// Begins to record, with `sqlite3_trace_v2`. A handle has only one tracer, so another one is removed.
  ///
  /// - Parameter handle: a `sqlite3 *` that stays open while the recorder lives.
  @unsafe public init(borrowing handle: OpaquePointer) {
    connection = unsafe Connection(borrowing: handle)
    connection.trace { [unowned self] statement in
      if let values = BoundValues.all(in: statement) {
        text.add(statement.sql, values: values)
      } else {
        text.add(literal: statement.expanded.map { String(decoding: $0, as: UTF8.self) } ?? statement.sql)
      }
    }
  }

  /// Stops recording.
  public func stop() { connection.stopTracing() }

  /// The statements so far, as a file for `apps/APP/VERSION.sql`; empty when there are none.
  public func script() -> String { text.text() }
}

/// The values of a statement's parameters, read from the text into which SQLite wrote them, because no function returns
/// them (sqlite.org/c3ref/expanded_sql.html). A number with a fraction has 15 digits there.
private enum BoundValues {
  /// - Returns: nil when the two texts do not fit together.
  static func all(in statement: TracedStatement) -> [Value]? {
    let parameters = QueryParameter.all(in: statement.sql)
    guard !parameters.isEmpty else { return [] }
    guard let bytes = statement.expanded else { return nil }
    var places: [Int: String] = [:]
    // Texts are taken as they stand there: through a string they would lose what is not UTF-8.
    var texts: [Int: Value] = [:]
    var literals = SQLTokens(bytes: bytes).filter { !$0.kind.isTrivia }[...]
    func text(_ token: SQLTokens.Token) -> String { String(decoding: bytes[token.range], as: UTF8.self) }
    var reader = ParameterNumbers()
    let sql = Array(statement.sql.utf8)
    for token in SQLTokens(bytes: sql) where !token.kind.isTrivia {
      let written = String(decoding: sql[token.range], as: UTF8.self)
      guard token.kind == .variable else {
        guard let next = literals.popFirst(), text(next) == written else { return nil }
        continue
      }
      guard let value = literals.popFirst() else { return nil }
      if value.kind == .string {
        texts[reader.number(of: written)] = Value(utf8: Array(SQLTokens.unquoted(bytes[value.range])))
        continue
      }
      var literal = text(value)
      if literal == "-" || literal == "+" { literal += literals.popFirst().map(text) ?? "" }
      // What it writes for a value of sqlite3_bind_zeroblob().
      if literal == "zeroblob" {
        while !literal.hasSuffix(")"), let next = literals.popFirst() { literal += text(next) }
      }
      places[reader.number(of: written)] = literal
    }
    guard let constants = try? ConstantValues() else { return nil }
    var values: [Value] = []
    for parameter in parameters {
      if let text = texts[parameter.number] {
        values.append(text)
        continue
      }
      guard let literal = places[parameter.number], case .success(let value) = constants.value(of: literal)
      else {
        return nil
      }
      values.append(value)
    }
    return values
  }
}
