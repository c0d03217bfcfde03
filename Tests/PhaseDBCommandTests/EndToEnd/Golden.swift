import Foundation
import Testing

/// What was printed, with words in place of what differs from run to run.
struct Golden {
  let text: String

  init(_ printed: String, at site: Site) {
    text =
      printed
      .replacing(site.path(""), with: "SITE/")
      .replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/#, with: "TIME")
      .replacing(#/operator@\S+/#, with: "operator@HOST")
      .replacing(#/this is SQLite 3\.\d+\.\d+/#, with: "this is SQLite 3.x")
  }
}

/// The code and the whole of what a failed command said, compared with what is expected.
func expectFailure(
  _ outcome: Outcome, _ code: Int32, _ error: String, at site: Site, name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  try? Golden(outcome.errors, at: site).text.write(
    toFile: "/tmp/e2e-golden/\(name.replacing("/", with: "-")).txt", atomically: true, encoding: .utf8)
  #expect(outcome.code == code, sourceLocation: sourceLocation)
  #expect(Golden(outcome.errors, at: site).text == error + "\n", sourceLocation: sourceLocation)
}
