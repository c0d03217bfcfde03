import Foundation
import PhaseDB
import TestDice

/// A drawn case on a database file: up, an application that writes, what is said, and down, a phase at a time; in a wild case
/// perhaps all of it again.
final class CaseRun {
  private let drawn: DrawnCase
  private let isSmall: Bool
  private let folder: Folder
  private let path: String
  private let shell: Shell
  private let catalog: Catalog
  private let options: Options
  private var outcome = Outcome()
  private var wild: Dice?
  private var history: [Event] = []
  private var round = 1
  /// Whether it was said that a way back gives rows something else.
  private var isClouded = false

  struct Outcome {
    var complaints: [String] = []
    var words: [String: Int] = [:]
    /// Where less was said than came back.
    var wolves: [String] = []
    /// One that can be judged again, with something else said.
    var judged: [Judge] = []
    var wasRun = false
  }

  /// What happened to the database, in order.
  private enum Event {
    case up(Int)
    case writes([String])
    case down
  }

  /// A phase that went up.
  private struct Step {
    let before: Look
    let up: Look
    /// How much of the traffic came before it.
    let acts: Int
  }

  /// - Parameter isSmall: whether phasedb may try the way down on a copy in memory before it says what it would do.
  /// Runs a case, and writes what repeats it by hand.
  ///
  /// - Returns: the folder.
  static func kept(_ drawn: DrawnCase) throws -> String {
    let run = try CaseRun(drawn, isSmall: true)
    try run.attempt()
    return try run.keep()
  }

  static func outcome(of drawn: DrawnCase, isSmall: Bool = true) throws -> Outcome {
    let run = try CaseRun(drawn, isSmall: isSmall)
    do {
      try run.attempt()
    } catch {
      // Not even a word was said.
      run.outcome.complaints.append("\(error)")
    }
    if !(run.outcome.complaints + run.outcome.wolves).isEmpty {
      let place = "reproduce with \(try run.keep())"
      if !run.outcome.complaints.isEmpty { run.outcome.complaints.append(place) }
    }
    return run.outcome
  }

  private init(_ drawn: DrawnCase, isSmall: Bool) throws {
    (self.drawn, self.isSmall, wild) = (drawn, isSmall, drawn.wild)
    folder = try Folder()
    path = folder.path + "/case.db"
    shell = try Shell(path)
    catalog = try Catalog(
      drawn.phases.enumerated().map { index, phase in
        try Migration(
          MigrationName("000\(index + 1)-change"), phases: [try phase.phase(batched: drawn.isBatched)])
      })
    var options = Options(
      wait: .zero, live: [try? LiveVersion("app@1.5")].compactMap(\.self), mustBeRehearsed: [])
    if !isSmall { options.mostBytesCopied = 0 }
    // Every trial is undone with its whole transaction.
    if drawn.isInWALMode { options.mostBytesUndone = -1 }
    self.options = options
  }

  private func migrator() throws -> Migrator {
    try Migrator(database: path, catalog: catalog, options: options)
  }

  private func attempt() throws {
    if drawn.isInWALMode { try shell.run("PRAGMA journal_mode = WAL") }
    try shell.run("BEGIN")
    for statement in drawn.script where !statement.hasPrefix("PRAGMA") {
      // Rows may break a unique index that comes after them.
      do { try shell.run(statement) } catch  where statement.hasPrefix("CREATE UNIQUE") { return }
    }
    try shell.run("COMMIT")
    var dice = drawn.dice
    var luck = Dice(seed: drawn.seed &+ 0xA11)
    /// The time before, as far as every phase came down from what it had made.
    var quiet: [Step] = []
    repeat {
      var traffic = Traffic()
      let steps = try goUp(&traffic)
      // What takes some of the rows may take others once they lie in another order.
      let goesByOrder = drawn.phases.flatMap(\.up).contains { up in
        ["LIMIT", "GROUP BY", "rowid"].contains { up.contains($0) }
      }
      if !drawn.isLeftToChance, !goesByOrder {
        for (first, again) in zip(quiet, steps) where first.before == again.before && first.up != again.up {
          outcome.complaints.append("the next time up, it made something else of the same rows")
        }
      }
      guard !steps.isEmpty else { break }
      outcome.wasRun = true
      let tables = drawn.phases[steps.count - 1].tables
      if round == 1 {
        try write(&traffic) { shell, traffic in
          try traffic.go(on: shell, tables, busy: drawn.isBusy, &dice, &luck)
        }
      }
      if wildFalls(round == 1 ? 50 : 80) {
        try write(&traffic) { shell, traffic in try traffic.goWild(on: shell, tables, &wild) }
      }
      let count = outcome.judged.count
      guard try comeDown(steps, traffic) else { break }
      quiet = outcome.judged[count...].allSatisfy(\.isQuiet) ? steps : []
      round += 1
    } while round <= 3 && wildFalls(30)
    if try shell.rows("PRAGMA integrity_check") != [["ok"]] { outcome.complaints.append("integrity_check") }
  }

