internal import PhaseSQL

/// What takes a job from a queue, as the head and the condition of a trigger: `UPDATE OF state ON outbox WHEN NEW.state =
/// 'sending'`.
package struct LaneClaim: Sendable, Hashable {
  /// How a claim fails while the lane is held.
  package enum Signal: String, Sendable, Hashable, CaseIterable {
    /// Silently: the row stays as it is, and the statement goes on (sqlite.org/lang_createtrigger.html#raise).
    case ignored = "SELECT RAISE(IGNORE)"
    /// With the words "database is locked", for a worker that looks for them. SQLite has no other way to choose the
    /// words of an error that is not a constraint. The rowid in the text keeps SQLite from computing the error while
    /// it compiles the trigger.
    case locked = "SELECT json_extract('{}', 'database is locked' || substr(quote(NEW.rowid), 1, 0))"
  }

  /// `UPDATE OF state`, `DELETE` or `INSERT`.
  private let event: String
  package let table: String
  private let condition: String
  private let signal: Signal

  /// Reads a claim.
  ///
  /// - Throws: `bad-settings`.
  package init(_ text: String) throws(MigrationError) {
    try self.init(text, .ignored)
  }

  init(_ text: String, _ signal: Signal) throws(MigrationError) {
    var cursor = TokenCursor(text)
    var event: String?
    if cursor.skip("insert") { event = "INSERT" }
    if event == nil, cursor.skip("delete") { event = "DELETE" }
    if event == nil, cursor.skip("update") {
      event = "UPDATE"
      if cursor.skip("of") {
        var columns: [String] = []
        repeat {
          if let name = cursor.name() { columns.append(SQLText.identifier(name.description)) }
        } while cursor
          .skip(",")
        guard !columns.isEmpty else { throw Self.unreadable(text) }
        event = "UPDATE OF \(columns.joined(separator: ", "))"
      }
    }
    guard let event, cursor.skip("on"), let table = cursor.name() else { throw Self.unreadable(text) }
    self.event = event
    self.table = table.description
    self.signal = signal
    guard !cursor.isAtEnd else {
      condition = "1"
      return
    }
    guard cursor.word() == "when", cursor.count > 1 else { throw Self.unreadable(text) }
    let bytes = Array(text.utf8)
    let tokens = SQLTokens(text).filter { !$0.kind.isTrivia }
    // An extra semicolon or parenthesis would end the condition too early.
    var depth = 0
    for token in tokens {
      let word = String(decoding: bytes[token.range], as: UTF8.self)
      if token.kind == .punctuation { depth += word == "(" ? 1 : word == ")" ? -1 : 0 }
      guard depth >= 0, !token.isSemicolon, token.kind != .illegal, token.kind != .variable else {
        throw Self.unreadable(text)
      }
    }
    guard depth == 0,
      let when = tokens.first(where: {
        $0.kind == .word && String(decoding: bytes[$0.range], as: UTF8.self).asciiLowercased == "when"
      })
    else { throw Self.unreadable(text) }
    let text = String(decoding: bytes[when.range.upperBound...], as: UTF8.self).trimmingSpace
    // A comment at its end must not swallow what follows.
    condition = "(\(text)\(tokens.last?.range.upperBound == bytes.count ? "" : "\n"))"
  }

  private static func unreadable(_ text: String) -> MigrationError {
    MigrationError(
      .badSettings, "'\(text)' is not a claim",
      help: [
        "write what takes a job: UPDATE OF state ON outbox WHEN NEW.state = 'sending'",
        "or DELETE ON TABLE, or INSERT ON TABLE, with or without WHEN",
      ])
  }

  /// The trigger that holds a lane until a moment, in seconds since 1970. The moment is a number in its text, so the
  /// lane opens then even when phasedb no longer runs.
  package func definition(of name: String, until second: Int64) -> String {
    "CREATE TRIGGER \(SQLText.identifier(name)) BEFORE \(event) ON \(SQLText.identifier(table)) WHEN \(condition) AND \(LaneTrigger.deadline)\(second) BEGIN \(signal.rawValue); END"
  }
}

extension String {
  fileprivate var trimmingSpace: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

/// The triggers that hold lanes, as SQLite keeps them.
package enum LaneTrigger {
  /// What every name begins with.
  package static let prefix = "phasedb_lane_"
  /// The text before the moment at which the lane opens again.
  static let deadline = "CAST(strftime('%s', 'now') AS INTEGER) < "

  package static func name(of lane: String) -> String { prefix + lane }

  /// Whether the SQL of a trigger of that name is one of ours. Such a trigger changes nothing.
  static func isOne(_ sql: String) -> Bool {
    guard moment(in: sql) != nil,
      LaneClaim.Signal.allCases.contains(where: { sql.hasSuffix(" BEGIN \($0.rawValue); END") })
    else { return false }
    let bytes = Array(sql.utf8)
    return SQLTokens(sql).lazy.filter { token in
      token.kind == .word && String(decoding: bytes[token.range], as: UTF8.self).asciiLowercased == "begin"
    }.count == 1
  }

  /// The moment in a trigger, in seconds since 1970.
  package static func moment(in sql: String) -> Int64? {
    place(in: sql).flatMap { Int64(sql[$0]) }
  }

  /// The same trigger until another moment.
  package static func renewed(_ sql: String, until second: Int64) -> String? {
    place(in: sql).map { sql[..<$0.lowerBound] + "\(second)" + sql[$0.upperBound...] }
  }

  private static func place(in sql: String) -> Range<String.Index>? {
    guard let begin = sql.ranges(of: " BEGIN ").last,
      let mark = sql[..<begin.lowerBound].ranges(of: deadline).last
    else { return nil }
    return mark.upperBound..<begin.lowerBound
  }
}
