#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// A moment in UTC, to the millisecond, kept as the ledger writes it: `2026-01-31T12:00:00.000Z`.
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// ISO 8601 text, which sorts like the moments themselves.
  package let text: String

  /// Takes text that a ledger holds; ``date`` is nil when it is no such text.
  package init(text: String) { self.text = text }

  package init(_ date: Date) { text = date.formatted(Self.style) }

  /// The present moment by the system's clock.
  package static var now: Timestamp { Timestamp(Date()) }

  /// The moment, nil when the text is no timestamp.
  package var date: Date? { try? Self.style.parse(text) }

  /// The moment earlier by a duration; the same moment when the text is no timestamp.
  func before(_ duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    return date.map { Timestamp($0 - Double(seconds) - Double(attoseconds) / 1e18) } ?? self
  }

  /// To the minute, for people: `2026-01-31 12:00`; the whole text when it is no timestamp.
  package var minute: String {
    text.utf8.count > 16 && date != nil ? String(text.prefix(16)).replacing("T", with: " ") : text
  }

  private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.text < right.text }

  package var description: String { text }
}
