internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

if CommandLine.arguments.first == ChildKeeper.name {
  ChildKeeper.run(Array(CommandLine.arguments.dropFirst()))
}

/// Set by an interrupt or a request to end; a run checks it between instructions of SQLite.
let stopRequest = Cancellation()

SQLiteProcess.begin()

// A reader that goes away must not end a transition half way.
FileDescriptor.ignoreClosedPipes()

let code = CommandLineTool(
  environment: ProcessInfo.processInfo.environment, cancellation: stopRequest
).run(Array(CommandLine.arguments.dropFirst()))
exit(code.rawValue)