  private func wildFalls(_ percent: UInt64) -> Bool { wild?.falls(percent) ?? false }

  /// What an application does on a connection of its own, while foreign keys are enforced.
  private func write(_ traffic: inout Traffic, _ body: (Shell, inout Traffic) throws -> Void) throws {
    let known = traffic.statements.count
    let shell = try Shell(path)
    try shell.run("PRAGMA foreign_keys = ON")
    try body(shell, &traffic)
    history.append(.writes(Array(traffic.statements[known...])))
  }

  private func goUp(_ traffic: inout Traffic) throws -> [Step] {
    var steps: [Step] = []
    for (index, phase) in drawn.phases.enumerated() {
      let (words, before) = (try stale(), try Look(shell))
      do {
        let up = try migrator()
        try up.run(try up.plan(.up(1)))
      } catch let error as MigrationError {
        // A drawn way up may break a constraint or its kind's promise; then nothing must have happened.
        if try Look(shell) != before {
          outcome.complaints.append("up failed and left something behind: \(error)")
        }
        break
      }
      history.append(.up(index))
      steps.append(Step(before: before, up: try Look(shell), acts: traffic.acts.count))
      outcome.complaints += try stale().subtracting(words).map { "up made \($0) disagree with its table" }
      if index < drawn.phases.count - 1, wildFalls(40) {
        try write(&traffic) { shell, traffic in try traffic.goWild(on: shell, phase.tables, &wild) }
      }
    }
    return steps
  }

