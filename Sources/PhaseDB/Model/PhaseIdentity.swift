internal import PhaseSQL
internal import PhaseSQLite
internal import Synchronization

/// The identity of a phase, worked out when somebody asks for it: hashing is a third of the cost of reading a folder.
final class KnownIdentity: Sendable, Hashable {
  private let known = Mutex<String?>(nil)

  func hash(of phase: Phase) -> String {
    known.withLock { known in
      let hash = known ?? PhaseIdentity.hash(of: phase)
      known = hash
      return hash
    }
  }

  /// Takes a hash that was worked out from the same text before.
  func take(_ hash: String) { known.withLock { $0 = hash } }

  /// It follows from what else a phase has.
  static func == (left: KnownIdentity, right: KnownIdentity) -> Bool { true }
  func hash(into hasher: inout Hasher) {}
}

/// Collects the bytes that are hashed into the identity of a phase. Each field is written with its length, and a
/// directive with the number of its fields, so that two different phases never give the same bytes.
struct PhaseIdentity {
  private var bytes: [UInt8] = []

  /// The value of ``Phase/tokenHash``.
  static func hash(of phase: Phase) -> String {
    var identity = PhaseIdentity()
    identity.add("phasedb phase 1", [phase.kind.rawValue])
    for window in phase.windows.sorted(by: { $0.application < $1.application }) {
      identity.add("window", [window.application, window.range.canonical])
    }
    for verification in phase.verifications {
      identity.add("verify", [verification.title])
      identity.add("query", verification.query)
    }
    if let residuals = phase.residuals, residuals.isEmpty { identity.add("residual", ["none"]) }
    for residual in phase.residuals ?? [] {
      identity.add("residual", [residual.audience.rawValue, residual.text])
    }
    for effect in phase.effects {
      identity.add("effects", [effect.table, effect.column, effect.audience.rawValue, effect.text])
      guard let condition = effect.condition else { continue }
      identity.add("where", Script(anything: condition, file: "", firstLine: 1))
    }
    for loss in phase.losses { identity.add("loses", [loss.table, loss.column, loss.reason]) }
    for retirement in phase.retirements {
      identity.add("retire", [retirement.table] + (retirement.column.map { [$0] } ?? []))
    }
    if let soak = phase.effectiveSoak { identity.add("soak", [DurationText.print(soak)]) }
    for need in phase.needs { identity.add("needs", [need]) }
    for (limit, duration) in phase.budget?.limits ?? [] {
      identity.add("budget", [limit, DurationText.print(duration)])
    }
    for allowance in phase.allowances {
      identity.add(
        "allow",
        [allowance.rule, allowance.application, allowance.until.canonical, allowance.reason])
    }
    if let watch = phase.watch { identity.add("watch", [watch.text]) }
    for probe in phase.probes {
      identity.add("probe", [probe.title, probe.clauses])
      if let query = probe.query { identity.add("query", query) }
      if let red = probe.red { identity.add("red", red) }
    }
    for lane in phase.lanes { identity.add("lane", [lane.lane, lane.clauses]) }
    for made in phase.switches {
      identity.add("switch", [made.name] + (made.fullFor.map { [DurationText.print($0)] } ?? []))
    }
    if let batching = phase.batching {
      identity.add("batch", [batching.table] + (batching.column.map { [$0] } ?? []))
    }
    identity.add("up", phase.up)
    identity.add("down", phase.down)
    return SHA256.hex(identity.bytes)
  }

  private mutating func add(_ directive: String, _ fields: [String]) {
    add(directive.utf8)
    add(count: fields.count)
    for field in fields { add(field.onOneLine.utf8) }
  }

  private mutating func add(_ section: String, _ script: Script) {
    add(section.utf8)
    add(SQLTokens.exactWithoutLastSemicolons(script.text))
  }

  private mutating func add(_ field: some Collection<UInt8>) {
    add(count: field.count)
    bytes += field
  }

  /// Nearly all counts take one byte, because every byte costs time to hash.
  private mutating func add(count: Int) {
    guard count >= 0xFF else { return bytes.append(UInt8(count)) }
    bytes.append(0xFF)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }
}
