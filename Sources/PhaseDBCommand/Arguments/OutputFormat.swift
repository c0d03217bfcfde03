/// What data is printed as.
enum OutputFormat: String, Sendable, CaseIterable {
  case text, json
  /// Annotations of GitHub Actions, for findings.
  case github
  /// The Static Analysis Results Interchange Format, version 2.1.0, for findings.
  case sarif
  /// A table or a page for a pull request.
  case markdown
  /// A page for a browser, in one file.
  case html
  /// Test cases as JUnit's Ant task writes them, which every CI reads.
  case junit
  /// Rows for a spreadsheet.
  case csv

  /// What every verb that prints data knows.
  static let common: [OutputFormat] = [.text, .json]
}
