internal import PhaseSQL
package import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What `phasedb.json` sets. The file is JSON5 (json5.org), so it may have comments.
package struct Settings: Sendable, Hashable {
  /// The database, unless the command line or the environment names one.
  package var database: String?
  /// The folder of the migrations.
  package var migrations: String?
  /// How long to wait for another runner or writer.
  package var wait: Duration?
  /// How long a check-in counts when it is not repeated.
  package var forget: Duration?
  /// The oldest SQLite that must be able to run the migrations.
  package var sqlite: Version?
  /// How long a batch should hold the write lock.
  package var hold: Duration?
  /// The least time between two batches.
  package var pause: Duration?
  /// The most rows of a batch.
  package var maximumRows: Int?
  /// A SELECT; no batch starts while it returns a row.
  package var throttle: Script?
  /// No batch begins while this file exists.
  package var pauseFile: String?

  /// Which phases must have been rehearsed.
  package var evidence: EvidencePolicy?
  /// The probes that phases may name.
  package var probes: [String: ProbeCommand]
  /// A command that gets each change of a verdict as JSON on its standard input.
  package var onWatch: [String]?
  /// While there is such a file, no watch reverses.
  package var freezeFile: String?
  /// The lanes that phases may name.
  package var lanes: [String: LaneSettings]
  /// How long a way down waits after it closed a switch.
  package var switchSettle: Duration?
  /// The folder for lists of what phases caused.
  package var effectsFolder: String?
  /// Functions that only the application has.
  package var functions: [FunctionStub] = []
  /// Names of tables, or patterns, that are outside the schema.
  package var ignoreTables: [String] = []
  /// What databases in memory must know of the application.
  package var scratchTerms: ScratchTerms {
    ScratchTerms(functions: functions, ignored: NamePatterns(ignoreTables))
  }
  /// What a report must prove, and how old its evidence may be.
  package var report = ReportSettings()

  package init(
    database: String? = nil, migrations: String? = nil, wait: Duration? = nil, forget: Duration? = nil,
    sqlite: Version? = nil, hold: Duration? = nil, pause: Duration? = nil, maximumRows: Int? = nil,
    throttle: Script? = nil, pauseFile: String? = nil, evidence: EvidencePolicy? = nil,
    probes: [String: ProbeCommand] = [:], onWatch: [String]? = nil, freezeFile: String? = nil,
    lanes: [String: LaneSettings] = [:],
    switchSettle: Duration? = nil,
    effectsFolder: String? = nil
  ) {
    self.effectsFolder = effectsFolder
    (self.probes, self.onWatch, self.freezeFile) = (probes, onWatch, freezeFile)
    self.lanes = lanes
    self.switchSettle = switchSettle
    self.hold = hold
    self.pause = pause
    self.maximumRows = maximumRows
    self.throttle = throttle
    self.pauseFile = pauseFile
    self.evidence = evidence
    self.forget = forget
    self.sqlite = sqlite
    self.database = database
    self.migrations = migrations
    self.wait = wait
  }

  /// Reads settings. Without a file, nothing is set.
  ///
  /// - Parameter path: the file. A relative path in it starts from the file's folder.
  /// - Throws: `bad-settings` with the key or the place, or what makes the file unreadable.
  package static func read(path: String) throws(MigrationError) -> Settings {
    guard FileReading.exists(path) else { return Settings() }
    let text = PhaseSource(try TextFile.read(path), file: path)
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    do {
      try SettingsKeys(text).refuseDuplicates()
      let decoded = try decoder.decode(SettingsFile.self, from: Data(text.bytes))
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      var settings = Settings(
        database: decoded.database.map { PathInSettings.resolve($0, from: folder) },
        migrations: decoded.migrations.map { PathInSettings.resolve($0, from: folder) }, wait: decoded.wait,
        forget: decoded.forget, sqlite: decoded.sqlite, hold: decoded.hold, pause: decoded.pause,
        maximumRows: decoded.maximumRows,
        throttle: try decoded.throttle.map { try PathInSettings.query($0, file: path) },
        pauseFile: decoded.pauseFile.map { PathInSettings.resolve($0, from: folder) },
        evidence: decoded.evidence,
        probes: decoded.probes.mapValues { probe in
          var probe = probe
          probe.command = PathInSettings.program(probe.command, from: folder)
          return probe
        }, onWatch: decoded.onWatch.map { PathInSettings.program($0, from: folder) },
        freezeFile: decoded.freezeFile.map { PathInSettings.resolve($0, from: folder) },
        lanes: decoded.lanes.mapValues { lane in
          lane.resolved(
            path: { PathInSettings.resolve($0, from: folder) },
            program: { PathInSettings.program($0, from: folder) })
        },
        switchSettle: decoded.switchSettle,
        effectsFolder: decoded.effectsFolder.map { PathInSettings.resolve($0, from: folder) })
      settings.functions = decoded.functions
      settings.ignoreTables = decoded.ignoreTables
      settings.report = decoded.report
      return settings
    } catch let error as MigrationError {
      if error.place != nil { throw error }
      throw MigrationError(error.id, "\(path): \(error.message)", help: error.help)
    } catch DecodingError.dataCorrupted {
      // The decoder of FoundationEssentials does not tell the position.
      throw MigrationError(
        .badSettings, "\(path) is not JSON5",
        help: ["quote texts, separate members with commas and close every brace; comments are allowed"])
    } catch {
      throw MigrationError(
        .badSettings, "\(path): the outermost value is not an object",
        help: ["write { database: \"app.db\" }"])
    }
  }

  // MARK: - What the page Settings says

  /// One key as the page Settings describes it.
  package struct Key: Sendable {
    package let name: String
    package let value: String
    package let standard: String
    package let meaning: String
  }

  /// Every key, in the order of the page.
  package static var keys: [Key] {
    SettingsKey.allCases.map {
      Key(
        name: $0.rawValue, value: $0.description.value, standard: $0.description.standard,
        meaning: $0.description.meaning)
    }
  }
}

private enum PathInSettings {
  /// The throttle query, one statement.
  static func query(_ text: String, file: String) throws -> Script {
    guard let script = Script(text, file: "\(file), throttle"), SQLSplitter.statements(in: text).count == 1
    else {
      throw MigrationError(
        .badSettings, "'throttle' is not one SELECT",
        help: ["write one SELECT that returns a row while batches should wait"])
    }
    return script
  }

  /// A program with a slash in its name is looked up from the settings' folder, any other through PATH.
  static func program(_ words: [String], from folder: String) -> [String] {
    guard words[0].contains("/"), !words[0].hasPrefix("/") else { return words }
    return [folder.isEmpty ? "./" + words[0] : folder + words[0]] + words.dropFirst()
  }

  /// Puts the settings' folder before a relative path, behind the scheme where a database has one.
  static func resolve(_ path: String, from folder: String) -> String {
    let scheme =
      ["sqlite3://", "sqlite://", "file://", "sqlite3:", "sqlite:", "file:"].first { path.hasPrefix($0) }
      ?? ""
    let rest = path.dropFirst(scheme.count)
    guard !rest.hasPrefix("/"), !rest.hasPrefix(":memory:"), !rest.isEmpty else { return path }
    guard !scheme.isEmpty else { return folder + path }
    // In an address with a scheme these characters have a meaning of their own.
    let marks: [Character: String] = ["%": "%25", "?": "%3F", "#": "%23"]
    return scheme + folder.map { marks[$0] ?? String($0) }.joined() + rest
  }
}
