internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What `--format json` prints: one object, with the version of the contract and the command beside its own keys.
enum JSONText {
  /// Increases when a key changes its meaning or is removed; new keys may appear at any time.
  static let version = 1

  /// - Parameters:
  ///   - command: the name of the verb.
  ///   - payload: a value that encodes itself as an object, without keys `version` and `command`.
  /// - Returns: the object with sorted keys, and a line end.
  static func text(command: String, _ payload: some Encodable) throws(MigrationError) -> Prose {
    try encoded(command, payload, .prettyPrinted)
  }

  /// The same on one line.
  static func line(command: String, _ payload: some Encodable) throws(MigrationError) -> Prose {
    try encoded(command, payload, [])
  }

  private static func encoded(
    _ command: String, _ payload: some Encodable, _ form: JSONEncoder.OutputFormatting
  ) throws(MigrationError) -> Prose {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [form, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    do {
      let data = try encoder.encode(Envelope(command: command, payload: payload))
      return shown(data)
    } catch {
      throw MigrationError(.outputFailed, "the result cannot be written as JSON: \(error)")
    }
  }

  /// The document with a line end. Characters that would act on a terminal are written as `\\uXXXX` (RFC 8259,
  /// section 7), which means the same to a program. Outside of its strings a document is ASCII only.
  static func shown(_ document: Data) -> Prose {
    let text = String(decoding: document, as: UTF8.self)
    guard document.contains(where: { $0 > 0x7E || $0 == UInt8(ascii: "#") }) else {
      return Prose(unescaped: text + "\n")
    }
    var shown = ""
    for scalar in text.unicodeScalars {
      // A line that has ##[ anywhere is a command of GitHub Actions, too.
      if scalar == "\n" || scalar != "#" && scalar.isVisible {
        shown.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          shown += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return Prose(unescaped: shown + "\n")
  }

  private struct Envelope<Payload: Encodable>: Encodable {
    let command: String
    let payload: Payload

    enum CodingKeys: CodingKey { case version, command }

    /// Containers of one encoder form one object, so the payload adds its keys to this one's.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(JSONText.version, forKey: .version)
      try container.encode(command, forKey: .command)
      try payload.encode(to: encoder)
    }
  }
}
