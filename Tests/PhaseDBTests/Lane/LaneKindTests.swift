import PhaseSQLite
import Testing

@testable import PhaseDB

/// The queues that phasedb knows by name, with their own tables and their own statements.
@Suite("Kinds of lanes")
struct LaneKindTests {
  private static var now: Int64 { LaneAccess.now }

  /// A database with the queue, and phasedb's view of it.
  private struct Bench {
    let connection: Connection
    let queue: QueueCase
    let lane: Lane
    let claim: LaneClaim

    init(_ queue: QueueCase) throws {
      self.queue = queue
      connection = try Connection(path: "", mode: .memory)
      // As phasedb's own connections are.
      connection.turn(.doubleQuotedStringsInDML, on: false)
      connection.turn(.doubleQuotedStringsInDDL, on: false)
      try connection.execute(script: queue.schema)
      lane = try Lane(kind: queue.kind.rawValue, queue: queue.queue)
      claim = try #require(queue.kind.claim(queue: queue.queue))
    }

    var held: String { queue.queue ?? "" }

    func produce(in queue: String? = nil) throws { try self.queue.produce(connection, queue ?? held) }
    func work(in queue: String? = nil) throws -> QueueCase.Claimed {
      try self.queue.claim(connection, queue ?? held)
    }

    func hold(until moment: Int64) throws {
      #expect(
        try LaneTriggers(on: connection).make(claim.definition(of: "phasedb_lane_x", until: moment)) == nil)
    }

    func release() throws { try LaneTriggers(on: connection).drop() }

    func count(_ look: Lane.Look?) throws -> LaneCount? {
      try LaneAccess("x", lane, main: connection, wait: .zero, Cancellation()).look(look)
    }

