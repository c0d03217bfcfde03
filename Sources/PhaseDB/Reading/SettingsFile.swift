internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The keys of the file.
enum SettingsKey: String, CaseIterable, CodingKey {
  case database, migrations, wait, forget, evidence, sqlite, hold, pause
  case maximumRows = "maxBatch"
  case throttle, pauseFile, probes, onWatch, freezeFile, lanes, switchSettle, effectsFolder, functions
  case ignoreTables, report

  /// What the page Settings says about it: its value, its default and its meaning.
  var description: (value: String, standard: String, meaning: String) {
    switch self {
    case .database:
      ("path or address", "none", "the database, where neither an option nor the environment names one")
    case .migrations: ("path", "`migrations`", "the folder of migrations")
    case .wait: ("duration", "`30s`", "how long to wait for another runner or writer")
    case .forget: ("duration", "`10m`", "how long a check-in counts when it is not repeated")
    case .evidence:
      ("`none`, `contract`, `every`", "`contract`", "which phases must be rehearsed before they go up")
    case .sqlite:
      ("version", "none", "the oldest SQLite that must be able to run the migrations; lint checks it")
    case .hold: ("duration", "`10ms`", "how long a batch should hold the write lock")
    case .pause:
      (
        "duration", "`2ms`, or `1ms` while no other connection writes",
        "the shortest rest between two batches"
      )
    case .maximumRows: ("whole number from 1", "`100000`", "the most rows in a batch")
    case .throttle: ("one SELECT", "none", "no batch starts while it returns a row")
    case .pauseFile: ("path", "none", "no batch starts while this file exists")
    case .probes:
      (
        "an object for each name", "none",
        "commands that a phase's `@probe` may name: `command`, an array of the program and its arguments, run without a shell; `timeout`, `5s` unless set; `number`, true when the last line it prints is a number"
      )
    case .onWatch:
      (
        "array of texts", "none",
        "a program and its arguments, which gets each verdict of a watch as JSON on its standard input"
      )
    case .freezeFile: ("path", "none", "no watch reverses anything while this file exists")
    case .lanes:
      (
        "an object for each name", "none",
        "the queues that a phase's `@lane` may name: `kind` and `queue`, or `claim`, `busy` and `waiting` as SQL, or `hold`, `release`, `busy` and `waiting` as programs with their arguments; `database`, `wait` and `timeout`; <doc:Lanes>"
      )
    case .switchSettle:
      (
        "duration", "`10s`",
        "how long a way down waits after it closed a switch; longer than replicas lag behind"
      )
    case .effectsFolder:
      (
        "path", "that of the database",
        "the folder for lists of what phases with `@effects` caused before they came down"
      )
    case .functions:
      (
        "array of texts", "none",
        "functions that only the application has, as in `['regexp', 'normalize/2']`: lint, compat and rehearsals get stubs for them; <doc:WritingMigrations>"
      )
    case .ignoreTables:
      (
        "array of texts", "none",
        "names of tables that are outside the schema, or patterns with `*`, `?` and `[a-z]`: nothing compares them, and phases leave them alone"
      )
    case .report:
      (
        "an object", "`{ require: [1, 2, 5], maxAge: '30d' }`",
        "which of the eight questions `report --check` wants proved, and after which time evidence proves nothing any more; <doc:Report>"
      )
    }
  }
}

extension FunctionStub {
  fileprivate static func list<Key: CodingKey>(
    _ container: KeyedDecodingContainer<Key>, _ key: Key
  ) throws -> [FunctionStub] {
    guard let texts = try? container.decode([String].self, forKey: key) else {
      throw MigrationError(
        .badSettings, "'functions' is not an array of texts",
        help: ["write \"functions\": [\"regexp\", \"normalize/2\"]"])
    }
    return try texts.map { text throws(MigrationError) in try FunctionStub(setting: text) }
  }

