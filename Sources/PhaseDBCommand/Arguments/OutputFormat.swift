/// What data is printed as.
enum OutputFormat: String, Sendable, CaseIterable {
  case text, json
  /// Annotations of GitHub Actions, for findings.
  case github
  /// The Static Analysis Results Interchange Format, version 2.1.0, for findings.
  case sarif

  /// What every verb that prints data knows.
  static let common: [OutputFormat] = [.text, .json]
}
