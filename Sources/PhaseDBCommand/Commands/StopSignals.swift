internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Requests to stop that come from outside.
enum StopSignals {
  /// Lets an interrupt (control-C) or a request to end stop the run between two transactions or by rolling one
  /// back, instead of ending the process where it stands. Setting a flag is all a handler may safely do.
  static func handle() {
    for number in [SIGINT, SIGTERM, SIGHUP] { _ = signal(number) { _ in stopRequest.cancel() } }
  }
}
