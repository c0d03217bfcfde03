import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// The query with which applications ask: who is on, and that everybody gets the same answer.
@Suite("The query of a switch")
struct SwitchQueryTests {
  /// A database whose switch has this salt.
  static func database(_ name: String = "s", salt: Int = 1_234_567) throws -> TemporaryDatabase {
    let database = try TemporaryDatabase("CREATE TABLE mine (a)")
    try database.run(.upAll, SwitchShop.catalog(name: name))
    let connection = try database.connect()
    try connection.execute("UPDATE phasedb_switch SET salt = ?1", .integer(Int64(salt)))
    return database
  }

  static func set(_ hundredths: Int, _ connection: Connection) throws {
    try connection.execute("UPDATE phasedb_switch SET exposure = ?1", .integer(Int64(hundredths)))
  }

  /// Whom it is asked about, and their buckets under two salts, computed beforehand by the arithmetic of the page alone.
  static let golden: [(subject: String, small: Int, large: Int)] = [
    ("", 5_188, 7_228), ("1", 8_942, 863), ("42", 972, 6_108), ("4711", 2_112, 4_303),
    ("ada@example.org", 3_102, 9_562), ("6f1c2b1e-7a51-4c43-9c0e-2f6a6a1b7d55", 4_855, 2_611),
    ("Ünïcødé", 7_995, 7_146), ("日本語", 4_500, 954), ("🙂", 7_533, 4_703), ("a b", 8_083, 8_461),
    ("'; DROP TABLE x; --", 3_392, 1_087), ("e\u{301}", 1_895, 873),
  ]

  @Test("gives everybody the bucket that was computed beforehand")
  func goldenBuckets() throws {
    let columns = [(1_234_567, Self.golden.map { $0.small }), (2_147_483_645, Self.golden.map { $0.large })]
    for (salt, buckets) in columns {
      let database = try Self.database(salt: salt)
      let migrator = try database.migrator(Catalog([]), access: .reading)
      let answers = try migrator.ask("s", Self.golden.map { $0.subject })
      #expect(answers.map(\.bucket) == buckets)
    }
  }

  @Test("is on exactly above the bucket, for everybody at 100 % and for nobody at 0 %")
  func edges() throws {
    let database = try Self.database()
    let connection = try database.connect()
    for row in Self.golden {
      for (exposure, expected) in [(0, 0), (row.small, 0), (row.small + 1, 1), (10_000, 1)] {
        try Self.set(exposure, connection)
        #expect(try Self.ask(connection, .text(row.subject)) == [.integer(Int64(expected))], "\(row.subject)")
      }
    }
  }

  static func ask(_ connection: Connection, _ subject: Value, _ name: String = "s") throws -> [Value] {
    var query = try connection.prepare(SwitchQuery.sql)
    try query.bind(.text(name), to: ":name")
    try query.bind(subject, to: ":subject")
    var answers: [Value] = []
    while try query.step() { answers.append(query.value(at: 0)) }
    return answers
  }

  @Test("what is no switch has no row, a subject that is NULL is off below 100 %, and a number is its digits")
  func oddities() throws {
    let database = try Self.database()
    let connection = try database.connect()
    try Self.set(9_999, connection)
    #expect(try Self.ask(connection, .text("x"), "other").isEmpty)
    #expect(try Self.ask(connection, .null) == [0])
    for exposure in [500, 973, 5_000] {
      try Self.set(exposure, connection)
      #expect(try Self.ask(connection, .integer(42)) == Self.ask(connection, .text("42")))
    }
    // Pins of a number are those of its digits, too.
    try connection.execute("INSERT INTO phasedb_switch_member VALUES ('s', '42', 0, '')")
    #expect(try Self.ask(connection, .integer(42)) == [0])
    // What stands behind a NUL does not count: `length()` stops there.
    try Self.set(5_000, connection)
    #expect(try Self.ask(connection, .text("42\u{0}a")) == Self.ask(connection, .text("42\u{0}b")))
  }

