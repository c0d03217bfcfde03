internal import PhaseSQLite

/// A switch: a row of `phasedb_switch`, with the number of pinned subjects.
package struct SwitchRecord: Sendable, Hashable {
  package let name: String
  package let exposure: Exposure
  let salt: Int64
  /// Since when it has been on for everybody; nil while it is not.
  package let fullSince: Timestamp?
  /// When it was last closed; nil while it is open, and when it was never open.
  package let closedAt: Timestamp?
  package let changedAt: Timestamp
  package let changedBy: String
  package let reason: String
  package let pinnedOn: Int
  package let pinnedOff: Int

  /// Whether it is on for at least one subject.
  package var isOpen: Bool { exposure > .none || pinnedOn > 0 }

  /// The reason in the log when a contract turns it on for everybody.
  static func reason(openedBy id: PhaseID) -> String { "\(id.short) took the other way away" }

  /// `25 %`, `0 %, 2 pinned on`.
  package var standing: Prose {
    let pins: [Prose] = [(pinnedOn, "on"), (pinnedOff, "off")].compactMap { count, word in
      count == 0 ? nil : "\(CountText.text(count)) pinned \(word)"
    }
    return (["\(exposure)"] + pins).joined(separator: ", ")
  }
}

/// A pinned subject: the switch is on or off for it, whatever its exposure.
package struct SwitchMember: Sendable, Hashable {
  package let subject: String
  package let isOn: Bool
  package let reason: String

  /// Subjects in one line.
  static func list(_ subjects: [String]) -> String {
    let more = subjects.count > 20 ? " and \(subjects.count - 20) more" : ""
    return subjects.prefix(20).joined(separator: ", ") + more
  }
}

/// The switches of a ledger: the tables `phasedb_switch` and `phasedb_switch_member`.
struct SwitchRecords: LedgerTable {
  let ledger: Ledger

  /// Every switch by its name; empty in a ledger of an older format.
  func all() throws(SQLiteError) -> [SwitchRecord] { try read("ORDER BY s.name", []) }

  /// Whether there is a switch. If there is none, no phase text needs to be read.
  func hasAny() throws(SQLiteError) -> Bool {
    guard format >= 5 else { return false }
    return try connection.value("SELECT 1 FROM phasedb_switch LIMIT 1") != nil
  }

  /// The switch of that name; nil when there is none.
  func named(_ name: String) throws(SQLiteError) -> SwitchRecord? {
    try read("WHERE s.name = ?1", [.text(name)]).first
  }

  private func read(_ which: String, _ values: [Value]) throws(SQLiteError) -> [SwitchRecord] {
    guard format >= 5 else { return [] }
    var rows = try connection.prepare(
      """
      SELECT s.name, exposure, salt, full_since, closed_at, changed_at, changed_by, reason,
        (SELECT count(*) FROM phasedb_switch_member m WHERE m.name = s.name AND "on" = 1),
        (SELECT count(*) FROM phasedb_switch_member m WHERE m.name = s.name AND "on" = 0)
      FROM phasedb_switch AS s \(which)
      """)
    try rows.bind(values)
    var switches: [SwitchRecord] = []
    while try rows.step() {
      switches.append(
        SwitchRecord(
          name: rows.text(at: 0), exposure: Exposure(hundredths: Int(rows.integer(at: 1))),
          salt: rows.integer(at: 2),
          fullSince: rows.isNull(at: 3) ? nil : Timestamp(text: rows.text(at: 3)),
          closedAt: rows.isNull(at: 4) ? nil : Timestamp(text: rows.text(at: 4)),
          changedAt: Timestamp(text: rows.text(at: 5)), changedBy: rows.text(at: 6), reason: rows.text(at: 7),
          pinnedOn: Int(rows.integer(at: 8)), pinnedOff: Int(rows.integer(at: 9))))
    }
    return switches
  }

