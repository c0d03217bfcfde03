/// Every claim of a phase can be checked on the schema that the phase leaves.
enum VerifyInvalid: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    trial.invalidClaims.map { Finding($0, in: trial.id) }
  }
}
