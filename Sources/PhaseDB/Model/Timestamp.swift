#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// A moment in UTC, to the millisecond, kept as the ledger writes it: `2026-01-31T12:00:00.000Z`.
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// ISO 8601 text, which sorts like the moments themselves.
  package let text: String

  /// Takes text from a ledger; ``date`` is nil when the text is not a timestamp.
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
    var bytes = Array(text.utf8.prefix(Self.form.count))
    let isTimestamp = bytes.elementsEqual(Self.form) { byte, form in
      form == UInt8(ascii: "0") ? UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte : byte == form
    }
    guard isTimestamp, text.utf8.count > bytes.count else { return text }
    bytes[10] = UInt8(ascii: " ")
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let form = Array("0000-00-00T00:00".utf8)

  private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.text < right.text }

  package var description: String { text }
}

extension Timestamp {
  /// How many whole seconds lie between a moment and this one; nil when one of them is no timestamp.
  package func seconds(since other: Timestamp) -> Int? {
    guard let date, let earlier = other.date else { return nil }
    return Int(date.timeIntervalSince(earlier))
  }

  /// In seconds since 1970; nil when the text is no timestamp.
  package var seconds: Int? { date.map { Int($0.timeIntervalSince1970) } }

  package init(seconds: Int) { self.init(Date(timeIntervalSince1970: Double(seconds))) }
}
