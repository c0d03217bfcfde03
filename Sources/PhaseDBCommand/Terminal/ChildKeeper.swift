internal import CProcess

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A process between phasedb and a program that it runs. It is another run of phasedb's own executable, recognized by
/// its first argument, and ends the program and everything it started as soon as phasedb has ended.
///
/// A killed process cannot end its children. The keeper holds the reading end of a pipe, and only phasedb holds the
/// writing end: the pipe closes when phasedb ends, however that happens. Descendants whose parents end become children
/// of the keeper, also if they left the process group, so it finds all of them (man 2 PR_SET_CHILD_SUBREAPER). If the
/// keeper itself is killed, the program ends with it (man 2 PR_SET_PDEATHSIG).
///
/// It has unsafe expressions because starting and waiting for processes takes pointers. It has one thread, so it may
/// fork.
enum ChildKeeper {
  static let name = "phasedb-child-keeper"
  /// Closed when phasedb ends; a byte asks for the program's end.
  static let life = FileDescriptor(number: 3)
  /// The descriptor to which it writes one report.
  static let report = FileDescriptor(number: 4)
  static let stop = UInt8(ascii: "T")

  /// The first byte of the report. Four bytes follow: the exit code, the signal or the error number.
  enum Report: UInt8 { case exited, signalled, notStarted }

  /// Runs a program, and ends this process with it.
  ///
  /// - Parameter words: the program and its arguments.
  static func run(_ words: [String]) -> Never {
    for descriptor in [life, report] { _ = fcntl(descriptor.number, F_SETFD, FD_CLOEXEC) }
    // A signal to the whole session is for phasedb, which then ends the program in its own way.
    let ignored = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE].filter { number in
      let before = signal(number, SIG_IGN)
      return unsafe unsafeBitCast(before, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self)
    }
    phasedb_adopt_orphans()
    let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    let keeper = getpid()
    let program = phasedb_fork()
    if program == 0 {
      setpgid(0, 0)
      phasedb_end_with_parent()
      for number in ignored { _ = signal(number, SIG_DFL) }
      if getppid() == keeper, let file = unsafe arguments[0] { _ = unsafe execvp(file, arguments) }
      tell(.notStarted, errno)
      _exit(127)
    }
    guard program > 0 else {
      tell(.notStarted, errno)
      _exit(1)
    }
    // Both do it, so that it is done whoever comes first.
    setpgid(program, program)
    watch(program)
    _exit(0)
  }

  private static func tell(_ kind: Report, _ code: Int32) {
    let bits = UInt32(bitPattern: code)
    try? report.write([kind.rawValue] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) })
  }

  private static func watch(_ program: pid_t) {
    var pause: Int32 = 1
    while !hasEnded(program) {
      if life.isReady(within: pause) {
        guard life.read(upTo: 1) == [stop] else {
          endAll(program)
          return
        }
        kill(-program, SIGTERM)
        // Two seconds, in which phasedb may end as well.
        for _ in 0..<100 where !hasEnded(program) && !life.isReady(within: 20) {}
        break
      }
      pause = min(pause * 2, 20)
    }
    // Processes left in the background would go on using its files.
    let status = endAll(program)
    let signal = status & 0x7F
    if signal == 0 { tell(.exited, (status >> 8) & 0xFF) } else { tell(.signalled, signal) }
  }

  /// Whether a child has ended. Its number is not reused until somebody asks how it ended.
  private static func hasEnded(_ child: pid_t) -> Bool {
    var found = unsafe siginfo_t()
    let code = unsafe waitid(P_PID, id_t(child), &found, WEXITED | WNOHANG | WNOWAIT)
    return unsafe code != 0 && errno != EINTR || code == 0 && found.si_signo != 0
  }

  /// Kills the program and its descendants, and waits until they are gone, at most five seconds: some processes cannot
  /// be ended, and waiting longer would not help.
  ///
  /// - Returns: how the program ended, as waitpid(2) gives it.
  @discardableResult
  private static func endAll(_ program: pid_t) -> Int32 {
    kill(-program, SIGKILL)
    var end: Int32 = SIGKILL
    for _ in 0..<5_000 {
      while true {
        var status: Int32 = 0
        let found = unsafe waitpid(-1, &status, WNOHANG)
        if found == program { end = status }
        if found == -1, errno == ECHILD { return end }
        if found <= 0 { break }
      }
      for child in children() { kill(child, SIGKILL) }
      usleep(1_000)
    }
    return end
  }

  /// The children of this process, adopted ones included; none if the system does not list them.
  private static func children() -> [pid_t] {
    guard let folder = unsafe opendir("/proc") else { return [] }
    defer { unsafe closedir(folder) }
    let own = getpid()
    var children: [pid_t] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
      }
      guard let process = pid_t(name), parent(of: process) == own else { continue }
      children.append(process)
    }
    return children
  }

  /// Field 4 of the stat line, counted after the name in parentheses, which may hold anything (man 5 proc).
  private static func parent(of process: pid_t) -> pid_t? {
    let file = FileDescriptor(number: unsafe open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC))
    guard file.number >= 0 else { return nil }
    defer { file.close() }
    let line = String(decoding: file.read(upTo: 1_024), as: UTF8.self)
    guard let close = line.lastIndex(of: ")") else { return nil }
    let fields = line[line.index(after: close)...].split(separator: " ")
    return fields.count > 1 ? pid_t(fields[1]) : nil
  }
}
