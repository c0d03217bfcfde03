/// What data is printed as.
enum OutputFormat: String, Sendable, CaseIterable {
  case text, json
}
