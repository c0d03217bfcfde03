internal import PhaseSQLite

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
