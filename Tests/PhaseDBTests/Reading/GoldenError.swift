import PhaseDB

extension MigrationError {
  /// The fields of an error in a form that a test can hold as text: the sentence with its place, the excerpt
  /// with its caret, then details and help.
  var golden: String {
    var lines = [description]
    if let place, let excerpt = place.excerpt {
      lines.append("| " + excerpt)
      lines.append(
        "| " + String(repeating: " ", count: place.column - 1) + String(repeating: "^", count: place.length))
    }
    return (lines + details.map(\.description) + help.map { "help: \($0)" }).joined(separator: "\n")
  }
}
