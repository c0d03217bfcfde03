internal import PhaseSQL
package import PhaseSQLite

/// Evaluates constant expressions with SQLite itself, so that every literal is read as SQLite reads it.
package struct ConstantValues {
  /// The reason why a text is not a value, in SQLite's words.
  package struct Refusal: Error {
    let message: Prose
  }

  private let connection: Connection
  package init() throws(MigrationError) {
    connection = try lifting("opening a database in memory") { () in
      let connection = try Connection(path: "", mode: .memory)
      try connection.limit(to: CostLimit(.scratch))
      // Otherwise "Ann" would be a text, and a missing quote would be hard to see.
      connection.turn(.doubleQuotedStringsInDML, on: false)
      return connection
    }
    connection.setAuthorizer { action in
      switch action.code {
      case .function: FunctionList.ofLibrary.allows(action.second ?? "")
      case .read: !ModuleList.ofLibrary.refuses(table: action.first ?? "")
      default: true
      }
    }
  }

  /// The value of an expression without columns: a literal, or for example `'two' || char(10) || 'lines'`.
  package func value(of expression: String) -> Result<Value, Refusal> {
    do {
      var depth = 0
      let bytes = Array(expression.utf8)
      for token in SQLTokens(bytes: bytes) where token.kind == .punctuation {
        if bytes[token.range].elementsEqual("(".utf8) { depth += 1 }
        if bytes[token.range].elementsEqual(")".utf8) { depth -= 1 }
        guard depth >= 0, !token.isSemicolon else { return .failure(Refusal(message: "it is more than one")) }
      }
      connection.makeRoom(forSQLOf: bytes.count)
      return .success(
        try connection.spending { () throws(SQLiteError) in
          try connection.value("SELECT (\(expression))") ?? .null
        })
    } catch {
      return .failure(Refusal(message: "\(error.message)"))
    }
  }
}
