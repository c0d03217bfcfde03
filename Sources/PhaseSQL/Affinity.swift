/// How a column converts the values put into it (sqlite.org/datatype3.html#determination_of_column_affinity).
package enum Affinity: String, Hashable, Sendable {
  case integer = "INTEGER"
  case text = "TEXT"
  case blob = "BLOB"
  case real = "REAL"
  case numeric = "NUMERIC"

  /// The affinity of a declared type; the first rule that applies decides, so that FLOATING POINT is an INTEGER.
  package init(declared type: String?, isStrict: Bool = false) {
    guard let type = type?.asciiLowercased else {
      self = .blob
      return
    }
    // A STRICT table's ANY leaves a value as it is, elsewhere it is one more unknown name
    // (sqlite.org/stricttables.html#the_any_datatype).
    if isStrict, type == "any" {
      self = .blob
      return
    }
    let bytes = Array(type.utf8)
    self = Self.rules.first { $0.parts.contains { bytes.has($0) } }?.affinity ?? .numeric
  }

  private static let rules: [(parts: [String], affinity: Affinity)] = [
    (["int"], .integer),
    (["char", "clob", "text"], .text),
    (["blob"], .blob),
    (["real", "floa", "doub"], .real),
  ]
}

extension [UInt8] {
  /// Whether these bytes contain those of a part, in one piece.
  fileprivate func has(_ part: String) -> Bool {
    indices.contains { self[$0...].starts(with: part.utf8) }
  }
}

extension Affinity {
  /// Whether another affinity leaves every value stored under this one unchanged. INTEGER and NUMERIC differ only in
  /// CAST, and BLOB converts nothing (sqlite.org/datatype3.html#type_affinity).
  package func isKept(by other: Affinity) -> Bool {
    self == other || other == .blob || ([self, other].allSatisfy { $0 == .integer || $0 == .numeric })
  }

  /// A simple value of its kind, as SQL writes it.
  package var emptyLiteral: String {
    switch self {
    case .integer, .numeric: "0"
    case .real: "0.0"
    case .text: "''"
    case .blob: "x''"
    }
  }
}