  /// - Returns: whether everything came down.
  private func comeDown(_ steps: [Step], _ traffic: Traffic) throws -> Bool {
    let applied = steps.count
    // What is said of every phase before the first comes down holds as long as those above bring everything back.
    var early: [PhaseID: Reversal]? = applied > 1 ? try migrator().plan(.down(applied)).reversals : nil
    for (number, step) in zip(1..., steps).reversed() {
      let phase = drawn.phases[number - 1]
      let written = try Look(shell)
      // The plan says what status and the library say.
      let way = try migrator()
      let unasked = isSmall || drawn.isLeftToChance ? nil : try copy(of: path, named: "asked")
      let plan = try way.plan(.down(1))
      let said = Self.said(plan.reversals, number)
      outcome.words[said.word.rawValue, default: 0] += 1
      // It is asked of rows that somebody wrote.
      let bare =
        written == step.up || phase.kind != .contract ? nil : try? look(after: phase.down, onACopyOf: path)
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
          before: step.before, up: step.up, written: written, down: down, refusal: refusal,
          traffic: Array(traffic.acts[step.acts...]), said: said, isTried: isSmall,
          isLeftToChance: drawn.isLeftToChance, isRetired: phase.retirement != nil, isClouded: isClouded,
          again: down == nil || written == step.up ? nil : try? look(after: phase.up, onACopyOf: place),
          bare: bare)
        let place = "\(phase.kind) of migration \(number)"
        outcome.complaints += judge.complaints.map { "\(place): \($0)" }
        if number < applied, let early {
          outcome.complaints += judge.saying(Self.said(early, number)).complaints.map {
            "\(place), before those above it came down: \($0)"
          }
        }
        outcome.judged.append(judge)
        return judge
      }
      if drawn.isLeftToChance, drawn.isRepeated {
        let copy = try copy(of: path, named: "\(number)")
        let other = try Migrator(database: copy, catalog: catalog, options: options)
        _ = try judge({ try other.run(plan) }, try Shell(copy), at: copy)
      }
      let asked = try unasked.map { try look(afterRunning: plan, on: $0) }
      let words = try stale()
      let last = try judge({ try way.run(plan) }, shell, at: path)
      if let asked, asked != last.down {
        outcome.complaints.append(
          "\(phase.kind) of migration \(number): asked again, what the plan found out was something else")
      }
      history.append(.down)
      outcome.complaints += try stale().subtracting(words).map { "down made \($0) disagree with its table" }
      // A row that an earlier way down took away comes back with the next way up, and goes again.
      if last.isWolf, round == 1 || !isClouded {
        outcome.wolves.append("\(phase.kind) of migration \(number): \(said)")
      }
      // Rows that a later way back loses or leaves are nobody's fault below it.
      guard let down = last.down else { return false }
      if !last.losses(in: down).isEmpty { early = nil }
      if said.word == .uncertain || said.word == .lossy { isClouded = true }
    }
    return true
  }

  /// Indexes of words that do not agree with their tables.
  private func stale() throws -> Set<String> {
    guard !drawn.indexesOfWords.isEmpty else { return [] }
    // Of its own, because a check that fails may leave a lock to its connection.
    let shell = try Shell(path)
    return drawn.indexesOfWords.filter { shell.isStale(indexOfWords: $0) }
  }

  /// What statements of a phase leave when SQLite alone runs them, on a copy.
  private func look(after statements: [String], onACopyOf path: String) throws -> Look {
    let shell = try Shell(copy(of: path, named: "alone"))
    for statement in statements {
      try shell.run(statement.replacingOccurrences(of: "/*range*/", with: "1 = 1"))
    }
    return try Look(shell)
  }

  /// What a plan leaves on a copy, where another connection runs it, which asks everything again that the plan has found
  /// out; nil when it is refused.
  private func look(afterRunning plan: Plan, on copy: String) throws -> Look? {
    do {
      try Migrator(database: copy, catalog: catalog, options: options).run(plan)
    } catch {
      return nil
    }
    return try Look(Shell(copy))
  }

  private func copy(of path: String, named name: String) throws -> String {
    let copy = "\(path)-\(name)"
    for part in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + part) }
    if drawn.isInWALMode { try Shell(path).run("PRAGMA wal_checkpoint(TRUNCATE)") }
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    return copy
  }

  private static func said(_ reversals: [PhaseID: Reversal], _ number: Int) -> Said {
    let name = "000\(number)-change/"
    guard let reversal = reversals.first(where: { $0.key.description.hasPrefix(name) })?.value else {
      return Said(word: .unknown, why: ["nothing was said"])
    }
    return Said(reversal)
  }

  /// Writes what repeats the case by hand.
  private func keep() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "phasedb-way-back-\(drawn.seed)\(drawn.isBatched ? "-batches" : "")")
    var files: [String: String] = [
      "before.sql": drawn.script.joined(separator: "\n") + "\n",
      "m/phasedb.json": #"{ "evidence": "none" }"#,
    ]
    let names = drawn.phases.enumerated().map { "000\($0.offset + 1)-change/\($0.element.kind.rawValue)" }
    for (name, phase) in zip(names, drawn.phases) {
      files["m/\(name).sql"] = phase.text(batched: drawn.isBatched)
    }
    var lines = ["# usage: PHASEDB=phasedb sh run", "rm -f case.db; sqlite3 case.db < before.sql"]
    for (number, event) in history.enumerated() {
      switch event {
      case .up(let index):
        lines.append("${PHASEDB:-phasedb} up -q -m m -d case.db --live app@1.5 --to \(names[index])")
      case .writes([]): continue
      case .writes(let statements):
        files["writes-\(number).sql"] = statements.joined(separator: "\n") + "\n"
        lines.append("(echo 'PRAGMA foreign_keys = ON;'; cat writes-\(number).sql) | sqlite3 case.db")
      case .down:
        lines += [
          "sqlite3 case.db .dump | grep -v phasedb_", "${PHASEDB:-phasedb} plan down -m m -d case.db",
          "${PHASEDB:-phasedb} down -q -m m -d case.db",
        ]
      }
    }
    files["run"] = (lines + ["sqlite3 case.db .dump | grep -v phasedb_", ""]).joined(separator: "\n")
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
