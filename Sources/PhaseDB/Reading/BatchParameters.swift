internal import PhaseSQL
internal import PhaseSQLite

/// Checks the parameters in the SQL of a phase. Every statement of a batched phase must use `:first` and `:last`:
/// without them it would run on the whole table with each batch. Other parameters are refused, because SQLite takes
/// an unbound parameter for NULL.
struct BatchParameters {
  private let script: Script

  init(_ script: Script) { self.script = script }

  /// - Parameter isBatched: whether the phase has a `@batch`.
  /// - Throws: `batch-parameters` with the place of the missing or unexpected parameter.
  func check(isBatched: Bool) throws(MigrationError) {
    let bytes = Array(script.text.utf8)
    // A fast way out for nearly every phase; a folder has hundreds of them.
    guard isBatched || bytes.contains(where: Self.beginsParameter) else { return }
    for statement in SQLSplitter(bytes: bytes).statements {
      let named = try parameters(in: statement, of: bytes, isBatched: isBatched)
      guard isBatched, let missing = [Batching.first, Batching.last].first(where: { !named.contains($0) })
      else { continue }
      let start = script.offsetOfFirstToken(from: statement.lowerBound)
      throw MigrationError(
        .batchParameters, "a statement of a batched phase does not use \(missing)",
        at: script.place(at: start, length: script.tokenLength(at: start)),
        help: [
          "limit it to the keys of one batch: WHERE KEY BETWEEN :first AND :last",
          "or move it to another phase: here it would run with every batch",
        ])
    }
  }

  private static func beginsParameter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "#"): true
    default: false
    }
  }

  private func parameters(
    in statement: Range<Int>, of bytes: [UInt8], isBatched: Bool
  ) throws(MigrationError) -> Set<String> {
    var named: Set<String> = []
    for token in SQLTokens(bytes: Array(bytes[statement])) where token.kind == .variable {
      let start = statement.lowerBound + token.range.lowerBound
      let name = String(decoding: bytes[start..<start + token.range.count], as: UTF8.self)
      let place = script.place(at: start, length: token.range.count)
      guard isBatched else {
        throw MigrationError(
          .batchParameters, "\(name) has no value in a phase without @batch", at: place,
          help: ["write the value itself, or add above @up: -- @batch TABLE"])
      }
      guard name == Batching.first || name == Batching.last else {
        throw MigrationError(
          .batchParameters, "the parameter \(name) has no value", at: place,
          help: ["a batched phase has the parameters :first and :last, the first and the last key of a batch"]
        )
      }
      named.insert(name)
    }
    return named
  }
}