  @Test(
    "names and subjects with quotes are names and subjects", arguments: ["it's", #"a "b""#, "日本語 🙂", "x; --"])
  func hostile(_ name: String) throws {
    let database = try Self.database(name)
    let connection = try database.connect()
    try Self.set(10_000, connection)
    #expect(try Self.ask(connection, .text("it's"), name) == [1])
    var query = try connection.prepare(SwitchQuery.sql(for: name))
    try query.bind(.text("x"), to: ":subject")
    #expect(try query.step())
    #expect(query.value(at: 0) == 1)
  }

  /// Subjects of one kind.
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let subject: @Sendable (Int) -> String
  }

  static let kinds = [
    Kind(testDescription: "integers") { String($0) },
    Kind(testDescription: "integers in steps") { String(1_000_000 + $0 * 10) },
    Kind(testDescription: "addresses") { "customer\($0)@example.org" },
    Kind(testDescription: "UUIDs") { number in
      let hex = SHA256.hex(Array("\(number)".utf8))
      return
        "\(hex.prefix(8))-\(hex.dropFirst(8).prefix(4))-4\(hex.dropFirst(12).prefix(3))-\(hex.suffix(12))"
    },
    Kind(testDescription: "Unicode") { "客\($0)🙂é" },
  ]

  @Test("is on for the share that it says, spread evenly, and raising turns nobody off", arguments: kinds)
  func shares(_ kind: Kind) throws {
    let salt = Int.random(in: 65_536...2_147_483_646)
    let database = try Self.database(salt: salt)
    let connection = try database.connect()
    defer { withExtendedLifetime(database) {} }
    let count = 10_000
    let subjects = (0..<count).map(kind.subject)
    var on: [Int: Set<String>] = [:]
    for exposure in [100, 1_000, 5_000] {
      try Self.set(exposure, connection)
      var query = try connection.prepare(SwitchQuery.sql, reused: true)
      try query.bind(.text("s"), to: ":name")
      for subject in subjects {
        try query.bind(.text(subject), to: ":subject")
        if try query.step(), query.value(at: 0) == 1 { on[exposure, default: []].insert(subject) }
        query.reset()
      }
      let expected = Double(count * exposure) / 10_000
      let deviation = (expected * (1 - Double(exposure) / 10_000)).squareRoot()
      // Six standard deviations: one run in some hundred million is outside by chance.
      let share = Double(on[exposure, default: []].count)
      #expect(abs(share - expected) < 6 * deviation, "\(share) at \(exposure), salt \(salt)")
    }
    #expect(on[100, default: []].isSubset(of: on[1_000, default: []]))
    #expect(on[1_000, default: []].isSubset(of: on[5_000, default: []]))
    // A hundred cells of a hundred buckets each; 99 degrees of freedom.
    var cells = [Int](repeating: 0, count: 100)
    var query = try connection.prepare(SwitchQuery.bucket, reused: true)
    try query.bind(.text("s"), to: ":name")
    for subject in subjects {
      try query.bind(.text(subject), to: ":subject")
      try #require(try query.step())
      cells[Int(query.integer(at: 0)) / 100] += 1
      query.reset()
    }
    let mean = Double(count) / 100
    let chiSquare = cells.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) / mean }
    print("switch: \(kind.testDescription), salt \(salt), chi-square \(Int(chiSquare)) on 99 degrees")
    #expect((40...190).contains(chiSquare), "\(chiSquare), salt \(salt)")
  }

  @Test("a hash that does not spread is noticed")
  func control() {
    // What a sum of code points would give for the same integers.
    var cells = [Int](repeating: 0, count: 100)
    for number in 0..<10_000 {
      cells[String(number).unicodeScalars.reduce(0) { $0 + Int($1.value) } % 10_000 / 100] += 1
    }
    let chiSquare = cells.reduce(0.0) { $0 + (Double($1) - 100) * (Double($1) - 100) / 100 }
    #expect(chiSquare > 190)
  }

  @Test("two switches at 10 % are on for different people")
  func independent() throws {
    let database = try TemporaryDatabase("CREATE TABLE mine (a)")
    try database.run(
      .upAll, SwitchShop.catalog(names: ["a", "b"]))
    let connection = try database.connect()
    try connection.execute("UPDATE phasedb_switch SET salt = CASE name WHEN 'a' THEN 99991 ELSE 777777 END")
    try Self.set(1_000, connection)
    let both = try (0..<10_000).count { number in
      try ["a", "b"].allSatisfy { try Self.ask(connection, .text("\(number)"), $0) == [1] }
    }
    #expect((60...140).contains(both), "\(both)")
  }

  @Test("is the same from the sqlite3 shell, Python and Swift")
  func everywhere() throws {
    let database = try Self.database()
    let connection = try database.connect()
    let subjects =
      Self.golden.map(\.subject) + ["customer\u{7F}", "\n", "\t x", "ß", "\u{10FFFF}", "\u{FFFD}"]
    for exposure in [1, 2_500, 5_000, 8_083, 9_999] {
      try Self.set(exposure, connection)
      let swift = try subjects.map { try Self.ask(connection, .text($0)) == [1] ? "1" : "0" }
      let shell = try Foreign.shell(database.path, SwitchQuery.sql, "s", subjects)
      let python = try Foreign.python(database.path, SwitchQuery.sql, "s", subjects)
      #expect(shell == swift, "\(exposure)")
      #expect(python.answers == swift, "\(exposure)")
      #expect(python.computed == swift, "\(exposure)")
      #expect(Set(swift).count == (exposure == 1 || exposure == 9_999 ? Set(swift).count : 2))
    }
  }
}

