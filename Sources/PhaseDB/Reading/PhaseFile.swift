internal import PhaseSQLite

/// The format of a phase file: SQL with directives in its comments.
package enum PhaseFile {
  /// Reads a phase.
  ///
  /// - Parameters:
  ///   - text: the whole file; line ends may be LF or CRLF, a byte order mark is skipped.
  ///   - file: what errors call the file.
  ///   - kind: the kind of phase, which is in the file's name and not in its text.
  /// - Throws: what is missing (`missing-up`, `missing-down`, `missing-window`), what cannot be read
  ///   (`unknown-directive`, `bad-directive`, `window-invalid`, `version-invalid`), `batch-parameters` or
  ///   `incomplete-statement`, always with the place.
  package static func read(_ text: String, file: String, kind: Phase.Kind) throws(MigrationError) -> Phase {
    try PhaseDraft(kind, PhaseSource(text, file: file)).phase()
  }

  /// Writes a phase so that `read` returns an equal one: the same identity, and the same SQL by its tokens.
  package static func render(_ phase: Phase) -> String {
    assemble(
      declarations: phase.declarations, up: phase.up.text, down: phase.down.text, kind: phase.kind)
  }

  /// Composes a phase file from its parts, as the ledger keeps them.
  ///
  /// - Parameters:
  ///   - declarations: what ``Phase/declarations`` gave.
  ///   - up: SQL of the way up; a semicolon after its last statement may be missing.
  ///   - down: SQL of the way down, in the same form; empty for `@down archive`.
  package static func assemble(declarations: String, up: String, down: String, kind: Phase.Kind) -> String {
    let isArchive = kind == .migrate && Script(down) == nil
    return declarations + "-- @up\n" + EmbeddedSQL.text(up)
      + (isArchive ? "-- @down archive\n" : "-- @down\n" + EmbeddedSQL.text(down))
  }
}

extension Phase.Kind {
  /// The name of the file that holds a phase of this kind.
  package var fileName: String { rawValue + ".sql" }

  init?(fileName: String) {
    guard fileName.hasSuffix(".sql") else { return nil }
    self.init(rawValue: String(fileName.dropLast(4)))
  }
}

extension Phase {
  /// The summary and every directive but `@up` and `@down`, as the text of a phase file; the queries of
  /// `@verify` are in it. Ends with a line end.
  package var declarations: String {
    var lines: [String] = []
    // A summary that starts with @ would be read as a directive.
    let line = summary.onOneLine
    if !summary.isEmpty { lines += [line.first == "@" ? "-- (\(line))" : "-- \(line)", "--"] }
    for window in windows { lines.append("-- @window \(window.application.asDirectiveName) \(window.range)") }
    if let residuals, residuals.isEmpty { lines.append("-- @residual none") }
    for residual in residuals ?? [] {
      lines.append("-- @residual \(residual.audience.rawValue): \(residual.text.onOneLine)")
    }
    for effect in effects { lines.append("-- @effects \(effect.arguments)") }
    for loss in losses {
      lines.append(
        "-- @loses \(loss.table.asDirectiveName).\(loss.column.asDirectiveName): \(loss.reason.onOneLine)")
    }
    for retirement in retirements {
      let column = retirement.column.map { ".\($0.asDirectiveName)" } ?? ""
      lines.append("-- @retire \(retirement.table.asDirectiveName)\(column)")
    }
    if let effectiveSoak { lines.append("-- @soak \(DurationText.print(effectiveSoak))") }
    for need in needs { lines.append("-- @needs \(need.asDirectiveName)") }
    if let limits = budget?.limits, !limits.isEmpty {
      let parts = limits.map { "\($0.name) \(DurationText.print($0.limit))" }
      lines.append("-- @budget \(parts.joined(separator: " "))")
    }
    if let batching {
      let column = batching.column.map { " by \($0.asDirectiveName)" } ?? ""
      lines.append("-- @batch \(batching.table.asDirectiveName)\(column)")
    }
    if let watch { lines.append("-- @watch \(watch.text)") }
    for lane in lanes { lines.append("-- @lane \(lane.lane.asDirectiveName) \(lane.clauses)") }
    for made in switches {
      let full = made.fullFor.map { " full for \(DurationText.print($0))" } ?? ""
      lines.append("-- @switch \(made.name.asDirectiveName)\(full)")
    }
    for allowance in allowances {
      lines.append(
        "-- @allow \(allowance.rule.asDirectiveName) until \(allowance.application.asDirectiveName) "
          + "\(allowance.until): \(allowance.reason.onOneLine)")
    }
    var text = lines.map { $0 + "\n" }.joined()
    for verification in verifications {
      text += "-- @verify \(verification.title.onOneLine)\n" + EmbeddedSQL.text(verification.query.text)
    }
    for probe in probes {
      text += "-- @probe \(probe.text)\n" + (probe.query.map { EmbeddedSQL.text($0.text) } ?? "")
      if let red = probe.red { text += "-- @red\n" + EmbeddedSQL.text(red.text) }
    }
    return text
  }
}

/// Writes SQL as a section of a phase file. A script made in Swift, or the last one of a file, may lack the semicolon
/// or line end that a section in the middle needs.
package enum EmbeddedSQL {
  /// The same tokens. The last statement and comment are closed, the text ends with a line end, and comments that
  /// look like directives are left out.
  package static func text(_ sql: String) -> String {
    let source = PhaseSource(sql, file: "")
    let split = SQLSplitter(bytes: source.bytes)
    var bytes = source.bytes
    for comment in split.lineComments.reversed() {
      guard let directive = Directive(comment: comment, in: source) else { continue }
      bytes.insert(UInt8(ascii: "("), at: directive.word.lowerBound)
    }
    if let unclosed = split.unclosed, bytes[unclosed...].starts(with: "/*".utf8) { bytes += "*/".utf8 }
    if split.isLastUnterminated { bytes += "\n;".utf8 }
    if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
