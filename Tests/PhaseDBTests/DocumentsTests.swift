import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

@Suite("The documents")
struct DocumentsTests {
  @Test("show only Swift that is compiled and run by a test", arguments: ["README"] + Document.pages)
  func swift(name: String) throws {
    let tested = try String(
      contentsOf: Document.root.appending(path: "Tests/PhaseDBTests/LibraryDocumentTests.swift"),
      encoding: .utf8)
    let shown = Document.normalized(tested.components(separatedBy: "// MARK: - End of what is shown")[0])
    for block in try Document(name).blocks where block.info == "swift" {
      for paragraph in block.text.components(separatedBy: "\n\n") {
        #expect(shown.contains(Document.normalized(paragraph)), "\(name), line \(block.line):\n\(paragraph)")
      }
    }
  }

  @Test("list every error of the library, in the order of the source")
  func errors() throws {
    let sections = try Document("Errors").sections
    let library = sections.filter { $0.title != "The command line" }.flatMap(\.entries)
    #expect(library == MigrationError.ID.allCases.map(\.rawValue))
  }

  @Test("show JSON that is JSON, and describe its keys one for one")
  func json() throws {
    let document = try Document("JSONOutput")
    var shown: Set<String> = []
    for block in document.blocks where block.info == "json" {
      let object = try JSONSerialization.jsonObject(with: Data(block.text.utf8))
      let keys = JSONKeys.paths(object)
      #expect(keys.isSuperset(of: ["version", "command"]), "line \(block.line)")
      shown.formUnion(keys.map(JSONKeys.asDescribed))
    }
    let described = Set(document.firstCells)
    #expect(shown.subtracting(["version", "command"]) == described)
  }

  @Test("describe every key of the settings from the table that reads them")
  func settings() throws {
    let rows = Settings.keys.map { "| `\($0.name)` | \($0.value) | \($0.standard) | \($0.meaning) |" }
    let head = "|---|---|---|---|\n"
    let file = Document.folder.appending(path: "Settings.md")
    if ProcessInfo.processInfo.environment["PHASEDB_RECORD"] == "1" {
      let text = try Document("Settings").text
      let start = try #require(text.range(of: head)?.upperBound)
      let end = try #require(
        text.range(of: "\n\n", range: text.index(before: start)..<text.endIndex)?.lowerBound)
      try (text[..<start] + rows.joined(separator: "\n") + text[end...]).write(
        to: file, atomically: true, encoding: .utf8)
    }
    #expect(try Document("Settings").text.contains(head + rows.joined(separator: "\n") + "\n\n"))
  }

  @Test("begin with a README of at most 900 words")
  func readmeLength() throws {
    let words = try Document("README").text.split(whereSeparator: \.isWhitespace)
    #expect(words.count <= 900)
  }

  @Test("name only pages and files that are there", arguments: ["README"] + Document.pages)
  func links(name: String) throws {
    let document = try Document(name)
    for page in document.text.matches(of: #/<doc:(\w+)>/#) {
      #expect(Document.pages.contains(String(page.output.1)))
    }
    for link in document.text.matches(of: #/\]\(([^)#]+)\)/#) {
      guard !link.output.1.contains("://") else { continue }
      let file = document.folder.appending(path: String(link.output.1))
      #expect(FileManager.default.fileExists(atPath: file.path), "\(link.output.1)")
    }
  }
}

