/// The format of a phase file: SQL with directives in its comments.
package enum PhaseFile {
  /// Reads a phase.
  ///
  /// - Parameters:
  ///   - text: the whole file; line ends may be LF or CRLF, a byte order mark is skipped.
  ///   - file: what errors call the file.
  ///   - kind: the kind of phase, which a file's name says and its text does not.
  /// - Throws: what is missing (`missing-up`, `missing-down`, `missing-window`), what cannot be read
  ///   (`unknown-directive`, `bad-directive`, `window-invalid`, `version-invalid`), `batch-parameters` or
  ///   `incomplete-statement`, always with the place.
  package static func read(_ text: String, file: String, kind: PhaseKind) throws(MigrationError) -> Phase {
    try PhaseDraft(kind, PhaseSource(text, file: file)).phase()
  }

  /// Writes a phase so that `read` gives back the same one: same identity, same SQL by its tokens.
  package static func render(_ phase: Phase) -> String {
    assemble(declarations: phase.declarations, up: phase.up.text, down: phase.down.text)
  }

  /// Puts a phase file together from its parts, as the ledger keeps them.
  ///
  /// - Parameters:
  ///   - declarations: what ``Phase/declarations`` gave.
  ///   - up: SQL of the way up; a semicolon after its last statement may be missing.
  ///   - down: SQL of the way down, likewise.
  package static func assemble(declarations: String, up: String, down: String) -> String {
    declarations + "-- @up\n" + EmbeddedSQL.text(up) + "-- @down\n" + EmbeddedSQL.text(down)
  }
}
