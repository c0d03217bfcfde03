import Foundation

/// A program that was started in a folder, with its output in files: nothing it writes can block it.
final class RunningProgram {
  private let process = Process()
  private let streams: URL
  private let began = ContinuousClock.now
  private let ended = DispatchSemaphore(value: 0)
  private let input: Pipe?

  /// Where a program's standard output goes.
  enum Output {
    case captured
    /// A pipe whose reader has gone away.
    case closedPipe
    /// A device or file.
    case file(String)
  }

  init(
    _ executable: URL, _ arguments: [String], in folder: URL, environment: [String: String],
    output: Output = .captured, takesInput: Bool = false
  ) throws {
    streams = FileManager.default.temporaryDirectory.appending(path: "phasedb-streams-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: streams, withIntermediateDirectories: true)
    input = takesInput ? Pipe() : nil
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = environment
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardError = try Self.emptyFile(streams.appending(path: "error"))
    var pipe: Pipe?
    switch output {
    case .captured: process.standardOutput = try Self.emptyFile(streams.appending(path: "output"))
    case .file(let path): process.standardOutput = FileHandle(forWritingAtPath: path)
    case .closedPipe:
      pipe = Pipe()
      try pipe?.fileHandleForReading.close()
      process.standardOutput = pipe?.fileHandleForWriting
    }
    process.terminationHandler = { [ended] _ in ended.signal() }
    try process.run()
    try pipe?.fileHandleForWriting.close()
  }

  deinit { try? FileManager.default.removeItem(at: streams) }

  private static func emptyFile(_ url: URL) throws -> FileHandle {
    try Data().write(to: url)
    return try FileHandle(forWritingTo: url)
  }

  /// What it has written so far.
  var output: String { text("output") }
  var errors: String { text("error") }

  private func text(_ name: String) -> String {
    let data = try? Data(contentsOf: streams.appending(path: name))
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  func send(_ signal: Int32) { _ = kill(process.processIdentifier, signal) }

  /// Writes a line to its standard input.
  func type(_ line: String) throws {
    try input?.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
  }

  func closeInput() throws { try input?.fileHandleForWriting.close() }

  /// Waits for a condition, at most ten seconds.
  ///
  /// - Returns: false when the program ended, or the time was over, without it.
  func reaches(_ condition: () -> Bool) -> Bool {
    for _ in 0..<5_000 {
      if condition() { return true }
      guard !hasEnded(within: .milliseconds(2)) else { return condition() }
    }
    return false
  }

  /// Whether it ends before so much time is over.
  func hasEnded(within time: DispatchTimeInterval) -> Bool {
    guard ended.wait(timeout: .now() + time) == .success else { return false }
    ended.signal()
    return true
  }

  /// Waits until it has ended; one that does not end in a minute is killed.
  func outcome() -> Outcome {
    if !hasEnded(within: .seconds(60)) {
      send(SIGKILL)
      ended.wait()
      ended.signal()
    }
    return Outcome(
      output: output, errors: errors, code: process.terminationStatus,
      signal: process.terminationReason == .uncaughtSignal ? process.terminationStatus : nil,
      duration: ContinuousClock.now - began)
  }
}

/// How a program ended.
struct Outcome {
  let output: String
  let errors: String
  let code: Int32
  /// The signal that ended it.
  let signal: Int32?
  let duration: Duration

  /// The two ways to succeed or fail at a glance: exit code and what was said about it.
  var summary: String { "exit \(code)\n\(output)\(errors)" }
}
