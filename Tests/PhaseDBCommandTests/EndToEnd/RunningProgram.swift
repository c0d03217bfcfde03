import Foundation

/// A program that was started in a folder, with its output in files: nothing it writes can block it.
final class RunningProgram {
  private let process: ChildProcess
  private let streams: String
  private let began = ContinuousClock.now
  private let input: FileHandle?

  /// Where a program's standard output goes.
  enum Output {
    case captured
    /// A pipe whose reader has gone away.
    case closedPipe
    /// A device or file.
    case file(String)
  }

  init(
    _ program: String, _ arguments: [String], in folder: String, environment: [String: String],
    output: Output = .captured, takesInput: Bool = false
  ) throws {
    streams = FileManager.default.temporaryDirectory.path + "/phasedb-streams-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: streams, withIntermediateDirectories: true)
    let typed = takesInput ? Pipe() : nil
    let pipe = Pipe()
    // Written only here: another child that inherited the end would keep the pipe open.
    let ends = [pipe, typed].compactMap(\.self).flatMap {
      [$0.fileHandleForReading, $0.fileHandleForWriting]
    }
    for end in ends { _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC) }
    try pipe.fileHandleForReading.close()
    let standardOutput: ChildProcess.Stream =
      switch output {
      case .captured: .file("\(streams)/output")
      case .closedPipe: .descriptor(pipe.fileHandleForWriting.fileDescriptor)
      case .file(let path): .file(path)
      }
    process = try ChildProcess(
      program, arguments, in: folder, environment: environment,
      input: typed.map { .descriptor($0.fileHandleForReading.fileDescriptor) } ?? .file("/dev/null"),
      output: standardOutput, error: .file("\(streams)/error"))
    try typed?.fileHandleForReading.close()
    try pipe.fileHandleForWriting.close()
    input = typed?.fileHandleForWriting
  }

  deinit { try? FileManager.default.removeItem(atPath: streams) }

  /// What it has written so far.
  var output: String { text("output") }
  var errors: String { text("error") }

  private func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: "\(streams)/\(name)") ?? Data(), as: UTF8.self)
  }

  func send(_ signal: Int32) { process.send(signal) }

  /// Writes a line to its standard input.
  func type(_ line: String) throws { try input?.write(contentsOf: Data("\(line)\n".utf8)) }

  func closeInput() throws { try input?.close() }

  /// Waits for a condition, at most ten seconds.
  ///
  /// - Returns: false when the program ended, or the time was over, without it.
  func reaches(_ condition: () -> Bool) -> Bool {
    for _ in 0..<15_000 {
      if condition() { return true }
      guard !hasEnded(within: .milliseconds(2)) else { return condition() }
    }
    return false
  }

  /// Whether it ends before so much time is over.
  func hasEnded(within time: Duration) -> Bool { process.status(within: time) != nil }

  /// Waits until it has ended; one that does not end in five minutes is killed. The longest take twenty seconds alone, and
  /// a machine may be busy with much else.
  func outcome() -> Outcome {
    var status = process.status(within: .seconds(300))
    if status == nil {
      process.send(SIGKILL)
      status = process.status(within: .seconds(60))
    }
    let signal = (status ?? SIGKILL) & 0x7F
    return Outcome(
      output: output, errors: errors, code: signal == 0 ? ((status ?? 0) >> 8) & 0xFF : 128 + signal,
      signal: signal == 0 ? nil : signal, duration: ContinuousClock.now - began)
  }
}

/// How a program ended.
struct Outcome {
  let output: String
  let errors: String
  /// As a shell gives it: 128 and the signal for a program that a signal ended.
  let code: Int32
  /// The signal that ended it.
  let signal: Int32?
  let duration: Duration

  /// Everything at a glance, for a message.
  var summary: String { "exit \(code)\n\(output)\(errors)" }
}
