#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Who runs phases: a process of a user on a host, with what tells it from every other process before and after it.
public struct Runner: Sendable, Hashable {
  public var user: String
  public var host: String
  public var processID: Int32
  /// Differs for every start of the host; empty when it cannot be known.
  public var bootID: String
  /// The space in which `processID` means something: a container has its own. Empty when it cannot be known.
  public var processSpace: String
  /// When the process started, in the units of its system: a number that is reused has another one.
  public var processStart: String

  public init(
    user: String, host: String, processID: Int32, bootID: String = "", processSpace: String = "",
    processStart: String = ""
  ) {
    self.user = user
    self.host = host
    self.processID = processID
    self.bootID = bootID
    self.processSpace = processSpace
    self.processStart = processStart
  }

  /// This process.
  public static var current: Runner {
    let process = ProcessInfo.processInfo
    let environment = process.environment
    return Runner(
      user: environment["USER"] ?? environment["LOGNAME"] ?? process.userName,
      host: process.hostName,
      processID: process.processIdentifier,
      bootID: firstLine("/proc/sys/kernel/random/boot_id"),
      processSpace: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "",
      processStart: start(of: process.processIdentifier))
  }

  /// True when the process this names can no longer be running, which only its own host can tell.
  func isProvablyDead(seenFrom observer: Runner) -> Bool {
    guard host == observer.host, !bootID.isEmpty, !observer.bootID.isEmpty else { return false }
    if bootID != observer.bootID { return true }
    guard processSpace == observer.processSpace else { return false }
    // Signal 0 asks only whether the process exists; EPERM says that it does and is somebody else's.
    if kill(processID, 0) != 0 && errno == ESRCH { return true }
    // Unknown when the system hides other users' processes (man 5 proc, hidepid), or the process ended just now.
    let start = Self.start(of: processID)
    return !start.isEmpty && !processStart.isEmpty && start != processStart
  }

  /// Whether an observer would see the process, if it ran.
  func isVisible(from observer: Runner) -> Bool {
    host == observer.host && processSpace == observer.processSpace && !bootID.isEmpty
  }

  /// The start time of a process in clock ticks since boot: field 22 of its stat line, counted after the name in
  /// parentheses, which may hold anything (man 5 proc).
  private static func start(of processID: Int32) -> String {
    let line = firstLine("/proc/\(processID)/stat")
    guard let close = line.lastIndex(of: ")") else { return "" }
    let fields = line[line.index(after: close)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : ""
  }

  private static func firstLine(_ path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
