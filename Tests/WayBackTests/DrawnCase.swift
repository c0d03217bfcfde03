import Foundation
import PhaseDB
import TestDice

/// A database, one or two phases and an application that writes in between, all from one number.
struct DrawnCase {
  let seed: UInt64
  let tables: [DrawnTable]
  let script: [String]
  let phases: [DrawnPhase]
  let isBusy: Bool
  let isBatched: Bool
  private var dice: Dice

  /// The names of full-text indexes that triggers keep.
  let indexesOfWords: Set<String>
  /// Whether its SQL leaves something to chance, the clock or the order of rows.
  let isChancy: Bool

  /// Whether each way down is run on a second copy, too: what is said of chance has to hold whatever falls.
  private let isRepeated: Bool

  /// Half of all cases are sensible or wrong without chance.
  ///
  /// - Parameter hasOrnaments: whether tables may have constraints, references, triggers and indexes of words.
  init(seed: UInt64, hasOrnaments: Bool = true) {
    self.seed = seed
    var luck = Dice(seed: ~seed)
    let isChancy = luck.falls(50)
    isRepeated = luck.falls(30)
    var dice = Dice(seed: seed)
    var tables = (0...dice.below(2)).map { DrawnTable("t\($0)", isChancy: isChancy, &dice) }
    if hasOrnaments, luck.falls(40) {
      for index in tables.indices where luck.falls(60) {
        tables[index].ornament = Ornament(
          of: tables[index], beside: tables.enumerated().filter { $0.offset != index }.map(\.element), &luck)
      }
    }
    var script = ["CREATE TABLE audit (id INTEGER PRIMARY KEY, what);"]
    if isChancy {
      script = [
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, what, at DEFAULT (strftime('%f', 'now')));", Chance.view,
      ]
    }
    for table in tables {
      script.append(table.sql())
      script += table.attachments
      script += (0..<dice.below(7)).map { table.insert($0 + 1, &dice, "INSERT OR IGNORE") }
    }
    // Behind all rows, so that no trigger meets a table that is not there yet.
    let ornaments = tables.compactMap(\.ornament)
    script += ornaments.flatMap { $0.script + $0.attachments }
    indexesOfWords = Set(ornaments.compactMap(\.indexOfWords))
    (self.tables, self.script, self.isChancy) = (tables, script, isChancy)
    var phases = [DrawnPhase(tables, number: 1, &dice)]
    if dice.falls(35) { phases.append(DrawnPhase(phases[0].tables, number: 2, &dice)) }
    self.phases = phases
    isBusy = dice.falls(60)
    isBatched = dice.falls(60)
    self.dice = dice
  }

  struct Outcome {
    var complaints: [String] = []
    var words: [String: Int] = [:]
    /// Where less was said than came back.
    var wolves: [String] = []
    /// One that can be judged again, with something else said.
    var judged: [Judge] = []
    var wasRun = false
  }

  /// Up, traffic, what is said, and down, a phase at a time.
  ///
  /// - Parameter isSmall: whether phasedb may try the way down on a copy in memory before it says what it would do.
  func run(isSmall: Bool = true) throws -> Outcome {
    do {
      return try attempt(isSmall: isSmall)
    } catch {
      // Not even a word was said.
      return Outcome(complaints: ["\(error)", "reproduce with \(try keep([]))"])
    }
  }

  private func attempt(isSmall: Bool) throws -> Outcome {
    var outcome = Outcome()
    var dice = dice
    var options = Self.options
    if !isSmall { options.mostBytesCopied = 0 }
    let folder = try Folder()
    let path = folder.path + "/case.db"
    let shell = try Shell(path)
    for statement in script {
      // Rows may break a unique index that comes after them.
      do { try shell.run(statement) } catch  where statement.hasPrefix("CREATE UNIQUE") { return outcome }
    }
    /// Indexes of words that do not agree with their tables.
    func stale() -> Set<String> { indexesOfWords.filter { shell.isStale(indexOfWords: $0) } }
    let catalog = try Catalog(
      phases.enumerated().map { index, phase in
        try Migration(MigrationName("000\(index + 1)-change"), phases: [try phase.phase(batched: isBatched)])
      })
    func migrator() throws -> Migrator {
      try Migrator(database: path, catalog: catalog, options: options)
    }
    var looks = [try Look(shell)]
    var applied = 0
    for _ in phases {
      let words = stale()
      do {
        let up = try migrator()
        try up.run(try up.plan(.up(1)))
        applied += 1
        looks.append(try Look(shell))
        outcome.complaints += stale().subtracting(words).map { "up made \($0) disagree with its table" }
      } catch let error as MigrationError {
        // A drawn way up may break a constraint or its kind's promise; then nothing must have happened.
        if try Look(shell) != looks[applied] {
          outcome.complaints.append("up failed and left something behind: \(error)")
        }
        break
      }
    }
    guard applied > 0 else { return outcome }
    outcome.wasRun = true
    var luck = Dice(seed: seed &+ 0xA11)
    try shell.run("PRAGMA foreign_keys = ON")
    let traffic = try Traffic(to: shell, phases[applied - 1].tables, busy: isBusy, &dice, &luck)
    try shell.run("PRAGMA foreign_keys = OFF")
    // What is said of every phase before the first comes down holds as long as those above bring everything back.
    var early: [PhaseID: Reversal]? = applied > 1 ? try migrator().plan(.down(applied)).reversals : nil
    for number in (1...applied).reversed() {
      let written = try Look(shell)
      // The plan says what status and the library say.
      let way = try migrator()
      let plan = try way.plan(.down(1))
      let said = Self.said(plan.reversals, number)
      outcome.words[said.word.rawValue, default: 0] += 1
      func judge(_ run: () throws -> Void, _ shell: Shell, at place: String) throws -> Judge {
        var down: Look?
        var refusal: String?
        do {
          try run()
          down = try Look(shell)
        } catch let error as MigrationError {
          refusal = "\(error) \(error.details.prefix(2))"
          if try Look(shell) != written {
            outcome.complaints.append("down failed and left something behind: \(error)")
          }
        }
        let judge = Judge(
          before: looks[number - 1], up: looks[number], written: written, down: down, refusal: refusal,
          traffic: traffic.acts, said: said, isTried: isSmall, isLeftToChance: isLeftToChance,
          // It is asked of rows that somebody wrote.
          again: down == nil || written == looks[number] ? nil : try? lookAgain(place, phases[number - 1]))
        let place = "\(phases[number - 1].kind) of migration \(number)"
        outcome.complaints += judge.complaints.map { "\(place): \($0)" }
        if number < applied, let early {
          outcome.complaints += judge.saying(Self.said(early, number)).complaints.map {
            "\(place), before those above it came down: \($0)"
          }
        }
        outcome.judged.append(judge)
        return judge
      }
      if isLeftToChance, isRepeated {
        let copy = "\(path)-\(number)"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let other = try Migrator(database: copy, catalog: catalog, options: options)
        _ = try judge({ try other.run(plan) }, try Shell(copy), at: copy)
      }
      let words = stale()
      let last = try judge({ try way.run(plan) }, shell, at: path)
      outcome.complaints += stale().subtracting(words).map { "down made \($0) disagree with its table" }
      if last.isWolf { outcome.wolves.append("\(phases[number - 1].kind) of migration \(number): \(said)") }
      // Rows that a later way back loses or leaves are nobody's fault below it.
      guard let down = last.down else { break }
      if !last.losses(in: down).isEmpty { early = nil }
    }
    if try shell.rows("PRAGMA integrity_check") != [["ok"]] { outcome.complaints.append("integrity_check") }
    if !(outcome.complaints + outcome.wolves).isEmpty {
      let place = "reproduce with \(try keep(traffic.statements))"
      if !outcome.complaints.isEmpty { outcome.complaints.append(place) }
    }
    return outcome
  }

  /// Whether a second run may do something else.
  private var isLeftToChance: Bool {
    guard isChancy else { return false }
    let attachments = tables.flatMap { $0.attachments + ($0.ornament?.attachments ?? []) }
    return phases.contains(where: \.isChancy)
      || attachments.contains { Chance.isIn($0) || $0.contains("audit") }
      || tables.flatMap(\.columns).contains { Chance.isIn($0.rest) }
  }

  /// What its way up, run by SQLite alone on a copy, makes of what came back.
  private func lookAgain(_ path: String, _ phase: DrawnPhase) throws -> Look {
    let copy = "\(path)-again"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let shell = try Shell(copy)
    for statement in phase.up {
      try shell.run(statement.replacingOccurrences(of: "/*range*/", with: "1 = 1"))
    }
    return try Look(shell)
  }

  private static let options = Options(
    wait: .zero, live: [try? LiveVersion("app@1.5")].compactMap(\.self), mustBeRehearsed: [])

  private static func said(_ reversals: [PhaseID: Reversal], _ number: Int) -> Said {
    let name = "000\(number)-change/"
    guard let reversal = reversals.first(where: { $0.key.description.hasPrefix(name) })?.value else {
      return Said(word: .unknown, why: ["nothing was said"])
    }
    return Said(reversal)
  }

  /// Writes what repeats the case by hand.
  private func keep(_ writes: [String]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("phasedb-way-back-\(seed)")
    var files: [String: String] = [
      "before.sql": script.joined(separator: "\n") + "\n",
      "writes.sql": writes.joined(separator: "\n") + "\n",
      "m/phasedb.json": #"{ "evidence": "none" }"#,
    ]
    for (index, phase) in phases.enumerated() {
      files["m/000\(index + 1)-change/\(phase.kind.rawValue).sql"] = phase.text(batched: isBatched)
    }
    files["run"] = """
      # usage: PHASEDB=phasedb sh run
      rm -f case.db; sqlite3 case.db < before.sql
      ${PHASEDB:-phasedb} up -q -m m -d case.db --live app@1.5
      sqlite3 case.db < writes.sql; sqlite3 case.db .dump | grep -v phasedb_
      ${PHASEDB:-phasedb} plan down -m m -d case.db
      ${PHASEDB:-phasedb} down -q --all -m m -d case.db; sqlite3 case.db .dump | grep -v phasedb_

      """
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return folder.path
  }
}

extension Said {
  /// What phasedb's word is.
  init(_ reversal: Reversal) {
    let rows = (reversal.lost + reversal.uncertain).map { "\($0)" }
    self.init(
      word: Said.Word(rawValue: reversal.word.rawValue) ?? .unknown,
      why: rows + reversal.obstacles.map(\.reason.raw))
  }
}

/// A folder that is gone when it goes out of scope, in memory where the system has a file system there.
final class Folder {
  let path: String

  init() throws {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.path
    path = "\(parent)/phasedb-way-back-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
