package import PhaseSQL
package import PhaseSQLite

/// What one version of an application asks the database: the file `apps/APP/VERSION.sql`.
package struct ApplicationScript: Sendable {
  package let application: String
  package let version: Version
  package let file: String
  /// In the order in which they run; never empty.
  package let queries: [ApplicationQuery]
}

/// One named statement of an application, and the values it is run with.
package struct ApplicationQuery: Sendable {
  package let title: String
  /// One statement, with the place where it is written.
  package let sql: Script
  /// What its text may name, folded.
  package let names: Set<FoldedName>
  package let parameters: [QueryParameter]
  /// The statement runs once for each: the values of `parameters`, in their order. Never empty.
  package let rows: [[QueryParameter.Source]]
  /// Whether the statement must fail.
  package let expectsError: Bool
  /// What later statements may use of this one's result.
  package let results: [NamedResult]

  /// A value of a statement's result that has a name, from the first row of its last run.
  package struct NamedResult: Sendable, Hashable {
    package let name: ExactName
    package let from: From

    package enum From: Sendable, Hashable {
      case column(String)
      case lastInsertRowID
    }
  }

  /// Where the statement begins.
  package var place: Place {
    let start = sql.firstTokenOffset
    return sql.place(at: start, length: sql.tokenLength(at: start))
  }
}

/// A parameter of a statement, by the number that SQLite gives it (sqlite.org/lang_expr.html#varparam).
package struct QueryParameter: Sendable, Hashable {
  /// Counts from 1.
  package let number: Int
  /// Without its mark; nil for `?` and `?3`.
  package let name: ExactName?

  /// What is bound to it.
  package enum Source: Sendable, Hashable {
    case value(Value)
    /// What an earlier statement named by `@as`.
    case result(ExactName)
  }

  /// As a person would call it.
  var title: String { name.map { "':\($0)'" } ?? "number \(number)" }

  /// The parameters of a statement, by its tokens, so that a file can be read without the schema it asks.
  package static func all(in sql: String) -> [QueryParameter] {
    let bytes = Array(sql.utf8)
    var numbers = ParameterNumbers()
    var parameters: [QueryParameter] = []
    for token in SQLTokens(bytes: bytes) where token.kind == .variable {
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      let number = numbers.number(of: text)
      let name = bytes[token.range].first == UInt8(ascii: "?") ? nil : ExactName(parameter: text)
      if !parameters.contains(where: { $0.number == number }) {
        parameters.append(QueryParameter(number: number, name: name))
      }
    }
    return parameters.sorted { $0.number < $1.number }
  }
}

/// Counts parameters as SQLite does: `?` and a name that is new have one more than the largest number before them.
package struct ParameterNumbers {
  private var largest = 0
  private var named: [ExactName: Int] = [:]

  package init() {}

  /// The number of the next parameter of a statement, as it is written there.
  package mutating func number(of text: String) -> Int {
    let number: Int
    if text.hasPrefix("?"), let written = Int(text.dropFirst()) {
      number = written
    } else if text != "?", let known = named[ExactName(text)] {
      number = known
    } else {
      number = largest + 1
      if text != "?" { named[ExactName(text)] = number }
    }
    largest = max(largest, number)
    return number
  }
}
