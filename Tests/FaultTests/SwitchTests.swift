import FaultVFS
import Foundation
import PhaseDB
import Testing

/// A switch beside a call that fails: what is open, what is closed, and what has come down.
@Suite("A switch and a call that fails")
struct SwitchTests {
  /// Something that an operator does with a switch that is at 25 %.
  enum Act: String, CaseIterable, Sendable {
    case down, close, raise
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let act: Act
    let journal: Journal
    let failure: Failure
    /// Whether all calls after it fail, too: then no more comes to the disk than a SIGKILL at that call would leave.
    let stays: Bool
    var testDescription: String {
      "\(act.rawValue), \(journal) journal, \(failure.rawValue)\(stays ? " that stays" : "")"
    }
  }

  static let rows = Act.allCases.flatMap { act in
    [Journal.delete, .wal].flatMap { journal in
      [(Failure.ioError, true), (.diskFull, true), (.diskFull, false)].map { failure, stays in
        Row(act: act, journal: journal, failure: failure, stays: stays)
      }
    }
  }

  /// What the database says afterwards.
  struct Standing: Hashable, CustomStringConvertible {
    /// Hundredths of a percent; nil when there is no switch.
    let exposure: Int?
    let isApplied: Bool
    var description: String { "\(exposure.map(String.init) ?? "none"), \(isApplied ? "up" : "down")" }
  }

  @Test(
    "leaves the switch as it was, or as it was to be, and takes nothing down while it is open",
    arguments: rows)
  func fails(row: Row) throws {
    let folder = try MemoryFolder()
    let path = "\(folder.path)/shop.db"
    let before = try prepared(row.journal, in: folder)
    var seen: [Standing: Int] = [:]
    var troubles: Set<String> = []
    var attempts = 0
    let stride = Effort.isAll || row.act != .down ? 1 : 3
    var number = 1 + Int(Effort.seed % UInt64(stride))
    while true {
      try folder.empty()
      try folder.write(before, to: "shop.db")
      let watch = try #require(Watch(folder))
      var error: MigrationError?
      let hasFailed = try watch.failing(row.failure, at: number, stays: row.stays) {
        do { try self.act(row.act, path) } catch let thrown as MigrationError { error = thrown }
      }
      guard hasFailed else { break }
      attempts += 1
      number += stride
      let standing = try self.standing(path)
      seen[standing, default: 0] += 1
      if let trouble = trouble(row.act, standing, error) { troubles.insert("call \(number): \(trouble)") }
      // A second try does the rest.
      try self.act(row.act, path)
      let end = try self.standing(path)
      if end != Self.end(row.act) { troubles.insert("call \(number): the second try ends with \(end)") }
    }
    print("switch, \(row.testDescription): \(attempts) attempts, \(seen)")
    #expect(troubles.isEmpty, "\(troubles.sorted().prefix(10).joined(separator: "\n")), seed \(Effort.seed)")
    // Every state was met, or this proves little.
    #expect(seen[Standing(exposure: 2_500, isApplied: true)] != nil)
    if row.act == .down, row.failure == .ioError {
      #expect(
        seen[Standing(exposure: 0, isApplied: true)] != nil, "never killed between closing and coming down")
    }
  }

  private static func end(_ act: Act) -> Standing {
    switch act {
    case .down: Standing(exposure: nil, isApplied: false)
    case .close: Standing(exposure: 0, isApplied: true)
    case .raise: Standing(exposure: 5_000, isApplied: true)
    }
  }

  private func trouble(_ act: Act, _ standing: Standing, _ error: MigrationError?) -> String? {
    let start = Standing(exposure: 2_500, isApplied: true)
    let legal = [start, Self.end(act)] + (act == .down ? [Standing(exposure: 0, isApplied: true)] : [])
    guard legal.contains(standing) else { return "it stands at \(standing)" }
    guard let error else { return standing == Self.end(act) ? nil : "it ended well at \(standing)" }
    // Where nothing could be opened or read, nothing had begun.
    if error.state == nil, standing != start { return "no state: \(error)" }
    if error.help.isEmpty { return "no remedy: \(error)" }
    let isUncertain = error.state?.contains("it is unknown whether") == true
    if act == .down, !isUncertain, standing.exposure == 0, standing.isApplied,
      error.state?.contains("was closed before and stays closed") != true
    {
      return "it does not say that the switch is closed: \(error), \(error.state.map { "\($0)" } ?? "")"
    }
    return nil
  }

  // MARK: - The database

  private func catalog() throws -> Catalog {
    let folder = try MemoryFolder()
    try folder.write(
      "-- @window shop >=1.0\n-- @up\nCREATE TABLE orders (id INTEGER PRIMARY KEY, total INT);\n-- @down\nDROP TABLE orders;\n",
      to: "0001-shop/expand.sql")
    try folder.write(
      "-- @window shop >=1.0\n-- @switch s\n-- @up\nALTER TABLE orders ADD COLUMN price INT;\n-- @down\nALTER TABLE orders DROP COLUMN price;\n",
      to: "0002-price/expand.sql")
    return try Catalog(folder: folder.path)
  }

  private func options() throws -> Options {
    var options = Options(wait: .zero, live: [try LiveVersion("shop@1.5")]).by(.current) {
      Timestamp(text: "2026-01-31T12:00:00.000Z")
    }
    options.switchSettle = .zero
    return options
  }

  /// The bytes of a database whose switch is at 25 %.
  private func prepared(_ journal: Journal, in folder: MemoryFolder) throws -> [UInt8] {
    let path = "\(folder.path)/shop.db"
    do {
      var handle: OpaquePointer?
      guard unsafe sqlite3_open(path, &handle) == SQLITE_OK else { throw CocoaError(.fileWriteUnknown) }
      defer { unsafe sqlite3_close(handle) }
      unsafe sqlite3_exec(handle, "PRAGMA journal_mode = \(journal); CREATE TABLE mine (a)", nil, nil, nil)
    }
    do {
      let migrator = try Migrator(database: path, catalog: catalog(), options: options())
      try migrator.run(migrator.plan(.upAll))
      _ = try migrator.setSwitch("s", to: Exposure("25%"), reason: "a test")
    }
    return try #require(folder.bytes(of: "shop.db"))
  }

  private func act(_ act: Act, _ path: String) throws {
    let migrator = try Migrator(database: path, catalog: catalog(), options: options())
    switch act {
    case .down:
      let isApplied = try migrator.status().applied.contains { $0.id.short == "0002/expand" }
      if isApplied { try migrator.run(migrator.plan(.down(1))) }
    case .close: _ = try migrator.closeSwitch("s", reason: "")
    case .raise: _ = try migrator.setSwitch("s", to: Exposure("50%"), reason: "")
    }
  }

  private func standing(_ path: String) throws -> Standing {
    let migrator = try Migrator(
      database: path, catalog: try Catalog([]), access: .reading, options: options())
    let status = try migrator.status()
    #expect(try migrator.brokenLogEntries().isEmpty)
    return Standing(
      exposure: status.switches.first.map { Int(($0.exposure.percent * 100).rounded()) },
      isApplied: status.applied.contains { $0.id.short == "0002/expand" })
  }
}
