import FaultVFS
import Foundation
import PhaseDB
import TestDice
import Testing

@testable import PhaseDBCommand

@Suite("Whatever anybody wrote")
struct FuzzTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let reader: ByteReader
    let count: Int
    var testDescription: String { reader.name }
  }

  /// How many texts each reader gets, by what one costs.
  static let rows =
    ByteReader.ofLibrary.map { reader in
      let counts = ["phase file": 20_000, "application script": 20_000, "settings": 20_000]
      return Row(reader: reader, count: counts[reader.name] ?? 30_000)
    } + [Row(reader: commandLine, count: 30_000)]

  static let commandLine = ByteReader(
    name: "command line",
    seeds: [
      "up 2 -d shop.db --live shop@1.0", "down --to @before --wait 30s", "status --format json", "help up",
    ],
    words: Option.table.map { "--\($0.long)" } + Verb.table.map(\.name) + [
      "=", "--", "-", "-d", " ", "@", "é", "-qh", "\u{1}",
    ]
  ) { text in
    do throws(UsageError) {
      _ = try ArgumentParser.parse(
        text.split(separator: " ", omittingEmptySubsequences: false).map(String.init))
      return nil
    } catch {
      return error.message.isEmpty ? "no word of what is wrong" : nil
    }
  }

  @Test("is read or refused with a place, in no time", arguments: rows)
  func read(row: Row) {
    let count = Effort.isAll ? 50 * row.count : row.count
    var scribbler = Scribbler(row.reader, seed: Effort.seed)
    var slowest = Duration.zero
    var troubles: [String: String] = [:]
    let began = ContinuousClock.now
    for _ in 0..<count {
      let text = scribbler.text()
      let start = ProcessorTime.now
      if let trouble = row.reader.trouble(text), troubles.count < 10, troubles[trouble] == nil {
        troubles[trouble] = text
      }
      slowest = max(slowest, ProcessorTime.now - start)
    }
    let examples = troubles.map { "\($0.key)\n\($0.value.debugDescription)" }.joined(separator: "\n")
    #expect(troubles.isEmpty, "seed \(Effort.seed): \(examples)")
    #expect(slowest < Effort.limit, "of the processor's time")
    print(
      "fuzzing, \(row.reader.name): \(count) texts, slowest \(slowest), seed \(Effort.seed), \(ContinuousClock.now - began)"
    )
    if row.reader.name == ByteReader.settings.name { SettingsBench.remove() }
  }

  @Test("in a database and its ledger is read by every command, or refused with a remedy")
  func hostile() {
    let count = Effort.isAll ? 20_000 : 200
    var dice = Dice(seed: Effort.seed)
    var troubles: [String: [UInt8]] = [:]
    let began = ContinuousClock.now
    // An input may hold SQL that takes as long as it is allowed to.
    let limit: Duration = .seconds(Effort.isAll ? 3_600 : 10)
    var done = 0
    while done < count, ContinuousClock.now - began < limit {
      done += 1
      let bytes = (0..<4 + dice.below(60)).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
      if let trouble = HostileDatabase.trouble(bytes[...]), troubles.count < 10, troubles[trouble] == nil {
        troubles[trouble] = bytes
      }
    }
    HostileDatabase.remove()
    let examples = troubles.map { "\($0.key)\n\($0.value)" }.joined(separator: "\n")
    #expect(troubles.isEmpty, "seed \(Effort.seed): \(examples)")
    print("fuzzing, hostile database: \(done), seed \(Effort.seed), \(ContinuousClock.now - began)")
  }

  enum Damage: CaseIterable, Sendable { case rows, bytes }

  @Test("into the ledger, or over the file, is noticed or harmless", arguments: Damage.allCases)
  func ledger(damage: Damage) throws {
    let count = Effort.isAll ? 20_000 : 40
    var dice = Dice(seed: Effort.seed)
    let recording = try Recording(.delete, .long)
    let image = try recording.image(after: recording.ups)
    let folder = try MemoryFolder()
    let shop = Shop(folder: folder, journal: .delete, lifecycle: .long)
    var refused = 0
    for round in 1...count {
      let place = "seed \(Effort.seed), round \(round)"
      switch damage {
      case .rows:
        try image.write(to: folder)
        try DamagedLedger.damage(shop.path, &dice)
      case .bytes:
        var bytes = image.files[0].bytes
        for _ in 0...dice.below(8) { bytes[dice.below(bytes.count)] = UInt8(truncatingIfNeeded: dice.next()) }
        try Image(files: [(name: "shop.db", bytes: bytes)]).write(to: folder)
      }
      let start = ProcessorTime.now
      do {
        try shop.open(.reading) { migrator in
          _ = try migrator.status()
          _ = try migrator.verify()
          _ = try migrator.checkpoints()
          _ = try migrator.log()
        }
        try shop.open { _ = try $0.run(try $0.plan(.downAll)) }
      } catch let error as MigrationError {
        refused += 1
        #expect(!error.help.isEmpty, "\(place): \(error)")
      }
      #expect(ProcessorTime.now - start < Effort.limit, "\(place)")
    }
    #expect(refused > 0)
    print("fuzzing, damaged \(damage): \(count) databases, \(refused) refused, seed \(Effort.seed)")
  }
}

/// Changes rows of the ledger as somebody with a shell might.
enum DamagedLedger {
  private static let columns: [(table: String, columns: [String])] = [
    ("phasedb_meta", ["key", "value"]),
    ("phasedb_log", ["id", "at", "who", "action", "subject", "detail", "hash", "schema_version"]),
    (
      "phasedb_phase",
      [
        "sequence", "phase", "token_hash", "windows", "declarations", "up_sql", "down_sql", "schema_before",
        "schema_after",
        "applied_at", "duration_ms",
      ]
    ),
    ("phasedb_schema", ["sequence", "change", "type", "name", "tbl_name", "sql"]),
    ("phasedb_checkpoint", ["name", "sequence", "at"]),
  ]

  private static let values = [
    "NULL", "''", "'x'", "-1", "9223372036854775807", "1e300", "x'00ff'", "'0001-add-notes/expand'",
    "'2026-13-45T99:99:99Z'", "replace(hex(zeroblob(2000)), '0', '(')", "'shop >=2 <1'", "'-- @up'",
    "char(0)",
  ]

  static func damage(_ path: String, _ dice: inout Dice) throws {
    var handle: OpaquePointer?
    defer { _ = unsafe sqlite3_close(handle) }
    let code = unsafe sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil)
    guard code == SQLITE_OK else { throw LentHandleFailure(code: code) }
    for _ in 0...dice.below(3) {
      let (table, columns) = columns[dice.below(columns.count)]
      let row = "rowid = (SELECT rowid FROM \(table) ORDER BY random() LIMIT 1)"
      let sql =
        switch dice.below(4) {
        case 0: "DELETE FROM \(table) WHERE \(row)"
        default:
          "UPDATE OR IGNORE \(table) SET \(columns[dice.below(columns.count)]) = \(values[dice.below(values.count)]) WHERE \(row)"
        }
      // What a constraint keeps out needs no looking at.
      _ = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    }
  }
}

/// What the thread has had of the processor: what others take of it does not count.
struct ProcessorTime {
  private let nanoseconds: Int64

  static var now: ProcessorTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return ProcessorTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  static func - (later: ProcessorTime, earlier: ProcessorTime) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}
