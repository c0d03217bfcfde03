/// A feature used in a piece of SQL that SQLite did not always have, found by its tokens.
///
/// Only features of the list are found: an empty answer says that none of them is used.
package struct SchemaFeature: Hashable, Sendable {
  /// Its name for people: `RETURNING`, `the function iif()`.
  package let name: String
  /// The first release that has it.
  package let since: SQLiteVersion
  /// UTF-8 offsets in the SQL.
  package let range: Range<Int>

  /// The features that schema objects or the statements of a phase need, in the order of the text.
  package static func needed(by sql: String) -> [SchemaFeature] {
    var reader = FeatureReader(sql)
    return reader.features()
  }
}

extension SchemaFeature {
  /// The key of the tables below.
  package struct Kind: Sendable {
    package let name: String
    package let since: SQLiteVersion

    package init(_ name: String, _ minor: Int) {
      self.name = name
      since = SQLiteVersion(number: 3_000_000 + minor * 1_000)
    }
  }

  // Each from the page of its release, sqlite.org/releaselog/3_24_0.html and so on.

  /// 3.24.0
  package static let upsert = Kind("ON CONFLICT DO", 24)
  /// 3.25.0
  package static let window = Kind("window functions", 25)
  package static let renameColumn = Kind("RENAME COLUMN", 25)
  /// 3.30.0
  package static let nullsOrder = Kind("NULLS FIRST and NULLS LAST", 30)
  package static let filter = Kind("FILTER on an aggregate", 30)
  /// 3.31.0
  package static let generatedColumn = Kind("generated columns", 31)
  /// 3.33.0
  package static let updateFrom = Kind("UPDATE … FROM", 33)
  /// 3.35.0
  package static let dropColumn = Kind("DROP COLUMN", 35)
  package static let returning = Kind("RETURNING", 35)
  package static let materialized = Kind("MATERIALIZED", 35)
  /// 3.37.0
  package static let strict = Kind("STRICT", 37)
  /// 3.38.0
  package static let arrow = Kind("the operators -> and ->>", 38)
  /// 3.39.0
  package static let outerJoin = Kind("RIGHT and FULL JOIN", 39)
  package static let distinctFrom = Kind("IS DISTINCT FROM", 39)
  /// 3.44.0
  package static let orderedAggregate = Kind("ORDER BY in an aggregate", 44)
  /// 3.46.0
  package static let underscores = Kind("_ in numbers", 46)
  /// 3.47.0
  package static let raiseExpression = Kind("an expression as the message of RAISE()", 47)
  /// 3.48.0
  package static let shortIif = Kind("iif() with two arguments", 48)
  /// 3.49.0
  package static let longIif = Kind("iif() with more than three arguments", 49)

  /// The function of this name; nil when SQLite has none, or always had it.
  package static func function(_ name: String) -> Kind? {
    functions[name].map { Kind("the function \(name)()", $0) }
  }

  private static let functions: [String: Int] = {
    let releases: [(minor: Int, names: [String])] = [
      (32, ["iif"]),
      (34, ["substring"]),
      // Where the library was built with SQLITE_ENABLE_MATH_FUNCTIONS (sqlite.org/lang_mathfunc.html).
      (
        35,
        [
          "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos", "cosh",
          "degrees", "exp", "floor", "ln", "log", "log10", "log2", "mod", "pi", "pow", "power", "radians",
          "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "sign",
        ]
      ),
      (38, ["unixepoch", "format"]),
      (41, ["unhex"]),
      (42, ["json_error_position"]),
      (43, ["octet_length", "timediff"]),
      (44, ["concat", "concat_ws", "string_agg"]),
      (
        45,
        [
          "jsonb", "jsonb_array", "jsonb_extract", "jsonb_insert", "jsonb_object", "jsonb_patch",
          "jsonb_remove", "jsonb_replace", "jsonb_set", "jsonb_group_array", "jsonb_group_object",
        ]
      ),
      (46, ["json_pretty"]),
      (48, ["if"]),
      (50, ["unistr", "unistr_quote"]),
      (51, ["jsonb_each", "jsonb_tree"]),
    ]
    return Dictionary(
      uniqueKeysWithValues: releases.flatMap { release in release.names.map { ($0, release.minor) } })
  }()
}

/// A version of the SQLite library.
package struct SQLiteVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Major times a million, plus minor times a thousand, plus patch, as `sqlite3_libversion_number` gives it.
  package let number: Int

  package init(number: Int) { self.number = number }

  /// Reads `3.40.1`; what is missing counts as 0. Nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...3).contains(parts.count), parts.allSatisfy({ $0.map { (0..<1_000).contains($0) } ?? false })
    else {
      return nil
    }
    let numbers = parts.compactMap(\.self) + [0, 0]
    self.init(number: numbers[0] * 1_000_000 + numbers[1] * 1_000 + numbers[2])
  }

  /// The oldest that phasedb works with: DROP COLUMN and RETURNING came with 3.35
  /// (sqlite.org/releaselog/3_35_0.html).
  package static let oldest = SQLiteVersion(number: 3_035_000)

  package static func < (left: SQLiteVersion, right: SQLiteVersion) -> Bool { left.number < right.number }

  package var description: String {
    "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
  }
}
