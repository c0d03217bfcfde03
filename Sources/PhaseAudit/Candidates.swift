internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Values that may pass the CHECKs of a column.
struct Candidates {
  /// The literals in their text, and the values next to them; those that pass, once that is known.
  var literals: [Value] = []
  private var others: [Value] = [
    .null, 1, 0, "007", "{}", "[]", "2026-01-31 12:00:00", .real(0.5), .blob([7]), "text", "Text",
  ]
  private let isDistinct: Bool
  /// Whether the values are known to pass.
  var isProved: Bool { others.isEmpty }
  var allowsOneValue: Bool { isProved && literals.count == 1 }

  init(isDistinct: Bool) { self.isDistinct = isDistinct }

  /// Keeps only values that pass, if any are known.
  ///
  /// - Parameter conditions: all that name the column; they name no other one.
  mutating func prove(_ conditions: [SQLFragment], of column: ColumnDefinition, on connection: Connection) {
    let isNumber = [.integer, .real, .numeric].contains(column.type.affinity)
    let value = column.type.affinity == .text ? "CAST(?1 AS TEXT)" : "?1"
    let tests = conditions.map { "(\($0.text)) IS NULL OR (\($0.text))" }.map { "(\($0))" }
    let sql =
      "SELECT \(tests.joined(separator: " AND ")) FROM (SELECT \(value) AS \(SQLText.identifier(column.name.spelled)))"
    var tried = literals
    for case .text(let text) in literals where text.utf8.count < 100 {
      tried += [.text(text + "Ab"), .text(text + "ab")]
    }
    for case .blob(let bytes) in literals { tried.append(.blob(bytes + [0])) }
    guard var test = try? connection.prepare(sql) else { return }
    var proved: [Value] = []
    for value in tried + others where !proved.contains(value) {
      switch value {
      case .null where column.isNotNull: continue
      case .text where isNumber, .blob where isNumber || column.type.affinity == .text: continue
      default: break
      }
      do throws(SQLiteError) {
        try test.bind([value])
        if try test.step(), test.value(at: 0) == .integer(1) { proved.append(value) }
        test.reset()
      } catch {
        return
      }
    }
    guard !proved.isEmpty else { return }
    (literals, others) = (proved, [])
  }

  /// The value for an attempt, counted from 1: first the literals, a different one for each row, then the other
  /// values, then any.
  func value(_ attempt: Int, _ number: Int, random: Int) -> Value {
    let index = attempt - 1
    if isProved {
      let value = literals[(attempt > 20 ? random : index + number) % literals.count]
      return isDistinct ? Self.distinct(value, number, attempt) : value
    }
    if index < literals.count { return literals[(index + number) % literals.count] }
    if index < literals.count + others.count { return others[index - literals.count] }
    let any = random % (literals.count + others.count)
    return any < literals.count ? literals[any] : others[any - literals.count]
  }

  /// The value, or a variant that no other row has. Some attempts keep the length.
  private static func distinct(_ value: Value, _ number: Int, _ attempt: Int) -> Value {
    guard !attempt.isMultiple(of: 3) else { return value }
    switch value {
    case .text(let text):
      let digits = "\(number)"
      return attempt % 3 == 1 || text.count < digits.count
        ? .text(text + digits) : .text(text.dropLast(digits.count) + digits)
    case .integer(let whole):
      return .integer(attempt % 3 == 1 ? whole &+ Int64(number) : whole &- Int64(number))
    case .real(let real): return .real(real + Double(number))
    case .blob(let bytes): return .blob(bytes + Array("\(number)".utf8))
    default: return value
    }
  }
}
