internal import PhaseDB

/// The address of a database, in any of its spellings.
struct DatabaseAddress {
  /// The path of the file.
  let path: String
  /// What `mode=` allows (sqlite.org/uri.html).
  let mode: Mode
  /// Parameters that SQLite does not know and other libraries may read; each as it was written.
  let unused: [String]

  enum Mode: String {
    case readOnly = "ro"
    case readWrite = "rw"
    case create = "rwc"
  }

  /// Reads an address.
  ///
  /// - Parameter address: a path, or `sqlite:PATH`, `sqlite://PATH`, `sqlite3://PATH` or `file:PATH`, with `%XX` for
  ///   bytes that need it and parameters behind a `?`. Three slashes begin an absolute path.
  /// - Throws: `no-database` for an address of another system, one without a path, and for features of SQLite that
  ///   phasedb does not support: parameters other than `mode`, another VFS.
  init(_ address: String) throws(MigrationError) {
    for scheme in ["sqlite3://", "sqlite://", "sqlite3:", "sqlite:", "file://", "file:"]
    where address.hasPrefix(scheme) {
      let parts = address.dropFirst(scheme.count).split(
        separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      if scheme.hasPrefix("file:"), address.contains("#") {
        throw Self.unusable("SQLite drops what follows a '#'; write %23 when it belongs to the name")
      }
      path = try Self.percentDecoded(parts[0])
      guard !path.isEmpty, path != ":memory:" else { throw Self.unusable("it names no file") }
      (mode, unused) = try Self.parameters(parts.count > 1 ? parts[1] : "")
      return
    }
    if let range = address.firstRange(of: "://") {
      throw Self.unusable("phasedb works on SQLite, and this is \(address[..<range.lowerBound])")
    }
    guard address != ":memory:" else { throw Self.unusable("it names no file") }
    guard !address.utf8.contains(0) else { throw Self.unusable(Self.hasNUL) }
    path = address
    mode = .create
    unused = []
  }

  /// Limits the access that a command asks for to what the address allows.
  ///
  /// - Throws: `database-read-only` when it would write.
  func allowing(_ access: Migrator.Access) throws(MigrationError) -> Migrator.Access {
    switch (access, mode) {
    case (.reading, _): return .reading
    case (_, .readOnly):
      throw MigrationError(
        .databaseReadOnly, "the database's address says mode=ro, and this command writes",
        help: ["name the database without mode=ro"])
    case (.creating, .readWrite): return .writing
    default: return access
    }
  }

  private static func parameters(_ query: Substring) throws(MigrationError) -> (Mode, [String]) {
    var mode = Mode.create
    var unused: [String] = []
    for part in query.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try percentDecoded(pair[0])
      let value = pair.count > 1 ? try percentDecoded(pair[1]) : ""
      switch (name, value) {
      case ("mode", _):
        guard let known = Mode(rawValue: value) else {
          throw unusable("mode=\(value) is not ro, rw or rwc")
        }
        mode = known
      // These parameters say what applies anyway.
      case ("cache", "private"), ("immutable", "0"), ("nolock", "0"): continue
      case ("cache", _), ("immutable", _), ("nolock", _), ("vfs", _), ("psow", _):
        throw unusable("phasedb does not open a database with \(name)=\(value)")
      default: unused.append(name)
      }
    }
    return (mode, unused)
  }

  /// Replaces each `%XX` by its byte; a `%` without two digits after it stays.
  private static func percentDecoded(_ text: Substring) throws(MigrationError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let digits = String(rest.prefix(2)), digits.utf8.count == 2,
        digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let decoded = UInt8(digits, radix: 16)
      {
        bytes.append(decoded)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { throw unusable(hasNUL) }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw unusable("its %XX do not decode to UTF-8")
    }
    return decoded
  }

  private static let hasNUL = "no path has a NUL character in it"

  private static func unusable(_ why: String) -> MigrationError {
    // An address may carry a password, so only what stands before it is shown.
    MigrationError(
      .noDatabase, "the database's address cannot be used: \(why)",
      help: ["write a path, or sqlite:PATH; --database goes before PHASEDB_DATABASE and DATABASE_URL"])
  }
}
