import CSQLite
import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What the page Switches shows.
@Suite("The page of switches")
struct SwitchDocumentTests {
  @Test("shows the query as it is")
  func query() throws {
    let shown = try Document("Switches").blocks.filter { $0.info == "sql" }
    #expect(shown.map(\.text) == [SwitchQuery.sql])
  }

  @Test("the directives that it shows can be read")
  func directives() throws {
    let shown = try Document("Switches").blocks.filter { $0.info == "text" }
    for (block, kind) in zip(shown, [Phase.Kind.expand, .contract]) {
      let text = "-- @window app >=1.0\n\(block.text)\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n"
      #expect(try PhaseFile.read(text, file: "x.sql", kind: kind).switches.map(\.name) == ["new-pricing"])
    }
    #expect(shown.count == 2)
  }

  @Test("asks from Python and Swift as it shows, and gets the same answers")
  func languages() throws {
    let database = try SwitchQueryTests.database("new-pricing")
    let connection = try database.connect()
    try SwitchQueryTests.set(5_000, connection)
    let subjects = SwitchQueryTests.golden.map(\.subject)
    let expected = try subjects.map { subject in
      try SwitchQueryTests.ask(connection, .text(subject), "new-pricing") == [1]
    }
    #expect(Set(expected).count == 2)

    var handle: OpaquePointer?
    let code = unsafe sqlite3_open(database.path, &handle)
    defer { unsafe sqlite3_close(handle) }
    guard code == SQLITE_OK, let handle = unsafe handle else { throw CocoaError(.fileReadUnknown) }
    let swift = (subjects + ["none"]).map { subject in
      unsafe isOn(subject == "none" ? "none" : "new-pricing", for: subject, in: handle)
    }
    #expect(swift == expected + [false])

    let python = try #require(try Document("Switches").blocks.first { $0.info == "python" }).text
    let program = """
      import json, sqlite3, sys
      (path,), (QUERY,), subjects = json.load(sys.stdin)
      \(python)
      database = sqlite3.connect(path)
      for subject in subjects:
          print(int(is_on(database, "new-pricing", subject)), int(is_on(database, "none", subject)))
      """
    let input = String(
      decoding: try JSONEncoder().encode([[database.path], [SwitchQuery.sql], subjects]), as: UTF8.self)
    let answers = try Foreign.run(["python3", "-c", program], input: input)
    #expect(answers == expected.map { "\($0 ? 1 : 0) 0\n" }.joined())
  }

  @Test("describes every command of its table, and every key and end that it names")
  func table() throws {
    let document = try Document("Switches")
    let ends = RampRecord.Verdict.allCases.map(\.rawValue).filter { $0 != "ramping" }
    #expect(Set(ends).isSubset(of: Set(document.firstCells)))
    #expect(Settings.keys.contains { $0.name == "switchSettle" } && document.text.contains("`switchSettle`"))
  }
}