@Suite("The SQL of the documents")
struct DocumentedSQLTests {
  @Test("reads and clears a ledger as Operating says")
  func operating() throws {
    let notebook = try Notebook()
    try notebook.up(.upTo("0001"))
    try notebook.migrator().createCheckpoint("before-release", snapshotIn: notebook.path("."))
    try notebook.up(.upAll, live: "notebook@2.0", overriding: .soak)
    let connection = try notebook.connection()
    try connection.execute(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'db2', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    let blocks = try Document("Operating").blocks.filter { $0.info == "sql" }
    #expect(blocks.count == 13)
    for block in blocks {
      let rows = try connection.rows(block.text)
      let isWrite = ["DELETE", "INSERT"].contains { block.text.hasPrefix($0) }
      #expect(rows.isEmpty == isWrite, "line \(block.line)")
    }
    #expect(try connection.value("SELECT count(*) FROM phasedb_lease") == .integer(0))
    // What the documented statement writes is what a check-in writes.
    let status = try notebook.migrator().status()
    #expect(status.checkIns.map(\.description) == ["storefront 1.4.0 on web-1"])
    #expect(try #require(status.checkIns.first?.seenAt).text.count == Timestamp.now.text.count)
  }

  @Test("goes up, down and up again as WritingMigrations shows it", arguments: [false, true])
  func upDownUp(_ isRetiring: Bool) throws {
    let notebook = try Notebook(isRetiring: isRetiring)
    let names = notebook.catalog.phases.map(\.id.short)
    #expect(names == ["0001/expand", "0002/expand", "0002/migrate", "0002/contract", "0003/expand"])
    for selection in [Selection.upAll, .downAll, .upAll] {
      let result = try notebook.run(selection)
      #expect(result.done.map(\.id.short) == (selection == .downAll ? names.reversed() : names))
    }
    #expect(try notebook.migrator().verify().isClean)
  }

  @Test("keeps both columns right, whoever writes, and gives every row back", arguments: [false, true])
  func rows(_ isRetiring: Bool) throws {
    let notebook = try Notebook(isRetiring: isRetiring)
    try notebook.up(.upTo("0001"))
    let connection = try notebook.connection()
    try connection.execute(
      script: """
        INSERT INTO notes (body, written_at) VALUES ('old', '2025'), ('', '2025'), ('gone', '2025');
        INSERT INTO tags VALUES (1, 'first'), (2, 'empty');
        DELETE FROM notes WHERE body = 'gone';
        """)
    let before = try notebook.told()

    try notebook.up(.upAll, live: "notebook@1.0")
    try connection.execute("INSERT INTO notes (body, written_at) VALUES ('by 1.x', '2026')")
    try connection.execute("INSERT INTO notes (content, written_at) VALUES ('by 2.0', '2026')")
    try connection.execute("UPDATE notes SET body = 'old again' WHERE id = 1")
    #expect(try notebook.rows("SELECT id FROM notes WHERE body IS NOT content").isEmpty)
    try connection.execute("UPDATE notes SET content = 'new' WHERE id = 1")
    try connection.execute("UPDATE notes SET written_at = '2027' WHERE id = 4")
    #expect(
      try notebook.rows("SELECT id, body, content FROM notes")
        == [[1, "new", "new"], [2, "", ""], [4, "by 1.x", "by 1.x"], [5, "by 2.0", "by 2.0"]])
    try connection.execute(
      script: "UPDATE notes SET body = 'old' WHERE id = 1; DELETE FROM notes WHERE id > 3")
    try connection.execute("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'notes'")

    try notebook.up(.upAll, live: "notebook@2.0", overriding: .soak)
    let columns = try notebook.rows("SELECT group_concat(name) FROM pragma_table_info('notes')")
    let retired = "id,phasedb_retired_2_body,written_at,content"
    #expect(columns == [[.text(isRetiring ? retired : "id,written_at,content")]])
    try notebook.run(.downTo("0001"), live: "notebook@1.0")
    #expect(try notebook.told() == before)
  }

  @Test("refuses a row that would not come back, and says so by the constraint's name")
  func refusing() throws {
    let notebook = try Notebook()
    try notebook.up(.upTo("0001"))
    try notebook.up(.upTo("0002/migrate"))
    let connection = try notebook.connection()
    try connection.execute("INSERT INTO notes (body, written_at) VALUES ('kept', '2026')")
    try connection.execute(script: "DROP TRIGGER notes_body; UPDATE notes SET body = 'not copied'")
    let trigger = try #require(
      notebook.catalog[PhaseID("0002-rename-body/expand")]?.up.text
        .firstMatch(of: #/CREATE TRIGGER notes_body [\s\S]*?END;/#))
    try connection.execute(script: String(trigger.output))
    let error = #expect(throws: MigrationError.self) {
      try notebook.run(.upTo("0002/contract"), live: "notebook@2.0", overriding: .soak)
    }
    #expect(error?.id == .statementFailed)
    #expect(error?.message.contains("every body is its content") == true)
  }
}

/// The example of WritingMigrations, on a database of its own.
private final class Notebook {
  let catalog: Catalog
  private let folder: TemporaryFolder
  private var path: String { path("notebook.db") }

  func path(_ name: String) -> String { folder.path + "/" + name }