  /// - Parameter text: a name, and how many arguments the function takes unless it takes any number: `normalize/2`.
  private init(setting text: String) throws(MigrationError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    let count = parts.count < 2 ? -1 : Int(parts[1]) ?? -2
    guard !name.isEmpty, name.utf8.count <= 255, !name.utf8.contains(0), (-1...127).contains(count),
      parts.count < 2 || count >= 0
    else {
      throw MigrationError(
        .badSettings, "'functions' has \"\(text)\", which is not a function",
        help: ["write its name, and how many arguments it takes if that is fixed: \"normalize/2\""])
    }
    guard !name.asciiLowercased.hasPrefix("phasedb_"), !FunctionList.ofLibrary.allows(name) else {
      throw MigrationError(
        .badSettings, "'functions' has \"\(text)\", which SQLite or phasedb has itself",
        help: ["remove it: a stub would give wrong values in its place"])
    }
    guard !FunctionList.harmful.contains(name.asciiLowercased) else {
      throw MigrationError(
        .badSettings, "'functions' has \"\(text)\", which reaches out of the database",
        help: ["remove it: no phase and no query may call it"])
    }
    self.init(name, argumentCount: count)
  }
}

/// The file as it is written.
struct SettingsFile: Decodable {
  var database: String?
  var migrations: String?
  var wait: Duration?
  var forget: Duration?
  var sqlite: Version?
  var hold: Duration?
  var pause: Duration?
  var maximumRows: Int?
  var throttle: String?
  var pauseFile: String?
  var evidence: EvidencePolicy?
  var probes: [String: ProbeCommand] = [:]
  var onWatch: [String]?
  var freezeFile: String?
  var lanes: [String: LaneSettings] = [:]
  var switchSettle: Duration?
  var effectsFolder: String?
  var functions: [FunctionStub] = []
  var ignoreTables: [String] = []
  var report = ReportSettings()

  init(from decoder: any Decoder) throws {
    let all = try decoder.container(keyedBy: AnyKey.self)
    try all.refuseUnknown(SettingsKey.self)
    let container = try decoder.container(keyedBy: SettingsKey.self)
    database = try container.text(.database, called: "database", as: "the path of a database")
    migrations = try container.text(.migrations, called: "migrations", as: "the path of a folder")
    wait = try Self.duration(.wait, for: "30s", container)
    forget = try Self.duration(.forget, for: "10m", container)
    switchSettle = try Self.duration(.switchSettle, for: "10s", container)
    hold = try Self.duration(.hold, for: "10ms", container)
    pause = try Self.duration(.pause, for: "2ms", container)
    throttle = try container.text(.throttle, called: "throttle", as: "a SELECT")
    pauseFile = try container.text(.pauseFile, called: "pauseFile", as: "the path of a file")
    maximumRows = try Self.number(.maximumRows, container)
    if let text = try container.text(.sqlite, called: "sqlite", as: "a version such as \"3.35\"") {
      guard let version = try? Version(text) else {
        throw MigrationError(
          .badSettings, "'sqlite' is \"\(text)\", which is not a version",
          help: ["write for example \"3.40.1\""])
      }
      sqlite = version
    }
    let words = EvidencePolicy.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    if let text = try container.text(.evidence, called: "evidence", as: "one of \(words)") {
      guard let policy = EvidencePolicy(rawValue: text) else {
        throw MigrationError(
          .badSettings, "'evidence' is \"\(text)\", which is not one of the policies",
          help: ["write one of \(words)"])
      }
      evidence = policy
    }
    freezeFile = try container.text(.freezeFile, called: "freezeFile", as: "the path of a file")
    effectsFolder = try container.text(.effectsFolder, called: "effectsFolder", as: "the path of a folder")
    if container.contains(.ignoreTables) {
      guard let names = try? container.decode([String].self, forKey: .ignoreTables),
        names.allSatisfy({ !$0.isEmpty && $0.contains { $0 != "*" } })
      else {
        throw MigrationError(
          .badSettings, "'ignoreTables' is not an array of names",
          help: ["write [\"sessions\", \"cache_*\"]; a pattern of stars alone would leave out every table"])
      }
      ignoreTables = names
    }
    if container.contains(.onWatch) {
      onWatch = try ProbeCommand.words(in: container, .onWatch, called: "onWatch")
    }
    if container.contains(.functions) { functions = try FunctionStub.list(container, .functions) }
    if let key = all.allKeys.first(where: { $0.stringValue == SettingsKey.report.rawValue }) {
      report = try ReportSettings(key, in: all)
    }
    if container.contains(.probes) { probes = try Self.probes(container) }
    if container.contains(.lanes) {
      guard let all = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: .lanes) else {
        throw MigrationError(
          .badSettings, "'lanes' is not an object",
          help: ["write \"lanes\": { \"mail\": { \"kind\": \"solid-queue\", \"queue\": \"mailers\" } }"])
      }
      for key in all.allKeys { lanes[key.stringValue] = try LaneSettings(key, in: all) }
      // Each lane has a trigger of its name, and SQLite ignores upper and lower case in names.
      let twins = Dictionary(grouping: lanes.keys, by: { LaneTrigger.name(of: $0).folded }).values
      if let names = twins.first(where: { $0.count > 1 })?.sorted() {
        throw MigrationError(
          .badSettings, "'lanes.\(names[0])' and 'lanes.\(names[1])' differ only in case",
          help: ["give one of them another name"])
      }
    }
  }

  private static func probes(
    _ container: KeyedDecodingContainer<SettingsKey>
  ) throws -> [String: ProbeCommand] {
    guard let all = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: .probes) else {
      throw MigrationError(
        .badSettings, "'probes' is not an object",
        help: ["write \"probes\": { \"checkout\": { \"command\": [\"bin/checkout-probe\"] } }"])
    }
    var probes: [String: ProbeCommand] = [:]
    for key in all.allKeys { probes[key.stringValue] = try ProbeCommand(key, in: all) }
    return probes
  }

  private static func duration(
    _ key: SettingsKey, for example: String, _ container: KeyedDecodingContainer<SettingsKey>
  ) throws -> Duration? {
    guard let text = try container.text(key, called: key.rawValue, as: "a duration such as \"\(example)\"")
    else { return nil }
    guard let duration = DurationText.parse(text) else {
      throw MigrationError(
        .badSettings, "'\(key.rawValue)' is \"\(text)\", which is not a duration",
        help: ["write a number and one of ms, s, m, h, d, for example \"\(example)\""])
    }
    return duration
  }

  private static func number(
    _ key: SettingsKey, _ container: KeyedDecodingContainer<SettingsKey>
  ) throws -> Int? {
    guard container.contains(key) else { return nil }
    guard let number = try? container.decode(Int.self, forKey: key), number > 0 else {
      throw MigrationError(
        .badSettings, "'\(key.rawValue)' is not a whole number from 1",
        help: ["write a number without quotes, or remove the key"])
    }
    return number
  }
}

