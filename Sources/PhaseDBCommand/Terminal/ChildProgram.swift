#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A program that is run to its end, in a process group of its own and with its output in a file.
///
/// Unsafe expressions because posix_spawn(3) takes its arguments as pointers to C strings. FoundationEssentials, which is all
/// of Foundation that this program brings along, starts no processes.
struct ChildProgram: Sendable {
  /// The program, found by PATH unless it has a slash, and its arguments.
  let words: [String]
  let environment: [String: String]
  /// Where its standard output and error go, one behind the other as they come; a file there is written over.
  let output: String
  /// After which time it is told to end, with everything it started.
  let timeLimit: Duration

  enum End: Hashable {
    case exited(Int32)
    case signalled(Int32)
    case tookTooLong
    case cancelled
  }

  /// An error number of errno(3).
  struct Failure: Error, Hashable {
    let code: Int32
    var message: String { unsafe String(cString: strerror(code)) }
  }

  /// - Parameter isCancelled: is asked again and again; when it says so the program is ended.
  /// - Throws: what keeps the program from being started.
  func run(isCancelled: () -> Bool) throws(Failure) -> End {
    let process = try spawn()
    // What it left running in the background would go on using its files.
    defer { kill(-process, SIGKILL) }
    let deadline = ContinuousClock.now + timeLimit
    var pause: UInt32 = 1_000
    while true {
      if let end = Self.end(of: process, waiting: false) { return end }
      let isOver = ContinuousClock.now >= deadline
      guard !isOver, !isCancelled() else {
        Self.stop(process)
        return isOver ? .tookTooLong : .cancelled
      }
      usleep(pause)
      pause = min(pause * 2, 20_000)
    }
  }

  private func spawn() throws(Failure) -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Signals that this process ignores or holds back would be so in the program, too.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var pipe = sigset_t()
    unsafe sigemptyset(&pipe)
    unsafe sigaddset(&pipe, SIGPIPE)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &pipe)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    let variables = unsafe environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
    defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
    var process: pid_t = 0
    let code = unsafe posix_spawnp(&process, words[0], &actions, &attributes, arguments, variables)
    guard code == 0 else { throw Failure(code: code) }
    return process
  }

  /// How it ended; nil while it runs and nobody waits.
  private static func end(of process: pid_t, waiting: Bool) -> End? {
    var status: Int32 = 0
    while true {
      let found = unsafe waitpid(process, &status, waiting ? 0 : WNOHANG)
      if found == process {
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
      }
      // Nothing to wait for: a process that cannot be asked counts as one that failed.
      if found == -1, errno != EINTR { return .exited(255) }
      if found == 0 { return nil }
    }
  }

  /// Asks the whole group to end, and after two seconds makes it.
  private static func stop(_ process: pid_t) {
    kill(-process, SIGTERM)
    for _ in 0..<100 {
      if end(of: process, waiting: false) != nil { return }
      usleep(20_000)
    }
    kill(-process, SIGKILL)
    _ = end(of: process, waiting: true)
  }
}
