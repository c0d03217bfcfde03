internal import PhaseDB
internal import PhaseSQLite

/// The claims of `@verify` that hold on a state before a version writes there.
struct Claims {
  struct Claim {
    let id: PhaseID
    let verification: Verification
  }

  private var claims: [Claim] = []

  init(of state: CompatibilityState, in catalog: Catalog, on connection: Connection) throws(MigrationError) {
    for id in state.applied {
      for verification in catalog[id]?.verifications ?? [] {
        let claim = Claim(id: id, verification: verification)
        if try claim.holds(on: connection) { claims.append(claim) }
      }
    }
  }

  func broken(on connection: Connection) throws(MigrationError) -> [Claim] {
    var broken: [Claim] = []
    for claim in claims where try !claim.holds(on: connection) { broken.append(claim) }
    return broken
  }
}

extension Claims.Claim {
  /// Whether the claim holds. It does not hold if a later phase removed what it is about.
  fileprivate func holds(on connection: Connection) throws(MigrationError) -> Bool {
    do throws(MigrationError) {
      return try verification.breakingRows(on: connection, limit: 0).count == 0
    } catch {
      guard error.id == .verifyInvalid else { throw error }
      return false
    }
  }
}
