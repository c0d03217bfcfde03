internal import PhaseSQL

/// A stand-in, on a copy, for a function that only the application has.
///
/// It returns its first argument; `regexp` and `match`, which are operators of conditions, return true. A NULL among
/// the arguments gives NULL. That lets views, triggers, indexes and constraints compile and mostly keep rows; what it
/// returns says nothing about the result of the application's function.
package struct FunctionStub: Sendable, Hashable {
  /// As it was declared.
  package let name: String
  /// How many arguments it takes, -1 for any number.
  package let argumentCount: Int

  package init(_ name: String, argumentCount: Int = -1) {
    (self.name, self.argumentCount) = (name, argumentCount)
  }

  /// Gives a private database the functions that only the application has. Never to be called on a user's database.
  package static func define(_ functions: [FunctionStub], on connection: Connection) throws(SQLiteError) {
    guard !functions.isEmpty else { return }
    let stubs = FunctionStubs(functions)
    for function in functions {
      try connection.define(function.name, argumentCount: function.argumentCount, isForSchema: true) {
        arguments in
        stubs.call(function.name)
        return function.result(of: arguments)
      }
    }
    connection.stubs = stubs
  }

  /// The function that a connection does not have, when that is what SQLite says.
  package static func lacking(in message: String) -> String? {
    for words in ["no such function: ", "unknown function: "] where message.hasPrefix(words) {
      let name = message.dropFirst(words.count)
      return String(name.hasSuffix("()") ? name.dropLast(2) : name)
    }
    return nil
  }

  fileprivate var isCondition: Bool { ["regexp", "match"].contains(name.asciiLowercased) }

  fileprivate func result(of arguments: [Value]) -> Value {
    if arguments.contains(.null) { return .null }
    return isCondition ? .integer(1) : arguments.first ?? .null
  }
}

/// The stubs of one connection, and which of them were used.
package final class FunctionStubs {
  package let all: [FunctionStub]
  private let names: [String: String]
  private var noted: Set<String> = []
  /// Those that answered since the last ``forget()``. Rows may hold their results.
  package private(set) var called: Set<String> = []

  fileprivate init(_ all: [FunctionStub]) {
    self.all = all
    names = Dictionary(
      all.map { ($0.name.asciiLowercased, $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  /// Notes that a statement names a function; one that is no stub does not count.
  package func note(_ name: String) {
    if let name = names[name.asciiLowercased] { noted.insert(name) }
  }

  fileprivate func call(_ name: String) {
    noted.insert(name)
    called.insert(name)
  }

  /// Those that were called, or named by a statement that ran, since the last ``forget()``.
  package var taken: [String] { noted.sorted() }

  package func forget() { (noted, called) = ([], []) }
}