  /// The pinned subjects, by name.
  func members(of name: String) throws(SQLiteError) -> [SwitchMember] {
    guard format >= 5 else { return [] }
    var rows = try connection.prepare(
      #"SELECT subject, "on", reason FROM phasedb_switch_member WHERE name = ?1 ORDER BY subject"#)
    try rows.bind([.text(name)])
    var members: [SwitchMember] = []
    while try rows.step() {
      members.append(
        SwitchMember(subject: rows.text(at: 0), isOn: rows.integer(at: 1) == 1, reason: rows.text(at: 2)))
    }
    return members
  }

  /// The applied phases that make a switch or wait for one, with their texts.
  func phases(
    among applied: [AppliedPhase]
  ) throws(MigrationError) -> [(applied: AppliedPhase, phase: Phase)] {
    let found = try lifting("reading the ledger") { () in
      try connection.rows("SELECT sequence FROM phasedb_phase WHERE instr(declarations, '-- @switch ') > 0")
        .compactMap { $0[0].integer }
    }
    guard !found.isEmpty else { return [] }
    var phases: [(applied: AppliedPhase, phase: Phase)] = []
    for phase in applied where found.contains(phase.sequence) {
      phases.append((phase, try ledger.phases.text(of: phase)))
    }
    return phases.filter { !$0.phase.switches.isEmpty }
  }

  // MARK: Changing them. Everything belongs into a transaction.

  /// Updates switches when a phase is recorded as applied. An expand makes its switches, off for everybody. A
  /// contract removes what subjects with the switch off need, so its switches are on for everybody from then on.
  func apply(
    _ phase: Phase, _ id: PhaseID, by runner: Runner, at time: Timestamp
  ) throws(SQLiteError) {
    for name in phase.switchesMade {
      // An earlier switch of that name has nothing to do with this phase.
      try forget(name)
      try connection.execute(
        "INSERT INTO phasedb_switch VALUES (?1, 0, ?2, 1, NULL, NULL, ?3, ?4, ?5)", .text(name),
        .integer(Int64.random(in: 65_536...2_147_483_646)), .text(time.text),
        .text("\(runner.user)@\(runner.host)"), .text("made by \(id.short)"))
      try ledger.log(.switch, subject: name, detail: "made by \(id.short)", by: runner, at: time)
    }
    for required in phase.switchesRequired {
      guard let present = try named(required.name), present.fullSince == nil else { continue }
      let pins = try unpin(false, of: required.name)
      try change(
        present, to: .full, pins: pins, reason: SwitchRecord.reason(openedBy: id), by: runner, at: time)
    }
  }

  /// Removes the switches that a phase made, when it comes down. An application that asks then gets no row, which
  /// means off.
  func remove(of phase: Phase, _ id: PhaseID, by runner: Runner, at time: Timestamp)
    throws(SQLiteError)
  {
    guard format >= 5 else { return }
    for name in phase.switchesMade {
      guard let present = try named(name) else { continue }
      try forget(name)
      try ledger.log(
        .switch, subject: name, detail: "removed with \(id.short): it was at \(present.standing.raw)",
        by: runner, at: time)
    }
  }

  private func forget(_ name: String) throws(SQLiteError) {
    for table in ["phasedb_switch", "phasedb_switch_member", "phasedb_ramp"] {
      try connection.execute("DELETE FROM \(table) WHERE name = ?1", .text(name))
    }
  }

  /// Removes all pins that keep subjects on, or all that keep them off.
  ///
  /// - Returns: the subjects that were pinned, for the log.
  private func unpin(_ isOn: Bool, of name: String) throws(SQLiteError) -> String {
    let subjects = try members(of: name).filter { $0.isOn == isOn }.map(\.subject)
    guard !subjects.isEmpty else { return "" }
    try connection.execute(
      #"DELETE FROM phasedb_switch_member WHERE name = ?1 AND "on" = ?2"#, .text(name),
      .integer(isOn ? 1 : 0))
    return ", no longer pinned \(isOn ? "on" : "off"): \(SwitchMember.list(subjects))"
  }

  /// Changes the exposure of a switch, and ends its ramp.
  ///
  /// - Parameters:
  ///   - pins: the text for the log about pins that were removed with it.
  ///   - isRamp: whether its own ramp makes the change.
  func change(
    _ present: SwitchRecord, to exposure: Exposure, pins: String = "", reason: String, by runner: Runner,
    at time: Timestamp,
    isRamp: Bool = false
  ) throws(SQLiteError) {
    try connection.execute(
      "UPDATE phasedb_switch SET exposure = ?2, changed_at = ?3, changed_by = ?4, reason = ?5 WHERE name = ?1",
      .text(present.name), .integer(Int64(exposure.hundredths)), .text(time.text),
      .text("\(runner.user)@\(runner.host)"), .text(reason))
    try settleTimes(of: present, at: time)
    if !isRamp { try ledger.ramps.end(of: present.name, "it was set to \(exposure)", at: time) }
    try ledger.log(
      .switch, subject: present.name,
      detail: "\(present.exposure) to \(exposure)\(pins)\(reason.isEmpty ? "" : ": \(reason)")", by: runner,
      at: time
    )
  }

  /// Closes a switch: it is off for everybody, also for pinned subjects.
  ///
  /// - Returns: false when it was already closed and nothing changed.
  @discardableResult
  func close(
    _ present: SwitchRecord, reason: String, by runner: Runner, at time: Timestamp, isRamp: Bool = false
  ) throws(SQLiteError) -> Bool {
    guard present.isOpen else { return false }
    let pins = try unpin(true, of: present.name)
    try connection.execute(
      "UPDATE phasedb_switch SET exposure = 0, changed_at = ?2, changed_by = ?3, reason = ?4 WHERE name = ?1",
      .text(present.name), .text(time.text), .text("\(runner.user)@\(runner.host)"), .text(reason))
    try settleTimes(of: present, at: time)
    if !isRamp { try ledger.ramps.end(of: present.name, "it was closed", at: time) }
    try ledger.log(
      .switch, subject: present.name,
      detail: "closed at \(present.exposure)\(pins)\(reason.isEmpty ? "" : ": \(reason)")", by: runner,
      at: time)
    return true
  }

  /// Pins a subject on or off, or removes its pin.
  func pin(
    _ subject: String, _ isOn: Bool?, of present: SwitchRecord, reason: String, by runner: Runner,
    at time: Timestamp
  ) throws(SQLiteError) {
    if let isOn {
      try connection.execute(
        "INSERT OR REPLACE INTO phasedb_switch_member VALUES (?1, ?2, ?3, ?4)", .text(present.name),
        .text(subject), .integer(isOn ? 1 : 0), .text(reason))
    } else {
      try connection.execute(
        "DELETE FROM phasedb_switch_member WHERE name = ?1 AND subject = ?2", .text(present.name),
        .text(subject))
    }
    try settleTimes(of: present, at: time)
    let what = isOn.map { $0 ? "pinned on" : "pinned off" } ?? "unpinned"
    try ledger.log(
      .switch, subject: present.name, detail: "\(what): \(subject)\(reason.isEmpty ? "" : ", \(reason)")",
      by: runner, at: time)
  }

  /// Updates `full_since` and `closed_at` after a change.
  ///
  /// - Parameter before: the switch before the change.
  private func settleTimes(of before: SwitchRecord, at time: Timestamp) throws(SQLiteError) {
    let pinned = "EXISTS (SELECT 1 FROM phasedb_switch_member m WHERE m.name = s.name AND \"on\" = "
    try connection.execute(
      """
      UPDATE phasedb_switch AS s SET
        full_since = CASE WHEN exposure = 10000 AND NOT \(pinned)0) THEN coalesce(full_since, ?2) END,
        closed_at = CASE WHEN exposure > 0 OR \(pinned)1) THEN NULL WHEN ?3 THEN ?2 ELSE closed_at END
      WHERE name = ?1
      """, .text(before.name), .text(time.text), .integer(before.isOpen ? 1 : 0))
  }

  // MARK: Asking

  /// The answer that an application gets for a subject, and the bucket of the subject; nil when there is no such
  /// switch.
  func answer(
    _ name: String, _ subject: String
  ) throws(SQLiteError) -> (isOn: Bool, bucket: Int, pin: Bool?)? {
    guard format >= 5, try named(name) != nil else { return nil }
    func ask(_ sql: String) throws(SQLiteError) -> Value? {
      var query = try connection.prepare(sql)
      try query.bind(.text(name), to: ":name")
      try query.bind(.text(subject), to: ":subject")
      return try query.step() ? query.value(at: 0) : nil
    }
    let pin = try connection.value(
      #"SELECT "on" FROM phasedb_switch_member WHERE name = ?1 AND subject = ?2"#, .text(name),
      .text(subject))
    return (
      try ask(SwitchQuery.sql)?.integer == 1, Int(try ask(SwitchQuery.bucket)?.integer ?? 0),
      pin?.integer.map { $0 == 1 }
    )
  }
}
