internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A command of the settings that answers as a probe.
package struct ProbeCommand: Sendable, Hashable {
  /// The program and its arguments; never empty.
  package var command: [String]
  /// The time after which it is ended, and its answer is unknown.
  package var timeout: Duration
  /// Whether the last line that it prints is a number.
  package var givesNumber: Bool

  private enum Key: String, CodingKey, CaseIterable { case command, timeout, number }

  package init(_ command: [String], timeout: Duration = .seconds(5), givesNumber: Bool = false) {
    (self.command, self.timeout, self.givesNumber) = (command, timeout, givesNumber)
  }

  init(_ name: AnyKey, in container: KeyedDecodingContainer<AnyKey>) throws {
    let path = "probes.\(name.stringValue)"
    let own = try container.object(
      name, of: Key.self, called: path, example: "{ \"command\": [\"bin/\(name.stringValue)\"] }")
    command = try Self.words(in: own, .command, called: "\(path).command")
    timeout = .seconds(5)
    if own.contains(.timeout) {
      guard let text = try? own.decode(String.self, forKey: .timeout), let time = DurationText.parse(text),
        time > .zero
      else {
        throw MigrationError(
          .badSettings, "'\(path).timeout' is not a duration", help: ["write for example \"5s\""])
      }
      timeout = time
    }
    givesNumber = false
    if own.contains(.number) {
      guard let flag = try? own.decode(Bool.self, forKey: .number) else {
        throw MigrationError(
          .badSettings, "'\(path).number' is not true or false", help: ["write it without quotes"])
      }
      givesNumber = flag
    }
  }

  static func words<Key: CodingKey>(
    in container: KeyedDecodingContainer<Key>, _ key: Key, called path: String
  ) throws -> [String] {
    guard let words = try? container.decode([String].self, forKey: key), let first = words.first,
      !first.isEmpty, words.allSatisfy({ !$0.contains("\0") })
    else {
      throw MigrationError(
        .badSettings, "'\(path)' is not an array of a program and its arguments",
        help: [
          "write [\"bin/program\", \"--argument\"]; it is run without a shell",
          "for a shell say so: [\"sh\", \"-c\", \"...\"]",
        ])
    }
    return words
  }
}
