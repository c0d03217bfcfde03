import PhaseSQLite
import Testing

@testable import PhaseDB

/// What a phase is tried on in place of the whole schema.
struct TouchedSchemaTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let schema: String
    let up: String
    let down: String
    let keeps: [String]

    init(_ sentence: String, _ schema: String, up: String, down: String = "SELECT 1;", keeps: [String]) {
      (testDescription, self.schema, self.up, self.down, self.keeps) = (sentence, schema, up, down, keeps)
    }
  }

  @Test("what is kept around a phase, in an order in which it can be made", arguments: kept)
  func keeps(_ example: Case) throws {
    let objects = try neighbours(in: example.schema, of: phase(.expand, example.up, down: example.down))
    #expect(objects.map(\.title) == example.keeps)
    let scratch = try Scratch(baseline: nil)
    try scratch.make(objects)
    #expect(Set(scratch.schema.objects.map(\.title)).isSuperset(of: example.keeps))
  }

  private static let pair = "CREATE TABLE t (a, b); CREATE TABLE u (a, b);"

  static let kept = [
    Case("a table and nothing else", pair, up: "ALTER TABLE t ADD COLUMN c;", keeps: ["table t"]),
    Case("nothing", pair, up: "CREATE TABLE w (c);", keeps: []),
    Case(
      "an index and a trigger go with their table",
      pair
        + """
        CREATE INDEX i ON t (a);
        CREATE INDEX j ON u (a);
        CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
        CREATE TRIGGER h AFTER INSERT ON u BEGIN SELECT 1; END;
        """, up: "ALTER TABLE t ADD COLUMN c;", keeps: ["table t", "index i", "trigger g"]),
    Case(
      "the table of an index that is named", pair + "CREATE INDEX i ON t (a);", up: "DROP INDEX i;",
      keeps: ["table t", "index i"]),
    Case(
      "the table of a trigger that is named",
      pair + "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;", up: "DROP TRIGGER g;",
      keeps: ["table t", "trigger g"]),
    Case(
      "a view over a view over the table",
      pair
        + """
        CREATE VIEW w AS SELECT a FROM v;
        CREATE VIEW v AS SELECT a FROM t;
        CREATE VIEW x AS SELECT a FROM u;
        """, up: "ALTER TABLE t RENAME a TO c;", keeps: ["table t", "view v", "view w"]),
    Case(
      "what a view needs beside the table",
      pair + "CREATE VIEW v AS SELECT t.a FROM t JOIN x; CREATE VIEW x AS SELECT b FROM u;",
      up: "ALTER TABLE t RENAME a TO c;", keeps: ["table t", "table u", "view v", "view x"]),
    Case(
      "a trigger elsewhere that mentions the table",
      pair + "CREATE TRIGGER g AFTER INSERT ON u BEGIN DELETE FROM t; END;",
      up: "ALTER TABLE t RENAME TO s;", keeps: ["table t", "table u", "trigger g"]),
    Case(
      "what a trigger sets off in the table it writes to",
      """
      CREATE TABLE t (a); CREATE TABLE u (a); CREATE TABLE w (a); CREATE UNIQUE INDEX i ON u (a);
      CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.a) ON CONFLICT (a) DO NOTHING; END;
      CREATE TRIGGER h AFTER INSERT ON u BEGIN INSERT INTO w VALUES (NEW.a); END;
      CREATE INDEX j ON w (a);
      """, up: "INSERT INTO t VALUES (1);",
      keeps: ["table t", "table u", "table w", "index i", "index j", "trigger g", "trigger h"]),
    Case(
      "a trigger on a view of the table",
      pair
        + "CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN DELETE FROM u; END;",
      up: "ALTER TABLE t RENAME a TO c;", keeps: ["table t", "table u", "view v", "trigger g"]),
    Case(
      "a child table, without what else refers to that",
      """
      CREATE TABLE c (a REFERENCES t); CREATE TABLE d (a REFERENCES c); CREATE TABLE t (a PRIMARY KEY);
      """, up: "ALTER TABLE t RENAME TO s;", keeps: ["table c", "table t"]),
    Case(
      "shadow tables are left out",
      "CREATE TABLE t (a); CREATE VIRTUAL TABLE f USING fts5(a); CREATE TABLE u (a);",
      up: "DROP TABLE f;", keeps: ["table f"]),
    Case(
      "a table that is only called like a shadow table is kept",
      "CREATE VIRTUAL TABLE f USING fts5(a); CREATE TABLE f_log (a);",
      up: "DROP TABLE f; DROP TABLE f_log;", keeps: ["table f", "table f_log"]),
    Case(
      "a shadow table that is named is not made twice",
      "CREATE VIRTUAL TABLE f USING fts5(a); CREATE TRIGGER g AFTER INSERT ON f_config BEGIN SELECT 1; END;",
      up: "DROP TRIGGER g; DROP TABLE f;", keeps: ["table f", "table f_config", "trigger g"]),
    Case(
      "names in other quotes and in another case",
      "CREATE TABLE [My Table] (a); CREATE VIEW v AS SELECT a FROM `my table`; CREATE TABLE u (a);",
      up: "DROP TABLE \"MY TABLE\";", keeps: ["table My Table", "view v"]),
    Case(
      "a name in the quotes of a string", "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM 't';",
      up: "DROP TABLE 'T';", keeps: ["table t", "view v"]),
    Case(
      "a name that only the way down has", pair, up: "CREATE TABLE w (c);", down: "DROP TABLE u;",
      keeps: ["table u"]),
    Case(
      "a trigger with the name of a table",
      pair + "CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END;", up: "ALTER TABLE t ADD COLUMN c;",
      keeps: ["table t", "table u", "trigger t"]),
    Case("comments name nothing", pair, up: "/* t */ SELECT 1; -- u", keeps: []),
  ]

  @Test("what went is not kept any more, what came is")
  func follows() throws {
    let connection = try Connection(path: "", mode: .memory)
    var touchedSchema = TouchedSchema()
    var known = Schema()
    func follow(_ sql: String) throws -> [String] {
      try connection.execute(script: sql)
      let schema = try Schema(of: connection)
      touchedSchema.follow(schema.changes(since: known))
      known = schema
      return touchedSchema.objects(around: [try #require(Script("DROP TABLE t;"))]).map(\.title)
    }
    #expect(try follow(Self.pair + "CREATE VIEW v AS SELECT a FROM t;") == ["table t", "view v"])
    #expect(try follow("DROP VIEW v; CREATE VIEW v AS SELECT a FROM u;") == ["table t"])
    #expect(
      try follow("CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END;")
        == ["table t", "table u", "view v", "trigger t"])
    #expect(try follow("DROP TRIGGER t;") == ["table t"])
  }

  // MARK: - As good as the whole schema

  /// How a way up, down and up again ends.
  enum Verdict: Hashable {
    case upFails, downFails, downNotInverse, replayFails, notReplayable, clean

    init(_ phase: Phase, on objects: [SchemaObject]) {
      guard let id = try? PhaseID("0001-random/\(phase.kind.rawValue)"),
        let trial = try? ReversalTrial(id, phase, on: objects, CostLimit(.scratch), observe: { _ in })
      else {
        self = .upFails
        return
      }
      switch trial.failure?.stage {
      case .down: self = .downFails
      case .replay: self = .replayFails
      case nil where trial.afterDown?.digest != trial.before.digest: self = .downNotInverse
      case nil: self = trial.afterReplay?.digest == trial.after.digest ? .clean : .notReplayable
      }
    }
  }

  @Test("the verdict is the same as on the whole schema")
  func equivalence() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed of random neighbourhoods: \(seed)")
    var random = RandomPhase(seed: seed)
    var verdicts: [Verdict: Int] = [:]
    var (kept, all) = (0, 0)
    var (number, tried) = (0, 0)
    while tried < 320, number < 1000 {
      number += 1
      let sql = random.schema()
      let (up, down) = random.phase()
      let phase = try phase(.expand, up, down: down)
      let whole = try objects(of: sql)
      let verdict = Verdict(phase, on: whole)
      verdicts[verdict, default: 0] += 1
      guard verdict != .upFails else { continue }
      tried += 1
      let part = try neighbours(in: sql, of: phase)
      (kept, all) = (kept + part.count, all + whole.count)
      let titles = part.map(\.title).joined(separator: ", ")
      #expect(
        Verdict(phase, on: part) == verdict,
        "seed \(seed), case \(number), keeps \(titles)\n\(sql)\n-- up\n\(up)\n-- down\n\(down)")
    }
    print("verdicts: \(verdicts); kept \(kept) of \(all) objects")
    #expect(tried == 320)
    for verdict in [Verdict.downFails, .downNotInverse, .replayFails, .clean] {
      #expect(verdicts[verdict, default: 0] > 0, "\(verdict), seed \(seed)")
    }
    #expect(kept < all * 9 / 10, "most of a schema is no part of a neighbourhood")
  }

  private func objects(of sql: String) throws -> [SchemaObject] {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: sql)
    return try Array(Schema(of: connection).objects)
  }

  private func neighbours(in sql: String, of phase: Phase) throws -> [SchemaObject] {
    var touchedSchema = TouchedSchema()
    touchedSchema.follow(try Schema(objects(of: sql)).changes(since: Schema()))
    return touchedSchema.objects(around: [phase.up, phase.down])
  }
}
