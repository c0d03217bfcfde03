internal import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Who runs phases: a process of a user on a host. It can be told from earlier and later processes with the same
/// number.
package struct Runner: Sendable, Hashable {
  package var user: String
  package var host: String
  package var processID: Int32
  /// An id that changes with every start of the host; empty when it is unknown.
  package var bootID: String
  /// The namespace of `processID`, because a container has its own; empty when it is unknown.
  package var processSpace: String
  /// When the process started, in the units of its system. A later process with the same number has another value.
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
      // On iOS, tvOS, watchOS and visionOS ProcessInfo has no user name.
      NSUserName()
    #endif
  }

  private var identity: ProcessIdentity {
    ProcessIdentity(id: processID, boot: bootID, space: processSpace, start: processStart)
  }

  /// Whether the process has certainly ended. Only its own host can know that.
  func isProvablyDead(seenFrom observer: Runner) -> Bool {
    host == observer.host && identity.life(seenFrom: observer.identity) == .ended
  }

  /// Whether an observer would see the process, if it ran.
  func isVisible(from observer: Runner) -> Bool {
    host == observer.host && processSpace == observer.processSpace && !bootID.isEmpty
  }
}
