internal import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Who runs phases: a process of a user on a host, identified also among earlier and later processes with the same
/// number.
package struct Runner: Sendable, Hashable {
  package var user: String
  package var host: String
  package var processID: Int32
  /// Differs for every start of the host; empty when it cannot be known.
  package var bootID: String
  /// The space in which `processID` means something: a container has its own. Empty when it cannot be known.
  package var processSpace: String
  /// When the process started, in the units of its system: a number that is reused has another one.
  package var processStart: String

  package init(
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

  /// This process, as it was when it was first asked for.
  package static let current: Runner = {
    let process = ProcessInfo.processInfo
    let environment = process.environment
    let identity = ProcessIdentity.current
    return Runner(
      user: environment["USER"] ?? environment["LOGNAME"] ?? userName, host: process.hostName,
      processID: identity.id, bootID: identity.boot, processSpace: identity.space,
      processStart: identity.start)
  }()

  private static var userName: String {
    #if os(macOS) || !canImport(Darwin)
      ProcessInfo.processInfo.userName
    #else
      // ProcessInfo has no name there.
      NSUserName()
    #endif
  }

  private var identity: ProcessIdentity {
    ProcessIdentity(id: processID, boot: bootID, space: processSpace, start: processStart)
  }

  /// True when the process can no longer be running; only its own host can tell.
  func isProvablyDead(seenFrom observer: Runner) -> Bool {
    host == observer.host && identity.life(seenFrom: observer.identity) == .ended
  }

  /// Whether an observer would see the process, if it ran.
  func isVisible(from observer: Runner) -> Bool {
    host == observer.host && processSpace == observer.processSpace && !bootID.isEmpty
  }
}
