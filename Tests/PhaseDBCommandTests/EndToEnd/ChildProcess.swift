import Foundation

/// A process that was started with files for its standard streams, and is waited for on a thread of its own.
///
/// Not Foundation's `Process`: before it starts a program it lists the open files and reads past the end of what
/// readdir(3) gave it, which now and then ends the tests, and it leaves signals blocked in the program.
final class ChildProcess: Sendable {
  /// Where a standard stream comes from or goes to.
  enum Stream {
    case file(String)
    /// A descriptor of this process.
    case descriptor(Int32)
  }

  struct Failure: Error {
    let what: String
    let code: Int32
  }

  private let id: pid_t
  private let end = End()

  init(
    _ program: String, _ arguments: [String], in folder: String, environment: [String: String], input: Stream,
    output: Stream, error: Stream
  ) throws {
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
    for (number, stream) in [(0, input), (1, output), (2, error)] as [(Int32, Stream)] {
      switch stream {
      case .file(let path):
        unsafe posix_spawn_file_actions_addopen(
          &actions, number, path, number == 0 ? O_RDONLY : O_WRONLY | O_CREAT, 0o600)
      case .descriptor(let descriptor): unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      }
    }
    // The threads of the tests have signals blocked, which a child would inherit.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    // posix_spawn changes folders nowhere in the same way; a shell that becomes the program does everywhere.
    let shell = "/bin/sh"
    let words =
      unsafe ([shell, "-c", #"cd "$0" && exec "$@""#, folder, program] + arguments).map { unsafe strdup($0) }
      + [nil]
    let variables = unsafe environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var id: pid_t = 0
    let code = unsafe posix_spawn(&id, shell, &actions, &attributes, words, variables)
    guard code == 0 else { throw Failure(what: program, code: code) }
    self.id = id
    Thread.detachNewThread { [id, end] in
      var status: Int32 = 0
      while unsafe waitpid(id, &status, 0) == -1 && errno == EINTR {}
      end.came(status)
    }
  }

  /// Sends a signal, unless the process has ended.
  func send(_ signal: Int32) { if end.status == nil { _ = kill(id, signal) } }

  /// Waits until it ends.
  ///
  /// - Returns: its status as waitpid(2) gives it; nil when the time was over first.
  func status(within time: Duration) -> Int32? { end.wait(time) }

  /// The end of a process, for which several may wait.
  private final class End: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Int32?

    var status: Int32? { condition.withLock { value } }

    func came(_ status: Int32) {
      condition.withLock {
        value = status
        condition.broadcast()
      }
    }

    func wait(_ time: Duration) -> Int32? {
      let deadline = Date(timeIntervalSinceNow: time / .seconds(1))
      return condition.withLock {
        while value == nil, condition.wait(until: deadline) {}
        return value
      }
    }
  }
}
