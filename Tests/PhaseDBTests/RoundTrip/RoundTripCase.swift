import Foundation
import PhaseSQLite

@testable import PhaseDB

/// A database, changes of it in phases, and an application that writes in between, all from one number.
struct RoundTripCase {
  let seed: UInt64
  let database: RoundTripDatabase
  let changes: [RoundTripChange]
  private var random: RoundTripRandom

  init(seed: UInt64) {
    self.seed = seed
    random = RoundTripRandom(seed: seed)
    database = RoundTripDatabase(&random)
    var changes: [RoundTripChange] = []
    for table in database.tables.shuffled(using: &random.numbers).prefix(random.int(1...2)) {
      // Not every change fits every table.
      for _ in 0..<8 {
        guard let change = RoundTripChange(of: table, &random) else { continue }
        changes.append(change)
        break
      }
    }
    self.changes = changes
  }

  var title: String { changes.map(\.title).joined(separator: ", ") }

  /// The phase files, by name.
  var files: [String: String] {
    let kinds: [(Phase.Kind, (RoundTripChange) -> RoundTripChange.Ways)] = [
      (.expand, \.expand), (.migrate, \.migrate), (.contract, \.contract),
    ]
    var files: [String: String] = [:]
    for (kind, ways) in kinds {
      let ways = changes.map(ways).filter { !$0.up.isEmpty }
      guard !ways.isEmpty else { continue }
      let directives = ["@window app >=1.0", "@residual none"] + ways.flatMap(\.directives)
      files["0001-change/\(kind.rawValue).sql"] =
        directives.map { "-- \($0)\n" }.joined() + "-- @up\n" + ways.flatMap(\.up).joined(separator: "\n")
        + "\n-- @down\n" + ways.reversed().flatMap(\.down).joined(separator: "\n") + "\n"
    }
    return files
  }

  /// Up, down and up again, with writes in between.
  ///
  /// - Returns: what did not come out as promised, one sentence each.
  func run() throws -> [String] {
    guard !changes.isEmpty else { return [] }
    var random = random
    let place = try TemporaryDatabase(database.script.joined(separator: "\n"), in: .memory)
    var journal: [String] = []
    do {
      let catalog = try TemporaryFolder(files, in: .memory).catalog()
      let before = try Look(at: place)
      if catalog.phases.contains(where: { $0.id.kind == .expand }) {
        try place.run(.upTo("0001/expand"), catalog)
        journal += ["-- after 0001/expand"]
        journal += try RoundTripWrites(on: place.connect(), &random, firstKey: 100).statements
      }
      let reference = try Look(at: place)
      try place.run(.upAll, catalog)
      let up = try Look(at: place)
      journal += ["-- after all phases"]
      journal += try RoundTripWrites(on: place.connect(), &random, firstKey: 200).statements
      let written = try Look(at: place)
      try place.run(.downAll, catalog)
      let down = try Look(at: place)
      try place.run(.upAll, catalog)
      let again = try Look(at: place)

      var findings = before.schemaDifference(to: down) + up.schemaDifference(to: again)
      findings +=
        RoundTripPromise(
          changes: changes, tables: database.tables, reference: reference.contents, up: up.contents,
          written: written.contents, down: down.contents, again: again.contents
        ).broken
      if place.integrity() != "ok" { findings.append("integrity_check: \(place.integrity())") }
      return findings.isEmpty ? [] : findings + ["reproduce with \(try keep(journal))"]
    } catch {
      return ["\(error)", "reproduce with \(try keep(journal))"]
    }
  }

  /// A database at one moment.
  private struct Look {
    let schema: Schema
    let contents: RoundTripContents

    init(at place: TemporaryDatabase) throws {
      let connection = try place.connect(.readOnly)
      schema = try Schema(of: connection)
      contents = try RoundTripContents(of: connection)
    }

    func schemaDifference(to other: Look) -> [String] {
      let lines = SchemaDifference(from: schema, to: other.schema).lines.map(\.description)
      let moved = contents.columns.filter { other.contents.columns[$0.key] != $0.value }
      return lines.isEmpty && moved.isEmpty
        ? [] : ["the schema differs:"] + lines + moved.map { "columns of \($0.key): \($0.value)" }
    }
  }

  /// Writes what repeats the case by hand: the database, the migrations and what the application wrote.
  private func keep(_ journal: [String]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("phasedb-round-trip-\(seed)")
    var files = files.reduce(into: [String: String]()) { $0["migrations/\($1.key)"] = $1.value }
    files["before.sql"] = database.script.joined(separator: "\n") + "\n"
    files["writes.sql"] = journal.joined(separator: "\n") + "\n"
    files["README"] = """
      \(title)

      sqlite3 case.db < before.sql
      phasedb up -d case.db --to 0001/expand     (when there is one; then the first part of writes.sql)
      phasedb up -d case.db --live app@1.5       (then the second part of writes.sql)
      phasedb down --all -d case.db
      phasedb up -d case.db --live app@1.5

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