    var busy: Int? { get throws { try count(lane.busy)?.jobs } }
    var waiting: Int? { get throws { try count(lane.waiting)?.jobs } }
  }

  @Test(
    "a held lane gives no job, to no worker, and says so in no way that ends one", arguments: QueueCase.all)
  func isHeld(queue: QueueCase) throws {
    let bench = try Bench(queue)
    let digest = try Schema(of: bench.connection).digest
    try bench.produce()
    try bench.produce()
    #expect(try bench.waiting == 2)
    guard case .job(let first) = try bench.work() else {
      Issue.record("nothing was claimed while the lane was open")
      return
    }
    #expect(try bench.waiting == 1)

    try bench.hold(until: Self.now + 60)
    #expect(try Schema(of: bench.connection).digest == digest)
    #expect(try Schema(of: bench.connection).reachingForLedger.isEmpty)
    let refused: QueueCase.Claimed = queue.kind == .djangoTasks ? .locked : .none
    for _ in 0..<3 { #expect(try bench.work() == refused) }
    #expect(try bench.waiting == 1)

    // Producers and those that finish go on.
    try bench.produce()
    #expect(try bench.waiting == 2)
    if let busy = try bench.busy {
      #expect(busy == 1)
      let age = try bench.count(bench.lane.busy)?.oldest
      #expect(age.map { $0 >= .zero } ?? true)
    }
    try queue.finish(bench.connection, first)
    #expect(try bench.busy ?? 0 == 0)
    #expect(try bench.work() == refused)

    // Another queue in the same table is none of its business.
    if let other = queue.other {
      try bench.produce(in: other)
      guard case .job(let job) = try bench.work(in: other) else {
        Issue.record("the queue beside it was held, too")
        return
      }
      #expect(try bench.busy ?? 0 == 0)
      try queue.finish(bench.connection, job)
    }

    try bench.release()
    guard case .job = try bench.work(), case .job = try bench.work() else {
      Issue.record("a job was lost")
      return
    }
    #expect(try bench.work() == .none)
    #expect(try bench.waiting == 0)
  }

  @Test("once its deadline is over a lane is open, whatever became of phasedb", arguments: QueueCase.all)
  func opensByItself(queue: QueueCase) throws {
    let bench = try Bench(queue)
    try bench.produce()
    try bench.hold(until: Self.now)
    guard case .job = try bench.work() else {
      Issue.record("a deadline in the past holds")
      return
    }
  }

  @Test("without the name of a queue every queue of the table is held", arguments: QueueCase.all)
  func everyQueue(queue: QueueCase) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: queue.schema)
    let claim = try #require(queue.kind.claim(queue: nil))
    #expect(
      try LaneTriggers(on: connection).make(claim.definition(of: "phasedb_lane_x", until: Self.now + 60))
        == nil)
    for name in ["mail", "it's \"odd\" -- ☂"] {
      try queue.produce(connection, name)
      let claimed = try queue.claim(connection, name)
      #expect(claimed == .none || claimed == .locked)
    }
  }

  @Test("a queue may have any name", arguments: QueueCase.all.filter { $0.queue != nil })
  func hostileNames(queue: QueueCase) throws {
    for name in ["it's", "a\"b", "; DROP TABLE tasks; --", "ümlaut ☂ x", "%"] {
      var queue = queue
      queue.queue = name
      let bench = try Bench(queue)
      try bench.produce()
      try bench.hold(until: Self.now + 60)
      let claimed = try bench.work()
      #expect(claimed == .none || claimed == .locked)
      #expect(try bench.waiting == 1)
      #expect(try Schema(of: bench.connection).laneTriggers.count == 1)
    }
  }

  @Test("every kind is here, except the one that no trigger can hold")
  func complete() {
    #expect(Set(QueueCase.all.map(\.kind)).symmetricDifference(LaneKind.allCases) == [.plainjob])
  }

  /// The worker of plainjob selects a job, marks it, and runs it without a look at what the mark changed.
  @Test("a worker that does not look at its claim would run jobs in secret, so its kind wants commands")
  func secretWork() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(
      script: """
        CREATE TABLE plainjob_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, data TEXT NOT NULL, status INTEGER DEFAULT 0 NOT NULL, next_run_at INTEGER, created_at INTEGER NOT NULL);
        INSERT INTO plainjob_jobs (type, data, next_run_at, created_at) VALUES ('export', '{}', 1, 1);
        """)
    let claim = try LaneClaim("UPDATE OF status ON plainjob_jobs WHEN NEW.status = 1 AND OLD.status = 0")
    #expect(
      try LaneTriggers(on: connection).make(claim.definition(of: "phasedb_lane_x", until: Self.now + 60))
        == nil)
    let selected = try connection.value(
      "SELECT id FROM plainjob_jobs WHERE status = 0 AND type = 'export' AND next_run_at <= 2 ORDER BY next_run_at LIMIT 1"
    )
    try connection.execute("UPDATE plainjob_jobs SET status = 1 WHERE id = ?1", selected ?? .null)
    // It has a job, and nobody sees that it works.
    #expect(selected == .integer(1))
    #expect(try connection.value("SELECT status FROM plainjob_jobs") == .integer(0))

    #expect(LaneKind.plainjob.claim(queue: "export") == nil)
    #expect(migrationError { try Lane(kind: "plainjob") }?.id == .badSettings)
    let queries = LaneKind.plainjob.queries(queue: "export")
    #expect(try connection.value(queries.waiting) == .integer(1))
    #expect(try connection.value(try #require(queries.busy)) == .integer(0))
  }

  // MARK: - Claims

  @Test(
    "a claim is read as it was meant, or not at all",
    arguments: [
      ("UPDATE OF state ON outbox WHEN NEW.state = 'sending'", true),
      ("update of a, \"b c\" on [my table] when new.a = 1 or new.\"b c\" = ')'", true),
      ("DELETE ON t", true), ("INSERT ON t WHEN NEW.a IN (1, 2)", true), ("UPDATE ON t", true),
      ("UPDATE OF a ON t WHEN NEW.a = 1 -- a comment", true),
      ("UPDATE OF a ON t WHEN NEW.a = 1 /* a comment */ ", true),
      ("UPDATE OF a ON t WHEN NEW.a = CASE WHEN 1 THEN 2 END", true),
      ("", false), ("UPDATE", false), ("UPDATE OF ON t", false), ("SELECT 1", false),
      ("UPDATE OF a ON", false),
      ("DELETE ON t WHEN", false), ("DELETE ON t WHERE a = 1", false), ("DELETE ON t WHEN 1) OR (1", false),
      ("DELETE ON t WHEN 1; DROP TABLE t", false), ("DELETE ON t WHEN a = ?1", false),
      ("DELETE ON main.t", false), ("DELETE ON t WHEN (1", false), ("DELETE ON t BEGIN SELECT 1; END", false),
    ])
  func claims(text: String, isGood: Bool) throws {
    let claim = try? LaneClaim(text)
    #expect((claim != nil) == isGood)
    guard let claim else {
      #expect(migrationError { try LaneClaim(text) }?.id == .badSettings)
      return
    }
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(
      script: "CREATE TABLE t (a); CREATE TABLE outbox (state); CREATE TABLE [my table] (a, \"b c\")")
    let sql = claim.definition(of: "phasedb_lane_x", until: 4_000_000_000)
    #expect(try LaneTriggers(on: connection).make(sql) == nil)
    let kept = try #require(
      try connection.value("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")?.text)
    #expect(LaneTrigger.isOne(kept))
    #expect(LaneTrigger.moment(in: kept) == 4_000_000_000)
    let renewed = try #require(LaneTrigger.renewed(kept, until: 5))
    #expect(LaneTrigger.moment(in: renewed) == 5)
    #expect(LaneTrigger.isOne(renewed))
  }

  @Test(
    "a claim on what is not there is found before a worker finds it",
    arguments: [
      ("UPDATE OF state ON nowhere", "no such table"), ("UPDATE OF stat ON outbox", "no such column"),
      ("UPDATE OF state ON outbox WHEN NEW.stat = 1", "no such column"),
      ("DELETE ON outbox WHEN OLD.nope = 1", "no such column"),
      ("INSERT ON outbox WHEN (SELECT 1 FROM nowhere)", "no such table"),
      ("DELETE ON waiting", "cannot create BEFORE trigger on view"),
    ])
  func missing(text: String, why: String) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "CREATE TABLE outbox (state); CREATE VIEW waiting AS SELECT * FROM outbox")
    let sql = try LaneClaim(text).definition(of: "phasedb_lane_x", until: Self.now + 60)
    try connection.execute("BEGIN")
    #expect(try LaneTriggers(on: connection).make(sql)?.contains(why) == true)
    try connection.execute("COMMIT")
    #expect(try Schema(of: connection).laneTriggers.isEmpty)
    try connection.execute("UPDATE outbox SET state = 1")
  }

  @Test(
    "only what phasedb makes counts as its trigger; anything else in that name is an object from outside",
    arguments: [
      "CREATE TRIGGER phasedb_lane_x BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE); END",
      "CREATE TRIGGER phasedb_lane_x BEFORE DELETE ON t WHEN 1 AND CAST(strftime('%s', 'now') AS INTEGER) < 5 BEGIN DELETE FROM u; SELECT RAISE(IGNORE); END",
      "CREATE TRIGGER phasedb_lane_x BEFORE DELETE ON t WHEN 1 AND CAST(strftime('%s', 'now') AS INTEGER) < 5 BEGIN UPDATE u SET a = ' BEGIN SELECT RAISE(IGNORE); END'; END",
      "CREATE TRIGGER phasedb_lane_x AFTER INSERT ON t BEGIN INSERT INTO u VALUES (1); END",
    ])
  func impostors(sql: String) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "CREATE TABLE t (a); CREATE TABLE u (a)")
    try connection.execute(sql)
    let schema = try Schema(of: connection)
    #expect(schema.laneTriggers.isEmpty)
    #expect(schema.reachingForLedger.map(\.name) == ["phasedb_lane_x"])
    try LaneTriggers(on: connection).drop()
    #expect(try connection.value("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == .integer(1))
  }
}
