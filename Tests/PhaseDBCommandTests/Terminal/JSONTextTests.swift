import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("JSON")
struct JSONTextTests {
  private struct Payload: Encodable {
    let phases: [String]
    let applied: Int
    let at: Date
    let note: String?
  }

  @Test("has version and command beside the payload's keys, sorted")
  func flat() throws {
    let payload = Payload(
      phases: ["0001/expand"], applied: 1, at: Date(timeIntervalSince1970: 1_767_225_600), note: nil)
    let text = try JSONText.text(command: "checkpoint list", payload)
    #expect(
      text == """
        {
          "applied" : 1,
          "at" : "2026-01-01T00:00:00Z",
          "command" : "checkpoint list",
          "phases" : [
            "0001/expand"
          ],
          "version" : 1
        }

        """)
  }

  @Test("says why a value cannot be written")
  func unwritable() {
    #expect {
      try JSONText.text(command: "status", ["seconds": Double.nan])
    } throws: { error in
      "\(error)".hasSuffix("[output-failed]")
    }
  }
}
