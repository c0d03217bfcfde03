package import PhaseDB
internal import PhaseSQLite

/// A plain list of the SQL statements that an application ran, as the drivers of most languages can write it.
package struct QueryLog: Sendable {
  private let source: PhaseSource

  /// Reads a list.
  ///
  /// - Parameter path: SQL statements, each ended by a semicolon. Values may stand in them as literals.
  /// - Throws: `file-unreadable`, `file-too-large`, `invalid-text`.
  package init(file path: String) throws(MigrationError) {
    source = PhaseSource(try TextFile.read(path), file: path)
  }

  init(_ text: String, file: String) { source = PhaseSource(text, file: file) }

  /// The statements as a file for `apps/APP/VERSION.sql`, each once; of statements that differ only in their values,
  /// three are kept. Statements about transactions, connections and the schema are left out.
  ///
  /// - Throws: `incomplete-statement` when a quote, comment or statement is not closed, `no-queries` when there is no
  ///   statement.
  package func script() throws(MigrationError) -> String {
    let split = SQLSplitter(bytes: source.bytes)
    if let unclosed = split.unclosed { throw source.unclosed(unclosed) }
    var text = QueryScriptText()
    for statement in split.statements { text.add(literal: source.string(statement)) }
    let script = text.text()
    guard !script.isEmpty else {
      throw MigrationError(
        .noQueries, "\(source.file) has no statement that reads or changes rows",
        help: ["write each statement on its own line, and end it with a semicolon"])
    }
    return script
  }
}
