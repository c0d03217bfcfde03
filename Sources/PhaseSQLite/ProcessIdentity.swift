#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Identifies a process of a host, also among earlier and later processes with the same number.
package struct ProcessIdentity: Sendable, Hashable {
  package var id: Int32
  /// Differs for every start of the host; empty when it cannot be known.
  package var boot: String
  /// The space in which `id` means something: a container has its own. Empty when it cannot be known.
  package var space: String
  /// When the process started, in the units of its system: a number that is reused has another one.
  package var start: String

  package init(id: Int32, boot: String, space: String, start: String) {
    (self.id, self.boot, self.space, self.start) = (id, boot, space, start)
  }

  /// This process.
  package static var current: ProcessIdentity {
    let id = getpid()
    return ProcessIdentity(
      id: id, boot: firstLine("/proc/sys/kernel/random/boot_id"),
      space: FileReading.linkTarget(of: "/proc/self/ns/pid") ?? "", start: Process(id)?.start ?? "")
  }

  package enum Life: Sendable, Hashable { case running, ended, unknown }

  /// Whether this process still runs, as seen from another process of the same host.
  package func life(seenFrom observer: ProcessIdentity) -> Life {
    guard !boot.isEmpty, !observer.boot.isEmpty else { return .unknown }
    if boot != observer.boot { return .ended }
    guard space == observer.space else { return .unknown }
    // Signal 0 asks only whether the process exists; EPERM says that it does and is somebody else's.
    if kill(id, 0) != 0 && errno == ESRCH { return .ended }
    // Unknown when the system hides other users' processes (man 5 proc, hidepid), or the process ended just now.
    guard let found = Process(id), !start.isEmpty else { return .unknown }
    return found.hasEnded || found.start != start ? .ended : .running
  }

  /// What /proc says of a process.
  private struct Process {
    let start: String
    /// Whether it has ended, and only waits for its parent to ask how.
    let hasEnded: Bool

    /// The state is field 3 of the stat line and the start, in clock ticks since boot, field 22, both counted after the
    /// name in parentheses, which may hold anything (man 5 proc).
    init?(_ id: Int32) {
      let line = ProcessIdentity.firstLine("/proc/\(id)/stat")
      guard let close = line.lastIndex(of: ")") else { return nil }
      let fields = line[line.index(after: close)...].split(separator: " ")
      guard fields.count > 19 else { return nil }
      start = String(fields[19])
      hasEnded = fields[0] == "Z" || fields[0] == "X"
    }
  }

  private static func firstLine(_ path: String) -> String {
    guard let bytes = try? FileReading.bytes(of: path, limit: 4_096) else { return "" }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
