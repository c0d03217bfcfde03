internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Where the migrations and the database are, from the command line, the environment and the settings.
struct Location {
  /// The folder of migrations.
  let migrations: String
  let settings: Settings
  private let invocation: Invocation
  private let environment: [String: String]

  /// The folder: `--migrations`, else what `phasedb.json` here says, else `migrations`. The settings stand in the
  /// folder itself, or here.
  ///
  /// - Throws: `bad-settings`, or what makes the settings unreadable.
  init(_ context: CommandContext) throws(MigrationError) {
    invocation = context.invocation
    environment = context.environment
    let name = "phasedb.json"
    if let folder = invocation.value(.migrations) {
      migrations = folder
      settings = try Settings.read(path: Location.joined(folder, name))
    } else if FileManager.default.fileExists(atPath: name) {
      settings = try Settings.read(path: name)
      migrations = settings.migrations ?? "migrations"
    } else {
      settings = try Settings.read(path: "migrations/" + name)
      migrations = settings.migrations ?? "migrations"
    }
  }

  static func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// The database: `--database`, else `PHASEDB_DATABASE`, else `DATABASE_URL`, else the settings.
  ///
  /// - Throws: `no-database` when nothing names one, or names one of another system.
  func database() throws(MigrationError) -> String {
    guard let path = try databaseIfNamed() else {
      throw MigrationError(
        .noDatabase, "no database is named",
        help: [
          "name it: --database FILE, or PHASEDB_DATABASE=FILE, or \"database\" in \(migrations)/phasedb.json"
        ])
    }
    return path
  }

  /// The same for a command that can do without; nil when nothing names one.
  func databaseIfNamed() throws(MigrationError) -> String? {
    let named =
      invocation.value(.database) ?? set("PHASEDB_DATABASE") ?? set("DATABASE_URL") ?? settings.database
    guard let named else { return nil }
    let path = try DatabaseAddress.path(named)
    Leftovers.remove(beside: path)
    return path
  }

  private func set(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A migrator on the database, with what the command line says about its surroundings.
  ///
  /// - Parameter needsFolder: false for a command that can do without migrations where nobody named a folder.
  func migrator(
    _ access: Migrator.Access, _ context: CommandContext, needsFolder: Bool = true
  ) throws(MigrationError) -> Migrator {
    let isNamed = invocation.has(.migrations) || settings.migrations != nil
    let isThere = FileManager.default.fileExists(atPath: migrations)
    let catalog = try needsFolder || isNamed || isThere ? Catalog(folder: migrations) : Catalog([])
    return try Migrator(
      database: try database(), catalog: catalog, access: access, options: try options(context))
  }

  /// How gently batches run: the command line goes before the settings.
  private var pacing: Pacing {
    var pacing = Pacing(throttle: settings.throttle, pauseFile: settings.pauseFile)
    pacing.hold = invocation.duration(.hold) ?? settings.hold ?? pacing.hold
    pacing.pause = invocation.duration(.pause) ?? settings.pause
    pacing.maximumRows = invocation.number(.maximumRows) ?? settings.maximumRows ?? pacing.maximumRows
    return pacing
  }

  /// What the command line says about the database's surroundings.
  func options(_ context: CommandContext) throws(MigrationError) -> Options {
    var live: [LiveVersion] = []
    for text in invocation.values(.live) { live.append(try LiveVersion(text)) }
    let overridden = invocation.choices(.override, of: Gate.self)
    let reason = invocation.value(.reason)
    guard overridden.isEmpty || reason != nil else {
      throw MigrationError(
        .reasonMissing, "--override needs a reason, which stays in the log",
        help: ["add --reason \"why \(overridden[0].rawValue) does not matter now\""])
    }
    // To rehearse, the file is where evidence goes, and not where it comes from.
    let file = invocation.verb == .rehearse ? nil : invocation.value(.evidence)
    return Options(
      wait: invocation.duration(.wait) ?? settings.wait ?? .seconds(30), live: live,
      forget: settings.forget ?? .seconds(600), overridden: Set(overridden),
      reason: overridden.isEmpty ? nil : reason, evidencePolicy: settings.evidence ?? .contract,
      evidence: try file.map { path throws(MigrationError) in try EvidenceFile.read(path) } ?? [],
      pacing: pacing, cancellation: context.cancellation)
  }
}

/// The spellings of a database's address.
enum DatabaseAddress {
  /// The path of the file that an address names.
  ///
  /// - Parameter address: a path, or `sqlite:PATH`, `sqlite://PATH`, `sqlite3://PATH` or `file:PATH`, with `%XX` for
  ///   characters that need it and without what follows a `?`. Three slashes begin an absolute path.
  /// - Throws: `no-database` for an address of another system, or without a path.
  static func path(_ address: String) throws(MigrationError) -> String {
    for scheme in ["sqlite3://", "sqlite://", "sqlite3:", "sqlite:", "file://", "file:"]
    where address.hasPrefix(scheme) {
      let encoded = address.dropFirst(scheme.count).prefix { $0 != "?" }
      let path = percentDecoded(encoded)
      guard !path.isEmpty, path != ":memory:" else { throw unusable(address, "it names no file") }
      return path
    }
    if let range = address.firstRange(of: "://") {
      throw unusable(address, "phasedb works on SQLite, and this is \(address[..<range.lowerBound])")
    }
    guard address != ":memory:" else { throw unusable(address, "it names no file") }
    return address
  }

  /// Each `%XX` made the byte it stands for; a `%` without two digits after it stands for itself.
  private static func percentDecoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let digits = String(rest.prefix(2)), digits.utf8.count == 2,
        let decoded = UInt8(digits, radix: 16)
      {
        bytes.append(decoded)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unusable(_ address: String, _ why: String) -> MigrationError {
    // An address may carry a password, so only what stands before it is shown.
    MigrationError(
      .noDatabase, "the database's address cannot be used: \(why)",
      help: ["write a path, or sqlite:PATH; --database goes before PHASEDB_DATABASE and DATABASE_URL"])
  }
}
