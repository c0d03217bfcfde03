import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// The gate that asks for a rehearsal.
struct EvidenceTests {
  private func catalog(down: String = "ALTER TABLE old RENAME COLUMN b TO a") throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-first": [
        phase(.expand, "ALTER TABLE old ADD COLUMN c", down: "ALTER TABLE old DROP COLUMN c"),
        phase(.migrate, "UPDATE old SET c = a", down: "UPDATE old SET c = NULL"),
        phase(.contract, "ALTER TABLE old RENAME COLUMN a TO b", down: down),
      ],
      "0002-second": [
        phase(.contract, "ALTER TABLE old RENAME COLUMN c TO d", down: "ALTER TABLE old RENAME COLUMN d TO c")
      ],
    ])
  }

  private func database() throws -> TemporaryDatabase {
    try TemporaryDatabase("CREATE TABLE old (a); INSERT INTO old VALUES (1), (2)")
  }

  private func options(_ policy: EvidencePolicy = .contract, _ evidence: [Evidence] = []) -> Options {
    var options = Options.test(evidence: policy)
    options.evidence = evidence
    return options
  }

  @Test("without a rehearsal contracts are held, and nothing else is", arguments: EvidencePolicy.allCases)
  func policy(_ policy: EvidencePolicy) throws {
    let plan = try database().migrator(catalog(), options(policy)).plan(.upAll)
    switch policy {
    case .none: #expect(plan.held.isEmpty)
    case .contract: #expect(plan.held.map(\.id.short) == ["0001/contract", "0002/contract"])
    case .every: #expect(plan.steps.isEmpty)
    }
    for held in plan.held where held.gates[0].gate == .evidence {
      #expect(held.gates[0].reason == "it was not rehearsed on a copy of this database")
      #expect(held.gates[0].opening == "rehearse it as part of up: phasedb up --rehearse")
    }
  }

  @Test("where there is a ledger to leave evidence in, a rehearsal by itself is enough")
  func ledger() throws {
    let database = try database()
    try database.run(.up(1), catalog(), options(.none))
    let held = try database.migrator(catalog(), options(.contract)).plan(.upAll).held
    #expect(held.map { $0.gates[0].opening } == held.map { _ in "rehearse it: phasedb rehearse" })
    #expect(!held.isEmpty)
  }

  @Test("a database without tables asks for none")
  func fresh() throws {
    let database = try TemporaryDatabase()
    let catalog = try PhaseDBTests.catalog(["0001-a": [table("a"), nothing(.contract)]])
    #expect(try database.run(.upAll, catalog, options(.every)) == ["0001/expand", "0001/contract"])
  }

  @Test(
    "a rehearsal of everything that is pending lets all of it go up in that order",
    arguments: [
      EvidencePolicy.contract, .every,
    ])
  func whole(_ policy: EvidencePolicy) throws {
    let database = try database()
    try database.run(.up(1), catalog(), options(.none))
    let migrator = try database.migrator(catalog(), options(policy))
    try migrator.record(migrator.rehearse().evidence)
    #expect(try migrator.status().pending.map(\.evidence?.verdict) == [.exact, .exact, .exact])
    #expect(
      try migrator.run(migrator.plan(.upAll)).done.map(\.id.short) == [
        "0001/migrate", "0001/contract", "0002/contract",
      ])
    #expect(try migrator.status().applied.map(\.evidence?.verdict) == [nil, .exact, .exact, .exact])
    #expect(try migrator.brokenLogEntries().isEmpty)
    #expect(try migrator.verify().isClean)
    // Down and up again is the same schema, so the evidence holds.
    try migrator.run(migrator.plan(.down(3)))
    #expect(try migrator.plan(.upAll).held.isEmpty)
  }

  @Test(
    "evidence that the operator brings opens the gate where there is no ledger yet, and is recorded with the phase"
  )
  func brought() throws {
    let database = try database()
    let evidence = try database.migrator(catalog(), options()).rehearse().evidence
    let missing = migrationError { try database.migrator(catalog()).record(evidence) }
    #expect(missing?.id == .ledgerMissing)
    let file = database.folder.path + "/evidence.json"
    try Evidence.write(evidence, to: file)
    let read = try Evidence.read(file)
    #expect(read == evidence)
    #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
    #expect(try database.run(.upAll, catalog(), options(.contract, read)).count == 4)
    #expect(try database.value("SELECT count(*) FROM phasedb_evidence") == 4)
    #expect(try database.migrator(catalog()).log().filter { $0.action == "rehearse" }.count == 4)
  }

  @Test("evidence of another text of the phase is refused by its own name")
  func otherText() throws {
    let database = try database()
    let evidence = try database.migrator(catalog(), options()).rehearse().evidence
    let edited = try catalog(down: "ALTER TABLE old RENAME COLUMN b TO a; SELECT 1")
    let error = migrationError { try database.migrator(edited, options(.contract, evidence)).plan(.upAll) }
    #expect(error?.id == .evidenceOtherPhase)
    #expect(error?.message.contains("was of a different text of the phase") == true)
    let named = migrationError {
      try database.migrator(edited, options(.contract, evidence)).plan(.upTo("0001/contract"))
    }
    #expect(named?.id == .evidenceOtherPhase)
  }

  @Test("evidence of another schema is refused by its own name")
  func otherSchema() throws {
    let rehearsed = try database()
    let evidence = try rehearsed.migrator(catalog(), options()).rehearse().evidence
    let database = try TemporaryDatabase("CREATE TABLE old (a); CREATE TABLE more (x)")
    try database.run(.up(2), catalog(), options(.none))
    let error = migrationError { try database.migrator(catalog(), options(.contract, evidence)).plan(.upAll) }
    #expect(error?.id == .evidenceOtherSchema)
    #expect(error?.help.contains { $0.contains("--override evidence") } == true)
  }

  @Test("in the ledger evidence of another schema holds the phase and nothing before it")
  func heldInLedger() throws {
    let database = try database()
    try database.run(.up(1), catalog(), options(.none))
    let migrator = try database.migrator(catalog(), options())
    try migrator.record(migrator.rehearse(.phase("0001/contract")).evidence)
    // What comes before it was not rehearsed; but a migrate changes no schema.
    #expect(try migrator.plan(.upAll).steps.map(\.id.short) == ["0001/migrate", "0001/contract"])
    try database.run("CREATE TABLE more (x)")
    let plan = try database.migrator(
      catalog(), Options.test(override: [.drift], reason: "x", evidence: .contract)
    ).plan(.upAll)
    #expect(plan.held.map(\.id.short) == ["0001/contract", "0002/contract"])
    #expect(plan.held[0].gates[0].reason.hasSuffix("was on another schema"))
  }

  @Test("a phase that was rehearsed alone goes up behind those that lead to its schema")
  func alone() throws {
    let database = try database()
    let migrator = try database.migrator(catalog(), options())
    migrator.options.evidence = try migrator.rehearse(.phase("0001/contract")).evidence
    let plan = try migrator.plan(.upTo("0001/contract"))
    #expect(plan.steps.map(\.id.short) == ["0001/expand", "0001/migrate", "0001/contract"])
    #expect(try migrator.run(plan).done.count == 3)
  }

  @Test("where they lead to another schema, its evidence does not count")
  func aloneElsewhere() throws {
    let database = try database()
    let migrator = try database.migrator(catalog(), options())
    migrator.options.evidence = try migrator.rehearse(.phase("0001/contract")).evidence
    try database.run("CREATE TABLE more (x)")
    let plan = try migrator.plan(.upAll)
    #expect(plan.steps.map(\.id.short) == ["0001/expand", "0001/migrate"])
    #expect(plan.held[0].gates[0].reason.contains("the phases before it were not rehearsed"))
  }

  @Test(
    "a lossy or failed rehearsal holds the phase, and says why",
    arguments: [
      (
        "ALTER TABLE old RENAME COLUMN b TO a; INSERT INTO old (a) VALUES ('left'), ('over')",
        "2 rows did not come back"
      ), ("SELECT 1", "failed"),
    ])
  func unproven(_ down: String, _ reason: String) throws {
    let database = try database()
    try database.run(.up(2), catalog(down: down), options(.none))
    let migrator = try database.migrator(catalog(down: down), options())
    let report = try migrator.rehearse()
    try migrator.record(report.evidence)
    let error = migrationError { try migrator.plan(.upTo("0001/contract")) }
    #expect(error?.id == .phaseHeld)
    #expect(error?.message.contains(reason) == true)
  }

  @Test("the gate can be passed with a reason, which stays in the log")
  func overridden() throws {
    let database = try database()
    let options = Options.test(override: [.evidence], reason: "the building burns", evidence: .every)
    #expect(try database.run(.upAll, catalog(), options).count == 4)
    #expect(
      try database.value("SELECT detail FROM phasedb_log WHERE action = 'override' AND subject = 'evidence'")
        == "the building burns")
  }

  @Test("the schema is asked again under the lock")
  func underTheLock() throws {
    let database = try database()
    let migrator = try database.migrator(catalog(), options())
    var evidence = try migrator.rehearse().evidence
    // What the first phase is said to lead to is not what it leads to.
    let first = evidence[0]
    evidence[0] = Evidence(
      phase: first.phase, tokenHash: first.tokenHash, verdict: first.verdict, at: first.at, who: first.who,
      host: first.host, phasedb: first.phasedb, sqlite: first.sqlite, times: first.times,
      detailText: first.detailText,
      schemaBefore: first.schemaBefore, schemaAfter: .empty)
    evidence = evidence.map { item in
      item.phase.kind != .contract
        ? item
        : Evidence(
          phase: item.phase, tokenHash: item.tokenHash, verdict: item.verdict, at: item.at, who: item.who,
          host: item.host, phasedb: item.phasedb, sqlite: item.sqlite, times: item.times,
          detailText: item.detailText,
          schemaBefore: .empty, schemaAfter: .empty)
    }
    migrator.options.evidence = evidence
    let plan = try migrator.plan(.upTo("0001/contract"))
    let error = migrationError { try migrator.run(plan) }
    #expect(error?.id == .evidenceOtherSchema)
    #expect(error?.standing == .partWay)
    #expect(try database.applied() == ["0001/expand", "0001/migrate"])
  }

  @Test("recording again takes the place of what it supersedes")
  func superseded() throws {
    let database = try database()
    try database.run(.up(2), catalog(), options(.none))
    let migrator = try database.migrator(catalog(), options())
    for _ in 1...3 { try migrator.record(migrator.rehearse().evidence) }
    #expect(try database.value("SELECT count(*) FROM phasedb_evidence") == 2)
    #expect(try database.value("SELECT count(*) FROM phasedb_log WHERE action = 'rehearse'") == 6)
    let edited = try database.migrator(
      catalog(down: "ALTER TABLE old RENAME COLUMN b TO a; SELECT 1"), options())
    try edited.record(edited.rehearse(.phase("0001/contract")).evidence)
    #expect(try database.value("SELECT count(*) FROM phasedb_evidence") == 2)
  }

  @Test(
    "a file that is no evidence is refused",
    arguments: [
      "", "{", "[]", "{}", #"{"version": 1}"#, #"{"version": 2, "evidence": []}"#,
      #"{"version": 1, "evidence": [{"phase": "x"}]}"#,
    ])
  func damaged(_ text: String) throws {
    let folder = try TemporaryFolder(["evidence.json": text])
    let error = migrationError { try Evidence.read(folder.path + "/evidence.json") }
    #expect(error?.id == .evidenceInvalid)
    #expect(error?.state == "nothing was changed")
  }

  @Test(
    "a file with one word changed is refused",
    arguments: [
      ("\"exact\"", "\"perfect\""), ("0001-first/expand", "0001-first/expanse"),
      ("\"schemaBefore\" : \"", "\"schemaBefore\" : \"0"),
      ("\"rowsUp\"", "\"rows\""),
    ])
  func changed(_ word: String, _ other: String) throws {
    let database = try database()
    let file = database.folder.path + "/evidence.json"
    try Evidence.write(database.migrator(catalog()).rehearse().evidence, to: file)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try #require(text.contains(word))
    try text.replacing(word, with: other, maxReplacements: 1).write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(migrationError { try Evidence.read(file) }?.id == .evidenceInvalid)
  }
}