  /// - Parameter isRetiring: takes the contract that retires instead of the one that drops.
  init(isRetiring: Bool = false) throws {
    var files: [String: String] = [:]
    for block in try Document("WritingMigrations").blocks
    where block.info == "sql" && !block.text.contains("@window navidrome") {
      let name = try #require(block.before.wholeMatch(of: #/`(\d{4}-[\w-]+/\w+\.sql)`(, retiring)?/#))
      if name.output.2 == nil || isRetiring { files["migrations/\(name.output.1)"] = block.text }
    }
    folder = try TemporaryFolder(files)
    catalog = try Catalog(folder: folder.path + "/migrations")
  }

  func migrator(live: String? = nil, overriding gate: Gate? = nil) throws -> Migrator {
    try Migrator(
      database: path, catalog: catalog,
      options: Options(
        live: try live.map { [try LiveVersion($0)] } ?? [], overridden: gate.map { [$0] } ?? [],
        reason: gate.map { _ in "a test does not wait" }, mustBeRehearsed: []))
  }

  @discardableResult
  func run(_ selection: Selection, live: String? = nil, overriding gate: Gate? = nil) throws -> RunResult {
    let migrator = try migrator(live: live, overriding: gate)
    return try migrator.run(try migrator.plan(selection))
  }

  func up(_ selection: Selection, live: String? = nil, overriding gate: Gate? = nil) throws {
    let result = try run(selection, live: live, overriding: gate)
    #expect(!result.done.isEmpty)
  }

  func connection() throws -> Connection { try Connection(path: path, mode: .readWrite) }

  func rows(_ sql: String) throws -> [[Value]] { try connection().rows(sql) }

  /// Schema and rows, without the ledger's.
  func told() throws -> [[Value]] {
    let ours = "name NOT LIKE 'phasedb%'"
    return try rows(
      "SELECT name, cid, type FROM (SELECT name AS t FROM sqlite_schema WHERE type = 'table' AND \(ours)), pragma_table_info(t) ORDER BY t, cid"
    )
      + rows(
        "SELECT type, name, replace(sql, '\"', '') FROM sqlite_schema WHERE sql NOT LIKE 'CREATE TABLE%' AND \(ours) ORDER BY name"
      )
      + rows("SELECT * FROM notes ORDER BY id") + rows("SELECT * FROM tags ORDER BY note_id")
      + rows("SELECT * FROM sqlite_sequence WHERE \(ours)")
  }
}

/// The keys of a JSON document, as JSONOutput writes them: `steps[].phase`.
private enum JSONKeys {
  static func paths(_ value: Any, under path: String = "") -> Set<String> {
    switch value {
    case let object as [String: Any]:
      return object.reduce(into: []) { keys, member in
        let key = path.isEmpty ? member.key : "\(path).\(member.key)"
        keys.insert(key)
        // What these two hold is keyed by the names of applications.
        guard !["live", "liveAfter"].contains(member.key) else { return }
        keys.formUnion(paths(member.value, under: key))
      }
    case let list as [Any]: return list.reduce(into: []) { $0.formUnion(paths($1, under: path + "[]")) }
    default: return []
    }
  }

  /// A plan within another document and a checkpoint outside its list are described once.
  static func asDescribed(_ path: String) -> String {
    if path.hasPrefix("watch.") { return "watches[].\(path.dropFirst(6))" }
    if path.hasPrefix("switches[].ramp.") { return String(path.dropFirst(11)) }
    for place in ["plan.steps[].", "steps[].", "phases[].", "subjects[]."] {
      for list in ["effects[].", "kept[]."] where path.hasPrefix(place + list) {
        return String(path.dropFirst(place.count))
      }
    }
    if path.hasPrefix("plan.") { return String(path.dropFirst(5)) }
    if path.hasPrefix("gates[]") { return "held[].\(path)" }
    if path.hasPrefix("phases[].gates[]") { return "held" + path.dropFirst(6) }
    if path.hasPrefix("phases[].reversal.") { return "steps" + path.dropFirst(6) }
    if path == "snapshot" || path.hasPrefix("snapshot.") { return "checkpoints[].\(path)" }
    return ["name", "number", "at", "who", "host", "note", "reachable"].contains(path)
      ? "checkpoints[].\(path)" : path
  }
}
