/// What `phasedb.json` says about reports.
package struct ReportSettings: Sendable, Hashable {
  /// The questions that must be proved for a check, by their numbers.
  package var required: [Int]
  /// Older evidence proves nothing.
  package var maximumAge: Duration

  package init(required: [Int] = [1, 2, 5], maximumAge: Duration = .seconds(30 * 86_400)) {
    (self.required, self.maximumAge) = (required, maximumAge)
  }

  private enum Key: String, CodingKey, CaseIterable { case require, maxAge }

  init(_ key: AnyKey, in container: KeyedDecodingContainer<AnyKey>) throws {
    self.init()
    let own = try container.object(
      key, of: Key.self, called: "report", example: "\"report\": { \"require\": [1, 2, 5] }")
    if own.contains(.require) {
      guard let numbers = try? own.decode([Int].self, forKey: .require),
        numbers.allSatisfy((1...8).contains)
      else {
        throw MigrationError(
          .badSettings, "'report.require' is not a list of numbers from 1 to 8",
          help: ["name the questions that must be proved: [1, 2, 5]"])
      }
      required = Set(numbers).sorted()
    }
    if own.contains(.maxAge) {
      guard let text = try? own.decode(String.self, forKey: .maxAge), let age = DurationText.parse(text),
        age > .zero
      else {
        throw MigrationError(
          .badSettings, "'report.maxAge' is not a duration", help: ["write for example \"30d\""])
      }
      maximumAge = age
    }
  }
}
