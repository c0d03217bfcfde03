internal import PhaseSQLite

/// A lane as `phasedb.json` describes it.
package struct LaneSettings: Sendable, Hashable {
  /// How many jobs there are: SQL, or a program and its arguments.
  package enum Look: Sendable, Hashable {
    case query(String)
    case command([String])
  }

  package var kind: LaneKind?
  package var queue: String?
  /// The SQLite file of the queue; nil for the database that is migrated.
  package var database: String?
  package var claim: String?
  package var busy: Look?
  package var waiting: Look?
  package var hold: [String]?
  package var release: [String]?
  /// How long to wait once the lane is held, where nothing shows what is in flight.
  package var wait: Duration?
  /// The time after which a program is ended.
  package var timeout: Duration = .seconds(5)

  private enum Key: String, CodingKey, CaseIterable {
    case kind, queue, database, claim, busy, waiting, hold, release, wait, timeout
  }

  init(_ name: AnyKey, in container: KeyedDecodingContainer<AnyKey>) throws {
    let path = "lanes.\(name.stringValue)"
    let own = try container.object(
      name, of: Key.self, called: path, example: "{ \"kind\": \"oban-lite\" }")
    guard !name.stringValue.isEmpty, !name.stringValue.contains("\0"),
      !name.stringValue.contains(where: \.isNewline)
    else {
      throw MigrationError(
        .badSettings, "the name of a lane is empty or has more than one line",
        help: ["give it a name that a phase can write: @lane mail idle within 60s"])
    }
    if let text = try own.text(.kind, called: "\(path).kind") {
      guard let kind = LaneKind(rawValue: text) else {
        let error = LaneKind.unknown(text)
        throw MigrationError(.badSettings, "'\(path).kind': \(error.message)", help: error.help)
      }
      self.kind = kind
    }
    queue = try own.text(.queue, called: "\(path).queue")
    database = try own.text(.database, called: "\(path).database")
    claim = try own.text(.claim, called: "\(path).claim")
    busy = try Self.look(.busy, path, own)
    waiting = try Self.look(.waiting, path, own)
    if own.contains(.hold) { hold = try ProbeCommand.words(in: own, .hold, called: "\(path).hold") }
    if own.contains(.release) {
      release = try ProbeCommand.words(in: own, .release, called: "\(path).release")
    }
    wait = try Self.duration(.wait, path, own)
    timeout = try Self.duration(.timeout, path, own) ?? timeout
    if let claim {
      do throws(MigrationError) { _ = try LaneClaim(claim) } catch {
        throw MigrationError(.badSettings, "'\(path).claim': \(error.message)", help: error.help)
      }
    }
    try refuseWhatCannotBeHeld(path)
  }

  private func refuseWhatCannotBeHeld(_ path: String) throws(MigrationError) {
    let ways = [kind.map { _ in "kind" }, claim.map { _ in "claim" }, hold.map { _ in "hold" }].compactMap(
      \.self)
    guard (hold == nil) == (release == nil) else {
      throw MigrationError(
        .badSettings, "'\(path)' has one of hold and release, and not the other",
        help: ["name both: what is held must be let go again"])
    }
    guard !ways.isEmpty, claim == nil || ways == ["claim"] else {
      throw MigrationError(
        .badSettings,
        "'\(path)' \(ways.isEmpty ? "does not say how it is held" : "says in \(ways.count) ways how it is held")",
        help: ["name one of kind, claim, or hold and release"])
    }
    guard queue == nil || kind != nil else {
      throw MigrationError(
        .badSettings, "'\(path).queue' belongs to a kind",
        help: ["name the kind, or write the queue into claim, busy and waiting"])
    }
    if let kind, kind.claim(queue: queue) == nil, hold == nil {
      throw MigrationError(
        .badSettings, "'\(path)': \(kind.rawValue) cannot be held by a trigger: \(LaneKind.whyNot)",
        help: [LaneKind.instead])
    }
    guard busy != nil || wait != nil || kind?.queries(queue: queue).busy != nil else {
      throw MigrationError(
        .badSettings, "'\(path)' does not show what is in flight",
        help: [
          "write busy: a SELECT, or a program that prints a number",
          "or a fixed wait, longer than any job takes: \"wait\": \"30s\"",
        ])
    }
  }

  /// The same with paths from the settings' folder.
  func resolved(path: (String) -> String, program: ([String]) -> [String]) -> LaneSettings {
    var lane = self
    lane.database = database.map(path)
    lane.hold = hold.map(program)
    lane.release = release.map(program)
    if case .command(let words) = busy { lane.busy = .command(program(words)) }
    if case .command(let words) = waiting { lane.waiting = .command(program(words)) }
    return lane
  }

  private static func look(
    _ key: Key, _ path: String, _ own: KeyedDecodingContainer<Key>
  ) throws -> Look? {
    guard own.contains(key) else { return nil }
    if let text = try? own.decode(String.self, forKey: key) {
      guard Script(text, file: path) != nil, SQLSplitter.statements(in: text).count == 1 else {
        throw MigrationError(
          .badSettings, "'\(path).\(key.rawValue)' is not one SELECT",
          help: ["write one SELECT whose first column is the number of jobs"])
      }
      return .query(text)
    }
    return .command(try ProbeCommand.words(in: own, key, called: "\(path).\(key.rawValue)"))
  }

  private static func duration(
    _ key: Key, _ path: String, _ own: KeyedDecodingContainer<Key>
  ) throws -> Duration? {
    guard let text = try own.text(key, called: "\(path).\(key.rawValue)") else { return nil }
    guard let time = DurationText.parse(text), time > .zero else {
      throw MigrationError(
        .badSettings, "'\(path).\(key.rawValue)' is not a duration", help: ["write for example \"5s\""])
    }
    return time
  }
}