/// Other programs that ask.
enum Foreign {
  /// Runs a program with a text on its standard input.
  static func run(_ words: [String], input: String) throws -> String {
    let folder = try TemporaryFolder(["input": input])
    let line = (words.map { "'\($0.replacing("'", with: #"'\''"#))'" }).joined(separator: " ")
    // By a shell of its own: Foundation's Process on Linux crashes now and then while many threads start processes.
    guard let pipe = unsafe popen("\(line) < '\(folder.path)/input' 2>&1", "r") else { return "" }
    defer { unsafe pclose(pipe) }
    var bytes: [UInt8] = []
    while case let byte = unsafe fgetc(pipe), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func shell(_ path: String, _ sql: String, _ name: String, _ subjects: [String]) throws -> [String] {
    let script = subjects.map { subject in
      let hex = subject.utf8.map { String(Int($0) + 256, radix: 16).suffix(2) }.joined()
      return """
        .parameter set :name "'\(name)'"
        .parameter set :subject "CAST(x'\(hex)' AS TEXT)"
        \(sql)

        """
    }.joined()
    let answers = try run(["sqlite3", "-batch", path], input: ".parameter init\n" + script)
    return answers.split(separator: "\n").map(String.init)
  }

  /// What Python's module answers, and what Python computes by itself from salt and exposure.
  static func python(
    _ path: String, _ sql: String, _ name: String, _ subjects: [String]
  ) throws -> (answers: [String], computed: [String]) {
    let program = """
      import json, sqlite3, sys
      (path,), (sql,), (name,), subjects = json.load(sys.stdin)
      db = sqlite3.connect(path)
      salt, exposure = db.execute("SELECT salt, exposure FROM phasedb_switch WHERE name = ?", (name,)).fetchone()
      for subject in subjects:
          answer = db.execute(sql, {"name": name, "subject": subject}).fetchone()[0]
          v = salt
          for c in subject:
              v = (v * salt + ord(c)) % (2**31 - 1)
          bucket = pow(v, 2, 2**31 - 1) * 16807 % (2**31 - 1) % 10000
          print(answer, int(exposure > bucket))
      """
    let input = String(decoding: try JSONEncoder().encode([[path], [sql], [name], subjects]), as: UTF8.self)
    let lines = try run(["python3", "-c", program], input: input).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    return (lines.map { $0.first ?? "" }, lines.map { $0.last ?? "" })
  }
}