extension KeyedDecodingContainer {
  /// A text that is not empty; nil where the key is left out.
  ///
  /// - Parameters:
  ///   - name: what an error calls the key, with the keys above it.
  ///   - meaning: what it should be: `the path of a file`.
  func text(_ key: Key, called name: String, as meaning: String = "a text") throws -> String? {
    guard contains(key) else { return nil }
    guard let text = try? decode(String.self, forKey: key), !text.isEmpty else {
      throw MigrationError(
        .badSettings, "'\(name)' is not \(meaning)", help: ["write a text in quotes, or remove the key"])
    }
    return text
  }
}

extension KeyedDecodingContainer<AnyKey> {
  /// The object of a key, which may have these keys of its own.
  ///
  /// - Parameters:
  ///   - name: what an error calls it, with the keys above it.
  ///   - example: what may be written instead of something that is no object.
  func object<Own: CodingKey & CaseIterable & RawRepresentable<String>>(
    _ key: AnyKey, of _: Own.Type, called name: String, example: Prose
  ) throws(MigrationError) -> KeyedDecodingContainer<Own> {
    guard let all = try? nestedContainer(keyedBy: AnyKey.self, forKey: key),
      let own = try? nestedContainer(keyedBy: Own.self, forKey: key)
    else { throw MigrationError(.badSettings, "'\(name)' is not an object", help: ["write \(example)"]) }
    try all.refuseUnknown(Own.self, below: name + ".")
    return own
  }

  /// Refuses a key that is none of these.
  fileprivate func refuseUnknown<Own: CodingKey & CaseIterable & RawRepresentable<String>>(
    _: Own.Type, below path: String = ""
  ) throws(MigrationError) {
    let known = Own.allCases.map(\.rawValue)
    for key in allKeys.map(\.stringValue).sorted() where !known.contains(key) {
      let nearest: Prose? = Suggestion.nearest(to: key, in: known).map { "did you mean '\($0)'?" }
      throw MigrationError(
        .badSettings, "unknown key '\(path)\(key)'",
        help: [nearest, "the keys are \(known.joined(separator: ", "))"].compactMap(\.self))
    }
  }
}

struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
