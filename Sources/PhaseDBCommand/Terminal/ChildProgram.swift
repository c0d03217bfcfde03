internal import CProcess

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Runs a program to its end, in a process group of its own and with its output in a file.
///
/// The program is a child of a ``ChildKeeper``, which ends it and everything it started as soon as this process ends,
/// for whatever reason.
///
/// It has unsafe expressions because posix_spawn(3) takes pointers to C strings. This program links only
/// FoundationEssentials of Foundation, which cannot start processes.
struct ChildProgram: Sendable {
  /// The program, found by PATH unless it has a slash, and its arguments.
  let words: [String]
  let environment: [String: String]
  /// Its standard input; without one it is empty.
  var input: FileDescriptor?
  /// Where its standard output and error go, one behind the other as they come.
  let output: FileDescriptor
  /// The time after which it is ended, with everything it started.
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

  /// - Parameter isCancelled: is asked repeatedly; true ends the program.
  /// - Throws: the error of starting the program.
  func run(isCancelled: () -> Bool) throws(Failure) -> End {
    let (life, report) = (try Pipe(), try Pipe())
    let keeper = try spawn(life: life.reading, report: report.writing)
    life.reading.close()
    report.writing.close()
    defer {
      // Its end of the pipe is closed with this process, too.
      life.writing.close()
      report.reading.close()
      var status: Int32 = 0
      while unsafe waitpid(keeper, &status, 0) == -1, errno == EINTR {}
    }
    let deadline = ContinuousClock.now + timeLimit
    while true {
      if let end = try Self.end(from: report.reading, within: 20) { return end }
      let isOver = ContinuousClock.now >= deadline
      guard !isOver, !isCancelled() else {
        try? life.writing.write([ChildKeeper.stop])
        _ = try? Self.end(from: report.reading, within: -1)
        return isOver ? .tookTooLong : .cancelled
      }
    }
  }

  /// Reads the keeper's report.
  ///
  /// - Parameter milliseconds: how long to wait for it; less than 0 waits until it reports or has ended.
  private static func end(from report: FileDescriptor, within milliseconds: Int32) throws(Failure) -> End? {
    guard report.isReady(within: milliseconds) else { return nil }
    // Written at once, and short enough not to come in pieces (man 7 pipe).
    let bytes = report.read(upTo: 5)
    // A keeper that was killed takes the program with it.
    guard bytes.count == 5 else { return .signalled(SIGKILL) }
    let code = Int32(bitPattern: bytes[1...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    switch ChildKeeper.Report(rawValue: bytes[0]) {
    case .exited: return .exited(code)
    case .signalled: return .signalled(code)
    case .notStarted, nil: throw Failure(code: code)
    }
  }

  private func spawn(life: FileDescriptor, report: FileDescriptor) throws(Failure) -> pid_t {
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
    if let input {
      unsafe posix_spawn_file_actions_adddup2(&actions, input.number, 0)
    } else {
      unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 2)
    unsafe posix_spawn_file_actions_adddup2(&actions, life.number, ChildKeeper.life.number)
    unsafe posix_spawn_file_actions_adddup2(&actions, report.number, ChildKeeper.report.number)
    // Signals that this process ignores or holds back would be so in the program, too.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var pipe = sigset_t()
    unsafe sigemptyset(&pipe)
    unsafe sigaddset(&pipe, SIGPIPE)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &pipe)
    // Signals to the group of this process must not reach the keeper.
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    let arguments = unsafe ([ChildKeeper.name] + words).map { unsafe strdup($0) } + [nil]
    let variables = unsafe environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
    defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
    var process: pid_t = 0
    #if os(Linux)
      // The program that runs, also when its file was replaced meanwhile (man 5 proc).
      let program = "/proc/self/exe"
    #else
      let program = CommandLine.arguments[0]
    #endif
    let code = unsafe posix_spawnp(&process, program, &actions, &attributes, arguments, variables)
    guard code == 0 else { throw Failure(code: code) }
    return process
  }

  /// Both ends of a pipe, which no other program inherits, with numbers above those that a child is given.
  struct Pipe {
    let reading: FileDescriptor
    let writing: FileDescriptor

    init() throws(Failure) {
      var ends: [Int32] = [-1, -1]
      guard unsafe phasedb_pipe(&ends) == 0 else { throw Failure(code: errno) }
      let high = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 16) }
      let failure = Failure(code: errno)
      ends.forEach { _ = close($0) }
      (reading, writing) = (FileDescriptor(number: high[0]), FileDescriptor(number: high[1]))
      guard high.allSatisfy({ $0 >= 0 }) else {
        high.filter { $0 >= 0 }.forEach { _ = close($0) }
        throw failure
      }
    }
  }
}
