internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Handles signals that ask phasedb to stop.
///
/// It has unsafe expressions because signal sets are passed by pointer, and a handler is distinguished from "ignored"
/// by its bits.
enum StopSignals {
  /// Lets an interrupt (control-C) or a request to end stop the run between two transactions or by rolling one
  /// back, instead of ending the process where it stands. A second SIGQUIT (control-\) ends it all the same. Setting a flag
  /// and a handler is all that a handler may safely do (man 7 signal-safety).
  static func handle() {
    var wanted = sigset_t()
    _ = unsafe sigemptyset(&wanted)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
      let before = signal(number) { number in
        stopRequest.cancel()
        if number == SIGQUIT { _ = signal(SIGQUIT, SIG_DFL) }
      }
      // nohup, and a shell that starts a job in the background, have the signal ignored: that stays.
      let wasIgnored = unsafe unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
      if wasIgnored { _ = signal(number, SIG_IGN) }
      _ = unsafe sigaddset(&wanted, number)
    }
    // A program that starts phasedb may have blocked these signals, and a child inherits that.
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
  }
}
